"""`impasto film` and `impasto.film`: what is typed, and what is said of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filming import FRAMES, film
from PIL import Image

from impasto import api
from impasto.cli.main import main
from impasto.errors import ImpastoError, ResumeError
from impasto.film.clip import open_clip

SMALL = ["--style", "painting.png", "--size", "64", "--quiet"]


@pytest.fixture
def clip(folder: Path) -> Path:
    return film(folder / "clip.mp4", sound="aac")


@pytest.fixture
def frames(folder: Path) -> Path:
    """A folder of pictures, the fourth of which is missing."""
    (folder / "frames").mkdir()
    for number in (1, 2, 3, 5):
        level = np.full((64, 96, 3), 40 * number, np.uint8)
        Image.fromarray(level).save(folder / "frames" / f"{number:03}.png")
    return folder / "frames"


@pytest.mark.usefixtures("clip")
def test_a_film_is_named_after_its_clip_and_its_style(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["film", "clip.mp4", *SMALL]) == 0
    assert capsys.readouterr().out == "clip-painting.mp4\n"
    made = open_clip(folder / "clip-painting.mp4")
    assert (made.info.frames, made.info.width, made.info.has_sound) == (FRAMES, 64, True)


@pytest.mark.usefixtures("clip")
def test_what_came_of_it_is_json_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--from", "0.4", "--to", "0.8", "-o", "part.mp4", "--json"]
    assert main(["film", "clip.mp4", *SMALL, *words]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["output"], told["frames"], told["missing"]) == ("part.mp4", 10, 0)
    assert told["recipe"]["settings"]["start"] == 0.4
    assert told["recipe"]["painting"]["method"] == "instant"
    assert (folder / "part.mp4").exists()


@pytest.mark.usefixtures("clip")
def test_a_film_without_a_size_is_as_large_as_its_clip(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["film", "clip.mp4", "--style", "painting.png", "--to", "0.1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["width"] == 96
    words = ["--size", "50%", "--to", "0.1", "--json", "--force"]
    assert main(["film", "clip.mp4", "--style", "painting.png", *words]) == 0
    assert json.loads(capsys.readouterr().out)["width"] == 48


@pytest.mark.usefixtures("clip")
def test_a_trial_leaves_a_sheet_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["film", "clip.mp4", *SMALL, "--try", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["sheet"], told["frames"]) == ("clip-painting-try.jpg", FRAMES)
    assert not (folder / "clip-painting.mp4").exists()


@pytest.mark.usefixtures("clip")
def test_a_film_may_go_into_a_folder(folder: Path) -> None:
    assert main(["film", "clip.mp4", *SMALL, "--to", "0.1", "-o", "films"]) == 0
    assert (folder / "films" / "clip-painting.mp4").exists()


REFUSED = [
    (["missing.mp4"], "There is no file missing.mp4"),
    (["text.mp4"], "no film that FFmpeg knows"),
    (["one.mp4"], "one frame only"),
    (["painting.png"], "one frame only"),
    (["starry-night"], "is a built-in style, not a film"),
    (["http://there.org/clip.mp4"], "is a web address"),
    (["frames", "--fps", "12"], "missing between 003.png and 005.png"),
    (["clip.mp4", "--from", "0:40"], "There is no frame from 0:40"),
    (["clip.mp4", "--from", "1", "--to", "0.5"], "the end comes after the beginning"),
    (["clip.mp4", "--from", "soon"], "It takes seconds, such as 12.5"),
    (["clip.mp4", "--fps", "24"], "leave out --fps"),
    (["clip.mp4", "-o", "x.avi"], "none that films are written in"),
    (["clip.mp4", "-o", "x.webm", "--codec", "h264"], "cannot be written into .webm"),
    (["clip.mp4", "-o", "there/x.mp4"], "there is no folder"),
    (["clip.mp4", "-o", "clip.mp4", "--force"], "clip.mp4 is painted from"),
    (["clip.mp4", "-o", "old.mp4"], "old.mp4 exists already"),
    (["clip.mp4", "--key", "5"], "It takes a frame and a file"),
    (["clip.mp4", "--content-map", "99=photo.png"], "frames 0 to 29 are painted"),
    (["clip.mp4", "--content-map", "tall.png"], "its proportions are others"),
    (["clip.mp4", "--key", "5=painting.png"], "for frames that are painted here"),
    (["clip.mp4", "--content-map", "none.png"], "none.png does not exist"),
    (["clip.mp4", "--region", "#ff0000=keep"], "give that map"),
    (["clip.mp4", "--change", "0:01"], "there are not two"),
    (["clip.mp4", "--chunk", "5"], "at least three overlaps"),
    (["clip.mp4", "--iterations", "5"], "is an option of gatys"),
    (["clip.mp4", "--method", "quik"], "did you mean 'quick'"),
    (["clip.mp4", "--no-wait"], "has no effect without --queue"),
]


@pytest.mark.usefixtures("clip", "frames")
@pytest.mark.parametrize(("words", "message"), REFUSED, ids=[" ".join(w) for w, _ in REFUSED])
def test_what_cannot_be_painted_is_refused_with_one_message(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    film(folder / "one.mp4", frames=1)
    Image.new("RGB", (40, 90)).save(folder / "tall.png")
    (folder / "text.mp4").write_text("hello")
    (folder / "old.mp4").write_bytes(b"mine")
    before = sorted(folder.iterdir())
    assert main(["film", *words, *SMALL]) in (1, 2)
    said = capsys.readouterr().err
    assert message in said
    assert said.count("impasto:") == 1
    assert sorted(folder.iterdir()) == before


@pytest.mark.usefixtures("clip")
def test_a_film_without_a_style_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["film", "clip.mp4"]) == 2
    assert "nothing to paint with" in capsys.readouterr().err


def test_a_frame_that_does_not_decode_is_left_out_and_said(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film(folder / "whole.mkv", "mjpeg", pixels="yuvj420p")
    data = bytearray((folder / "whole.mkv").read_bytes())
    middle = data.index(b"\xff\xd8\xff", len(data) // 2)
    data[middle : middle + 200] = bytes(200)
    (folder / "clip.mkv").write_bytes(data)
    assert main(["film", "clip.mkv", "--style", "painting.png", "--size", "64", "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["missing"] == 1
    assert "1 frame could not be decoded" in told.err


# ---- in Python ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("clip")
def test_python_paints_the_same_film(folder: Path) -> None:
    assert main(["film", "clip.mp4", *SMALL, "--from", "0:00.4", "-o", "typed.mp4"]) == 0
    made = api.film("clip.mp4", "painting.png", "called.mp4", size=64, start="0:00.4")
    assert made == Path("called.mp4")
    pictures = [
        [frame.pixels for frame in open_clip(folder / name).frames()]
        for name in ("typed.mp4", "called.mp4")
    ]
    assert all(bool((a == b).all()) for a, b in zip(*pictures, strict=True))


@pytest.mark.usefixtures("clip")
def test_python_stops_a_film_and_goes_on(folder: Path) -> None:
    options: dict[str, Any] = {"size": 64, "chunk": 9, "overlap": 3}
    with pytest.raises(ResumeError, match="resume=True goes on"):
        api.film("clip.mp4", "painting.png", "a.mp4", watch=lambda p: p.done < 0.5, **options)
    assert (folder / "a.film").is_dir()
    assert api.film("clip.mp4", "painting.png", "a.mp4", resume=True, **options).exists()


@pytest.mark.usefixtures("clip")
def test_messages_in_python_name_arguments() -> None:
    with pytest.raises(ImpastoError, match="change says how long"):
        api.film("clip.mp4", "painting.png", change=1)


@pytest.mark.usefixtures("clip")
def test_what_a_film_was_begun_with_is_named_where_another_would_go_on(folder: Path) -> None:
    options: dict[str, Any] = {"size": 64, "chunk": 9, "overlap": 3}
    with pytest.raises(ResumeError):
        api.film("clip.mp4", "painting.png", "a.mp4", watch=lambda p: p.done < 0.5, **options)
    shutil.copy("photo.png", "painting.png")
    with pytest.raises(ResumeError, match="style was different"):
        api.film("clip.mp4", "painting.png", "a.mp4", resume=True, **options)
    assert (folder / "a.film").is_dir()


# ---- pictures of single frames ------------------------------------------------------------------


def levels(path: Path, index: int = -1) -> np.ndarray:
    frames = [frame.pixels[0].numpy() for frame in open_clip(path).frames()]
    return np.asarray(frames[index])


@pytest.mark.usefixtures("clip")
def test_a_map_says_what_stays_as_it_is(folder: Path) -> None:
    halves = np.zeros((64, 96, 3), np.uint8)
    halves[:, :48, 0] = halves[:, 48:, 2] = 255
    Image.fromarray(halves).save("map.png")
    words = ["--style", "painting.png", "--strength", "1", "--size", "96", "--quiet"]
    words += ["--content-map", "map.png", "--region", "#ff0000=keep", "--codec", "ffv1"]
    assert main(["film", "clip.mp4", *words, "--to", "0.4", "-o", "out.mkv"]) == 0
    off = np.abs(levels(folder / "out.mkv", 3) - levels(folder / "clip.mp4", 3)).mean((0, 1))
    assert off[:40].mean() < 0.02
    assert off[56:].mean() > 0.1


@pytest.mark.usefixtures("clip")
def test_frames_painted_by_hand_are_carried_along(folder: Path) -> None:
    for index in (0, 20):
        negative = 1 - levels(folder / "clip.mp4", index)
        Image.fromarray(np.uint8(negative.transpose(1, 2, 0) * 255)).save(f"mine{index}.png")
    words = ["--key", "0=mine0.png", "--key", "20=mine20.png", "--quiet", "--chunk", "18"]
    assert main(["film", "clip.mp4", *words, "-o", "out.mp4"]) == 0
    for index in (5, 20, 25):
        off = levels(folder / "out.mp4", index) - (1 - levels(folder / "clip.mp4", index))
        assert np.abs(off).mean() < 0.1
    assert not (folder / "out.film").exists()
