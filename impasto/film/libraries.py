"""The libraries of films, which are an extra: PyAV reads and writes, OpenCV finds the flow."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from impasto.errors import OptionError
from impasto.installation import install_hint

__all__ = ["check_libraries", "has_film_libraries", "load_av", "load_cv2"]


def has_film_libraries() -> bool:
    """Return whether films can be read, painted and written."""
    return not _missing()


def check_libraries() -> None:
    """Check that films can be read, painted and written.

    Raises:
        OptionError: a library is not installed.
    """
    if missing := _missing():
        raise OptionError(
            f"Films take {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not "
            f"installed here. Install with `{install_hint('film')}`."
        )


_NAMES = {"av": "PyAV", "cv2": "OpenCV"}


def _missing() -> list[str]:
    return [name for module, name in _NAMES.items() if find_spec(module) is None]


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
