"""Lines of drawings and photographs, as retrieval sees them."""

from __future__ import annotations

import numpy as np
import pytest

from impasto.sketch import chamfer
from impasto.sketch.descriptors import NUMBERS, describe, quantised
from impasto.sketch.edges import FRAME, SIDE, drawing_edges, framed, photograph_edges
from impasto.sketch.palettes import alike, palette
from impasto.sketch.signature import pack, unpack
from impasto.sketch.subject import rough_subject


def house(height: int = 300, width: int = 400, left: int = 60, top: int = 60) -> np.ndarray:
    """A drawing of a house with lines 3 pixels wide; off its middle, so its mirror differs."""
    import cv2

    page = np.zeros((height, width), np.float32)
    walls = np.array([[0, 70], [0, 180], [170, 180], [170, 70], [50, 0], [0, 70]], np.int32)
    cv2.polylines(page, [walls + np.array([left, top])], False, 1.0, 3)
    cv2.rectangle(page, (left + 20, top + 100), (left + 60, top + 180), 1.0, 3)
    cv2.circle(page, (left + 125, top + 110), 22, 1.0, 3)
    return page


def apple() -> np.ndarray:
    """A red disc on a plain pale ground, as a photograph."""
    y, x = np.mgrid[:200, :300]
    photograph = np.full((200, 300, 3), (210, 220, 200), np.uint8)
    photograph[(y - 110) ** 2 + (x - 140) ** 2 < 50**2] = (190, 30, 40)
    return photograph


def test_lines_become_one_pixel_thin() -> None:
    edges = drawing_edges(house(900, 1200))
    assert max(edges.shape) == SIDE
    blocks = edges[:-1, :-1] & edges[1:, :-1] & edges[:-1, 1:] & edges[1:, 1:]
    assert edges.sum() > 100
    assert blocks.sum() <= 2


def test_hatching_counts_by_its_outline() -> None:
    page = np.zeros((256, 256), np.float32)
    page[80:176:3, 60:200] = 1.0
    edges = drawing_edges(page)
    assert edges[95:160, 80:180].sum() == 0
    assert edges[75:90].sum() > 100


def test_faint_pencil_counts_as_ink_does() -> None:
    dark, faint = drawing_edges(house()), drawing_edges(house() * 0.3)
    assert (dark == faint).mean() > 0.99


def test_framing_forgets_place_and_size() -> None:
    square = framed(drawing_edges(house()))
    moved = framed(drawing_edges(house(900, 900, left=600, top=500)))
    assert square.shape == (FRAME, FRAME)
    assert float(describe(square) @ describe(moved)) > 0.9


def test_a_crumb_far_away_does_not_move_the_frame() -> None:
    page = house(left=30, top=30)
    page[-4:, -4:] = 1.0
    clean = house(left=30, top=30)
    assert (
        float(describe(framed(drawing_edges(page))) @ describe(framed(drawing_edges(clean)))) > 0.97
    )


def test_a_photograph_has_its_contours_and_no_more() -> None:
    edges = photograph_edges(apple())
    y, x = np.nonzero(edges)
    radius = np.hypot(y * 300 / SIDE - 110, x * 300 / SIDE - 140)
    assert len(y) > 150
    assert np.abs(radius - 50).max() < 4
    noisy = np.random.default_rng(0).normal(apple(), 4).clip(0, 255).astype(np.uint8)
    assert photograph_edges(noisy).sum() < 1.3 * len(y)


def test_a_texture_has_far_fewer_lines_than_dots() -> None:
    dotted = np.full((200, 256, 3), 200, np.uint8)
    dotted[:, 128:] = 60
    dotted[::6, :120:6] = 80
    edges = photograph_edges(dotted)
    assert edges[:, :115].sum() < 300  # of 680 dots, each with a rim of 8 pixels
    assert edges[:, 124:132].sum() > 150  # the contour


def test_a_plain_picture_has_no_lines() -> None:
    plain = np.full((100, 100, 3), 128, np.uint8)
    assert not photograph_edges(plain).any()
    assert not framed(photograph_edges(plain)).any()
    assert describe(framed(photograph_edges(plain))).tolist() == [0.0] * NUMBERS
    assert not rough_subject(plain).any()


def test_the_subject_is_what_the_rim_is_not() -> None:
    subject = rough_subject(apple())
    y, x = np.mgrid[:200, :300]
    true = (y - 110) ** 2 + (x - 140) ** 2 < 50**2
    assert (subject & true).sum() / (subject | true).sum() > 0.8


def test_a_descriptor_has_length_one_in_bytes_too() -> None:
    descriptor = describe(framed(drawing_edges(house())))
    assert descriptor.shape == (NUMBERS,)
    assert np.linalg.norm(descriptor) == pytest.approx(1, abs=1e-4)
    assert np.linalg.norm(quantised(descriptor) / 1000) == pytest.approx(1, abs=0.01)


def test_a_descriptor_tells_directions_apart() -> None:
    across = np.zeros((FRAME, FRAME), bool)
    across[40:90:10] = True
    assert float(describe(across) @ describe(across.T.copy())) < 0.1


def test_bits_are_the_lines() -> None:
    square = framed(drawing_edges(house()))
    assert (unpack(pack(square)) == square).all()


def test_the_distance_is_nothing_to_itself_and_the_same_both_ways() -> None:
    one = chamfer.lines_of(framed(drawing_edges(house())))
    other = chamfer.lines_of(framed(photograph_edges(apple())))
    assert chamfer.distance(one, one, chamfer.still())[0] == pytest.approx(0, abs=1e-6)
    there, back = (
        chamfer.distance(*pair, chamfer.still())[0] for pair in ((one, other), (other, one))
    )
    assert there == pytest.approx(back)
    assert 0.3 < there <= 1


@pytest.mark.parametrize(("degrees", "shift"), [(5.0, (0, 0)), (-5.0, (0, 0)), (0.0, (6, -6))])
def test_a_move_that_was_made_is_found(degrees: float, shift: tuple[int, int]) -> None:
    import cv2

    square = framed(drawing_edges(house()))
    matrix = cv2.getRotationMatrix2D((63.5, 63.5), degrees, 0.9)
    matrix[:, 2] += shift
    small = cv2.getRotationMatrix2D((63.5, 63.5), 0, 0.9)
    drawn, moved = (
        np.asarray(cv2.warpAffine(square.astype(np.float32), m, (128, 128))) > 0.4
        for m in (small, matrix)
    )
    one, other = chamfer.lines_of(drawn), chamfer.lines_of(moved)
    still = float(chamfer.distance(one, other, chamfer.still())[0])
    assert chamfer.best_move(one, other) < 0.55 * still


def test_a_line_across_is_farther_than_one_along() -> None:
    def dashes(is_across: bool) -> np.ndarray:
        square = np.zeros((FRAME, FRAME), bool)
        for x in range(20, 110, 16):
            if is_across:
                square[64, x - 4 : x + 5] = True
            else:
                square[60:69, x] = True
        return square

    along, across = (chamfer.lines_of(dashes(is_across)) for is_across in (False, True))
    without = np.abs(np.sin(along.angles)).mean()
    assert without > 0.95  # upright
    assert chamfer.distance(along, across, chamfer.still())[0] > 0.6


def test_palettes_tell_colours_and_not_places() -> None:
    picture = apple()
    same, other = palette(picture[::-1, ::-1].copy()), palette(255 - picture)
    score = alike(np.stack([same, other]), palette(picture))
    assert score[0] > 0.98
    assert score[1] < 0.4
