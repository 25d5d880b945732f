"""Names for files that no system refuses, and where a name leads."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["LONGEST", "is_on_network", "resolved", "safe_name"]

LONGEST = 200
"""Bytes of a name before its suffixes: 255 are allowed by most file systems for all of it."""

# Windows' names of another computer's files begin so.
_NETWORK = ("//", "\\\\", "/\\", "\\/")


def safe_name(name: str) -> str:
    """Return a name without characters that some system forbids, and of at most `LONGEST` bytes."""
    safe = "".join("_" if c < " " or c in '\x7f<>:"/\\|?*' else c for c in name).lstrip(".")
    while len(safe.encode("utf-8", "surrogatepass")) > LONGEST:
        safe = safe[:-1]
    return safe or "picture"


def resolved(path: Path) -> Path:
    """Return the file that a path leads to; where links lead in a circle, one of them."""
    return Path(os.path.realpath(path))


def is_on_network(name: str) -> bool:
    """Return whether a name is that of another computer's file, on Windows.

    A stranger's recipe may hold one: to look at the file would sign in at that computer.
    """
    return name.startswith(_NETWORK)
