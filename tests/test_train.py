"""`impasto train`: from pictures to a file of styles, stopped, gone on with, and extended."""

from __future__ import annotations

import json
import os
import shutil
import socket
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from forked import Forked
from PIL import Image
from safetensors.torch import load_file, save_file

from impasto.cli.main import main
from impasto.errors import DivergedError, OptionError, StyleError, WeightsError
from impasto.networks import trained
from impasto.networks.checkpoint import load_instant
from impasto.networks.fast import FastNetwork
from impasto.networks.trained_metadata import read_metadata
from impasto.runtime import generator
from impasto.training.builtin import builtin_pictures
from impasto.training.fast import FastTraining
from impasto.training.loop import Loop
from impasto.training.painting_lesson import PaintingLesson, PaintingOptions, optimisers
from impasto.training.photographs import find_pictures
from impasto.training.pictures import Ahead, Crops, load_bytes
from impasto.training.preflight import name_of
from impasto.training.run_training import TrainingSpec, run_training
from impasto.training.schedule import Patience, Schedule

QUICK = FastTraining(steps=4, batch=1, crop=32, size=64)
WORDS = ["--steps", "4", "--batch", "1", "--crop", "32", "--size", "64"]


def on(line: Mapping[str, Any], loop: Loop) -> bool:  # noqa: ARG001
    return True


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `photos` of ten pictures of waves, and two paintings beside it."""
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "photos").mkdir()
    rows, columns = np.mgrid[0:80, 0:96] / 8
    for i in range(12):
        waves = [np.sin(rows * (i % 5 + c + 1) / 2) * np.cos(columns * (3 - c)) for c in range(3)]
        image = Image.fromarray(np.uint8(127 + 12 * (i + 1) * np.stack(waves, -1) / 1.3))
        image.save(folder / (f"photos/p{i}.png" if i < 10 else f"{'ab'[i - 10]}.png"))
    return folder


def order(pictures: Path, out: Path, *names: str, **more: Any) -> TrainingSpec:
    paintings = [str(pictures / f"{name}.png") for name in names or ("a",)]
    return TrainingSpec(
        paintings, str(pictures / "photos"), out, more.pop("options", QUICK), **more
    )


@pytest.fixture(scope="module")
def file(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One trained style, with all that is left beside it."""
    out = tmp_path_factory.mktemp("trained") / "one.impasto"
    assert run_training(order(pictures, out), on) == out
    return out


# ---- what a training leaves ---------------------------------------------------------------------


def test_a_training_leaves_styles_card_sheet_and_curves(file: Path) -> None:
    names = ["one-curves.png", "one-sheet.jpg", "one.impasto", "one.md"]
    assert sorted(path.name for path in file.parent.iterdir()) == names
    (entry,) = read_metadata(file).entries
    assert (entry.name, entry.steps) == ("a", 4)
    assert (
        f"| a | 4 | {entry.before:.3f} | {entry.loss:.3f} |" in file.with_suffix(".md").read_text()
    )
    with Image.open(file.with_name("one-sheet.jpg")) as sheet:
        assert sheet.width > 2 * 64
    own = trained.load(file).network.own
    assert own.abs().max() > 1e-3


def test_training_moves_all_of_the_network(file: Path) -> None:
    learnt, begun = trained.load(file).network.base, load_instant()
    for name, weight in learnt.named_parameters():
        assert not torch.equal(weight, begun.get_parameter(name).half().float()), name


def test_it_shows_previews_while_it_trains(pictures: Path, tmp_path: Path) -> None:
    seen = []

    def look(line: Mapping[str, Any], loop: Loop) -> bool:
        seen.append({path.name for path in loop.folder.iterdir()})
        assert line["step"] == loop.step
        return True

    run_training(order(pictures, tmp_path / "x.impasto", "a", "b"), look)
    assert {"preview.jpg", "curves.png", "state.safetensors", "train.jsonl"} <= seen[-1]
    assert not (tmp_path / "x.train").exists()


# ---- stopped and gone on with -------------------------------------------------------------------


def test_a_stopped_training_ends_as_if_it_had_not_been(
    pictures: Path, file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "cut.impasto"
    assert run_training(order(pictures, out), lambda line, _: line["step"] < 2) is None
    assert not out.exists()
    with pytest.raises(OptionError, match="resume=True continues it"):
        run_training(order(pictures, out), on)
    other = replace(QUICK, batch=2)
    with pytest.raises(OptionError, match="batch 1 there and 2 now"):
        run_training(order(pictures, out, options=other, resume=True), on)
    assert run_training(order(pictures, out, resume=True), on) == out
    one, whole = load_file(out), load_file(file)
    assert all(torch.equal(one[key], whole[key]) for key in whole)
    assert read_metadata(out) == read_metadata(file)


def test_what_is_there_is_never_lost(pictures: Path, tmp_path: Path) -> None:
    out, card = tmp_path / "notes.impasto", tmp_path / "notes.md"
    card.write_text("mine")
    with pytest.raises(StyleError, match=r"notes\.md exists already"):
        run_training(order(pictures, out), on)
    assert card.read_text() == "mine"
    card.unlink()
    folder = tmp_path / "notes.train"
    folder.mkdir()
    shutil.copy(pictures / "a.png", folder)
    for force in (False, True):
        with pytest.raises(OptionError, match=r"notes\.train holds a\.png"):
            run_training(order(pictures, out, force=force), on)
    assert (folder / "a.png").exists()


def test_a_mistake_loses_no_stopped_training(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "kept.impasto"
    run_training(order(pictures, out), lambda line, _: line["step"] < 2)
    with pytest.raises(OptionError, match="There is no folder"):
        run_training(replace(order(pictures, out, force=True), content="nowhere"), on)
    assert (tmp_path / "kept.train" / "state.safetensors").exists()


def test_a_training_that_diverges_keeps_its_last_good_state(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, real = tmp_path / "bad.impasto", PaintingLesson.measure
    lines: list[Mapping[str, Any]] = []

    def measure(self: PaintingLesson, network: torch.nn.Module) -> dict[str, float]:
        return {**real(self, network), **({"loss": float("nan")} if len(lines) > 1 else {})}

    monkeypatch.setattr(PaintingLesson, "measure", measure)

    def see(line: Mapping[str, Any], loop: Loop) -> bool:  # noqa: ARG001
        lines.append(line)
        return True

    with pytest.raises(DivergedError, match="last good state"):
        run_training(order(pictures, out), see)
    assert trained_state(tmp_path / "bad.train" / "state.safetensors")["step"] == "2"
    assert not out.exists()


def test_force_starts_over(pictures: Path, file: Path, tmp_path: Path) -> None:
    out = tmp_path / "new.impasto"
    assert run_training(order(pictures, out), lambda line, _: line["step"] < 2) is None
    run_training(order(pictures, out, force=True), on)
    assert torch.equal(load_file(out)["own"], load_file(file)["own"])


def test_a_state_of_another_version_is_told(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "old.impasto"
    run_training(order(pictures, out), lambda line, _: line["step"] < 2)
    state = tmp_path / "old.train" / "state.safetensors"
    with_about = trained_state(state)
    save_file({"something": torch.zeros(2)}, state, with_about)
    with pytest.raises(WeightsError, match="another version of this training"):
        run_training(order(pictures, out, resume=True), on)


def trained_state(path: Path) -> dict[str, str]:
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        return dict(file.metadata())


@pytest.mark.slow
def test_a_kill_loses_no_more_than_since_the_last_state(
    pictures: Path, file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "killed.impasto"
    words = ["train", pictures / "a.png", "--content", pictures / "photos", "-o", out, *WORDS]
    running = Forked(COMMAND, *map(str, words), env=dict(os.environ))
    state = tmp_path / "killed.train" / "state.safetensors"
    patience = time.monotonic() + 600
    while not state.exists() and running.poll() is None and time.monotonic() < patience:
        time.sleep(0.005)
    running.kill()
    running.communicate()
    if not out.exists():  # or it was quicker than the kill
        assert paint(*words, "--resume") == 0
    assert [e.name for e in read_metadata(out).entries] == ["a"]
    assert load_file(out).keys() == load_file(file).keys()


def test_two_trainings_of_one_file_are_kept_apart(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "twice.impasto"
    refused = []

    def begin_another(line: Mapping[str, Any], loop: Loop) -> bool:  # noqa: ARG001
        with pytest.raises(OptionError, match="Another training works in"):
            run_training(order(pictures, out, force=True), on)
        refused.append(loop.log.exists())
        return True

    run_training(order(pictures, out), begin_another)
    assert refused
    assert all(refused)
    assert out.exists()
    assert not (tmp_path / "twice.train").exists()


def test_what_is_wrong_leaves_no_folder(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="would be called 'a'"):
        run_training(order(pictures, tmp_path / "wrong.impasto", "a", "a"), on)
    assert list(tmp_path.iterdir()) == []


# ---- a further style ----------------------------------------------------------------------------


def test_a_further_style_leaves_the_others_as_they_are(
    pictures: Path, file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "more.impasto"
    shutil.copy(file, out)
    with pytest.raises(OptionError, match="would be called 'a'"):
        run_training(order(pictures, out, "a", extends=out), on)
    run_training(order(pictures, out, "b", extends=out, options=replace(QUICK, size=999)), on)
    assert read_metadata(out).size == read_metadata(file).size  # of the file, whatever is said
    before, after = load_file(file), load_file(out)
    assert [e.name for e in read_metadata(out).entries] == ["a", "b"]
    for key, tensor in before.items():
        if key.startswith("styles."):  # a matrix's root, taken of its square
            torch.testing.assert_close(tensor, after[key], atol=2e-3, rtol=1e-2)
        else:
            assert torch.equal(tensor, after[key][:1] if key == "own" else after[key]), key
    assert after["own"][1].abs().max() > 1e-3


# ---- the loop -----------------------------------------------------------------------------------


def test_a_schedule_ends_early_without_a_jump() -> None:
    whole = Schedule(1000, cool_down=0.5, warm_up=10)
    short = whole.ending(600, 100)
    assert short.steps == 700
    assert short.rate(600) == pytest.approx(whole.rate(600))
    rates = [short.rate(step) for step in range(600, 700)]
    assert rates == sorted(rates, reverse=True)
    assert 0 < rates[-1] < 0.02
    assert whole.ending(990, 100).steps == 1000


def test_a_training_that_ends_early_says_why_its_steps_are_fewer(
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(Patience, "is_over", lambda _, values: len(values) > 1)
    words = ["train", pictures / "a.png", "--content", pictures / "photos", *WORDS[2:]]
    assert main([*map(str, words), "--steps", "10", "-o", str(tmp_path / "early.impasto")]) == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if "step" in line]
    counts = [line.split(":")[0] for line in lines]
    (note,) = (i for i, line in enumerate(lines) if line.startswith("nothing more is learnt"))
    totals = [count.split(" of ")[-1] for count in counts if " of " in count]
    end = totals[-1]
    assert lines[note] == f"nothing more is learnt: it ends after {end} steps instead of 10"
    assert int(end) < 10
    assert totals == ["10"] * note + [end] * (len(totals) - note)


def test_patience_ends_when_nothing_more_is_learnt() -> None:
    patience = Patience(times=2, gain=0.01)
    assert not patience.is_over([1.0, 0.9, 0.8])
    assert not patience.is_over([1.0, 0.9])
    assert patience.is_over([1.0, 0.5, 0.4999, 0.51])
    assert not Patience(times=0).is_over([1.0] * 9)


def test_a_training_that_learns_nothing_ends_early(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PaintingLesson, "measure", lambda *_: {"loss": 0.5})
    options = replace(QUICK, steps=40)
    run_training(order(pictures, tmp_path / "flat.impasto", options=options), on)
    (entry,) = read_metadata(tmp_path / "flat.impasto").entries
    assert 20 <= entry.steps < 30


def test_batches_are_made_ahead_and_gone_on_with(pictures: Path) -> None:
    paths = find_pictures(pictures / "photos")
    plain = iter(Crops(paths, 32, 2, generator(7)))
    expected = [next(plain) for _ in range(4)]
    ahead = Ahead(Crops(paths, 32, 2, generator(7)))
    assert torch.equal(next(ahead), expected[0])
    state = ahead.get_state()
    assert torch.equal(next(ahead), expected[1])
    other = Ahead(Crops(paths, 32, 2, generator(1)))
    other.set_state(state)
    for batch in expected[1:]:
        assert torch.equal(next(other), batch)


def test_large_photographs_are_kept_small(tmp_path: Path) -> None:
    Image.new("RGB", (1600, 1200), (200, 10, 10)).save(tmp_path / "large.jpg")
    kept = load_bytes(tmp_path / "large.jpg", 300)
    assert kept.shape == (3, 300, 400)
    assert (kept[0].float().mean() - 200).abs() < 3
    assert load_bytes(tmp_path / "large.jpg").shape == (3, 1200, 1600)


def test_only_what_is_taught_has_an_optimiser() -> None:
    network = FastNetwork(load_instant(), 2)
    network.base.requires_grad_(False)
    ((optimiser, rate),) = optimisers(network, PaintingOptions())
    assert rate == PaintingOptions.own_lr
    assert [p.shape for group in optimiser.param_groups for p in group["params"]] == [
        network.own.shape
    ]


COMMAND = "import sys; from impasto.cli.main import main; sys.exit(main(sys.argv[1:]))"

SCRIPT = """
import sys, torch
from torch import distributed
from impasto.training import parallel
with parallel.together():
    weight = torch.nn.Parameter(torch.zeros(3))
    weight.grad = torch.full((3,), 1.0 + 2 * parallel.rank())
    unused = torch.nn.Parameter(torch.zeros(2))
    parallel.average([weight, unused])
    assert weight.grad.tolist() == [2.0, 2.0, 2.0], weight.grad
    assert parallel.gathered(parallel.rank()) == [0, 1]
    assert parallel.is_first() == (parallel.rank() == 0)
"""


@pytest.mark.slow
def test_several_processes_train_one_network(pictures: Path, tmp_path: Path) -> None:
    """Two, with the variables that `torchrun` gives to those that it starts."""
    out = tmp_path / "two.impasto"
    words = ["train", pictures / "a.png", "--content", pictures / "photos", "-o", out, *WORDS]
    for code in (SCRIPT, COMMAND):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2"}
        started = [
            Forked(
                code,
                *map(str, words),
                env={**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            )
            for rank in range(2)
        ]
        for process in started:
            _, said = process.communicate()
            assert process.returncode == 0, said
    (entry,) = read_metadata(out).entries
    assert entry.steps == 4


# ---- the command --------------------------------------------------------------------------------


def paint(*words: object) -> int:
    return main([str(word) for word in words])


def test_the_command_trains_and_says_how(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "c.impasto"
    words = ("train", pictures / "a.png", "--content", pictures / "photos", "-o", out, *WORDS)
    assert paint(*words, "--json") == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["styles"][0]["name"] == "a"
    assert "step 4 of 4: content" in said.err
    assert paint(*words) == 1
    assert "exists already" in capsys.readouterr().err
    assert paint("train", pictures / "b.png", "--extend", out, *WORDS, "--quiet") == 0
    assert capsys.readouterr().out.strip() == str(out)
    assert len(read_metadata(out).entries) == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "some hundreds"),
        (("--content", "{p}/none"), "There is no folder"),
        (("--content", "{t}"), "no pictures in"),
        (("--content", "{t}/few"), "There are 1 photographs to learn from, and 8"),
        (("--content", "{t}/bad", "--crop", "32"), "p3.png"),
        (("--content", "{p}/photos", "-o", "x.pt"), "should end in .impasto"),
        (("--content", "{p}/photos", "--crop", "40"), "multiple of 16"),
        (("--extend", "{p}/a.png"), "not a safetensors file"),
        (("--content", "{p}/photos", "--crop", "160"), "has 192 pixels"),
        (("--extend", "{f}", "--size", "96"), "trained at 64"),
    ],
)
def test_what_cannot_be_trained_is_told(
    pictures: Path,
    file: Path,
    tmp_path: Path,
    words: tuple[str, ...],
    told: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(pictures / "photos", "bad")
    Path("bad/p3.png").write_bytes(b"no picture")
    Path("few").mkdir()
    shutil.copy(pictures / "a.png", "few")
    given = [word.format(p=pictures, t=tmp_path, f=file) for word in words]
    assert paint("train", pictures / "a.png", *given) in (1, 2)
    assert told in capsys.readouterr().err
    assert not list(tmp_path.glob("*.impasto"))


def test_names_are_what_can_be_typed() -> None:
    assert name_of("x/My painting (2).jpg") == "My-painting-2"
    assert name_of("starry-night") == "starry-night"
    with pytest.raises(OptionError, match="rename the file"):
        name_of("x/¡!.jpg")


def test_scikit_images_pictures_are_there() -> None:
    found = builtin_pictures()
    assert len(found) >= 12
    assert all(load_bytes(path).shape[0] == 3 for path in found[:3])
