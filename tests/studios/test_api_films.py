"""Films by the API: sent, looked through, tried, painted, and played."""

from __future__ import annotations

import base64
import io
import sqlite3
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image, ImageSequence

pytest.importorskip("av", reason="the extra `film` is not installed")
from filming import FRAMES, HEIGHT, WIDTH, film
from serving import StudioServer, picture_file

import impasto
from impasto.errors import ImpastoError, JobError
from impasto.film.clip import open_clip
from impasto.film.formats import CONTAINERS
from impasto.jobs.queue.address import Address
from impasto.jobs.queue.store import Store
from impasto.studio.failures import QuotaError
from impasto.studio.film_files import MEDIA_TYPES, is_film_name
from impasto.studio.records import Records
from impasto.studio.routes.common import check_size
from impasto.studio.settings import StudioSettings
from impasto.studio.trials import Trials
from impasto.studio.warm import SupersededError

Json = dict[str, Any]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A film of 30 frames, 25 a second, with sound."""
    return film(tmp_path_factory.mktemp("clip") / "clip.mp4", sound="aac").read_bytes()


@pytest.fixture(scope="module")
def sent(studio: StudioServer, clip: bytes) -> Json:
    """The same film, in the studio."""
    return studio.upload(clip, "walk.mp4")


@pytest.fixture(scope="module")
def painted(studio: StudioServer, sent: Json) -> Json:
    """Half a second of it, painted."""
    (job,) = studio.post("/jobs", request(sent, options={"size": 64, "stop": "0:00.5"}))["jobs"]
    done = studio.wait(job["id"])
    assert done["state"] == "done", done["message"]
    told: Json = studio.get(f"/pictures/{done['picture']}")
    return told


def request(sent: Json, **more: Any) -> Json:
    usual = {
        "task": "film",
        "contents": [{"upload": sent["id"]}],
        "styles": [{"style": "etching"}],
        "preset": "draft",
        "options": {"size": 64},
        "output": {"suffix": ".mp4"},
    }
    return {**usual, **more}


def refusal(studio: StudioServer, path: str, **body: Any) -> Json:
    answer = studio.client.post(path, **body)
    assert answer.status_code == 400, answer.text
    error: Json = answer.json()["error"]
    return error


def test_the_schema_lists_films(studio: StudioServer) -> None:
    schema = studio.get("/schema")
    assert {"instant", "quick", "gatys", "fast"} <= set(schema["tasks"]["film"])
    options = {option["name"]: option for option in schema["film"]}
    assert options["steady"]["high"] == 1
    assert options["start"]["pattern"]
    assert schema["film_suffixes"] == list(CONTAINERS) == list(MEDIA_TYPES)


def test_a_film_is_read_before_it_is_kept(studio: StudioServer, sent: Json) -> None:
    assert (sent["kind"], sent["width"], sent["height"]) == ("film", WIDTH, HEIGHT)
    facts = sent["film"]
    assert (facts["frames"], facts["rate"], facts["has_sound"]) == (FRAMES, 25, True)
    assert facts["seconds"] == pytest.approx(FRAMES / 25, abs=0.05)
    for size in ("view", "thumbnail"):
        shown = httpx.get(studio.url + sent[size])
        assert Image.open(io.BytesIO(shown.content)).size == (WIDTH, HEIGHT)
    assert studio.get(f"/uploads/{sent['id']}") == sent


def test_shows_the_frame_of_a_time(studio: StudioServer, sent: Json) -> None:
    place = f"/uploads/{sent['id']}/frame"

    def frame(**query: float) -> Image.Image:
        answer = studio.client.get(place, params=query)
        assert answer.headers["content-type"] == "image/jpeg"
        return Image.open(io.BytesIO(answer.content)).convert("L")

    def bar(picture: Image.Image) -> int:
        """Where the white bar begins."""
        row = list(picture.crop((0, 15, WIDTH, 16)).tobytes())
        return next(x for x, level in enumerate(row) if level > 230)

    assert [bar(frame(seconds=n / 25)) for n in (5, 20)] == pytest.approx([10, 40], abs=1)
    assert bar(frame(seconds=1000)) == pytest.approx(2 * (FRAMES - 1), abs=1)  # the last one
    assert frame(seconds=0, size=64).width == 64
    assert studio.client.get(place, params={"seconds": "nan"}).status_code == 400
    photo = studio.upload()["id"]
    assert studio.client.get(f"/uploads/{photo}/frame").status_code == 400


def test_refuses_what_is_no_film(studio: StudioServer, clip: bytes, tmp_path: Path) -> None:
    other = tmp_path / "other.mp4"
    other.write_bytes(clip)
    single = film(tmp_path / "single.mkv", frames=1).read_bytes()
    wrong = {
        "words.mp4": b"no film at all",
        "cut.mp4": clip[: len(clip) // 3],
        "single.mkv": single,
        # Files that name others: with these somebody could have others' films shown.
        "concat.mkv": f"ffconcat version 1.0\nfile '{other}'\n".encode(),
        "list.ts": f"#EXTM3U\n#EXTINF:1,\n{other}\n#EXT-X-ENDLIST\n".encode(),
    }
    for name, data in wrong.items():
        error = refusal(studio, "/uploads", files={"file": (name, data)})
        assert name in error["message"]
        assert str(studio.files) not in error["message"]
    assert not list((studio.files / "studio" / "incoming").iterdir())


def test_an_animation_is_a_picture_and_a_film(studio: StudioServer, tmp_path: Path) -> None:
    frames = [Image.open(io.BytesIO(picture_file(seed, 64, 48))) for seed in range(3)]
    path = tmp_path / "moving.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100)
    sent = studio.upload(path.read_bytes(), "moving.gif")
    assert (sent["kind"], sent["film"]["frames"]) == ("picture", 3)
    assert studio.upload()["film"] is None


def test_a_film_is_no_photograph_and_a_photograph_no_film(
    studio: StudioServer, sent: Json, painted: Json
) -> None:
    as_photograph = {"contents": [{"upload": sent["id"]}], "styles": [{"style": "etching"}]}
    assert "is a film" in refusal(studio, "/jobs", json=as_photograph)["message"]
    again = {**as_photograph, "contents": [{"picture": painted["id"]}]}
    assert "is a film" in refusal(studio, "/jobs", json=again)["message"]
    photo = studio.upload()
    assert "is no film" in refusal(studio, "/jobs", json=request(photo))["message"]


def test_says_what_cannot_be_painted(studio: StudioServer, sent: Json) -> None:
    wrong: list[tuple[Json, str, str | None]] = [
        ({"options": {"steady": 2}}, "--steady is 2", "steady"),
        ({"options": {"start": "0:50"}}, "There is no frame", "start"),
        ({"options": {"start": 1, "stop": 0.5}}, "the end comes after", "start"),
        ({"options": {"strength": 7}}, "--strength is 7", "strength"),
        ({"options": {"strenght": 0.5}}, "strength", None),
        ({"styles": []}, "style", None),
        ({"contents": []}, "choose one", None),
        ({"output": {"suffix": ".txt"}}, ".mp4", None),
        ({"output": {"suffix": ".mp4", "quality": 3}}, "quality", None),
    ]
    for more, message, option in wrong:
        error = refusal(studio, "/jobs", json=request(sent, **more))
        assert message in error["message"], error
        assert option in (None, error["option"])


def test_tries_three_frames(studio: StudioServer, sent: Json) -> None:
    trial = studio.post("/trials", request(sent), 200)
    assert (trial["frames"], trial["width"], trial["height"]) == (FRAMES, 64, 43)
    assert trial["seconds"] > 0
    assert trial["bytes"] > 0
    assert len(trial["pictures"]) == 3
    for picture in trial["pictures"]:
        image = Image.open(io.BytesIO(base64.b64decode(picture["jpeg"])))
        assert image.size == (64, 43)
        assert 0 < picture["seconds"] < FRAMES / 25
    assert (
        "is 2" in refusal(studio, "/trials", json=request(sent, options={"steady": 2}))["message"]
    )
    assert "task is film" in refusal(studio, "/trials", json={})["message"]
    assert "by a trial" in refusal(studio, "/forecasts", json=request(sent))["message"]


class Slow:
    """A process whose answers take until it is interrupted."""

    def __init__(self) -> None:
        self.is_asked, self.is_interrupted = threading.Event(), threading.Event()

    def ask(self, _question: str, _seconds: float, *, is_quick: bool = False) -> Json:
        if is_quick:
            return {"frames": 1}
        self.is_asked.set()
        assert self.is_interrupted.wait(30)
        raise JobError("The process has ended.")

    def interrupt(self) -> None:
        self.is_interrupted.set()


@pytest.mark.parametrize("who", ["anna", "leaves"])
def test_a_newer_trial_takes_the_place_of_the_older(who: str) -> None:
    trials, process = Trials(), Slow()
    trials.process = process  # type: ignore[assignment]
    told: list[BaseException] = []

    def older() -> None:
        with pytest.raises(SupersededError) as caught:
            trials.paint("anna", {})
        told.append(caught.value)

    thread = threading.Thread(target=older)
    thread.start()
    assert process.is_asked.wait(30)
    trials.leave("ben")  # who has none
    assert not process.is_interrupted.is_set()
    if who == "anna":
        assert trials.paint("anna", {"is_quick": True}) == {"frames": 1}
    else:
        trials.leave("anna")
    thread.join(30)
    assert len(told) == 1


def test_paints_a_film_into_the_gallery(studio: StudioServer, painted: Json) -> None:
    assert (painted["kind"], painted["method"], painted["styles"]) == (
        "film",
        "instant",
        ["etching"],
    )
    assert (painted["width"], painted["height"], painted["name"]) == (64, 43, "walk-etching.mp4")
    assert painted["seconds"] == pytest.approx(0.5, abs=0.05)
    assert studio.get("/pictures", q="walk")["items"][0]["id"] == painted["id"]
    for size in ("view", "thumbnail"):
        shown = httpx.get(studio.url + painted[size])
        assert Image.open(io.BytesIO(shown.content)).format == "JPEG"
    recipe = painted["recipe"]
    assert (recipe["task"], recipe["method"]) == ("film", "instant")
    assert recipe["options"] == {"size": 64, "stop": 0.5}
    assert ["To", "0:00.5"] in recipe["rows"]
    entry = next(entry for entry in recipe["inputs"] if entry["role"] == "content")
    assert entry["upload"] == painted["photograph"]
    job = studio.get(f"/jobs/{painted['job']}")
    assert (job["title"], job["can"], job["files"]) == ("walk-etching", [], None)
    assert httpx.get(f"{studio.url}/api/v1/jobs/{job['id']}/preview").status_code == 200


def test_python_asks_for_a_film(studio: StudioServer, clip: bytes, tmp_path: Path) -> None:
    (tmp_path / "walk.mp4").write_bytes(clip)
    with impasto.Client(studio.url) as client:
        job = client.film(tmp_path / "walk.mp4", "etching", size=64, start="0:00.4", stop=0.6)
        path = job.save(tmp_path / "painted.mp4", timeout=100)
        assert open_clip(path).info.frames == 5
        again = client.film(job.picture(), "etching", size=64, output={"suffix": ".webm"})
        assert open_clip(again.save(tmp_path / "again.webm", timeout=100)).info.frames == 5
        with pytest.raises(ImpastoError, match="steady is 2"):
            client.film(tmp_path / "walk.mp4", "etching", steady=2)


def test_a_film_is_played_by_parts(studio: StudioServer, painted: Json, tmp_path: Path) -> None:
    address = studio.url + painted["file"]
    whole = httpx.get(address)
    assert whole.headers["content-type"] == "video/mp4"
    part = httpx.get(address, headers={"Range": "bytes=100-199"})
    assert part.status_code == 206
    assert part.content == whole.content[100:200]
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole.content)}"
    assert httpx.get(address, headers={"Range": "bytes=99999999-"}).status_code == 416
    (tmp_path / "film.mp4").write_bytes(whole.content)
    info = open_clip(tmp_path / "film.mp4").info
    assert (info.frames, info.has_sound) == (13, True)


def test_the_film_before_is_played_too_and_nothing_else(
    studio: StudioServer, sent: Json, clip: bytes
) -> None:
    address = f"{studio.url}/api/v1/uploads/{sent['id']}/file"
    part = httpx.get(address, headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.content) == (206, clip[:10])
    assert part.headers["content-type"] == "video/mp4"
    photo = studio.upload()["id"]
    assert studio.client.get(f"/uploads/{photo}/file").status_code == 404


def test_paints_an_animation(studio: StudioServer, sent: Json) -> None:
    asked = request(sent, options={"size": 64, "stop": 0.2}, output={"suffix": ".gif"})
    (job,) = studio.post("/jobs", asked)["jobs"]
    done = studio.wait(job["id"])
    assert done["state"] == "done", done["message"]
    told = studio.get(f"/pictures/{done['picture']}")
    assert told["kind"] == "film"
    file = httpx.get(studio.url + told["file"])
    assert file.headers["content-type"] == "image/gif"
    moving = Image.open(io.BytesIO(file.content))
    assert sum(1 for _ in ImageSequence.Iterator(moving)) == 5
    assert httpx.get(studio.url + told["thumbnail"]).status_code == 200


def test_a_film_is_deleted_with_a_way_back(studio: StudioServer, painted: Json) -> None:
    place = f"/pictures/{painted['id']}"
    assert studio.client.delete(place).status_code == 204
    assert studio.client.get(f"{place}/file").status_code == 404
    assert studio.post(f"{place}/restore", status=200)["kind"] == "film"


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """Records as they were before there were films, with an upload and a picture."""
    path = tmp_path / "records.sqlite"
    Records(path).close()
    base = sqlite3.connect(path)
    base.execute("ALTER TABLE uploads DROP COLUMN film")
    base.execute("ALTER TABLE pictures DROP COLUMN seconds")
    base.execute(
        "INSERT INTO uploads (id, owner, name, digest, bytes, width, height, kind, created) "
        "VALUES ('0011223344556677', '', 'a.png', 'sha256:0', 1, 2, 3, 'picture', 4.0)"
    )
    base.execute("PRAGMA user_version=1")
    base.commit()
    base.close()
    return path


def test_records_of_before_are_taken_over(before: Path) -> None:
    for _ in range(2):  # the second time nothing is left to do
        records = Records(before)
        row = records.upload("", "0011223344556677")
        assert row is not None
        assert (row.name, row.film) == ("a.png", None)
        assert records.pictures("", 10, None).rows == []
        records.close()


def test_films_may_be_larger_than_photographs(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    settings = StudioSettings(store, Address.parse(None, store))
    photograph, film = settings.upload_bytes, settings.film_bytes
    assert photograph < film
    check_size(settings, "a.png", photograph)
    check_size(settings, "b.MOV", film)
    for name, size in (("a.png", photograph + 1), ("b.MOV", film + 1)):
        with pytest.raises(QuotaError, match=name):
            check_size(settings, name, size)


def test_names_of_films() -> None:
    assert all(is_film_name(name) for name in ("a.MP4", "b.mkv", "c.webm"))
    assert not any(is_film_name(name) for name in ("a.gif", "b.png", "c.impasto", "mp4"))
