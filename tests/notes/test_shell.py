"""Which lines of a block are typed, which are printed, and what a typed one calls."""

from __future__ import annotations

import pytest

from labkit.notes import shell


def typed(text: str) -> list[str]:
    return [t.text for t in shell.typed(text.split("\n"))]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("$ kubectl get pods\nNAME READY\n$ ls", ["kubectl get pods", "ls"]),
        ("kubectl get pods\nNAME   READY\nweb    1/1", ["kubectl get pods"]),
        ("# a comment\nkubectl get pods", ["kubectl get pods"]),
        ("root@node:~# kubectl get nodes\nNAME", ["kubectl get nodes"]),
        ("[me@host dir]$ kubectl get nodes", ["kubectl get nodes"]),
        (
            "kubectl run web \\\n  --image=nginx\nkubectl get pods",
            ["kubectl run web \\\n  --image=nginx", "kubectl get pods"],
        ),
        (
            "cat <<EOF | kubectl apply -f -\nkind: Pod\n$ no\nEOF\nls",
            ["cat <<EOF | kubectl apply -f -\nkind: Pod\n$ no\nEOF", "ls"],
        ),
        ("cat <<EOF > a\nit's one\nEOF\nls", ["cat <<EOF > a\nit's one\nEOF", "ls"]),
        ("for i in 1 2; do\n  kubectl get pod $i\ndone", ["for i in 1 2; do\n  kubectl get pod $i\ndone"]),
        ("kubectl exec web -- env\nA=b", ["kubectl exec web -- env"]),
        ("A=b\nkubectl get pod $A", ["A=b", "kubectl get pod $A"]),
        ("kubectl get pods\nkubectl controls the Kubernetes cluster manager.", ["kubectl get pods"]),
        ('service "web" exposed\nkubectl get svc', ["kubectl get svc"]),
        ("kubcetl get pods", ["kubcetl get pods"]),
        ("echo \"it's open\nkubectl get pods", ["echo \"it's open", "kubectl get pods"]),
        ("kubectl exec -it web -- sh\n/ # ls\nbin\n/ # exit", ["kubectl exec -it web -- sh", "ls", "exit"]),
        ("kubectl get pods  # all of them", ["kubectl get pods"]),
        (
            "kubectl run -it db -- sh\nsh-4.2 $ mysql -h db\nsh-4.2 $ exit",
            ["kubectl run -it db -- sh", "mysql -h db", "exit"],
        ),
        ("bash-3.2$ kubectl get pods\nNAME   READY\nkubectl 1/1", ["kubectl get pods"]),
        ("$ wg show\ninterface: wg0", ["wg show"]),
        ("# as root\n$ unheardof --of it", ["unheardof --of it"]),
        ("balance\n$ five\nls", ["ls"]),
        ("Set-Alias -Name k -Value kubectl", ["Set-Alias -Name k -Value kubectl"]),
        ('curl localhost\n{\n  "a": 1\n}', ["curl localhost"]),
        ('curl localhost\n{ "a": 1 }\n[ "b", "c" ]', ["curl localhost"]),
        ('{ echo a; ls; }\n[ "$a" = b ] && ls', ["{ echo a; ls; }", '[ "$a" = b ] && ls']),
        ("{\n  mkdir a\n  ls a\n}", ["mkdir a", "ls a"]),
    ],
)
def test_what_is_typed_is_told_from_what_is_printed(text: str, lines: list[str]) -> None:
    assert typed(text) == lines


def test_output_stays_with_the_line_that_printed_it() -> None:
    first, second = shell.typed(["$ kubectl get pods", "NAME", "", "$ ls", "# note"])
    assert (first.shown, second.shown) == (("NAME",), ())


def test_the_braces_around_commands_are_nothing_that_one_printed() -> None:
    (only,) = shell.typed(["{", "  ls", "}"])
    assert only.shown == ()


def test_a_shell_within_a_container_is_told_by_its_prompt() -> None:
    lines = ["kubectl run -it db -- sh", "sh-4.2 $ ls", "/ # ls", "bash-3.2$ kubectl get pods"]
    assert [t.inner for t in shell.typed(lines[:3])] == [False, True, True]
    assert [t.inner for t in shell.typed(lines[3:])] == [False]


def test_calls_words_files_and_variables() -> None:
    parsed = shell.parse("kubectl get pod \"$NAME\" -o jsonpath='{.a}' > out.yaml && A=1 ls")
    assert [c.program for c in parsed.calls] == ["kubectl", "ls"]
    assert parsed.calls[0].words[-1] == "jsonpath={.a}"
    assert parsed.calls[0].writes == ("out.yaml",)
    assert parsed.uses == {"NAME"}


def test_a_here_document_is_read_with_what_it_is_piped_to() -> None:
    parsed = shell.parse("cat <<'E' | kubectl apply -f -\nkind: Pod\nE")
    assert [c.program for c in parsed.calls] == ["cat", "kubectl"]
    assert parsed.calls[0].heredoc == "kind: Pod\n"


def test_placeholders_are_no_redirections() -> None:
    assert shell.placeholders("kubectl logs <pod-name> > out") == ("<pod-name>",)
    assert shell.parse("kubectl logs <pod-name>").calls[0].writes == ()


@pytest.mark.parametrize(
    ("begin", "again", "commands"),
    [
        ("", "kubectl get pods\nNAME\n", 10_000),
        ("", "kubectl get pods\nA=b\n", 10_000),
        ("", "{\nls\n}\n", 6_666),
        ("cat <<EOF\n", "a\n", 1),
        ('echo "a\n', "a\n", 1),
        ("for i in 1 2; do\n", "a\n", 1),
    ],
    ids=["output", "variables", "groups", "here-document", "quotation", "loop"],
)
def test_twenty_thousand_lines_are_read_in_a_moment(begin: str, again: str, commands: int) -> None:
    assert len(shell.typed((begin + again * (20_000 // again.count("\n"))).splitlines())) == commands
