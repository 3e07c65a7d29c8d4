"""Results of every shape for the report's tests, and a browser to look at the page with."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from labkit.progress import Progress
from labkit.supply import apt
from labkit.trouble import CannotRun

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

TIMELINE = [
    (0.2, "act", "", "kubectl apply -f manifests/health/twins.yaml -o json"),
    (0.4, "subject", "pod/probed", "pod/probed Pending ready=False restartCount=0"),
    (0.4, "twin", "pod/plain", "pod/plain Pending ready=False restartCount=0"),
    (0.9, "event", "pod/probed", "Started: Container started"),
    (1.0, "event", "pod/probed", 'Unhealthy: Startup probe failed: Get "http://10.0.0.1/": connection refused'),
    (2.0, "subject", "pod/probed", "pod/probed Running ready=True restartCount=0"),
    (2.1, "twin", "pod/plain", "pod/plain Running ready=True restartCount=0"),
    (2.5, "act", "", 'PUT pod/probed /healthy/api {"failNext": -1}'),
    (3.4, "event", "pod/probed", "Unhealthy: Liveness probe failed: HTTP probe failed with statuscode: 500"),
    (5.4, "event", "pod/probed", "Unhealthy: Liveness probe failed: HTTP probe failed with statuscode: 500"),
    (7.9, "subject", "pod/probed", "pod/probed Running ready=True restartCount=1"),
]


def made_record(id: str = "health.restarts", verdict: str = "holds", **more: Any) -> dict[str, Any]:
    """Give one claim's record; `more` are fields that are to be different."""
    record = {
        "id": id,
        "statement": f"The statement of {id}.",
        "topic": id.partition(".")[0],
        "ledger": [id],
        "source": "https://kubernetes.io/docs/",
        "twin": "plain: the same Pod without the probe",
        "no_twin": "",
        "verdict": verdict,
        "reason": "" if verdict == "holds" else f"why it is {verdict}",
        "started": "2026-11-23T10:00:01.000+00:00",
        "seconds": 8.5,
        "floor_s": 4.0,
        "ceiling_s": 7.0,
        "timeline": [dict(zip(("at_s", "who", "object", "seen"), entry, strict=True)) for entry in TIMELINE],
        "commands": [
            {
                "at_s": 0.2,
                "command": "kubectl apply -f manifests/health/twins.yaml -o json",
                "exit": 0,
                "stdout": json.dumps({"kind": "List", "items": [{"name": f"item-{n}"} for n in range(9)]}, indent=1),
                "stderr": "",
            }
        ],
        "windows": [{"goal": "it is restarted", "from_s": 2.5, "earliest_s": 4.0, "latest_s": 7.0, "seen_s": 7.9}],
        "manifests": [{"file": "manifests/health/twins.yaml", "text": "kind: Pod # the twin has none\n"}],
        "lab": {
            "file": "labs/test_health.py",
            "line": 10,
            "remarks": "A remark.",
            "story": "Given two Pods, when both stop answering, then one is restarted.",
        },
        "observations": [
            {
                "outcome": {"holds": "passed", "broken": "assertion", "vacuous": "passed"}.get(verdict, verdict),
                "alone": False,
                "seconds": 8.5,
                "message": "",
            }
        ],
        "sabotage": [{"name": "no probe", "result": "killed", "seconds": 9.0, "message": "not within 17 s\nlast seen"}],
        "notes": {"verdict": "holds", "said": "", "today": "", "since": None},
    }
    return record | more


def made_results(
    tag: str = "v1.37.0", records: Sequence[Mapping[str, Any]] = (), started: str = "2026-11-23T10:00:00+00:00"
) -> dict[str, Any]:
    """Give the results of one version."""
    kubernetes = {"server": tag, "kubelet": tag, "kubectl": tag, "node_image": f"kindest/node:{tag}"}
    kubernetes |= {"origin": "pulled", "started": started, "seconds": 120.0}  # type: ignore[dict-item]  # JSON
    topic = {"topic": "health", "title": "Health checks", "lead": "who asks.", "prose": "First.\n\nSecond."}
    return {"schema": 1, "kubernetes": kubernetes, "topics": [topic], "claims": list(records)}


@pytest.fixture(scope="session")
def record() -> Callable[..., dict[str, Any]]:
    return made_record


@pytest.fixture(scope="session")
def results() -> Callable[..., dict[str, Any]]:
    return made_results


@pytest.fixture(scope="session")
def many() -> list[tuple[str, dict[str, Any]]]:
    """Give 250 claims on five versions, with as much evidence as a run leaves, none of it the same twice."""
    told = []
    for number, tag in enumerate(("v1.38.0-alpha.1", "v1.37.0", "v1.36.4", "v1.35.8", "v1.34.4")):
        records = []
        for n in range(250):
            changed = {"verdict": "broken", "reason": "it is not so"} if n % 25 == 0 and number < 2 else {}
            lines = [f"line {line} of claim {n} on {tag}, kept as it was printed by the command" for line in range(50)]
            command = {"at_s": 0.2, "command": f"kubectl get pods --limit={n}", "exit": 0, "stderr": ""}
            commands = [command | {"stdout": "\n".join(lines)}] * 2
            topic = ("health", "pods", "services", "labels", "readiness")[n % 5]
            records.append(made_record(f"{topic}.claim-{n}", commands=commands, **changed))
        told.append((f"{tag[1:]}.json", made_results(tag, records)))
    return told


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Give a browser: the machine's Chromium, installed where root may.

    Who asks for these tests wants them run: where there is no browser to be had, the run ends with that sentence.
    """
    sync_api = pytest.importorskip("playwright.sync_api", reason="run with `nox -s tests -- -m browser`")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None and apt.usable():
        try:
            apt.install(["chromium"], Progress())
        except CannotRun as trouble:
            pytest.exit(f"no Chromium: {trouble}", returncode=1)
        path = shutil.which("chromium")
    if path is None:
        pytest.exit("the page is tried in Chromium: install it, or run as root on Debian", returncode=1)
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=options)
        yield browser
        browser.close()


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Give a function that writes results into a folder, by file name."""

    def write(**files: dict[str, Any] | str) -> Path:
        for name, content in files.items():
            text = content if isinstance(content, str) else json.dumps(content)
            (tmp_path / f"{name}.json").write_text(text, encoding="utf-8", errors="surrogatepass")
        return tmp_path

    return write
