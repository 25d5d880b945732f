"""The guard: whose requests pass, how much of a body, and what every answer says."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from asking import Asker
from fastapi import FastAPI, Request, UploadFile, WebSocket
from starlette.responses import Response, StreamingResponse

from impasto.studio.accounts import COOKIE, Accounts, Sessions, add_user
from impasto.studio.guard import ANY_ADDRESS, CSP, LOOPBACK, Guard, Seen, hosts_for, log_requests

HOST = "127.0.0.1:7700"
OWN = {"host": HOST, "origin": f"http://{HOST}"}
MIB = 2**20


def small_app() -> FastAPI:
    app = FastAPI()

    @app.get("/api/v1/jobs/{id}")
    def job(id: str) -> dict[str, str]:
        return {"id": id}

    @app.post("/api/v1/json")
    async def post(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    @app.post("/api/v1/uploads")
    async def upload(file: UploadFile, request: Request) -> dict[str, int]:
        request.state.user = "anna"
        return {"bytes": len(await file.read())}

    @app.get("/")
    def page() -> Response:
        return Response("<p>", media_type="text/html", headers={"Content-Security-Policy": "none"})

    @app.get("/api/v1/kept")
    def kept() -> Response:
        return Response("x", headers={"Cache-Control": "max-age=60"})

    @app.get("/api/v1/broken")
    def broken() -> None:
        raise RuntimeError("a bug")

    @app.get("/api/v1/events")
    def events() -> StreamingResponse:
        async def lines() -> AsyncIterator[str]:
            yield "data: 1\n\n"
            yield "data: 2\n\n"

        return StreamingResponse(lines(), media_type="text/event-stream")

    @app.websocket("/socket")
    async def socket(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("in")
        await socket.close()

    return app


def guarded(**changes: Any) -> Guard:
    settings: dict[str, Any] = {"hosts": LOOPBACK, "is_secure": False, "max_body": 4 * MIB}
    return Guard(small_app(), **(settings | changes))


def ask(method: str, path: str, guard: Guard | None = None, **options: Any) -> httpx.Response:
    """The answer to a request; its host is this machine if nothing else is said."""
    return Asker(guard or guarded(), f"http://{HOST}").ask(method, path, **options)


def refused(answer: httpx.Response, status: int = 403) -> str:
    assert answer.status_code == status
    error = answer.json()["error"]
    assert error["option"] is None
    return str(error["message"])


@pytest.mark.parametrize(
    "host", ["127.0.0.1:7700", "localhost:7700", "LOCALHOST", "[::1]:7700", "[::1]"]
)
def test_own_names_pass(host: str) -> None:
    assert ask("GET", "/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:7700", "127.0.0.1.evil.example", "localhost.evil.example",
        "evil.example:7700:7700", "10.0.0.1", "127.0.0.1:7700@evil.example", "localhost.", "",
        "[::2]:7700", "::1", "127.0.0.1:77x", "127.0.0.1,evil.example", "*",
    ],
)  # fmt: skip
def test_a_name_that_was_led_here_is_refused(host: str) -> None:
    """DNS rebinding: the browser believes to ask the attacker's own site."""
    message = refused(ask("GET", "/api/v1/jobs/1", headers={"host": host}))
    assert "--hostname" in message


def test_two_hosts_are_refused() -> None:
    headers = [("host", HOST), ("host", "evil.example")]
    refused(ask("GET", "/", headers=headers))


def test_any_address_is_no_name() -> None:
    guard = guarded(hosts=frozenset({ANY_ADDRESS}))
    for host in ("192.168.1.7:7700", "[fe80::1]:7700"):
        assert ask("GET", "/", guard, headers={"host": host}).status_code == 200
    for host in ("evil.example", "localhost", "*", "1.2.3", "999.1.1.1"):
        refused(ask("GET", "/", guard, headers={"host": host}))


def test_hosts_by_where_it_listens() -> None:
    assert hosts_for("127.0.0.1") == LOOPBACK
    assert hosts_for("::1", ["Studio.Example"]) == LOOPBACK | {"studio.example"}
    assert hosts_for("192.168.1.7") == LOOPBACK | {"192.168.1.7"}
    assert ANY_ADDRESS not in hosts_for("192.168.1.7")
    assert ANY_ADDRESS in hosts_for("0.0.0.0") & hosts_for("::")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "PAINT"])
@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example", "null", "http://127.0.0.1:8888", "http://localhost:7700",
        "http://127.0.0.1", "file://", "http://127.0.0.1:7700.evil.example", "http://[",
        "ftp://127.0.0.1:7700", "http://evil@127.0.0.1:7700",
    ],
)  # fmt: skip
def test_foreign_pages_change_nothing(method: str, origin: str) -> None:
    headers = {"host": HOST, "origin": origin}
    assert origin[:20] in refused(ask(method, "/api/v1/json", headers=headers))


def test_own_page_and_programs_may_post() -> None:
    assert ask("POST", "/api/v1/json", headers=OWN, content=b"{}").json() == {"bytes": 2}
    assert ask("POST", "/api/v1/json", content=b"{}").status_code == 200


def test_own_page_behind_a_proxy() -> None:
    guard = guarded(hosts=frozenset({"studio.example"}), is_secure=True)
    for host, origin, status in [
        ("studio.example", "https://studio.example", 200),
        ("studio.example:443", "https://studio.example", 200),
        ("studio.example", "https://Studio.Example:443", 200),
        ("studio.example", "http://studio.example", 403),  # somebody between us and the browser
        ("studio.example", "https://other.example", 403),
    ]:
        answer = ask("POST", "/api/v1/json", guard, headers={"host": host, "origin": origin})
        assert answer.status_code == status, (host, origin)


@pytest.mark.parametrize(
    ("site", "mode", "method", "status"),
    [
        ("same-origin", "cors", "POST", 200),
        ("none", "navigate", "GET", 200),
        ("cross-site", "navigate", "GET", 200),  # a link leads here
        ("cross-site", "navigate", "POST", 403),  # a form of another site
        ("cross-site", "no-cors", "GET", 403),  # an <img> of another site
        ("same-site", "no-cors", "GET", 403),  # another program on another port of this machine
        ("same-site", "cors", "POST", 403),
    ],
)
def test_what_browsers_say_of_the_asking_page(
    site: str, mode: str, method: str, status: int
) -> None:
    headers = {"host": HOST, "sec-fetch-site": site, "sec-fetch-mode": mode}
    path = "/api/v1/json" if method == "POST" else "/api/v1/jobs/1"
    assert ask(method, path, headers=headers).status_code == status


def socket_answer(headers: dict[str, str]) -> str:
    sent: list[Any] = []
    messages = iter([{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1000}])

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "websocket", "path": "/socket", "headers": [
            (name.encode(), value.encode()) for name, value in headers.items()
        ], "query_string": b"", "root_path": "", "subprotocols": [],
    }  # fmt: skip
    asyncio.run(guarded()(scope, receive, send))
    return str(sent[0]["type"])


def test_sockets_of_foreign_pages_are_closed() -> None:
    assert socket_answer(OWN) == "websocket.accept"
    assert socket_answer(OWN | {"origin": "http://evil.example"}) == "websocket.close"
    assert socket_answer(OWN | {"host": "evil.example"}) == "websocket.close"


@pytest.mark.parametrize(
    ("path", "cache"),
    [
        ("/", "no-cache"),
        ("/api/v1/jobs/1", "no-store"),
        ("/api/v1/kept", "max-age=60"),
        ("/api/v1/none", "no-store"),
    ],
)
def test_every_answer_has_the_headers(path: str, cache: str) -> None:
    for answer in (ask("GET", path), ask("GET", path, headers={"host": "evil.example"})):
        assert answer.headers.get_list("content-security-policy") == [CSP]
        assert not {"unsafe", "http"} & set(CSP.replace("-", " ").split())
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["referrer-policy"] == "same-origin"
    assert ask("GET", path).headers["cache-control"] == cache


def parts(count: int, size: int) -> AsyncIterator[bytes]:
    """A body without an announced length."""

    async def every() -> AsyncIterator[bytes]:
        for _ in range(count):
            yield b"x" * size

    return every()


def multipart(size: int) -> tuple[bytes, dict[str, str]]:
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    body = head + b"x" * size + b"\r\n--b--\r\n"
    return body, {"host": HOST, "content-type": "multipart/form-data; boundary=b"}


def test_uploads_are_counted_as_they_come() -> None:
    body, headers = multipart(3 * MIB)
    assert ask("POST", "/api/v1/uploads", content=body, headers=headers).json() == {
        "bytes": 3 * MIB
    }
    body, headers = multipart(5 * MIB)

    async def unannounced() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 2**16):
            yield body[start : start + 2**16]

    for content in (body, unannounced()):
        message = refused(ask("POST", "/api/v1/uploads", content=content, headers=headers), 413)
        assert "4 MiB" in message


def test_other_bodies_are_small() -> None:
    assert ask("POST", "/api/v1/json", content=parts(1, MIB)).status_code == 200
    assert "1 MiB" in refused(ask("POST", "/api/v1/json", content=parts(2, MIB)), 413)


def test_an_endless_body_is_not_read_to_its_end() -> None:
    count = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal count
        while True:
            count += 1
            yield b"x" * MIB

    refused(ask("POST", "/api/v1/json", content=endless()), 413)
    assert count < 10


def test_a_body_that_stops_coming(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.studio.guard._PATIENCE", 0.05)

    async def stalling() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.sleep(30)
        yield b"x"

    refused(ask("POST", "/api/v1/json", content=stalling()), 408)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    logger = logging.getLogger("impasto.studio")
    before = (logger.handlers, logger.level, logger.propagate)
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    log_requests()
    yield stream
    logger.handlers, logger.level, logger.propagate = before


def test_a_line_of_json_for_each_request(log: io.StringIO) -> None:
    ask("GET", "/api/v1/jobs/7?password=secret", headers={"cookie": "impasto_session=secret"})
    ask("GET", "/a%0A{}%E2%80%A8b")
    body, headers = multipart(10)
    ask("POST", "/api/v1/uploads", content=body, headers=headers)
    ask("GET", "/api/v1/broken")
    ask("GET", "/", headers={"host": "evil.example"})
    assert "secret" not in log.getvalue()
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [line["status"] for line in lines] == [200, 404, 200, 500, 403]
    assert (lines[0]["method"], lines[0]["path"]) == ("GET", "/api/v1/jobs/7")
    assert lines[2]["received"] == len(body)
    assert lines[2]["user"] == "anna"
    assert set(lines[0]) == {
        "time", "method", "path", "status", "seconds", "received", "sent", "address", "user",
    }  # fmt: skip


def test_requests_are_observed_by_their_route() -> None:
    seen: list[Seen] = []
    guard = guarded(observe=seen.append)
    ask("GET", "/api/v1/jobs/7", guard)
    ask("GET", "/api/v1/events", guard)
    ask("GET", "/nowhere", guard)
    assert [one.route for one in seen] == ["/api/v1/jobs/{id}", "/api/v1/events", ""]
    assert seen[1].sent == len("data: 1\n\ndata: 2\n\n")


def test_one_user_does_not_keep_others_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("impasto.studio.accounts._COST", 4)
    monkeypatch.setattr("impasto.studio.guard._AT_ONCE", 3)
    running, most = 0, 0
    release = asyncio.Event()
    app = FastAPI()

    @app.get("/slow")
    async def slow() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await release.wait()
        running -= 1

    @app.get("/quick")
    async def quick() -> str:
        return "here"

    accounts = tmp_path / "passwords"
    add_user(accounts, "anna", "correct horse")
    add_user(accounts, "ben", "battery staple")
    sessions = Sessions(tmp_path / "sessions.sqlite", Accounts.from_file(accounts))
    cookies = {user: f"{COOKIE}={sessions.open(user)}" for user in ("anna", "ben")}
    guard = Guard(app, hosts=LOOPBACK, is_secure=False, max_body=MIB, sessions=sessions)

    async def scene() -> None:
        transport = httpx.ASGITransport(guard)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as client:
            anna = {"cookie": cookies["anna"]}
            slow = [asyncio.create_task(client.get("/slow", headers=anna)) for _ in range(20)]
            await asyncio.sleep(0.05)
            assert running == 3
            for other in ({"cookie": cookies["ben"]}, {}):
                answer = await asyncio.wait_for(client.get("/quick", headers=other), 5)
                assert answer.json() == "here"
            release.set()
            assert {(await task).status_code for task in slow} == {200}

    asyncio.run(scene())
    assert most == 3
    assert not guard._turns._lines
    sessions.shut()
