"""Transfer characteristics of ITU-T H.273: from code values to light."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from jaxtyping import Float

__all__ = ["CURVES", "HLG", "PQ", "Curve", "from_pq", "hlg_light", "power", "srgb", "to_pq"]

Values = Float[np.ndarray, "..."]
Curve = Callable[[Values], Values]

PQ, HLG = 16, 18
"""The code points of the two high dynamic ranges."""

# SMPTE ST 2084, and BT.2100 table 4.
_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
_PQ_PEAK = 10_000.0  # cd/m²

# ARIB STD-B67, and BT.2100 table 5.
_A = 0.17883277
_B, _C = 1 - 4 * _A, 0.5 - _A * math.log(4 * _A)
_HLG_PEAK, _HLG_GAMMA = 1000.0, 1.2


def from_pq(codes: Values) -> Values:
    """Return display light in cd/m² of PQ's code values, 0 to 1 (BT.2100's EOTF)."""
    root = np.clip(codes, 0, 1) ** (1 / _M2)
    light: Values = _PQ_PEAK * (np.maximum(root - _C1, 0) / (_C2 - _C3 * root)) ** (1 / _M1)
    return light


def to_pq(light: Values) -> Values:
    """Return PQ's code values of display light in cd/m², the inverse of `from_pq`."""
    y = (np.clip(light, 0, _PQ_PEAK) / _PQ_PEAK) ** _M1
    codes: Values = ((_C1 + _C2 * y) / (1 + _C3 * y)) ** _M2
    return codes


def _hlg_scene(codes: Values) -> Values:
    """Return scene light, 0 to 1, of HLG's code values (the inverse of BT.2100's OETF)."""
    codes = np.clip(codes, 0, 1)
    return np.where(codes <= 0.5, codes**2 / 3, (np.exp((codes - _C) / _A) + _B) / 12)


def hlg_light(
    scene: Float[np.ndarray, "h w 3"], shares: Float[np.ndarray, "3"]
) -> Float[np.ndarray, "h w 3"]:
    """Return display light in cd/m² of HLG's scene light, on a display of 1000 cd/m².

    BT.2100's OOTF: the gamma of 1.2 acts on the luminance, with R, G and B's `shares` in it.
    """
    y = np.maximum(scene @ shares.astype(scene.dtype), 1e-6)[..., None]
    light: Float[np.ndarray, "h w 3"] = _HLG_PEAK * y ** (_HLG_GAMMA - 1) * scene
    return light


def power(exponent: float) -> Curve:
    """Return the curve of a power alone."""
    return lambda codes: np.maximum(codes, 0) ** exponent


def srgb(codes: Values) -> Values:
    """Return linear light of sRGB's code values (IEC 61966-2-1)."""
    return np.where(
        codes <= 0.04045, codes / 12.92, (np.maximum(codes, 0) / 1.055 + 0.055 / 1.055) ** 2.4
    )


def _camera(a: float, slope: float, edge: float) -> Curve:
    """Return the inverse of a camera's curve: a line, and a power of 0.45 from `edge` on.

    Code point 7 alone: H.273 defines those of BT.709 and BT.2020 (1, 6, 11, 12, 14, 15) so, too.
    """

    def curve(codes: Values) -> Values:
        light = ((np.maximum(codes, 0) + a) / (1 + a)) ** (1 / 0.45)
        return np.where(codes < slope * edge, codes / slope, light)

    return curve


def _logarithm(decades: float) -> Curve:
    return lambda codes: np.where(codes <= 0, 0.0, 10 ** ((codes - 1) * decades)).astype(
        codes.dtype
    )


CURVES: dict[int, Curve] = {
    1: srgb,
    4: power(2.2),
    5: power(2.8),
    6: srgb,
    7: _camera(0.1115, 4.0, 0.0228),
    8: lambda codes: codes,
    9: _logarithm(2),
    10: _logarithm(2.5),
    11: srgb,  # xvYCC: the same as BT.709 from 0 to 1
    12: srgb,  # BT.1361: the same as BT.709 from 0 to 1
    13: srgb,
    14: srgb,
    15: srgb,
    PQ: from_pq,
    17: lambda codes: 52.37 / 48 * np.maximum(codes, 0) ** 2.6,
    HLG: _hlg_scene,
}
"""The curves of H.273, table 3, by their code points: to light that is 1 for white; PQ's is in
cd/m², HLG's the scene's.

Departs from it for BT.709 and BT.2020 without PQ or HLG: H.273 has the camera's curve, a display's
(BT.1886) is darker, and programs that write these codes mean what a screen of sRGB shows.
"""
