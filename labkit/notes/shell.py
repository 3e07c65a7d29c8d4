"""Lines of a shell: which of a block are typed and which are printed; what a typed one calls, reads and writes.

tree-sitter's grammar of bash reads them; nothing here runs anything.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

KUBECTL = ("kubectl", "k", "kubecolor", "oc")
"""What people call kubectl; the sandbox knows all but the last by that name."""

TOOLS = frozenset({
    "[", "awk", "base64", "basename", "bash", "bc", "cat", "cd", "chmod", "chown", "clear", "column", "cp", "curl",
    "cut", "date", "df", "diff", "dig", "dirname", "du", "echo", "env", "eval", "export", "false", "file", "find",
    "free", "getent", "grep", "gunzip", "gzip", "head", "hostname", "id", "jq", "kill", "less", "ln", "ls",
    "md5sum", "mkdir", "mktemp", "more", "mv", "nano", "nc", "netstat", "nl", "nslookup", "openssl", "paste",
    "pbcopy", "ping", "printenv", "printf", "ps", "pwd", "python", "python3", "read", "rm", "rmdir", "sed", "seq",
    "set", "sh", "sha256sum", "sleep", "sort", "source", "ss", "stat", "tail", "tar", "tee", "telnet", "test",
    "time", "timeout", "top", "touch", "tr", "tree", "true", "type", "unalias", "uname", "uniq", "unset", "vi",
    "vim", "wait", "watch", "wc", "wget", "which", "whoami", "xargs", "yes", "yq", "zip", "unzip", "alias",
    "declare", "local", "exit", "host", "history", "kubens", "kubectx", "stern", "emacs", "code",
})  # fmt: skip
"""Programs that a command line begins with, beside those out of reach."""

OUT_OF_REACH = frozenset({
    "ab", "ansible", "apt", "apt-get", "aws", "az", "brew", "buildah", "cfssl", "cfssljson", "chroot", "containerd",
    "crictl", "ctr", "dnf", "docker", "docker-compose", "doctl", "eksctl", "etcd", "etcdctl", "etcdutl",
    "firewall-cmd", "flux", "gcloud", "git", "gke-gcloud-auth-plugin", "go", "helm", "helmfile", "ip", "iptables",
    "istioctl", "journalctl", "k3d", "k3s", "kind", "kops", "kubeadm", "kubelet", "kustomize", "linkerd", "lxc",
    "make", "microk8s", "minikube", "mount", "mvn", "multipass", "nerdctl", "nft", "node", "npm", "npx", "open",
    "packer", "pip", "pip3", "podman", "reboot", "rsync", "scp", "service", "skaffold", "snap", "ssh",
    "ssh-copy-id", "ssh-keygen", "start", "su", "sudo", "swapoff", "sysctl", "systemctl", "terraform", "tmux",
    "ufw", "useradd", "usermod", "vagrant", "velero", "virsh", "yum", "zypper", "minikube.exe", "kubectl.exe",
    "choco", "winget", "hey", "siege", "wrk", "calicoctl", "argocd", "krew", "opkg", "kubectl-convert", "modprobe",
    "cilium", "stress", "redis-cli", "mysql", "psql", "mongo", "add-apt-repository", "apt-cache", "apt-key",
    "apt-mark", "dpkg", "gpg", "hostnamectl", "lsmod", "rpm", "timedatectl", "wg", "wg-quick",
})  # fmt: skip
"""Programs of a machine of the reader's own: hosts, clouds, package managers, container engines."""

_KEYWORDS = frozenset({
    "for", "while", "until", "if", "case", "function", "{", "(", "((", "[[", "!", "do", "done", "then", "else",
    "fi", "esac", "select",
})  # fmt: skip

_PROMPT = re.compile(
    r"""^\s*(?:
      (?:\([\w.\- ]+\)\s*)?                                                   # a virtual environment
      (?:
        \[?[\w.\-]+@[\w.\-]+[^\]$\#%>]{0,60}\]?\s?[$\#%]\s+                     # user@host:~$  [root@host ~]#
      | (?:[\w.\-]+:)?[~/][\w./\-~]*\s?[$\#%>]\s+                               # ~/notes $
      | controlplane\s(?:[~/]\S*\s)?[$\#]\s+
      | [$\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}\N{HEAVY ROUND-TIPPED RIGHTWARDS ARROW}]\s+  # zsh
      | \$(?=(?:kubectl|k)\s)
      | (?:ba|da|a|k|z)?sh-\d[\d.]*\s?[$\#]\s+                                   # sh-4.2 $
      | PS\s?[A-Z]:\\[^>]*>\s+
      | C:\\[^>]*>\s*
      ))""",
    re.VERBOSE,
)

_PLACEHOLDER = re.compile(r"<(?=[A-Za-z])[A-Za-z][\w .,:/|\-]{0,48}>")
OPEN, CLOSE = "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}", "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}"
"""What stands for < and > around a placeholder, which bash would take for redirections."""

_HEREDOC = re.compile(r"""<<(-?)\s*(['"]?)\\?(\w+)\2""")
_WORD = re.compile(r"[A-Za-z_./\[{(!$][\w./+\-\[{(]*")
_ASSIGNMENT = re.compile(r"(?:export\s+|declare\s+|local\s+)?[A-Za-z_]\w*(?:\[\w+\])?\+?=")
_CMDLET = re.compile(
    r"(?:Add|Copy|Expand|Export|Get|Import|Install|Invoke|New|Out|Remove|Select|Set|Start|Stop|Test|Write)-[A-Z][A-Za-z]+(?:\s|$)"
)
"""What PowerShell's own commands are called."""
_BY_ITS_PATH = re.compile(r"\./\S|(?:/[\w.\-]+)*/s?bin/[\w.+\-]+\s+\S")
"""A program that no list knows. What `which` prints has no arguments."""
_JSON_STRING = re.compile(r"\s*([\"'])[^\"']*\1\s*[:,\]]")
"""What follows on { or [ in JSON, and in no shell."""
_NO_COMMAND = re.compile(r"kubectl controls the Kubernetes|kubectl (?:is|can|has|will|and|or)\b|k (?:=|is)\s")

MOST_LINES = 4000
"""Of one command with its here-document."""


@dataclass(frozen=True)
class Call:
    """One program that a line starts, with what is known of its words without running it."""

    words: tuple[str, ...]
    """Unquoted; a word that holds a variable or a substitution is as written."""
    writes: tuple[str, ...] = ()
    """Files that its output goes to."""
    heredoc: str | None = None
    piped: bool = False
    """Whether it reads what another one of the line writes."""

    @property
    def program(self) -> str:
        return self.words[0] if self.words else ""


@dataclass(frozen=True)
class Parsed:
    """What one typed line, or several that belong together, comes to."""

    calls: tuple[Call, ...]
    sets: frozenset[str]
    """Variables, functions and aliases that it makes."""
    uses: frozenset[str]
    """Variables that it reads."""
    broken: bool
    """Whether bash could not read it."""


@dataclass(frozen=True)
class Typed:
    """A command line of a block with what the block shows under it."""

    line: int
    """Its first line in the block, from 0."""
    count: int
    """How many lines it has."""
    text: str
    """Without prompts, with placeholders as written."""
    shown: tuple[str, ...] = ()
    prompted: bool = False
    remark: str = ""
    """A comment on the same line."""
    inner: bool = False
    """Whether it is typed into a shell within a container."""


@functools.cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_bash.language()))


def placeholders(text: str) -> tuple[str, ...]:
    """Name what stands between angle brackets to be filled in."""
    return tuple(found[0] for found in _PLACEHOLDER.finditer(_outside_heredocs(text)))


def quoted(text: str) -> str:
    """Give a line in which bash takes no placeholder for a redirection."""
    return _PLACEHOLDER.sub(lambda found: f"{OPEN}{found[0][1:-1].replace(' ', '_').replace('|', '_')}{CLOSE}", text)


def _outside_heredocs(text: str) -> str:
    found = _HEREDOC.search(text)
    return text.partition("\n")[0] if found else text


@functools.lru_cache(4096)
def parse(text: str) -> Parsed:
    """Read a command line."""
    source = quoted(text).encode()
    root = _parser().parse(source).root_node
    calls: list[Call] = []
    sets: set[str] = set()
    uses: set[str] = set()
    _walk(root, calls, sets, uses)
    for call in calls:
        if call.program == "alias":
            sets.update(word.partition("=")[0] for word in call.words[1:] if "=" in word)
        if call.program == "read":
            sets.update(word for word in call.words[1:] if re.fullmatch(r"[A-Za-z_]\w*", word))
    return Parsed(tuple(calls), frozenset(sets), frozenset(uses - sets), root.has_error)


def _walk(node: Node, calls: list[Call], sets: set[str], uses: set[str], piped: bool = False) -> None:
    """Collect calls in the order in which they stand."""
    if node.type == "redirected_statement":
        body = node.child_by_field_name("body")
        writes = tuple(
            _plain(target)
            for redirect in node.named_children
            if redirect.type == "file_redirect" and b"<" not in (redirect.text or b"")[:2]
            for target in redirect.named_children
            if target.type in ("word", "string", "raw_string", "concatenation", "simple_expansion")
        )
        here = [child for child in node.named_children if child.type == "heredoc_redirect"]
        start = len(calls)
        if body is not None:
            _walk(body, calls, sets, uses, piped)
        if len(calls) > start:
            calls[-1] = replace(calls[-1], writes=calls[-1].writes + writes, heredoc=_body(here[0]) if here else None)
        for redirect in here:
            for child in redirect.named_children:
                if child.type == "pipeline":
                    _walk(child, calls, sets, uses, True)
                elif child.type == "file_redirect" and len(calls) > start:
                    targets = tuple(_plain(t) for t in child.named_children if t.type != "file_descriptor")
                    calls[start] = replace(calls[start], writes=calls[start].writes + targets)
                elif child.type == "heredoc_body":
                    _walk(child, calls, sets, uses)
        return
    if node.type == "heredoc_redirect":
        return
    if node.type == "pipeline":
        for index, child in enumerate(node.named_children):
            _walk(child, calls, sets, uses, piped or index > 0)
        return
    if node.type == "command":
        words = [_plain(c) for c in node.named_children if c.type not in ("variable_assignment", "file_redirect")
                 and not c.type.startswith(("heredoc", "herestring"))]  # fmt: skip
        if words:
            calls.append(Call(tuple(words), piped=piped))
    elif node.type in ("variable_assignment", "for_statement", "function_definition"):
        name = next((c for c in node.named_children if c.type in ("variable_name", "word")), None)
        if name is not None:
            sets.add(_plain(name))
    elif node.type in ("simple_expansion", "expansion"):
        uses.update(_plain(c) for c in node.named_children if c.type == "variable_name")
    for child in node.named_children:
        _walk(child, calls, sets, uses)


def _body(redirect: Node) -> str:
    return "".join(_text(c) for c in redirect.named_children if c.type == "heredoc_body")


def _text(node: Node) -> str:
    return (node.text or b"").decode(errors="replace")


def _plain(node: Node) -> str:
    """Give a word without its quotes."""
    if node.type in ("raw_string", "ansi_c_string"):
        return _text(node).lstrip("$").strip("'")
    if node.type == "string":
        return _text(node)[1:-1]
    if node.type in ("concatenation", "command_name") and node.named_children:
        return "".join(_plain(child) for child in node.named_children)
    return re.sub(r"\\(.)", r"\1", _text(node)) if node.type == "word" else _text(node)


def first_word(line: str) -> str:
    """Give the program that a line begins with, behind assignments."""
    rest = line.strip()
    while found := re.match(r"[A-Za-z_]\w*=(?:'[^']*'|\"[^\"]*\"|\S*)\s+(?=\S)", rest):
        rest = rest[found.end() :]
    found = _WORD.match(rest)
    return found[0] if found else ""


def known(word: str) -> bool:
    """Tell whether a word is a program that notes type; kubectl's name misspelt is taken for one."""
    name = word.rpartition("/")[2] if word.startswith(("/", "./", "~/")) else word
    return (
        word in KUBECTL
        or name in TOOLS
        or name in OUT_OF_REACH
        or word in _KEYWORDS
        or name.startswith(("kubectl-", "./"))
        or misspelt(word)
    )


def misspelt(word: str) -> bool:
    """Tell whether a word is kubectl with its letters in disorder."""
    near = difflib.SequenceMatcher(None, word, "kubectl").ratio() >= 0.8 and 5 < len(word) < 10
    return (
        near
        and word not in ("kubectl", "kubelet", "kubectx", "kubectl's", "kube-ctl")
        and word.isalpha()
        and word.islower()
    )


def is_command(line: str) -> bool:
    """Tell whether a line without a prompt is typed, by what it begins with."""
    bare = line.strip()
    if not bare or _NO_COMMAND.match(bare):
        return False
    if _ASSIGNMENT.match(bare):
        return "= " not in bare.split('"')[0].split("'")[0] and not re.match(r"[\w.\-]+=\S*(?:,|\s+[A-Z]\w*:)", bare)
    word = first_word(bare)
    if word in ("{", "[") and (bare == word or not bare[1].isspace() or _JSON_STRING.match(bare[1:])):
        return False
    if not known(word):
        if _CMDLET.match(bare):
            return True
        return bool(_BY_ITS_PATH.match(bare))
    rest = bare[len(word) :]
    if word in (
        "k",
        "host",
        "open",
        "start",
        "service",
        "node",
        "time",
        "date",
        "file",
        "read",
        "type",
        "top",
        "history",
        "test",
        "code",
        "set",
        "go",
        "make",
        "kind",
        "find",
        "watch",
        "wait",
        "which",
    ):
        # English and output begin with these words, too.
        return _reads_like_a_command(word, rest)
    return not re.match(r"\s*[:=]\s", rest) and not rest.startswith(":") and "\t" not in rest.strip("\t ")[:0]


VERBS = frozenset({
    "annotate", "api-resources", "api-versions", "apply", "attach", "auth", "autoscale", "certificate",
    "cluster-info", "completion", "config", "cordon", "cp", "create", "debug", "delete", "describe", "diff",
    "drain", "edit", "events", "exec", "explain", "expose", "get", "help", "kustomize", "label", "logs", "options",
    "patch", "plugin", "port-forward", "proxy", "replace", "rollout", "run", "scale", "set", "taint", "top",
    "uncordon", "version", "wait",
})  # fmt: skip
"""kubectl's commands. Source: kubectl help, v1.37."""


def _reads_like_a_command(word: str, rest: str) -> bool:
    words = rest.split()
    if word == "service":
        return len(words) == 2 and words[1] in ("start", "stop", "restart", "status", "reload")
    if word == "k":
        return bool(words) and (words[0] in VERBS or words[0].startswith("-"))
    if word in ("date", "history", "wait") and not words:
        return True
    return (
        bool(words)
        and not rest.lstrip().startswith((":", "=", "is ", "the ", "to ", "of ", "and "))
        and bool(re.match(r"[-/.$\"'+\w]", words[0]))
        and not rest.rstrip().endswith((".", ":"))
    )


def prompt_of(line: str) -> str:
    """Give the prompt that a line begins with, "" where there is none."""
    found = _PROMPT.match(line)
    return found[0] if found else ""


_INNER_PROMPT = re.compile(
    r"^\s*(?:(?:root@[\w.\-]+:)?/[\w./]*\s?[#$]|#|(?:ba|da|a|k|z)?sh-\d[\d.]*\s?[$#](?!\s+(?:kubectl|k)\s))\s+(?=\S)"
)
"""The prompt of a shell within a container: / #, root@web:/# and sh-4.2 $. A lone # is a comment's."""


def has_prompts(lines: Sequence[str]) -> bool:
    """Tell whether a block shows a terminal with prompts; those within a container tell nothing of its other lines."""
    first = next((line for line in lines if line.strip() and not line.lstrip().startswith("#")), "")
    return any(
        (prompt := prompt_of(line))
        and not _INNER_PROMPT.match(line)
        and _is_after_prompt(line[len(prompt) :], line is first and prompt.strip() == "$")
        for line in lines
    )


def _is_after_prompt(rest: str, begins: bool) -> bool:
    """Tell whether what follows on a prompt is typed. Where a block begins with $, any program's name will do."""
    return known(first_word(rest)) or is_command(rest) or (begins and bool(re.match(r"[a-z][\w.+\-]*(?:\s|$)", rest)))


def is_inner(line: str) -> bool:
    """Tell whether a line is typed into a shell within a container."""
    return bool(_INNER_PROMPT.match(line)) and not line.lstrip().startswith("#")


def typed(lines: Sequence[str]) -> tuple[Typed, ...]:
    """Part a block of a shell into what is typed and what is printed under it."""
    return tuple(_typed(lines, has_prompts(lines)))


_READ = re.compile(r"\$\{?([A-Za-z_]\w*)")
"""How a line reads a variable."""


def _typed(lines: Sequence[str], prompts: bool) -> Iterator[Typed]:
    # Once for the block, so that no line has to look through all that follow it.
    last_read = {name: at for at, line in enumerate(lines) for name in _READ.findall(line)}
    last_brace = max((at for at, line in enumerate(lines) if line.strip() == "}"), default=-1)
    at = 0
    current: Typed | None = None
    shown: list[str] = []
    grouped = False
    while at < len(lines):
        line = lines[at]
        prompt = prompt_of(line)
        inner = is_inner(line)
        starts = (
            _typed_at_all(line[len(prompt) :]) if prompt and (prompts or inner) else not prompts and is_command(line)
        )
        if not prompts and starts and current and _is_output_of(line, current, shown):
            # A variable that is read later was set.
            starts = last_read.get(line.strip().partition("=")[0], -1) > at
        if not starts:
            if not prompts and at < last_brace and _begins_group(lines, at):
                grouped = True
            elif grouped and line.strip() == "}":
                grouped = False
            else:
                shown.append(line)
            at += 1
            continue
        if current:
            yield replace(current, shown=_printed(shown))
        shown = []
        count, text = _whole(lines, at, prompt)
        text, remark = _remark(text)
        current = Typed(at, count, text, prompted=bool(prompt), remark=remark, inner=inner)
        at += count
    if current:
        yield replace(current, shown=_printed(shown))


def _begins_group(lines: Sequence[str], at: int) -> bool:
    """Tell whether a lone { begins commands that are typed together, and no JSON."""
    if lines[at].strip() != "{":
        return False
    after = (lines[index] for index in range(at + 1, len(lines)))
    return is_command(next((line for line in after if _typed_at_all(line)), ""))


def _typed_at_all(rest: str) -> bool:
    return bool(rest.strip()) and not rest.lstrip().startswith("#")


def _is_output_of(line: str, current: Typed, shown: Sequence[str]) -> bool:
    """Tell whether a line `A=b` right under a command may be what that prints."""
    if not _ASSIGNMENT.match(line.strip()) or line.lstrip().startswith(("export", "declare", "local")):
        return False
    above = shown[-1] if shown else current.text
    return bool(above.strip()) and not _ASSIGNMENT.match(current.text)


def _printed(shown: Sequence[str]) -> tuple[str, ...]:
    """Give what was printed, without the comments and empty lines around it."""
    kept = list(shown)
    while kept and (not kept[0].strip() or kept[0].lstrip().startswith("# ")):
        kept.pop(0)
    while kept and (not kept[-1].strip() or kept[-1].lstrip().startswith("#")):
        kept.pop()
    return tuple(kept)


def _remark(text: str) -> tuple[str, str]:
    if "\n" in text or not (found := re.search(r"\s+#\s*([^'\"]*)$", text)):
        return text, ""
    return text[: found.start()], found[1].strip()


def _whole(lines: Sequence[str], at: int, prompt: str) -> tuple[int, str]:
    """Give how many lines the command that begins at a line has, and its text without prompts."""
    command = _Command(lines[at][len(prompt) :] if prompt else lines[at].lstrip())
    for end in range(at + 1, min(at + MOST_LINES, len(lines))):
        if not command.goes_on:
            break
        following = lines[end]
        if not command.heredoc and prompt:
            if re.match(r"^>\s", following):
                following = following[2:]
            elif prompt_of(following):
                break
        command.add(following)
    if command.heredoc:
        return len(command.lines), "\n".join(command.lines)
    if len(command.lines) > 1 and command.quote:
        # What never ends is one line to a reader.
        return 1, command.lines[0].rstrip()
    return len(command.lines), "\n".join(command.lines).rstrip()


_ENDS = {
    **dict.fromkeys(("for", "while", "until", "select"), re.compile(r"(?:^|[\s;])done\b")),
    "if": re.compile(r"(?:^|[\s;])fi\b"),
    "case": re.compile(r"(?:^|[\s;])esac\b"),
    "function": re.compile("}"),
}
"""What ends a command that begins with a keyword."""


class _Command:
    """A command as its lines come, each looked at once: whether a shell would wait for another one."""

    def __init__(self, first: str) -> None:
        self.lines: list[str] = []
        self.heredoc = ""
        """The word that a here-document waits for."""
        self.quote = ""
        """The quotation that is open."""
        self._heredoc_ended = False
        self._end = _ENDS.get(first_word(first))
        self.add(first)

    def add(self, line: str) -> None:
        self.lines.append(line)
        if self.heredoc:
            if line.strip() == self.heredoc:
                self.heredoc, self._heredoc_ended = "", True
            return
        self.quote = _quote_after(line, self.quote)
        if self._end and self._end.search(line):
            self._end = None
        first = self.lines[0]
        begins = len(self.lines) == 1 or (len(self.lines) <= 3 and first.rstrip().endswith("\\"))
        if begins and "<<<" not in first and (found := _HEREDOC.search(line)):
            self.heredoc = found[3]

    @property
    def goes_on(self) -> bool:
        if self.heredoc or self._heredoc_ended:
            return bool(self.heredoc)
        last = self.lines[-1].rstrip()
        if (last.endswith("\\") and not last.endswith("\\\\")) or last.endswith(("|", "&&", "||")):
            return True
        return bool(self.quote or self._end)


def _quote_after(line: str, quote: str) -> str:
    """Give the quotation that is open at the end of a line, of that at its beginning; "" where there is none.

    A lone apostrophe within a comment opens none.
    """
    escaped = False
    before = "\n"
    for character in line:
        if escaped:
            escaped = False
        elif character == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character == "#" and before in " \n\t":
            return ""
        before = character
    return quote
