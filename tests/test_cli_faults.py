"""What goes wrong around a run: discs, pipes, traces, previews, and inputs that have moved."""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from safetensors.torch import save_file

import impasto
from commands import QUICK, paint, pixels, process, recipe_of
from impasto.cli.main import main
from impasto.config.recipe import Input
from impasto.errors import OptionError, PictureError, RecipeError
from impasto.features.backbones import BACKBONES
from impasto.features.extractor import Extractor
from impasto.image.opening import digest
from impasto.painting.recipe_inputs import find
from impasto.styles import gallery

pytestmark = pytest.mark.usefixtures("folder")

PREVIEW = Path("out.preview.png")

Said = pytest.CaptureFixture[str]


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """No work is done: whoever asks for it has failed."""

    def work(*_: object, **__: object) -> None:
        raise AssertionError("the work has begun")

    for name in ("cli.running.prepare", "painting.cards.make_card"):
        monkeypatch.setattr(f"impasto.{name}", work)


def last_line(said: Said) -> str:
    return said.readouterr().err.splitlines()[-1]


def failing_after(count: int, error: BaseException) -> Any:
    """A painter that breaks down in the middle of its work."""
    from impasto.painting.task import paint as real

    def broken(*args: Any) -> Iterator[Any]:
        steps = real(*args)
        for _ in range(count):
            yield next(steps)
        raise error

    return broken


# Style cards


@pytest.mark.usefixtures("idle")
@pytest.mark.parametrize("name", ["mine.png", "mine", "style"])
def test_a_card_has_a_suffix_of_its_own(name: str, capsys: Said) -> None:
    assert main(["style", "make", "painting.png", "-o", name]) == 1
    assert f"{name} is not a name for a style card: it must end in .style" in last_line(capsys)
    assert not Path(name).exists()


# Standard output


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("args", [["weights", "path", "compact"], ["--version"], ["--help"]])
def test_output_that_finds_no_room_is_one_message(args: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = process(*args, stdout=full)
    assert done.returncode == 1
    assert done.stderr == "impasto: standard output: No space left on device.\n"


@pytest.mark.parametrize("args", [["weights", "path", "compact"], ["layers", "vgg19"]])
def test_output_that_nobody_reads_ends_quietly(args: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = process(*args, stdout=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_closed_output_is_no_fault() -> None:
    done = process("weights", "path", "compact", preexec_fn=lambda: os.close(1))
    assert (done.returncode, done.stderr) == (0, "")


def test_lines_in_a_pipe_are_neither_cut_nor_folded(capsys: Said) -> None:
    name = "a-very-long-name-of-a-photograph-" * 4 + ".png"
    Path("photo.png").rename(name)
    assert main(["stylize", name, "--style", "painting.png", "-o", "out.png", *QUICK, "-q"]) == 0
    assert main(["info", "out.png"]) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if name in line)
    assert row.startswith("content")
    assert "sha256:" in row


# The trace


def some_traces(folder: Path) -> dict[str, str]:
    (folder / "there.jsonl").write_text("precious")
    return {
        "nowhere/run.jsonl": "no folder",
        "there.jsonl": "exists already",
        ".": "is a folder",
        "out.png": "cannot be both",
        "./out.preview.png": "cannot be both",
    }


@pytest.mark.usefixtures("idle")
def test_a_trace_that_cannot_be_is_refused_before_the_work(folder: Path, capsys: Said) -> None:
    for trace, reason in some_traces(folder).items():
        before = sorted(folder.iterdir())
        assert paint("--trace", trace, "--preview-every", "1") == 2
        assert reason in last_line(capsys)
        assert sorted(folder.iterdir()) == before


def test_a_trace_that_may_not_be_written_is_refused_before_the_work() -> None:
    from impasto.run import trace

    user = os.geteuid()
    with tempfile.TemporaryDirectory() as name:  # unlike `tmp_path` one that anyone may pass
        Path(name).chmod(0o755)
        file = Path(name, "run.jsonl")
        file.write_text("precious")
        file.chmod(0o444)
        if user == 0:  # the administrator may write anything
            os.seteuid(65534)
        try:
            with pytest.raises(OptionError, match=r"run\.jsonl cannot be written: Permission"):
                trace.check(file, force=True)
            with pytest.raises(OptionError, match=r"new\.jsonl cannot be written: Permission"):
                trace.check(Path(name, "new.jsonl") if user == 0 else Path("/new.jsonl"))
        finally:
            os.seteuid(user)
        assert file.read_text() == "precious"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_trace_goes_into_pipes_and_devices() -> None:
    assert paint("--trace", os.devnull) == 0
    os.mkfifo("pipe")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.extend(Path("pipe").read_text().splitlines()))
    reader.start()
    assert paint("--trace", "pipe", "--force") == 0
    reader.join(timeout=600)
    assert json.loads(read[-1])["done"] == pytest.approx(1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_trace_that_finds_no_room_is_named(capsys: Said) -> None:
    assert paint("--trace", "/dev/full") == 1
    assert last_line(capsys).startswith("impasto: The trace /dev/full cannot be written: No space")


@pytest.mark.parametrize("old", [None, "precious"])
def test_a_run_that_fails_before_its_first_step_leaves_the_trace_alone(
    monkeypatch: pytest.MonkeyPatch, old: str | None
) -> None:
    trace = Path("run.jsonl")
    if old is not None:
        trace.write_text(old)
    monkeypatch.setattr("impasto.run.runner.paint", failing_after(0, PictureError("no")))
    assert paint("--trace", str(trace), "--force") == 1
    assert (trace.read_text() if trace.exists() else None) == old


# The preview


def test_a_preview_left_over_is_replaced_and_then_removed() -> None:
    PREVIEW.write_text("left over")
    assert paint("--preview-every", "1") == 0
    assert not PREVIEW.exists()


@pytest.mark.parametrize(
    ("error", "status"),
    [(PictureError("It broke."), 1), (OSError(errno.EIO, "Broken"), 1), (MemoryError(), 1),
     (ZeroDivisionError(), 70), (KeyboardInterrupt(), 130)],
)  # fmt: skip
def test_a_run_that_fails_says_where_its_last_preview_is(
    monkeypatch: pytest.MonkeyPatch, capsys: Said, error: BaseException, status: int
) -> None:
    monkeypatch.setattr("impasto.run.runner.paint", failing_after(2, error))
    assert paint("--preview-every", "1") == status
    assert "The picture so far is in out.preview.png." in last_line(capsys)
    assert pixels(PREVIEW).ndim == 3
    assert not Path("out.png").exists()


def test_a_preview_of_another_run_is_not_told_as_this_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    PREVIEW.write_text("left over")
    monkeypatch.setattr("impasto.run.runner.paint", failing_after(2, PictureError("It broke.")))
    assert paint("--preview-every", "3") == 1
    assert last_line(capsys) == "impasto: It broke."
    assert PREVIEW.read_text() == "left over"


def test_a_preview_replaces_no_input(capsys: Said) -> None:
    shutil.copy("photo.png", PREVIEW)
    before = PREVIEW.read_bytes()
    args = ["stylize", str(PREVIEW), "--style", "painting.png", "-o", "out.png", *QUICK]
    assert main([*args, "--preview-every", "1"]) == 2
    assert "move one of them" in last_line(capsys)
    assert PREVIEW.read_bytes() == before


@pytest.mark.parametrize("args", [[], ["--quiet"]])
def test_a_preview_that_finds_no_place_is_told_once_and_the_run_goes_on(
    args: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    from impasto.image import writing

    real = writing.write

    def write(picture: Any, path: Path, **more: Any) -> None:
        if path == PREVIEW:
            raise PictureError("out.preview.png cannot be written: no space left.")
        real(picture, path, **more)

    monkeypatch.setattr(writing, "write", write)
    assert paint("--preview-every", "1", *args) == 0
    told = "out.preview.png cannot be written: no space left. The run goes on."
    assert capsys.readouterr().err.count(told) == (0 if args else 1)
    assert Path("out.png").exists()


# Writing the result


@pytest.mark.usefixtures("idle")
def test_sides_too_long_for_the_format_are_refused_before_the_work(capsys: Said) -> None:
    assert paint("--size", "16384", out="out.webp") == 1
    assert "16,383" in last_line(capsys)


@pytest.mark.parametrize("preview", [True, False])
def test_a_result_that_finds_no_room_says_what_is_left(capsys: Said, preview: bool) -> None:
    Path("out.png").write_text("precious")
    assert paint("--bits", "16", out="first.png") == 0
    # No file may grow as large, as on a full disc; a preview of 8 bits finds room.
    room = Path("first.png").stat().st_size * 3 // 4
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    every = ["--preview-every", "2"] if preview else []
    try:
        assert paint("--force", "--bits", "16", *every) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    said = last_line(capsys)
    assert "out.png cannot be written: no space left" in said
    assert "Nothing was overwritten." in said
    assert ("The picture so far is in out.preview.png." in said) is preview
    assert PREVIEW.exists() is preview
    assert Path("out.png").read_text() == "precious"


# Rerun


def test_rerun_prefers_the_file_that_was_used() -> None:
    Path("elsewhere").mkdir()
    assert paint() == 0
    os.chdir("elsewhere")
    # A file here has the name that was recorded, and is another one.
    Image.new("RGB", (64, 48), "red").save("photo.png")
    assert main(["rerun", "../out.png", "-o", "again.png"]) == 0
    assert (pixels("again.png") == pixels("../out.png")).all()


def test_rerun_falls_back_to_the_first_file_and_says_that_it_changed(capsys: Said) -> None:
    assert paint() == 0
    Image.new("RGB", (64, 48), "red").save("photo.png")
    assert main(["rerun", "out.png", "-o", "again.png"]) == 1
    assert "the content 'photo.png' has changed" in last_line(capsys)


def test_rerun_takes_the_built_in_style_though_a_file_has_its_name() -> None:
    name = gallery.names()[0]
    args = ["stylize", "photo.png", "--style", name, "-o", "out.png", *QUICK]
    assert main(args) == 0
    assert main(["rerun", "out.png", "-o", "again.png"]) == 0
    again = recipe_of("again.png").input("style")
    assert again is not None
    assert again.name == name
    shutil.copy("painting.png", name)
    assert main(["rerun", "out.png", "-o", "third.png"]) == 0
    assert (pixels("third.png") == pixels("out.png")).all()


def bit_depth(path: str) -> int:
    data = Path(path).read_bytes()
    if path.endswith(".png"):
        return data[24]
    with Image.open(path) as image:
        return int(image.tag_v2[258][0])  # type: ignore[attr-defined]


@pytest.mark.parametrize(("suffix", "bits"), [(".png", "8"), (".tiff", "16")])
def test_rerun_keeps_the_depth_unless_told_otherwise(suffix: str, bits: str) -> None:
    out = f"out{suffix}"
    assert paint("--bits", bits, "--smallest", "64", "--iterations", "1", out=out) == 0
    for kind in (".png", ".tiff"):
        assert main(["rerun", out, "-o", f"again{kind}"]) == 0
        assert bit_depth(f"again{kind}") == int(bits)
    assert main(["rerun", out, "-o", "again.jpg"]) == 0
    other = "16" if bits == "8" else "8"
    assert main(["rerun", out, "-o", "told.png", "--bits", other]) == 0
    assert bit_depth("told.png") == int(other)


def own_weights() -> Path:
    spec = BACKBONES["compact"]
    own = Extractor(spec.plan, spec.mean, spec.std, spec.padding, spec.lifts)
    save_file(own.state_dict(), "own.safetensors")
    return Path("own.safetensors")


def test_rerun_asks_for_weights_that_came_from_a_file(capsys: Said) -> None:
    own = str(own_weights())
    assert paint("--weights", own) == 0
    assert main(["rerun", "out.png", "-o", "again.png"]) == 1
    assert "--weights FILE" in last_line(capsys)
    assert main(["rerun", "out.png", "-o", "again.png", "--weights", own]) == 0
    assert (pixels("again.png") == pixels("out.png")).all()


def test_rerun_asks_for_weights_that_are_not_here(capsys: Said) -> None:
    spec = BACKBONES["alexnet"]
    save_file(Extractor(spec.plan, spec.mean, spec.std).state_dict(), "own.safetensors")
    own = ["--backbone", "alexnet", "--weights", "own.safetensors"]
    assert paint("--smallest", "64", *own) == 0
    assert main(["rerun", "out.png", "-o", "again.png"]) == 1
    said = last_line(capsys)
    assert "weights fetch alexnet" in said
    assert "--weights FILE" in said


def test_rerun_knows_pictures_that_came_from_memory(capsys: Said) -> None:
    options: dict[str, Any] = {"size": 64, "smallest": 32, "iterations": 4}
    with Image.open("photo.png") as photo, Image.open("painting.png") as painting:
        made = impasto.stylize(photo.copy(), painting.copy(), **options)
    from impasto.image.reading import read
    from impasto.image.writing import write

    write(read(made), Path("out.png"), recipe=made.info["impasto"])
    args = ["rerun", "out.png", "-o", "again.png", "--style", "painting.png"]
    assert main(args) == 1
    assert "it was no file. Say where it is now with --content FILE" in last_line(capsys)
    assert main([*args, "--content", "painting.png"]) == 1
    assert "the content 'painting.png' has changed" in last_line(capsys)
    args[-1] = gallery.names()[0]
    assert main([*args, "--content", "photo.png"]) == 1
    assert f"the style '{args[-1]}' has changed" in last_line(capsys)
    args[-1] = "painting.png"
    assert main([*args, "--content", "photo.png"]) == 0
    assert (pixels("again.png") == pixels("out.png")).all()


@pytest.mark.parametrize("begins", ["//", "\\\\\\\\", "/\\\\"])
def test_a_recipe_sends_nobody_to_another_computer(folder: Path, begins: str) -> None:
    (folder / "sub").mkdir()
    file = folder / "photo.png"
    name = begins + str(file).lstrip("/")  # here it is this very file
    given = Input("content", name, digest(file))
    with pytest.raises(RecipeError, match="is missing"):
        find(given, None, folder / "sub")
    shutil.copy(file, folder / "sub")
    assert find(given, None, folder / "sub") == str(folder / "sub" / "photo.png")


def test_a_recipe_with_a_name_too_long_for_a_file_is_one_message(folder: Path) -> None:
    given = Input("content", "a" * 3000, digest(folder / "photo.png"))
    with pytest.raises(RecipeError, match="is missing"):
        find(given, None, folder)


# What PyTorch is told before it is loaded


def test_what_metal_lacks_is_left_to_the_processor_unless_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for told, expected in ((None, "1"), ("0", "0")):
        if told is None:
            monkeypatch.delenv("PYTORCH_ENABLE_MPS_FALLBACK", raising=False)
        else:
            monkeypatch.setenv("PYTORCH_ENABLE_MPS_FALLBACK", told)
        assert main(["--version"]) == 0
        assert os.environ["PYTORCH_ENABLE_MPS_FALLBACK"] == expected


# Two at once


def test_threads_do_not_spin_for_long_while_they_wait() -> None:
    """Spinning threads of two commands on two cores bring each other to a halt."""
    script = (
        "import os, sys; from impasto.cli.main import main;"
        "assert 'torch' not in sys.modules;"
        "main(['--version']);"
        "print(os.environ.get('GOMP_SPINCOUNT'))"
    )
    free = {k: v for k, v in os.environ.items() if k not in {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"}}
    cases: list[tuple[dict[str, str], str]] = [
        ({}, "1000"),
        ({"GOMP_SPINCOUNT": "7"}, "7"),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, "None"),
    ]
    for told, expected in cases:
        done = subprocess.run(
            [sys.executable, "-c", script],
            env=free | told,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split()[-1] == expected


@pytest.mark.parametrize("out", ["photo.png", "painting.png"])
def test_what_is_painted_from_is_never_painted_over(out: str, capsys: Said) -> None:
    before = Path(out).read_bytes()
    assert paint("--force", out=out) == 2
    assert "where the result goes" in last_line(capsys)
    assert Path(out).read_bytes() == before
