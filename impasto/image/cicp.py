"""Colours that are described by the code points of ITU-T H.273: SDR and HDR to sRGB.

PNG's cICP, and the nclx colour information of AVIF and HEIF. Converted band by band, as floats take
up to four times the memory of what a file holds.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, UInt8, UInt16

from impasto.image import primaries, tone_mapping, transfers
from impasto.image.gamut import encoded
from impasto.image.primaries import BT709, BT2020, PRIMARIES, Primaries

__all__ = ["CodePoints", "Conversion", "curve_to_srgb", "peak_in", "to_srgb"]

Colours = UInt8[np.ndarray, "h w 3"] | UInt16[np.ndarray, "h w 3"] | Float32[np.ndarray, "h w 3"]
Floats = Float32[np.ndarray, "h w 3"]
Decode = Callable[[Colours], Floats]
Conversion = Callable[[Colours], Floats]
"""Turns decoded values into sRGB in [0, 1]."""

_BAND = 2**18  # pixels that are converted at a time
_SAMPLE = 2**21  # pixels of which the brightest counts
_UNSPECIFIED = 2
_SRGB_PRIMARIES, _SRGB_TRANSFER = 1, 13

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CodePoints:
    """What the values of an RGB picture mean (ITU-T H.273).

    The matrix is not here: decoders return RGB.

    Attributes:
        primaries: colour primaries, table 2. Unspecified ones count as BT.709's.
        transfer: transfer characteristics, table 3. An unspecified one counts as sRGB's.
        is_full_range: whether black and white of the RGB values are the least and the greatest
            number, or 16 and 235 of 8 bits. Decoders of Y'CbCr return full range.
    """

    primaries: int = _SRGB_PRIMARIES
    transfer: int = _SRGB_TRANSFER
    is_full_range: bool = True

    @property
    def is_srgb(self) -> bool:
        """Whether the values are sRGB's already."""
        return self.known() == CodePoints()

    @property
    def is_hdr(self) -> bool:
        """Whether the picture has a high dynamic range, PQ or HLG."""
        return self.transfer in (transfers.PQ, transfers.HLG)

    def known(self) -> CodePoints:
        """Return the same with sRGB's in place of code points that mean it, or nothing."""
        chosen = self.primaries if self.primaries in PRIMARIES else _SRGB_PRIMARIES
        curve = transfers.CURVES.get(self.transfer, transfers.srgb)
        transfer = _SRGB_TRANSFER if curve is transfers.srgb else self.transfer
        return CodePoints(chosen, transfer, self.is_full_range)


def to_srgb(
    colours: Colours,
    points: CodePoints,
    name: str,
    *,
    bits: int | None = None,
    peak: float | None = None,
) -> Floats:
    """Convert RGB to sRGB in [0, 1]; a picture of high dynamic range is tone-mapped, with a note.

    Args:
        colours: integers, or floats in [0, 1].
        points: what they mean.
        name: what the log calls the picture.
        bits: of the integers, if fewer than their type has.
        peak: of a high dynamic range in cd/m², the same for all frames of a film, and then without
            a note; None for the picture's own.
    """
    if peak is None:
        _note_unknown(points, name)
    known = points.known()
    decode = _decoder(colours.dtype, transfers.CURVES[known.transfer], known.is_full_range, bits)
    if known.is_hdr:
        peak = _noted(peak_in(colours, known, bits=bits), known, name) if peak is None else peak
        return _hdr_to_srgb(colours, known, decode, peak)
    return _sdr_to_srgb(colours, decode, PRIMARIES[known.primaries])


def curve_to_srgb(colours: Colours, curve: transfers.Curve, source: Primaries) -> Floats:
    """Convert RGB to sRGB in [0, 1].

    Args:
        colours: integers, or floats in [0, 1].
        curve: from values in [0, 1] to linear light.
        source: the primaries of that light.

    Raises:
        ValueError: they are no primaries.
    """
    return _sdr_to_srgb(colours, _decoder(colours.dtype, curve, True, None), source)


def _sdr_to_srgb(colours: Colours, decode: Decode, source: Primaries) -> Floats:
    change = primaries.matrix(source, BT709)

    def convert(band: Colours) -> Floats:
        return encoded(_changed(decode(band), change))

    return _by_bands(colours, convert)


def peak_in(colours: Colours, points: CodePoints, *, bits: int | None = None) -> float:
    """Return the peak in cd/m² of a picture with a high dynamic range.

    Args:
        colours: integers, or floats in [0, 1].
        points: what they mean.
        bits: of the integers, if fewer than their type has.
    """
    known = points.known()
    decode = _decoder(colours.dtype, transfers.CURVES[known.transfer], known.is_full_range, bits)
    step = math.ceil(math.sqrt(colours.shape[0] * colours.shape[1] / _SAMPLE))
    light = _displayed(decode(colours[::step, ::step]), known)
    return tone_mapping.peak_of(light.max(axis=-1).ravel())


def _displayed(light: Floats, points: CodePoints) -> Floats:
    """Return display light with BT.2020's primaries of a curve's light."""
    source = PRIMARIES[points.primaries]
    if points.transfer == transfers.HLG:
        light = transfers.hlg_light(light, primaries.luminance(source))
    changed: Floats = np.maximum(_changed(light, primaries.matrix(source, BT2020)), 0)
    return changed


def _hdr_to_srgb(colours: Colours, points: CodePoints, decode: Decode, peak: float) -> Floats:
    narrow = primaries.matrix(BT2020, BT709)

    def convert(band: Colours) -> Floats:
        light = _displayed(decode(band), points)
        return encoded(_changed(tone_mapping.to_sdr(light, peak), narrow))

    return _by_bands(colours, convert)


def _noted(peak: float, points: CodePoints, name: str) -> float:
    _log.warning(
        "%s has a high dynamic range (%s, up to %.0f cd/m²): it is mapped to that of sRGB by ITU-R "
        "BT.2446, method A.",
        name, "PQ" if points.transfer == transfers.PQ else "HLG", peak,
    )  # fmt: skip
    return peak


def _note_unknown(points: CodePoints, name: str) -> None:
    for kind, number, is_known in (
        ("colour primaries", points.primaries, points.primaries in PRIMARIES),
        ("transfer curve", points.transfer, points.transfer in transfers.CURVES),
    ):
        if not is_known and number != _UNSPECIFIED:
            _log.warning(
                "%s: its colour %s, code %d, is unknown: taken as sRGB's.", name, kind, number
            )


def _changed(light: Floats, change: Float[np.ndarray, "3 3"]) -> Floats:
    if np.array_equal(change, np.eye(3)):
        return light
    changed: Floats = light @ change.T.astype(light.dtype)
    return changed


def _decoder(
    dtype: np.dtype, curve: transfers.Curve, is_full_range: bool, bits: int | None
) -> Decode:
    """Return what turns values into linear light, float32: for integers a table."""
    if dtype == np.float32:
        return lambda band: curve(_ranged(band, is_full_range, bits or 16))
    bits = bits or 8 * dtype.itemsize
    codes = np.arange(2**bits) / (2**bits - 1)
    table = curve(_ranged(codes, is_full_range, bits)).astype(np.float32)
    return lambda band: table[np.minimum(band, len(table) - 1)]


def _ranged(codes: np.ndarray, is_full_range: bool, bits: int) -> np.ndarray:
    """Return code values with 0 for black and 1 for white (H.273, equations 1 to 19)."""
    if not is_full_range:
        level = 2 ** (bits - 8) / (2**bits - 1)
        codes = (codes - 16 * level) / (219 * level)
    unit: np.ndarray = np.clip(codes, 0, 1)
    return unit


def _by_bands(colours: Colours, convert: Callable[[Colours], Floats]) -> Floats:
    result = np.empty(colours.shape, np.float32)
    for rows in _bands(*colours.shape[:2]):
        result[rows] = convert(colours[rows])
    return result


def _bands(height: int, width: int) -> Iterator[slice]:
    rows = max(1, _BAND // width)
    for top in range(0, height, rows):
        yield slice(top, min(height, top + rows))
