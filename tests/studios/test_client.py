"""`impasto.Client`, against a real studio with a worker."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from serving import StudioServer, picture_file

import impasto
from impasto.client.jobs import RemoteJob
from impasto.errors import JobError, OptionError, PictureError, StyleError
from impasto.studio.accounts import add_user

LONG: dict[str, Any] = {"method": "gatys", "size": 96, "iterations": 2000, "smallest": 96}


@pytest.fixture
def client(studio: StudioServer) -> Iterator[impasto.Client]:
    with impasto.Client(studio.url) as client:
        yield client


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    path.write_bytes(picture_file(7))
    return path


def counted_uploads(client: impasto.Client, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    sent: list[str] = []
    request = client._connection._sent

    def noted(method: str, path: str, options: Any) -> Any:
        if path == "/uploads":
            sent.append(options["files"]["file"][0])
        return request(method, path, options)

    monkeypatch.setattr(client._connection, "_sent", noted)
    return sent


@pytest.mark.slow
def test_a_picture_is_painted(client: impasto.Client, photo: Path, tmp_path: Path) -> None:
    job = client.stylize(photo, style="starry-night", preset="draft", size=64, title="one")
    image = job.result(120)
    assert isinstance(image, Image.Image)
    assert max(image.size) == 64
    assert (job.state, job.done) == ("done", 1.0)
    image.save(tmp_path / "out.png")
    assert job.title == "one"
    # The same as without a studio, and with its recipe.
    alone = impasto.stylize(photo, "starry-night", preset="draft", size=64)
    assert np.array_equal(np.asarray(image.convert("RGB")), np.asarray(alone))
    target = job.save(tmp_path / "kept.png")
    assert impasto.recipe_of(target).method == "instant"
    with pytest.raises(PictureError, match="exists already"):
        job.save(target)
    picture = next(client.pictures(words="one"))
    assert picture.read() == target.read_bytes()
    assert picture.size == image.size
    assert client.picture(picture.id).name == picture.name
    picture.delete()
    assert picture.id not in {found.id for found in client.pictures()}
    picture.restore()
    assert picture.id in {found.id for found in client.pictures(method="instant")}
    # What the studio has painted is painted on, without being sent.
    again = client.stylize(picture, picture, preset="draft", size=48)
    assert max(again.result(120).size) == 48


@pytest.mark.slow
def test_files_are_sent_once(
    client: impasto.Client, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = counted_uploads(client, monkeypatch)
    copy = tmp_path / "copy.png"
    copy.write_bytes(photo.read_bytes())
    painting = Image.open(photo).rotate(90)
    jobs = client.stylize_all(
        [photo, copy, str(photo)], [(painting, 0.5), f"{copy}:2:fine"], preset="draft", size=64
    )
    jobs.append(client.stylize(photo.read_bytes(), np.asarray(painting), preset="draft", size=64))
    assert sent == ["photo.png", "picture.png"]
    asked = jobs[0].data["request"]["styles"]
    assert [(style["weight"], style["use"]) for style in asked] == [(0.5, ""), (2.0, "fine")]
    for job in jobs:
        assert job.wait(120).state == "done"
    assert len({job.data["group"] for job in jobs[:3]}) == 1


@pytest.mark.slow
def test_regions_maps_and_starts(client: impasto.Client, photo: Path) -> None:
    halves = np.zeros((64, 96, 3), np.uint8)
    halves[:, 48:] = (255, 0, 0)
    job = client.stylize(
        photo, "the-scream", preset="draft", size=64, content_map=halves,
        region=[f"#ff0000={photo}:0.5", "#000=keep"],
    )  # fmt: skip
    assert "UPLOAD:" in job.data["request"]["options"]["region"][0]
    assert job.wait(120).state == "done"
    job = client.stylize(photo, "the-scream", "gatys", init=photo, size=48, iterations=2)
    assert job.data["request"]["init"] == job.data["request"]["contents"][0]
    assert job.result(120).size == (48, 32)


@pytest.mark.slow
def test_textures_and_doodles(client: impasto.Client, photo: Path) -> None:
    job = client.texture("starry-night", size=48, iterations=2, smallest=48)
    assert job.result(120).size == (48, 48)
    halves = np.zeros((64, 96, 3), np.uint8)
    halves[:, 48:] = (255, 0, 0)
    job = client.doodle(halves, photo, halves[:, ::-1], size=48, iterations=2, smallest=48)
    assert max(job.result(120).size) == 48


class _RunningError(Exception):
    pass


def wait_until_it_runs(job: RemoteJob) -> None:
    def look(one: RemoteJob) -> None:
        if one.data["state"] == "running" and one.data["done"] > 0:
            raise _RunningError

    with pytest.raises(_RunningError):
        job.wait(120, look)


@pytest.mark.slow
def test_a_job_is_paused_cancelled_and_goes_on(client: impasto.Client, photo: Path) -> None:
    job = client.stylize(photo, "starry-night", **LONG)
    other = client.stylize(photo, "the-scream", preset="draft", size=48)
    wait_until_it_runs(job)
    with pytest.raises(TimeoutError, match=job.id):
        job.wait(0.2)
    assert other.next().data["priority"] == 1
    assert job.pause().state == "paused"
    with pytest.raises(JobError, match="paused"):
        job.result(10)
    assert other.wait(120).state == "done"
    job.retry()
    wait_until_it_runs(job)
    assert job.cancel().state == "cancelled"
    with pytest.raises(JobError, match="cancelled"):
        job.result(10)
    with pytest.raises(JobError):
        other.cancel()
    more = client.stylize(photo, "the-scream", "gatys", size=48, iterations=2, smallest=48)
    more.wait(120)
    assert more.extend(2).wait(120).state == "done"
    assert job.id in {found.id for found in client.jobs("cancelled")}
    assert client.job(other.id).state == "done"


def test_what_the_studio_refuses(client: impasto.Client, photo: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"strength=2|strength is 2") as caught:
        client.stylize(photo, "starry-night", strength=2)
    assert "--" not in str(caught.value)  # in a program's words
    with pytest.raises(StyleError, match="did you mean 'starry-night'"):
        client.stylize(photo, "stary-night")
    with pytest.raises(PictureError):
        client.stylize(tmp_path / "none.jpg", "starry-night")
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(impasto.ImpastoError, match="text"):
        client.stylize(tmp_path / "text.png", "starry-night")
    with pytest.raises(OptionError, match="given as int"):
        client.stylize(7, "starry-night")
    with pytest.raises(JobError, match="no job"):
        client.job("00000000")
    with pytest.raises(JobError, match="no ID"):
        client.job("../about")


def test_styles(client: impasto.Client) -> None:
    styles = {style.id: style for style in client.styles()}
    assert styles["starry-night"].kind == "builtin"
    assert "Gogh" in styles["starry-night"].artist


def test_no_studio_there() -> None:
    with pytest.raises(JobError, match="impasto studio"):
        impasto.Client("http://127.0.0.1:9")
    for url in ("127.0.0.1:7700", "file:///etc/passwd", ""):
        with pytest.raises(OptionError, match="7700"):
            impasto.Client(url)


def test_something_else_there() -> None:
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Other) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        with pytest.raises(JobError, match="not a studio"):
            impasto.Client(f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()


@pytest.mark.slow
def test_with_passwords(tmp_path: Path, photo: Path) -> None:
    file = tmp_path / "passwords"
    add_user(file, "anna", "correct horse")
    add_user(file, "ben", "battery staple")
    server = StudioServer(tmp_path / "files", "--password-file", str(file))
    try:
        with pytest.raises(OptionError, match="user and password"):
            impasto.Client(server.url)
        with pytest.raises(OptionError, match="wrong"):
            impasto.Client(server.url, user="anna", password="battery staple")
        with (
            impasto.Client(server.url, user="anna", password="correct horse") as anna,
            impasto.Client(server.url, user="ben", password="battery staple") as ben,
        ):
            job = anna.stylize(photo, "starry-night", preset="draft", size=48)
            picture = job.picture(120)
            assert [one.id for one in anna.jobs()] == [job.id]
            assert [one.id for one in anna.pictures()] == [picture.id]
            assert not list(ben.jobs()) + list(ben.pictures())
            for ask in (lambda: ben.job(job.id), lambda: ben.picture(picture.id)):
                with pytest.raises(JobError, match="There is no"):
                    ask()
            with pytest.raises(impasto.ImpastoError, match="There is no picture"):
                ben.stylize(picture, "starry-night")
            anna._connection._http.cookies.clear()  # the session is over
            assert anna.job(job.id).state == "done"
            # A studio that is started again is waited for, and so is what it paints.
            longer = anna.stylize(photo, "starry-night", "gatys", size=48, iterations=80)
            server.stop()
            port = server.url.rpartition(":")[2]
            server._flags = (*server._flags, "--port", port)
            starting = threading.Timer(1.0, server.start)
            starting.start()
            assert longer.wait(120).state == "done"
            starting.join()
    finally:
        server.close()
