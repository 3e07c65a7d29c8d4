"""What blocks are, whatever their fence says, and where files come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.notes import document, kubectl, manifest, shell, understand

POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n"


def kinds(text: str) -> list[str]:
    return list(understand.understand(document.parse(text)).kinds)


@pytest.mark.parametrize(
    ("language", "code", "kind"),
    [
        ("yaml", POD, "manifest"),
        ("bash", f"# web.yaml\n{POD}", "manifest"),
        ("yaml", "FROM python:3.6\nRUN ls\n", "Dockerfile"),
        ("yaml", "spec:\n  containers:\n  - name: a\n", "fragment"),
        ("yaml", POD + "spec:\n  ...\n", "fragment"),
        ("", "NAME   READY   STATUS\nweb    1/1     Running\n", "output"),
        ("yaml", "kubectl get pods\n", "commands"),
        ("", "pod/web created\n", "output"),
        ("go", "kubectl get pods\n", "text"),
        ("yaml", POD + "\tspec:\n", "manifest"),
        ("yaml", POD + "  uid: 1\n", "output"),
        ("json", '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}}\n', "manifest"),
        ("", '{\n"apiVersion": "v1",\n"kind": "Pod",\n"metadata": {"name": "web"}\n}\n', "manifest"),
        ("json", '{\n  "hostname": "web"\n}\n', "text"),
        ("", '{\n  "hostname": "web"\n}\n{\n  "hostname": "db"\n}\n', "output"),
        ("bash", "{\n  mkdir a\n  ls a\n}\n", "commands"),
        ("sh", "# /etc/a.service\n[Unit]\nAfter=b\n\n[Service]\nExecStart=/opt/c \\\n  --d 1\n", "text"),
        ("sh", "[Interface]\nAddress = 10.0.0.1\n", "text"),
        ("sh", "[ -d a ] || mkdir a\nA=b\n", "commands"),
        ("", "http://<node-ip>:<port>\n", "text"),
        ("", "http://192.0.2.1:30000\n", "output"),
        ("sh", "$ wg show\ninterface: wg0\n", "commands"),
        ("", '/usr/bin/ruby -e "puts 1"\n', "commands"),
        ("", "/usr/local/bin/kubectl\n", "output"),
    ],
)
def test_content_decides_what_a_block_is(language: str, code: str, kind: str) -> None:
    assert kinds(f"```{language}\n{code}```\n") == [kind]


def test_what_is_said_to_be_printed_is_output() -> None:
    assert kinds('It answers. This is the output:\n\n```json\n{\n  "a": 1\n}\n```\n') == ["output"]
    listed = "```shell\n- dashboard: enabled\n- ingress: disabled\n```\n"
    assert kinds(f"Output:\n\n{listed}") == ["output"]
    assert kinds(f"The addons:\n\n{listed}") == ["fragment"]
    assert kinds("A container that prints the date:\n\n```\ncontainers:\n- name: a\n```\n") == ["fragment"]


@pytest.mark.parametrize(
    ("typed", "said", "kind"),
    [
        ("vi index.html", "Type this:", "text"),
        ("vi index.html", "The output:", "output"),
        ("kubectl edit pod web", "Type this:", "output"),
        ("ls", "Type this:", "output"),
    ],
)
def test_what_follows_on_an_editor_is_what_the_file_gets(typed: str, said: str, kind: str) -> None:
    assert kinds(f"```bash\n{typed}\n```\n\n{said}\n\n```bash\nHello from a page.\n```\n") == ["commands", kind]


def test_a_fence_that_says_otherwise_is_a_finding() -> None:
    notes = understand.understand(document.parse("```yaml\nFROM a:1\nRUN b\n```\n"))
    assert notes.findings == ((1, "the fence says yaml, what it holds is a Dockerfile"),)


def origin(text: str, path: str, at: int = -1) -> understand.Origin:
    notes = understand.understand(document.parse(text))
    return notes.origins[len(notes.commands) - 1 if at == -1 else at, path]


@pytest.mark.parametrize(
    ("text", "how"),
    [
        (f"Save as `web.yaml`:\n\n```\n{POD}```\n\n```\nkubectl apply -f web.yaml\n```\n", "named"),
        (f"```\n# web.yaml\n{POD}```\n```\nkubectl apply -f ./web.yaml\n```\n", "named"),
        (f"```\n{POD}```\n```\nkubectl apply -f web-pod.yaml\n```\n", "guessed"),
        (f"```\n{POD}```\n```\nkubectl apply -f other.yaml\n```\n", "missing"),
        (f"```\nvi x.yaml\n```\n```\n{POD}```\n```\nkubectl apply -f x.yaml\n```\n", "shown"),
        (f"```\ncat > x.yaml <<E\n{POD}E\nkubectl apply -f x.yaml\n```\n", "command"),
        ("```\nkubectl apply -f https://example.com/x.yaml\n```\n", "address"),
        ("```\nkubectl apply -f ../../etc/passwd\n```\n", "missing"),
        (f"Make `web/pod.yaml`:\n\n```\n{POD}```\n\n```\nkubectl apply -f web/\n```\n", "missing"),
        (
            "```\nvi a.conf\n```\n```bash\nHello.\n```\n```\nkubectl create configmap a --from-file=a.conf\n```\n",
            "shown",
        ),
    ],
)
def test_a_file_is_what_the_notes_say_it_is(text: str, how: str) -> None:
    notes = understand.understand(document.parse(text))
    assert next(reversed(notes.origins.values())).how == how


def test_the_nearest_block_above_is_the_file(tmp_path: Path) -> None:
    one, two = POD, POD.replace("web", "db")
    text = "".join(f"`a.yaml`:\n```\n{pod}```\n```\nkubectl apply -f a.yaml\n```\n" for pod in (one, two))
    notes = understand.understand(document.parse(text, tmp_path / "n.md"))
    assert [o.block for o in notes.origins.values()] == [1, 4]
    assert understand.objects_made(notes, 1) == (("Pod", "db"),)


def test_a_file_beside_the_notes_is_found_and_none_outside(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(POD)
    text = "```\nkubectl apply -f web.yaml\nkubectl apply -f /etc/hostname\n```\n"
    notes = understand.understand(document.parse(text, tmp_path / "n.md"))
    assert [o.how for o in notes.origins.values()] == ["beside", "missing"]


@pytest.mark.parametrize(
    ("line", "makes", "uses"),
    [
        ("kubectl run web --image nginx", [("Pod", "web")], []),
        ("kubectl run web --image=a --expose --port=80", [("Pod", "web"), ("Service", "web")], []),
        ("kubectl create deploy web --image=a", [("Deployment", "web")], []),
        ("kubectl create secret generic s --from-literal a=b", [("Secret", "s")], []),
        ("kubectl create -f a.yaml", [], []),
        ("kubectl expose deployment web --name=x", [("Service", "x")], [("Deployment", "web")]),
        ("kubectl run web --image=a --dry-run=client -o yaml", [], []),
        ("kubectl -n a logs -f web -c x", [], [("Pod", "web")]),
        ("kubectl exec -it deploy/web -- sh", [], [("Deployment", "web")]),
        ("kubectl get pods,svc web", [], [("Pod", "web"), ("Service", "web")]),
        ("kubectl label nodes n1 a=b", [], [("Node", "n1")]),
        ("kubectl cp web:/a /b", [], [("Pod", "web")]),
        ("kubectl taint nodes n1 a=b:NoSchedule", [], [("Node", "n1")]),
        ("kubectl delete pod web --grace-period 0 --force", [], [("Pod", "web")]),
    ],
)
def test_kubectls_words(line: str, makes: list[kubectl.Object], uses: list[kubectl.Object]) -> None:
    (call,) = understand.kubectls(shell.parse(line))
    assert (list(call.makes()), list(call.uses())) == (makes, uses)


def test_aliases_of_yaml_cannot_unfold_for_ever() -> None:
    bomb = "a: &a [1,1]\n" + "".join(
        f"b{i}: &b{i} [*{'a' if i == 0 else f'b{i - 1}'},*{'a' if i == 0 else f'b{i - 1}'}]\n" for i in range(40)
    )
    assert manifest.read(bomb).error


@pytest.mark.parametrize(
    ("text", "fails"),
    [
        ("```\nkubectl get pods # is refused\n```\n", [True]),
        ("The next one should fail:\n\n```\nkubectl get pods\n```\n", [True]),
        ("Of these one should fail:\n\n```\nkubectl get pods\nkubectl get nodes\n```\n", [False, False]),
        (
            "The next one should fail:\n\n```\nkubectl get pods\n```\n\n```\nkubectl get nodes\n```\n",
            [True, False],
        ),
    ],
)
def test_a_line_fails_where_the_notes_say_it_of_that_line(text: str, fails: list[bool]) -> None:
    notes = understand.understand(document.parse(text))
    assert [bool(understand.must_fail(notes, at)) for at in range(len(notes.commands))] == fails
