"""What the blocks of a document are: commands, manifests, pieces of them, Dockerfiles, output; and which file is which.

A block's content decides; its language only where that leaves it open.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from labkit.notes import kubectl, manifest, output, shell
from labkit.notes.document import Block, Document
from labkit.notes.kubectl import Kubectl, Object
from labkit.notes.manifest import Manifest
from labkit.notes.shell import Call, Parsed, Typed

Kind = Literal["commands", "manifest", "fragment", "Dockerfile", "output", "text"]

SHELLS = frozenset({
    "bash", "sh", "shell", "zsh", "console", "terminal", "shell-session", "shellsession", "cmd", "powershell",
    "ksh", "commandline",
})  # fmt: skip
_YAMLS = frozenset({"yaml", "yml", "json", "kyaml"})
_OUTPUTS = frozenset({"output", "text", "txt", "plaintext", "log", "none", "console-output"})
_OTHERS = frozenset({
    "go", "golang", "python", "py", "java", "javascript", "js", "typescript", "ts", "html", "css", "ruby", "rust",
    "c", "cpp", "php", "sql", "xml", "ini", "toml", "conf", "nginx", "hcl", "mermaid", "diff", "properties", "http",
    "vim", "lua", "makefile", "make", "plantuml", "puml", "uml", "graphql", "markdown", "md", "dot", "jsonnet",
})  # fmt: skip
_INSTRUCTIONS = re.compile(
    r"^(FROM|ARG\s+\w+.*\n(?:.*\n)*?FROM)\s+\S+(?:\s+AS\s+\S+)?\s*$", re.MULTILINE | re.IGNORECASE
)
_TABLE = re.compile(r"^[A-Z][A-Z0-9_/()%\-]*(?:\s{2,}|\t+)[A-Z]|^NAME\s")
_HELP = re.compile(r"\s*(Examples|Usage|Options|Flags|Available Commands):")
_ADDRESS = re.compile(r"\s*https?://\S+\s*")
_SETTINGS_PART = re.compile(r"\s*\[[A-Za-z][\w ./:@\"\-]*\]\s*")
_SETTING = re.compile(r"\s*[\w.\-]+\s*=")
_SAID_TO_BE_PRINTED = re.compile(r"\b(?:output|outputs|prints?|printed|returns?|response)\b", re.IGNORECASE)
_EDITORS = ("vi", "vim", "nano", "touch", "code", "emacs")
_FILE = r"[\w.\-/]+\.(?:ya?ml|json)"


@dataclass(frozen=True)
class Command:
    """One command line of the notes."""

    line: int
    """Of the document, from 1."""
    end: int
    """Its last line."""
    block: int
    typed: Typed
    parsed: Parsed
    kubectls: tuple[Kubectl, ...]
    placeholders: tuple[str, ...]

    @property
    def text(self) -> str:
        return self.typed.text

    @property
    def programs(self) -> tuple[str, ...]:
        return tuple(call.program for call in self.parsed.calls)

    @property
    def writes(self) -> tuple[str, ...]:
        """Files that it leaves."""
        return tuple(path for call in self.parsed.calls for path in (*call.writes, *_left_by(call)) if _is_path(path))

    @property
    def reads(self) -> tuple[str, ...]:
        """Files that its kubectls read."""
        return tuple(path for call in self.kubectls for path in (*call.files, *call.data_files) if path != "-")


@dataclass(frozen=True)
class Origin:
    """Where a file comes from that a command reads."""

    how: Literal["named", "guessed", "shown", "command", "beside", "address", "missing"]
    block: int | None = None
    """The block that is its content."""
    path: Path | None = None
    """The file of the reader's that is its content."""


@dataclass(frozen=True)
class Notes:
    """A document, understood."""

    document: Document
    kinds: tuple[Kind, ...]
    """Of each block."""
    commands: tuple[Command, ...]
    manifests: dict[int, Manifest]
    """By block: the whole ones and the pieces."""
    origins: dict[tuple[int, str], Origin]
    """By command and file."""
    findings: tuple[tuple[int, str], ...]
    """What is odd about the notes, and no fault of a line: line and sentence."""

    def section(self, at: int) -> int:
        """Give the section that a command stands in."""
        return self.document.blocks[self.commands[at].block].section


def understand(document: Document) -> Notes:
    """Tell what each block of a document is, and where the files come from that its commands read."""
    manifests: dict[int, Manifest] = {}
    kinds: list[Kind] = []
    for index, block in enumerate(document.blocks):
        kind, found = _kind(block)
        if found:
            manifests[index] = found
        kinds.append(kind)
    commands = tuple(
        command
        for index, block in enumerate(document.blocks)
        if kinds[index] == "commands"
        for command in _commands(block, index)
    )
    for index in _written_into_files(document, kinds, commands):
        kinds[index] = "text"
    origins = dict(_Files(document, tuple(kinds), commands, manifests).origins())
    return Notes(document, tuple(kinds), commands, manifests, origins, tuple(_findings(document, kinds)))


def kind_of(block: Block) -> Kind:
    """Tell what a block is."""
    return _kind(block)[0]


def _kind(block: Block) -> tuple[Kind, Manifest | None]:
    lines = [line for line in block.lines if line.strip()]
    if not lines:
        return "text", None
    text = block.text
    if block.language in _OTHERS:
        return "text", None
    if shell.has_prompts(block.lines):
        return "commands", None
    if block.form == "inline":
        return ("commands" if _inline_step(text) else "text"), None
    if _is_settings(lines) or _is_address_to_fill_in(lines):
        return "text", None
    if any(_HELP.fullmatch(line) for line in lines):
        return "output", None  # what --help prints has commands in it
    first = next((line for line in lines if not line.lstrip().startswith("#")), lines[0]).strip()
    if _is_dockerfile(text, first, block.language):
        return "Dockerfile", None
    starts = shell.is_command(first)
    if not starts or (block.language in _YAMLS and ":" in first and not first.startswith(shell.KUBECTL)):
        found = _manifest(block, text)
        if found:
            return found
    if starts:
        return "commands", None
    any_command = any(shell.is_command(line) for line in lines)
    if block.language in SHELLS and any_command and not _is_output(lines):
        return "commands", None
    if _is_output(lines) or block.language in _OUTPUTS:
        return "output", None
    if any_command and block.language not in _YAMLS and _mostly_commands(lines):
        return "commands", None
    if block.language in SHELLS or not block.language:
        return ("output" if block.language not in SHELLS or not any_command else "commands"), None
    return ("output" if block.language in _YAMLS and _said_to_be_printed(block) else "text"), None


def _written_into_files(document: Document, kinds: Sequence[Kind], commands: Sequence[Command]) -> Iterator[int]:
    """Name the blocks that look like output and are what a file gets: those right after an editor is opened on it."""
    last = {command.block: command for command in commands}
    for index, block in enumerate(document.blocks):
        before = last.get(index - 1)
        if (
            before
            and kinds[index] == "output"
            and block.language not in _OUTPUTS
            and not before.typed.shown
            and any(_opens(call) for call in before.parsed.calls)
            and not _is_output(list(block.lines))
            and not _said_to_be_printed(block)
        ):
            yield index


def _opens(call: Call) -> bool:
    """Tell whether an editor is opened on a file, or an empty one is made."""
    return call.program in _EDITORS and len(call.words) > 1


def _said_to_be_printed(block: Block) -> bool:
    return bool(block.above and _SAID_TO_BE_PRINTED.search(block.above[0].rpartition(". ")[2]))


def _is_settings(lines: list[str]) -> bool:
    """Tell whether a block is what systemd's and other programs' files look like: [Part], then name = value."""
    said = [line for line in lines if not line.lstrip().startswith(("#", ";"))]
    settings = sum(bool(_SETTING.match(line)) for line in said)
    goes_on = sum(line.rstrip().endswith("\\") for line in said)
    parts = sum(bool(_SETTINGS_PART.fullmatch(line)) for line in said)
    return bool(settings and _SETTINGS_PART.fullmatch(said[0])) and settings + goes_on + parts >= len(said)


def _is_address_to_fill_in(lines: list[str]) -> bool:
    """Tell whether a block is an address for a browser: no program prints one with placeholders."""
    return all(_ADDRESS.fullmatch(line) for line in lines) and any(shell.placeholders(line) for line in lines)


def _manifest(block: Block, text: str) -> tuple[Kind, Manifest | None] | None:
    json_like = text.lstrip()[:1] in "{["
    if json_like and block.language not in _YAMLS and not _is_json(text):
        return None
    if not json_like and not (manifest.looks_like_yaml(text) or block.language in _YAMLS):
        return None
    found = manifest.read(text)
    if found.form == "whole":
        if any(isinstance(d, dict) and _is_printed(d) for d in found.documents):
            return "output", found
        return "manifest", found
    if found.form != "fragment":
        return None
    printed = block.language in SHELLS and _said_to_be_printed(block)
    if printed or (block.language not in _YAMLS and _is_output(text.split("\n"))):
        return "output", None
    several = len(text.strip().split("\n")) > 1
    return ("fragment", found) if block.language in _YAMLS or several else None


def _is_printed(thing: dict[str, object]) -> bool:
    """Tell whether an object is as the server gives it, and not as people write it."""
    metadata = thing.get("metadata")
    return isinstance(metadata, dict) and bool({"uid", "resourceVersion"} & metadata.keys())


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _is_dockerfile(text: str, first: str, language: str) -> bool:
    if language in ("dockerfile", "docker"):
        return not shell.is_command(first) or first.startswith(("FROM ", "ARG "))
    return (
        bool(re.match(r"(FROM|ARG)\s+\S+", first))
        and bool(_INSTRUCTIONS.search(text))
        and bool(re.search(r"^\s*(RUN|COPY|ADD|CMD|ENTRYPOINT|WORKDIR|ENV|EXPOSE)\s", text, re.MULTILINE))
    )


def _is_output(lines: list[str]) -> bool:
    shown = [line for line in lines if line.strip()]
    return (bool(shown) and bool(_TABLE.match(shown[0].strip()))) or bool(
        shown and re.match(r"^\S+/\S+ (created|configured|unchanged|deleted|labeled|scaled|patched|exposed)", shown[0])
    )


def _mostly_commands(lines: list[str]) -> bool:
    return sum(shell.is_command(line) for line in lines) * 2 >= len(lines)


def _inline_step(text: str) -> bool:
    """Tell whether code alone in its paragraph is something to type: a program alone is a name."""
    return shell.is_command(text) and len(text.split()) > 1


def _commands(block: Block, index: int) -> Iterator[Command]:
    for typed in shell.typed(block.lines):
        parsed = shell.parse(typed.text)
        line = block.line + typed.line
        yield Command(
            line, line + typed.count - 1, index, typed, parsed, kubectls(parsed), shell.placeholders(typed.text)
        )


def kubectls(parsed: Parsed) -> tuple[Kubectl, ...]:
    """Give the calls of kubectl in a line, its misspelt ones too."""
    return tuple(
        kubectl.parse(words[1:])
        for call in parsed.calls
        if (words := _without_wrappers(call.words)) and (words[0] in shell.KUBECTL or shell.misspelt(words[0]))
    )


def _without_wrappers(words: tuple[str, ...]) -> tuple[str, ...]:
    """Take away what only says how a program is to be run: sudo, time, watch."""
    while words and words[0] in ("sudo", "time", "watch", "nohup", "xargs", "exec"):
        words = words[1:]
        while words and words[0].startswith("-"):
            words = words[2:] if words[0] in ("-n", "-I", "-u") else words[1:]
    return words


def _left_by(call: Call) -> tuple[str, ...]:
    """Name the files that a program makes by its arguments."""
    if call.program in ("touch", "tee", "cp", "mv"):
        return tuple(word for word in call.words[1:] if not word.startswith("-"))[
            -1 if call.program in ("cp", "mv") else 0 :
        ]
    if call.program in ("curl", "wget"):
        words = call.words
        named = [words[at + 1] for at, word in enumerate(words[:-1]) if word in ("-o", "-O", "--output")]
        address = next((word for word in words if "://" in word), "")
        last = (
            [PurePosixPath(address).name]
            if address and ("-O" in words or "-LO" in words or call.program == "wget")
            else []
        )
        return (*named, *last)
    return ()


def _is_path(word: str) -> bool:
    return bool(word) and not word.startswith(("/dev/", "&", "$(", "-"))


class _Files:
    """Finds where each file comes from that a command reads."""

    def __init__(
        self, document: Document, kinds: tuple[Kind, ...], commands: tuple[Command, ...], manifests: dict[int, Manifest]
    ) -> None:
        self._document = document
        self._kinds = kinds
        self._commands = commands
        self._manifests = manifests
        self._claimed: set[int] = set()
        self._content = [
            i for i, k in enumerate(kinds) if k in ("manifest", "fragment", "text", "output", "Dockerfile")
        ]
        self._root = _repository(document.path)

    def origins(self) -> Iterator[tuple[tuple[int, str], Origin]]:
        wanted = [(i, path) for i, command in enumerate(self._commands) for path in _read_by(command)]
        found: dict[tuple[int, str], Origin] = {}
        for at, path in wanted:  # names before guesses: a block that is named is nobody's guess
            if origin := self._named(at, path):
                found[at, path] = origin
                if origin.block is not None:
                    self._claimed.add(origin.block)
        for at, path in wanted:
            if (at, path) not in found:
                found[at, path] = self._guessed(at, path, found) or self._beside(path) or Origin("missing")
        yield from ((key, found[key]) for key in wanted)

    def _named(self, at: int, path: str) -> Origin | None:
        if "://" in path:
            return Origin("address")
        command = self._commands[at]
        by_command = next(
            (c for c in reversed(self._commands[:at]) if any(_same(path, p) for p in c.writes) and not _is_touch(c)),
            None,
        )
        named = [i for i in self._content if self._names(i, path)]
        above = [i for i in named if self._document.blocks[i].line < command.line]
        edited = self._edited(at, path)
        if edited is not None and (not by_command or self._document.blocks[edited].line > by_command.line):
            return Origin("shown", edited)
        if by_command and not (above and self._document.blocks[above[-1]].line > by_command.line):
            return Origin("command")
        if above:
            return Origin("named", above[-1])
        section = self._document.blocks[command.block].section
        below = [i for i in named if self._document.blocks[i].section == section]
        return Origin("named", below[0]) if below else None

    def _names(self, index: int, path: str) -> bool:
        """Tell whether a block's first comment, or the text right above it, names a file."""
        block = self._document.blocks[index]
        name = PurePosixPath(path).name
        if not name or name in (".", "..") or path.endswith("/"):
            return False  # a folder is no block
        if (comment := manifest.named_in_comment(block.lines)) and _same(path, comment):
            return True
        if self._kinds[index] not in ("manifest", "fragment", "text"):
            return False
        previous = self._document.blocks[index - 1] if index else None
        # Of two blocks below one text, only the first is what it announces.
        between = previous is not None and previous.above == block.above and previous.section == block.section
        pattern = rf"(?<![\w\-./]){re.escape(name)}(?![\w\-]|\.\w)|/{re.escape(name)}(?![\w\-])"
        if not between and any(re.search(pattern, text) for text in block.above[:1]):
            return True
        return not between and len(block.above) > 1 and bool(re.search(pattern, block.above[1])) and not re.search(
            _FILE, block.above[0]
        )  # fmt: skip

    def _edited(self, at: int, path: str) -> int | None:
        """Give the block after an editor was opened on the file, or what `cat` of it shows."""
        for earlier in reversed(self._commands[:at]):
            opened = any(_opens(c) and any(_same(path, w) for w in c.words[1:]) for c in earlier.parsed.calls)
            if opened:
                after = [i for i in self._content if i > earlier.block and self._kinds[i] in ("manifest", "text")]
                if after and self._document.blocks[after[0]].line < self._commands[at].line:
                    return after[0]
        return None

    def _guessed(self, at: int, path: str, found: dict[tuple[int, str], Origin]) -> Origin | None:
        """Give the only manifest between the command before and this one that no other file is known to be."""
        command = self._commands[at]
        known = next((o for (i, p), o in found.items() if i < at and _same(p, path) and o.block is not None), None)
        if known:
            return known
        if not re.search(r"\.(ya?ml|json)$", path):
            return None
        section = self._document.blocks[command.block].section
        previous = [c.line for c in self._commands[:at] if c.block != command.block]
        since = max(previous, default=0)
        between = [
            i
            for i in self._content
            if self._kinds[i] == "manifest"
            and i not in self._claimed
            and since < self._document.blocks[i].line < command.line
            and self._document.blocks[i].section == section
        ]
        if len(between) != 1 or not self._fits(between[0], path):
            return None
        self._claimed.add(between[0])
        return Origin("guessed", between[0])

    def _fits(self, index: int, path: str) -> bool:
        """Tell whether a file's name and a manifest have a word in common, or the name says nothing at all."""
        words = {
            word for word in re.findall(r"[a-z]{3,}", PurePosixPath(path).stem.lower()) if word not in _SAY_NOTHING
        }
        held = self._document.blocks[index].text.lower()
        kinds = {kind.lower() for kind, _ in self._manifests[index].objects}
        short = {"svc": "service", "deploy": "deployment", "ns": "namespace", "rs": "replicaset"}
        return not words or any(word in held or short.get(word) in kinds for word in words)

    def _beside(self, path: str) -> Origin | None:
        """Find the file beside the document, or at its repository's root; nothing outside of either."""
        for folder in (self._document.path.parent, self._root):
            if folder is None:
                continue
            place = (folder / path).resolve()
            if place.is_relative_to(folder.resolve()) and place.is_file() and place.stat().st_size < MOST_FILE:
                return Origin("beside", path=place)
        return None


_SAY_NOTHING = frozenset({"file", "manifest", "example", "sample", "demo", "test", "yaml", "yml", "filename"})

MOST_FILE = 1_000_000
"""Bytes of a file beside a document."""


def _repository(path: Path) -> Path | None:
    return next((folder for folder in path.resolve().parents if (folder / ".git").exists()), None)


def _read_by(command: Command) -> Iterator[str]:
    for path in command.reads:
        if _is_path(path) and not path.startswith("$") and shell.OPEN not in path:
            yield path


def _is_touch(command: Command) -> bool:
    return all(call.program == "touch" for call in command.parsed.calls)


def _same(one: str, other: str) -> bool:
    """Tell whether two spellings of a path mean one file."""
    a, b = PurePosixPath(one), PurePosixPath(other)
    return a == b or (a.name == b.name and (len(a.parts) == 1 or len(b.parts) == 1))


def _findings(document: Document, kinds: list[Kind]) -> Iterator[tuple[int, str]]:
    for block, kind in zip(document.blocks, kinds, strict=True):
        if block.form != "fence" or not block.language:
            continue
        said = "commands" if block.language in SHELLS else "manifest" if block.language in _YAMLS else ""
        seen = "manifest" if kind == "fragment" else kind
        if said and seen in ("commands", "manifest", "Dockerfile") and seen != said:
            noun = {"commands": "commands", "manifest": "a manifest", "Dockerfile": "a Dockerfile"}[seen]
            yield block.line - 1, f"the fence says {block.language}, what it holds is {noun}"


def must_fail(notes: Notes, at: int) -> str:
    """Give why a command fails by what the notes show or say of it; "" where they have it succeed."""
    command = notes.commands[at]
    block = notes.document.blocks[command.block]
    if told := output.must_fail(command.typed.shown) or output.said_to_fail(command.typed.remark, ""):
        return told
    announced = output.said_to_fail("", block.above[0].rpartition(". ")[2]) if block.above else ""
    if not announced or any(other is not command and other.block == command.block for other in notes.commands):
        return ""
    before = notes.document.blocks[command.block - 1] if command.block else None
    # Of two blocks below one text, only the first is what it announces.
    return "" if before and (before.above, before.section) == (block.above, block.section) else announced


def objects_made(notes: Notes, at: int) -> tuple[Object, ...]:
    """Name the objects that a command of the notes makes, those of the files that it applies among them.

    A line that the notes have fail makes none.
    """
    return () if must_fail(notes, at) else objects_tried(notes, at)


def objects_tried(notes: Notes, at: int) -> tuple[Object, ...]:
    """Name the objects that are there after a command of the notes if it succeeds, whatever the notes say of that."""
    command = notes.commands[at]
    made: list[Object] = []
    for call in command.kubectls:
        made += call.makes()
        if call.verb in ("apply", "create", "replace") and not call.only_prints:
            for path in call.files:
                made += _objects_of_file(notes, at, path)
    return tuple(dict.fromkeys(made))


def _objects_of_file(notes: Notes, at: int, path: str) -> tuple[Object, ...]:
    origin = notes.origins.get((at, path))
    command = notes.commands[at]
    if path == "-":
        here = [call.heredoc for call in command.parsed.calls if call.heredoc]
        return manifest.read(here[0]).objects if here else tuple(
            o for call in command.kubectls if call.only_prints for o in call.would_make()
        )  # fmt: skip
    if origin is None:
        return ()
    if origin.block is not None:
        found = notes.manifests.get(origin.block)
        return found.objects if found else ()
    if origin.path is not None:
        return manifest.read(origin.path.read_text(encoding="utf-8", errors="replace")).objects
    if origin.how == "command":
        for earlier in range(at - 1, -1, -1):
            maker = notes.commands[earlier]
            if any(_same(path, written) for written in maker.writes):
                here = [call.heredoc for call in maker.parsed.calls if call.heredoc]
                if here:
                    return manifest.read(here[0]).objects
                return tuple(o for call in maker.kubectls for o in call.would_make())
    return ()
