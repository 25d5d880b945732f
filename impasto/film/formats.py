"""The formats in which films are written: containers, codecs, qualities and depths."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from impasto.errors import OptionError, suggestion
from impasto.film.picture_frames import is_pattern
from impasto.image.formats import WRITTEN

__all__ = [
    "CODECS",
    "CONTAINERS",
    "DEFAULT_QUALITY",
    "Codec",
    "Container",
    "FilmFormat",
    "film_format",
]

DEFAULT_QUALITY = 80
"""Of films, which are many pictures: at it no difference is seen while they are shown."""

Kind = Literal["film", "gif", "webp", "frames"]


@dataclass(frozen=True)
class Codec:
    """How pictures are compressed.

    Attributes:
        name: as an option calls it.
        title: as a message calls it.
        encoder: FFmpeg's.
        pixels: FFmpeg's formats by (bits, whether there is coverage).
        worst: the encoder's measure for a quality of 0.
        best: the same for 100; the same as `worst` where there is no choice.
        late: the most places by which a frame is decoded after its turn to be shown.
        options: further ones of the encoder. One thread each: with several, the bytes of x265 and
            VP9 depend on how many there are.
    """

    name: str
    title: str
    encoder: str
    pixels: dict[tuple[int, bool], str]
    worst: int = 0
    best: int = 0
    late: int = 0
    options: tuple[tuple[str, str], ...] = ()

    @property
    def has_quality(self) -> bool:
        """Whether a quality may be chosen."""
        return self.worst != self.best

    def crf(self, quality: int) -> int:
        """Return the encoder's measure for a quality of 1 to 100."""
        return round(self.worst + (self.best - self.worst) * quality / 100)


# x264 and x265 are GPL; the wheels of PyAV carry them.
CODECS = {
    codec.name: codec
    for codec in (
        Codec(
            "h264",
            "H.264",
            "libx264",
            {(8, False): "yuv420p", (10, False): "yuv420p10le"},
            worst=45,
            best=10,
            late=4,
            # On processors with AVX-512 x264's bytes differ from time to time without the last.
            options=(("preset", "medium"), ("x264-params", "open-gop=0:cpu-independent=1")),
        ),
        Codec(
            "hevc",
            "HEVC",
            "libx265",
            {(8, False): "yuv420p", (10, False): "yuv420p10le"},
            worst=45,
            best=13,
            late=4,
            # x265's bytes differ in one of a hundred times where it chooses its B frames itself.
            options=(
                ("preset", "medium"),
                ("x265-params", "log-level=error:open-gop=0:pools=none:frame-threads=1:b-adapt=0"),
            ),
        ),
        Codec(
            "av1",
            "AV1",
            "libsvtav1",
            {(8, False): "yuv420p", (10, False): "yuv420p10le"},
            worst=60,
            best=15,
            options=(("preset", "8"), ("svtav1-params", "lp=1")),
        ),
        Codec(
            "vp9",
            "VP9",
            "libvpx-vp9",
            {(8, False): "yuv420p", (8, True): "yuva420p"},
            worst=60,
            best=14,
            options=(("deadline", "good"), ("cpu-used", "4"), ("b", "0")),
        ),
        Codec(
            "prores",
            "ProRes",
            "prores_ks",
            {(10, False): "yuv422p10le", (10, True): "yuva444p10le"},
            options=(("vendor", "apl0"),),
        ),
        Codec(
            "ffv1",
            "FFV1",
            "ffv1",
            {
                (8, False): "bgr0",
                (8, True): "bgra",
                (10, False): "gbrp16le",
                (10, True): "gbrap16le",
            },
            options=(("level", "3"), ("slicecrc", "1"), ("slices", "4")),
        ),
    )
}
"""The codecs of films, by what an option calls them."""


@dataclass(frozen=True)
class Container:
    """A kind of file.

    Attributes:
        suffix: with the dot.
        muxer: FFmpeg's.
        kind: whether it is a film with sound, or an animation, or pictures.
        codecs: what it may hold, the usual one first.
        with_alpha: the codec for coverage; empty where there is none.
        sound: the encoder for sound that it cannot hold as it is; empty where it holds none.
        text: the encoder of subtitles that it cannot hold as they are.
    """

    suffix: str
    muxer: str
    kind: Kind
    codecs: tuple[str, ...] = ()
    with_alpha: str = ""
    sound: str = ""
    text: str = ""


CONTAINERS = {
    row.suffix: row
    for row in (
        Container(".mp4", "mp4", "film", ("h264", "hevc", "av1", "vp9"), "", "aac", "mov_text"),
        Container(".m4v", "mp4", "film", ("h264", "hevc"), "", "aac", "mov_text"),
        Container(".mov", "mov", "film", ("h264", "hevc", "prores"), "prores", "aac", "mov_text"),
        Container(
            ".mkv", "matroska", "film", ("h264", "hevc", "av1", "vp9", "ffv1"), "vp9", "aac", "ass"
        ),
        Container(".webm", "webm", "film", ("vp9", "av1"), "vp9", "libopus", "webvtt"),
        Container(".gif", "gif", "gif"),
        Container(".webp", "webp", "webp"),
    )
}
"""The kinds of files that are written, by suffix."""


@dataclass(frozen=True)
class FilmFormat:
    """How a film is written.

    Attributes:
        container: the kind of file; of frames, with the suffix of each.
        codec: of the pictures, in segments too: FFV1, which loses nothing, for animations and
            frames, which are made of the segments when they are joined.
        quality: 1 to 100.
        bits: of a channel: 8 or 10, of frames 8 or 16.
        has_alpha: whether coverage is written.
    """

    container: Container
    codec: Codec
    quality: int = DEFAULT_QUALITY
    bits: int = 8
    has_alpha: bool = False

    @property
    def pixels(self) -> str:
        """FFmpeg's name of the format of pixels."""
        return self.codec.pixels[10 if self.bits > 8 else 8, self.has_alpha]

    @property
    def is_film(self) -> bool:
        """Whether it is a film, with sound; else an animation, or pictures."""
        return self.container.kind == "film"


def film_format(
    path: str | Path,
    *,
    codec: str | None = None,
    quality: int | None = None,
    bits: int | None = None,
    has_alpha: bool = False,
) -> FilmFormat:
    """Choose how a film is written by its name and what is asked for.

    Args:
        path: a film, a GIF or WebP, or a pattern of pictures such as `out/%05d.png`.
        codec: `h264`, `hevc`, `av1`, `vp9`, `prores` or `ffv1`; None for the usual one.
        quality: 1 to 100; None for `DEFAULT_QUALITY`.
        bits: 8, 10, or 16 for pictures; None for as many as the usual: 8.
        has_alpha: whether what is written has coverage; left out where the file cannot hold it.

    Raises:
        OptionError: the file cannot hold that.
    """
    path = Path(path)
    quality = DEFAULT_QUALITY if quality is None else quality
    if not 1 <= quality <= 100:
        raise OptionError(f"A quality of {quality} is not possible: give 1 to 100.")
    container = _container(path)
    if container.kind != "film":
        return _pictures(path, container, codec, quality, bits, has_alpha)
    chosen = _codec(container, codec, has_alpha)
    alpha = has_alpha and any(pair[1] for pair in chosen.pixels)
    return FilmFormat(container, chosen, quality, _bits(chosen, bits, alpha), alpha)


def _container(path: Path) -> Container:
    suffix = path.suffix.lower()
    if is_pattern(path):
        if suffix not in WRITTEN:
            raise OptionError(
                f"Frames named {path.name} cannot be written: give them one of the suffixes "
                f"{', '.join(sorted(WRITTEN))}."
            )
        return Container(suffix, "", "frames")
    if suffix not in CONTAINERS:
        names = f"{', '.join(CONTAINERS)}, or a pattern of pictures such as frames/%05d.png"
        what = (
            f"The suffix {path.suffix!r} is" if suffix else f"{path.name!r} has no suffix, which is"
        )
        raise OptionError(f"{what} none that films are written in. It may be {names}.")
    return CONTAINERS[suffix]


def _codec(container: Container, name: str | None, has_alpha: bool) -> Codec:
    if name is None:
        usual = container.with_alpha if has_alpha and container.with_alpha else container.codecs[0]
        return CODECS[usual]
    if name not in CODECS:
        raise OptionError(
            f"--codec {name} is none that is written: it may be {', '.join(CODECS)}"
            f"{suggestion(name, CODECS)}"
        )
    if name not in container.codecs:
        others = [s for s, row in CONTAINERS.items() if name in row.codecs]
        raise OptionError(
            f"{CODECS[name].title} cannot be written into {container.suffix}, which holds "
            f"{', '.join(container.codecs)}: choose one of these, or write {' or '.join(others)}."
        )
    return CODECS[name]


def _bits(codec: Codec, bits: int | None, has_alpha: bool) -> int:
    allowed = [depth for depth, alpha in codec.pixels if alpha == has_alpha]
    if bits is None:
        return allowed[0]
    if bits not in allowed:
        what = f"{codec.title} with transparency" if has_alpha else codec.title
        raise OptionError(
            f"--bits {bits} is not possible: {what} is written with "
            f"{' or '.join(str(depth) for depth in allowed)} bits of a channel."
        )
    return bits


def _pictures(
    path: Path, container: Container, codec: str | None, quality: int, bits: int | None, alpha: bool
) -> FilmFormat:
    if codec is not None:
        raise OptionError(f"--codec {codec} is for films: {path.name} needs none.")
    most = WRITTEN[container.suffix].bits if container.kind == "frames" else 8
    if bits not in (None, 8, most):
        raise OptionError(
            f"--bits {bits} is not possible: {path.name} is written with "
            f"{'8 or 16' if most == 16 else '8'} bits of a channel."
        )
    return FilmFormat(container, CODECS["ffv1"], quality, bits or 8, alpha)
