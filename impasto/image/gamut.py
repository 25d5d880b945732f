"""From linear light with sRGB's primaries to sRGB's values; colours beyond it keep their hue."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float32

from impasto.image.icc_matrix import encode

__all__ = ["encoded"]

Light = Float32[np.ndarray, "h w 3"]
Colours = Float32[np.ndarray, "n 3"]

# Oklab (Ottosson 2020): linear sRGB to cone responses, and their cube roots to L, a, b.
_CONES = np.array([
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
], np.float32)  # fmt: skip
_LAB = np.array([
    [0.2104542553, 0.7936177850, -0.0040720468],
    [1.9779984951, -2.4285922050, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.8086757660],
], np.float32)  # fmt: skip
_FROM_CONES, _FROM_LAB = np.linalg.inv(_CONES), np.linalg.inv(_LAB)

_SLACK = 1e-4  # beyond [0, 1] that is clipped: rounding, far less than an 8-bit level
_HALVINGS = 12


def encoded(light: Light) -> Light:
    """Return sRGB's values in [0, 1] of linear light (IEC 61966-2-1).

    A colour that sRGB does not have becomes paler until it has it, with Oklab's lightness and hue
    kept. Clipping it instead would shift its hue.
    """
    beyond = ((light < -_SLACK) | (light > 1 + _SLACK)).any(axis=-1)
    if beyond.any():
        light = light.copy()
        light[beyond] = _paler(light[beyond])
    light = np.clip(light, 0, 1)
    return encode(light)


def _paler(light: Colours) -> Colours:
    lab = np.cbrt(light @ _CONES.T) @ _LAB.T
    lab[:, 0] = np.clip(lab[:, 0], 0, 1)
    grey = lab * np.array([1, 0, 0], np.float32)
    low, high = np.zeros_like(grey[:, :1]), np.ones_like(grey[:, :1])
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        fits = _fits(_light(grey + middle * (lab - grey)))
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    return _light(grey + low * (lab - grey))


def _light(lab: Colours) -> Colours:
    light: Colours = (lab @ _FROM_LAB.T) ** 3 @ _FROM_CONES.T
    return light


def _fits(light: Colours) -> Bool[np.ndarray, "n 1"]:
    return np.asarray(((light >= -_SLACK) & (light <= 1 + _SLACK)).all(axis=-1))[:, None]
