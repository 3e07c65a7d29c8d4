"""The page in a real browser: with and without JavaScript, narrow and wide, light and dark, by keyboard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from labkit.report import matrix, page

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
    assert not window.locator("#filters").is_visible()
    window.locator(".claim > summary").first.click()
    assert window.locator(".claim[open] svg.timeline").first.is_visible()
    assert window.locator(".claim[open] .story").first.is_visible()


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
def test_nothing_sticks_out_of_a_narrow_screen(opened: Page, width: int) -> None:
    window = opened("#health.restarts", width=width)
    assert window.evaluate("document.documentElement.scrollWidth") <= width


def test_the_age_of_the_run_is_told(opened: Page) -> None:
    window = opened()
    assert window.locator(".asof").inner_text().startswith("As of 23 November 2026, 10:00 UTC")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [380, 1200])
def test_axe_finds_nothing(opened: Page, scheme: str, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    window = opened(color_scheme=scheme, width=width, reduced_motion="reduce")
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
