"""The distillation: crops, errors, a falling loss, and a run that is continued bit for bit."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from impasto.errors import PictureError
from impasto.features.backbones import COMPACT_LIFTS
from impasto.features.extractor import Extractor
from impasto.runtime import generator
from impasto.training.distil import Average, Distillation, Run, train
from impasto.training.measuring import held_out_errors, square
from impasto.training.pictures import Crops, find_pictures

TINY = Distillation(steps=400, batch=2, crop=32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four small pictures of coloured waves, and a file that is none."""
    folder = tmp_path_factory.mktemp("pictures")
    rows, columns = np.mgrid[0:48, 0:64] / 8
    for i in range(4):
        waves = [np.sin(rows * (i + c + 1) / 2) * np.cos(columns * (3 - c)) for c in range(3)]
        pixels = np.uint8(127 + 120 * np.stack(waves, -1))
        Image.fromarray(pixels).save(folder / f"{i}.png")
    (folder / "notes.txt").write_text("no picture")
    return folder


def crops_of(folder: Path, seed: int | torch.Generator, size: int = 32) -> Iterator[Tensor]:
    drawn = generator(seed) if isinstance(seed, int) else seed
    return iter(Crops(find_pictures(folder), size, 2, drawn))


def start(folder: Path, teacher: Extractor, out: Path, config: Distillation = TINY) -> Run:
    out.mkdir(exist_ok=True)
    return Run(config, teacher, [square(p, 32) for p in find_pictures(folder)], out)


# ---- pictures -----------------------------------------------------------------------------------


def test_pictures_are_found_in_order(folder: Path) -> None:
    assert [p.name for p in find_pictures(folder, folder)] == [f"{i}.png" for i in range(4)] * 2


def test_a_folder_without_pictures_is_told(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=r"no pictures in .*Give a folder with photographs"):
        find_pictures(tmp_path)


def test_crops_follow_from_their_seed(folder: Path) -> None:
    first, again, other = (list(itertools.islice(crops_of(folder, s), 5)) for s in (7, 7, 8))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("size", [16, 48, 80])
def test_crops_are_pictures_of_the_size_asked_for(folder: Path, size: int) -> None:
    for crops in itertools.islice(crops_of(folder, 0, size), 20):
        assert crops.shape == (2, 3, size, size)
        assert 0 <= crops.min() <= crops.max() <= 1


def test_the_middle_of_a_picture_is_measured(folder: Path) -> None:
    pixels = np.asarray(Image.open(folder / "1.png"))
    middle = square(folder / "1.png", 20)
    assert np.array_equal((middle[0] * 255).round().byte().permute(1, 2, 0), pixels[14:34, 22:42])
    assert square(folder / "1.png", 1000).shape == (1, 3, 48, 48)


# ---- errors -------------------------------------------------------------------------------------


def test_a_teacher_makes_no_error_and_nothing_a_whole_one(folder: Path, compact: Extractor) -> None:
    held_out = [square(p, 32) for p in find_pictures(folder)]
    itself = held_out_errors(compact, compact, held_out)
    assert set(itself) == set(COMPACT_LIFTS)
    assert all(error < 1e-6 for error in itself.values())
    nothing = Extractor(compact.plan, (0.0,) * 3, (1.0,) * 3, "reflect", COMPACT_LIFTS)
    for weight in nothing.parameters():
        weight.data.zero_()
    assert all(error >= 1 for error in held_out_errors(nothing, compact, held_out).values())


# ---- runs ---------------------------------------------------------------------------------------


def test_the_error_falls(folder: Path, compact: Extractor, tmp_path: Path) -> None:
    # The warm-up lasts 200 steps; greater rates than a real run's make up for having 30.
    config = Distillation(steps=400, batch=2, crop=32, muon_lr=0.2, adam_lr=0.02)
    run = start(folder, compact, tmp_path / "run", config)
    held_out = [square(p, 32) for p in find_pictures(folder)]
    before = held_out_errors(run.student.net, compact, held_out)
    crops = crops_of(folder, run.generator)
    for _ in range(30):
        run.advance(next(crops))
    after = held_out_errors(run.student.net, compact, held_out)
    assert all(after[name] < 0.9 * before[name] for name in before), (before, after)
    assert after["relu4_1"] < 0.3 * before["relu4_1"]


def test_a_continued_run_is_the_uninterrupted_one(
    folder: Path, compact: Extractor, tmp_path: Path
) -> None:
    whole = start(folder, compact, tmp_path / "whole")
    crops = crops_of(folder, whole.generator)
    for _ in range(6):
        whole.advance(next(crops))

    first = start(folder, compact, tmp_path / "cut")
    crops = crops_of(folder, first.generator)
    for _ in range(3):
        first.advance(next(crops))
    first.save()
    again = start(folder, compact, tmp_path / "cut")
    again.restore()
    assert again.step == 3
    crops = crops_of(folder, again.generator)
    for _ in range(3):
        again.advance(next(crops))

    for part in ("student", "teacher"):
        expected, found = getattr(whole, part).state_dict(), getattr(again, part).state_dict()
        assert all(torch.equal(expected[key], found[key]) for key in expected)
    expected, found = whole.average.net.state_dict(), again.average.net.state_dict()
    assert all(torch.equal(expected[key], found[key]) for key in expected)
    assert [p.name for p in (tmp_path / "cut").iterdir()] == ["state.safetensors"]


def test_a_run_writes_its_log_and_its_state(
    folder: Path, compact: Extractor, tmp_path: Path
) -> None:
    run = start(folder, compact, tmp_path / "run", Distillation(steps=4, batch=2, crop=32))
    held_out = [square(p, 32) for p in find_pictures(folder)][:1]
    train(run, crops_of(folder, run.generator), held_out, log_every=2)
    lines = [json.loads(line) for line in (tmp_path / "run/train.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4]
    assert set(lines[0]["train"]) == set(COMPACT_LIFTS)
    assert "held_out" not in lines[0]
    assert set(lines[1]["held_out"]) == set(COMPACT_LIFTS)
    assert (tmp_path / "run/state.safetensors").is_file()


def test_the_learning_rate_rises_stays_and_falls_to_nothing() -> None:
    config = Distillation(steps=1000, cool_down=0.4)
    rates = [config.rate(step) for step in range(1001)]
    assert rates[0] == pytest.approx(1 / 200)
    assert all(rate == 1 for rate in rates[199:600])
    assert rates[800] == pytest.approx(0.5)
    assert rates[1000] == 0


def test_the_average_follows_the_weights(compact: Extractor) -> None:
    average = Average(compact, decay=0.5)
    moved = Extractor(compact.plan, (0.0,) * 3, (1.0,) * 3, "reflect", COMPACT_LIFTS)
    moved.load_state_dict({key: value + 1 for key, value in compact.state_dict().items()})
    average.update(moved, 1000)
    expected = {key: value + 0.5 for key, value in compact.state_dict().items()}
    for key, value in average.net.state_dict().items():
        torch.testing.assert_close(value, expected[key])
