"""Pictures and their files: what the rest of Impasto uses of reading and writing."""

from __future__ import annotations

from impasto.image.picture import Picture, fit, fitted, resize
from impasto.image.reading import digest, read, read_recipe
from impasto.image.writing import check_writable, to_pil, write

__all__ = [
    "Picture",
    "check_writable",
    "digest",
    "fit",
    "fitted",
    "read",
    "read_recipe",
    "resize",
    "to_pil",
    "write",
]
