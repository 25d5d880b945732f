"""Twelve drawings to measure sketches by, made of ovals and smooth curves with a slightly unsteady
pen: animals, a face, a house, a street, things and scribbles."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw

__all__ = ["DRAWINGS", "draw"]

Point = tuple[float, float]

_FINER = 3  # drawn so many times as large, then reduced


class Pen:
    """A pen on a sheet of 100 × 75 units."""

    def __init__(self, size: int, seed: int, width: float = 0.55) -> None:
        self.unit = size * _FINER / 100
        self.sheet = Image.new("L", (size * _FINER, round(size * _FINER * 0.75)), 255)
        self._pen = ImageDraw.Draw(self.sheet)
        self._width = width
        self._random = np.random.default_rng(seed)

    def line(self, *points: Point) -> None:
        """Draw straight lines from point to point."""
        for a, b in itertools.pairwise(points):
            self._path([(a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t) for t in _steps(24)])

    def curve(self, *points: Point, closed: bool = False) -> None:
        """Draw a smooth curve through points (Catmull and Rom)."""
        ring = [*points, *points[:3]] if closed else [points[0], *points, points[-1]]
        path: list[Point] = []
        for p, q, r, s in zip(ring, ring[1:], ring[2:], ring[3:], strict=False):
            path += [_between(p, q, r, s, t) for t in _steps(16)]
        self._path(path)

    def oval(
        self, x: float, y: float, rx: float, ry: float, start: float = 0, end: float = 360
    ) -> None:
        """Draw an oval, or the part of it between two angles in degrees."""
        angles = [math.radians(start + (end - start) * t) for t in _steps(64)]
        self._path([(x + rx * math.cos(a), y + ry * math.sin(a)) for a in angles])

    def hatch(self, x: float, y: float, width: float, height: float, gap: float = 1.2) -> None:
        """Fill a box with slanted lines."""
        for k in np.arange(0, width, gap):
            self.line((x + k, y + height), (x + k + 0.3 * height, y))

    def dot(self, x: float, y: float, r: float) -> None:
        """Draw a filled circle."""
        box = [c * self.unit for c in (x - r, y - r, x + r, y + r)]
        self._pen.ellipse(box, fill=20)

    def _path(self, path: Sequence[Point]) -> None:
        steps = self._random.normal(0, 0.05, (len(path), 2)).cumsum(0)
        drift = steps - np.linspace(0, 1, len(path))[:, None] * steps[-1]  # back where it ends
        spots = [
            ((x + d[0]) * self.unit, (y + d[1]) * self.unit)
            for (x, y), d in zip(path, drift, strict=True)
        ]
        width = round(self._width * self.unit)
        self._pen.line(spots, fill=30, width=width, joint="curve")


def _steps(count: int) -> list[float]:
    return [i / count for i in range(count + 1)]


def _between(p: Point, q: Point, r: Point, s: Point, t: float) -> Point:
    def one(a: float, b: float, c: float, d: float) -> float:
        return b + t / 2 * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))

    return one(p[0], q[0], r[0], s[0]), one(p[1], q[1], r[1], s[1])


def _cat(pen: Pen) -> None:
    pen.oval(35, 27, 12, 10.5)
    pen.line((25, 21), (24, 8), (32, 17))
    pen.line((39, 17), (47, 8), (46, 22))
    pen.oval(31, 26, 2, 2.6)
    pen.oval(40, 26, 2, 2.6)
    pen.dot(31, 26, 0.9)
    pen.dot(40, 26, 0.9)
    pen.line((34, 30), (37, 30), (35.5, 32), (34, 30))
    pen.curve((27, 35.5), (22, 48), (22, 60), (26, 66))
    pen.curve((44, 34.5), (60, 38), (70, 50), (70, 66))
    pen.line((26, 66), (70, 66))
    pen.curve((70, 62), (80, 60), (86, 50), (82, 40), (78, 42), (81, 50), (76, 55), (69.5, 56))
    pen.line((0, 68.5), (100, 68.5))


def _fish(pen: Pen) -> None:
    pen.curve((15, 38), (35, 20), (58, 26), (70, 37), (58, 50), (35, 55), (15, 38))
    pen.curve((69, 37), (84, 24), (82, 37), (85, 52), (69, 38))
    pen.curve((30, 24), (40, 10), (55, 14), (56, 25))
    pen.curve((28, 26), (33, 38), (28, 50))
    pen.oval(23, 35, 2.6, 2.6)
    pen.dot(23, 35, 1.1)
    pen.curve((40, 40), (50, 48), (54, 40), (46, 36), (40, 40))
    for x in (8, 10, 6):
        pen.oval(x, 14 + x, 1.8, 1.8)
    pen.curve((0, 66), (20, 62), (45, 67), (70, 62), (100, 66))


def _bird(pen: Pen) -> None:
    pen.curve((30, 22), (38, 14), (47, 18), (52, 27), (68, 36), (88, 40), (70, 47), (52, 52),
              (36, 47), (29, 35), (30, 22))  # fmt: skip
    pen.line((30, 22), (20, 25), (29.5, 28))
    pen.dot(37, 22, 1.1)
    pen.curve((42, 32), (55, 34), (70, 41), (55, 46), (44, 43), (42, 32))
    pen.line((46, 51.5), (45, 60))
    pen.line((53, 51.5), (54, 60))
    pen.curve((0, 62), (30, 60), (70, 61), (100, 57))
    pen.curve((0, 67), (35, 64), (70, 65), (100, 62))
    pen.curve((80, 58), (84, 50), (93, 48), (90, 56), (82, 58.5))


def _butterfly(pen: Pen) -> None:
    pen.oval(50, 38, 2, 14)
    for side in (-1, 1):

        def at(x: float, y: float, side: int = side) -> Point:
            return 50 + side * x, y

        pen.curve(at(1.5, 34), at(14, 12), at(32, 10), at(34, 25), at(20, 36), at(1.5, 37))
        pen.curve(at(1.5, 38), at(20, 38), at(27, 50), at(18, 62), at(6, 54), at(1.5, 42))
        pen.oval(*at(23, 22), 5, 5)
        pen.oval(*at(15, 49), 4, 4)
        pen.curve(at(0.8, 25), at(4, 16), at(8, 12))


def _face(pen: Pen) -> None:
    pen.curve((34, 26), (35, 46), (43, 58), (50, 60), (57, 58), (65, 46), (66, 26))
    pen.curve((34, 28), (38, 22), (47, 24), (56, 19), (66, 28))
    pen.curve((34, 46), (26, 40), (27, 18), (38, 8), (50, 5), (62, 8), (73, 18), (74, 40), (66, 46))
    for x in (43, 57):
        pen.curve((x - 4, 34), (x, 31.5), (x + 4, 34), (x, 35.8), (x - 4, 34))
        pen.dot(x, 33.8, 1.3)
        pen.curve((x - 4.5, 29), (x, 27.5), (x + 4.5, 29))
    pen.curve((50, 33), (48, 42), (51, 43))
    pen.curve((44, 50), (50, 48.5), (56, 50), (50, 53), (44, 50))
    pen.line((45, 59), (44, 65))
    pen.line((55, 59), (56, 65))
    pen.curve((14, 75), (22, 68), (44, 65), (50, 69), (56, 65), (78, 68), (86, 75))


def _house(pen: Pen) -> None:
    pen.line((25, 62), (25, 36), (65, 36), (65, 62))
    pen.line((20, 37), (32, 18), (58, 18), (70, 37), (20, 37))
    pen.line((40, 62), (40, 47), (49, 47), (49, 62))
    for x in (29, 54):
        pen.line((x, 42), (x + 7, 42), (x + 7, 50), (x, 50), (x, 42))
        pen.line((x + 3.5, 42), (x + 3.5, 50))
    pen.line((52, 18), (52, 10), (57, 10), (57, 18))
    pen.line((0, 62), (100, 62))
    pen.line((83, 62), (83, 45))
    pen.line((87, 62), (87, 45))
    pen.curve((83, 46), (74, 40), (75, 28), (85, 22), (95, 28), (96, 40), (87, 46), (83, 46))
    pen.oval(12, 13, 5.5, 5.5)


def _street(pen: Pen) -> None:
    pen.line((0, 10), (34, 28), (34, 48), (0, 62))
    pen.line((100, 6), (66, 26), (66, 48), (100, 62))
    pen.line((34, 46), (66, 46))
    pen.line((34, 30), (42, 30), (42, 46))
    pen.line((42, 35), (52, 35), (52, 46))
    pen.line((52, 32), (66, 32))
    pen.line((34, 48), (8, 75))
    pen.line((66, 48), (92, 75))
    pen.line((50, 48), (50, 53))
    pen.line((50, 58), (50, 66))
    for a, b, top, low in ((6, 13, 20, 36), (19, 25, 26, 38), (79, 86, 25, 37), (91, 98, 20, 36)):
        pen.line((a, top), (b, top + 1), (b, low), (a, low + 1), (a, top))
    pen.oval(60, 12, 3.5, 3.5)


def _mountains(pen: Pen) -> None:
    pen.curve((0, 40), (12, 28), (22, 34), (36, 12), (50, 32), (60, 24), (78, 38), (100, 26))
    pen.curve((29, 22), (33, 26), (36, 21), (40, 26), (44, 22))
    pen.curve((0, 44), (30, 42), (60, 45), (100, 42))
    pen.curve((0, 60), (25, 54), (45, 62), (70, 68), (76, 75))
    pen.oval(78, 12, 6, 6)
    for x in (8, 18):
        pen.line((x, 57), (x - 4, 57), (x, 44), (x + 4, 57), (x, 57))
    for y in (50, 55, 60):
        pen.curve((60, y), (66, y - 0.8), (72, y), (80, y - 0.6))


def _boat(pen: Pen) -> None:
    pen.curve((22, 50), (40, 54), (60, 54), (80, 48))
    pen.curve((22, 50), (30, 63), (68, 63), (80, 48))
    pen.line((50, 53.5), (50, 8))
    pen.curve((50, 10), (72, 26), (74, 44))
    pen.line((74, 44), (50, 46))
    pen.curve((50, 14), (34, 28), (30, 44))
    pen.line((30, 44), (50, 46))
    pen.curve((0, 57), (10, 55), (25, 57.5))
    pen.curve((75, 57), (88, 55), (100, 57))
    pen.curve((8, 12), (14, 7), (22, 10), (28, 10), (29, 16), (12, 17), (8, 12))


def _flower(pen: Pen) -> None:
    pen.oval(50, 26, 5.5, 5.5)
    for k in range(6):
        a, b, c = (math.radians(60 * k + d) for d in (-26, 0, 26))
        pen.curve(
            (50 + 5.5 * math.cos(a), 26 + 5.5 * math.sin(a)),
            (50 + 15 * math.cos(a - 0.05), 26 + 15 * math.sin(a - 0.05)),
            (50 + 20 * math.cos(b), 26 + 20 * math.sin(b)),
            (50 + 15 * math.cos(c + 0.05), 26 + 15 * math.sin(c + 0.05)),
            (50 + 5.5 * math.cos(c), 26 + 5.5 * math.sin(c)),
        )
    pen.line((49, 46.5), (48, 62))
    pen.line((51, 46.5), (52, 62))
    pen.curve((51, 58), (62, 44), (74, 46), (66, 57), (52, 60))
    pen.line((36, 62), (64, 62), (60, 74), (40, 74), (36, 62))


def _mug(pen: Pen) -> None:
    pen.oval(45, 24, 18, 5)
    pen.line((27, 24), (29, 56))
    pen.line((63, 24), (61, 56))
    pen.oval(45, 56, 16, 4.5, 0, 180)
    pen.curve((62.5, 30), (76, 29), (77, 46), (62, 49))
    pen.curve((62.3, 34), (71, 34), (71, 43), (61.8, 45))
    pen.line((0, 50), (28.5, 50))
    pen.line((61.5, 50), (100, 50))
    pen.hatch(52, 34, 7, 18)


def _scribbles(pen: Pen) -> None:
    pen.curve(
        (10, 20), (30, 10), (36, 30), (18, 38), (8, 26), (22, 14), (44, 22), (40, 44), (14, 46)
    )
    pen.curve((52, 12), (80, 8), (92, 24), (76, 36), (56, 30), (52, 12), closed=True)
    pen.curve((60, 20), (84, 18), (70, 44), (58, 22))
    pen.curve((20, 56), (32, 50), (46, 58), (58, 50), (70, 58), (86, 50), (92, 62), (60, 70),
              (28, 68), (20, 56))  # fmt: skip
    pen.hatch(64, 54, 12, 9)


DRAWINGS: dict[str, Callable[[Pen], None]] = {
    "cat": _cat, "fish": _fish, "bird": _bird, "butterfly": _butterfly, "face": _face,
    "house": _house, "street": _street, "mountains": _mountains, "boat": _boat,
    "flower": _flower, "mug": _mug, "scribbles": _scribbles,
}  # fmt: skip
"""What draws each of them with a pen."""


def draw(name: str, size: int = 768) -> Image.Image:
    """Return a drawing as dark lines on white, `size` pixels wide."""
    pen = Pen(size, seed=list(DRAWINGS).index(name))
    DRAWINGS[name](pen)
    height = round(size * 0.75)
    return pen.sheet.resize((size, height), Image.Resampling.LANCZOS)
