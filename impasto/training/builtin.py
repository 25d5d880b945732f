"""Photographs that come with scikit-image, for who has none of their own at hand."""

from __future__ import annotations

from pathlib import Path

from impasto.errors import OptionError

__all__ = ["builtin_pictures"]

# All that its wheel holds and shows something: people, things, animals, textures, the sky; in the
# public domain or under CC0 or CC BY (skimage/data/README.txt). Diagrams, text and what is mostly
# of one grey are left out. The first and the eleventh are judged by, and not learnt from.
_NAMES = (
    "coffee.png", "astronaut.png", "brick.png", "camera.png", "coins.png", "grass.png",
    "gravel.png", "hubble_deep_field.jpg", "ihc.png", "motorcycle_left.png", "chelsea.png",
    "motorcycle_right.png", "retina.jpg", "rocket.jpg",
)  # fmt: skip


def builtin_pictures() -> list[Path]:
    """Their files.

    Raises:
        OptionError: scikit-image is not installed, or has none of them.
    """
    try:
        import skimage
    except ImportError:
        raise OptionError(
            "--content builtin trains on the pictures that come with scikit-image, which is not "
            "installed: pip install 'impasto[train]', or name a folder of photographs."
        ) from None
    folder = Path(skimage.__file__).parent / "data"
    found = [folder / name for name in _NAMES if (folder / name).is_file()]
    if not found:
        raise OptionError(
            f"This scikit-image has no pictures in {folder}. Name a folder of photographs: some "
            "hundreds, of 300 pixels or more on each side."
        )
    return found
