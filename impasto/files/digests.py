"""Digests of files: their SHA-256, as recipes, cards and weights write it."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from impasto.errors import ImpastoError
from impasto.files import limits

__all__ = ["is_digest", "of_bytes", "of_file"]

_MOST_BYTES = 2**40
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def is_digest(text: str) -> bool:
    """Return whether a text is `sha256:` and 64 hexadecimal digits."""
    return _DIGEST.fullmatch(text) is not None


def of_bytes(data: bytes) -> str:
    """Return `sha256:` and 64 hexadecimal digits."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def of_file(path: Path, error: type[ImpastoError]) -> str:
    """Return the digest of a file, which is read in pieces.

    Raises:
        error: the file cannot be read, or is not a regular file of at most a terabyte.
    """
    limits.check(path, _MOST_BYTES, error)
    try:
        with path.open("rb") as file:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError as problem:
        raise error(
            f"{path} cannot be read ({problem.strerror or problem}). Check the path and its "
            "permissions."
        ) from None
