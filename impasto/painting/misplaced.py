"""Photographs and styles that are none by their names alone. Needs no PyTorch."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from impasto.config.specs import RegionSpec
from impasto.errors import OptionError
from impasto.files.names import is_on_network
from impasto.image.formats import READ_SUFFIXES
from impasto.networks.trained_metadata import is_trained
from impasto.styles import about, gallery

__all__ = ["check_address", "check_photograph", "check_style", "has_card", "is_card", "style_kind"]

_A_CARD, _BUILT_IN = "a style card", "a built-in style"

# A path of it has one slash less.
_ADDRESS = re.compile(r"(https?|ftp|s3|gs|data):/?|www\.[^/]+/", re.IGNORECASE)
_FILE_ADDRESS = re.compile(r"file:/{1,3}(?=[^/])", re.IGNORECASE)


def check_photograph(source: Any) -> None:
    """Refuse what stands where a photograph belongs.

    Args:
        source: pictures in memory and missing files are left to their reader.

    Raises:
        OptionError: a web address, a folder or a style.
    """
    if not isinstance(source, (str, os.PathLike)):
        return
    check_address(str(source))
    if kind := style_kind(source):
        raise OptionError(
            f"{source} is {kind}, not a photograph. Give the photograph there, and {source} as the "
            "style."
        )
    if _is_folder(source):
        raise OptionError(
            f"{source} is a folder, and one photograph is asked for{_example(source)}."
        )


def check_style(source: Any) -> None:
    """Refuse what is no style.

    Args:
        source: pictures in memory, missing files and unknown names are left to their reader.

    Raises:
        OptionError: a web address or a folder.
    """
    if not isinstance(source, (str, os.PathLike)):
        return
    check_address(str(source))
    if str(source) not in gallery.names() and _is_folder(source):
        raise OptionError(
            f"{source} is a folder, and a style is one painting, style card or name"
            f"{_example(source)}."
        )


def style_kind(source: str | os.PathLike[str]) -> str:
    """Return what a source is called that can only be a style; empty for any other.

    A file is never taken for the built-in style of the same name.
    """
    if Path(source).suffix.lower() == about.SUFFIX:
        return _A_CARD
    if is_trained(source):
        return "a file of trained styles"
    name = str(source)
    return _BUILT_IN if name in gallery.names() and not Path(name).is_file() else ""


def is_card(source: Any) -> bool:
    """Return whether a style is a card: a file of one, or a built-in style."""
    return isinstance(source, (str, os.PathLike)) and style_kind(source) in (_A_CARD, _BUILT_IN)


def has_card(styles: Iterable[Any], regions: Iterable[str] = ()) -> bool:
    """Return whether one of a picture's styles, or of its regions' styles, is a card.

    Args:
        styles: their sources.
        regions: texts such as `#ff0000=starry-night`.
    """
    return any(map(is_card, (*styles, *(RegionSpec.parse(text).style for text in regions))))


def check_address(name: str) -> None:
    """Refuse a web address where a file belongs.

    Raises:
        OptionError: it is one.
    """
    if match := _FILE_ADDRESS.match(name):
        path = name[match.end() :]
        raise OptionError(f"{name:.200} is a web address. Give the file's path: /{path:.200}.")
    if _ADDRESS.match(name) and not Path(name).exists():
        raise OptionError(
            f"{name:.200} is a web address: download it first, and give the file's name."
        )


def _is_folder(source: str | os.PathLike[str]) -> bool:
    name = str(source)
    return not is_on_network(name) and Path(name).is_dir()


def _example(folder: str | os.PathLike[str]) -> str:
    """Return the end of a sentence that names a picture in a folder, if there is one."""
    try:
        names = sorted(path for path in Path(folder).iterdir() if not path.name.startswith("."))
    except OSError:
        return ""
    first = next((path for path in names if path.suffix.lower() in READ_SUFFIXES), None)
    return ". It holds no pictures" if first is None else f": name a picture in it, such as {first}"
