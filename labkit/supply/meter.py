"""How far a build of many parts has come: the share that is done and the time that is left, from measured seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from labkit.progress import Progress

NODE = {
    "debian-busybox": 3,
    "debian-proxy": 5,
    "debian-node": 20,
    "kubernetes": 350,
    "containerd": 50,
    "runc": 22,
    "cni-plugins": 8,
    "crictl": 20,
    "etcd": 20,
    "coredns": 32,
    "local-path-provisioner": 60,
    "image-kube-apiserver": 2,
    "image-kube-controller-manager": 2,
    "image-kube-scheduler": 1,
    "image-kube-proxy": 2,
    "image-etcd": 1,
    "image-coredns": 1,
    "image-local-path-provisioner": 1,
    "node-base": 5,
    "node": 8,
}
KIND = {"kind": 6}
NODE_ITSELF = ("debian-node", "node-base", "node")
"""Of these the parts that no other node is made of."""

MINIKUBE = {
    "minikube": 150,
    "cri-dockerd": 90,
    "minikube-cni": 4,
    "debian-minikube": 40,
    "minikube-base": 17,
    "minikube-preload": 20,
}
PYTHON = {"debian-python": 17, "python-base": 2}
"""Seconds that each part takes on two cores with empty caches; what happens beside a compilation counts little."""


class Meter:
    """Weigh parts by the seconds they took on two cores, and correct that by the pace of this machine, now.

    Safe to use from several threads.
    """

    TRUST_S = 20.0
    """Seconds' worth of finished work before this machine's own pace counts for more than the measured seconds."""

    def __init__(
        self,
        progress: Progress,
        what: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._progress = progress
        self._what = what
        self._seconds: dict[str, float] = {}
        self._shares: dict[str, float] = {}
        self._clock = clock
        self._started = clock()
        self._lock = threading.Lock()

    def expect(self, seconds: Mapping[str, float]) -> None:
        """Add parts that will be made, each with the seconds it takes."""
        with self._lock:
            self._seconds.update(seconds)

    def move(self, part: str, share: float) -> None:
        """Set how much of one part is done, 0 to 1, and say what that makes of the whole."""
        with self._lock:
            self._shares[part] = min(max(share, self._shares.get(part, 0.0)), 1.0)
            done_s = sum(seconds * self._shares.get(name, 0.0) for name, seconds in self._seconds.items())
            all_s = sum(self._seconds.values())
            elapsed_s = self._clock() - self._started
        if all_s > 0:
            pace = (elapsed_s + self.TRUST_S) / (done_s + self.TRUST_S)
            self._progress.step(self._what, share=done_s / all_s, left_s=(all_s - done_s) * pace)

    def finish(self, part: str) -> None:
        """Count one part as done."""
        self.move(part, 1.0)

    def reuse(self, part: str) -> None:
        """Take a part that was kept out of the reckoning: it costs nothing and says nothing about the pace."""
        with self._lock:
            self._seconds.pop(part, None)
            self._shares.pop(part, None)
