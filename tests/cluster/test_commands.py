"""Commands: results without exceptions, a bound on time, and nothing of the user's own Kubernetes set-up."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import psutil
import pytest

from labkit.cluster import commands, removal
from labkit.trouble import CannotRun, Inconclusive

ENV = dict(os.environ)


def test_a_failing_command_is_a_result() -> None:
    result = commands.run(["sh", "-c", "echo out; echo err >&2; exit 3"], env=ENV, timeout_s=10)
    assert (result.rc, result.stdout, result.stderr) == (3, "out\n", "err\n")
    assert result.argv[0] == "sh"
    assert 0 < result.seconds < 10


def test_a_result_does_not_change() -> None:
    result = commands.run(["true"], env=ENV, timeout_s=10)
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.rc = 1  # type: ignore[misc]


def test_a_command_reads_what_it_is_given_and_else_nothing() -> None:
    assert commands.run(["cat"], env=ENV, timeout_s=10, stdin="text").stdout == "text"
    assert commands.run(["cat"], env=ENV, timeout_s=10).stdout == ""


def test_a_command_runs_where_it_is_told_to(tmp_path: Path) -> None:
    assert commands.run(["pwd"], env=ENV, timeout_s=10, folder=tmp_path).stdout.strip() == str(tmp_path)


@pytest.mark.parametrize("text", ['{"a": ["1"]}', 'a:\n- "1"\n', '---\n{\n  a: [\n    "1",\n  ],\n}\n'])
def test_what_a_command_says_can_be_read_in_three_formats(text: str) -> None:
    assert commands.run(["cat"], env=ENV, timeout_s=10, stdin=text).parsed == {"a": ["1"]}


def test_output_that_is_no_text_is_kept_as_well_as_can_be() -> None:
    assert commands.run(["printf", "a\\377b"], env=ENV, timeout_s=10).stdout == "a\N{REPLACEMENT CHARACTER}b"


def test_a_command_that_hangs_is_no_verdict_and_its_children_end_too() -> None:
    # The grandchild keeps the pipe open: killing the shell alone would hang.
    with pytest.raises(Inconclusive, match="not done after 0 s"):
        commands.run(["sh", "-c", "sleep 60 & wait"], env={**ENV, "LABS_TEST": "hang"}, timeout_s=0.2)
    marked = [p for p in psutil.process_iter() if _environment(p).get("LABS_TEST") == "hang"]
    psutil.wait_procs(marked, timeout=5)
    assert not [p for p in marked if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def test_a_program_goes_on_for_the_time_of_a_block() -> None:
    with commands.going(["sh", "-c", "echo one; echo two >&2; sleep 60"], env={**ENV, "LABS_TEST": "going"}) as program:
        assert program.line(lambda line: line.startswith("two"), timeout_s=10) == "two\n"
        assert program.line(lambda line: "three" in line, timeout_s=0.1) is None
        result = program.result()
        assert (result.rc, sorted(result.stdout.split())) == (0, ["one", "two"])
    assert not [p for p in psutil.process_iter() if _environment(p).get("LABS_TEST") == "going"]


def test_a_program_that_ends_by_itself_is_not_waited_for() -> None:
    with commands.going(["sh", "-c", "echo no; exit 3"], env=ENV) as program:
        assert program.line(lambda line: "yes" in line, timeout_s=60) is None
    assert (program.result().rc, program.result().stdout) == (3, "no\n")


def test_a_program_at_a_terminal_is_typed_into() -> None:
    lines = "test -t 0 && test -t 1; echo terminal=$?\nexit 4\n"
    result = commands.at_terminal(["sh"], env=ENV, timeout_s=10, typed=lines)
    assert result.rc == 4
    assert "terminal=0" in result.stdout


def test_a_program_at_a_terminal_that_hangs_is_no_verdict() -> None:
    with pytest.raises(Inconclusive, match="not done after 0 s"):
        commands.at_terminal(["sh", "-c", "sleep 60 & wait"], env=ENV, timeout_s=0.2, typed="")


def test_a_program_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(CannotRun, match=r"/nowhere/kind cannot be started \(No such file or directory\)"):
        commands.run(["/nowhere/kind", "version"], env=ENV, timeout_s=1)


def test_lines_are_handed_over_as_they_come_and_kept() -> None:
    seen: list[str] = []
    result = commands.follow(["sh", "-c", "echo a; echo b >&2; exit 2"], env=ENV, timeout_s=10, each=seen.append)
    assert seen == ["a", "b"]
    assert (result.rc, result.stdout) == (2, "a\nb\n")


def test_a_followed_command_is_killed_after_its_time() -> None:
    result = commands.follow(["sh", "-c", "echo a; sleep 60"], env=ENV, timeout_s=0.2, each=lambda _: None)
    assert result.rc < 0
    assert result.stdout == "a\n"


def test_children_see_nothing_of_the_users_set_up() -> None:
    theirs = {"KUBECONFIG": "/home/me/.kube/config", "NO_PROXY": "example.org", "HOME": "/home/me", "LANG": "de_DE"}
    env = commands.environment("labs-0123abcd", Path("/state/labs-0123abcd"), theirs)
    assert env["KUBECONFIG"] == "/state/labs-0123abcd/kubeconfig"
    assert env["KUBECACHEDIR"].startswith("/state/labs-0123abcd/")
    assert env["KUBECTL_KUBERC"] == "false"
    assert env["NO_PROXY"] == env["no_proxy"] == "example.org,127.0.0.1,localhost"
    assert env["LABS_LEASE"] == "labs-0123abcd"
    assert "LANG" not in env


@pytest.mark.parametrize(
    ("words", "typed"),
    [
        (("apply", "-f", "/my notes/a.yaml"), ("apply", "-f", "/my notes/a.yaml")),
        (("apply", "-f", '/a "b",c/a.yaml'), ("apply", "-f", '"/a ""b"",c/a.yaml"')),
        (("get", "pods", "-l", "a in (b,c)"), ("get", "pods", "-l", "a in (b,c)")),
    ],
)
def test_a_file_is_one_file_whatever_it_is_called(words: tuple[str, ...], typed: tuple[str, ...]) -> None:
    assert commands.filenames(words) == typed


def test_orphans_are_found_by_their_environment_and_no_other_process_is_touched() -> None:
    def orphan(cluster: str) -> psutil.Process:
        env = commands.environment(cluster, Path("/nowhere"))
        # The shell ends at once: what it started has no parent of ours any more.
        started = commands.run(["sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!"], env=env, timeout_s=10)
        return psutil.Process(int(started.stdout))

    ours, others = orphan("labs-00000001"), orphan("labs-00000002")
    try:
        removal.end_children("labs-00000001")
        assert not ours.is_running() or ours.status() == psutil.STATUS_ZOMBIE
        assert others.is_running()
    finally:
        others.kill()


def _environment(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except psutil.Error:
        return {}


def test_a_result_speaks_of_what_was_said_and_not_of_this_machine() -> None:
    said = commands.Result(("/folder/of/this/run/kubectl", "get"), 1, "", "Error: no\n such thing\n", 0.1)
    assert str(said) == "exit 1: Error: no such thing"
    assert str(commands.Result((), 0, "", "", 0.1)) == "exit 0"
