"""List and watch with known gaps: what the API publishes about some kinds goes into a history, all of it.

A watch lists, then watches from that list's resourceVersion and resumes from the newest one after each
interruption, so that nothing is lost; only when the server has forgotten that version (410) must it list again,
and then the stretch in between is recorded as a gap.
"""

from __future__ import annotations

import json
import threading
from http import HTTPStatus
from typing import Any

import urllib3

from labkit.observe.api import Api, Refused, Stream
from labkit.observe.history import Gap, History
from labkit.observe.views import view
from labkit.trouble import Inconclusive, reason

GROUPS = {
    "Pod": "/api/v1",
    "Event": "/api/v1",
    "ServiceAccount": "/api/v1",
    "Node": "/api/v1",
    "Service": "/api/v1",
    "ConfigMap": "/api/v1",
    "ResourceQuota": "/api/v1",
    "PersistentVolumeClaim": "/api/v1",
    "ReplicaSet": "/apis/apps/v1",
    "Deployment": "/apis/apps/v1",
    "StatefulSet": "/apis/apps/v1",
    "DaemonSet": "/apis/apps/v1",
    "EndpointSlice": "/apis/discovery.k8s.io/v1",
}
"""Where the API serves the kinds that labs watch."""

SERVER_S = 240
"""Seconds after which the server is asked to end a watch: it is resumed, so the number only bounds a dead one."""

RETRY_S = 0.5
"""Seconds between two attempts to reach a server that does not answer."""

GIVE_UP_S = 30.0
"""Seconds without an answer after which the cluster counts as dead."""


def path_of(kind: str, namespace: str | None, name: str = "") -> str:
    """Give the API path of a kind's collection, or of one object; namespace None for kinds of the cluster."""
    plural = f"{kind.lower()}s"
    where = f"/namespaces/{namespace}" if namespace else ""
    return f"{GROUPS[kind]}{where}/{plural}" + (f"/{name}" if name else "")


class Watch:
    """One kind in one namespace, followed by a thread of its own from `start` to `stop`."""

    def __init__(self, api: Api, kind: str, namespace: str | None, history: History) -> None:
        self.kind = kind
        self._api = api
        self._path = path_of(kind, namespace)
        self._history = history
        self._known: dict[str, dict[str, Any]] = {}
        self._version = ""
        self._fresh_s = history.clock()
        self._stopped = threading.Event()
        self._stream: Stream | None = None
        self._thread = threading.Thread(target=self._follow, name=f"watch {self._path}", daemon=True)

    def start(self) -> Watch:
        """List what is there into the history, then follow it in the background. Raises Inconclusive, Refused."""
        self._list()
        self._thread.start()
        return self

    def stop(self) -> None:
        """End the watch; what it saw stays in the history."""
        self._stopped.set()
        if stream := self._stream:
            stream.close()

    def join(self) -> None:
        self._thread.join(timeout=5)

    def _list(self) -> None:
        answer = self._api.get(self._path)
        self._fresh_s = self._history.clock()
        self._version = answer["metadata"]["resourceVersion"]
        listed = {item["metadata"]["uid"]: item for item in answer["items"]}
        gone = [self._known[uid] for uid in self._known.keys() - listed.keys()]
        changed = [
            item
            for uid, item in listed.items()
            if (known := self._known.get(uid)) is None
            or known["metadata"]["resourceVersion"] != item["metadata"]["resourceVersion"]
        ]
        self._known = listed
        # At one moment, whatever their order in the list, and all at once: else a lab could see of one subject what it
        # waits for, and find nothing of its twin until then.
        moment = self._fresh_s
        self._history.add(
            *(view(self.kind, item, seen_s=moment, gone=True) for item in gone),
            *(view(self.kind, item, seen_s=moment) for item in changed),
        )

    def _follow(self) -> None:
        unanswered_since: float | None = None
        try:
            while not self._stopped.is_set():
                try:
                    self._read()
                    unanswered_since = None
                except (urllib3.exceptions.HTTPError, Inconclusive, OSError) as error:
                    now = self._history.clock()
                    unanswered_since = now if unanswered_since is None else unanswered_since
                    if now - unanswered_since > GIVE_UP_S:
                        raise Inconclusive(
                            f"no answer from the API server for {GIVE_UP_S:.0f} s: {reason(error)}"
                        ) from error
                    self._stopped.wait(RETRY_S)
                except Refused as refusal:
                    if refusal.status != HTTPStatus.GONE:
                        raise
                    self._relist(str(refusal))
        except Exception as error:  # a watch that dies unseen would leave its lab waiting
            if not self._stopped.is_set():
                self._history.fail(error)

    def _relist(self, why: str) -> None:
        fresh_s = self._fresh_s
        self._list()
        self._history.lost(Gap(self.kind, fresh_s, self._fresh_s, why))

    def _read(self) -> None:
        """Follow one stream until the server ends it."""
        query = f"?watch=1&allowWatchBookmarks=true&timeoutSeconds={SERVER_S}&resourceVersion={self._version}"
        self._stream = self._api.stream(self._path + query, read_s=SERVER_S + 10)
        if self._stopped.is_set():  # `stop` may have come while the stream was being opened
            return
        for line in self._stream:
            if self._stopped.is_set():
                return
            if line.strip():
                self._take(json.loads(line))

    def _take(self, event: dict[str, Any]) -> None:
        item = event["object"]
        if event["type"] == "ERROR":
            raise Refused(int(item.get("code", 0)), json.dumps(item))
        self._version = item["metadata"]["resourceVersion"]
        self._fresh_s = self._history.clock()
        if event["type"] == "BOOKMARK":
            return
        # Items of a watch name their kind, items of a list do not; a view carries it for both.
        gone = event["type"] == "DELETED"
        if gone:
            self._known.pop(item["metadata"]["uid"], None)
        else:
            self._known[item["metadata"]["uid"]] = item
        self._history.add(view(self.kind, item, seen_s=self._fresh_s, gone=gone))


class Watches:
    """The watches of one lab: one a kind, begun when the lab first needs it, stopped together."""

    def __init__(self, api: Api, namespace: str, history: History) -> None:
        self._api = api
        self._namespace = namespace
        self._history = history
        self._watches: dict[str, Watch] = {}

    def follow(self, *kinds: str) -> None:
        """Watch these kinds from now on. Raises Inconclusive where the API server does not answer."""
        for kind in kinds:
            if kind not in self._watches:
                namespace = None if kind == "Node" else self._namespace
                self._watches[kind] = Watch(self._api, kind, namespace, self._history).start()

    def stop(self) -> None:
        for watch in self._watches.values():
            watch.stop()
        for watch in self._watches.values():
            watch.join()
