"""What is left out of folders of pictures, counted by kind. Needs no PyTorch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from impasto.image.formats import FORMATS, READ_SUFFIXES, PictureFormat
from impasto.installation import install_hint

__all__ = ["LeftOut", "is_read"]

# What each extra of the package installs.
_MODULES = {"codecs": "imagecodecs", "heif": "pillow_heif", "raw": "rawpy"}

_FILMS = ".3gp .avi .flv .insv .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .webm .wmv"
_SOUNDS = ".aac .aiff .flac .m4a .mp3 .ogg .opus .wav .wma"
_DRAWINGS = ".ai .cdr .eps .svg .svgz"
_PICTURES = ".bpg .dds .exr .fits .hdr .ico .jxr .psb .psd .qoi .xcf"
_ARCHIVES = ".7z .bz2 .gz .rar .tar .xz .zip"

_KINDS = {
    suffix: words
    for words, suffixes in (
        (("film", "films"), _FILMS),
        (("sound", "sounds"), _SOUNDS),
        (("drawing", "drawings"), _DRAWINGS),
        (("picture of a kind that is not read", "pictures of kinds that are not read"), _PICTURES),
        (("archive", "archives"), _ARCHIVES),
    )
    for suffix in suffixes.split()
}

_NEEDY = {suffix: row for row in FORMATS if row.extra for suffix in row.suffixes}


def is_read(path: Path) -> bool:
    """Return whether a file's suffix is that of a picture that can be read here."""
    suffix = path.suffix.lower()
    return suffix in READ_SUFFIXES and _missing(suffix) is None


@dataclass(frozen=True)
class LeftOut:
    """Files of folders that are no pictures, or none that can be read.

    Attributes:
        counts: how many have each suffix, in small letters; empty for files without one.
    """

    counts: Counter[str]

    @classmethod
    def of(cls, files: Iterable[Path]) -> LeftOut:
        """Count files."""
        return cls(Counter(file.suffix.lower() for file in files))

    def __bool__(self) -> bool:
        return bool(self.counts)

    def __str__(self) -> str:
        return ", ".join(
            f"{row['count']} {row['kind']}{_names(row)}{_advice(row)}" for row in self.to_list()
        )

    def to_list(self) -> list[dict[str, Any]]:
        """Return a table for each kind: its name, suffixes, count, and what would read it.

        Films and other kinds that have a name come first, then what could be read, then the rest.
        """
        rows: dict[tuple[int, str, str], dict[str, Any]] = {}
        for suffix, count in sorted(self.counts.items()):
            order, one, several, extra = _kind(suffix)
            row = rows.setdefault(
                (order, several, extra), {"kind": one, "suffixes": [], "count": 0, "extra": extra}
            )
            row["suffixes"].append(suffix)
            row["count"] += count
            if row["count"] > 1:
                row["kind"] = several
        return [rows[key] for key in sorted(rows)]


def _kind(suffix: str) -> tuple[int, str, str, str]:
    """Return a kind's place among all, its name in singular and plural, and the missing extra."""
    if row := _missing(suffix):
        return 1, f"{row.name} picture", f"{row.name} pictures", row.extra or ""
    if words := _KINDS.get(suffix):
        return 0, *words, ""
    if not suffix:
        return 2, "file without a suffix", "files without a suffix", ""
    return 2, suffix, suffix, ""


def _names(row: dict[str, Any]) -> str:
    """Return the suffixes of a kind in parentheses, unless they are its name."""
    names = [suffix for suffix in row["suffixes"] if suffix not in ("", row["kind"])]
    return f" ({', '.join(names)})" if names else ""


def _advice(row: dict[str, Any]) -> str:
    them = "it" if row["count"] == 1 else "them"
    return f": `{install_hint(row['extra'])}` reads {them}" if row["extra"] else ""


def _missing(suffix: str) -> PictureFormat | None:
    """Return the format of a suffix if reading it needs an extra that is not installed."""
    row = _NEEDY.get(suffix)
    if row is None or row.extra is None or find_spec(_MODULES[row.extra]) is not None:
        return None
    return row
