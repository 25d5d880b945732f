"""A study as a film: H.264 in an MP4 file, which every browser plays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from impasto.errors import OptionError, PictureError
from impasto.files import atomic
from impasto.sheets.contact_sheet import INK, Cell, canvas_for, fitted, font, wrapped

__all__ = ["FRAMES_A_SECOND", "check_film", "fading", "framed", "save_film"]

FRAMES_A_SECOND = 24

_HOLD, _FADE = 22, 10  # frames that a picture stands, and that it takes to the next
_SIDE = (512, 1024)  # a frame's long side, at least and at most
_STRIP = 48  # where the caption stands


def check_film() -> None:
    """Fail before the work rather than after it.

    Raises:
        OptionError: there is nothing here that writes films.
    """
    _library()


def _library() -> Any:
    try:
        import av
    except ImportError as problem:
        raise OptionError(
            "A study's film is written with PyAV, which is not installed here. Install it with "
            "`pip install 'impasto[study]'`, or leave the film out with --no-video."
        ) from problem
    return av


def framed(cell: Cell, size: tuple[int, int]) -> Image.Image:
    """A frame: the picture, enlarged to where the largest goes, over its caption.

    Args:
        size: of the study's largest picture.
    """
    low, high = _SIDE
    factor = min(max(max(size), low), high) / max(size)
    width, height = (_even(side * factor) for side in size)
    frame = canvas_for(width, height + _STRIP)
    shown = fitted(cell.picture, width, height)
    if abs(shown.width - width) <= 4 and abs(shown.height - height) <= 4:  # a scale's own rounding
        shown = shown.resize((width, height), Image.Resampling.LANCZOS)
    frame.paste(shown, ((width - shown.width) // 2, (height - shown.height) // 2))
    face = font(20)
    told = wrapped(cell.caption, face, width - 24, lines=1)[0]
    ImageDraw.Draw(frame).text((12, height + 12), told, INK, face)
    return frame


def fading(frames: Sequence[Image.Image]) -> Iterator[Image.Image]:
    """Each frame for a second, and from one to the next by cross-fading."""
    for i, frame in enumerate(frames):
        yield from [frame] * _HOLD
        if i + 1 < len(frames):
            steps = range(1, _FADE)
            yield from (Image.blend(frame, frames[i + 1], step / _FADE) for step in steps)


def save_film(path: Path, frames: Iterable[Image.Image]) -> None:
    """Write frames of one size; the file appears whole or not at all.

    Raises:
        PictureError: it cannot be written.
    """
    av = _library()
    try:
        with (
            atomic.replacing(path, ".mp4") as temporary,
            av.open(str(temporary), "w", options={"movflags": "faststart"}) as container,
        ):
            _encode(av, container, frames)
    except (OSError, av.FFmpegError) as problem:
        raise PictureError(f"The film {path} cannot be written: {problem}.") from problem


def _encode(av: Any, container: Any, frames: Iterable[Image.Image]) -> None:
    stream = None
    for image in frames:
        if stream is None:
            stream = container.add_stream("libx264", rate=FRAMES_A_SECOND)
            stream.width, stream.height = image.size
            stream.pix_fmt = "yuv420p"
            stream.options = {"crf": "20", "preset": "medium"}
            stream.thread_count = 1
        for packet in stream.encode(av.VideoFrame.from_image(image)):
            container.mux(packet)
    if stream is not None:
        for packet in stream.encode():
            container.mux(packet)


def _even(side: float) -> int:
    """Colour is stored for pairs of pixels, so both sides are even."""
    return max(2, 2 * round(side / 2))
