"""What a person gets wrong, and what breaks: one message, a status, and nothing written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from commands import QUICK, paint, process
from impasto.cli.main import main
from impasto.errors import ImpastoError

pytestmark = pytest.mark.usefixtures("folder")

STYLIZE = ["stylize", "photo.png", "--style", "painting.png"]
# fmt: off
WRONG: dict[str, tuple[list[str], int, str]] = {
    "no such command": (["paint"], 2, "No such command 'paint'"),
    "no such option": ([*STYLIZE, "--stile", "x"], 2, "No such option: --stile"),
    "no style": (["stylize", "photo.png"], 2, "nothing to paint with"),
    "no number": ([*STYLIZE, "--size", "big"], 2, "--size is 'big'"),
    "not a number": ([*STYLIZE, "--strength", "nan"], 2, "--strength is nan"),
    "unknown layer": ([*STYLIZE, "--style-layers", "relu9_1"], 2, "relu9_1"),
    "unknown style": (["stylize", "photo.png", "--style", "no-such"], 1, "'no-such'"),
    "a style without a name": (["stylize", "photo.png", "-s", ":0.3"], 2, "names no style"),
    "a style of no weight": (["stylize", "photo.png", "-s", "wave.jpg:-1"], 2, "has the weight -1"),
    "a layer of no weight": ([*STYLIZE, "--style-layers", "relu1_1:0"], 2, "has the weight '0'"),
    "a region without a map": ([*STYLIZE, "--region", "#f00=keep"], 2, "give that map"),
    "a region of no colour": ([*STYLIZE, "--region", "red=keep"], 2, "the colour 'red'"),
    "a map that is none": ([*STYLIZE, "--content-map", "painting.png"], 2, "not a map of regions"),
    "no map": ([*STYLIZE, "--content-map", "none.png"], 1, "none.png"),
    "maps without styles": ([*STYLIZE, "--style-map", "photo.png"], 2, "give both"),
    "epochs without steps": ([*STYLIZE, "--epochs", "3"], 2, "give both, or neither"),
    "two lengths": (
        [*STYLIZE, "--epochs", "3", "--steps", "3", "--iterations", "10"], 2, "contradicts",
    ),
    "a length told twice": (
        [*STYLIZE, "--iterations", "200", "--epochs", "3", "--steps", "2"], 2, "contradicts",
    ),
    "nothing to paint by": (
        [*STYLIZE, "--content-weight", "0", "--style-weight", "0", "--tv-weight", "0"], 2,
        "Nothing is left to paint by",
    ),
    "no use for --match": ([*STYLIZE, "--match", "pca"], 2, "without --color match"),
    "no use for --feather": ([*STYLIZE, "--feather", "0.1"], 2, "without --content-map"),
    "no use for --history": (
        [*STYLIZE, "--history", "5", "--optimizer", "gd"], 2, "without --optimizer lbfgs",
    ),
    "no use for --tv": ([*STYLIZE, "--tv", "l1", "--tv-weight", "0"], 2, "a --tv-weight above 0"),
    "no use in a doodle": (
        ["doodle", "-m", "a.png", "-s", "b.png", "--style-map", "c.png", "--style-loss", "gram"], 2,
        "without --engine statistics",
    ),
    "no use in stage 1": (
        [*STYLIZE, "--method", "laplacian", "--stage", "1", "--content-layers", "relu1_1"], 2,
        "without --stage 2",
    ),
    "too heavy": ([*STYLIZE, "--l2-weight", "1e300"], 2, "It takes a number from 0 to 1000000"),
    "a texture of nothing": (["texture", "photo.png", "--size", "0x96"], 2, "--size is '0x96'"),
    "a thin texture": (["texture", "photo.png", "--size", "20x96"], 2, "20×96 is too thin"),
    "a start in no folder": (
        [*STYLIZE, "--method", "gatys", "--init", "nowhere/start"], 1, "nowhere/start"
    ),
    "matching a card": (
        ["stylize", "photo.png", "-s", "starry-night", "--color", "match"], 2, "a style card has",
    ),
    "unknown method": ([*STYLIZE, "--method", "gaty"], 2, "did you mean 'gatys'"),
    "no photograph": (["stylize", "none.jpg", "--style", "painting.png"], 1, "none.jpg"),
    "no start": ([*STYLIZE, "--method", "gatys", "--init", "none.png"], 1, "none.png"),
    "no picture": (["stylize", "notes.txt", "--style", "painting.png"], 1, "notes.txt"),
    "unknown suffix": ([*STYLIZE, "-o", "out.gif"], 1, ".gif"),
    "no folder": ([*STYLIZE, "-o", "nowhere/out.png"], 1, "nowhere"),
    "16 bits in JPEG": ([*STYLIZE, "-o", "out.jpg", "--bits", "16"], 1, "16"),
    "weights not here": ([*STYLIZE, "--backbone", "vgg16"], 1, "weights fetch vgg16"),
    "weights that are none": ([*STYLIZE, "--weights", "notes.txt"], 1, "notes.txt"),
    "unknown backbone": (["layers", "vgg91"], 2, "did you mean 'vgg19'"),
    "a picture not ours": (["info", "photo.png"], 1, "There is no recipe in photo.png"),
    "not a card": (["style", "info", "photo.png"], 1, "photo.png"),
}
# fmt: on
if Path("/dev/full").exists():
    WRONG["no space left"] = (
        [*STYLIZE, *QUICK, "--trace", "/dev/full", "--force"], 1, "No space left",
    )  # fmt: skip


@pytest.mark.parametrize(("args", "status", "fragment"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_input_is_one_message_and_nothing_written(
    args: list[str], status: int, fragment: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("notes.txt").write_text("no picture")
    before = sorted(folder.iterdir())
    assert main(args) == status
    said = capsys.readouterr()
    assert said.out == ""
    last = said.err.splitlines()[-1]
    assert last.startswith("impasto: ")
    assert fragment in last
    assert "Traceback" not in said.err
    assert sorted(folder.iterdir()) == before


def test_the_process_ends_with_the_status_and_no_traceback() -> None:
    done = process("stylize", "none.jpg", "--style", "painting.png")
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"impasto: .*none\.jpg.*\n", done.stderr)


def test_a_bug_is_told_as_such(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by nought")

    monkeypatch.setattr("impasto.cli.running.prepare", broken)
    assert paint() == 70
    said = capsys.readouterr().err
    assert "ZeroDivisionError: by nought" in said
    assert "IMPASTO_TRACEBACK=1" in said
    assert "Traceback (" not in said
    monkeypatch.setenv("IMPASTO_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        paint()


def test_too_little_memory_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def greedy(*_: object, **__: object) -> None:
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried")

    monkeypatch.setattr("impasto.cli.running.prepare", greedy)
    assert paint() == 1
    assert "smaller --size" in capsys.readouterr().err


def test_control_characters_of_a_name_reach_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["layers", "\x1b[31mvgg\a"]) == 2
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", capsys.readouterr().err)


def test_an_ascii_terminal_gets_a_table_all_the_same() -> None:
    done = process("evaluate", "photo.png", "--content", "photo.png", "--style", "painting.png",
               env={"PYTHONIOENCODING": "ascii"})  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "content copied" in done.stdout


def test_warnings_of_reading_are_remarks_and_quiet_hushes_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Image.open("photo.png") as image:
        image.putalpha(128)
        image.save("photo.png")
    assert paint(out="out.jpg") == 0
    assert "no transparency" in capsys.readouterr().err
    assert paint("--quiet", "--force", out="out.jpg") == 0
    assert capsys.readouterr().err == ""


def test_every_error_of_ours_is_shown_as_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def wrong(*_: object, **__: object) -> None:
        raise ImpastoError("The [bold]paint[/] is dry.")

    monkeypatch.setattr("impasto.cli.running.prepare", wrong)
    assert paint() == 1
    assert capsys.readouterr().err == "impasto: The [bold]paint[/] is dry.\n"
