"""The page as text: whole, the same again, and nothing in it but what we wrote."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest

from labkit.report import matrix, page
from labkit.report.text import clean

Record = Callable[..., dict[str, Any]]

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'`{{ 7*7 }}&lt;\x1b[31m\u202e\x00\ud800|"

VOID = {"meta", "input", "br", "img", "link", "path"}


class Parsed(HTMLParser):
    """What a page consists of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def values(self, name: str) -> list[str]:
        return [value for _, other, value in self.attributes if other == name]


def rendered(results: Record, *told: tuple[str, list[dict[str, Any]]], wanted: tuple[str, ...] = ()) -> str:
    return page.render(matrix.build([(tag, results(tag, records)) for tag, records in told], wanted=wanted))


def hostile(value: Any) -> Any:
    """Put markup into every text that the schema leaves free."""
    if isinstance(value, str):
        return f"{value}{HOSTILE}"
    if isinstance(value, list):
        return [hostile(inner) for inner in value]
    return {key: hostile(inner) for key, inner in value.items()} if isinstance(value, dict) else value


def test_the_same_results_give_the_same_page(results: Record, record: Record) -> None:
    told = [(f"{tag}.json", results(tag, [record("b.two"), record("a.one")])) for tag in ("v1.36.4", "v1.37.0")]
    first = page.render(matrix.build(told, wanted=("1.35",)))
    assert page.render(matrix.build(reversed(told), wanted=("1.35",))) == first
    assert str(matrix.build(told, wanted=()).topics[0].claims) not in first


def test_the_page_needs_nothing_from_outside(results: Record, record: Record) -> None:
    parsed = Parsed(rendered(results, ("v1.37.0", [record()])))
    assert parsed.values("src") == []
    assert parsed.tags["link"] == 0
    assert all(href.startswith(("#", "https://kubernetes.io/")) for href in parsed.values("href"))
    assert parsed.values("style") == []
    assert [name for _, name, _ in parsed.attributes if name.startswith("on")] == []


def test_the_policy_of_the_page_lets_only_its_own_script_run(results: Record, record: Record) -> None:
    text = rendered(results, ("v1.37.0", [record()]))
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', text)
    for tag in ("script", "style"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")


def test_whatever_a_cluster_says_stays_text(results: Record, record: Record) -> None:
    kept = {"id", "verdict", "who", "result", "outcome"}
    said = record(notes={"verdict": "wrong", "said": "a", "today": "b", "since": "1.16"}, verdict="broken", reason="r")
    bad = {key: value if key in kept else hostile(value) for key, value in said.items()}
    for key, inner in (("timeline", "who"), ("sabotage", "result"), ("observations", "outcome")):
        for one, was in zip(bad[key], said[key], strict=True):
            one[inner] = was[inner]
    bad["notes"]["verdict"] = "wrong"
    bad["timeline"].append({"at_s": float("nan"), "who": "event", "object": HOSTILE, "seen": HOSTILE})
    told = results("v1.37.0", [bad])
    told["topics"] = hostile([told["topics"][0] | {"topic": "health"}])
    told["kubernetes"] = told["kubernetes"] | {"node_image": HOSTILE, "started": HOSTILE}
    text = page.render(matrix.build([(HOSTILE, told)], wanted=()))
    parsed = Parsed(text)
    clean_page = Parsed(rendered(results, ("v1.37.0", [said])))
    assert parsed.tags["script"] == 1
    assert parsed.tags["img"] == 0
    assert parsed.tags.keys() <= clean_page.tags.keys() | {"i"}
    assert "{{ 7*7 }}" in text
    assert clean(HOSTILE)[:40] in "".join(parsed.texts)
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\ud800-\udfff]", text)
    assert [name for _, name, _ in parsed.attributes if name.startswith("on")] == []


@pytest.mark.parametrize("source", ["javascript:alert(1)", "http://example.com", "https:/x", 'x" onclick="y'])
def test_only_a_web_address_becomes_a_link(results: Record, record: Record, source: str) -> None:
    parsed = Parsed(rendered(results, ("v1.37.0", [record(source=source)])))
    assert all(href.startswith("#") for href in parsed.values("href"))


def test_links_have_a_place_and_places_one_name(results: Record, record: Record) -> None:
    records = [record("a.one", "broken"), record("b.two"), record("b.three", topic="Odd & strange/name")]
    text = rendered(results, ("v1.37.0", records), ("v1.36.4", [record("a.one"), record("b.two")]))
    parsed = Parsed(text)
    places = parsed.values("id")
    assert len(places) == len(set(places))
    links = [href[1:] for href in parsed.values("href") if href.startswith("#") and not href.startswith("#?")]
    assert set(links) | set(parsed.values("aria-labelledby")) <= set(places)
    assert {"a.one", "b.two", "b.three", "a.one@1.36", "topic-a"} <= set(places)


def test_a_missing_version_is_shown_as_not_run(results: Record, record: Record) -> None:
    text = rendered(results, ("v1.37.0", [record()]), wanted=("1.37", "1.36"))
    assert "1.36 was not run." in text
    assert '<td><span class="quiet">not run</span></td>' in re.sub(r"\s*\n\s*", "", text)
    assert "It holds on 1.37; was not run on 1.36." in text


def test_old_results_without_prose_make_a_page(results: Record, record: Record) -> None:
    old = record()
    for key in ("windows", "manifests", "lab"):
        del old[key]
    told = results("v1.37.0", [old])
    del told["topics"]
    assert "The statement of health.restarts." in page.render(matrix.build([("x", told)], wanted=()))


def test_a_page_of_250_claims_on_five_versions_can_be_sent(many: list[tuple[str, dict[str, Any]]]) -> None:
    text = page.render(matrix.build(many, wanted=()))
    assert len(text.encode()) <= page.MOST_BYTES
    assert text.count('<details class="claim"') == 250
    assert "more characters]" in text


def test_what_is_the_same_but_for_names_and_times_is_said_once(results: Record, record: Record) -> None:
    def printed(tail: str, age: str, ip: str) -> dict[str, Any]:
        table = f"NAME         READY  AGE\nweb-{tail}  1/1   {age}\n{ip} 2026-11-23T10:00:00Z"
        return record(commands=[{"at_s": 1, "command": "kubectl get pods", "exit": 0, "stdout": table, "stderr": ""}])

    newer, older = printed("x7k2p", "3s", "10.244.1.7"), printed("4mzpq", "12s", "10.244.2.19")
    text = rendered(results, ("v1.37.0", [newer]), ("v1.36.4", [older]))
    assert "printed what they print on 1.37" in text
    assert "web-4mzpq" not in text
    other = printed("4mzpq", "12s", "10.244.2.19")
    other["commands"][0]["stdout"] += "\nnew column"
    assert "new column" in rendered(results, ("v1.37.0", [newer]), ("v1.36.4", [other]))


def test_comments_of_a_manifest_are_told_apart() -> None:
    lines = page.commented("# all\nkind: Pod # the twin has none\nname: a#b\n  image: x")
    assert lines == [("", "# all"), ("kind: Pod ", "# the twin has none"), ("name: a#b", ""), ("  image: x", "")]


def test_a_cluster_that_was_there_is_told_by_its_context(record: Record, results: Record) -> None:
    told = results(records=[record("health.liveness-restarts")])
    told["kubernetes"] |= {"node_image": "", "origin": "context <prod>", "build": "v1.37.0-eks-1"}
    text = page.render(matrix.build([("1.37.0.json", told)], wanted=["1.37"]))
    assert '<td>context &lt;prod&gt; <span class="quiet">(v1.37.0-eks-1)</span></td>' in text
