"""What a film holds beside its pictures: sound, subtitles, chapters and words about it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from impasto.film.container import opened
from impasto.film.decoding import whole
from impasto.film.formats import Container
from impasto.film.libraries import load_av

__all__ = ["Span", "Tracks", "about", "add_tracks", "chapters"]

_log = logging.getLogger(__name__)

Timed = tuple[Fraction, Any]
"""A packet with the time at which it is decoded, in seconds of the film that is written."""

# What muxers write themselves, and what was true of the source's file alone.
_TECHNICAL = {
    "major_brand", "minor_version", "compatible_brands", "encoder", "duration", "creation_time",
    "rotate", "handler_name", "vendor_id", "number_of_frames", "number_of_bytes", "bps",
    "alpha_mode",
}  # fmt: skip


@dataclass(frozen=True)
class Span:
    """A part of a film, in seconds of its own clock.

    Attributes:
        start: what becomes 0.
        end: where it ends; None for all that there is.
        is_whole_start: whether it begins with the film: sound from before the first frame is kept.
    """

    start: Fraction
    end: Fraction | None
    is_whole_start: bool

    def holds(self, begin: Fraction) -> bool:
        """Return whether what begins then is in it."""
        is_late = self.end is not None and begin >= self.end
        return not is_late and (self.is_whole_start or begin >= self.start)


@runtime_checkable
class _Track(Protocol):
    """One track's way from the source to the film that is written."""

    def packets(self, packet: Any) -> Iterator[Any]:
        """Yield what a packet becomes; of an empty one, what is left at the end."""


@dataclass(frozen=True)
class Tracks:
    """The tracks that go along with the pictures."""

    path: Path
    tracks: dict[int, _Track]

    def packets(self) -> Iterator[Timed]:
        """Yield their packets in the order in which the source has them."""
        if not self.tracks:
            return
        with opened(self.path) as source:
            chosen = [source.streams[index] for index in self.tracks]
            for packet in whole(source.demux(*chosen)):
                for made in self.tracks[packet.stream.index].packets(packet):
                    time = made.dts if made.dts is not None else made.pts
                    yield time * made.time_base, made


def add_tracks(source: Any, path: Path, out: Any, container: Container, span: Span) -> Tracks:
    """Add streams for a source's sound, subtitles and attached fonts to what is written.

    They are copied, or encoded anew where the container cannot hold them. What it cannot hold at
    all is left out, with a note in the log.

    Args:
        source: the film, opened; `path` names it.
        out: the container that is written.
        container: its kind.
        span: the part that is kept.
    """
    tracks: dict[int, _Track] = {}
    for stream in (*source.streams.audio, *source.streams.subtitles):
        track = _copied(stream, out, span) or _anew(stream, out, container, span)
        if track is None:
            _log.warning(
                "%s: its %s (%s) cannot be written into %s, it is left out.",
                path, _NAMES[stream.type], _codec_name(stream), container.suffix,
            )  # fmt: skip
        else:
            tracks[stream.index] = track
    for stream in source.streams.attachments:
        with suppress(ValueError):
            out.add_stream_from_template(stream)
    return Tracks(path, tracks)


_NAMES = {"audio": "sound", "subtitle": "subtitles"}


def about(metadata: dict[str, str], recipe: str | None) -> dict[str, str]:
    """Return a film's words about itself, with the recipe as its comment."""
    kept = _words(metadata)
    if recipe is None:
        return kept
    old = kept.pop("comment", kept.pop("COMMENT", None))
    if old is not None:
        kept.setdefault("description", old)
    return {**kept, "comment": recipe}


def _words(metadata: dict[str, str]) -> dict[str, str]:
    return {k: v for k, v in metadata.items() if k.lower() not in _TECHNICAL}


def chapters(source: Any, span: Span) -> list[dict[str, Any]]:
    """Return the chapters of a part of a film, in its own time."""
    found = []
    for chapter in source.chapters():
        base = chapter["time_base"]
        start = max(chapter["start"] * base, span.start) - span.start
        end = chapter["end"] * base
        end = (end if span.end is None else min(end, span.end)) - span.start
        if end > start:
            times = {"start": round(start / base), "end": round(end / base)}
            found.append({**chapter, **times})
    return found


def _copied(stream: Any, out: Any, span: Span) -> _Track | None:
    if stream.codec_context is None:
        return None
    try:
        made = out.add_stream_from_template(stream)
    except ValueError:
        return None
    _name(made, stream)
    return _Copy(stream, made, span)


def _name(made: Any, stream: Any) -> None:
    """Keep a track's language, title and whether it is shown by default."""
    made.metadata.update(_words(stream.metadata))
    made.disposition = stream.disposition


def _codec_name(stream: Any) -> str:
    return "unknown" if stream.codec_context is None else str(stream.codec_context.name)


@dataclass
class _Copy:
    """Packets as they are."""

    stream: Any
    made: Any
    span: Span

    def packets(self, packet: Any) -> Iterator[Any]:
        if packet.size == 0 or packet.pts is None:
            return
        if packet.dts is None and self.stream.type == "audio":
            packet.dts = packet.pts
        base = packet.time_base
        if self.span.holds(packet.pts * base):
            offset = round(self.span.start / base)
            packet.pts -= offset
            if packet.dts is not None:
                packet.dts -= offset
            packet.stream = self.made
            yield packet


def _anew(stream: Any, out: Any, container: Container, span: Span) -> _Track | None:
    if stream.codec_context is None:
        return None
    if stream.type == "audio":
        return _sound(stream, out, container, span)
    return _text(stream, out, container, span)


def _sound(stream: Any, out: Any, container: Container, span: Span) -> _Track:
    """Return a track whose sound is encoded anew; more than two channels become 5.1 or 7.1."""
    context = stream.codec_context
    rate = 48_000 if container.sound == "libopus" else context.sample_rate
    made = out.add_stream(container.sound, rate=rate)
    channels = context.layout.nb_channels
    made.layout = {1: "mono", 2: "stereo"}.get(channels, "5.1" if channels <= 6 else "7.1")
    made.bit_rate = _BITS_A_CHANNEL * made.layout.nb_channels
    _name(made, stream)
    _log.warning(
        "The sound (%s) is encoded anew, as %s cannot hold it.", context.name, container.suffix
    )
    return _Sound(stream, made, span)


_BITS_A_CHANNEL = 96_000


@dataclass
class _Sound:
    stream: Any
    made: Any
    span: Span

    def packets(self, packet: Any) -> Iterator[Any]:
        av = load_av()
        with suppress(av.FFmpegError):  # what does not decode is passed over
            for frame in self.stream.decode(packet if packet.size else None):
                if frame.pts is None or not self.span.holds(frame.pts * frame.time_base):
                    continue
                frame.pts -= round(self.span.start / frame.time_base)
                yield from self.made.encode(frame)
        if packet.size == 0:
            yield from self.made.encode(None)


def _text(stream: Any, out: Any, container: Container, span: Span) -> _Track | None:
    if stream.codec_context.name not in _TEXTS:
        return None
    context = stream.codec_context
    context.open(strict=False)
    made = out.add_stream(container.text)
    made.codec_context.subtitle_header = context.subtitle_header
    made.codec_context.time_base = Fraction(1, 1000)
    _name(made, stream)
    return _Text(stream, made, span)


_TEXTS = ("subrip", "srt", "ass", "ssa", "mov_text", "webvtt", "text")


@dataclass
class _Text:
    """Subtitles that are text, in another notation."""

    stream: Any
    made: Any
    span: Span

    def packets(self, packet: Any) -> Iterator[Any]:
        if packet.size == 0 or packet.pts is None:
            return
        begin = packet.pts * packet.time_base
        if not self.span.holds(begin):
            return
        lasting = (packet.duration or 0) * packet.time_base
        text = self.stream.codec_context.decode2(packet)
        if text is None:
            return
        found = self.made.codec_context.encode_subtitle(text)
        found.time_base = Fraction(1, 1000)
        found.pts = found.dts = round((begin - self.span.start) * 1000)
        found.duration = round(lasting * 1000)
        found.stream = self.made
        yield found
