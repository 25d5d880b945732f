"""The libraries of films, which are an extra: PyAV reads and writes, OpenCV finds the flow."""

from __future__ import annotations

from typing import Any

from impasto.errors import OptionError
from impasto.installation import check_installed

__all__ = ["check_libraries", "has_film_libraries", "load_av", "load_cv2"]


def has_film_libraries() -> bool:
    """Return whether films can be read, painted and written."""
    try:
        check_libraries()
    except OptionError:
        return False
    return True


def check_libraries() -> None:
    """Check that films can be read, painted and written.

    Raises:
        OptionError: a library is not installed.
    """
    check_installed(_NAMES, "film", "Films")


_NAMES = {"av": "PyAV", "cv2": "OpenCV"}


def load_av() -> Any:
    """Return the module `av`.

    Raises:
        OptionError: it is not installed.
    """
    check_libraries()
    import av

    return av


def load_cv2() -> Any:
    """Return the module `cv2`.

    Raises:
        OptionError: it is not installed.
    """
    check_libraries()
    import cv2

    return cv2
