"""The texts of a style card. Read without PyTorch, so that listing the gallery is quick."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from impasto.errors import StyleError
from impasto.files import limits
from impasto.files.digests import is_digest

__all__ = ["FORMAT", "MAX_BYTES", "SUFFIX", "About", "check_swatch", "read_about", "read_swatch"]

FORMAT = "impasto-style/1"

SUFFIX = ".style"

MAX_BYTES = 64_000_000
"""The largest card that is read; one measured with VGG-19 has 7 MB."""

_MOST_CHARACTERS = 2000
_MOST_PIXELS = 1_000_000  # of a swatch
_COLOUR = re.compile(r"#[0-9a-f]{6}")


@dataclass(frozen=True)
class About:
    """A card's texts about its painting.

    Attributes:
        palette: the painting's main colours, `#rrggbb`, the most frequent first.
        backbone: the network it was measured with.
        backbone_digest: of that network's weights.

    Raises:
        StyleError: a text is too long, or a colour or the digest is invalid.
    """

    title: str
    artist: str
    year: str
    licence: str
    palette: tuple[str, ...]
    backbone: str
    backbone_digest: str

    def __post_init__(self) -> None:
        for name in ("title", "artist", "year", "licence", "backbone"):
            value = getattr(self, name)
            if not isinstance(value, str) or len(value) > _MOST_CHARACTERS or "\0" in value:
                raise StyleError(
                    f"A style card's {name} must be text of at most {_MOST_CHARACTERS} characters."
                )
        if len(self.palette) > 32 or not all(_COLOUR.fullmatch(c) for c in self.palette):
            raise StyleError("A style card's palette must be colours such as #1f3a93, 32 at most.")
        if not is_digest(self.backbone_digest):
            raise StyleError("A style card's backbone digest must be sha256: and 64 digits.")

    def to_metadata(self) -> dict[str, str]:
        """Return the metadata of a safetensors file: text by name."""
        texts = {k: v for k, v in asdict(self).items() if k != "palette"}
        return {"format": FORMAT, **texts, "palette": json.dumps(self.palette)}

    @classmethod
    def from_metadata(cls, data: dict[str, str]) -> About:
        """Read what `to_metadata` wrote; raises ValueError on anything else."""
        if data.get("format") != FORMAT:
            raise ValueError(f"its format is {data.get('format')!r:.60}, and {FORMAT} is read here")
        names = {spec.name for spec in fields(cls)}
        if set(data) != names | {"format"}:
            raise ValueError("its description has missing or unknown entries")
        palette = json.loads(data["palette"])
        if not isinstance(palette, list) or not all(isinstance(c, str) for c in palette):
            raise ValueError("its palette is not a list of colours")
        texts = {name: data[name] for name in names - {"palette"}}
        return cls(palette=tuple(palette), **texts)


def read_about(path: Path) -> About:
    """Read the texts of a card.

    Raises:
        StyleError: the file is missing, too big, damaged or not a style card.
    """
    from safetensors import SafetensorError, safe_open

    limits.check_tensors(path, MAX_BYTES, StyleError)
    try:
        with safe_open(path, "np") as file:
            return About.from_metadata(file.metadata() or {})
    except (OSError, ValueError, RecursionError, SafetensorError) as error:
        raise StyleError(f"{path} is not a style card: {limits.short_message(error)}.") from None


def read_swatch(path: Path) -> bytes:
    """Read the picture of a card, as a WebP file's bytes.

    Raises:
        StyleError: the file is missing, damaged or not a style card.
    """
    from safetensors import safe_open

    read_about(path)
    try:
        with safe_open(path, "np") as file:
            swatch = file.get_tensor("swatch")
        if swatch.dtype != "uint8":
            raise ValueError(f"it is of type {swatch.dtype}")
        data = bytes(swatch.tobytes())
        check_swatch(data)
    except Exception as error:  # for example an AttributeError for a type that NumPy does not have
        raise StyleError(
            f"{path} is damaged and its swatch cannot be read: {limits.short_message(error)}."
        ) from None
    return data


def check_swatch(webp: bytes) -> None:
    """Refuse a swatch of too many pixels by its header; raises ValueError.

    Pillow allocates the whole picture when it opens one. The size is that of the extended
    format's canvas (VP8X), of a lossy frame (VP8, RFC 6386 section 9.1), or of a lossless
    one (VP8L; WebP container specification).
    """
    kind, body = webp[12:16], webp[20:30]
    if len(body) < 10:
        raise ValueError("its swatch is damaged")
    if kind == b"VP8X":
        width = 1 + int.from_bytes(body[4:7], "little")
        height = 1 + int.from_bytes(body[7:10], "little")
    elif kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    else:
        width, height = (int.from_bytes(body[i : i + 2], "little") & 0x3FFF for i in (6, 8))
    if not 0 < width * height <= _MOST_PIXELS:
        raise ValueError("its swatch is too big")
