"""What a lab function gets: one claim's place on the cluster, and the words in which a lab speaks."""

from __future__ import annotations

from collections.abc import Callable

from labkit.lab.acts import Acts
from labkit.lab.looks import Looks
from labkit.lab.witness import Witness
from labkit.observe.views import PodsView


class Lab(Acts, Looks):
    """A namespace of its own on the cluster, what can be done there (`Acts`) and what is seen (`Looks`)."""

    def slow(self) -> str | None:
        """Say how slow its cluster is now, if too slow for anything that went wrong to count. See `witness`."""
        return Witness(self.cluster, self.claim, None, self._load).slow()


def ready(count: int) -> Callable[[PodsView], bool]:
    """Say of a group of Pods that exactly so many are Ready and stay, and no other stays."""
    return lambda group: len(group.ready) == count == len(group.staying)
