"""Leases: made before a cluster is, held by a lock that dies with its holder, never mistaken for somebody else's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from labkit.cluster import lease
from labkit.cluster.lease import Lease
from labkit.paths import ROOT
from labkit.trouble import CannotRun


def grant() -> Lease:
    return lease.grant(kubernetes="v1.37.0", node_image="labs/node:1", origin="built", kind="/bin/kind")


def clusters() -> list[str]:
    return [record.cluster for record in lease.records()]


@pytest.mark.parametrize("name", ["labs-0123abcd", "labs-ffffffff"])
def test_a_name_with_our_mark_is_ours(name: str) -> None:
    assert lease.is_our_name(name)


@pytest.mark.parametrize(
    "name", ["kind", "labs", "labs-0123abc", "labs-0123abcd0", "labs-0123ABCD", "my-labs-0123abcd", "labs-0123abcd\n"]
)
def test_any_other_name_is_not(name: str) -> None:
    assert not lease.is_our_name(name)


def test_a_new_lease_is_on_the_disk_and_says_all(leases: Path) -> None:
    held = grant()
    written = json.loads((held.folder / "lease.json").read_text())
    assert held.folder == leases / held.record.cluster
    assert lease.is_our_name(held.record.cluster)
    assert written["kubernetes"] == "v1.37.0"
    assert written["node_image"] == "labs/node:1"
    assert written["pid"] == os.getpid()
    assert written["state"] == lease.CREATING
    assert held.folder.stat().st_mode & 0o077 == 0, "others can look into the folder of the kubeconfig"


def test_a_held_lease_cannot_be_taken_and_a_released_one_can() -> None:
    held = grant()
    assert lease.take(held.record.cluster) is None
    assert lease.take(held.record.cluster, shared=True) is None
    held.release()
    with lease.take(held.record.cluster) or pytest.fail("still held") as again:
        assert again.record == held.record


def test_shared_holders_stand_beside_each_other_and_keep_others_off() -> None:
    held = grant()
    held.release()
    first = lease.take(held.record.cluster, shared=True)
    second = lease.take(held.record.cluster, shared=True)
    assert first is not None
    assert second is not None
    first.release()
    assert lease.take(held.record.cluster) is None, "taken alone while shared"
    second.release()
    assert lease.take(held.record.cluster) is not None


def test_what_is_updated_is_read_by_the_next_holder() -> None:
    held = grant()
    held.update(state=lease.KEPT, images={"localhost:1/labs/web:1": "sha256:1"})
    held.release()
    (record,) = lease.records()
    assert record.kept
    assert record.images == {"localhost:1/labs/web:1": "sha256:1"}


def test_a_forgotten_lease_leaves_nothing(leases: Path) -> None:
    with grant() as held:
        (held.folder / "kubectl-cache").mkdir()
        (held.folder / "kubectl-cache" / "x").touch()
        held.forget()
    assert clusters() == []
    assert [path.name for path in leases.iterdir()] == ["lock"]
    assert lease.take(held.record.cluster) is None


def test_a_folder_without_a_record_is_swept_up_and_is_nobodys_cluster(leases: Path) -> None:
    (leases / "labs-0123abcd").mkdir(parents=True)
    (leases / "labs-0123abcd" / "lock").touch()
    assert lease.take("labs-0123abcd") is None
    assert clusters() == []
    assert not (leases / "labs-0123abcd").exists()


def test_a_folder_without_our_name_is_left_alone(leases: Path) -> None:
    (leases / "mine").mkdir(parents=True)
    (leases / "mine" / "lease.json").write_text('{"cluster": "mine"}')
    assert clusters() == []
    assert lease.take("mine") is None
    assert (leases / "mine" / "lease.json").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"kept": 3}', '{"cluster": "kind"}'])
def test_of_a_damaged_record_the_name_is_still_known(leases: Path, text: str) -> None:
    (leases / "labs-0123abcd").mkdir(parents=True)
    (leases / "labs-0123abcd" / "lease.json").write_text(text)
    (record,) = lease.records()
    assert record.cluster == "labs-0123abcd"
    assert not record.kept


def test_a_lease_that_cannot_be_written_is_one_sentence(leases: Path) -> None:
    leases.mkdir(parents=True)
    (leases / "lock").mkdir()  # for root no file is read-only
    with pytest.raises(CannotRun, match="LABS_CACHE"):
        grant()


HOLDER = """
import subprocess, sys
from labkit.cluster import lease
held = lease.grant(kubernetes="v1.37.0", node_image="labs/node:1", origin="built", kind="/bin/kind")
orphan = subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL)
print(orphan.pid, held.record.cluster, flush=True)
sys.stdin.read()
"""


def test_the_lease_of_a_killed_process_is_free_though_its_child_lives_on() -> None:
    # The child stands for kind, which goes on when its run is killed: it must not hold the lock.
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        orphan, cluster = holder.stdout.readline().decode().split()
        try:
            assert lease.take(cluster) is None, "taken from a process that lives"
            (record,) = lease.records()
            assert record.holder == f"the run with pid {holder.pid}"
            holder.kill()
            holder.wait()
            os.kill(int(orphan), 0)
            assert lease.take(cluster) is not None
        finally:
            os.kill(int(orphan), signal.SIGKILL)


def test_a_pid_that_came_round_again_is_not_taken_for_the_holder() -> None:
    held = grant()
    held.update(pid_started=held.record.pid_started - 3600)
    held.release()
    (record,) = lease.records()
    assert record.pid == os.getpid()
    assert record.holder == "another run"
    assert lease.take(record.cluster) is not None


def test_a_folder_that_kubectl_would_take_for_two_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LABS_CACHE", f"{tmp_path}/one:two")
    with pytest.raises(CannotRun, match="set LABS_CACHE to another folder"):
        grant()
