"""From the frames that FFmpeg decodes to RGB, at every depth and range."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8, UInt16

from impasto.film.libraries import load_av
from impasto.image.cicp import CodePoints, peak_in, to_srgb

__all__ = ["Levels", "Meaning", "has_alpha", "interpolation", "meaning_of", "rgb_of"]

Levels = UInt8[np.ndarray, "_ _ _"] | UInt16[np.ndarray, "_ _ _"] | Float32[np.ndarray, "_ _ _"]
"""RGB or RGBA: integers over all of their range, or floats in [0, 1]."""

_UNSPECIFIED = 2  # H.273's code point, which FFmpeg's numbers are
_LIMITED, _FULL = 1, 2  # colour ranges
_HD_LINES = 720  # from which on a film without tags is BT.709, and below BT.601


@dataclass(frozen=True)
class Meaning:
    """What a film's RGB means, and how it becomes sRGB.

    Attributes:
        points: H.273's code points.
        peak: of a high dynamic range in cd/m², the same for all frames.
    """

    points: CodePoints
    peak: float = 1000.0

    @property
    def is_hdr(self) -> bool:
        """Whether the film has a high dynamic range."""
        return self.points.is_hdr

    def srgb(self, levels: Levels) -> Levels:
        """Return sRGB; coverage stays as it is."""
        if self.points.is_srgb:
            return levels
        colours = to_srgb(np.ascontiguousarray(levels[..., :3]), self.points, "", peak=self.peak)
        if levels.shape[2] == 3:
            return colours
        top = 1 if levels.dtype == np.float32 else np.iinfo(levels.dtype).max
        alpha = levels[..., 3:].astype(np.float32) / np.float32(top)
        return np.concatenate([colours, alpha], axis=2)

    def peak_in(self, levels: Levels) -> float:
        """Return the peak of a frame in cd/m²."""
        return peak_in(levels, self.points)

    def with_peak(self, peak: float) -> Meaning:
        """Return the same for a film with another peak."""
        return replace(self, peak=peak)


def meaning_of(frame: Any) -> Meaning:
    """Return what a decoded frame's colours mean.

    Departs from H.273: the primaries of standard definition (5, 6, 7) count as BT.709's, as in all
    players; the difference is small, and to convert each frame would take longer than to decode it.
    """
    primaries = frame.color_primaries if frame.color_primaries in _WIDE else _BT709
    transfer = frame.color_trc if frame.color_trc in _CURVED else _SRGB
    return Meaning(CodePoints(primaries, transfer))


_BT709, _SRGB = 1, 13
_WIDE = (9, 10, 11, 12)  # primaries that look wrong if they are taken for BT.709's
_CURVED = (8, 9, 10, 16, 17, 18)  # transfers that a display of sRGB does not show as they are


def interpolation() -> int:
    """Return how FFmpeg converts pixels: unbiased, and the same on every processor.

    Without `ACCURATE_RND` its fast paths darken a frame by up to two of 255 levels each time.
    `FULL_CHR_H_INT` interpolates the colours, which are stored at half the size.
    """
    from av.video.reformatter import Interpolation as How

    load_av()
    return int(How.BILINEAR | How.ACCURATE_RND | How.FULL_CHR_H_INT | How.BITEXACT)


def rgb_of(frame: Any, bits: int, alpha: bool) -> Levels:
    """Return a decoded frame's RGB, or RGBA, as it is stored: neither turned nor tone-mapped.

    Args:
        frame: PyAV's.
        bits: of the film; more than 8 give floats.
    """
    name = {(False, False): "rgb24", (False, True): "rgba"}.get((bits > 8, alpha))
    if name is not None:
        return np.asarray(_converted(frame, name))
    # Not rgb48le: FFmpeg 8 gives false colours there with interpolated chroma.
    name = "gbrap16le" if alpha else "gbrp16le"
    values = _converted(frame, name).astype(np.float32)
    values[..., :3] *= _scale(_is_limited(frame), name)
    if alpha:
        values[..., 3:] /= 65535
    return np.clip(values, 0, 1)


def has_alpha(pixel_format: str) -> bool:
    """Return whether a pixel format of FFmpeg holds coverage."""
    return pixel_format.startswith(("yuva", "gbrap", "ya8", "ya16")) or pixel_format in (
        "rgba", "bgra", "argb", "abgr", "pal8", "rgba64le", "rgba64be", "bgra64le", "bgra64be",
    )  # fmt: skip


def _converted(frame: Any, name: str) -> np.ndarray:
    return np.asarray(
        frame.reformat(
            format=name,
            src_colorspace=_matrix(frame),
            dst_color_range="JPEG",
            interpolation=interpolation(),
            threads=1,
        ).to_ndarray()
    )


def _matrix(frame: Any) -> str | None:
    """Return the matrix of a frame that names none; None where it names one."""
    if frame.colorspace != _UNSPECIFIED or frame.format.is_rgb:
        return None
    return "ITU709" if min(frame.width, frame.height) >= _HD_LINES else "ITU601"


@lru_cache(maxsize=4)
def _scale(is_limited: bool, name: str) -> float:
    """Return what 16-bit numbers are multiplied with, so that white is 1.

    FFmpeg 8 leaves the white of a limited range at 65280: it is measured, as others may not.
    """
    if not is_limited:
        return 1 / 65535
    frame = load_av().VideoFrame(16, 16, "yuv444p16le")
    frame.color_range = _LIMITED
    for plane, value in zip(frame.planes, (235 << 8, 128 << 8, 128 << 8), strict=True):
        plane.update(np.full(plane.buffer_size // 2, value, "<u2").tobytes())
    return 1 / float(_converted(frame, name)[..., :3].mean())


def _is_limited(frame: Any) -> bool:
    is_full = frame.color_range == _FULL or frame.format.name.startswith("yuvj")
    return not is_full and not frame.format.is_rgb and not frame.format.name.startswith("gray")
