"""Photographs that come with scikit-image, for trainings without photographs of one's own."""

from __future__ import annotations

from pathlib import Path

from impasto.errors import OptionError
from impasto.installation import install_hint

__all__ = ["builtin_pictures"]

# Pictures of people, things, animals, textures and the sky in its wheel; in the public domain or
# under CC0 or CC BY (skimage/data/README.txt). Diagrams, text and pictures mostly of one grey are
# left out. The first and the eleventh are held out.
_NAMES = (
    "coffee.png", "astronaut.png", "brick.png", "camera.png", "coins.png", "grass.png",
    "gravel.png", "hubble_deep_field.jpg", "ihc.png", "motorcycle_left.png", "chelsea.png",
    "motorcycle_right.png", "retina.jpg", "rocket.jpg",
)  # fmt: skip


def builtin_pictures() -> list[Path]:
    """Return their files.

    Raises:
        OptionError: scikit-image is not installed, or has none of them.
    """
    try:
        import skimage
    except ImportError:
        raise OptionError(
            "--content builtin trains on the pictures that come with scikit-image, which is not "
            f"installed. Install it with `{install_hint('train')}`, or name a folder of "
            "photographs."
        ) from None
    folder = Path(skimage.__file__).parent / "data"
    pictures = [folder / name for name in _NAMES if (folder / name).is_file()]
    if not pictures:
        raise OptionError(
            f"This scikit-image has no pictures in {folder}. Name a folder of photographs: some "
            "hundreds, of 300 pixels or more on each side."
        )
    return pictures
