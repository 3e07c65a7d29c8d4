"""A cluster by a context: what is read of the user's, what is asked, what is refused, and that nothing stays."""

from __future__ import annotations

import copy
import json
import stat
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labkit import cluster as package
from labkit.cluster import api_objects, consent, existing_lease, kubeconfig, lease
from labkit.cluster.existing import ExistingCluster
from labkit.progress import Progress
from labkit.trouble import CannotRun


def node(name: str, **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": {}},
        "spec": {"podCIDR": "10.0.0.0/24", **spec},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "addresses": [{"type": "InternalIP", "address": "10.1.0.1"}],
            "nodeInfo": {"kubeletVersion": "v1.37.0-eks-1", "operatingSystem": "linux"},
            "images": [{"names": ["localhost:1/labs/web:1"]}],
        },
    }


class Server:
    """An API server of somebody's: what it says, and what it was asked to change."""

    def __init__(self) -> None:
        self.version = "v1.37.0-eks-2"
        self.nodes = [node("one"), node("two")]
        self.changes: list[tuple[str, str]] = []
        self.may_make_namespaces = True
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                said = {"/version": {"gitVersion": server.version}, "/api/v1/nodes": {"items": server.nodes}}
                self.answer(200, said.get(self.path, {"items": []}))

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                server.changes.append(("POST", self.path))
                self.answer(201 if server.may_make_namespaces else 403, {"message": "you may not"})

            def answer(self, status: int, body: object) -> None:
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # It looks every 10 ms whether it is to end, not only twice a second.
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_port}"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    # What is deleted here is gone at once.
    monkeypatch.setattr(api_objects, "LOOKS_AGAIN_S", 0.0)
    server = Server()
    yield server
    server.http.shutdown()
    server.http.server_close()


@pytest.fixture
def config(server: Server) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server.url}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "prod", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "prod",
    }


@pytest.fixture
def kubectl(config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Put a kubectl first on PATH that is a script; what it was typed is in the file that this gives."""

    def put(client: str = "v1.37.1") -> Path:
        folder, typed = tmp_path / "bin", tmp_path / "typed"
        folder.mkdir(exist_ok=True)
        (tmp_path / "config.json").write_text(json.dumps(config))
        (folder / "kubectl").write_text(
            "#!/bin/sh\n"
            f'echo "$@" >> {typed}\n'
            'case "$*" in\n'
            f'  "config view"*--context=prod*) cat {tmp_path}/config.json ;;\n'
            '  "config view"*) echo "no such context" >&2; exit 1 ;;\n'
            '  "config get-contexts"*) echo prod; echo kind-one ;;\n'
            f'  version*) echo \'{{"clientVersion": {{"gitVersion": "{client}"}}}}\' ;;\n'
            "  api-resources*) echo namespaces ;;\n"
            "  'get configmaps'*) echo '{}' ;;\n"
            f"  get*) cat {tmp_path}/left 2>/dev/null ;;\n"
            f"  delete*) rm -f {tmp_path}/left ;;\n"
            "esac\n"
        )
        (folder / "kubectl").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
        typed.touch()
        return typed

    put()
    return put


def use(context: str = "prod", **more: Any) -> Any:
    asked: dict[str, Any] = {
        "cluster_wide": False,
        "registry": "",
        "keep": False,
        "at_a_time": 3,
        "consent": consent.given,
        "push": lambda _: {},
        "progress": Progress(lambda _: None),
    }
    return existing_lease.using(context, **asked | more)


@pytest.mark.usefixtures("kubectl")
def test_a_context_becomes_a_cluster_and_nothing_stays(leases: Path, server: Server) -> None:
    with use() as cluster:
        assert (cluster.kubernetes, cluster.build, cluster.kubectl_version) == ("v1.37.0", "v1.37.0-eks-2", "v1.37.1")
        assert [worker.name for worker in cluster.workers] == ["one", "two"]
        assert (cluster.node.name, cluster.spare) == ("one", None)
        assert stat.S_IMODE(cluster.kubeconfig_path.stat().st_mode) == 0o600
        assert cluster.results == "contexts/prod"
        handed = package.attach(json.loads(json.dumps(cluster.describe())))
        assert isinstance(handed, ExistingCluster)
        assert handed.describe() == cluster.describe()
    assert server.changes == [("POST", "/api/v1/namespaces?dryRun=All")]
    assert [path for path in leases.iterdir() if path.is_dir()] == []


@pytest.mark.usefixtures("kubectl")
def test_a_context_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(CannotRun, match="no context staging: there are kind-one, prod"), use("staging"):
        pass


def test_another_ones_rights_are_not_taken(config: dict[str, Any], kubectl: Callable[[], Path]) -> None:
    config["users"][0]["user"] = {"as": "admin"}
    kubectl()
    with pytest.raises(CannotRun, match="acts as another one"), use():
        pass


def test_a_user_without_credentials_has_a_name(config: dict[str, Any], kubectl: Callable[[], Path]) -> None:
    config["users"] = None
    kubectl()
    assert kubeconfig.read("prod")["users"] == [{"name": "nobody", "user": {}}]


def unlike(server: Server) -> None:
    server.nodes[1]["status"]["nodeInfo"]["kubeletVersion"] = "v1.36.4"


def bare(server: Server) -> None:
    server.nodes[1]["status"]["images"] = []


def tainted(server: Server) -> None:
    for one in server.nodes:
        one["spec"]["taints"] = [{"key": "ours", "effect": "NoSchedule"}]


def forbidding(server: Server) -> None:
    server.may_make_namespaces = False


def unknown(server: Server) -> None:
    server.version = "guitar"


def gone(server: Server) -> None:
    server.http.shutdown()
    server.http.server_close()


@pytest.mark.usefixtures("kubectl")
@pytest.mark.parametrize(
    ("turned", "said"),
    [
        (unlike, "v1.37.0 is the API server of context prod, but the kubelet of two is v1.36.4"),
        (bare, r"two has no localhost:1/labs/web:1.*--image-registry"),
        (tainted, "no node that is Linux, Ready, schedulable and untainted"),
        (forbidding, "may not make namespaces: 403: you may not"),
        (unknown, "no version of Kubernetes"),
        (gone, "context prod does not answer.*refused"),
    ],
)
def test_what_no_verdict_can_come_of_is_one_sentence(
    server: Server, leases: Path, turned: Callable[[Server], None], said: str
) -> None:
    turned(server)
    with pytest.raises(CannotRun, match=said), use():
        pass
    assert [path for path in leases.iterdir() if path.is_dir()] == []


def test_a_kubectl_that_is_too_old_is_refused(kubectl: Callable[[str], Path]) -> None:
    kubectl("v1.35.9")
    with pytest.raises(CannotRun, match=r"kubectl on PATH is v1.35.9, context prod is v1.37.0"), use():
        pass


@pytest.mark.usefixtures("kubectl")
def test_without_consent_nothing_is_done(server: Server, leases: Path) -> None:
    asked: list[str] = []

    def no(text: str) -> None:
        asked.append(text)
        raise CannotRun("no")

    with pytest.raises(CannotRun), use(consent=no):
        pass
    (text,) = asked
    assert all(word in text for word in ("prod", server.url, "v1.37.0-eks-2", "2 nodes", "up to 3 at a time"))
    assert "change nothing outside" in text
    assert server.changes == []
    assert [path for path in leases.iterdir() if path.is_dir()] == []


@pytest.mark.parametrize(
    ("context", "url", "provider", "is_kinds"),
    [
        ("kind-one", "https://127.0.0.1:6443", "kind://docker/one/one-worker", True),
        ("kind-one", "https://localhost:6443", "kind://docker/one/one-worker", True),
        ("prod", "https://127.0.0.1:6443", "kind://docker/one/one-worker", False),
        ("kind-one", "https://10.0.0.1:6443", "kind://docker/one/one-worker", False),
        ("kind-one", "https://127.0.0.1:6443", "aws:///i-1", False),
    ],
)
def test_only_kinds_own_are_not_asked_about(
    config: dict[str, Any], context: str, url: str, provider: str, is_kinds: bool
) -> None:
    config["clusters"][0]["cluster"]["server"] = url
    assert existing_lease.is_kinds(context, config, [node("one", providerID=provider)]) == is_kinds


def test_nobody_to_ask_means_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: False))
    with pytest.raises(CannotRun, match=r"nobody is there to be asked \(context prod .*--yes"):
        consent.ask("context prod\n  is used")


@pytest.mark.parametrize(
    ("typed", "agreed"), [("y\n", True), ("YES\n", True), ("n\n", False), ("\n", False), ("", False)]
)
def test_only_a_yes_is_a_yes(monkeypatch: pytest.MonkeyPatch, typed: str, agreed: bool) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True, readline=lambda: typed))
    if agreed:
        consent.ask("context prod")
        return
    with pytest.raises(CannotRun, match="not agreed"):
        consent.ask("context prod")


def test_labs_pin_to_a_node_that_controls_nothing() -> None:
    control_plane = node("a")
    control_plane["metadata"]["labels"] = {"node-role.kubernetes.io/control-plane": ""}
    windows, away = copy.deepcopy(node("w")), copy.deepcopy(node("x"))
    windows["status"]["nodeInfo"]["operatingSystem"] = "windows"
    away["status"]["conditions"] = []
    rather_not = node("b", taints=[{"key": "k", "effect": "PreferNoSchedule"}])
    cordoned = node("c", unschedulable=True)
    found = existing_lease.takes_pods([control_plane, windows, away, cordoned, rather_not])
    assert [item["metadata"]["name"] for item in found] == ["b", "a"]


def test_a_servers_address_is_not_for_records(config: dict[str, Any]) -> None:
    assert kubeconfig.hidden(config) == {}, "this machine's loopback says nothing"
    config["clusters"][0]["cluster"]["server"] = "https://api.example.com:6443"
    assert kubeconfig.hidden(config) == {
        "https://api.example.com:6443": "https://the-api-server",
        "api.example.com": "the-api-server",
    }


def killed(kubectl: Callable[[], Path], origin: str = "context prod") -> str:
    """Leave the lease of a run that was killed amid its labs."""
    held = lease.grant(kubernetes="v1.37.0", node_image="", origin=origin, kind="", maker=lease.CONTEXT)
    held.update(state=lease.RUNNING)
    kubeconfig.write(kubeconfig.read("prod"), held.folder)
    (held.folder / "kubectl").symlink_to(kubectl().with_name("bin") / "kubectl")
    held.release()
    return held.record.cluster


def test_the_next_run_deletes_what_a_killed_one_left(kubectl: Callable[[], Path], tmp_path: Path) -> None:
    stale, other = killed(kubectl), killed(kubectl, "context staging")
    (tmp_path / "left").write_text(f"namespace/of-{stale}\n")
    with use() as cluster:
        assert [record.cluster for record in lease.records()] == sorted([cluster.name, other])
    typed = (tmp_path / "typed").read_text()
    assert f"-l labs/cluster={stale} -o name" in typed
    assert f"delete namespace/of-{stale} --wait=false" in typed
    assert f"labs/cluster={other}" not in typed


def test_a_run_that_goes_on_is_left_alone(kubectl: Callable[[], Path], tmp_path: Path) -> None:
    held = lease.take(killed(kubectl))
    assert held
    with held, use():
        pass
    assert f"labs/cluster={held.record.cluster}" not in (tmp_path / "typed").read_text()


def test_what_cannot_be_deleted_keeps_its_lease(
    kubectl: Callable[[], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_objects, "GONE_S", 0.1)
    stale = killed(kubectl)
    (tmp_path / "left").write_text("namespace/stuck\n")
    held = lease.take(stale)
    assert held
    script = tmp_path / "bin" / "kubectl"
    script.write_text(script.read_text().replace("rm -f", "true"))
    lines: list[str] = []
    existing_lease.part(held, Progress(lines.append))
    assert "still there" in lines[0]
    assert "nox -s down" in lines[0]
    assert [record.cluster for record in lease.records()] == [stale]


@pytest.mark.usefixtures("kubectl")
def test_namespaces_that_are_kept_wait_for_down() -> None:
    with use(keep=True) as cluster:
        name = cluster.name
    (record,) = lease.records()
    assert (record.cluster, record.kept) == (name, True)
    held = lease.take(name)
    assert held
    with held:
        existing_lease.clear(held)
    assert lease.records() == []


@pytest.mark.usefixtures("kubectl")
def test_down_asks_before_it_deletes_what_others_have_left(tmp_path: Path, leases: Path) -> None:
    asked: list[str] = []
    existing_lease.delete_all("prod", asked.append)
    assert "all that labs have left is deleted" in asked[0]
    assert "-l labs/cluster -o name" in (tmp_path / "typed").read_text()
    assert [path for path in leases.iterdir() if path.is_dir()] == []
