"""From high dynamic range to that of an ordinary display.

ITU-R BT.2446-1, method A. It was chosen by looking: BT.2408's mapping (annex 5) keeps mid-tones as
bright as they were, and so lifts bright skies to near white, where clouds are lost.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float32

from impasto.image.transfers import from_pq, to_pq

__all__ = ["LEAST_PEAK", "MOST_PEAK", "peak_of", "to_sdr"]

Light = Float32[np.ndarray, "h w 3"]

LEAST_PEAK = 203.0
"""HDR's reference white in cd/m² (BT.2408, table 1): a picture without anything brighter, such as
one of a night, is not brightened."""

MOST_PEAK = 1000.0
"""The peak in cd/m² for which method A is defined."""

_SDR_PEAK = 100.0
_GAMMA = 2.4
_R, _G, _B = 0.2627, 0.6780, 0.0593  # BT.2020's luma
_CB, _CR = 1.8814, 1.4746
_TINY = 1e-6
_SHARE = 0.9999  # of the pixels that lie below the peak: single sparks do not darken a picture


def peak_of(brightest: Float32[np.ndarray, " n"]) -> float:
    """Return the peak of a picture in cd/m², from the greatest of R, G and B of its pixels."""
    return float(max(np.quantile(brightest, _SHARE), LEAST_PEAK))


def to_sdr(light: Light, peak: float) -> Light:
    """Map display light in cd/m² to light that is 1 for an ordinary display's white.

    Both with BT.2020's primaries. Saturated colours may come out beyond [0, 1]; they are not
    clipped, which would change their hue.

    Args:
        peak: the picture's, in cd/m²; what is brighter counts as this bright.
    """
    light = _limited(light, peak)
    top = min(peak, MOST_PEAK)
    signal = np.maximum(light / top, 0) ** (1 / _GAMMA)
    luma = signal @ np.array([_R, _G, _B], signal.dtype)
    mapped = _mapped_luma(luma, top)
    ratio = mapped / (1.1 * np.maximum(luma, _TINY))
    cb = ratio * (signal[..., 2] - luma) / _CB
    cr = ratio * (signal[..., 0] - luma) / _CR
    mapped = mapped - np.maximum(0.1 * cr, 0)
    red, blue = mapped + _CR * cr, mapped + _CB * cb
    green = (mapped - _R * red - _B * blue) / _G
    result = np.stack([red, green, blue], axis=-1)
    display: Light = np.sign(result) * np.abs(result) ** _GAMMA
    return display


def _limited(light: Light, peak: float) -> Light:
    """Bring the brightest of R, G and B to at most `MOST_PEAK`; their proportions stay.

    By the roll-off of BT.2408, annex 5, on max(R, G, B).
    """
    brightest = light.max(axis=-1, keepdims=True)
    limited = np.minimum(brightest, peak)
    if peak > MOST_PEAK:
        limited = _rolled_off(limited, peak)
    scaled: Light = light * (limited / np.maximum(brightest, _TINY))
    return scaled


def _rolled_off(light: Float32[np.ndarray, "h w 1"], peak: float) -> Float32[np.ndarray, "h w 1"]:
    top, most = to_pq(np.array([peak, MOST_PEAK])).tolist()
    most /= top
    knee = 1.5 * most - 0.5
    code = to_pq(light) / top
    t = np.clip((code - knee) / (1 - knee), 0, 1)
    spline = (
        (2 * t**3 - 3 * t**2 + 1) * knee
        + (t**3 - 2 * t**2 + t) * (1 - knee)
        + (3 * t**2 - 2 * t**3) * most
    )
    return from_pq(np.where(code < knee, code, spline) * top)


def _mapped_luma(luma: Float32[np.ndarray, "h w"], peak: float) -> Float32[np.ndarray, "h w"]:
    """Return luma by method A's three steps (BT.2446-1, section 4.2)."""
    hdr, sdr = (1 + 32 * (most / 10_000) ** (1 / _GAMMA) for most in (peak, _SDR_PEAK))
    p = np.log1p((hdr - 1) * luma) / math.log(hdr)
    shadows, middle, lights = 1.0770 * p, -1.1510 * p**2 + 2.7811 * p - 0.6302, 0.5 * p + 0.5
    c = np.where(p <= 0.7399, shadows, np.where(p < 0.9909, middle, lights))
    mapped: np.ndarray = (sdr**c - 1) / (sdr - 1)
    return mapped
