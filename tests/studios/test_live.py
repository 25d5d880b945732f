"""A camera over a WebSocket: what is asked for, what comes back, and what is refused."""

from __future__ import annotations

import base64
import io
import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("websockets", reason="the extra `studio` is not installed")
pytest.importorskip("cv2", reason="the extra `film` is not installed")

from serving import StudioServer
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from impasto.errors import ImpastoError, PictureError, StyleError
from impasto.studio import live_child
from impasto.studio.accounts import COOKIE, add_user
from impasto.studio.failures import QuotaError
from impasto.studio.live_desks import LiveDesks

PATIENCE = 120.0  # seconds: a busy machine may be ten times slower than a quiet one
STARRY = [{"style": "starry-night"}]

Json = dict[str, Any]


def jpeg(seed: int = 0, width: int = 128, height: int = 96) -> bytes:
    numbers = np.random.default_rng(seed)
    few = Image.fromarray(numbers.integers(0, 255, (6, 8, 3), dtype=np.uint8))
    file = io.BytesIO()
    few.resize((width, height), Image.Resampling.BICUBIC).save(file, "JPEG")
    return file.getvalue()


@contextmanager
def line(studio: StudioServer, **headers: str) -> Iterator[ClientConnection]:
    address = f"{studio.url.replace('http', 'ws')}/api/v1/live"
    with connect(address, additional_headers=headers, open_timeout=PATIENCE) as socket:
        yield socket


def request(**values: Any) -> str:
    return json.dumps({"styles": STARRY, "options": {"size": 96}, "long_side": 128, **values})


def answer(socket: ClientConnection) -> tuple[Json, Image.Image]:
    told = json.loads(socket.recv(PATIENCE))
    assert "frame" in told, told
    data = socket.recv(PATIENCE)
    assert isinstance(data, bytes)
    return told, Image.open(io.BytesIO(data))


def refusal(socket: ClientConnection) -> Json:
    error: Json = json.loads(socket.recv(PATIENCE))["error"]
    return error


def film(socket: ClientConnection) -> None:
    """Send pictures for ever."""
    while True:
        socket.send(jpeg())
        told = socket.recv(PATIENCE)
        assert isinstance(told, bytes) or "frame" in told or "Sign in" in told


def test_pictures_come_back_painted(studio: StudioServer) -> None:
    with line(studio) as socket:
        socket.send(request(options={"size": 96, "strength": 1.0}))
        socket.send(jpeg())
        told, picture = answer(socket)
        assert (told["frame"], told["size"], picture.size) == (1, 96, (96, 72))
        assert told["seconds"] > 0
        socket.send(request(options={"size": 128, "strength": 0.0}))
        socket.send(jpeg())
        told, plain = answer(socket)
        assert (told["frame"], told["size"], plain.size) == (2, 128, (128, 96))
        source = np.asarray(Image.open(io.BytesIO(jpeg())), int)
        assert np.abs(np.asarray(plain, int) - source).mean() < 4, "no strength, the photograph"
        strong = np.asarray(picture.resize((128, 96)), int)
        assert np.abs(strong - source).mean() > 12


def test_the_newest_is_painted(studio: StudioServer) -> None:
    with line(studio) as socket:
        socket.send(request())
        for seed in range(9):
            socket.send(jpeg(seed))
        frames = [answer(socket)[0]["frame"]]
        while frames[-1] < 9:
            frames.append(answer(socket)[0]["frame"])
        assert frames == sorted(frames)
        assert len(frames) < 9, "those between are dropped"


def test_what_is_refused_is_said_and_the_line_stays(studio: StudioServer) -> None:
    with line(studio) as socket:
        for text, words in [
            ("no JSON", "cannot be used"),
            (request(styles=[]), "styles cannot be used"),
            (request(styles=[{"style": "no-such"}]), "There is no style"),
            (request(options={"strength": 7}), "--strength is 7"),
            (request(options={"size": 50}), "--size is 50"),
            (request(options={"iterations": 5}), "iterations"),
        ]:
            socket.send(text)
            assert words in refusal(socket)["message"]
        socket.send(request())
        socket.send(b"no picture at all")
        assert "JPEG" in refusal(socket)["message"]
        socket.send(jpeg())  # waits for another request
        socket.send(request(options={"size": 96, "strength": 0.3}))
        assert answer(socket)[0]["frame"] == 2


def test_messages_are_limited(studio: StudioServer) -> None:
    with line(studio) as socket:
        socket.send(request())
        socket.send(b"\0" * (2**20 + 1))
        with pytest.raises(ConnectionClosed):
            socket.recv(PATIENCE)


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}],
)
def test_other_pages_are_refused(studio: StudioServer, headers: dict[str, str]) -> None:
    with pytest.raises(InvalidStatus) as refused, line(studio, **headers):
        pass
    assert refused.value.response.status_code == 403


def test_who_is_not_signed_in_is_refused(tmp_path: Path) -> None:
    add_user(tmp_path / "users", "anna", "a long password")
    flags = ("--password-file", str(tmp_path / "users"), "--workers", "0")
    server = StudioServer(tmp_path / "files", *flags)
    try:
        with pytest.raises(InvalidStatus) as refused, line(server):
            pass
        assert refused.value.response.status_code == 401
        signed = {"user": "anna", "password": "a long password"}
        token = server.client.post("/session", json=signed).cookies[COOKIE]
        cookie = {"Cookie": f"{COOKIE}={token}"}
        with line(server, **cookie) as socket, line(server, **cookie) as second:
            assert "another window" in refusal(second)["message"]
            socket.send("{}")
            assert "styles" in refusal(socket)["message"]
            socket.send(request())
            socket.send(jpeg())
            answer(socket)
            server.client.delete("/session", headers=cookie)
            with pytest.raises(ConnectionClosed):
                film(socket)
    finally:
        server.close()


# The processes


def test_a_few_at_once() -> None:
    desks = LiveDesks(2)
    with desks.desk("") as first, desks.desk("") as second:
        assert first is not second
        with pytest.raises(QuotaError, match="2 cameras") as refused, desks.desk(""):
            pass
        assert refused.value.status == 429
    with desks.desk("") as third:
        assert third in (first, second), "a process is kept warm"
    desks.close()
    with pytest.raises(QuotaError, match="ending"), desks.desk(""):
        pass


def test_an_account_has_one() -> None:
    desks = LiveDesks(2)
    with desks.desk("anna"):
        with pytest.raises(QuotaError, match="another window"), desks.desk("anna"):
            pass
        with desks.desk("ben"):
            pass


# What the process does


def asked(**changes: Any) -> Json:
    values = {
        "sitting": "a",
        "styles": [["starry-night", 1.0, "all"]],
        "options": {"size": 96},
        "long_side": 128,
        "jpeg": base64.b64encode(jpeg()).decode(),
    }
    return live_child.painted(**{**values, **changes})


def test_the_size_follows_what_pictures_take(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = itertools.count(step=0.5)  # half a second a picture
    monkeypatch.setattr("impasto.studio.live_child.time.perf_counter", lambda: next(ticks))
    file = base64.b64encode(jpeg(0, 224, 168)).decode()
    values = {"sitting": "b", "options": {}, "long_side": 512, "jpeg": file}
    sizes = [asked(**values)["size"] for _ in range(8)]
    assert (sizes[0], sizes[-1]) == (224, 128)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"jpeg": ""}, PictureError, "none"),
        ({"styles": [["no-such-style", 1.0, "all"]]}, StyleError, "no-such"),
        ({"styles": [["a.impasto#a", 1.0, "all"]]}, ImpastoError, "a.impasto"),
    ],
)
def test_says_what_cannot_be_painted(changes: Json, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        asked(**changes)


def test_a_huge_picture_is_not_decoded() -> None:
    huge = base64.b64encode(jpeg(0, 4000, 20)).decode()
    with pytest.raises(PictureError, match="at most 2048"):
        asked(jpeg=huge)


def test_desks_are_taken_from_several_threads() -> None:
    desks, taken = LiveDesks(4), set[int]()
    barrier = threading.Barrier(4)

    def take() -> None:
        with desks.desk("") as process:
            barrier.wait(20)
            taken.add(id(process))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(taken) == 4
