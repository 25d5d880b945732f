"""The files of films by their names, for the studio itself: it opens none. Needs no PyTorch."""

from __future__ import annotations

from pathlib import Path

__all__ = ["FILM_SUFFIXES", "MEDIA_TYPES", "is_film_name"]

FILM_SUFFIXES = frozenset(
    {
        *(".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4"),
        *(".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".ts", ".webm", ".wmv"),
    }
)
"""What the names of files end with that are films and no pictures."""

MEDIA_TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".mkv": "video/x-matroska",
    ".webm": "video/webm",
    ".gif": "image/gif",
    ".webp": "image/webp",
}
"""The kinds of films that are written, by suffix, and what browsers call them."""


def is_film_name(name: str) -> bool:
    """Return whether a file of that name is a film and no picture."""
    return Path(name).suffix.lower() in FILM_SUFFIXES
