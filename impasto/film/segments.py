"""Segments: parts of a painted film, each a file that is complete or not there.

A segment is in the codec of the film that it becomes a part of, and begins with a frame that
decodes by itself: joining copies its packets. The same frames give the same bytes.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

from impasto.errors import PictureError
from impasto.files import atomic
from impasto.film.clip_info import ClipInfo
from impasto.film.container import opened
from impasto.film.decoding import frames_of
from impasto.film.encoding import Target, encode
from impasto.film.failures import unwritten
from impasto.film.formats import FilmFormat
from impasto.film.frame import Frame
from impasto.film.libraries import load_av

__all__ = ["SUFFIX", "Segment", "read_segment", "segment_frames", "write_segment"]

SUFFIX = ".mov"
"""Of segments. Most containers keep times exactly; that of FFV1 and of coverage, Matroska, knows
milliseconds alone, as do the files that these become parts of."""

_KEY = "comment"


@dataclass(frozen=True)
class Segment:
    """What a segment holds.

    Attributes:
        path: of its file.
        times: when its frames are shown, in the film's time base, in order.
        order: places in `times` of its packets, which are in the order of decoding.
        time_base: the film's, in seconds.
        encoder: FFmpeg's name of it.
        width: of a frame as it is painted.
        height: the same.
    """

    path: Path
    times: list[int]
    order: list[int]
    time_base: Fraction
    encoder: str
    width: int
    height: int


def write_segment(
    path: Path, frames: Iterable[Frame], info: ClipInfo, film_format: FilmFormat
) -> Segment:
    """Encode frames into a segment; its file appears complete or not at all.

    Args:
        path: ends with `SUFFIX`; a file there is replaced.
        frames: at least one, all of one size, in order.
        info: of the film that they are painted after.

    Raises:
        PictureError: there is no frame, they differ in size, or the file cannot be written.
    """
    rest = iter(frames)
    first = next(rest, None)
    if first is None:
        raise PictureError(f"{path} is not written: there are no frames for it.")
    try:
        with atomic.replacing(path, path.suffix) as temporary:
            _write(temporary, first, chain([first], rest), info, film_format)
            atomic.sync(temporary)
    except (OSError, load_av().FFmpegError) as problem:
        raise unwritten(path, problem) from problem
    return read_segment(path)


def read_segment(path: Path) -> Segment:
    """Return what a segment holds; nothing is decoded.

    Raises:
        PictureError: it is missing, damaged, or no segment.
    """
    with opened(path) as container:
        try:
            about = json.loads(container.metadata.get(_KEY) or container.metadata[_KEY.upper()])
            base = Fraction(about["time_base"])
            first = int(about["first"])
            encoder = str(about["encoder"])
            width, height = int(about["width"]), int(about["height"])
        except (ValueError, KeyError, TypeError) as problem:
            raise PictureError(f"{path} is no segment of a film: remove it.") from problem
        stream = container.streams.video[0]
        packets = [packet.pts for packet in container.demux(stream) if packet.size]
        unit = stream.time_base / base
        shown = sorted(packets)
        order = [bisect_left(shown, pts) for pts in packets]
        times = [first + round(pts * unit) for pts in shown]
    return Segment(path, times, order, base, encoder, width, height)


def segment_frames(segment: Segment) -> Iterator[Any]:
    """Yield a segment's frames as FFmpeg's, in order."""
    with opened(segment.path) as container:
        stream = container.streams.video[0]
        yield from frames_of(container, stream, stream.decode, is_interlaced=False)


def _write(
    path: Path, first: Frame, frames: Iterable[Frame], info: ClipInfo, film_format: FilmFormat
) -> None:
    height, width = first.pixels.shape[-2:]
    about = {
        "encoder": film_format.codec.encoder,
        "first": first.pts,
        "height": height,
        "time_base": str(info.time_base),
        "width": width,
    }
    target = Target(
        _muxer(film_format), info.time_base, info.average_rate, {_KEY: json.dumps(about)}
    )
    encode(path, frames, target, film_format)


def _muxer(film_format: FilmFormat) -> str:
    codec = film_format.codec.name
    if codec == "ffv1" or (codec == "vp9" and film_format.has_alpha):
        return "matroska"  # no other holds FFV1, or the second picture of coverage
    return "mov" if codec == "prores" else "mp4"
