"""ICC profiles made of curves and a matrix, applied at full precision: LittleCMS has 8 bits here.

Source: ICC.1:2010 (profile version 4.3), sections 7 to 10 and annex F.3.
"""

from __future__ import annotations

import functools
import struct
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, UInt16

__all__ = ["CurveProfile", "encode", "parse"]

Deep = UInt16[np.ndarray, "h w _"] | Float32[np.ndarray, "h w _"]
Curve = Float64[np.ndarray, "n"]

_ENTRIES = 2**16  # of a sampled curve: one for each 16-bit level
_BAND = 64  # rows that are converted at a time
_TABLES = {b"A2B0", b"A2B1", b"A2B2", b"D2B0", b"D2B1"}
_CURVES = {b"RGB ": (b"rTRC", b"gTRC", b"bTRC"), b"GRAY": (b"kTRC",)}
_COLORANTS = (b"rXYZ", b"gXYZ", b"bXYZ")


@dataclass(frozen=True)
class CurveProfile:
    """A profile of one or three curves.

    Attributes:
        curves: for each channel linear light at `_ENTRIES` even steps of its value.
        colorants: XYZ (D50) of the primaries, as columns; None for grey.
    """

    curves: tuple[Curve, ...]
    colorants: Float64[np.ndarray, "3 3"] | None

    def to_srgb(
        self, values: Deep, target: Float64[np.ndarray, "3 3"]
    ) -> UInt16[np.ndarray, "h w 3"] | Float32[np.ndarray, "h w 3"]:
        """Convert values in [0, 1], or 0 to 65535, to sRGB of the same type.

        Args:
            values: one channel for a grey profile, three for another.
            target: XYZ (D50) of the primaries of sRGB, as columns.
        """
        height, width, _ = values.shape
        converted = np.empty((height, width, 3), values.dtype)
        matrix = None if self.colorants is None else np.linalg.inv(target) @ self.colorants
        for top in range(0, height, _BAND):
            band = values[top : top + _BAND]
            light = np.stack([self._light(band[..., c], c) for c in range(band.shape[-1])], axis=-1)
            if matrix is not None:
                light = light @ matrix.T.astype(np.float32)
            encoded = encode(light.clip(0, 1))
            if values.dtype == np.uint16:
                encoded = (encoded * 65535).round()
            converted[top : top + _BAND] = encoded  # grey: the same for all three
        return converted

    def _light(self, values: np.ndarray, channel: int) -> Float32[np.ndarray, "h w"]:
        curve = self.curves[channel]
        if values.dtype == np.uint16:
            light: np.ndarray = curve.astype(np.float32)[values]
            return light
        steps = np.linspace(0, 1, _ENTRIES)
        return np.asarray(np.interp(values, steps, curve), np.float32)


@functools.lru_cache(maxsize=4)
def parse(profile: bytes) -> CurveProfile | None:
    """Return a profile of curves, or None for one that has tables, or another colour space.

    Raises:
        ValueError: the profile is damaged.
    """
    try:
        return _parse(profile)
    except (struct.error, IndexError) as problem:
        raise ValueError("its profile is damaged") from problem


def _parse(profile: bytes) -> CurveProfile | None:
    space, connection = profile[16:20], profile[20:24]
    (count,) = struct.unpack_from(">I", profile, 128)
    entries = struct.iter_unpack(">4sII", profile[132 : 132 + 12 * min(count, 1000)])
    view = memoryview(profile)  # any number of tags may be the same bytes
    tags = {name: view[at : at + size] for name, at, size in entries}
    names = _CURVES.get(space, ())
    if not names or tags.keys() & _TABLES or not tags.keys() >= set(names):
        return None
    curves = tuple(_curve(tags[name]) for name in names)
    if space == b"GRAY":
        return CurveProfile(tuple(map(_of_lab, curves)) if connection == b"Lab " else curves, None)
    if connection != b"XYZ " or not tags.keys() >= set(_COLORANTS):
        return None
    columns = [_numbers(tags[name], 8, 3) for name in _COLORANTS]
    return CurveProfile(curves, np.array(columns).T)


def _numbers(tag: memoryview, at: int, count: int) -> tuple[float, ...]:
    return tuple(number / 65536 for number in struct.unpack_from(f">{count}i", tag, at))


def _curve(tag: memoryview) -> Curve:
    """Sample a curve, as a table or a formula, within [0, 1]."""
    values = np.linspace(0, 1, _ENTRIES)
    (count,) = struct.unpack_from(">I", tag, 8)
    kind = bytes(tag[:4])
    if kind == b"para":
        formula: Curve = np.nan_to_num(_formula(values, tag)).clip(0, 1)
        return formula
    if kind != b"curv":
        raise ValueError("its profile has a curve of an unknown type")
    if count == 0:
        return values
    if count == 1:
        curve: Curve = values ** (struct.unpack_from(">H", tag, 12)[0] / 256)
        return curve
    points = np.array(struct.unpack_from(f">{count}H", tag, 12)) / 65535
    return np.interp(values, np.linspace(0, 1, count), points)


def _formula(x: Curve, tag: memoryview) -> Curve:
    """Return a parametricCurveType (ICC.1:2010, 10.16) of x."""
    (kind,) = struct.unpack_from(">H", tag, 8)
    if kind > 4:
        raise ValueError("its profile has a curve of an unknown type")
    g, *rest = _numbers(tag, 12, (1, 3, 4, 5, 7)[kind])
    a, b, c, d, e, f = 1.0, 0.0, 0.0, 0.0, 0.0, 0.0
    if kind in (1, 2):
        a, b = rest[:2]
        d = -b / (a or 1)
        e = f = rest[2] if kind == 2 else 0.0
    elif kind >= 3:
        a, b, c, d = rest[:4]
        e, f = rest[4:] if kind == 4 else (0.0, 0.0)
    with np.errstate(all="ignore"):  # the caller takes care of what is not a number
        curve: Curve = np.where(x >= d, (a * x + b).clip(0) ** g + e, c * x + f)
    return curve


def _of_lab(lightness: Curve) -> Curve:
    """Return the luminance of a lightness in [0, 1] (CIE 1976)."""
    f = (100 * lightness + 16) / 116
    luminance: Curve = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29))
    return luminance


def encode(light: Float32[np.ndarray, "*_"]) -> Float32[np.ndarray, "*_"]:
    """Return light as sRGB (IEC 61966-2-1)."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055).astype(
        np.float32
    )
