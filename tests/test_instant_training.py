"""How the network that paints at once is taught: styles, judgement, movement, and the one loop."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from impasto.features import weights
from impasto.losses.gaussians import gaussian_each
from impasto.losses.moments import moments
from impasto.networks.checkpoint import load_instant
from impasto.networks.decoder import LEVELS
from impasto.networks.instant import STYLE_LAYERS, InstantNetwork, summary
from impasto.runtime import generator
from impasto.training import loop as training_loop
from impasto.training import painting_lesson, painting_loss
from impasto.training.loop import Loop
from impasto.training.painting_lesson import PaintingLesson
from impasto.training.photographs import find_pictures
from impasto.training.pictures import load_bytes
from impasto.training.shifts import Shift, shifted
from impasto.training.styles import StylePool
from tools import instant as training
from tools import pack as packing
from tools.instant import InstantTraining, main

TINY = InstantTraining(steps=400, batch=2, crop=32, views=5, steady=0.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four pictures of coloured waves, as large as a crop."""
    folder = tmp_path_factory.mktemp("pictures")
    rows, columns = np.mgrid[0:80, 0:96] / 8
    for i in range(4):
        waves = [np.sin(rows * (i + c + 1) / 2) * np.cos(columns * (3 - c)) for c in range(3)]
        Image.fromarray(np.uint8(127 + 120 * np.stack(waves, -1))).save(folder / f"{i}.png")
    return folder


def start(folder: Path, out: Path, options: InstantTraining = TINY) -> Loop:
    out.mkdir(exist_ok=True)
    pictures = find_pictures(folder)
    lesson = training.lesson_of(options, pictures, pictures, pictures[:2], pictures[:1])
    loop = training.loop_of(lesson, out)
    loop.log_every = 2
    return loop


def lesson_of(loop: Loop) -> PaintingLesson:
    assert isinstance(loop.lesson, PaintingLesson)
    return loop.lesson


# ---- styles -------------------------------------------------------------------------------------


def test_a_view_is_a_style_as_the_losses_have_it(folder: Path) -> None:
    net, paths = weights.load("compact"), find_pictures(folder)
    pool = StylePool.of(paths, 4, net, generator(0), disturbed=False)
    assert len(pool) == 4
    pixels = load_bytes(paths[2])[None] / 255
    found = {name: moments(f) for name, f in net(pixels, STYLE_LAYERS).items()}
    one = pool.pick(torch.tensor([2]))
    torch.testing.assert_close(one.summaries, summary(found))
    for name in STYLE_LAYERS:  # at no distance from itself, and at some from another
        itself = gaussian_each(found[name], one.targets[name])
        other = gaussian_each(found[name], pool.pick(torch.tensor([0])).targets[name])
        assert itself < 0.02
        assert other > 2 * itself
    assert set(one.goals) == set(LEVELS)


def test_views_follow_from_their_seed(folder: Path) -> None:
    net, paths = weights.load("compact"), find_pictures(folder)
    first, again, other = (StylePool.of(paths, 3, net, generator(s)) for s in (1, 1, 2))
    assert torch.equal(first.summaries, again.summaries)
    assert not torch.equal(first.summaries, other.summaries)


# ---- movement -----------------------------------------------------------------------------------


def still(height: int, width: int) -> Tensor:
    return torch.nn.functional.affine_grid(
        torch.eye(2, 3)[None], [1, 3, height, width], align_corners=False
    )


def test_a_picture_is_moved_by_whole_pixels() -> None:
    picture = torch.rand(2, 3, 20, 30, generator=generator(0))
    torch.testing.assert_close(shifted(picture, Shift(still(20, 30))), picture)
    by = torch.tensor([2 * 3 / 30, 2 * -2 / 20])
    moved = shifted(picture, Shift(still(20, 30) + by))
    torch.testing.assert_close(moved[..., 2:, :-3], picture[..., :-2, 3:], atol=1e-5, rtol=0)


def test_drawn_movements_are_small_smooth_and_not_all_the_same() -> None:
    for seed in range(5):
        shift = Shift.random((64, 96), generator(seed)).grid
        off = (shift - still(64, 96)) * torch.tensor([96, 64]) / 2
        assert 0.5 < off.abs().max() < 40
        assert off.diff(dim=1).abs().max() < 3
        assert off.std((1, 2)).max() > 0.1


# ---- judgement ----------------------------------------------------------------------------------


def test_a_copy_of_the_photograph_has_its_content_and_none_of_the_style(
    folder: Path, tmp_path: Path
) -> None:
    lesson = lesson_of(start(folder, tmp_path))
    photos = next(lesson.crops)
    styles = lesson.styles.pick(torch.tensor([0, 3]))
    # Borders are seen with what lies beyond them in the photograph, and without it in the picture.
    loss = lesson.painting_loss
    judged = loss.parts(photos, loss.features(photos), styles)
    torch.testing.assert_close(judged.style, torch.ones(2), atol=0.3, rtol=0)
    worse = loss.parts(photos.flip(2), loss.features(photos), styles)
    assert (judged.content < worse.content).all()


def test_strength_says_what_counts(folder: Path, tmp_path: Path) -> None:
    lesson = lesson_of(start(folder, tmp_path))
    photos = next(lesson.crops)
    styles = lesson.styles.pick(torch.tensor([0, 3]))
    loss = lesson.painting_loss
    judged = loss.parts(photos, loss.features(photos), styles)
    weak, strong = (judged.total(torch.full((2,), s)) for s in (0.1, 0.9))
    assert (strong > weak).all()  # a copy of the photograph is what a weak style wants


def test_half_precision_leaves_the_transport_as_it_is(folder: Path, tmp_path: Path) -> None:
    lesson = lesson_of(start(folder, tmp_path))
    photos = lesson.painting_loss.features(next(lesson.crops))
    styles, strength = lesson.styles.pick(torch.tensor([0, 3])), torch.tensor([0.3, 0.5])
    seen: list[dict[str, Tensor]] = []

    class Probe(InstantNetwork):
        def forward(self, features: Mapping[str, Tensor], steering: Tensor) -> Tensor:
            seen.append({**features, "steering": steering})
            return features["relu1_1"][:, :3]

    lesson.paint(Probe(), photos, styles, strength)
    with torch.autocast("cpu", torch.bfloat16):
        lesson.paint(Probe(), photos, styles, strength)
    for name, expected in seen[0].items():
        if name != "steering":
            torch.testing.assert_close(seen[1][name], expected)
    assert seen[1]["steering"].dtype == torch.float32


def test_a_training_can_begin_with_weights(folder: Path, tmp_path: Path) -> None:
    pictures = find_pictures(folder)
    begun = load_instant()
    lesson = training.lesson_of(TINY, pictures, pictures, pictures[:2], pictures[:1], begun)
    assert isinstance(lesson.network, InstantNetwork)
    assert torch.equal(lesson.network.last.weight, begun.last.weight)
    assert all(p.requires_grad for p in lesson.network.parameters())
    fresh = lesson_of(start(folder, tmp_path))
    losses = [one.measure(one.network)["loss"] for one in (lesson, fresh)]
    assert losses[0] < 0.5 * losses[1]


def test_one_bad_picture_is_not_all_that_a_step_heeds(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lesson = lesson_of(start(folder, tmp_path))
    real = PaintingLesson.paint

    def bad(self: PaintingLesson, *args: object) -> Tensor:
        return real(self, *args) * torch.tensor([1.0, 40.0])[:, None, None, None]  # type: ignore[arg-type]

    monkeypatch.setattr(PaintingLesson, "paint", bad)
    total, figures = lesson.loss(0)
    assert figures["content"] > 20
    assert float(total.detach()) <= painting_lesson._MOST


# ---- the loop -----------------------------------------------------------------------------------


def test_it_learns(folder: Path, tmp_path: Path) -> None:
    options = InstantTraining(steps=400, batch=2, crop=32, views=5, muon_lr=0.05, adam_lr=0.01)
    loop = start(folder, tmp_path / "run", options)
    lesson = lesson_of(loop)
    before = lesson.measure(lesson.network)
    for _ in range(40):
        loop.advance()
    after = lesson.measure(lesson.network)
    assert after["loss"] < 0.6 * before["loss"], (before, after)


def test_a_deadline_ends_it_with_a_rate_of_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_loop, "_PACE_EVERY", 2)
    loop = start(folder, tmp_path / "run")
    loop.deadline = time.monotonic()
    assert loop.run()
    assert loop.step == loop.schedule.steps == 2
    assert loop.schedule.rate(loop.step) == 0


@pytest.mark.parametrize("steady", [0.0, 1.0])
def test_a_continued_run_is_the_uninterrupted_one(
    folder: Path, tmp_path: Path, steady: float
) -> None:
    options = InstantTraining(steps=400, batch=2, crop=32, views=5, steady=steady)
    whole = start(folder, tmp_path / "whole", options)
    for _ in range(4):
        whole.advance()
    cut = start(folder, tmp_path / "cut", options)
    for _ in range(2):
        cut.advance()
    cut.save()
    again = start(folder, tmp_path / "cut", options)
    assert again.step == 2
    figures = [again.advance() for _ in range(2)]
    assert ("unsteady" in figures[0]) == bool(steady)
    for one, other in (
        (whole.lesson.network, again.lesson.network),
        (whole.average.network, again.average.network),
    ):
        expected, found = one.state_dict(), other.state_dict()
        assert all(torch.equal(expected[key], found[key]) for key in expected)


def test_the_command_trains_and_embeds(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    target = tmp_path / "data" / "instant.safetensors"
    monkeypatch.setattr(training, "INSTANT", target)
    words = f"train --photos {folder} --paintings {folder} --others {folder} --out {tmp_path}/run"
    more = "--steps 2 --batch 2 --crop 32 --views 3 --embed"
    monkeypatch.setattr(sys, "argv", f"{words} {more}".split())
    with pytest.raises(SystemExit, match="no painting left"):  # all of them are judged by
        main()
    others = tmp_path / "others"
    others.mkdir()
    Image.open(folder / "0.png").rotate(90).save(others / "other.png")
    monkeypatch.setattr(
        sys, "argv", f"{words} {more}".replace(f"--others {folder}", f"--others {others}").split()
    )
    main()
    line = json.loads((tmp_path / "run/train.jsonl").read_text().splitlines()[-1])
    assert line["step"] == 2
    names = {"content", "style", "loss"}
    elsewhere = {f"{name} at {strength}" for name in names for strength in ("0.25", "0.9")}
    assert set(line["held_out"]) == names | elsewhere
    assert '"step": 2' in capsys.readouterr().out.replace("'", '"')
    kept = load_file(target)
    assert {value.dtype for value in kept.values()} == {torch.float16}
    assert isinstance(load_instant(target), InstantNetwork)
    with Image.open(tmp_path / "run/training.png") as curves:
        assert curves.width > 400


def test_a_folder_without_photographs_is_told(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    words = f"train --photos {empty} --paintings {folder} --out {tmp_path}/run"
    monkeypatch.setattr(sys, "argv", words.split())
    with pytest.raises(SystemExit, match="no pictures in"):
        main()


def test_the_margin_is_whole_cells_of_every_layer_that_is_compared() -> None:
    assert painting_loss.MARGIN % painting_loss._STRIDES["relu5_1"] == 0


def test_pictures_are_packed_at_the_size_asked_for(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", f"pack --short 40 --out {tmp_path} {folder}".split())
    packing.main()
    packed = find_pictures(tmp_path / folder.name)
    assert [path.stem for path in packed] == [path.stem for path in find_pictures(folder)]
    assert load_bytes(packed[0]).shape == (3, 40, 48)
    off = load_bytes(packed[0]).float() - load_bytes(find_pictures(folder)[0], 40)
    assert off.abs().mean() < 12
    assert "all: 0.0 MB" in capsys.readouterr().out
