"""Films that FFmpeg reads: when their frames are shown, and the frames from any of them on."""

from __future__ import annotations

import logging
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from impasto.errors import OptionError, PictureError
from impasto.film.clip_info import ClipInfo, Transfer, constant_rate
from impasto.film.decoding import decoding_by, frames_of, pts_of, whole
from impasto.film.frame_colours import (
    Levels,
    Meaning,
    has_alpha,
    meaning_of,
    rgb_of,
)
from impasto.film.libraries import load_av, load_cv2
from impasto.image.size_limits import check_size

__all__ = ["ContainerFrames", "Key", "container_frames", "opened", "picture_stream"]

_log = logging.getLogger(__name__)

_RAW = ("h264", "hevc", "m4v", "mpegvideo", "mjpeg", "dirac", "vc1", "h263", "vvc", "obu")
_UNTIMED = (("avi", "h264"), ("avi", "hevc"))  # AVI tells when packets come, not when they show
_COVER = 0x400  # the disposition of a picture that goes with sound
_MISSING, _NEARLY_ALL = 0.6, 0.9  # seconds, share of a film
_LOOKED_AT = 4  # frames that say whether the film is interlaced
_NEARLY_SQUARE = Fraction(1, 100)  # what scaling to whole pixels leaves behind
_PEAKS = 5  # frames of which the brightest counts


@dataclass(frozen=True)
class Key:
    """A frame that decodes by itself: what is sought for the frames after it."""

    pts: int
    dts: int


@dataclass(frozen=True)
class ContainerFrames:
    """The frames of a film's file.

    Attributes:
        path: of the file.
        info: what it holds.
        times: when each frame is shown, in order.
        keys: the frames that decode by themselves, in order.
        turns: quarters by which a frame is turned counterclockwise to be upright.
        meaning: of the colours.
        rate: frames a second of a stream without times.
        has_hidden_alpha: whether coverage is a second picture, as in WebM.
        is_counted: whether frames are told apart by their number alone, as their times do not say
            in which order they are shown (AVI) or are not there at all: no frame is sought then.
    """

    path: Path
    info: ClipInfo
    times: list[int] = field(repr=False)
    keys: list[Key] = field(repr=False)
    turns: int
    meaning: Meaning
    rate: Fraction | None = None
    has_hidden_alpha: bool = False
    is_counted: bool = False

    def levels(self, start: int) -> Iterator[tuple[int, Levels]]:
        """Yield the frames from one on, with their indices, upright; damaged ones are left out."""
        for index, frame in self._decoded(start):
            levels = rgb_of(frame, self.info.bits, self.info.has_alpha)
            levels = self.meaning.srgb(_squared(levels, self.info, self.turns))
            yield index, np.ascontiguousarray(np.rot90(levels, self.turns))

    def _decoded(self, start: int) -> Iterator[tuple[int, Any]]:
        """Yield FFmpeg's frames from one on."""
        # A frame's fields are joined by what is before and after it.
        lead = max(start - 1, 0) if self.info.is_interlaced else start
        key = self._key_before(lead)
        frames = self._from_key(key)
        first = next(frames, None)
        if key > 0 and (first is None or first[0] > lead):  # seeking led too far
            frames = self._from_key(0)
        elif first is not None:
            frames = chain([first], frames)
        yield from (found for found in frames if found[0] >= start)

    def _key_before(self, index: int) -> int:
        return max(bisect_right(self.keys, self.times[index], key=lambda key: key.pts) - 1, 0)

    def _from_key(self, key: int) -> Iterator[tuple[int, Any]]:
        """Yield the frames in the order in which they are shown, with their indices."""
        with opened(self.path, self.rate) as container:
            stream = picture_stream(container, self.path)
            if key > 0:
                container.seek(self.keys[key].dts, stream=stream)
            decode = decoding_by(stream, self.has_hidden_alpha)
            frames = frames_of(container, stream, decode, self.info.is_interlaced)
            if self.is_counted:
                yield from zip(range(len(self.times)), frames, strict=False)
            else:
                yield from self._placed(frames, stream)

    def _placed(self, frames: Iterator[Any], stream: Any) -> Iterator[tuple[int, Any]]:
        last = -1
        for frame in frames:
            pts = pts_of(frame, stream)
            index = -1 if pts is None else bisect_left(self.times, pts)
            if last < index < len(self.times) and self.times[index] == pts:
                last = index
                yield index, frame


def container_frames(path: Path, rate: Fraction | None = None) -> ContainerFrames:
    """Read the times of a film's frames from its packets, and what its first frames tell.

    Args:
        rate: frames a second, for streams without times of their own.

    Raises:
        PictureError: it cannot be read, or holds no pictures that move.
        OptionError: a rate is missing, or given for a film that has times.
    """
    with opened(path, rate) as container:
        stream = picture_stream(container, path)
        _check_rate(container, path, rate)
        codec = stream.codec_context.codec.canonical_name
        is_counted = container.format.name in _RAW or (container.format.name, codec) in _UNTIMED
        index = _index(container, stream)
    if is_counted and rate is not None:
        index = _Index(list(range(index.packets)), [], index.packets, index.packets, 1 / rate)
    return _looked_at(path, index, rate, is_counted)


@contextmanager
def opened(path: Path, rate: Fraction | None = None) -> Iterator[Any]:
    """Open a film.

    Raises:
        PictureError: it cannot be read.
    """
    av = load_av()
    options = {} if rate is None else {"framerate": str(rate)}
    try:
        container = av.open(str(path), options=options, metadata_errors="replace")
    except FileNotFoundError as problem:
        raise PictureError(f"There is no file {path}: check its name.") from problem
    except (OSError, ValueError, av.FFmpegError) as problem:
        raise PictureError(_explained(path, problem)) from problem
    with container:
        yield container


def picture_stream(container: Any, path: Path) -> Any:
    """Return the stream of moving pictures: not the cover of an album.

    Raises:
        PictureError: there is none.
    """
    streams = [s for s in container.streams.video if not int(s.disposition) & _COVER]
    if not streams or streams[0].codec_context is None:
        what = (
            "no moving pictures" if not streams else "pictures of a codec that FFmpeg cannot read"
        )
        raise PictureError(f"{path} holds {what}: give a film.")
    return streams[0]


def _check_rate(container: Any, path: Path, rate: Fraction | None) -> None:
    is_raw = container.format.name in _RAW
    if is_raw and rate is None:
        raise OptionError(
            f"{path} is a bare stream, which has no frame rate: give it, such as --fps 25."
        )
    if not is_raw and rate is not None:
        raise OptionError(
            f"{path} says itself when its frames are shown: leave out --fps, which is for rows of "
            "pictures."
        )


@dataclass(frozen=True)
class _Index:
    """What a film's packets tell: see `ContainerFrames`."""

    times: list[int]
    keys: list[Key]
    end: int
    packets: int
    time_base: Fraction


def _index(container: Any, stream: Any) -> _Index:
    times, keys, end, packets = [], [], 0, 0
    for packet in whole(container.demux(stream)):
        if packet.size == 0 or packet.is_discard:
            continue
        packets += 1
        pts = packet.pts if packet.pts is not None else packet.dts
        if pts is None:
            continue
        times.append(pts)
        if packet.is_keyframe:
            keys.append(Key(pts, pts if packet.dts is None else packet.dts))
        end = max(end, pts + (packet.duration or 0))
    times = sorted(set(times))
    if times:
        end = _end(container, stream, times, end)
    return _Index(times, sorted(keys, key=lambda key: key.pts), end, packets, stream.time_base)


def _end(container: Any, stream: Any, times: list[int], end: int) -> int:
    """Return when the last frame is over; say so if the file ends before its header says."""
    end = max(end, times[-1] + _usual_gap(times))
    if not container.duration:
        return end
    told = Fraction((container.start_time or 0) + container.duration, 10**6) / stream.time_base
    missing = float((told - end) * stream.time_base)
    if missing > _MISSING and missing > (1 - _NEARLY_ALL) * float(container.duration / 10**6):
        _log.warning("The film ends %.1f s before its file says: it may be cut short.", missing)
        return end
    # Matroska says no more of how long the last frame is shown.
    return max(end, round(told)) if len(container.streams) == 1 else end


def _usual_gap(times: list[int]) -> int:
    gaps = sorted(b - a for a, b in pairwise(times))
    return gaps[len(gaps) // 2] if gaps else 1


def _looked_at(
    path: Path, index: _Index, rate: Fraction | None, is_counted: bool
) -> ContainerFrames:
    with opened(path, rate) as container:
        stream = picture_stream(container, path)
        words = {key.lower(): value for key, value in stream.metadata.items()}
        has_hidden_alpha = words.get("alpha_mode") == "1"
        decode = decoding_by(stream, has_hidden_alpha)
        frames = list(islice(frames_of(container, stream, decode, False), _LOOKED_AT))
        if not frames:
            raise PictureError(
                f"{path} holds no frame that can be decoded: get it again from where it came from."
            )
        first = frames[0]
        turns = _turns(first, stream)
        width, height = _shown(first, stream, turns)
        check_size((width, height), str(path))
        info = ClipInfo(
            width=width,
            height=height,
            frames=len(index.times),
            seconds=_length(index),
            time_base=index.time_base,
            rate=constant_rate(index.times, index.time_base),
            bits=max((c.bits for c in first.format.components), default=8),
            has_alpha=any(_is_transparent(frame) for frame in frames),
            transfer=_TRANSFERS.get(first.color_trc, "sdr"),
            has_sound=bool(container.streams.audio),
            is_interlaced=any(frame.interlaced_frame for frame in frames),
            end=index.end,
            kind=container.format.name.partition(",")[0],
            codec=stream.codec_context.codec.canonical_name,
        )
        keys = [] if is_counted else index.keys
        meaning = meaning_of(first)
        source = ContainerFrames(
            path, info, index.times, keys, turns, meaning, rate, has_hidden_alpha, is_counted
        )
    return replace(source, meaning=_with_peak(source)) if meaning.is_hdr else source


_TRANSFERS: dict[int, Transfer] = {16: "pq", 18: "hlg"}


def _length(index: _Index) -> float:
    return float((index.end - index.times[0]) * index.time_base) if index.times else 0.0


def _is_transparent(frame: Any) -> bool:
    """Return whether a frame has coverage: GIF and PNG have room for it always, mostly unused."""
    if not has_alpha(frame.format.name):
        return False
    if not frame.format.is_rgb:
        return True
    return bool(rgb_of(frame, 8, alpha=True)[..., 3].min() < 255)


def _turns(frame: Any, stream: Any) -> int:
    """Return by how many quarters a frame is turned counterclockwise to be upright."""
    degrees = frame.rotation
    if degrees == 0:  # older cameras write a tag, in degrees clockwise
        with suppress(ValueError):
            degrees = -int(stream.metadata.get("rotate", 0))
    return int(degrees / 90 % 4 + 0.5) % 4


def _shown(frame: Any, stream: Any, turns: int) -> tuple[int, int]:
    """Return width and height as they are seen: upright, with square pixels."""
    aspect = stream.sample_aspect_ratio or Fraction(1)
    if not Fraction(1, 4) <= aspect <= 4 or abs(aspect - 1) < _NEARLY_SQUARE:
        aspect = Fraction(1)
    width, height = max(1, round(frame.width * aspect)), frame.height
    return (width, height) if turns % 2 == 0 else (height, width)


def _squared(levels: Levels, info: ClipInfo, turns: int) -> Levels:
    """Stretch a frame whose pixels are not square, or whose size changes in mid-film."""
    size = (info.width, info.height) if turns % 2 == 0 else (info.height, info.width)
    if (levels.shape[1], levels.shape[0]) == size:
        return levels
    cv2 = load_cv2()
    return np.asarray(cv2.resize(levels, size, interpolation=cv2.INTER_LINEAR))


def _with_peak(source: ContainerFrames) -> Meaning:
    """Return what the colours mean with the brightest of a few frames, so that nothing pumps."""
    step = max(1, len(source.times) // _PEAKS)
    peak = 0.0
    for start in range(0, len(source.times), step):
        for _, frame in islice(source._decoded(start), 1):
            peak = max(peak, source.meaning.peak_in(rgb_of(frame, source.info.bits, False)))
    return source.meaning.with_peak(peak)


def _explained(path: Path, problem: Exception) -> str:
    av = load_av()
    if isinstance(problem, av.InvalidDataError):
        return (
            f"{path} is no film that FFmpeg knows, or is damaged or cut short: get it again from "
            "where it came from."
        )
    return f"{path} cannot be read: {getattr(problem, 'strerror', None) or problem}."
