"""From painted frames to FFmpeg's, and through an encoder to packets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from impasto.errors import PictureError
from impasto.film.decode_times import decode_time
from impasto.film.formats import FilmFormat
from impasto.film.frame import Frame
from impasto.film.libraries import load_av

__all__ = ["Target", "encode", "stored"]

_BT709, _SRGB, _LIMITED, _FULL = 1, 13, 1, 2
_RGB_MATRIX = 0
_GROUP_SECONDS = 4  # between frames that decode by themselves: what a player seeks to


@dataclass(frozen=True)
class Target:
    """What a film is written into.

    Attributes:
        muxer: FFmpeg's name of the container.
        time_base: of the frames' times, in seconds.
        rate: frames a second, by which the encoder shares out its bits.
        words: about the film.
    """

    muxer: str
    time_base: Fraction
    rate: Fraction
    words: dict[str, str]

    def options(self) -> dict[str, str]:
        """Return the muxer's: no random numbers, the index first, times in the film's own unit."""
        options = {"fflags": "+bitexact"}
        if self.muxer in ("mp4", "mov"):
            options["movflags"] = "+faststart"
            options["video_track_timescale"] = str(self.time_base.denominator)
        return options


def encode(path: Path, frames: Iterable[Frame], target: Target, film_format: FilmFormat) -> None:
    """Encode frames into a file, the first of them at 0.

    Args:
        frames: at least one, in order.

    Raises:
        PictureError: they differ in size.
        OSError: it cannot be written; or an error of FFmpeg.
    """
    rest = iter(frames)
    first = next(rest)
    height, width = first.pixels.shape[-2:]
    late = film_format.codec.late
    shown: list[int] = []
    place = 0
    with load_av().open(str(path), "w", format=target.muxer, options=target.options()) as container:
        container.metadata.update(target.words)
        stream = _add_pictures(container, height, width, film_format, target)
        for frame in chain([first], rest, [None]):
            if frame is not None:
                _check_size(frame, height, width)
                shown.append(frame.pts - first.pts)
            for packet in _encoded(stream, frame, film_format, shown[-1]):
                if late:
                    packet.dts = decode_time(place, shown, late)
                place += 1
                container.mux(packet)


def _check_size(frame: Frame, height: int, width: int) -> None:
    if frame.pixels.shape[-2:] != (height, width):
        size = "×".join(str(side) for side in reversed(frame.pixels.shape[-2:]))
        raise PictureError(
            f"Frame {frame.index} measures {size} and those before it {width}×{height}: "
            "all frames of a film have one size."
        )


def _add_pictures(
    container: Any, height: int, width: int, film_format: FilmFormat, target: Target
) -> Any:
    """Add a stream for pictures of a size."""
    codec = film_format.codec
    stream = container.add_stream(codec.encoder, rate=target.rate, options=_options(film_format))
    stream.width, stream.height = _stored_sides(width, height, film_format.pixels)
    stream.pix_fmt = film_format.pixels
    context = stream.codec_context
    context.time_base = target.time_base
    context.thread_count = 1
    context.gop_size = max(1, round(_GROUP_SECONDS * target.rate))
    is_rgb = load_av().VideoFormat(film_format.pixels).is_rgb
    context.color_range = _FULL if is_rgb else _LIMITED
    context.colorspace = _RGB_MATRIX if is_rgb else _BT709
    context.color_primaries = _BT709
    context.color_trc = _SRGB if is_rgb else _BT709
    return stream


def _encoded(stream: Any, frame: Frame | None, film_format: FilmFormat, pts: int) -> Any:
    """Return the packets that an encoder gives for a frame, or at the end, for None."""
    if frame is None:
        return stream.encode(None)
    picture = stored(frame, film_format)
    picture.pts, picture.time_base = pts, stream.codec_context.time_base
    return stream.encode(picture)


def stored(frame: Frame, film_format: FilmFormat) -> Any:
    """Return a frame as FFmpeg's, in the format's pixels: BT.709, limited range.

    An odd side, where colours are stored for pairs of pixels, is made even by the last row or
    column once more.
    """
    values = _arranged(frame, film_format)
    is_deep = film_format.bits > 8
    name = {
        (False, False): "rgb24",
        (False, True): "rgba",
        (True, False): "gbrp16le",
        (True, True): "gbrap16le",
    }[is_deep, film_format.has_alpha]
    if is_deep:
        white = 65535 if film_format.pixels == name else _white(name)
        colours = np.round(values * np.float32(white)).astype(np.uint16)
        if film_format.has_alpha:
            colours[..., 3] = np.round(values[..., 3] * 65535)
    else:
        colours = np.round(values * 255).astype(np.uint8)
    picture = load_av().VideoFrame.from_ndarray(np.ascontiguousarray(colours), name)
    return _converted(picture, film_format.pixels)


def _arranged(frame: Frame, film_format: FilmFormat) -> Float[np.ndarray, "h w c"]:
    planes = frame.pixels[0]
    if film_format.has_alpha:
        alpha = torch.ones_like(planes[:1]) if frame.alpha is None else frame.alpha[0]
        planes = torch.cat([planes, alpha.to(planes)])
    elif frame.alpha is not None:  # what is seen through it is white, as in a JPEG
        alpha = frame.alpha[0].to(planes)
        planes = planes * alpha + (1 - alpha)
    values = planes.detach().clamp(0, 1).permute(1, 2, 0).float().cpu().numpy()
    height, width = values.shape[:2]
    stored_width, stored_height = _stored_sides(width, height, film_format.pixels)
    if (stored_width, stored_height) != (width, height):
        edges = ((0, stored_height - height), (0, stored_width - width), (0, 0))
        values = np.pad(values, edges, mode="edge")
    return values


def _stored_sides(width: int, height: int, pixels: str) -> tuple[int, int]:
    across = 2 if "420" in pixels or "422" in pixels else 1
    down = 2 if "420" in pixels else 1
    return width + width % across, height + height % down


def _converted(picture: Any, pixels: str) -> Any:
    from av.video.reformatter import Interpolation as How

    av = load_av()
    if av.VideoFormat(pixels).is_rgb:
        result = picture.reformat(format=pixels)
        result.color_range, result.colorspace = _FULL, _RGB_MATRIX
        return result
    return picture.reformat(
        format=pixels,
        dst_colorspace="ITU709",
        dst_color_range="MPEG",
        dst_color_trc=_BT709,
        dst_color_primaries=_BT709,
        # Averaged colours, unbiased, the same on every processor.
        interpolation=int(How.AREA | How.ACCURATE_RND | How.FULL_CHR_H_INP | How.BITEXACT),
        threads=1,
    )


@lru_cache(maxsize=8)
def _white(name: str) -> int:
    """Return the 16-bit number that becomes white: 65280 in FFmpeg 8, which is measured.

    Without it a painted film would be lighter by half of 255 levels each time it is read.
    """
    av = load_av()
    planes = 4 if "gbrap" in name else 3
    white = np.full((16, 16, planes), 65535, np.uint16)
    frame = _converted(av.VideoFrame.from_ndarray(white, name), "yuv444p16le")
    luma = np.frombuffer(bytes(frame.planes[0]), "<u2").mean() / 256
    return round(65535 * 219 / (float(luma) - 16))


def _options(film_format: FilmFormat) -> dict[str, str]:
    options = dict(film_format.codec.options)
    if film_format.codec.has_quality:
        options["crf"] = str(film_format.codec.crf(film_format.quality))
    if film_format.codec.name == "prores":
        options["profile"] = "4444" if film_format.has_alpha else _PRORES[film_format.quality > 60]
    return options


_PRORES = ("standard", "hq")
