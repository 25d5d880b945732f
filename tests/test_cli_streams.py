"""Pictures through pipes, and names of files that are hard to print or too long."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from commands import QUICK, pixels, process, recipe_of
from impasto.cli.main import main
from impasto.errors import PictureError
from impasto.files.digests import of_file
from impasto.image import header_limits
from impasto.image.metadata import recipe_of as recipe_text
from impasto.image.opening import digest

pytestmark = pytest.mark.usefixtures("folder")

Said = pytest.CaptureFixture[bytes]
Pipe = Callable[[bytes], None]

STYLE = ["-s", "painting.png", *QUICK]
STRAIGHT = ["stylize", "photo.png", *STYLE]


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Pipe:
    """Puts bytes on standard input."""
    return lambda data: monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


@pytest.fixture
def photo() -> bytes:
    return Path("photo.png").read_bytes()


def test_a_photograph_comes_and_goes_through_pipes(
    pipe: Pipe, photo: bytes, straight: np.ndarray, capsysbinary: Said
) -> None:
    pipe(photo)
    before = sorted(Path().iterdir())
    capsysbinary.readouterr()
    assert main(["stylize", "-", *STYLE, "-o", "-"]) == 0
    said = capsysbinary.readouterr()
    with Image.open(io.BytesIO(said.out)) as picture:
        assert picture.format == "PNG"
        assert (np.asarray(picture) == straight).all()
        text = recipe_text(picture, "it")
    assert text is not None
    assert f'"digest": "{of_file(Path("photo.png"), PictureError)}"' in text
    assert '"name": "standard input"' in text
    assert b"iterations" in said.err
    assert sorted(Path().iterdir()) == before


def test_what_came_from_a_pipe_is_named_and_can_be_repeated(
    pipe: Pipe, photo: bytes, capsysbinary: Said
) -> None:
    pipe(photo)
    assert main(["stylize", "-", *STYLE]) == 0
    assert capsysbinary.readouterr().out == b"stdin-painting-quick.png\n"
    assert not Path("stdin-painting.run").exists()
    again = ["rerun", "stdin-painting-quick.png", "-o", "again.png"]
    assert main(again) == 1
    assert b"it came from standard input" in capsysbinary.readouterr().err
    assert main([*again, "--content", "photo.png"]) == 0
    assert (pixels("again.png") == pixels("stdin-painting-quick.png")).all()


@pytest.mark.parametrize(
    "args",
    [
        ["stylize", "photo.png", "-s", "-:0.5"],
        ["texture", "-"],
        ["stylize", "photo.png", "-s", "painting.png", "--content-map", "-"],
    ],
    ids=["style", "texture", "map"],
)
def test_any_picture_may_come_from_a_pipe(pipe: Pipe, args: list[str]) -> None:
    image = Image.new("RGB", (64, 48), "#ff0000")
    image.paste("#0000ff", (32, 0, 64, 48))
    data = io.BytesIO()
    image.save(data, "PNG")
    pipe(data.getvalue())
    assert main([*args, "-o", "out.png", "--size", "64", "--iterations", "2"]) == 0
    (entry,) = (entry for entry in recipe_of("out.png").inputs if entry.name == "standard input")
    Path("came.png").write_bytes(data.getvalue())
    assert entry.digest == digest(Path("came.png"))


@pytest.mark.parametrize(("name", "kind"), [("jpg", "JPEG"), ("tiff", "TIFF"), ("webp", "WEBP")])
def test_what_goes_through_a_pipe_may_have_another_format(
    name: str, kind: str, capsysbinary: Said
) -> None:
    assert main([*STRAIGHT, "-o", "-", "--format", name, "--quiet"]) == 0
    said = capsysbinary.readouterr()
    with Image.open(io.BytesIO(said.out)) as picture:
        assert picture.format == kind
    assert said.err == b""


REFUSED = {
    "twice": (["stylize", "-", "-s", "-"], "and 2 are named so"),
    "several": (["stylize", "-", "photo.png", "-s", "painting.png"], "is one photograph"),
    "a batch": (["batch", "-", "-s", "painting.png"], "is one photograph"),
    "resumed": (["stylize", "-", "-s", "painting.png", "--resume"], "--resume: a run from"),
    "kept": ([*STRAIGHT, "-o", "-", "--keep-run", "--run", "a"], "--run, --keep-run: a run from"),
    "json": ([*STRAIGHT, "-o", "-", "--json"], "--json prints to standard output"),
    "previews": ([*STRAIGHT, "-o", "-", "--preview-every", "1"], "--preview-every writes beside"),
    "a file's format": ([*STRAIGHT, "--format", "jpg"], "--format is for -o -"),
    "16 bits": ([*STRAIGHT, "-o", "-", "--format", "jpg", "--bits", "16"], "holds 8 bits"),
    "over a style": (
        ["stylize", "-", "-s", "painting.png", "-o", "painting.png", "--force"],
        "painting.png is where the result goes",
    ),
    "a part of it": (
        ["stylize", "-", "-s", "painting.png", "--size", "50%"],
        "shows only once it is read",
    ),
    "no photograph": (["stylize", "-", "-s", "none.png"], "none.png does not exist"),
}


def test_a_regions_style_is_not_overwritten(pipe: Pipe, photo: bytes, capsysbinary: Said) -> None:
    pipe(photo)
    with Image.open("photo.png") as picture:
        Image.new("RGB", picture.size, (255, 0, 0)).save("red.png")
    before = Path("painting.png").read_bytes()
    regions = ["--content-map", "red.png", "--region", "#ff0000=painting.png"]
    assert main(["stylize", "-", *regions, *QUICK, "-o", "painting.png", "--force"]) == 2
    assert b"painting.png is where the result goes" in capsysbinary.readouterr().err
    assert Path("painting.png").read_bytes() == before


@pytest.mark.parametrize(("args", "words"), REFUSED.values(), ids=REFUSED)
def test_what_makes_no_sense_with_a_pipe_is_refused(
    args: list[str], words: str, pipe: Pipe, photo: bytes, capsysbinary: Said
) -> None:
    pipe(photo)
    assert main(args) in (1, 2)
    said = capsysbinary.readouterr()
    assert said.out == b""
    assert words in said.err.decode()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "Standard input is empty"),
        (b"no picture", "impasto: standard input is text, not a picture"),
        (b"\x89PNG\r\n\x1a\n" + bytes(20), "impasto: standard input is"),
    ],
)
def test_a_pipe_without_a_picture_is_refused(
    data: bytes, words: str, pipe: Pipe, capsysbinary: Said
) -> None:
    pipe(data)
    assert main(["stylize", "-", *STYLE]) == 1
    assert words in capsysbinary.readouterr().err.decode()


def test_a_picture_that_breaks_off_is_called_what_it_is(
    pipe: Pipe, photo: bytes, capsysbinary: Said
) -> None:
    pipe(photo[: len(photo) // 2])
    assert main(["stylize", "-", *STYLE]) == 1
    said = capsysbinary.readouterr().err.decode()
    assert "impasto: standard input is damaged or cut short" in said


def test_an_endless_pipe_is_not_read_to_its_end(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch, capsysbinary: Said
) -> None:
    monkeypatch.setattr(header_limits, "MAX_BYTES", 1000)
    pipe(bytes(3 * 2**20))
    assert main(["stylize", "-", *STYLE]) == 1
    assert b"Standard input has more than 1,000 bytes" in capsysbinary.readouterr().err
    assert sys.stdin.buffer.read()  # the last blocks are still there


@pytest.mark.parametrize("number", [0, 1])
def test_a_terminal_is_no_pipe(
    number: int, pipe: Pipe, photo: bytes, monkeypatch: pytest.MonkeyPatch, capsysbinary: Said
) -> None:
    pipe(photo)
    monkeypatch.setattr((sys.stdin, sys.stdout)[number], "isatty", lambda: True)
    assert main(["stylize", "-", *STYLE, "-o", "-"]) == 2
    said = capsysbinary.readouterr()
    assert said.out == b""
    assert b"is the terminal" in said.err


def test_what_is_stopped_goes_through_the_pipe_as_it_is(
    pipe: Pipe, photo: bytes, monkeypatch: pytest.MonkeyPatch, capsysbinary: Said
) -> None:
    from impasto.painting.task import paint as real

    def stopping(*args: object, **more: object) -> object:
        for step in real(*args, **more):  # type: ignore[arg-type]
            yield step
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("impasto.run.runner.paint", stopping)
    pipe(photo)
    assert main(["stylize", "-", *STYLE, "-o", "-"]) == 130
    said = capsysbinary.readouterr()
    with Image.open(io.BytesIO(said.out)) as picture:
        assert picture.format == "PNG"
    assert b"it cannot be continued" in said.err


# Names

UNPRINTABLE = b"caf\xe9"


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text")
def test_a_name_that_is_no_text_is_printed_for_scripts() -> None:
    Path("photo.png").rename(os.fsdecode(UNPRINTABLE + b".png"))
    done = process("stylize", os.fsdecode(UNPRINTABLE + b".png"), *STYLE, text=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == UNPRINTABLE + b"-painting-quick.png\n"
    assert Path(os.fsdecode(done.stdout[:-1])).exists()
    done = process("info", os.fsdecode(UNPRINTABLE + b".jpg"), text=False)
    assert rb"caf\udce9.jpg does not exist" in done.stderr


def test_a_long_name_is_shortened() -> None:
    Path("photo.png").rename("p" * 250 + ".png")
    Path("painting.png").rename("ä" * 120 + ".png")
    args = ["stylize", "p" * 250 + ".png", "-s", "ä" * 120 + ".png", *QUICK]
    assert main([*args, "--preview-every", "1", "--keep-run"]) == 0
    assert Path("p" * 200 + ".png").exists()
    assert Path("p" * 200 + ".run").is_dir()
    texture = ["texture", "ä" * 120 + ".png", "--size", "64", "--iterations", "1"]
    assert main(texture) == 0
    assert Path("ä" * 100 + ".png").exists()


@pytest.mark.parametrize(
    "args",
    [
        ["stylize", "loop.png", "-s", "painting.png"],
        ["stylize", "photo.png", "-s", "loop.png"],
        [*STRAIGHT, "-o", "loop.png"],
        [*STRAIGHT, "-o", "loop.png", "--force"],
        [*STRAIGHT, "--trace", "loop.png"],
        ["batch", "loop.png", "-s", "painting.png"],
        ["batch", "photo.png", "-s", "loop.png"],
        ["info", "loop.png"],
        ["evaluate", "loop.png", "-c", "photo.png", "-s", "painting.png"],
        ["train", "loop.png", "--content", "."],
        ["style", "make", "loop.png"],
    ],
)
def test_a_link_to_itself_is_one_plain_message(
    args: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("loop.png").symlink_to("loop.png")
    for number in range(8):
        Path(f"{number}.png").write_bytes(Path("photo.png").read_bytes())
    assert main(args) in (1, 2)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("impasto: loop.png ")
    assert Path("loop.png").is_symlink()
