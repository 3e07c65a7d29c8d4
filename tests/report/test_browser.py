"""The page in a real browser: with and without JavaScript, narrow and wide, light and dark, by keyboard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from labkit.report import matrix, notes_page, page

pytestmark = pytest.mark.browser

Record = Callable[..., dict[str, Any]]
Page = Callable[..., Any]

OPEN_MS = 1000
"""A page of 250 claims on five versions is there within this; 0.3 to 0.5 s on two idle cores."""


@pytest.fixture(scope="session")
def file(tmp_path_factory: pytest.TempPathFactory, results: Record, record: Record) -> Path:
    """A page with something of everything."""
    wrong = {"verdict": "wrong", "said": "it is never restarted", "today": "it is", "since": None}
    newest = [
        record("health.restarts", "broken", statement="A <b>container</b> is restarted."),
        record("health.waits", notes=wrong),
        record("pods.quiet", timeline=[], windows=[], manifests=[], commands=[], sabotage=[]),
        record("pods.unclear", "inconclusive"),
        record("pods.lonely", "not-applicable", twin="", no_twin="there is one only"),
    ]
    older = [record("health.restarts"), record("health.waits", "vacuous"), record("pods.quiet")]
    told = [("a", results("v1.37.0", newest)), ("b", results("v1.36.4", older))]
    ledger = {"health": {"health.cloud": "no lab has a cloud"}}
    path = tmp_path_factory.mktemp("report") / "index.html"
    path.write_text(page.render(matrix.build(told, wanted=("1.35",), ledger=ledger)), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def bordered(tmp_path_factory: pytest.TempPathFactory, results: Record, record: Record) -> Path:
    """A page with claims of some minors only, and known bugs."""
    bug = {"address": "https://example.com/1", "patches": ["1.36.0 to 1.36.5"]}

    def of(tag: str, *, new: str, old: str, buggy: str) -> tuple[str, dict[str, Any]]:
        bugs = [record("pods.bug", buggy, bug=bug), record("pods.mended", "bug-not-seen", bug=bug)]
        claims = [record("health.new", new, since="1.37"), record("health.old", old, until="1.37")]
        command = {"at_s": 0.2, "command": f"kubectl version # {tag}", "exit": 0, "stdout": tag, "stderr": ""}
        return tag, results(tag, [*claims, *bugs, record("health.all", commands=[command])])

    told = [
        of("v1.37.2", new="holds", old="not-applicable", buggy="holds"),
        of("v1.36.5", new="not-applicable", old="holds", buggy="known-bug"),
    ]
    path = tmp_path_factory.mktemp("report") / "index.html"
    path.write_text(page.render(matrix.build(told, wanted=("1.35",))), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of somebody's notes, with a line of each verdict."""
    seen = {"when": "as written", "typed": "kubectl x", "exit": 1, "stdout": "out", "stderr": "err", "seconds": 0.2}
    said = {"reason": "why", "mended": "kubectl y", "proven": True, "told": ["guessed"], "evidence": [seen]}
    document = {
        "path": "notes.md",
        "lines": ["# Notes", *(f"kubectl {verdict}" for verdict in notes_page.SIGNS)],
        "versions": [{"kubernetes": v, "seconds": 1.0, "counts": {"fault": 1}} for v in ("v1.37.2", "v1.36.5")],
        "findings": [
            {
                "line": at,
                "end": at,
                "subject": "command",
                "text": "kubectl",
                "on": {"v1.37.2": {**said, "verdict": verdict}},
            }
            for at, verdict in enumerate(notes_page.SIGNS, 2)
        ],
        "notes": [{"line": 1, "text": "odd"}],
        "mentions": 2,
        "diff": "--- a\n+++ b\n",
        "claims": [{"line": 1, "text": "no claim yet"}],
    }
    path = tmp_path_factory.mktemp("check") / "notes.html"
    path.write_text(notes_page.render(document), encoding="utf-8")
    return path


@pytest.fixture
def opened(chromium: Any, file: Path) -> Iterator[Page]:
    """Open the page at a fragment in a new window; what the window complains of fails the test."""
    contexts, complaints = [], []

    def open_at(fragment: str = "", *, path: Path = file, width: int = 1200, **options: Any) -> Any:
        context = chromium.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        window = context.new_page()
        window.on("pageerror", lambda error: complaints.append(str(error)))
        window.on("console", lambda message: complaints.append(message.text))
        window.on("request", lambda request: complaints.extend([request.url] if "file:" not in request.url else []))
        window.goto(path.as_uri() + fragment)
        return window

    yield open_at
    for context in contexts:
        context.close()
    assert complaints == []


def shown(window: Any) -> list[str]:
    """Name the claims that can be seen, by their ids."""
    ids: list[str] = window.eval_on_selector_all(
        ".claim", "all => all.filter(one => one.checkVisibility()).map(one => one.querySelector('.body').id)"
    )
    return ids


@pytest.mark.parametrize(
    ("fragment", "claims"),
    [
        ("", ["health.restarts", "health.waits", "pods.lonely", "pods.quiet", "pods.unclear"]),
        ("#?show=changed", ["health.restarts", "health.waits"]),
        ("#?show=changed&version=1.36", []),
        ("#?show=broken", ["health.restarts", "health.waits"]),
        ("#?show=broken&version=1.37", ["health.restarts"]),
        ("#?show=corrected", ["health.waits"]),
        ("#?show=unclear&version=1.37", ["pods.unclear"]),
        ("#?show=unclear", ["pods.lonely", "pods.unclear"]),
        ("#?version=1.36", ["health.restarts", "health.waits", "pods.quiet"]),
        ("#?version=1.35", []),
        ("#?topic=pods", ["pods.lonely", "pods.quiet", "pods.unclear"]),
        ("#?q=NEVER+restarted", ["health.waits"]),
        ("#?q=%3Cb%3Econtainer", ["health.restarts"]),
        (
            "#?show=nonsense&topic=none",
            ["health.restarts", "health.waits", "pods.lonely", "pods.quiet", "pods.unclear"],
        ),
    ],
)
def test_a_link_keeps_the_filters(opened: Page, fragment: str, claims: list[str]) -> None:
    window = opened(fragment)
    assert shown(window) == claims
    assert window.locator("#count").inner_text().startswith(f"{len(claims)} ")


def test_filters_make_the_link(opened: Page) -> None:
    window = opened()
    window.get_by_role("combobox", name="Show").select_option("broken")
    window.get_by_role("combobox", name="Topic").select_option("health")
    window.get_by_role("searchbox").fill("never")
    assert shown(window) == ["health.waits"]
    window.locator(".claim:visible > summary").click()
    window.wait_for_url(lambda url: url.endswith("#health.waits?q=never&show=broken&topic=health"))
    window.reload()
    assert shown(window) == ["health.waits"]
    assert window.locator("details.claim[open]").count() == 1
    window.get_by_role("button", name="Clear").click()
    assert window.locator("#count").inner_text() == "5 claims"
    window.wait_for_url(lambda url: url.endswith("#health.waits"))


@pytest.mark.parametrize("javascript", [True, False])
@pytest.mark.parametrize("place", ["health.waits", "health.waits@1.36"])
def test_a_link_opens_its_claim(opened: Page, place: str, javascript: bool) -> None:
    window = opened(f"#{place}", java_script_enabled=javascript)
    target = window.locator(f"[id='{place}']")
    assert target.is_visible()
    assert window.locator("details.claim[open]").count() == 1
    if javascript:
        assert window.locator("details.claim[open] > summary").bounding_box()["y"] < 900


def test_a_link_to_what_is_no_more_shows_all(opened: Page) -> None:
    assert len(shown(opened("#health.gone"))) == 5
    assert len(shown(opened("#%E0%A4%A"))) == 5


def test_a_topic_is_found_whatever_is_filtered(opened: Page) -> None:
    window = opened("#?topic=health")
    window.get_by_role("link", name="Pods").click()
    assert window.locator("#topic-pods").is_visible()
    assert len(shown(window)) == 5


def test_all_can_be_read_without_javascript(opened: Page) -> None:
    window = opened(java_script_enabled=False)
    assert window.locator(".claim").count() == 5
    assert not window.get_by_role("searchbox").is_visible()
    window.locator(".claim > summary").first.click()
    assert window.locator(".claim[open] svg.timeline").first.is_visible()
    assert window.locator(".claim[open] .story").first.is_visible()


@pytest.mark.parametrize("javascript", [True, False])
@pytest.mark.parametrize(
    ("version", "claims"),
    [
        ("1.37", ["health.all", "health.new", "pods.bug", "pods.mended"]),
        ("1.36", ["health.all", "health.old", "pods.bug", "pods.mended"]),
        ("1.35 (not run)", []),
        ("any version", ["health.all", "health.new", "health.old", "pods.bug", "pods.mended"]),
    ],
)
def test_the_picker_shows_the_notes_as_they_are_true_on_a_version(
    opened: Page, bordered: Path, version: str, claims: list[str], javascript: bool
) -> None:
    window = opened(path=bordered, java_script_enabled=javascript)
    window.get_by_role("radio", name=version, exact=True).check()
    assert sorted(shown(window)) == claims
    if claims:
        claim = window.locator(".claim:has([id='health.all'])")
        claim.locator("summary").first.click()
        runs = [run.inner_text()[:7] for run in claim.locator(".run").all() if run.is_visible()]
        assert runs == ([f"On {version}"] if version in ("1.37", "1.36") else ["On 1.37", "On 1.36"])
    if javascript and version == "1.36":
        window.wait_for_url(lambda url: url.endswith("#health.all?version=1.36"))
        assert claim.get_by_text("v1.36.5").first.is_visible()
        window.reload()
        assert sorted(shown(window)) == claims


@pytest.mark.parametrize("javascript", [True, False])
def test_a_link_leads_to_what_a_minor_changed(opened: Page, bordered: Path, javascript: bool) -> None:
    window = opened("#changed-in-1.37", path=bordered, java_script_enabled=javascript)
    told = window.locator("[id='changed-in-1.37'] .borders").first
    assert told.inner_text().split("\n\n") == [
        "Since 1.37 The statement of health.new.",
        "Before The statement of health.old.",
    ]
    window.get_by_role("link", name="The statement of health.old.").first.click()
    assert window.locator("[id='health.old']").is_visible()


@pytest.mark.parametrize("javascript", [True, False])
def test_a_claim_leads_to_its_other_side_whatever_version_is_picked(
    opened: Page, bordered: Path, javascript: bool
) -> None:
    window = opened("#health.new", path=bordered, java_script_enabled=javascript)
    window.get_by_role("radio", name="1.37", exact=True).check()
    window.locator("[id='health.new']").get_by_role("link", name="The statement of health.old.").click()
    assert window.locator("[id='health.old']").is_visible()


def test_a_known_bug_is_linked_and_found(opened: Page, bordered: Path) -> None:
    assert shown(opened("#?show=known", path=bordered)) == ["pods.bug"]
    window = opened("#changed-in-1.36", path=bordered)
    link = window.locator("[id='changed-in-1.36']").get_by_role("link", name="example.com/1").first
    assert link.get_attribute("href") == "https://example.com/1"


def test_the_keyboard_is_enough(opened: Page) -> None:
    window = opened()
    window.keyboard.press("Tab")
    assert window.evaluate("document.activeElement.textContent") == "Skip to the notes"
    window.keyboard.press("Enter")
    window.keyboard.press("Tab")
    assert window.evaluate("document.activeElement.matches('.claim > summary')")
    window.keyboard.press("Enter")
    assert window.locator("details.claim[open]").count() == 1
    window.wait_for_url(lambda url: url.endswith("#health.restarts"))


@pytest.mark.parametrize("width", [320, 1200])
@pytest.mark.parametrize(
    ("which", "place"), [("file", "#health.restarts"), ("bordered", "#changed-in-1.37"), ("checked", "#L3")]
)
def test_nothing_sticks_out_of_a_narrow_screen(
    opened: Page, request: pytest.FixtureRequest, which: str, place: str, width: int
) -> None:
    window = opened(place, path=request.getfixturevalue(which), width=width)
    assert window.evaluate("document.documentElement.scrollWidth") <= width


def test_the_age_of_the_run_is_told(opened: Page) -> None:
    window = opened()
    assert window.locator(".asof").inner_text().startswith("As of 23 November 2026, 10:00 UTC")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [380, 1200])
@pytest.mark.parametrize("which", ["file", "bordered", "checked"])
def test_axe_finds_nothing(opened: Page, request: pytest.FixtureRequest, which: str, scheme: str, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    path = request.getfixturevalue(which)
    window = opened(path=path, color_scheme=scheme, width=width, reduced_motion="reduce")
    window.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    found = axe.run(window).response
    told = [
        (one["id"], one["nodes"][0]["html"][:200], one["nodes"][0]["failureSummary"]) for one in found["violations"]
    ]
    assert told == []
    unsure = [(one["id"], one["nodes"][0]["html"][:200]) for one in found["incomplete"]]
    assert [one for one in unsure if one[0] != "color-contrast"] == []


def test_a_big_page_opens_at_once(opened: Page, many: list[tuple[str, dict[str, Any]]], tmp_path: Path) -> None:
    path = tmp_path / "index.html"
    path.write_text(page.render(matrix.build(many, wanted=())), encoding="utf-8")
    took = []
    for _ in range(3):
        window = opened("#labels.claim-248", path=path)
        took.append(window.evaluate("performance.getEntriesByType('navigation')[0].domComplete"))
        assert window.locator("details.claim[open]").count() == 1
    assert min(took) < OPEN_MS, f"milliseconds: {took}"
