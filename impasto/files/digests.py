"""What stands for a file's bytes: their SHA-256, as recipes, cards and weights write it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from impasto.errors import ImpastoError
from impasto.files import limits

__all__ = ["of_bytes", "of_file"]

_MOST_BYTES = 2**40


def of_bytes(data: bytes) -> str:
    """`sha256:` and 64 hexadecimal digits."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def of_file(path: Path, error: type[ImpastoError]) -> str:
    """The same of a file, which is read piece by piece.

    Raises:
        error: the file cannot be read, or is no regular file of at most a terabyte.
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
