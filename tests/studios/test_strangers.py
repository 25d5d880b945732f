"""What strangers try: paths, other users' things, bombs, files that are no pictures, odd names."""

from __future__ import annotations

import io
import json
import re
import socket
import struct
import time
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from serving import StudioServer, picture_file

from impasto.studio.accounts import add_user

pytestmark = pytest.mark.slow

ANNA, BEN = ("anna", "correct horse"), ("ben", "battery staple")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioServer]:
    folder = tmp_path_factory.mktemp("closed")
    for account in (ANNA, BEN):
        add_user(folder / "passwords", *account)
    flags = ("--password-file", str(folder / "passwords"), "--workers", "1")
    server = StudioServer(folder / "files", *flags)
    yield server
    server.close()


def signed_in(server: StudioServer, user: str, password: str) -> httpx.Client:
    client = httpx.Client(base_url=f"{server.url}/api/v1", timeout=120)
    answer = client.post("/session", json={"user": user, "password": password})
    assert answer.status_code == 204, answer.text
    return client


@pytest.fixture(scope="module")
def anna(server: StudioServer) -> Iterator[httpx.Client]:
    client = signed_in(server, *ANNA)
    yield client
    client.close()


@pytest.fixture(scope="module")
def ben(server: StudioServer) -> Iterator[httpx.Client]:
    client = signed_in(server, *BEN)
    yield client
    client.close()


def sent(client: httpx.Client, data: bytes, name: str = "photo.png") -> httpx.Response:
    return client.post("/uploads", files={"file": (name, data)})


def job_of(upload: str, **changes: Any) -> dict[str, Any]:
    usual = {
        "contents": [{"upload": upload}], "styles": [{"style": "starry-night"}],
        "preset": "draft", "options": {"size": 64},
    }  # fmt: skip
    return usual | changes


def test_without_a_session_nothing_is_told(server: StudioServer, anna: httpx.Client) -> None:
    paths = paths_of(anna)
    assert len(paths) > 20
    with httpx.Client(base_url=server.url, timeout=60) as client:
        for path, method in paths:
            if path in ("/api/v1/session",):
                continue
            answer = client.request(method, re.sub(r"\{\w+\}", "0" * 16, path))
            if path == "/api/v1/about":
                assert set(answer.json()) == {"version", "is_closed", "user"}
            else:
                assert answer.status_code == 401, (method, path, answer.text)
        assert client.get("/metrics").status_code == 401
        assert client.get("/healthz").status_code == 200


def paths_of(client: httpx.Client) -> list[tuple[str, str]]:
    document = client.get("/openapi.json").json()
    return [(path, method) for path, kinds in document["paths"].items() for method in kinds]


def test_users_see_nothing_of_each_other(
    server: StudioServer, anna: httpx.Client, ben: httpx.Client
) -> None:
    upload = sent(anna, picture_file(1)).json()["id"]
    style = anna.post("/styles", json={"upload": upload, "title": "mine"}).json()["id"]
    job = anna.post("/jobs", json=job_of(upload)).json()["jobs"][0]["id"]
    for _ in range(600):
        picture = anna.get(f"/jobs/{job}").json()["picture"]
        if picture:
            break
        time.sleep(0.2)
    assert anna.get(f"/pictures/{picture}").status_code == 200
    own = sent(ben, picture_file(2)).json()["id"]
    for path in (
        f"/uploads/{upload}", f"/uploads/{upload}/view", f"/uploads/{upload}/thumbnail",
        f"/jobs/{job}", f"/jobs/{job}/preview", f"/jobs/{job}/losses",
        f"/pictures/{picture}", f"/pictures/{picture}/file", f"/pictures/{picture}/view",
        f"/pictures/{picture}/thumbnail",
    ):  # fmt: skip
        assert ben.get(path).status_code == 404, path
    for path in (f"/uploads/{upload}", f"/styles/{style}", f"/pictures/{picture}"):
        assert ben.delete(path).status_code == 404, path
    for path in (f"/jobs/{job}/cancel", f"/jobs/{job}/next", f"/pictures/{picture}/restore"):
        assert ben.post(path).status_code == 404, path
    assert ben.post(f"/jobs/{job}/extend", json={"iterations": 5}).status_code == 404
    asked = [
        job_of(upload), job_of(own, contents=[{"picture": picture}]),
        job_of(own, styles=[{"upload": upload}]), job_of(own, styles=[{"style": style}]),
        job_of(own, content_map={"upload": upload}),
        job_of(own, content_map={"upload": own},
               options={"region": [f"#ff0000=UPLOAD:{upload}"]}),
        job_of(own, method="gatys", preset=None, init={"picture": picture}),
    ]  # fmt: skip
    for body in asked:
        assert ben.post("/jobs", json=body).status_code in (400, 404), body
        assert ben.post("/forecasts", json=body).status_code in (400, 404), body
    assert ben.post("/styles", json={"upload": upload}).status_code == 404
    look = {"content": {"upload": upload}, "styles": [{"style": "starry-night"}]}
    assert ben.post("/looks", json=look).status_code in (400, 404)
    for path in ("/jobs", "/pictures"):
        assert ben.get(path).json()["items"] == []
    assert style not in {one["id"] for one in ben.get("/styles").json()["items"]}
    assert anna.get(f"/pictures/{picture}/file").status_code == 200
    assert server.process.poll() is None


def test_no_path_from_outside_is_joined(server: StudioServer, anna: httpx.Client) -> None:
    upload = sent(anna, picture_file(1)).json()["id"]
    for region in (
        f"#ff0000=UPLOAD:{upload}/../../../../../../etc/passwd", f"#ff0000=UPLOAD:{upload}x.jpg",
        "#ff0000=/etc/passwd", "#ff0000=../../x.png", r"#ff0000=\\host\share\x.png",
    ):  # fmt: skip
        body = job_of(upload, content_map={"upload": upload}, options={"region": [region]})
        answer = anna.post("/jobs", json=body)
        assert answer.status_code == 400, region
        assert str(server.files) not in answer.text, region
    for options in ({"init": "/etc/passwd"}, {"weights": "/etc/passwd"}, {"style": "/etc/passwd"}):
        body = job_of(upload, method="gatys", preset=None, options=options)
        assert anna.post("/jobs", json=body).status_code == 400, options
    for style in ("/etc/passwd", "../starry-night", "starry-night.style", "a\0b", ""):
        assert anna.post("/jobs", json=job_of(upload, styles=[{"style": style}])).status_code == 400
    for suffix in ("/../x.png", ".svg", ".png/..", ""):
        answer = anna.post("/jobs", json=job_of(upload, output={"suffix": suffix}))
        assert answer.status_code == 400, suffix
    for path in (
        "%2e%2e/%2e%2e/app.py",
        "css/..%2f..%2fapp.py",
        "..%2fapp.py",
        "%00",
        "%ff",
        "//x",
    ):
        with httpx.Client(base_url=server.url) as client:
            assert client.get(f"/{path}").status_code in (400, 404), path
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as line:
        line.sendall(b"GET /../../app.py HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert b" 404 " in line.recv(4096).splitlines()[0]


def bomb(width: int, height: int) -> bytes:
    """A small PNG file of many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        whole = kind + data
        return struct.pack(">I", len(data)) + whole + struct.pack(">I", zlib.crc32(whole))

    packer = zlib.compressobj(9)
    row = b"\0" * (1 + (width + 7) // 8)
    packed = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    )


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.png", picture_file())
    return file.getvalue()


SCRIPT = b"<script>alert(1)</script>"


@pytest.mark.parametrize("name", ["a.png", "a.html", "a.impasto"])
@pytest.mark.parametrize(
    "data",
    [
        bomb(30_000, 30_000), zipped(), b"<svg xmlns='http://www.w3.org/2000/svg'>" + SCRIPT,
        b"<html>" + SCRIPT, b"%!PS-Adobe-3.0 EPSF-3.0\n(/etc/passwd) (r) file", b"",
        b"\x80\x04\x95" + b"." * 50, picture_file()[:200],
    ],
    ids=["bomb", "zip", "svg", "html", "eps", "empty", "pickle", "cut"],
)  # fmt: skip
def test_what_is_no_picture_is_refused(
    server: StudioServer, anna: httpx.Client, name: str, data: bytes
) -> None:
    answer = sent(anna, data, name)
    assert answer.status_code == 400, answer.text
    assert str(server.files) not in answer.text
    incoming = server.files / "studio" / "incoming"
    assert not list(incoming.iterdir())


def test_a_bomb_takes_no_memory_of_the_studio(server: StudioServer, anna: httpx.Client) -> None:
    before = psutil.Process(server.process.pid).memory_info().rss
    sent(anna, bomb(30_000, 30_000))
    assert psutil.Process(server.process.pid).memory_info().rss - before < 2**26


@pytest.mark.parametrize(
    "name",
    [
        "../../../x.png", "..\\..\\x.png", "a\r\nX-Evil: 1.png", 'a"; filename="b.png', "\0.png",
        "x" * 3000 + ".png", ".htaccess", "<script>.png", "/", "é日本.png", "a\u202egnp.exe",
    ],
)  # fmt: skip
def test_names_stay_names(anna: httpx.Client, server: StudioServer, name: str) -> None:
    answer = sent(anna, picture_file(3), name)
    assert answer.status_code == 201, answer.text
    kept = answer.json()["name"]
    assert not set(kept) & set('/\\\r\n"<>\0')
    assert len(kept.encode()) <= 255
    body = job_of(answer.json()["id"], title=f"{name[:100]}\r\nX-Evil: 1")
    job = anna.post("/jobs", json=body).json()["jobs"][0]["id"]
    for _ in range(600):
        picture = anna.get(f"/jobs/{job}").json()["picture"]
        if picture:
            break
        time.sleep(0.2)
    file = anna.get(f"/pictures/{picture}/file")
    assert file.headers["content-disposition"].startswith("attachment")
    assert "x-evil" not in file.headers
    assert file.headers["content-type"] == "image/png"
    paths = [path for path in Path(server.files).rglob("*") if path.is_file()]
    assert all(path.resolve().is_relative_to(server.files.resolve()) for path in paths)


def test_too_much_json_is_refused(anna: httpx.Client) -> None:
    headers = {"content-type": "application/json"}
    for content in (b"[" * 100_000, json.dumps({"title": "x" * 10**6}).encode(), b'{"a":' * 50_000):
        answer = anna.post("/jobs", content=content, headers=headers)
        assert answer.status_code in (400, 413), answer.text
    assert anna.post("/jobs", content=b" " * (2**20 + 1), headers=headers).status_code == 413
