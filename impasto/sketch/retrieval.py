"""Find the pictures of a library whose lines are most like a drawing's.

All rows are compared by their descriptors; the best are ranked again by the chamfer distance of the
lines themselves, which sees where a line is, not only which directions an area has. Both also for
the drawing's mirror image, since a dog that looks to the left is a dog.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from impasto.errors import OptionError
from impasto.sketch import chamfer
from impasto.sketch.descriptors import describe
from impasto.sketch.edges import drawing_edges, framed
from impasto.sketch.index import Index
from impasto.sketch.palettes import alike
from impasto.sketch.signature import VIEWS, sign_file, unpack

__all__ = ["FITTING", "Match", "find"]

FITTING = 0.58
"""The score by lines from which a picture fits: unrelated ones rarely reach it."""

_RANKED, _MOVED = 200, 60  # rows ranked by still lines, and by moved ones
_DESCRIPTOR, _COLOURS = 1 / 3, 0.4  # the shares of these in a score
_CHUNK = 512  # rows at a time: more do not stay in the processor's cache as floats
_SAMPLE, _PRIOR = 4096, 200  # rows that the mean is of, and that have to be there for half of it
_FEWEST = 20  # pixels of line that a drawing needs


@dataclass(frozen=True)
class Match:
    """A picture that was found.

    Attributes:
        path: of its file; that of a built-in style's swatch is its card.
        score: 0 to 1, 1 for the same lines (and colours, where they were asked for).
        mirrored: whether the lines are those of the drawing's mirror image.
        fits: whether the lines alone are the drawing's, rather than the best that there are.
    """

    path: Path
    score: float
    mirrored: bool
    fits: bool = True


def find(
    drawing_lines: Float[Tensor, "h w"] | Float[np.ndarray, "h w"],
    index: Index,
    count: int = 12,
    like: Path | None = None,
) -> list[Match]:
    """Return the pictures whose lines are most like a drawing's, the best first.

    Pictures whose files are not there any more are passed over.

    Args:
        drawing_lines: how dark each pixel's line is, 0 = paper, 1 = full ink.
        count: at most so many are returned.
        like: a picture whose colours they should have, too.

    Raises:
        OptionError: the drawing has no lines, the index is empty or none of its files is there, or
            the libraries of sketches are not installed.
        PictureError: `like` cannot be read.
    """
    if len(index) == 0:
        raise OptionError(f"The library {index.folder} has no pictures: give another one.")
    square = framed(drawing_edges(np.asarray(drawing_lines, np.float32)))
    if int(square.sum()) < _FEWEST:
        raise OptionError(
            "The drawing has hardly any line, so no picture can be found for it. Give a drawing "
            "with lines on paper, or choose a picture with --style."
        )
    squares = (square, square[:, ::-1])
    near = _nearness(squares, index)
    colours = None if like is None else alike(index.arrays["colours"], sign_file(like).colours)
    best = _first(near, colours)
    matches = _present(_ranked(squares, index, near, best), index, colours, count)
    if not matches:
        raise OptionError(
            f"No picture of the index is in {index.folder} any more. Index the library again "
            "with `impasto library index`."
        )
    return matches


Squares = tuple[Bool[np.ndarray, "128 128"], Bool[np.ndarray, "128 128"]]


def _nearness(squares: Squares, index: Index) -> Float[np.ndarray, "rows 2"]:
    """Return the cosines of all rows with the drawing's descriptor and its mirror image's.

    What all rows have in common is taken out first: a busy picture is else near to every drawing.
    """
    rows = index.arrays["lines"].reshape(len(index) * VIEWS, -1)
    common = _common(rows)
    wanted = [_unit(describe(square) - common) for square in squares]
    columns = np.stack([*wanted, common], axis=1).astype(np.float32)
    offsets = columns.T @ common
    near = np.empty((len(rows), 2), np.float32)
    for first in range(0, len(rows), _CHUNK):
        levels = rows[first : first + _CHUNK].astype(np.float32)
        lengths = np.sqrt(np.einsum("ij,ij->i", levels, levels))
        products = (levels @ columns) / np.maximum(lengths, 1)[:, None]
        left = np.sqrt(np.maximum((lengths > 0) - 2 * products[:, 2] + offsets[2], 1e-6))
        near[first : first + _CHUNK] = (products - offsets)[:, :2] / left[:, None]
    return near


def _common(rows: UInt8[np.ndarray, "rows 1764"]) -> Float[np.ndarray, "1764"]:
    """Return the mean of a library's descriptors, the shorter the fewer there are."""
    some = rows[:: max(1, len(rows) // _SAMPLE)].astype(np.float32)
    lengths = np.linalg.norm(some, axis=1, keepdims=True)
    mean = (some / np.maximum(lengths, 1)).mean(axis=0)
    return np.asarray(mean * len(rows) / (len(rows) + _PRIOR))


def _unit(vector: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-6))


def _first(
    near: Float[np.ndarray, "rows 2"], colours: Float[np.ndarray, "pictures"] | None
) -> np.ndarray:
    """Return the numbers of the rows that are ranked by their lines."""
    order = near.max(axis=1)
    if colours is not None:
        order = (1 - _COLOURS) * order + _COLOURS * np.repeat(colours, VIEWS)
    most = min(_RANKED, len(order))
    return np.argpartition(-order, most - 1)[:most]


def _ranked(
    squares: Squares,
    index: Index,
    near: Float[np.ndarray, "rows 2"],
    rows: np.ndarray,
) -> list[tuple[float, int, bool]]:
    """Return score by lines, picture and mirror image of rows; the best of them are moved, too."""
    edges = index.arrays["edges"].reshape(len(index) * VIEWS, -1)
    pictures = {int(row): unpack(np.asarray(edges[row])) for row in rows}
    lines = {row: chamfer.lines_of(square) for row, square in pictures.items() if square.any()}
    drawings = [chamfer.lines_of(square) for square in squares]

    def score(distance: float, row: int, side: int) -> float:
        return (1 - _DESCRIPTOR) * (1 - distance) + _DESCRIPTOR * float(near[row, side])

    still = [
        (score(float(chamfer.distance(drawing, picture, chamfer.still())[0]), row, side), row, side)
        for row, picture in lines.items()
        for side, drawing in enumerate(drawings)
    ]
    still.sort(reverse=True)
    moved = [
        (score(chamfer.best_move(drawings[side], lines[row]), row, side), row, side)
        for _, row, side in still[:_MOVED]
    ]
    return [(value, row // VIEWS, side == 1) for value, row, side in moved + still[_MOVED:]]


def _present(
    found: list[tuple[float, int, bool]],
    index: Index,
    colours: Float[np.ndarray, "pictures"] | None,
    count: int,
) -> list[Match]:
    """Return each picture once, by its best row, the best first, as long as its file is there."""
    share = 0.0 if colours is None else _COLOURS
    of_colours = np.zeros(len(index), np.float32) if colours is None else colours
    ranked = sorted(
        (
            ((1 - share) * lines + share * float(of_colours[picture]), lines, picture, mirrored)
            for lines, picture, mirrored in found
        ),
        reverse=True,
    )
    matches: dict[int, Match] = {}
    for score, lines, picture, mirrored in ranked:
        if len(matches) == count:
            break
        path = index.path(picture)
        if picture not in matches and path.is_file():
            matches[picture] = Match(path, min(1.0, max(0.0, score)), mirrored, lines >= FITTING)
    return list(matches.values())
