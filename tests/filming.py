"""Small films for the tests, each with one of the things that films have."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from impasto.film.libraries import load_av

av = load_av()

WIDTH, HEIGHT, FRAMES = 96, 64, 30

Array = np.ndarray


def scene(index: int, width: int = WIDTH, height: int = HEIGHT) -> Array:
    """A gradient that brightens from frame to frame, and a white bar that moves."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[..., 0] = np.linspace(0, 200, width)
    picture[..., 1] = 40 + index * 5 % 200
    picture[..., 2] = np.linspace(0, 200, height)[:, None]
    picture[10:20, index * 2 : index * 2 + 10] = 255
    return picture


def film(
    path: Path,
    codec: str = "libx264",
    *,
    pixels: str = "yuv420p",
    frames: int = FRAMES,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    rate: int = 25,
    times: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    options: dict[str, str] | None = None,
    muxer: str | None = None,
    sound: str | None = None,
    subtitles: str | None = None,
    chapters: list[dict[str, Any]] | None = None,
    words: dict[str, str] | None = None,
    rotation: int = 0,
    gop: int = 10,
    tags: tuple[int, int, int, int] | None = None,
    pictures: Sequence[Array] | None = None,
) -> Path:
    """Write a film; `tags` are matrix, range, transfer and primaries."""
    with av.open(str(path), "w", format=muxer) as out:
        out.metadata.update(words or {})
        stream = out.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height, stream.pix_fmt = *size, pixels
        stream.codec_context.gop_size = gop
        stream.codec_context.thread_count = 1
        if time_base is not None:
            stream.codec_context.time_base = time_base
        if tags is not None:
            _tag(stream.codec_context, tags)
        if rotation:
            stream.set_display_rotation(rotation)
        audio = None if sound is None else out.add_stream(sound, rate=48000)
        text = None if subtitles is None else out.add_stream(subtitles)
        if text is not None:
            _ass_header(text)
        if chapters:
            out.set_chapters(chapters)
        for i in range(frames):
            picture = scene(i, *size) if pictures is None else pictures[i]
            frame = _frame(picture, pixels, tags)
            frame.pts = i if times is None else times[i]
            if time_base is not None:
                frame.time_base = time_base
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        if audio is not None:
            _hum(out, audio, frames / rate)
        if text is not None:
            _titles(out, text)
    return path


def _frame(picture: Array, pixels: str, tags: tuple[int, int, int, int] | None) -> Any:
    if picture.dtype == np.uint16:
        frame = av.VideoFrame.from_ndarray(picture, "rgb48le")
    else:
        frame = av.VideoFrame.from_ndarray(picture, "rgba" if picture.shape[2] == 4 else "rgb24")
    if tags is None:
        return frame.reformat(format=pixels)
    names = {1: "ITU709", 9: "BT2020", 6: "ITU601"}
    made = frame.reformat(
        format=pixels,
        dst_colorspace=names[tags[0]],
        dst_color_range=tags[1],
    )
    made.colorspace, made.color_range, made.color_trc, made.color_primaries = tags
    return made


def _tag(context: Any, tags: tuple[int, int, int, int]) -> None:
    context.colorspace, context.color_range = tags[:2]
    context.color_trc, context.color_primaries = tags[2:]


def _hum(out: Any, stream: Any, seconds: float) -> None:
    rate, size = 48000, 1024
    for start in range(0, round(seconds * rate), size):
        wave = np.sin(np.arange(start, start + size) * 2 * np.pi * 440 / rate) * 0.3
        frame = av.AudioFrame.from_ndarray(
            np.tile(wave.astype(np.float32), (2, 1)), format="fltp", layout="stereo"
        )
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        out.mux(stream.encode(frame))
    out.mux(stream.encode(None))


def _ass_header(stream: Any) -> None:
    stream.codec_context.subtitle_header = (
        b"[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\n"
        b"Format: Name, Fontname, Fontsize\nStyle: Default,Arial,16\n\n[Events]\n"
        b"Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
    )
    stream.codec_context.time_base = Fraction(1, 1000)


def _titles(out: Any, stream: Any) -> None:
    """Two subtitles: at 0.2 s and at 0.8 s, each for 0.3 s."""
    subtitle = import_module("av.subtitles.subtitle")

    for number, start in enumerate((200, 800)):
        words = f"{number},0,Default,,0,0,0,,Title {number}".encode()
        packet = stream.codec_context.encode_subtitle(subtitle.SubtitleSet.create(words, 0, 300))
        packet.time_base = Fraction(1, 1000)
        packet.pts = packet.dts = start
        packet.duration = 300
        packet.stream = stream
        out.mux(packet)
