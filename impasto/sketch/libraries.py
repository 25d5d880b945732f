"""The libraries of sketches, which are an extra: OpenCV, scikit-image and SciPy."""

from __future__ import annotations

from typing import Any

from impasto.installation import check_installed

__all__ = [
    "check_libraries",
    "load_cv2",
    "load_measure",
    "load_morphology",
    "load_optimize",
    "load_segmentation",
]


def check_libraries() -> None:
    """Check that drawings can be read, matched and painted.

    Raises:
        OptionError: a library is not installed.
    """
    check_installed(_NAMES, "sketch", "Sketches")


_NAMES = {"cv2": "OpenCV", "skimage": "scikit-image", "scipy": "SciPy"}


def load_cv2() -> Any:
    """Return the module `cv2`.

    Raises:
        OptionError: a library of sketches is not installed.
    """
    check_libraries()
    import cv2

    return cv2


def load_segmentation() -> Any:
    """Return the module `skimage.segmentation`.

    Raises:
        OptionError: a library of sketches is not installed.
    """
    check_libraries()
    from skimage import segmentation

    return segmentation


def load_morphology() -> Any:
    """Return the module `skimage.morphology`.

    Raises:
        OptionError: a library of sketches is not installed.
    """
    check_libraries()
    from skimage import morphology

    return morphology


def load_measure() -> Any:
    """Return the module `skimage.measure`.

    Raises:
        OptionError: a library of sketches is not installed.
    """
    check_libraries()
    from skimage import measure

    return measure


def load_optimize() -> Any:
    """Return the module `scipy.optimize`.

    Raises:
        OptionError: a library of sketches is not installed.
    """
    check_libraries()
    from scipy import optimize

    return optimize
