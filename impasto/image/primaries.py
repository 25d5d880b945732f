"""RGB primaries by their chromaticities, and the matrices between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

__all__ = ["BT709", "BT2020", "PRIMARIES", "Primaries", "luminance", "matrix"]

Matrix = Float64[np.ndarray, "3 3"]
Point = tuple[float, float]

_D65, _C, _E, _DCI = (0.3127, 0.3290), (0.310, 0.316), (1 / 3, 1 / 3), (0.314, 0.351)


@dataclass(frozen=True)
class Primaries:
    """The colours of R, G, B and white, as CIE 1931 x and y."""

    red: Point
    green: Point
    blue: Point
    white: Point = _D65


BT709 = Primaries((0.640, 0.330), (0.300, 0.600), (0.150, 0.060))
BT2020 = Primaries((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))
_SMPTE170M = Primaries((0.630, 0.340), (0.310, 0.595), (0.155, 0.070))

PRIMARIES = {
    1: BT709,
    4: Primaries((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), _C),  # BT.470 M
    5: Primaries((0.64, 0.33), (0.29, 0.60), (0.15, 0.06)),  # BT.470 B, G; BT.601 with 625 lines
    6: _SMPTE170M,  # BT.601 with 525 lines
    7: _SMPTE170M,  # SMPTE ST 240 has the same
    8: Primaries((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), _C),  # film
    9: BT2020,
    10: Primaries((1.0, 0.0), (0.0, 1.0), (0.0, 0.0), _E),  # CIE XYZ, as in SMPTE ST 428-1
    11: Primaries((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _DCI),  # P3-DCI
    12: Primaries((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),  # Display P3
    22: Primaries((0.630, 0.340), (0.295, 0.605), (0.155, 0.077)),  # EBU Tech. 3213
}
"""The primaries of ITU-T H.273, table 2, by their code points."""

# Bradford's cone responses (ICC.1:2022, annex E).
_CONES = np.array([
    [0.8951, 0.2664, -0.1614],
    [-0.7502, 1.7135, 0.0367],
    [0.0389, -0.0685, 1.0296],
])  # fmt: skip


def matrix(source: Primaries, target: Primaries) -> Matrix:
    """Return the matrix from linear RGB of one set of primaries to another; white stays white.

    A different white is adapted by Bradford's transform.

    Raises:
        ValueError: the primaries lie on a line, or a white has no luminance.
    """
    if source == target:
        return np.eye(3)
    if source.white[1] <= 0:
        raise ValueError(f"{source}: their white has no luminance")
    try:
        towards = np.linalg.inv(_to_xyz(target)) @ _adaptation(source.white, target.white)
        result: Matrix = towards @ _to_xyz(source)
    except np.linalg.LinAlgError as problem:
        raise ValueError(f"{source}: they have no area") from problem
    if not np.isfinite(result).all() or np.abs(result).max() > _MOST:
        raise ValueError(f"{source}: they have no area")
    return result


_MOST = 100  # a larger factor comes of primaries that nearly lie on a line


def luminance(primaries: Primaries) -> Float64[np.ndarray, "3"]:
    """Return the shares of linear R, G and B in the luminance; their sum is 1."""
    shares: np.ndarray = _to_xyz(primaries)[1]
    return shares


def _to_xyz(primaries: Primaries) -> Matrix:
    """Return the matrix from linear RGB to CIE XYZ (SMPTE RP 177)."""
    columns = np.stack([_xyz(p) for p in (primaries.red, primaries.green, primaries.blue)], axis=1)
    scale = np.linalg.solve(columns, _xyz(primaries.white) / primaries.white[1])
    scaled: Matrix = columns * scale
    return scaled


def _xyz(point: Point) -> Float64[np.ndarray, "3"]:
    x, y = point
    return np.array([x, y, 1 - x - y])


def _adaptation(source: Point, target: Point) -> Matrix:
    if source == target:
        return np.eye(3)
    cones = [_CONES @ (_xyz(white) / white[1]) for white in (source, target)]
    result: Matrix = np.linalg.inv(_CONES) @ np.diag(cones[1] / cones[0]) @ _CONES
    return result
