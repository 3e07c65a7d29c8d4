"""Outputs are compared by meaning: ages, addresses and generated letters are free."""

from __future__ import annotations

import pytest

from labkit.notes import output


@pytest.mark.parametrize(
    ("shown", "printed", "became"),
    [
        ("pod/web created", "pod/web created\n", output.SAME),
        ('pod "web" created', "pod/web created\n", output.FORMAT),
        (
            "NAME  READY  STATUS\nweb-6d4cf56db6-x2x7k  1/1  Running",
            "NAME  READY  STATUS\nweb-7bbd8545f9-588mj  1/1  Running",
            output.SAME,
        ),
        (
            "NAME  READY  STATUS  AGE\nweb  1/1  Running  5d",
            "NAME  READY  STATUS  RESTARTS  AGE\nweb  1/1  Running  0  1s",
            output.FORMAT,
        ),
        ("NAME  READY  STATUS\nweb  1/1  Running", "NAME  READY  STATUS\nweb  0/1  Pending", output.DIFFERENT),
        ("NAME  STATUS\nnode-1  Ready", "NAME  STATUS\nother  NotReady", output.SAME),
        ("PLANET=blue", "PATH=/bin\nPLANET=blue\n", output.SAME),
        ("PLANET=blue", "PLANET=red\n", output.DIFFERENT),
        ("inet 10.1.2.3", "inet 10.9.9.9", output.UNCOMPARED),
        ("...\n  cpu: 1", "anything", output.UNCOMPARED),
        ("", "anything", output.UNCOMPARED),
    ],
)
def test_what_became_of_an_output(shown: str, printed: str, became: str) -> None:
    assert output.compare(shown.split("\n"), printed)[0] == became


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        ('Error from server (Forbidden): pods "a" is forbidden', "Forbidden"),
        ('The Pod "a" is invalid: spec: x', "invalid"),
        ("error: unknown flag: --x", "unknown flag: --x"),
        ("NAME READY", ""),
    ],
)
def test_lines_that_must_fail(shown: str, wanted: str) -> None:
    assert output.must_fail([shown]) == wanted
    assert not wanted or output.fails_alike(wanted, shown)
    assert not wanted or not output.fails_alike(wanted, "Error from server (Timeout): nobody knows")


@pytest.mark.parametrize(
    ("remark", "sentence", "wanted"),
    [
        ("should be refused", "", output.ANY_REASON),
        ("fails, as the quota is used up", "", output.ANY_REASON),
        ("Forbidden", "", "Forbidden"),
        ("error", "", output.ANY_REASON),
        ("", "The next one must fail:", output.ANY_REASON),
        ("", "bob is not asked, and this is forbidden:", ""),
        ("", "This will be denied by the policy:", output.ANY_REASON),
        ("fails if there is no such Pod", "", ""),
        ("should not fail", "", ""),
        ("is refused, isn't it", "", ""),
        ("error handling is shown below", "", ""),
        ("shows the refused requests", "", ""),
        ("", "Requests are refused. Look at them:", ""),
        ("", "This will fail. Try it.", ""),
    ],
)
def test_words_that_say_that_a_line_fails(remark: str, sentence: str, wanted: str) -> None:
    assert output.said_to_fail(remark, sentence) == wanted
