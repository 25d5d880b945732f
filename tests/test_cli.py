"""The command, as a person or a script meets it: files, streams, exit statuses, Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from PIL import Image
from safetensors.torch import save_file
from typer.main import get_command
from typer.testing import CliRunner

import impasto
from commands import QUICK, paint, pixels, recipe_of
from impasto.cli.flags import with_flags
from impasto.cli.interrupt import patient
from impasto.cli.main import app, main
from impasto.errors import ImpastoError
from impasto.features.backbones import BACKBONES
from impasto.features.extractor import Extractor
from impasto.features.plan import layers as layers_of
from impasto.image.files import read, read_recipe, write
from impasto.methods.configs import GatysConfig
from impasto.recipe import Recipe, Stop
from impasto.styles import gallery

pytestmark = pytest.mark.usefixtures("folder")

ROOT = Path(__file__).resolve().parents[1]


def run(*args: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "impasto", *args]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path[1:]])}
    env |= options.pop("env", {})
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, **options)


# What the command says of itself


def every_command(command: Any, name: str = "impasto") -> Iterator[tuple[str, Any]]:
    yield name, command
    for inner, sub in getattr(command, "commands", {}).items():
        yield from every_command(sub, f"{name} {inner}")


COMMANDS = dict(every_command(get_command(app)))


def test_the_promised_commands_exist() -> None:
    promised = (
        "stylize styles|style make|style info|layers|weights fetch|weights list|weights path|"
    )
    promised += "weights import|info|rerun|evaluate"
    names = promised.replace("stylize ", "stylize|").split("|")
    assert {f"impasto {name}" for name in names} <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_option_and_argument_has_help(name: str) -> None:
    command = COMMANDS[name]
    assert command.help, f"{name} has no help"
    for parameter in command.params:
        assert parameter.help, f"{name}: {parameter.name} has no help"
    shown = CliRunner().invoke(app, [*name.split()[1:], "--help"])
    assert shown.exit_code == 0
    assert "Usage: " in shown.output


def test_what_needs_no_torch_does_not_load_it() -> None:
    light = [
        *([*name.split()[1:], "--help"] for name in COMMANDS),
        ["--version"],
        ["layers", "vgg19"],
        ["weights", "list"],
        ["styles"],
        ["stylize", "photo.png", "--style", "painting.png", "--size", "1"],
    ]
    script = (
        "import sys\nfrom impasto.cli.main import main\n"
        f"for args in {light!r}: main(args)\n"
        "assert 'torch' not in sys.modules"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, check=True)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"impasto {impasto.__version__}\n"


# Flags


@dataclass(frozen=True)
class Sample:
    """One field of each kind."""

    count: int = field(default=3, metadata={"help": "How many.", "low": 1, "high": 9})
    weight: float = field(default=0.5, metadata={"help": "How heavy.", "low": 0.0, "high": None})
    kind: str = field(default="a", metadata={"help": "Which.", "choices": ("a", "b")})
    some_layers: tuple[str, ...] = field(default=(), metadata={"help": "Layers."})
    bright: bool = field(default=True, metadata={"help": "Whether."})


def typed(*args: str) -> dict[str, Any]:
    """What a command with the flags of `Sample` gets."""
    got: dict[str, Any] = {}
    small = typer.Typer()

    @small.command()
    @with_flags(Sample, files=("kind",))
    def command(options: dict[str, Any]) -> None:
        got.update(options)

    done = CliRunner().invoke(small, list(args))
    assert done.exit_code == 0, done.output
    return got


def test_every_field_is_an_option_with_its_default_and_help() -> None:
    options = {p.name: p for p in COMMANDS["impasto stylize"].params}
    for spec in fields(GatysConfig):
        option = options[spec.name]
        assert option.opts == ["--" + spec.name.replace("_", "-")]
        assert spec.metadata["help"] in option.help
        default = list(spec.default) if isinstance(spec.default, tuple) else spec.default
        assert option.default == default
        for choice in spec.metadata["choices"] or ():
            assert choice in option.metavar
        if isinstance(spec.default, int | float):
            assert option.metavar.startswith(f"{spec.metadata['low']:g}…")


def test_flags_of_every_kind_arrive_as_the_config_wants_them() -> None:
    assert Sample(**typed()) == Sample()
    given = "--count 4 --weight 1.5 --kind b --some-layers x,y --some-layers z --no-bright"
    assert Sample(**typed(*given.split())) == Sample(4, 1.5, "b", ("x", "y", "z"), False)
    assert typed("--kind", "photo.png")["kind"] == "photo.png"


@pytest.mark.parametrize("name", [spec.name for spec in fields(GatysConfig)])
def test_only_the_config_judges_a_value(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    spec = next(spec for spec in fields(GatysConfig) if spec.name == name)
    if isinstance(spec.default, tuple):
        pytest.skip("layers are judged by the network")
    flag = "--" + name.replace("_", "-")
    wrong = "-1" if isinstance(spec.default, int | float) else "wrong"
    assert paint(flag, wrong) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"impasto: {flag} is ")
    assert "It " in said
    assert not Path("out.png").exists()


# The main job


def test_it_paints(capsys: pytest.CaptureFixture[str]) -> None:
    assert paint() == 0
    said = capsys.readouterr()
    assert said.out == "out.png\n"
    assert pixels("out.png").shape == (48, 64, 3)
    assert np.abs(pixels("out.png").astype(int) - pixels("photo.png")).mean() > 1
    recipe = recipe_of("out.png")
    assert [given.name for given in recipe.inputs] == ["photo.png", "painting.png"]
    assert recipe.settings().iterations == 4
    assert recipe.stopped_at is None


def test_one_line_for_each_scale_and_one_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    assert paint() == 0
    *scales, last = capsys.readouterr().err.splitlines()
    count = len(scales)
    assert count >= 2
    assert [line.split()[1] for line in scales] == [f"{i}/{count}" for i in range(1, count + 1)]
    assert re.fullmatch(r"64×48 pixels in [\d.]+ s", last)


def test_the_bar_shows_scale_iteration_losses_and_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    assert paint() == 0
    said = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capsys.readouterr().err)
    assert re.search(
        r"scale (\d)/\1 64×48 +(\d)/\2 .* 100 % +\d+:\d\d +content [\d.]+ +style [\d.]+", said
    )


def test_the_default_name_and_an_existing_file(capsys: pytest.CaptureFixture[str]) -> None:
    args = ["stylize", "photo.png", "--style", "painting.png", *QUICK]
    assert main([*args, "--quiet"]) == 0
    before = Path("photo-painting.png").read_bytes()
    assert capsys.readouterr().out == "photo-painting.png\n"
    assert main(args) == 1
    assert "exists already" in capsys.readouterr().err
    assert Path("photo-painting.png").read_bytes() == before
    assert main([*args, "--seed", "7", "--force"]) == 0
    assert recipe_of("photo-painting.png").config["seed"] == 7


def test_json_is_all_of_standard_output_and_quiet_all_of_the_rest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert paint("--json", "--quiet", "--trace", "run.jsonl") == 0
    trace = Path("run.jsonl").read_text().splitlines()
    said = capsys.readouterr()
    assert said.err == ""
    told = json.loads(said.out)
    assert told["output"] == "out.png"
    assert (told["width"], told["height"], told["iterations"]) == (64, 48, len(trace))
    assert told["losses"] == json.loads(trace[-1])["losses"]
    assert told["seconds"] > 0
    assert set(told["losses"]) >= {"content", "style", "total"}
    assert Recipe.from_json(json.dumps(told["recipe"])) == recipe_of("out.png")


def test_the_trace_has_a_line_for_each_step_and_replaces_no_file(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert paint("--trace", "run.jsonl") == 0
    steps = [json.loads(line) for line in Path("run.jsonl").read_text().splitlines()]
    counts = {s["scale"]: s["iterations"] for s in steps}
    assert set(counts) == set(range(1, steps[0]["scales"] + 1))
    every = [(scale, i) for scale, count in counts.items() for i in range(1, count + 1)]
    assert [(s["scale"], s["iteration"]) for s in steps] == every
    assert [s["done"] for s in steps] == sorted(s["done"] for s in steps)
    assert steps[-1]["done"] == pytest.approx(1)
    assert paint("--trace", "run.jsonl", out="other.png") == 2
    assert "run.jsonl exists already" in capsys.readouterr().err
    assert not Path("other.png").exists()


def test_no_recipe_leaves_it_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert paint("--no-recipe") == 0
    assert read_recipe(Path("out.png")) is None
    assert main(["info", "out.png"]) == 1
    assert "There is no recipe in out.png" in capsys.readouterr().err


def test_sixteen_bits() -> None:
    assert paint("--bits", "16") == 0
    assert Path("out.png").read_bytes()[24] == 16  # the bit depth in PNG's header


def test_a_run_can_start_from_a_picture() -> None:
    assert paint() == 0
    assert paint("--init", "painting.png", "--no-recipe", out="two.png") == 0
    assert paint("--init", "painting.png", out="three.png") == 0
    assert (pixels("out.png") != pixels("two.png")).any()
    given = recipe_of("three.png").input("init")
    assert given is not None
    assert given.name == "painting.png"
    assert main(["rerun", "three.png", "-o", "again.png"]) == 0
    assert (pixels("again.png") == pixels("three.png")).all()


# Ctrl-C


def test_the_first_request_waits_for_the_iteration_and_the_second_does_not() -> None:
    before = signal.getsignal(signal.SIGINT)
    with patient() as interruption:
        interruption.keeping = True
        signal.raise_signal(signal.SIGINT)
        assert interruption.asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
    with patient(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_ctrl_c_before_the_first_step_writes_nothing() -> None:
    os.mkfifo("trace")  # opened before the first step, and it waits for a reader that never comes
    timer = threading.Timer(0.7, os.kill, [os.getpid(), signal.SIGINT])
    timer.start()
    try:
        assert paint("--trace", "trace", "--force") == 130
    finally:
        timer.cancel()
    assert not Path("out.png").exists()


def test_ctrl_c_keeps_the_picture_and_its_recipe_paints_the_same(folder: Path) -> None:
    args = ["stylize", "photo.png", "--style", "painting.png", "-o", "out.png", "--size", "64"]
    args += ["--iterations", "100000", "--preview-every", "1"]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path[1:]])}
    process = subprocess.Popen(
        [sys.executable, "-m", "impasto", *args],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    preview = folder / "out.preview.png"
    patience = time.monotonic() + 60
    while not preview.exists() and process.poll() is None and time.monotonic() < patience:
        time.sleep(0.02)
    assert pixels(preview).shape == (48, 64, 3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "out.png\n")
    assert "stopped early" in err
    assert "Traceback" not in err
    assert not preview.exists()
    stop = recipe_of("out.png").stopped_at
    assert stop is not None
    assert stop.scale == 1
    # The same number of steps on this process's threads; the recipe of the copy tells the same.
    assert run("rerun", "out.png", "-o", "again.png").returncode == 0
    assert recipe_of("again.png").stopped_at == Stop(stop.scale, stop.iteration)
    assert (pixels("again.png") == pixels("out.png")).all()


# Info and rerun


@pytest.fixture
def painted() -> str:
    assert paint("--quiet", "--seed", "5") == 0
    return "out.png"


def test_info(painted: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["info", painted]) == 0
    told = capsys.readouterr().out
    assert re.search(r"content +photo.png +sha256:", told)
    assert re.search(r"seed +5\n", re.sub(r" +\n", "\n", told))
    assert main(["info", painted, "--json"]) == 0
    assert Recipe.from_json(capsys.readouterr().out) == recipe_of(painted)


def test_rerun_gives_the_same_pixels_also_beside_the_picture(painted: str) -> None:
    Path("elsewhere").mkdir()
    os.chdir("elsewhere")
    assert main(["rerun", f"../{painted}", "-o", "again.png"]) == 0
    assert (pixels("again.png") == pixels(f"../{painted}")).all()


def test_rerun_says_which_input_has_changed(
    painted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    original = Path("painting.png").read_bytes()
    with Image.open("painting.png") as image:
        image.transpose(Image.Transpose.ROTATE_180).save("painting.png")
    assert main(["rerun", painted, "-o", "again.png"]) == 1
    said = capsys.readouterr().err
    assert "the style 'painting.png' has changed" in said
    assert "photo.png" not in said
    assert not Path("again.png").exists()
    Path("kept.png").write_bytes(original)
    assert main(["rerun", painted, "-o", "again.png", "--style", "kept.png"]) == 0
    assert (pixels("again.png") == pixels(painted)).all()
    assert main(["rerun", painted, "-o", "other.png", "--anyway"]) == 0
    assert (pixels("other.png") != pixels(painted)).any()


def test_rerun_says_which_input_is_missing(
    painted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("photo.png").rename("moved.png")
    assert main(["rerun", painted, "-o", "again.png"]) == 1
    said = capsys.readouterr().err
    assert "The content of the recipe is missing: 'photo.png'" in said
    assert "--content FILE" in said
    assert main(["rerun", painted, "-o", "again.png", "--content", "moved.png"]) == 0
    assert (pixels("again.png") == pixels(painted)).all()


def test_rerun_tells_other_weights_and_another_version(
    painted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = BACKBONES["compact"]
    other = Extractor(spec.plan, spec.mean, spec.std, spec.padding, spec.lifts)
    save_file(other.state_dict(), "other.safetensors")
    assert main(["rerun", painted, "-o", "again.png", "--weights", "other.safetensors"]) == 1
    assert "the weights of compact are sha256:" in capsys.readouterr().err
    recipe = json.loads(recipe_of(painted).to_json()) | {"version": "0.0.0"}
    write(read(painted), Path("older.png"), recipe=json.dumps(recipe))
    assert main(["rerun", "older.png", "-o", "again.png"]) == 0
    assert "made by Impasto 0.0.0" in capsys.readouterr().err


# Layers, weights, styles, figures


@pytest.mark.parametrize("name", BACKBONES)
def test_layers_lists_each_with_its_size(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["layers", name]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    for layer in layers_of(BACKBONES[name].plan):
        row = [layer.name, str(layer.channels), str(layer.stride), str(layer.receptive_field)]
        assert row in [found[:4] for found in rows]


def test_weights_are_imported_in_either_order_and_then_listed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = BACKBONES["alexnet"]
    save_file(Extractor(spec.plan, spec.mean, spec.std).state_dict(), "alexnet-mine.safetensors")
    assert main(["weights", "path", "alexnet"]) == 1
    assert "impasto weights fetch alexnet" in capsys.readouterr().err
    for args in (["alexnet", "alexnet-mine.safetensors"], ["alexnet-mine.safetensors", "alexnet"]):
        assert main(["weights", "import", *args, "--force"]) == 0
    assert main(["weights", "import", "alexnet-mine.safetensors"]) == 1
    assert "is here already" in capsys.readouterr().err
    assert main(["weights", "path", "alexnet"]) == 0
    kept = Path(capsys.readouterr().out.strip())
    assert kept.is_relative_to(folder / "cache")
    assert main(["weights", "list"]) == 0
    listed = capsys.readouterr().out
    assert re.search(r"alexnet +yes +9\.\d MB", listed)
    assert re.search(r"vgg19 +no", listed)


def test_weights_of_an_unknown_name_ask_whose_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "import", "mine.pth"]) == 2
    assert "impasto weights import BACKBONE mine.pth" in capsys.readouterr().err


def test_styles_lists_the_gallery(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["styles"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert listed == gallery.names()


def test_styles_paints_a_picture_of_each_in_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "70")
    name = gallery.names()[0]
    assert main(["style", "info", name]) == 0
    shown = capsys.readouterr().out
    assert shown.count("▀") == 24 * 12
    about = gallery.describe()[name]
    red, green, blue = (int(about.palette[0][i : i + 2], 16) for i in (1, 3, 5))
    assert f"38;2;{red};{green};{blue}m" in shown
    assert about.artist in shown


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_styles_as_a_page_that_needs_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["styles", "--html", "styles.html"]) == 0
    assert capsys.readouterr().out == "styles.html\n"
    text = Path("styles.html").read_text("utf-8")
    page = Page()
    page.feed(text)
    pictures = [attrs["src"] or "" for tag, attrs in page.tags if tag == "img"]
    assert len(pictures) == len(gallery.names())
    assert all(src.startswith("data:image/webp;base64,") for src in pictures)
    assert not re.search(r"https?://|<script|<link|url\(|\$\w", text)
    assert main(["styles", "--html", "styles.html"]) == 1
    assert "exists already" in capsys.readouterr().err


@pytest.mark.slow
def test_a_card_of_ones_own_is_made_shown_and_painted_with(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Image.open("painting.png").resize((256, 192)).save("big.png")
    make = ["style", "make", "big.png", "-o", "mine.style", "--title", "<Mine>", "--quiet"]
    assert main(make) == 0
    assert main(["style", "info", "mine.style"]) == 0
    assert "<Mine>" in capsys.readouterr().out
    assert main(make) == 1
    assert "exists already" in capsys.readouterr().err
    args = ["stylize", "photo.png", "--style", "mine.style", *QUICK, "--quiet"]
    assert main(args) == 0
    assert capsys.readouterr().out == "photo-mine.png\n"


def test_evaluate_shows_the_result_between_both_copies(
    capsys: pytest.CaptureFixture[str],
) -> None:
    args = ["evaluate", "photo.png", "--content", "photo.png", "--style", "painting.png"]
    assert main([*args, "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    assert set(rows) == {"result", "content copied", "style copied"}
    assert rows["result"]["content"] == pytest.approx(0, abs=1e-6)
    assert rows["result"]["ssim"] == pytest.approx(1)
    assert main(args) == 0
    assert "content copied" in capsys.readouterr().out


# What goes wrong

STYLIZE = ["stylize", "photo.png", "--style", "painting.png"]
WRONG: dict[str, tuple[list[str], int, str]] = {
    "no such command": (["paint"], 2, "No such command 'paint'"),
    "no such option": ([*STYLIZE, "--stile", "x"], 2, "No such option: --stile"),
    "no style": (["stylize", "photo.png"], 2, "Missing option '--style'"),
    "no number": ([*STYLIZE, "--size", "big"], 2, "Invalid value for '--size'"),
    "not a number": ([*STYLIZE, "--strength", "nan"], 2, "--strength is nan"),
    "unknown layer": ([*STYLIZE, "--style-layers", "relu9_1"], 2, "relu9_1"),
    "unknown style": (["stylize", "photo.png", "--style", "no-such"], 1, "'no-such'"),
    "no photograph": (["stylize", "none.jpg", "--style", "painting.png"], 1, "none.jpg"),
    "no start": ([*STYLIZE, "--init", "none.png"], 1, "none.png"),
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
    done = run("stylize", "none.jpg", "--style", "painting.png")
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"impasto: .*none\.jpg.*\n", done.stderr)


def test_a_bug_is_told_as_such(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by nought")

    monkeypatch.setattr("impasto.painting.prepare", broken)
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

    monkeypatch.setattr("impasto.painting.prepare", greedy)
    assert paint() == 1
    assert "smaller --size" in capsys.readouterr().err


def test_control_characters_of_a_name_reach_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["layers", "\x1b[31mvgg\a"]) == 2
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", capsys.readouterr().err)


def test_an_ascii_terminal_gets_a_table_all_the_same() -> None:
    done = run("evaluate", "photo.png", "--content", "photo.png", "--style", "painting.png",
               env={"PYTHONIOENCODING": "ascii"})  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "content copied" in done.stdout


def test_a_reader_that_has_gone_is_no_error_of_ours() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "impasto", "layers", "vgg19"],
        env=env,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert done.stderr == ""
    assert done.returncode == 1


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

    monkeypatch.setattr("impasto.painting.prepare", wrong)
    assert paint() == 1
    assert capsys.readouterr().err == "impasto: The [bold]paint[/] is dry.\n"
