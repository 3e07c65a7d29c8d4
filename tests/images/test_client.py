"""The instrument as a client: every way in which an answer can be missing has its own name."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

import pytest

from .conftest import PATIENCE_S, Running, Start, free_port


def fetch(web: Running, url: str, **options: object) -> list[dict[str, Any]]:
    """Have the instrument ask; give its answers."""
    query = "&".join([f"url={url}", *(f"{name}={value}" for name, value in options.items())])
    status, body = web.get(f"/fetch?{query}")
    assert status == 200, body
    answers = body["answers"]
    assert isinstance(answers, list)
    return answers


def test_an_answer_tells_who_gave_it(web: Running) -> None:
    (answer,) = fetch(web, f"http://localhost:{web.port}/")
    assert answer.pop("took_s") < PATIENCE_S
    assert answer.pop("t") > 0
    assert answer == {"outcome": "ok", "status": 200, "name": "web-a", "to": f"127.0.0.1:{web.port}"}


def test_many_are_asked_in_parallel_each_on_a_new_connection(start: Start) -> None:
    web = start(FAULTS='{"healthy": {"hang": true}}')
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(fetch, web, f"{web.url}/healthy", n=8, parallel=4, timeout_s=PATIENCE_S)
        begun = monotonic()
        while len(web.log("?path=/healthy&agent=labs-web")) < 4:
            assert monotonic() < begun + PATIENCE_S, "four hang at once, the other four wait for their turn"
        web.put("/healthy/api", {})
        answers = asked.result()
    assert [answer["outcome"] for answer in answers] == ["ok"] * 8
    times = [answer["t"] for answer in answers]
    assert times == sorted(times)
    assert len(web.log("?path=/healthy&agent=labs-web")) == 8


@pytest.fixture(scope="module")
def broken() -> Any:
    """An instrument with every fault that a client can meet."""
    hang, close = free_port(), free_port()
    running = Running(LISTENERS=f"{hang}:hang,{close}:close")
    running.lines_until("listening")
    yield running, {"hang": hang, "close": close, "nobody": free_port()}
    running.errors()


@pytest.mark.parametrize(
    ("url", "outcome", "status"),
    [
        ("http://127.0.0.1:{self}/status/302", "ok", 302),
        ("http://127.0.0.1:{self}/status/500", "http 500", 500),
        ("http://127.0.0.1:{self}/nope", "http 404", 404),
        ("http://127.0.0.1:{nobody}/", "refused", None),
        ("http://127.0.0.1:{close}/", "reset", None),
        ("http://127.0.0.1:{hang}/", "timeout", None),
        # A label longer than 63 letters is no name anywhere, so that no name server need be asked.
        ("http://{label}.example/", "no name", None),
    ],
)
def test_what_came_of_it_has_a_name(
    broken: tuple[Running, dict[str, int]], url: str, outcome: str, status: int | None
) -> None:
    web, ports = broken
    address = url.format(self=web.port, label="x" * 64, **ports)
    (answer,) = fetch(web, address, timeout_s=0.2 if outcome == "timeout" else PATIENCE_S)
    assert (answer["outcome"], answer["status"]) == (outcome, status)
    assert (answer.get("error") is None) is (outcome == "ok")


def test_a_client_asks_until_it_is_stopped(start: Start) -> None:
    web = start()
    status, client = web.ask("POST", "/clients", {"url": f"{web.url}/healthy", "every_s": 0.02, "timeout_s": 1})
    assert (status, client["id"], client["running"]) == (200, "1", True)
    while len(client["answers"]) < 3:  # type: ignore[arg-type]
        client = web.get("/clients/1")[1]
    web.put("/healthy/api", {"status": 503})
    while client["answers"][-1]["outcome"] == "ok":  # type: ignore[index]
        client = web.get("/clients/1")[1]
    client = web.ask("DELETE", "/clients/1")[1]
    assert client["running"] is False
    outcomes = [answer["outcome"] for answer in client["answers"]]  # type: ignore[attr-defined]
    turn = outcomes.index("http 503")
    assert set(outcomes[:turn]) == {"ok"}
    assert set(outcomes[turn:]) == {"http 503"}
    assert web.get("/clients/1")[1] == client, "a stopped client keeps its answers and gets no more"


def test_a_client_that_is_stopped_has_the_outcome_of_every_request(start: Start) -> None:
    web = start(FAULTS='{"healthy": {"delay_s": 0.2}}')
    web.ask("POST", "/clients", {"url": f"{web.url}/healthy", "every_s": 0.02, "timeout_s": 1})
    while not web.log("?path=/healthy"):
        pass
    client = web.ask("DELETE", "/clients/1")[1]
    answers: Any = client["answers"]
    assert len(answers) == len(web.log("?path=/healthy"))
