"""A painted film as an animated GIF or WebP."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from impasto.film.clip_info import ClipInfo
from impasto.film.formats import FilmFormat
from impasto.film.libraries import load_av
from impasto.film.segments import Segment, segment_frames
from impasto.film.webp_file import finish_webp

__all__ = ["write_animation"]

_GIF_UNIT, _WEBP_UNIT = Fraction(1, 100), Fraction(1, 1000)
_LEAST = 2  # units that a GIF's frame is shown: what is shown for less, browsers show for ten


def write_animation(
    path: Path,
    parts: Sequence[Segment],
    times: Sequence[int],
    end: int,
    info: ClipInfo,
    film_format: FilmFormat,
    recipe: str | None,
) -> None:
    """Write the frames of segments into a GIF or a WebP that repeats for ever.

    Args:
        parts: whose pictures lose nothing; they are read twice for a GIF, whose 256 colours are
            chosen for all of its frames, as those of each frame would flicker.
        times: when each frame is shown, in the clip's time base, from 0.
        end: when the last is over.
        recipe: kept by a WebP.
    """
    if film_format.container.kind == "gif":
        _write_gif(path, parts, times, end, info.time_base)
    else:
        _write_webp(path, parts, [*times, end], info.time_base, film_format)
        finish_webp(path, round(end * info.time_base / _WEBP_UNIT), recipe)


def _write_gif(
    path: Path, parts: Sequence[Segment], times: Sequence[int], end: int, base: Fraction
) -> None:
    last = max(_LEAST, round((end - times[-1]) * base / _GIF_UNIT))
    options = {"loop": "0", "final_delay": str(last)}
    palette = _palette(parts)
    painted = _gif_frames(parts, times, base)
    first = next(painted)
    graph, inputs = _colouring(first, palette)
    av = load_av()
    with av.open(str(path), "w", format="gif", options=options) as out:
        stream = _stream(out, "gif", first, "pal8", _GIF_UNIT)
        for frame in _through(graph, inputs, first, painted):
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def _gif_frames(parts: Sequence[Segment], times: Sequence[int], base: Fraction) -> Iterator[Any]:
    """Yield the frames with their times in a GIF's unit, but for those too soon after others."""
    last = -_LEAST
    for frame, pts in zip(_frames(parts), times, strict=False):
        at = round(pts * base / _GIF_UNIT)
        if at - last >= _LEAST:
            frame.pts, frame.time_base = at, _GIF_UNIT
            last = at
            yield frame


def _frames(parts: Sequence[Segment]) -> Iterator[Any]:
    for part in parts:
        yield from segment_frames(part)


def _palette(parts: Sequence[Segment]) -> Any:
    """Return 256 colours for all frames, as a picture of 16×16."""
    av = load_av()
    graph = None
    for number, frame in enumerate(_frames(parts)):
        frame.pts, frame.time_base = number, Fraction(1, 25)
        if graph is None:
            graph = av.filter.Graph()
            source = _input(graph, frame, Fraction(1, 25))
            chosen = graph.add("palettegen", "stats_mode=full")
            graph.link_nodes(source, chosen, graph.add("buffersink")).configure()
        graph.vpush(frame)
    assert graph is not None
    graph.vpush(None)
    return graph.vpull()


def _colouring(frame: Any, palette: Any) -> tuple[Any, Any]:
    """Return a graph that gives frames a palette's colours, and its input for frames."""
    graph = load_av().filter.Graph()
    pictures = _input(graph, frame, _GIF_UNIT)
    colours = _input(graph, palette, Fraction(1, 25))
    # Ordered dithering stays where it is from frame to frame; error diffusion crawls.
    used = graph.add("paletteuse", "dither=bayer:bayer_scale=3")
    pictures.link_to(used, 0, 0)
    colours.link_to(used, 0, 1)
    used.link_to(graph.add("buffersink"))
    graph.configure()
    palette.pts, palette.time_base = 0, Fraction(1, 25)
    colours.push(palette)
    colours.push(None)
    return graph, pictures


def _input(graph: Any, frame: Any, time_base: Fraction) -> Any:
    return graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=time_base
    )


def _through(graph: Any, pictures: Any, first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    pictures.push(first)
    yield from _pulled(graph)
    for frame in rest:
        pictures.push(frame)
        yield from _pulled(graph)
    pictures.push(None)
    yield from _pulled(graph)


def _pulled(graph: Any) -> Iterator[Any]:
    av = load_av()
    with suppress(av.BlockingIOError, av.EOFError):
        while True:
            yield graph.vpull()


def _write_webp(
    path: Path,
    parts: Sequence[Segment],
    times: Sequence[int],
    base: Fraction,
    film_format: FilmFormat,
) -> None:
    av = load_av()
    quality = film_format.quality
    options = {"lossless": "1" if quality == 100 else "0", "quality": str(quality)}
    with av.open(str(path), "w", format="webp", options={"loop": "0"}) as out:
        stream = None
        shown = [round(pts * base / _WEBP_UNIT) for pts in times]
        for frame, (start, stop) in zip(_frames(parts), pairwise(shown), strict=False):
            if stream is None:
                stream = _stream(out, "libwebp_anim", frame, "bgra", _WEBP_UNIT, options)
            picture = frame.reformat(format="bgra")
            picture.pts, picture.duration, picture.time_base = start, stop - start, _WEBP_UNIT
            out.mux(stream.encode(picture))
        if stream is not None:
            out.mux(stream.encode(None))


def _stream(
    out: Any,
    encoder: str,
    frame: Any,
    pixels: str,
    time_base: Fraction,
    options: dict[str, str] | None = None,
) -> Any:
    stream = out.add_stream(encoder, rate=Fraction(1) / time_base, options=options or {})
    stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, pixels
    stream.codec_context.time_base = time_base
    stream.codec_context.thread_count = 1
    return stream
