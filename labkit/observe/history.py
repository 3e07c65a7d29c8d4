"""Snapshots over time, and the three questions that labs ask them: eventually, never, sequence.

A history is fed by watches, so it holds every state that the API published, not only those that a look
happened to meet; where a watch lost some, the history knows the gap and no answer is built on it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from labkit.claims.budgets import LOADED, Window
from labkit.observe.views import EndpointsView, PodsView, PodView, SliceView, View
from labkit.trouble import Inconclusive

Seen = TypeVar("Seen", covariant=True)


class Moment(Protocol):
    """Anything with a time in seconds since the lab began: a view, or an act."""

    @property
    def seen_s(self) -> float: ...


@dataclass(frozen=True)
class Act:
    """Something that the lab did; `seen_s` is the second just before it, so that its effects come after."""

    seen_s: float
    words: str


class Subject(Protocol[Seen]):
    """What a lab looks at: it folds the history of some kinds into its own states over time."""

    @property
    def kinds(self) -> frozenset[str]: ...

    def track(self, views: Iterable[View]) -> Iterator[Seen]: ...


@dataclass(frozen=True)
class Object(Generic[Seen]):
    """One object by kind and name.

    `manifest` is the object as the server keeps what the file says, defaults filled in. Under a sabotage it is still
    that of the file as written: budgets are what the claim promises. What is really there is read by `Lab.get`.
    """

    kind: str
    name: str
    uid: str = ""
    manifest: dict[str, Any] = field(repr=False, hash=False, compare=False, default_factory=dict)

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset({self.kind})

    def track(self, views: Iterable[View]) -> Iterator[Seen]:
        return (v for v in views if v.kind == self.kind and v.name == self.name)  # type: ignore[misc]  # the view of the kind

    def __str__(self) -> str:
        return f"{self.kind.lower()}/{self.name}"


Pod = Object[PodView]


@dataclass(frozen=True)
class Pods:
    """The Pods that a predicate picks, as one group; `name` is how a message speaks of them."""

    name: str
    picks: Callable[[PodView], bool] = field(repr=False)

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset({"Pod"})

    def track(self, views: Iterable[View]) -> Iterator[PodsView]:
        now: dict[str, PodView] = {}
        for view in views:
            if not isinstance(view, PodView):
                continue
            if view.gone or not self.picks(view):
                if now.pop(view.uid, None) is None:
                    continue
            else:
                now[view.uid] = view
            yield PodsView(view.seen_s, tuple(sorted(now.values(), key=lambda p: p.name)))

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Endpoints:
    """The endpoints of a Service, over all its EndpointSlices."""

    service: str

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset({"EndpointSlice"})

    def track(self, views: Iterable[View]) -> Iterator[EndpointsView]:
        now: dict[str, SliceView] = {}
        for view in views:
            if not isinstance(view, SliceView) or view.service != self.service:
                continue
            now[view.uid] = view
            endpoints = tuple(e for s in now.values() if not s.gone for e in s.endpoints)
            yield EndpointsView(view.seen_s, self.service, endpoints)

    def __str__(self) -> str:
        return f"endpoints of service/{self.service}"


@dataclass(frozen=True)
class Gap:
    """A stretch in which a watch may have lost states of a kind."""

    kind: str
    from_s: float
    to_s: float
    why: str


class NeverHappened(AssertionError):
    """What was awaited did not come in time."""


class TooEarly(AssertionError):
    """What was awaited came before its cause can have worked."""


class TooLate(AssertionError):
    """What came in the end came after its time."""


class Happened(AssertionError):
    """What must not happen did."""


class History:
    """All views of one lab in the order in which they arrived; safe to feed from several watches."""

    def __init__(self, clock: Callable[[], float], load: Callable[[float], float], loaded: float = LOADED) -> None:
        """`clock` gives seconds since the lab began; `load(since_s)` the mean tasks per core wanting to run since.

        With more than `loaded` of them lateness says nothing.
        """
        self.clock = clock
        self._load = load
        self._loaded = loaded
        self._views: list[View] = []
        self._gaps: list[Gap] = []
        self._failure: BaseException | None = None
        self._changed = threading.Condition()
        self.latencies_s: list[float] = []

    def add(self, *views: View) -> None:
        """Take states that arrived together."""
        with self._changed:
            self._views.extend(views)
            self._changed.notify_all()

    def lost(self, gap: Gap) -> None:
        with self._changed:
            self._gaps.append(gap)
            self._changed.notify_all()

    def fail(self, failure: BaseException) -> None:
        """End every wait with this failure: a watch can see no more."""
        with self._changed:
            self._failure = failure
            self._changed.notify_all()

    def views(self, kinds: frozenset[str] | None = None) -> list[View]:
        with self._changed:
            return [v for v in self._views if kinds is None or v.kind in kinds]

    @property
    def gaps(self) -> tuple[Gap, ...]:
        with self._changed:
            return tuple(self._gaps)

    def track(self, subject: Subject[Seen]) -> list[Seen]:
        """Give all states of a subject so far, oldest first."""
        return list(subject.track(self.views(subject.kinds)))

    def last(self, subject: Subject[Seen]) -> Seen | None:
        """Give the newest state of a subject, None where none was seen yet."""
        states = self.track(subject)
        return states[-1] if states else None

    def eventually(
        self,
        goal: str,
        subjects: Sequence[Subject[Any]],
        until: Callable[..., object],
        *,
        within: Window,
        since: Moment | None = None,
        look_at: str = "",
    ) -> tuple[Any, ...]:
        """Wait for the first moment after `since` at which `until` holds for the subjects' states of that moment.

        Every state that the API published counts, also one that was over before this wait began. The window is
        counted from `since`, or from now where there is none; then nothing can be too early.
        Raises NeverHappened or TooEarly with what was last seen, and Inconclusive where a watch lost states
        in the meantime or the machine was too loaded to tell.
        """
        began_s = self.clock()
        from_s = began_s if since is None else since.seen_s
        after_s = float("-inf") if since is None else since.seen_s
        with self._changed:
            while True:
                if self._failure:
                    raise Inconclusive(f"{goal}: the watch ended ({self._failure})") from self._failure
                found = next((s for s in self._states(subjects, after_s) if until(*s)), None)
                load = self._load(from_s)
                if found is not None:
                    break
                left_s = from_s + within.too_late_s(load) - self.clock()
                if left_s <= 0:
                    raise self._never(goal, subjects, from_s, within, load, look_at)
                self._changed.wait(left_s)
            seen_s = max(s.seen_s for s in found)
            if seen_s > began_s:
                self.latencies_s.append(self.clock() - seen_s)
        if since is not None and seen_s - from_s < within.too_early_s(load):
            early = f"{goal}: after {seen_s - from_s:.1f} s, but not before {within.earliest_s:.1f} s was possible"
            raise TooEarly(f"{early}\n  seen: {'; '.join(map(str, found))}")
        return found

    def never(
        self,
        goal: str,
        subject: Subject[Any],
        happens: Callable[[Any], object],
        *,
        until: Moment,
        since: Moment | None = None,
    ) -> None:
        """Read from what was recorded that `happens` held for no state of the subject until that moment.

        The subject is best of the kind that `until` was seen on: one watch delivers both in the API's order,
        so that nothing of the subject can still be under way.
        Raises Happened with the state, Inconclusive where a watch lost states or none was ever seen.
        """
        from_s = float("-inf") if since is None else since.seen_s
        states = self.track(subject)
        if not states:
            raise Inconclusive(f"{goal}: {subject} was never seen, so nothing can be said of it")
        if gap := next((g for g in self.gaps if g.kind in subject.kinds and g.from_s < until.seen_s), None):
            raise Inconclusive(f"{goal}: states of {subject} were lost ({gap.why})")
        for state in states:
            if from_s < state.seen_s <= until.seen_s and happens(state):
                did = f"{goal}: it did after {state.seen_s - max(from_s, 0):.1f} s\n  seen: {state}"
                raise Happened(did)

    def came(self, goal: str, moment: Moment, *, since: Moment, within: Window) -> None:
        """Check that a moment lies in the window after `since`: for what is read from a log, all at once.

        Raises TooEarly or TooLate, and Inconclusive where the machine was too loaded to tell.
        """
        after_s, load = moment.seen_s - since.seen_s, self._load(since.seen_s)
        message = f"{goal}: after {after_s:.1f} s"
        if after_s < within.too_early_s(load):
            early = f"{message}, but not before {within.earliest_s:.1f} s was possible\n  seen: {moment}"
            raise TooEarly(early)
        if after_s > within.too_late_s(load):
            late = f"{message}, but the manifest allows {within.latest_s:.0f} s, the rest is slack\n  seen: {moment}"
            raise self.unless_loaded(TooLate(late), load)

    def _states(self, subjects: Sequence[Subject[Any]], after_s: float) -> Iterator[tuple[Any, ...]]:
        """Give the states of all subjects together, each time one of them changed after that second."""
        tracks = [list(s.track([v for v in self._views if v.kind in s.kinds])) for s in subjects]
        now: list[Any] = [None] * len(subjects)
        for index, state in sorted(
            ((i, state) for i, track in enumerate(tracks) for state in track), key=lambda pair: pair[1].seen_s
        ):
            now[index] = state
            if state.seen_s > after_s and None not in now:
                yield tuple(now)

    def _never(
        self, goal: str, subjects: Sequence[Subject[Any]], from_s: float, within: Window, load: float, look_at: str
    ) -> Exception:
        waited_s = self.clock() - from_s
        last = "; ".join(
            str(next(reversed(list(s.track([v for v in self._views if v.kind in s.kinds]))), f"{s} never seen"))
            for s in subjects
        )
        message = (
            f"{goal}: not within {waited_s:.0f} s (the manifest allows {within.latest_s:.0f} s, the rest is slack)"
            f"\n  last seen: {last}"
        )
        if look_at:
            message += f"\n  look at:   {look_at}"
        if gap := next((g for s in subjects for g in self._gaps if g.kind in s.kinds and g.to_s >= from_s), None):
            return Inconclusive(f"{message}\n  but states were lost: {gap.why}")
        return self.unless_loaded(NeverHappened(message), load)

    def unless_loaded(self, error: AssertionError, load: float) -> Exception:
        """Give what to raise: the error, or Inconclusive with its words where the machine was too loaded to tell."""
        if load <= self._loaded:
            return error
        return Inconclusive(f"{error}\n  but {load:.1f} tasks per core wanted to run meanwhile, too many to tell")
