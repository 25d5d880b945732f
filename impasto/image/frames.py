"""Say that a file holds more pictures than the one that is taken from it."""

from __future__ import annotations

import logging
from pathlib import Path

from PIL import Image

__all__ = ["note"]

_log = logging.getLogger(__name__)

_COUNTED = 2**23  # bytes of a GIF whose frames are counted, which takes a walk through all of it


def note(image: Image.Image, path: Path, name: str) -> None:
    """Log that of an animation the first frame is taken, of several pictures the first.

    Call it before the image is loaded. A photograph of a phone holds a second picture for its own
    use often; of these nothing is said unless the file's suffix is `.mpo`.

    Args:
        name: of the file, for messages.
    """
    if image.format == "TIFF" or not getattr(image, "is_animated", False):
        return  # which directories of a TIFF are pictures is for its own reader to say
    if image.format == "MPO":
        if path.suffix.lower() == ".mpo":
            _log.warning("%s holds %d pictures: the first is taken.", name, _count(image))
        return
    if image.format == "GIF" and path.stat().st_size > _COUNTED:
        _log.warning("%s is an animation: its first frame is taken.", name)
        return
    _log.warning("%s is an animation: the first of its %d frames is taken.", name, _count(image))


def _count(image: Image.Image) -> int:
    number = int(getattr(image, "n_frames", 1))
    image.seek(0)
    return number
