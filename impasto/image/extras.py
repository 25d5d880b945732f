"""Libraries that a user may have installed to read more kinds of pictures."""

from __future__ import annotations

import importlib
from types import ModuleType

from impasto.errors import PictureError
from impasto.installation import install_hint

__all__ = ["needed", "optional"]


def optional(module: str) -> ModuleType | None:
    """Return a module, or None if it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        return None


def needed(module: str, extra: str, name: str, what: str) -> ModuleType:
    """Return a module that a file cannot be read without.

    Args:
        extra: what has to be installed, such as `heif`.
        name: of the file.
        what: the file is, with its article.

    Raises:
        PictureError: it is not installed; the message says what to install.
    """
    if (library := optional(module)) is None:
        raise PictureError(f"{name} is {what}: `{install_hint(extra)}` reads it.")
    return library
