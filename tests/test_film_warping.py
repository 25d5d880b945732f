"""The warping error knows what is steady, and the sheets show it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from moving import as_film, canvas, paste
from PIL import Image
from torch import Tensor

from impasto.evaluation.warping import ORIGINAL, warping_errors
from impasto.sheets.film_sheet import column_strip, draw_frames, draw_strips

pytest.importorskip("cv2")

PLACE = canvas(96, 260, seed=1)
PATCH = canvas(36, 36, seed=2)


def pan(count: int) -> list[Tensor]:
    """A pan by three pixels a frame, with something moving the other way before it."""
    return [
        paste(PLACE[..., 3 * i : 3 * i + 160], PATCH, 30, 90 - 4 * i) for i in range(count)
    ]  # fmt: skip


def painted(pictures: list[Tensor]) -> list[Tensor]:
    """As a brush would that knows each colour's paint: as steady as the film."""
    return [(0.2 + 0.6 * picture.flip(1)) for picture in pictures]


def flickering(pictures: list[Tensor], by: float) -> list[Tensor]:
    return [picture + by * (-1) ** i for i, picture in enumerate(pictures)]


def test_the_error_is_what_flickers() -> None:
    frames = pan(6)
    films = {
        "steady": painted(frames),
        "weak": flickering(frames, 0.02),
        "strong": flickering(frames, 0.05),
    }
    rows = warping_errors(as_film(frames), films)
    floor = rows[ORIGINAL].error
    assert floor < 0.02
    assert list(rows[ORIGINAL].pairs) == [1, 2, 3, 4, 5]
    assert rows["steady"].error < floor
    for name, by in (("weak", 0.04), ("strong", 0.1)):
        assert rows[name].error == pytest.approx((floor**2 + by**2) ** 0.5, rel=0.05)
        assert rows[name].squared == pytest.approx(floor**2 + by**2, rel=0.1)


def test_what_is_uncovered_does_not_count() -> None:
    """It has no counterpart: a film that is painted anew there is as steady."""
    ground = PLACE[..., :160]
    frames = [paste(ground, PATCH, 30, left) for left in (90, 74)]
    where = slice(74 + 36 + 3, 90 + 36 - 3)  # where the patch was, and nothing could be seen
    uncovered, still = frames[1].clone(), frames[1].clone()
    uncovered[..., 34:62, where] = 1
    still[..., 34:62, 20:30] = 1
    films = {"uncovered": [frames[0], uncovered], "still": [frames[0], still]}
    rows = warping_errors(as_film(frames), films)
    assert rows["uncovered"].error < rows[ORIGINAL].error + 0.01
    assert rows["still"].error > rows[ORIGINAL].error + 0.05


def test_frames_on_both_sides_of_a_cut_are_not_compared() -> None:
    frames = pan(4) + [picture.flip(-1).flip(-2) for picture in pan(4)]
    rows = warping_errors(as_film(frames), {}, cuts=[4])
    assert list(rows[ORIGINAL].pairs) == [1, 2, 3, 5, 6, 7]
    assert rows[ORIGINAL].error < 0.02


def test_what_drifts_shows_between_frames_far_apart() -> None:
    frames = pan(9)
    drifting = [picture - 0.01 * i for i, picture in enumerate(frames)]
    near = warping_errors(as_film(frames), {"drifting": drifting})["drifting"].error
    far = warping_errors(as_film(frames), {"drifting": drifting}, apart=8)["drifting"]
    assert list(far.pairs) == [8]
    assert far.error > 0.06 > near


def test_the_error_at_some_frames_is_theirs() -> None:
    frames = pan(6)
    jump = [picture + (0.1 if i >= 3 else 0) for i, picture in enumerate(frames)]
    row = warping_errors(as_film(frames), {"jump": jump})["jump"]
    assert row.at([3]) == pytest.approx(0.1, rel=0.1)
    assert row.at([1, 2, 4, 5]) < 0.02


def test_films_are_read_side_by_side() -> None:
    """So that long ones need no more memory than short ones."""
    ahead: list[int] = []

    def counted() -> Iterator[Tensor]:
        for i, picture in enumerate(pan(6)):
            ahead.append(i)
            yield picture

    def checked() -> Iterator[Tensor]:
        for i, picture in enumerate(pan(6)):
            assert len(ahead) <= i + 1
            yield picture

    warping_errors(as_film(pan(6)), {"counted": counted(), "checked": checked()})


def test_films_of_other_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        warping_errors(as_film(pan(3)), {"short": pan(2)})


def images(pictures: list[Tensor]) -> list[Image.Image]:
    return [
        Image.fromarray((p[0].clamp(0, 1) * 255).byte().permute(1, 2, 0).numpy()) for p in pictures
    ]


def test_a_strip_holds_one_column_of_every_frame() -> None:
    films = images(pan(5))
    strip = np.asarray(column_strip(films, 0.25, wide=3))
    assert strip.shape == (96, 15, 3)
    for i, frame in enumerate(films):
        for x in range(3 * i, 3 * i + 3):
            assert np.array_equal(strip[:, x], np.asarray(frame)[:, 40])
    assert column_strip(films, 1.0).width == 5
    with pytest.raises(ValueError, match="no frames"):
        column_strip([])


def test_a_strip_shows_flicker_as_noise() -> None:
    still = [PLACE[..., :160]] * 8
    steady = np.asarray(column_strip(images(still)), np.float32)
    noisy = np.asarray(column_strip(images(flickering(still, 0.05))), np.float32)
    assert np.abs(np.diff(steady, axis=1)).max() == 0
    assert np.abs(np.diff(noisy, axis=1)).mean() > 15


def test_sheets_hold_every_film_and_moment() -> None:
    pytest.importorskip("matplotlib")
    films = {"the film": images(pan(4)), "painted": images(painted(pan(4)))}
    sheet = draw_frames(films, ["0 s", "1 s", "2 s", "3 s"])
    assert sheet.width > 4 * 300
    found = np.asarray(sheet)
    top = np.asarray(films["painted"][3].resize((300, 180), Image.Resampling.LANCZOS))
    rows = [
        y
        for y in range(found.shape[0] - 180)
        if np.array_equal(found[y, -324:-24], top[0])
    ]  # fmt: skip
    assert rows
    strips = draw_strips(films)
    assert strips.height > 2 * 96
    assert torch.tensor(np.asarray(strips)).float().std() > 20
