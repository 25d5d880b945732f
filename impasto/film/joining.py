"""Segments to one film: their packets one after another, with what the source has beside pictures.

Nothing is encoded a second time, but for animations and rows of pictures, whose segments lose
nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from heapq import merge
from itertools import pairwise
from pathlib import Path
from typing import Any

from impasto.errors import PictureError
from impasto.files import atomic
from impasto.film.animations import write_animation
from impasto.film.clip import Clip
from impasto.film.container import opened
from impasto.film.decode_times import decode_time
from impasto.film.failures import unwritten
from impasto.film.formats import FilmFormat
from impasto.film.libraries import load_av
from impasto.film.picture_files import write_pictures
from impasto.film.segments import Segment, read_segment
from impasto.film.tracks import Span, Tracks, about, add_tracks, chapters

__all__ = ["join"]


def join(
    segments: Sequence[Path],
    clip: Clip,
    out: Path,
    film_format: FilmFormat,
    start: int = 0,
    stop: int | None = None,
    recipe_text: str | None = None,
) -> None:
    """Join segments to a film; its file appears complete or not at all.

    Sound, subtitles, chapters and words of the clip go along, cut to the same part. Each frame is
    shown when the clip shows it, the first at 0.

    Args:
        segments: in order.
        clip: what was painted.
        out: a file, or a pattern of pictures; a file there is replaced.
        film_format: the segments'.
        start: index of the part's first frame.
        stop: index after its last; None for the clip's end.
        recipe_text: what the film says of how it was made.

    Raises:
        PictureError: a segment is missing or damaged or differs from the others, or the file
            cannot be written.
    """
    stop = clip.info.frames if stop is None else stop
    parts = [read_segment(path) for path in segments]
    _check(parts, film_format)
    times = _snapped(parts, clip)
    shown = _Shown([pts - clip.times[start] for pts in times], _end(clip, stop) - clip.times[start])
    try:
        if film_format.container.kind == "frames":
            write_pictures(parts, times, clip, out, film_format, recipe_text)
        elif film_format.is_film:
            with atomic.replacing(out, out.suffix) as temporary:
                _write(
                    temporary,
                    parts,
                    shown,
                    clip,
                    film_format,
                    _span(clip, start, stop),
                    recipe_text,
                )
                atomic.sync(temporary)
        else:
            with atomic.replacing(out, out.suffix) as temporary:
                write_animation(
                    temporary, parts, shown.times, shown.end, clip.info, film_format, recipe_text
                )
                atomic.sync(temporary)
    except (OSError, load_av().FFmpegError) as problem:
        raise unwritten(out, problem) from problem


@dataclass(frozen=True)
class _Shown:
    """When the frames are shown, in the clip's time base, with the part's beginning as 0."""

    times: list[int]
    end: int


def _end(clip: Clip, stop: int) -> int:
    return clip.times[stop] if stop < clip.info.frames else clip.info.end


def _span(clip: Clip, start: int, stop: int) -> Span:
    base = clip.info.time_base
    end = clip.times[stop] * base if stop < clip.info.frames else None
    return Span(clip.times[start] * base, end, is_whole_start=start == 0)


def _check(parts: list[Segment], film_format: FilmFormat) -> None:
    if not parts:
        raise PictureError("There is nothing to join: no segment was painted.")
    for part in parts:
        same = (part.width, part.height) == (parts[0].width, parts[0].height)
        if not same or part.encoder != film_format.codec.encoder:
            raise PictureError(
                f"{part.path} was painted at another size or for another codec than the rest: "
                "remove it, and let it be painted again."
            )


def _snapped(parts: list[Segment], clip: Clip) -> list[int]:
    """Return the frames' times as the clip has them: a segment's unit may be a coarser one."""
    times = []
    for pts in (pts for part in parts for pts in part.times):
        at = bisect_left(clip.times, pts)
        near = clip.times[max(at - 1, 0) : at + 1]
        times.append(min(near, key=lambda time: abs(time - pts)))
    for before, after in pairwise(times):
        if after <= before:
            raise PictureError(
                "The segments overlap or are out of order: give each frame once, in order."
            )
    return times


def _write(
    path: Path,
    parts: list[Segment],
    shown: _Shown,
    clip: Clip,
    film_format: FilmFormat,
    span: Span,
    recipe: str | None,
) -> None:
    av = load_av()
    with ExitStack() as stack:
        muxer = film_format.container.muxer
        options = {"movflags": "+faststart"} if muxer in ("mp4", "mov") else {}
        out = stack.enter_context(av.open(str(path), "w", format=muxer, options=options))
        first = stack.enter_context(opened(parts[0].path))
        stream = out.add_stream_from_template(first.streams.video[0], opaque=True)
        if film_format.codec.name == "hevc" and muxer in ("mp4", "mov"):
            stream.codec_tag = "hvc1"  # the only name under which Apple's players know it
        if film_format.codec.name == "vp9" and film_format.has_alpha:
            stream.metadata["alpha_mode"] = "1"  # that there is a second picture, of coverage
        tracks = Tracks(clip.path, {})
        if clip.info.kind not in ("frames", "animation"):
            source = stack.enter_context(opened(clip.path))
            tracks = add_tracks(source, clip.path, out, film_format.container, span)
            out.set_chapters(chapters(source, span))
            out.metadata.update(about(dict(source.metadata), recipe))
        elif recipe is not None:
            out.metadata["comment"] = recipe
        pictures = _pictures(parts, shown, clip.info.time_base, stream, first)
        # By time, as a muxer keeps what comes too early in memory.
        for _, packet in merge(pictures, tracks.packets(), key=lambda timed: timed[0]):
            out.mux(packet)


def _pictures(
    parts: list[Segment], shown: _Shown, base: Fraction, stream: Any, first: Any
) -> Iterator[tuple[Fraction, Any]]:
    """Yield the packets of all segments with the time at which each is decoded, in seconds."""
    extra = first.streams.video[0].codec_context.extradata
    orders = list(_orders(parts))
    late = max(place - index for place, index in enumerate(orders))
    decode_times = [decode_time(place, shown.times, late) for place in range(len(orders))]
    ends = _ends(orders, decode_times, shown)
    place = 0
    for part in parts:
        with opened(part.path) as container:
            source = container.streams.video[0]
            if source.codec_context.extradata != extra:
                raise PictureError(
                    f"{part.path} was written by another encoder than the first segment: remove "
                    "it, and let it be painted again."
                )
            for packet in (packet for packet in container.demux(source) if packet.size):
                packet.time_base, packet.stream = base, stream
                packet.pts, packet.dts = shown.times[orders[place]], decode_times[place]
                packet.duration = max(1, ends[place] - packet.pts)
                yield packet.dts * base, packet
                place += 1


def _orders(parts: list[Segment]) -> Iterator[int]:
    """Yield for each packet, in the order of decoding, the place of its frame in the film."""
    before = 0
    for part in parts:
        yield from (before + place for place in part.order)
        before += len(part.times)


def _ends(orders: list[int], decode_times: list[int], shown: _Shown) -> list[int]:
    """Return when each packet's frame is over.

    MP4 and MOV add up the times of decoding, so the last to be decoded makes up what is missing.
    """
    following = [*shown.times[1:], shown.end]
    ends = [following[index] for index in orders]
    late = decode_times[0] - shown.times[0]
    ends[-1] = shown.times[orders[-1]] + shown.end + late - decode_times[-1]
    return ends
