"""What can be refused is refused before PyTorch is loaded, which alone takes seconds."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from commands import ROOT
from impasto.files.locks import FolderLock

DATA = ROOT / "tests" / "data" / "0.1.0"

# One process refuses them all; a module that one of them loads stays loaded.
SCRIPT = """
import io, json, sys, contextlib
from impasto.cli.main import main
for line in json.load(sys.stdin):
    missing = [word.removeprefix("without:") for word in line if word.startswith("without:")]
    for name in missing:
        sys.modules[name] = None
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        status = main([word for word in line if not word.startswith("without:")])
    for name in missing:
        del sys.modules[name]
    heavy = sorted({"torch", "safetensors.torch"} & set(sys.modules))
    print(json.dumps([status, said.getvalue().splitlines()[-1], heavy]))
"""

STYLIZE = ["stylize", "photo.png", "-s", "painting.png"]
# fmt: off
REFUSED: dict[str, tuple[list[str], str]] = {
    "no photograph": (["stylize", "none.jpg", "-s", "painting.png"], "none.jpg does not exist"),
    "no style": (["stylize", "photo.png", "-s", "none.jpg"], "none.jpg does not exist"),
    "no map": ([*STYLIZE, "--content-map", "none.png"], "none.png does not exist"),
    "no start": ([*STYLIZE, "--method", "gatys", "--init", "none.png"], "none.png does not exist"),
    "a photograph that is none": (["stylize", "notes.txt", "-s", "painting.png"], "not a picture"),
    "a style that is none": (["stylize", "photo.png", "-s", "notes.txt"], "not a picture"),
    "a map that is none": ([*STYLIZE, "--content-map", "notes.txt"], "not a picture"),
    "a built-in style that is none": (["stylize", "photo.png", "-s", "stary-night"], "starry"),
    "a card that is none": (["stylize", "photo.png", "-s", "bad.style"], "bad.style"),
    "a card for another network": (
        ["stylize", "photo.png", "-s", "card.style", "--weights", "trained.impasto"],
        "was measured with compact",
    ),
    "a card's colours": (["stylize", "photo.png", "-s", "starry-night", "--color", "match"],
                         "only statistics"),
    "a trained style without fast": (["stylize", "photo.png", "-s", "trained.impasto#a"],
                                     "--method fast paints in"),
    "a painting with fast": ([*STYLIZE, "--method", "fast"], "not a file of those"),
    "a trained style that is none": (
        ["stylize", "photo.png", "-s", "trained.impasto#b0", "--method", "fast"], "no style 'b0'",
    ),
    "weights without a use": ([*STYLIZE, "--method", "instant", "--weights", "card.style"],
                              "knows only its own"),
    "no such layer": ([*STYLIZE, "--style-layers", "relu9_1"], "relu9_1"),
    "no weights": ([*STYLIZE, "--backbone", "vgg19"], "weights fetch vgg19"),
    "no file of weights": ([*STYLIZE, "--weights", "none.pth"], "none.pth does not exist"),
    "a picture that exists": ([*STYLIZE, "-o", "map.png"], "exists already"),
    "no such folder": ([*STYLIZE, "-o", "nowhere/out.png"], "there is no folder"),
    "an unknown suffix": ([*STYLIZE, "-o", "out.gif"], ".gif"),
    "16 bits in JPEG": ([*STYLIZE, "-o", "out.jpg", "--bits", "16"], "not 16"),
    "over its own photograph": (
        ["stylize", "photo.png", "-s", "painting.png", "-o", "photo.png", "--force"], "move one",
    ),
    "a trace that exists": ([*STYLIZE, "--trace", "notes.txt"], "notes.txt exists already"),
    "a wrong size": ([*STYLIZE, "--size", "3"], "--size is 3"),
    "an option of others": ([*STYLIZE, "--method", "instant", "--iterations", "3"], "an option of"),
    "two lengths": ([*STYLIZE, "--epochs", "3", "--steps", "3", "--iterations", "10"], "contra"),
    "a region's text": ([*STYLIZE, "--content-map", "map.png", "--region", "red=keep"], "'red'"),
    "a region's style": (
        [*STYLIZE, "--content-map", "map.png", "--region", "#f00=none.jpg"], "none.jpg",
    ),
    "a region without a map": ([*STYLIZE, "--region", "#f00=keep"], "give that map"),
    "an amount of memory": ([*STYLIZE, "--memory", "much"], "'much'"),
    "a folder of something else": ([*STYLIZE, "--run", "photos"], "without a run in it"),
    "a run that is stopped": ([*STYLIZE, "--run", "stopped.run"], "an unfinished run"),
    "a run of something else": (
        [*STYLIZE, "--method", "gatys", "--run", "stopped.run", "--resume", "--size", "640"],
        "--size was 48 and is 640",
    ),
    "a run that works": ([*STYLIZE, "--run", "busy.run"], "Another process works"),
    "no texture": (["texture", "none.jpg"], "none.jpg does not exist"),
    "no doodle": (["doodle", "-m", "none.png", "-s", "painting.png", "--style-map", "map.png"],
                  "none.png does not exist"),
    "no run": (["resume", "none.run"], "no folder none.run"),
    "a run that cannot be extended": (["extend", "stopped.run", "--iterations", "3"], "not fini"),
    "a run that lost its photograph": (
        ["resume", "lost.run", "-o", "out.png"], "cannot continue: the content",
    ),
    "memory to resume with": (["resume", "stopped.run", "--memory", "much"], "'much'"),
    "a picture without a recipe": (["info", "photo.png"], "no recipe in photo.png"),
    "no picture": (["info", "none.png"], "none.png does not exist"),
    "nothing to repeat": (["rerun", "photo.png", "-o", "again.png"], "no recipe in photo.png"),
    "a changed photograph": (
        ["rerun", "gatys.png", "-o", "again.png", "--content", "map.png"], "has changed",
    ),
    "a map that there was not": (
        ["rerun", "gatys.png", "-o", "again.png", "--content-map", "map.png"], "and 1 were given",
    ),
    "a picture not repeated": (["rerun", "gatys.png", "-o", "map.png"], "exists already"),
    "few photographs": (["train", "painting.png", "--content", "photos"], "8 at least"),
    "no photographs": (["train", "painting.png", "--content", "none"], "no folder none"),
    "two styles of one name": (["train", "painting.png", "./painting.png", "--content", "many"],
                               "Two styles would be called"),
    "nothing to train": (["train", "none.jpg", "--content", "many"], "none.jpg does not exist"),
    "an odd crop": (["train", "painting.png", "--content", "many", "--crop", "33"], "of 16"),
    "a training's file": (["train", "painting.png", "--content", "many", "-o", "out.png"],
                          ".impasto"),
    "a folder to train in": (["train", "painting.png", "--content", "many", "-o", "x.impasto"],
                             "x.train holds notes"),
    "no style to export": (["export", "stary-night", "--onnx", "x.onnx"], "starry-night"),
    "no ONNX": (["export", "starry-night", "--onnx", "x.onnx", "without:onnx"], "[onnx]"),
    "an export of another name": (["export", "starry-night", "--onnx", "x.png"], "end in .onnx"),
    "no such study": (["study", "colour", "photo.png", "-s", "painting.png"], "no study 'colour'"),
    "nothing to study": (["study", "strength", "none.jpg", "-s", "painting.png"], "none.jpg"),
    "a study's folder": (["study", "strength", "photo.png", "-s", "painting.png", "-o", "many"],
                         "holds no study"),
    "no matplotlib": (
        ["study", "strength", "photo.png", "-s", "painting.png", "without:matplotlib"],
        "[study]",
    ),
    "a card to match": (["stylize", "photo.png", "-s", "starry-night", "--method", "nnst"],
                        "holds only their statistics"),
    "a region's card to match": (
        ["stylize", "photo.png", "-s", "painting.png", "--method", "mrf", "--content-map",
         "map.png", "--region", "#ff0000=starry-night"], "holds only their statistics",
    ),
    "formats of several": (["stylize", "photo.png", "photo.png", "-s", "painting.png", "--format",
                            "jpg"], "--format: for one photograph"),
    "nothing to measure": (["evaluate", "none.png", "-c", "photo.png", "-s", "painting.png"],
                           "none.png does not exist"),
    "no such judge": (["evaluate", "photo.png", "-c", "photo.png", "-s", "map.png", "--backbone",
                       "vgg91"], "vgg19"),
    "no painting for a card": (["style", "make", "none.jpg"], "none.jpg does not exist"),
    "a card that exists": (["style", "make", "painting.png", "-o", "card.style"], "exists already"),
    "no card": (["style", "info", "none.style"], "none.style"),
    "no such backbone": (["weights", "fetch", "vgg91"], "vgg19"),
    "no weights to import": (["weights", "import", "vgg19", "none.pth"], "none.pth does not exist"),
    "nothing to paint in a batch": (["batch", "none", "-s", "painting.png", "-o", "new"], "none"),
    "no style of a batch": (["batch", "photos", "-s", "none.jpg", "-o", "new"], "none.jpg"),
    "a batch's own folder": (["batch", "photos", "-s", "painting.png", "-o", "photos"], "another"),
}
# fmt: on


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str, list[str]]]:
    """Each command's status, its last line, and the heavy modules that are loaded by then."""
    folder = tmp_path_factory.mktemp("refusals")
    shutil.copytree(DATA, folder, dirs_exist_ok=True)
    (folder / "notes.txt").write_text("no picture")
    (folder / "bad.style").write_text("no card")
    for name in ("many", "busy.run", "x.train"):
        (folder / name).mkdir()
    shutil.copytree(DATA / "stopped.run", folder / "lost.run")
    record = json.loads((folder / "lost.run" / "run.json").read_text())
    record["places"]["content"] = [str(folder / "gone.png")]
    (folder / "lost.run" / "run.json").write_text(json.dumps(record))
    (folder / "x.train" / "notes").touch()
    for number in range(8):
        shutil.copy(DATA / "photo.png", folder / "many" / f"{number}.png")
    before = sorted(folder.rglob("*"))
    with FolderLock(folder / "busy.run"):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "IMPASTO_CACHE": str(folder / "cache")},
            input=json.dumps([args for args, _ in REFUSED.values()]),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert sorted(folder.rglob("*")) == before
    return dict(zip(REFUSED, map(tuple, map(json.loads, done.stdout.splitlines())), strict=True))


@pytest.mark.parametrize("what", REFUSED)
def test_it_is_refused_without_pytorch(
    what: str, refusals: dict[str, tuple[int, str, list[str]]]
) -> None:
    status, line, heavy = refusals[what]
    assert status in (1, 2), line
    assert line.startswith("impasto: ")
    assert REFUSED[what][1] in line
    assert heavy == []


@pytest.mark.parametrize(
    "args", [["info", "gatys.png"], ["info", "trained.impasto"], ["styles"], ["layers", "vgg19"]]
)
def test_what_paints_nothing_loads_no_pytorch(args: list[str]) -> None:
    code = (
        "import sys\nfrom impasto.cli.main import main\nassert main(sys.argv[1:]) == 0\n"
        "assert 'torch' not in sys.modules"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code, *args], cwd=DATA, env=env, check=True,
                   capture_output=True)  # fmt: skip
