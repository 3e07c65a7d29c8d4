"""What the instrument answers, and how it is broken on request."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from time import monotonic, time

import pytest

from .conftest import PATIENCE_S, Running, Start


@pytest.mark.parametrize("path", ["/", "/healthy", "/ready", "/started", "/work"])
def test_an_untouched_instrument_is_well(web: Running, path: str) -> None:
    status, body = web.get(path)
    assert (status, body["name"], body["path"], body["from"]) == (200, "web-a", path, "127.0.0.1")


def test_an_unknown_path_is_not_found(web: Running) -> None:
    assert web.get("/nope")[0] == 404


def test_a_head_request_has_no_body(web: Running) -> None:
    status, content, headers = web.ask_raw("HEAD", "/healthy")
    assert (status, content) == (200, b"")
    assert int(headers["Content-Length"]) > 0


@pytest.mark.parametrize("code", [200, 204, 304, 399, 400, 404, 500, 599])
def test_a_path_can_ask_for_a_status(web: Running, code: int) -> None:
    assert web.get(f"/status/{code}")[0] == code


def test_a_path_can_ask_for_a_redirect(web: Running) -> None:
    status, _, headers = web.ask_raw("GET", "/status/302?location=/healthy")
    assert (status, headers["Location"]) == (302, "/healthy")


@pytest.mark.parametrize(
    ("fault", "statuses"),
    [
        ({"failNext": 2}, [500, 500, 200, 200]),
        ({"failNext": 1, "status": 503}, [503, 200]),
        ({"failNext": -1}, [500] * 5),
        ({"failNext": 0}, [200, 200]),
        ({}, [200, 200]),
        ({"status": 399}, [399, 399]),
        ({"status": 204}, [204, 204]),
        ({"location": "http://elsewhere.example/"}, [302, 302]),
        ({"delay_s": 0.01}, [200, 200]),
        ({"delay_s": 0.01, "failNext": 1}, [500, 200]),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_fault_is_for_the_next_requests(
    web: Running, method: str, fault: dict[str, object], statuses: list[int]
) -> None:
    assert web.ask(method, "/healthy/api", fault)[0] == 200
    assert [web.get("/healthy")[0] for _ in statuses] == statuses
    assert web.get("/ready")[0] == 200, "another path is not touched"


def test_a_fault_replaces_the_former_one_as_a_whole(web: Running) -> None:
    web.put("/healthy/api", {"failNext": -1, "status": 503, "delay_s": 30})
    begun = monotonic()
    web.put("/healthy/api", {"failNext": 1})
    assert web.get("/healthy")[0] == 500
    assert monotonic() - begun < 10


def test_the_setting_is_shown_with_what_is_left_and_how_many_came(start: Start) -> None:
    web = start()
    shown = web.put("/healthy/api", {"failNext": 3})
    assert (shown["failNext"], shown["requests"], shown["faulted"]) == (3, 0, 0)
    web.get("/healthy")
    web.put("/healthy/api", {})
    web.get("/healthy")
    shown = web.get("/healthy/api")[1]
    assert (shown["path"], shown["failNext"], shown["requests"], shown["faulted"]) == ("/healthy", 0, 2, 1)


def test_a_fault_makes_an_unknown_path_answer(start: Start) -> None:
    web = start()
    web.put("/deep/down/api", {"status": 200})
    assert web.get("/deep/down")[0] == 200


def test_a_slow_answer_is_slow(web: Running) -> None:
    web.put("/healthy/api", {"failNext": 1, "delay_s": 0.2, "status": 200})
    begun = monotonic()
    assert web.get("/healthy")[0] == 200
    assert monotonic() - begun >= 0.2


def test_a_request_hangs_until_the_path_is_healed(web: Running) -> None:
    web.put("/healthy/api", {"failNext": 1, "hang": True})
    with ThreadPoolExecutor() as pool:
        hanging = pool.submit(web.get, "/healthy")
        wait_for_request(web, "/healthy")
        assert web.get("/healthy")[0] == 200, "only the next one hangs"
        assert not hanging.done()
        web.put("/healthy/api", {})
        assert hanging.result()[0] == 500, "failNext was given: after hanging it fails"


def test_a_deadlock_hangs_all_application_paths_and_no_control_path(start: Start) -> None:
    web = start()
    web.put("/deadlock/api", {"hang": True})
    with ThreadPoolExecutor() as pool:
        hanging = [pool.submit(web.get, path) for path in ("/", "/healthy", "/work", "/nope")]
        for path in ("/", "/healthy", "/work", "/nope"):
            wait_for_request(web, path)
        assert web.get("/healthy/api")[0] == 200
        assert not any(request.done() for request in hanging)
        web.put("/deadlock/api", {"hang": False})
        assert [request.result()[0] for request in hanging] == [200, 200, 200, 404]


def wait_for_request(web: Running, path: str) -> None:
    """Wait until the log has a request that hangs on that path."""
    deadline = monotonic() + PATIENCE_S
    while not any(line["status"] is None for line in web.log(f"?path={path}")):
        assert monotonic() < deadline, f"no request hangs on {path}"


@pytest.mark.parametrize(
    ("method", "path", "body", "sentence"),
    [
        ("PUT", "/healthy/api", {"failNext": "3"}, "failNext takes a whole number"),
        ("PUT", "/healthy/api", {"failNext": True}, "failNext takes a whole number"),
        ("PUT", "/healthy/api", {"status": 99}, "status takes a code from 200 to 599"),
        ("PUT", "/healthy/api", {"delay_s": -1}, "delay_s takes seconds"),
        ("PUT", "/healthy/api", {"hang": 1}, "hang takes true or false"),
        ("PUT", "/healthy/api", {"location": "a\r\nb"}, "location takes an address"),
        ("PUT", "/healthy/api", {"fail": 3}, "/healthy takes delay_s, failNext, hang, location, status, not fail"),
        ("PUT", "/healthy/api", "[1]", "the body must be a JSON object"),
        ("PUT", "/healthy/api", "{", "the body must be a JSON object"),
        ("PUT", "/deadlock/api", {"failNext": 1}, "/deadlock takes hang, not failNext"),
        ("PUT", "/grpc/api", {"status": 500}, "/grpc takes delay_s, failNext, hang, not status"),
        ("PUT", "/log/api", {"failNext": 1}, "/log is a control path"),
        ("POST", "/exit", {"code": 256}, '{"code": 3}'),
        ("POST", "/file", {"path": "healthy"}, '{"path": "/tmp/healthy"'),
        ("POST", "/file", {"path": "/proc/healthy"}, "/proc/healthy: "),
        ("GET", "/fetch?n=1", None, "url takes an address"),
        ("GET", "/fetch?url=https://x/", None, "url takes an address"),
        ("GET", "/fetch?url=http://x/&n=0", None, "n takes a number from 1 to 1000"),
        ("GET", "/fetch?url=http://x/&timeout_s=soon", None, "timeout_s takes a number"),
        ("POST", "/clients", {"url": "http://x/", "every_s": 0}, "every_s takes a number"),
        ("POST", "/clients", {"url": "http://x/", "every_s": 0.01, "timeout_s": 60}, "timeout_s is at most"),
    ],
)
def test_a_request_without_sense_is_refused_with_a_sentence(
    web: Running, method: str, path: str, body: object, sentence: str
) -> None:
    status, answer = web.ask(method, path, body)
    assert status == 400
    assert sentence in str(answer["error"])
    assert web.get("/healthy")[0] == 200, "a refused request changes nothing"


@pytest.mark.parametrize(
    ("method", "path", "status", "sentence"),
    [
        ("POST", "/healthy", 405, "faults are set at /healthy/api"),
        ("DELETE", "/log", 405, "/log takes GET, not DELETE"),
        ("GET", "/clients/7", 404, "there is no client 7"),
        ("POST", "/listeners/7/close", 404, "there is no listener 7"),
        ("GET", "/status/700", 404, "a code from 200 to 599"),
    ],
)
def test_a_wrong_door_is_named(web: Running, method: str, path: str, status: int, sentence: str) -> None:
    answer = web.ask(method, path)
    assert answer[0] == status
    assert sentence in str(answer[1]["error"])


def test_presets_break_it_from_the_start(start: Start) -> None:
    web = start(FAIL="healthy, ready=503", FAULTS='{"started": {"failNext": 1}, "a/b": {"status": 204}}')
    assert [web.get(path)[0] for path in ("/healthy", "/ready", "/started", "/started", "/a/b")] == [
        *(500, 503, 500, 200, 204)
    ]


def test_it_can_be_ready_late(launch: Start) -> None:
    web = launch(READY_AFTER_S=0.3)
    started = float(str(web.lines_until("listening")[0]["t"]))
    while web.get("/ready")[0] == 500:
        assert time() < started + PATIENCE_S
    assert time() >= started + 0.3 - 0.001, "told to the millisecond, up or down"
    assert web.get("/healthy")[0] == 200


def test_it_can_listen_late(launch: Start) -> None:
    web = launch(START_DELAY_S=0.3)
    started, listening = (float(str(line["t"])) for line in web.lines_until("listening"))
    assert round(listening - started, 3) >= 0.3


def test_work_waits_for_a_slot(start: Start) -> None:
    web = start(HANDLE_MS=100, CONCURRENCY=2)
    begun = monotonic()
    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(web.get, ["/work"] * 4))
    assert monotonic() - begun >= 0.2, "two at a time, twice"
    assert all(float(str(body["waited_s"])) >= 0 for _, body in answers)


def test_sixty_connections_are_served_side_by_side(start: Start) -> None:
    web = start()
    web.put("/healthy/api", {"hang": True})
    with ThreadPoolExecutor(60) as pool:
        requests = [pool.submit(web.get, "/healthy") for _ in range(60)]
        deadline = monotonic() + PATIENCE_S
        while web.get("/healthy/api")[1]["requests"] != 60:
            assert monotonic() < deadline
        web.put("/healthy/api", {})
        assert {request.result()[0] for request in requests} == {200}


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PORT", "http", "PORT takes a port from 1 to 65535, not 'http'"),
        ("START_DELAY_S", "soon", "START_DELAY_S takes a number, 0 or more, not 'soon'"),
        ("EXIT_ON_TERM", "256", "EXIT_ON_TERM takes a whole number from 0 to 255, not '256'"),
        ("IGNORE_SIGTERM", "yes", "IGNORE_SIGTERM takes 0 or 1, not 'yes'"),
        ("LISTENERS", "9001", "LISTENERS takes PORT:hang or PORT:close, separated by commas, not '9001'"),
        ("FAIL", "ready=broken", "FAIL, ready: status takes a code from 200 to 599"),
        ("FAULTS", "ready", "FAULTS takes a JSON object of path to fault"),
        ("FAULTS", '{"ready": {"hang": "yes"}}', "FAULTS, ready: hang takes true or false"),
    ],
)
def test_a_setting_without_sense_ends_it_with_a_sentence(launch: Start, name: str, value: str, sentence: str) -> None:
    web = launch(**{name: value})
    assert web.ended() == 2
    assert web.errors().startswith(sentence)
