"""The page in a real browser: with and without JavaScript, narrow and wide, light and dark, by keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tenacity import Retrying, stop_after_delay, wait_fixed

from labkit.report import matrix, notes_page, page

pytestmark = pytest.mark.browser

Record = Callable[..., dict[str, Any]]
Page = Callable[..., Any]

PATIENCE_S = 30.0
"""How long the browser may take to do what it was asked to, on a machine with other work too."""

ALL = ("health.restarts", "health.waits", "pods.lonely", "pods.quiet", "pods.unclear")
"""The claims on the page of `file`."""

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


def eventually(what: Any) -> Any:
    """Give the assertions on a locator that wait: a browser follows a link after the click has returned."""
    expect = pytest.importorskip("playwright.sync_api").expect
    expect.set_options(timeout=PATIENCE_S * 1000)
    return expect(what)


def shows(window: Any, claims: Sequence[str]) -> None:
    """Wait until just these claims can be seen, named by their ids."""
    for attempt in Retrying(stop=stop_after_delay(PATIENCE_S), wait=wait_fixed(0.05), reraise=True):
        with attempt:
            seen = window.eval_on_selector_all(
                ".claim", "all => all.filter(one => one.checkVisibility()).map(one => one.querySelector('.body').id)"
            )
            assert sorted(seen) == sorted(claims)


@pytest.mark.parametrize(
    ("fragment", "claims"),
    [
        ("", ALL),
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
        ("#?show=nonsense&topic=none", ALL),
    ],
)
def test_a_link_keeps_the_filters(opened: Page, fragment: str, claims: Sequence[str]) -> None:
    window = opened(fragment)
    shows(window, claims)
    eventually(window.locator("#count")).to_have_text(re.compile(rf"^{len(claims)} "))


def test_filters_make_the_link(opened: Page) -> None:
    window = opened()
    window.get_by_role("combobox", name="Show").select_option("broken")
    window.get_by_role("combobox", name="Topic").select_option("health")
    window.get_by_role("searchbox").fill("never")
    shows(window, ["health.waits"])
    window.locator(".claim:visible > summary").click()
    window.wait_for_url(lambda url: url.endswith("#health.waits?q=never&show=broken&topic=health"))
    window.reload()
    shows(window, ["health.waits"])
    eventually(window.locator("details.claim[open]")).to_have_count(1)
    window.get_by_role("button", name="Clear").click()
    eventually(window.locator("#count")).to_have_text("5 claims")
    window.wait_for_url(lambda url: url.endswith("#health.waits"))


@pytest.mark.parametrize("javascript", [True, False])
@pytest.mark.parametrize("place", ["health.waits", "health.waits@1.36"])
def test_a_link_opens_its_claim(opened: Page, place: str, javascript: bool) -> None:
    window = opened(f"#{place}", java_script_enabled=javascript)
    target = window.locator(f"[id='{place}']")
    eventually(target).to_be_visible()
    eventually(window.locator("details.claim[open]")).to_have_count(1)
    if javascript:
        eventually(window.locator("details.claim[open] > summary")).to_be_in_viewport()


def test_a_link_to_what_is_no_more_shows_all(opened: Page) -> None:
    shows(opened("#health.gone"), ALL)
    shows(opened("#%E0%A4%A"), ALL)


def test_a_topic_is_found_whatever_is_filtered(opened: Page) -> None:
    window = opened("#?topic=health")
    window.get_by_role("link", name="Pods").click()
    eventually(window.locator("#topic-pods")).to_be_visible()
    shows(window, ALL)


def test_all_can_be_read_without_javascript(opened: Page) -> None:
    window = opened(java_script_enabled=False)
    eventually(window.locator(".claim")).to_have_count(5)
    eventually(window.get_by_role("searchbox")).to_be_hidden()
    window.locator(".claim > summary").first.click()
    eventually(window.locator(".claim[open] svg.timeline").first).to_be_visible()
    eventually(window.locator(".claim[open] .story").first).to_be_visible()


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
    shows(window, claims)
    if claims:
        claim = window.locator(".claim:has([id='health.all'])")
        claim.locator("summary").first.click()
        runs = [version] if version in ("1.37", "1.36") else ["1.37", "1.36"]
        eventually(claim.locator(".run:visible")).to_have_text([re.compile(f"^\\s*On {run}") for run in runs])
    if javascript and version == "1.36":
        window.wait_for_url(lambda url: url.endswith("#health.all?version=1.36"))
        eventually(claim.get_by_text("v1.36.5").first).to_be_visible()
        window.reload()
        shows(window, claims)


@pytest.mark.parametrize("javascript", [True, False])
def test_a_link_leads_to_what_a_minor_changed(opened: Page, bordered: Path, javascript: bool) -> None:
    window = opened("#changed-in-1.37", path=bordered, java_script_enabled=javascript)
    told = window.locator("[id='changed-in-1.37'] .borders").first
    assert told.inner_text().split("\n\n") == [
        "Since 1.37 The statement of health.new.",
        "Before The statement of health.old.",
    ]
    window.get_by_role("link", name="The statement of health.old.").first.click()
    eventually(window.locator("[id='health.old']")).to_be_visible()


@pytest.mark.parametrize("javascript", [True, False])
def test_a_claim_leads_to_its_other_side_whatever_version_is_picked(
    opened: Page, bordered: Path, javascript: bool
) -> None:
    window = opened("#health.new", path=bordered, java_script_enabled=javascript)
    window.get_by_role("radio", name="1.37", exact=True).check()
    window.locator("[id='health.new']").get_by_role("link", name="The statement of health.old.").click()
    eventually(window.locator("[id='health.old']")).to_be_visible()


def test_a_known_bug_is_linked_and_found(opened: Page, bordered: Path) -> None:
    shows(opened("#?show=known", path=bordered), ["pods.bug"])
    window = opened("#changed-in-1.36", path=bordered)
    link = window.locator("[id='changed-in-1.36']").get_by_role("link", name="example.com/1").first
    assert link.get_attribute("href") == "https://example.com/1"


def test_the_keyboard_is_enough(opened: Page) -> None:
    window = opened()
    window.keyboard.press("Tab")
    eventually(window.get_by_role("link", name="Skip to the notes")).to_be_focused()
    window.keyboard.press("Enter")
    window.keyboard.press("Tab")
    eventually(window.locator(".claim > summary").first).to_be_focused()
    window.keyboard.press("Enter")
    eventually(window.locator("details.claim[open]")).to_have_count(1)
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
    eventually(window.locator(".asof")).to_have_text(re.compile("^As of 23 November 2026, 10:00 UTC"))


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
        eventually(window.locator("details.claim[open]")).to_have_count(1)
    assert min(took) < OPEN_MS, f"milliseconds: {took}"
