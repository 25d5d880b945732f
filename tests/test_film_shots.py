"""A film's shots: cuts are found, and nothing else is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
import torch
from moving import as_film, canvas, paste
from torch import Tensor

from impasto.film.frame import Frame
from impasto.film.shots import shots_in, shots_of

pytest.importorskip("cv2")

PLACES = [canvas(72, 480, seed) for seed in (1, 2, 3)]
PERSON = canvas(40, 30, seed=4)


def scene(place: int, count: int, speed: int = 2, start: int = 0) -> list[Tensor]:
    """A pan over a place, with somebody walking the other way."""
    return [
        paste(PLACES[place][..., (x := start + speed * i) : x + 128], PERSON, 25, 80 - i)
        for i in range(count)
    ]


def found(pictures: Sequence[Tensor]) -> list[range]:
    return shots_in(as_film(pictures))


def test_cuts_are_found_where_they_are() -> None:
    film = scene(0, 12) + scene(1, 7) + scene(2, 15)
    assert found(film) == [range(12), range(12, 19), range(19, 34)]


def test_a_film_of_one_shot_has_one() -> None:
    assert found(scene(0, 20)) == [range(20)]
    assert found(scene(0, 1)) == [range(1)]
    assert found([]) == []


def test_cuts_in_the_dark_are_found() -> None:
    film = [0.12 * picture for picture in scene(0, 10) + scene(1, 10)]
    assert found(film) == [range(10), range(10, 20)]


def test_noise_is_no_cut() -> None:
    drawn = torch.Generator().manual_seed(5)
    dark = torch.full((1, 3, 72, 128), 0.03)
    noisy = [
        (dark + 0.02 * torch.randn(dark.shape, generator=drawn)).clamp(0, 1) for _ in range(12)
    ]
    assert found(noisy) == [range(12)]


@pytest.mark.parametrize("length", [1, 2, 4])
def test_a_flash_is_no_cut(length: int) -> None:
    film = scene(0, 24)
    for i in range(10, 10 + length):
        film[i] = 0.15 * film[i] + 0.85
    assert found(film) == [range(24)]


def test_a_cut_after_a_flash_is_found() -> None:
    film = scene(0, 20) + scene(1, 10)
    film[8] = 0.15 * film[8] + 0.85
    assert found(film) == [range(20), range(20, 30)]


def test_a_fast_pan_is_no_cut() -> None:
    assert found(scene(0, 12, speed=25)) == [range(12)]


def test_fades_are_no_cuts() -> None:
    old, new = scene(0, 30), scene(1, 30)
    across = [
        (1 - t) * a + t * b
        for i, (a, b) in enumerate(zip(old, new, strict=True))
        for t in [min(max((i - 10) / 12, 0), 1)]
    ]
    assert found(across) == [range(30)]
    out = [picture * min(max((22 - i) / 12, 0), 1) for i, picture in enumerate(old)]
    assert found(out) == [range(30)]


def test_a_camera_swung_round_gives_no_shots_of_single_frames() -> None:
    swing = [PLACES[i % 3][..., 90 * i : 90 * i + 128] for i in range(4)]
    shots = found(scene(0, 10) + swing + scene(1, 10))
    assert min(len(shot) for shot in shots) >= 3


class _Clip:
    def __init__(self, pictures: Sequence[Tensor]) -> None:
        self.film = as_film(pictures)
        self.asked: int | None = None

    def frames(
        self, start: int = 0, stop: int | None = None, size: int | None = None
    ) -> Iterator[Frame]:
        self.asked = size
        yield from self.film[start:stop]


def test_a_clip_is_read_small_and_indices_are_the_films_own() -> None:
    clip = _Clip(scene(0, 12) + scene(1, 12))
    assert shots_of(clip, 5, 20) == [range(5, 12), range(12, 20)]
    assert clip.asked is not None
    assert clip.asked <= 320


def test_frames_passed_over_leave_their_places() -> None:
    film = [f for f in as_film(scene(0, 10) + scene(1, 10)) if f.index not in (4, 10)]
    assert shots_in(film) == [range(11), range(11, 20)]
