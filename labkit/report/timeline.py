"""A claim's timeline as shapes: subject above twin, what failed and restarted, acts, and what was allowed.

Everything is laid out here, in numbers; the template only writes the shapes down.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Record = Mapping[str, Any]
Scale = Callable[[float], float]

WIDTH = 760.0
MARGIN = 14.0
BAR = 15.0
LANE = 44.0
ROW = 30.0
COUNT = 26.0
TOP = 26.0
"""Units of the drawing, which is scaled to its place; text is 11 to 12 units high."""

MOST_LANES, MOST_WINDOWS = 8, 6

MOST_S = 1e7

LETTERS = 118
"""Letters that fit across the drawing."""

_READY = re.compile(r"\bready=True\b(?![^;,]*\bterminating\b)")
_RESTARTS = re.compile(r"\brestartCount=(\d{1,9})\b")
_GROUP = re.compile(r"(\d{1,6}) Pods: ")
_REPLICAS = re.compile(r"\breplicas=(\d{1,6})/(\d{1,6}) readyReplicas=(\d{1,6})\b")
_PROBE = re.compile(r"Unhealthy: (Liveness|Readiness|Startup) probe")


@dataclass(frozen=True)
class Level:
    """How much of an object is there and how much of that is ready: Pods, endpoints, or the one object itself."""

    ready: int
    there: int


@dataclass(frozen=True)
class Lane:
    """One object over time. `there` and `ready` are paths of areas; `marks` are paths by what they mark.

    What is marked: "liveness", "readiness" or "startup" (a probe failed), "restart", "event" (any other).
    """

    role: str
    name: str
    y: float
    there: str
    ready: str
    marks: tuple[tuple[str, str], ...]
    restarts: tuple[tuple[float, int], ...]
    counts: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Act:
    """One or several acts at nearly one moment, by their numbers: "1", "2-4"."""

    x: float
    label: str


@dataclass(frozen=True)
class Allowed:
    """An awaited effect: from when it counts, the two sides of what is allowed, and when it was seen."""

    y: float
    goal: str
    words: str
    from_x: float
    earliest_x: float
    latest_x: float
    seen_x: float | None
    open_end: bool
    late: bool


@dataclass(frozen=True)
class Drawing:
    """A whole timeline. `says` is its text alternative."""

    width: float
    height: float
    lanes: tuple[Lane, ...]
    acts: tuple[Act, ...]
    allowed: tuple[Allowed, ...]
    ticks: tuple[tuple[float, str], ...]
    axis_y: float
    says: str


def draw(record: Record, most_lanes: int = MOST_LANES) -> Drawing | None:
    """Lay out a record's timeline; None where there is nothing to draw but commands."""
    entries, windows = _entries(record), _windows(record)
    names = _lanes(entries)[:most_lanes]
    if not names and not windows:
        return None
    begin, end = _span(entries, windows)

    def x(at_s: float) -> float:
        share = (min(max(at_s, begin), end) - begin) / (end - begin)
        return round(MARGIN + share * (WIDTH - 2 * MARGIN), 1)

    lanes = [
        _lane(role, name, TOP + index * LANE, [e for e in entries if _belongs(e, role, name, names)], x, end)
        for index, (role, name) in enumerate(names)
    ]
    below = TOP + len(lanes) * LANE
    axis_y = below + 4
    shown = windows[-MOST_WINDOWS:]
    allowed = [_allowed(window, axis_y + 30 + index * ROW, x, end) for index, window in enumerate(shown)]
    return Drawing(
        WIDTH,
        axis_y + 22 + len(allowed) * ROW,
        tuple(lanes),
        tuple(_acts(entries, x, begin)),
        tuple(allowed),
        tuple(_ticks(begin, end, x)),
        axis_y,
        _says(lanes, shown),
    )


def acts(record: Record) -> list[tuple[int, float, str]]:
    """Give the acts as the drawing numbers them: (number, second, words)."""
    return [(n, e["at_s"], e["seen"]) for n, e in enumerate((e for e in _entries(record) if e["who"] == "act"), 1)]


def effect(record: Record) -> tuple[float, float, float | None] | None:
    """Give the sides and the second of the effect that the lab is about: the last that had to wait, else the last."""
    windows = _windows(record)
    told = [w for w in windows if w["earliest_s"] > 0] or windows
    if not told:
        return None
    last = told[-1]
    return last["earliest_s"], last["latest_s"], None if last["seen_s"] is None else last["seen_s"] - last["from_s"]


def level(seen: str) -> Level | None:
    """Read how much is there and ready from a state's words, as `observe.views` writes them; None where none is."""
    ready = len(_READY.findall(seen))
    if group := _GROUP.match(seen):
        return Level(ready, int(group[1]))
    if counts := _REPLICAS.search(seen):
        return Level(int(counts[3]), int(counts[1]))
    if seen.startswith("endpoints of "):
        return Level(ready, seen.count(" ready="))
    if seen.endswith(" gone"):
        return Level(0, 0)
    if " ready=" in seen:
        return Level(min(ready, 1), 1)
    return Level(int("Ready=True" in seen), 1) if " Ready=" in seen else None


def _lanes(entries: Sequence[Record]) -> list[tuple[str, str]]:
    """Give the lanes from above: subjects, twins, then what probes or the kubelet had to do with; (role, object)."""
    names = {
        role: list(dict.fromkeys(e["object"] for e in entries if e["who"] == role)) for role in ("subject", "twin")
    }
    lanes = [(role, name) for role in ("subject", "twin") for name in names[role]]
    events = [e for e in entries if e["who"] == "event"]
    loud = {e["object"]: None for e in events if not lanes or _PROBE.match(e["seen"])}
    lanes += [("event", name) for name in loud if not any(_about(name, known) for _, known in lanes)]
    return lanes


def _about(object: str, lane: str) -> bool:
    """Tell whether an event about an object belongs to a lane: its own, or that of the Pods that a set controls."""
    if object == lane:
        return True
    owner = lane.rpartition("/")[2]
    return lane.startswith("Pods of ") and (object == lane[8:] or object.startswith(f"pod/{owner}-"))


def _belongs(entry: Record, role: str, name: str, lanes: list[tuple[str, str]]) -> bool:
    if entry["who"] == "event":
        return _about(entry["object"], name) and (
            entry["object"] == name or not any(entry["object"] == other for _, other in lanes)
        )
    return bool(entry["who"] == role and entry["object"] == name)


def _span(entries: Sequence[Record], windows: Sequence[Record]) -> tuple[float, float]:
    """Give the seconds to show: from somewhat before the first thing awaited, to the last thing seen."""
    moments = [float(e["at_s"]) for e in entries] + [float(w["seen_s"]) for w in windows if w["seen_s"] is not None]
    starts = [float(w["from_s"]) for w in windows]
    end = max(moments + starts)
    begin = min(0.0, *moments)
    if starts:
        # What makes the two ready is seldom the story, and on a busy machine it is most of the time.
        begin = max(begin, min(starts) - 0.25 * (end - min(starts)) - 0.5)
    for window in windows:
        latest = window["from_s"] + window["latest_s"]
        if latest <= end + 0.6 * (end - begin):
            end = max(end, latest)
    return begin, max(begin + 0.5, end + 0.03 * (end - begin))


def _lane(role: str, name: str, y: float, entries: list[Record], x: Scale, end: float) -> Lane:
    states: list[tuple[float, Level | None, str]] = [
        (float(e["at_s"]), level(e["seen"]), e["seen"]) for e in entries if e["who"] != "event"
    ]
    most = max((told.there for _, told, _ in states if told), default=1) or 1
    marks = [(_kind(e["seen"]), x(e["at_s"])) for e in entries if e["who"] == "event"]
    marks += [("event", x(at_s)) for at_s, now, _ in states if now is None]
    restarts = list(_restarts(states, x)) if most == 1 else []
    marks += [("restart", at) for at, _ in restarts]
    there, ready = "", ""
    counts: list[tuple[float, str]] = []
    base = y + 14 + BAR
    for left, right, now in _stretches(states, x, end):
        high, full = (round(BAR * min(share, most) / most, 1) for share in (now.there, now.ready))
        there += f"M{left:g} {base:g}v-{high:g}H{right:g}v{high:g}" if high else ""
        ready += f"M{left:g} {base:g}v-{full:g}H{right:g}v{full:g}z" if full else ""
        if most > 1 and right - left > COUNT:
            counts.append((left, f"{now.ready}/{now.there}"))
    return Lane(role, _short(name, 70), y, there, ready, tuple(_marked(marks, y)), tuple(restarts), tuple(counts))


def _stretches(
    states: Sequence[tuple[float, Level | None, str]], x: Scale, end: float
) -> Iterator[tuple[float, float, Level]]:
    """Give from where to where which level lasted, as wide as can be seen."""
    levels = [(at_s, now) for at_s, now, _ in states if now is not None]
    changes = [
        pair for before, pair in zip([None, *levels], levels, strict=False) if not before or before[1] != pair[1]
    ]
    for (at_s, now), until in zip(changes, [*(at_s for at_s, _ in changes[1:]), end], strict=False):
        if x(until) >= x(at_s) + 0.4:
            yield x(at_s), x(until), now


def _kind(event: str) -> str:
    probe = _PROBE.match(event)
    return probe[1].lower() if probe else "event"


def _restarts(states: Sequence[tuple[float, Level | None, str]], x: Scale) -> Iterator[tuple[float, int]]:
    """Give where a restart was seen, and how many there then were."""
    before = 0
    for at_s, _, seen in states:
        now = sum(map(int, _RESTARTS.findall(seen)))
        if now > before:
            yield x(at_s), now
        before = now


def _marked(marks: Sequence[tuple[str, float]], y: float) -> Iterator[tuple[str, str]]:
    """Give one path for all marks of a kind, without those that would lie on top of each other."""
    for kind in sorted({kind for kind, _ in marks}):
        path, last = "", -100.0
        for at in sorted(at for other, at in marks if other == kind):
            if at - last < 2.5:
                continue
            last = at
            if kind == "restart":
                path += f"M{at:g} {y + 10:g}v23"
            elif kind == "event":
                path += f"M{at:g} {y + 34:g}h0"
            else:
                path += f"M{at - 3:.1f} {y + 31:g}l6 6m0-6l-6 6"
        yield kind, path


def _acts(entries: Sequence[Record], x: Scale, begin: float) -> list[Act]:
    """Number the acts; neighbours that could not be told apart share a mark, and what was before has none."""
    groups: list[tuple[float, int, int]] = []
    for number, entry in enumerate((e for e in entries if e["who"] == "act"), 1):
        if entry["at_s"] < begin:
            continue
        at = x(entry["at_s"])
        if groups and at - groups[-1][0] < 26:
            groups[-1] = (groups[-1][0], groups[-1][1], number)
        else:
            groups.append((at, number, number))
    return [Act(at, str(first) if first == last else f"{first}\N{EN DASH}{last}") for at, first, last in groups]


def _allowed(window: Record, y: float, x: Scale, end: float) -> Allowed:
    start, seen = float(window["from_s"]), window["seen_s"]
    earliest, latest = start + window["earliest_s"], start + window["latest_s"]
    late = seen is not None and seen > latest
    return Allowed(
        y,
        _short(window["goal"], LETTERS - 52),
        sides(window["earliest_s"], window["latest_s"], None if seen is None else seen - start),
        x(start),
        x(earliest),
        x(latest),
        None if seen is None else x(seen),
        latest > end,
        late,
    )


def sides(earliest_s: float, latest_s: float, after_s: float | None) -> str:
    """Say what was allowed and what was seen: "allowed 4 to 7 s, seen after 6.2 s"."""
    allowed = f"allowed {earliest_s:g} to {latest_s:g} s" if earliest_s else f"allowed up to {latest_s:g} s"
    if after_s is None:
        return f"{allowed}, not seen"
    if after_s < 0:
        return f"{allowed}, seen at once"
    slack = ", within the machine's slack" if after_s > latest_s else ""
    return f"{allowed}, seen after {after_s:.1f} s{slack}"


def _ticks(begin: float, end: float, x: Scale) -> list[tuple[float, str]]:
    rough = max((end - begin) / 8, 1e-3)
    step = 10.0 ** math.floor(math.log10(rough))
    step *= next(factor for factor in (1, 2, 5, 10) if factor * step >= rough)
    first = math.ceil(begin / step)
    return [(x(n * step), f"{n * step:g} s") for n in range(first, first + 12) if n * step <= end]


def _says(lanes: Sequence[Lane], windows: Sequence[Record]) -> str:
    told = [f"{lane.role} {lane.name}" if lane.role != "event" else lane.name for lane in lanes]
    for window in windows:
        after = None if window["seen_s"] is None else window["seen_s"] - window["from_s"]
        told.append(f"{window['goal']}: {sides(window['earliest_s'], window['latest_s'], after)}")
    return "Timeline. " + "; ".join(told)


def _entries(record: Record) -> list[Record]:
    return sorted((e for e in record["timeline"] if _sane(e["at_s"])), key=lambda e: float(e["at_s"]))


def _windows(record: Record) -> list[Record]:
    sides = ("from_s", "earliest_s", "latest_s")
    return [w for w in record.get("windows", ()) if all(_sane(w[side]) for side in sides) and _sane(w["seen_s"] or 0)]


def _sane(second: float) -> bool:
    """Tell whether a number can be a second of a lab: JSON knows infinities, and integers that no float can hold."""
    return isinstance(second, int | float) and -MOST_S < second < MOST_S


def _short(words: str, most: int) -> str:
    flat = " ".join(words.split())
    return flat if len(flat) <= most else f"{flat[: most - 1]}\N{HORIZONTAL ELLIPSIS}"
