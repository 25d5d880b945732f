"""From pictures to the embedded network and the cards: crops, errors, runs, embedding, gallery."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

from impasto.errors import OptionError, PictureError, WeightsError
from impasto.features.backbones import COMPACT_LIFTS
from impasto.features.extractor import Extractor
from impasto.features.plan import vgg
from impasto.runtime import generator
from impasto.training import loop as loops
from impasto.training.average import Average
from impasto.training.loop import Loop
from impasto.training.measuring import held_out_errors, square
from impasto.training.photographs import find_pictures
from impasto.training.pictures import Crops, load_bytes
from impasto.training.schedule import Schedule
from tools.distil import Distillation, DistillationLesson, loop_of
from tools.embed import publish
from tools.gallery import GALLERY, Work, find, painting_of
from tools.gallery import main as make_gallery
from tools.student import Student
from tools.teacher import load_teacher

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


def start(folder: Path, teacher: Extractor, out: Path, config: Distillation = TINY) -> Loop:
    out.mkdir(exist_ok=True)
    pictures = find_pictures(folder)
    lesson = DistillationLesson(config, teacher, pictures, [square(p, 32) for p in pictures])
    return loop_of(lesson, out, log_every=2)


def student_of(loop: Loop) -> Extractor:
    network = loop.lesson.network
    assert isinstance(network, Student)
    return network.net


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


def turned(path: Path) -> np.ndarray:
    """Write a picture that lies on its side and says so; what a viewer shows of it."""
    pixels = np.random.default_rng(0).integers(0, 256, (30, 50, 3), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(path, exif=exif)
    return pixels[::-1].transpose(1, 0, 2)


def test_pictures_stand_upright(tmp_path: Path) -> None:
    expected = turned(tmp_path / "a.png")
    assert np.array_equal(load_bytes(tmp_path / "a.png").permute(1, 2, 0), expected)


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
    before = held_out_errors(student_of(run), compact, held_out)
    for _ in range(30):
        run.advance()
    after = held_out_errors(student_of(run), compact, held_out)
    assert all(after[name] < 0.9 * before[name] for name in before), (before, after)
    assert after["relu4_1"] < 0.3 * before["relu4_1"]


def test_a_state_is_written_between_measurements_when_steps_are_long(
    folder: Path, compact: Extractor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loops, "_SHARE", 1.0)
    run = start(folder, compact, tmp_path, Distillation(steps=3, batch=2, crop=32))
    run.log_every, run.save_seconds = 1000, 0.0
    saved: list[int] = []
    monkeypatch.setattr(run, "save", lambda: saved.append(run.step))
    run.run()
    assert saved == [1, 2, 3]
    # A state without numbers does not take the place of a good one.
    run.schedule = Schedule(6)
    real = run.advance

    def poisoned() -> Mapping[str, Tensor]:
        figures = real()
        with torch.no_grad():
            next(run.lesson.network.parameters()).fill_(float("nan"))
        return figures

    monkeypatch.setattr(run, "advance", poisoned)
    monkeypatch.setattr(run, "_consider", lambda _: None)
    run.run()
    assert saved == [1, 2, 3, 6]


def test_a_continued_run_is_the_uninterrupted_one(
    folder: Path, compact: Extractor, tmp_path: Path
) -> None:
    whole = start(folder, compact, tmp_path / "whole")
    for _ in range(6):
        whole.advance()

    first = start(folder, compact, tmp_path / "cut")
    for _ in range(3):
        first.advance()
    first.save()
    again = start(folder, compact, tmp_path / "cut")
    again.restore()
    assert again.step == 3
    for _ in range(3):
        again.advance()

    pairs = [
        (whole.lesson.network, again.lesson.network),
        (whole.average.network, again.average.network),
    ]
    for one, other in pairs:
        expected, found = one.state_dict(), other.state_dict()
        assert all(torch.equal(expected[key], found[key]) for key in expected)
    assert [p.name for p in (tmp_path / "cut").iterdir()] == ["state.safetensors"]


def test_a_run_writes_its_log_and_its_state(
    folder: Path, compact: Extractor, tmp_path: Path
) -> None:
    run = start(folder, compact, tmp_path / "run", Distillation(steps=4, batch=2, crop=32))
    run.run()
    lines = [json.loads(line) for line in (tmp_path / "run/train.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4]
    assert set(lines[0]["train"]) == set(COMPACT_LIFTS)
    assert "held_out" not in lines[0]
    assert set(lines[1]["held_out"]) == set(COMPACT_LIFTS)
    assert (tmp_path / "run/state.safetensors").is_file()


def log_of(run: Loop) -> list[dict[str, object]]:
    return [json.loads(line) for line in (run.folder / "train.jsonl").read_text().splitlines()]


def test_the_last_step_is_logged_and_kept_whatever_its_number(
    folder: Path, compact: Extractor, tmp_path: Path
) -> None:
    config = Distillation(steps=3, batch=2, crop=32)
    run = start(folder, compact, tmp_path / "run", config)
    run.run()
    assert [line["step"] for line in log_of(run)] == [2, 3]
    assert "held_out" in log_of(run)[1]

    again = start(folder, compact, tmp_path / "again", config)
    third = [again.advance() for _ in range(3)][2]
    expected = {name: pytest.approx(float(error), abs=1e-5) for name, error in third.items()}
    assert log_of(run)[1]["train"] == expected  # of its one step

    kept = start(folder, compact, tmp_path / "run", config)
    kept.restore()
    assert kept.step == 3


def test_a_finished_run_is_trained_longer(folder: Path, compact: Extractor, tmp_path: Path) -> None:
    for steps in (1, 3):
        run = start(folder, compact, tmp_path, Distillation(steps=steps, batch=2, crop=32))
        if steps == 3:
            run.restore()
        run.run()
    assert [line["step"] for line in log_of(run)] == [1, 2, 3]


def test_a_run_is_not_continued_with_other_options(
    folder: Path, compact: Extractor, tmp_path: Path
) -> None:
    start(folder, compact, tmp_path, Distillation(steps=2, batch=2, crop=32)).save()
    other = start(folder, compact, tmp_path, Distillation(steps=9, batch=4, crop=32, seed=5))
    with pytest.raises(OptionError, match=r"options: batch 2 .* 4 now, seed 0 .* 5 now\. Give"):
        other.restore()


def test_a_continued_run_takes_back_what_its_log_says_of_later_steps(
    folder: Path, compact: Extractor, tmp_path: Path
) -> None:
    run = start(folder, compact, tmp_path)
    run.advance()
    run.save()
    (tmp_path / "train.jsonl").write_text('{"step": 1}\n{"step": 2}\n{"step": 3, "sec')
    start(folder, compact, tmp_path).restore()
    assert log_of(run) == [{"step": 1}]


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on a file's size there")
def test_a_state_that_cannot_be_written_leaves_the_one_before(
    folder: Path, compact: Extractor, tmp_path: Path
) -> None:
    import resource

    run = start(folder, compact, tmp_path)
    run.save()
    before = (tmp_path / "state.safetensors").read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2048, hard))
    try:
        with pytest.raises(WeightsError, match="no space left"):
            run.save()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [p.name for p in tmp_path.iterdir()] == ["state.safetensors"]
    assert (tmp_path / "state.safetensors").read_bytes() == before


def test_a_damaged_state_is_told(folder: Path, compact: Extractor, tmp_path: Path) -> None:
    (tmp_path / "state.safetensors").write_bytes(b"damaged")
    with pytest.raises(WeightsError, match=r"state\.safetensors cannot be read.*train again"):
        start(folder, compact, tmp_path).restore()


def test_the_learning_rate_rises_stays_and_falls_to_nothing() -> None:
    schedule = Schedule(steps=1000, cool_down=0.4)
    rates = [schedule.rate(step) for step in range(1001)]
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
    for key, value in average.network.state_dict().items():
        torch.testing.assert_close(value, expected[key])


# ---- embedding ----------------------------------------------------------------------------------


@pytest.fixture
def teacher_file(tmp_path: Path) -> Path:
    """A compressed teacher with random weights, under the names it is published with."""
    plan = vgg((16, 16), (32, 32), (64,) * 4, (128,) * 4, (128,))
    net = Extractor(plan, (0.0,) * 3, (1.0,) * 3, "reflect", COMPACT_LIFTS)
    tensors = {"conv0.weight": torch.eye(3).view(3, 3, 1, 1), "conv0.bias": torch.zeros(3)}
    for key, value in net.state_dict().items():
        part, layer, kind = key.split(".")
        stage, number = layer[4], layer[6]
        tensors[f"conv{stage}{number}{'_aux' * (part == 'lifts')}.{kind}"] = value
    save_file(tensors, tmp_path / "teacher.safetensors")
    return tmp_path / "teacher.safetensors"


def test_a_finished_run_is_embedded_with_its_figures(
    folder: Path, compact: Extractor, teacher_file: Path, tmp_path: Path
) -> None:
    run = start(folder, compact, tmp_path / "run", Distillation(steps=1, batch=2, crop=32))
    held_out = [square(p) for p in find_pictures(folder)][:1]
    run.run()
    target = tmp_path / "compact.safetensors"
    publish(run.folder, str(teacher_file), folder, target)

    shipped = load_file(target)
    assert {value.dtype for value in shipped.values()} == {torch.float16}
    averaged = run.average.network
    assert isinstance(averaged, Student)
    assert shipped.keys() == averaged.net.state_dict().keys()
    figures = json.loads((run.folder / "figures.json").read_text())
    assert figures["bytes"] == target.stat().st_size
    assert figures["photographs"] == 1
    halves = averaged.net
    halves.load_state_dict({key: value.float() for key, value in shipped.items()})
    measured = held_out_errors(halves, load_teacher(str(teacher_file)), held_out)
    assert figures["held_out"] == pytest.approx(measured, rel=1e-3)
    with Image.open(run.folder / "training.png") as curves:
        assert curves.width > 400
    assert {p.suffix for p in run.folder.iterdir()} == {".safetensors", ".json", ".jsonl", ".png"}


@pytest.mark.parametrize("missing", ["teacher", "photographs"])
def test_nothing_is_embedded_that_cannot_be_measured(
    missing: str, folder: Path, compact: Extractor, teacher_file: Path, tmp_path: Path
) -> None:
    start(folder, compact, tmp_path / "run").save()
    target = tmp_path / "compact.safetensors"
    target.write_bytes(b"the ones before")
    teacher = tmp_path / "gone.safetensors" if missing == "teacher" else teacher_file
    photos = tmp_path if missing == "photographs" else folder
    with pytest.raises((WeightsError, PictureError)):
        publish(tmp_path / "run", str(teacher), photos, target)
    assert target.read_bytes() == b"the ones before"


# ---- gallery ------------------------------------------------------------------------------------


def test_a_painting_is_upright_and_alone(tmp_path: Path) -> None:
    expected = turned(tmp_path / "a.png")
    work = Work("a.png", "", "", "", (0.1, 0.0, 0.9, 0.5))
    painting = painting_of(work, find(work, [tmp_path / "none", tmp_path]))
    assert np.array_equal(np.asarray(painting), expected[:25, 3:27])


def test_a_missing_painting_is_told_before_any_card_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("impasto.styles.gallery.FOLDER", tmp_path / "cards")
    first, second = list(GALLERY)[:2]
    turned(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / GALLERY[first].file)
    monkeypatch.setattr(
        sys, "argv", ["gallery", "--pictures", str(tmp_path), "--only", first, second]
    )
    with pytest.raises(SystemExit) as ended:
        make_gallery()
    assert f"{GALLERY[second].file} ({GALLERY[second].title}) is not in" in str(ended.value)
    assert not (tmp_path / "cards").exists()
