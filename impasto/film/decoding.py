"""FFmpeg's decoders: from a film's packets to frames, damaged ones left out, fields joined."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from fractions import Fraction
from typing import Any

from impasto.film.libraries import load_av

__all__ = ["decoding_by", "frames_of", "pts_of", "whole"]

_log = logging.getLogger(__name__)

Decode = Callable[[Any], Iterable[Any]]

# FFmpeg's own decoders of these leave out the second picture, which is the coverage.
_WITH_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


def decoding_by(stream: Any, has_hidden_alpha: bool) -> Decode:
    """Return what turns a packet of a stream into frames.

    Args:
        has_hidden_alpha: whether coverage is a second picture, as in WebM.
    """
    name = _WITH_ALPHA.get(stream.codec_context.name) if has_hidden_alpha else None
    if name is None:
        stream.thread_type = "AUTO"
        return stream.decode  # type: ignore[no-any-return]
    decoder = load_av().CodecContext.create(name, "r")
    decoder.extradata = stream.codec_context.extradata
    return decoder.decode  # type: ignore[no-any-return]


def frames_of(container: Any, stream: Any, decode: Decode, is_interlaced: bool) -> Iterator[Any]:
    """Yield the frames of a stream from where it stands, in the order in which they are shown.

    Args:
        is_interlaced: join the two fields of a frame into one picture.
    """
    frames = _decoded(container, stream, decode)
    return _deinterlaced(frames, stream) if is_interlaced else frames


def pts_of(frame: Any, stream: Any) -> int | None:
    """Return when a frame is shown, in the time base of its stream."""
    if frame.pts is None:
        return int(frame.dts) if frame.dts is not None else None
    if frame.time_base is None or frame.time_base == stream.time_base:
        return int(frame.pts)
    exact: Fraction = frame.pts * frame.time_base / stream.time_base
    return round(exact)


def whole(packets: Iterator[Any]) -> Iterator[Any]:
    """Yield packets up to the end, or to where a file is cut or cannot be read any more."""
    av = load_av()
    try:
        yield from packets
    except av.FFmpegError as problem:
        _log.warning("The film ends early: %s.", problem)


def _decoded(container: Any, stream: Any, decode: Decode) -> Iterator[Any]:
    av = load_av()
    for packet in whole(container.demux(stream)):
        # A packet is dropped that does not decode; others after it may.
        with suppress(av.FFmpegError):
            for frame in decode(packet if packet.size else None):
                if not frame.is_corrupt:
                    yield frame


def _deinterlaced(frames: Iterator[Any], stream: Any) -> Iterator[Any]:
    """Yield a whole picture for each frame by FFmpeg's `bwdif`; progressive ones as they are."""
    graph = None
    for frame in frames:
        if graph is None:
            graph = _graph(stream, frame)
        graph.vpush(frame)
        yield from _pulled(graph)
    if graph is not None:
        graph.vpush(None)
        yield from _pulled(graph)


def _graph(stream: Any, frame: Any) -> Any:
    av = load_av()
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=stream.time_base
    )
    joined = graph.add("bwdif", "mode=send_frame:parity=auto:deint=interlaced")
    graph.link_nodes(source, joined, graph.add("buffersink")).configure()
    return graph


def _pulled(graph: Any) -> Iterator[Any]:
    av = load_av()
    with suppress(av.BlockingIOError, av.EOFError):
        while True:
            yield graph.vpull()
