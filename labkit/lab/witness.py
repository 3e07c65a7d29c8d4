"""How slow a cluster is, by a Pod with nothing to do: where it is late, what a lab found late says nothing.

The load of this machine does not tell where nodes are on another one (a virtual machine of Docker's, a cluster of a
context), or may use only a share of this one (an engine in a container with a limit, `docker update --cpus`).
"""

from __future__ import annotations

import contextlib
from typing import Any

from labkit.claims.budgets import Window
from labkit.lab import instrument
from labkit.lab.place import Place
from labkit.manifests import naming
from labkit.observe.api import Refused
from labkit.observe.history import NeverHappened, Object
from labkit.observe.views import PodView
from labkit.observe.watch import path_of
from labkit.trouble import Inconclusive

IN_TIME = Window(0.0, 3.0)
"""From the Pod's creation to Ready, by a probe of its web server.

Seen on two cores: 0.3 to 0.8 s on a node with both, 1.1 to 1.3 with 0.4 of one, 1.8 to 3.5 with 0.2, 5.4 to 7.0 with
0.1, where twelve of 27 claims about health were late by more than all slack.
"""


class Witness(Place):
    """A namespace beside the lab's, with that Pod in it for a moment."""

    def slow(self) -> str | None:
        """Say what the Pod showed, if that is a cluster too slow to tell anything by."""
        pod = Object[PodView]("Pod", "witness")
        try:
            self.begin()
            self._watches.follow("Pod")
            created_s = self.clock()
            self._api.post(path_of("Pod", self.namespace), self._manifest(pod.name))
            self._undo.callback(self._api.delete, path_of("Pod", self.namespace, pod.name))
            (ready,) = self.history.eventually(
                "a Pod with nothing to do is Ready", [pod], lambda seen: seen.ready, within=IN_TIME
            )
        except Refused:
            return None  # that is an answer, and no slow one
        except (NeverHappened, Inconclusive) as error:
            return str(error).partition("\n")[0]
        finally:
            # What is left behind on a cluster that no longer answers goes away with it, or with the next run.
            with contextlib.suppress(Inconclusive):
                self.close()
        took_s = ready.seen_s - created_s
        return f"a Pod with nothing to do was Ready after {took_s:.1f} s only" if took_s > IN_TIME.latest_s else None

    def _manifest(self, name: str) -> dict[str, Any]:
        return {
            "metadata": {"name": name},
            "spec": {
                # Past the scheduler, so that nothing but a machine keeps it waiting.
                "nodeName": self.cluster.node.name,
                "automountServiceAccountToken": False,
                "terminationGracePeriodSeconds": 0,
                "containers": [
                    {
                        "name": "web",
                        "image": naming.in_text(naming.WEB, self.cluster.images),
                        "readinessProbe": {
                            "httpGet": {"path": "/ready", "port": instrument.PORT},
                            "periodSeconds": 1,
                        },
                    }
                ],
            },
        }
