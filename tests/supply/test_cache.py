"""Parts are whole or absent, their keys follow what made them, and two runs wait for each other."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from labkit.progress import Progress
from labkit.supply import cache as cache_room
from labkit.supply import debian, programs
from labkit.supply.cache import Workshop, alone, bare_code, key_of, write_whole
from labkit.supply.meter import Meter

Moved = Callable[[float], None]


@pytest.fixture
def workshop(cache: Path, progress: Progress) -> Workshop:
    return Workshop(cache, progress, Meter(progress, "all"))


def write(text: str) -> Callable[[Path, Moved], None]:
    def make(made: Path, _moved: Moved) -> None:
        (made / "file").write_text(text)

    return make


def test_a_part_is_made_once(workshop: Workshop) -> None:
    first = workshop.part("thing", ["v1"], write("first"))
    second = workshop.part("thing", ["v1"], write("second"))
    assert first == second
    assert (second / "file").read_text() == "first"
    assert workshop.find("thing", ["v1"]) == first


@pytest.mark.parametrize(("days", "stays"), [(6, True), (8, False)])
def test_a_changed_recipe_makes_it_anew_and_drops_what_nobody_uses(workshop: Workshop, days: int, stays: bool) -> None:
    old = workshop.part("thing", ["v1"], write("old"))
    last_used = time.time() - days * 24 * 3600
    os.utime(old, (last_used, last_used))
    new = workshop.part("thing", ["v2"], write("new"))
    assert (new / "file").read_text() == "new"
    assert old.exists() == stays


def test_a_part_that_is_found_is_used(workshop: Workshop) -> None:
    part = workshop.part("thing", ["v1"], write("one"))
    os.utime(part, (0, 0))
    assert workshop.find("thing", ["v1"]) == part
    assert part.stat().st_mtime > 0


def test_variants_live_side_by_side(workshop: Workshop) -> None:
    one = workshop.part("thing", ["v1"], write("one"), variant="v1.36.4")
    two = workshop.part("thing", ["v2"], write("two"), variant="v1.37.0")
    assert one.exists()
    assert two.exists()


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit, RuntimeError])
def test_an_interrupted_part_is_absent_and_made_the_next_time(
    workshop: Workshop, cache: Path, end: type[BaseException]
) -> None:
    def interrupted(made: Path, _moved: Moved) -> None:
        (made / "file").write_text("half")
        raise end

    with pytest.raises(end):
        workshop.part("thing", ["v1"], interrupted)
    assert workshop.find("thing", ["v1"]) is None
    assert list((cache / "making").iterdir()) == []
    assert (workshop.part("thing", ["v1"], write("whole")) / "file").read_text() == "whole"


def test_what_a_killed_run_left_is_swept(workshop: Workshop, cache: Path) -> None:
    half = cache / "making" / "thing-x"
    half.mkdir(parents=True)
    whole = workshop.part("other", ["v1"], write("whole"))
    workshop.sweep()
    assert not half.exists()
    assert whole.exists()


def test_keys_follow_versions_flags_and_code() -> None:
    recipe = programs.containerd("v2.3.4").recipe()
    assert key_of(recipe) == key_of(programs.containerd("v2.3.4").recipe())
    assert key_of(recipe) != key_of(programs.containerd("v2.3.5").recipe())
    assert key_of(recipe) != key_of({**recipe, "tags": ""})
    assert key_of(recipe, debian) != key_of(recipe, cache_room)
    assert re.fullmatch("[0-9a-f]{12}", key_of(debian, programs.kubernetes_go_mod))


def test_comments_and_docstrings_do_not_change_a_key_but_code_does() -> None:
    plain = "def f():\n    return 1\n"
    told = '"""A module."""\n\ndef f():\n    """Give one."""\n    # because\n    return (1)\n\nX = 1\n"""A fact."""\n'
    assert bare_code(plain + "X = 1\n") == bare_code(told)
    assert bare_code(plain) != bare_code(plain.replace("1", "2"))


def test_the_second_run_says_that_it_waits(progress: Progress, lines: list[str]) -> None:
    inside, told = threading.Event(), threading.Event()
    order: list[str] = []

    def tell(line: str) -> None:
        lines.append(line)
        told.set()

    def second() -> None:
        inside.wait(5)
        with alone("work", Progress(tell), "another run is at it"):
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with alone("work", progress, "another run is at it"):
        inside.set()
        assert told.wait(5)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]
    assert any("another run is at it: waiting for it" in line for line in lines)


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    write_whole(path, "one", mode=0o755)
    write_whole(path, "two", mode=0o755)
    assert path.read_text() == "two"
    assert path.stat().st_mode & 0o777 == 0o755
    assert [p.name for p in path.parent.iterdir()] == ["file"]
