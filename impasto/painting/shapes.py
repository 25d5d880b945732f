"""What is asked of the sizes of pictures and maps, beside each other and for the network."""

from __future__ import annotations

import logging
import math

from impasto.config.bases import PictureConfig
from impasto.config.recipe import Input
from impasto.config.sizes import MOST
from impasto.engine.setup import layers_of, least_side
from impasto.errors import OptionError, PictureError
from impasto.features.extractor import Extractor
from impasto.image.picture import fitted
from impasto.image.pyramid import scale_schedule
from impasto.styles.statistics import least_short_side

__all__ = ["check_map", "check_small", "check_thin", "long_side_of_painting", "note_enlargement"]

Size = tuple[int, int]  # width and height, upright

_LOG = logging.getLogger("impasto")

# How far the proportions of a map may be from those of its picture.
_SAME_PROPORTIONS = 0.02

# From so many times on, an enlarged photograph is visibly without detail.
_MUCH_ENLARGED = 4


def check_small(entry: Input, size: Size, config: PictureConfig) -> None:
    """Refuse a picture that has too few pixels for the network.

    Raises:
        PictureError: it has.
    """
    least, (width, height) = least_side(config), size
    if min(size) < least:
        raise PictureError(
            f"{_name(entry)} has {width}×{height} pixels: too few for the network "
            f"to see anything in it. Each side needs {least} or more."
        )


def check_thin(entry: Input, size: Size, config: PictureConfig) -> None:
    """Refuse a picture that is too thin for the network at the size of the result.

    Raises:
        PictureError: it is; the message names a size at which it would not be.
    """
    least, (width, height) = least_side(config), size
    if (short := min(fitted(height, width, config.size))) >= least:
        return
    larger = math.ceil(least * max(size) / min(size))
    advice = f"take a size of {larger:,} or more, or " if larger <= MOST else ""
    raise PictureError(
        f"{_name(entry)} has {width}×{height} pixels: too thin for a size of "
        f"{config.size:,}, at which its short side has {short} pixels and the network needs "
        f"{least}. To paint it, {advice}cut a piece of other proportions out of it."
    )


def _name(entry: Input) -> str:
    return f"The {entry.role} {entry.name}".rstrip()


def long_side_of_painting(
    size: Size, config: PictureConfig, extractor: Extractor, most: int
) -> int:
    """Return the long side to which a painting is reduced: `most`, or more for a strip.

    A strip is one whose short side would be too small for the network at the first scale.
    """
    short, long = sorted(size)
    first = scale_schedule(config.size, config.first, config.octaves)[0]
    if round(short * first / long) >= least_side(config):
        return most
    return max(most, math.ceil(least_short_side(extractor, layers_of(config)) * long / short))


def note_enlargement(entry: Input, size: Size, config: PictureConfig) -> None:
    """Warn of a photograph that is enlarged so far that it has no detail at the result's size."""
    times = config.size / max(size)
    if times >= _MUCH_ENLARGED:
        _LOG.warning(
            "the photograph %s has %d×%d pixels and is enlarged %.3g times to a size of %d: a file "
            "of more pixels shows more, or a smaller size takes less time",
            entry.name, *size, times, config.size,
        )  # fmt: skip


def check_map(what: str, map_size: Size, picture: str, size: Size) -> None:
    """Refuse a map of other proportions than its picture's, and warn of one of another size.

    Args:
        what: the map is called.
        picture: the picture is called.

    Raises:
        OptionError: the proportions differ by over 2 per cent, and by more than a pixel.
    """
    if map_size == size:
        return
    (width, height), (wide, high) = map_size, size
    skewed = abs(height * wide - width * high)
    is_rounded = skewed <= max(*map_size, *size)  # by a pixel of either's height or width
    if skewed > _SAME_PROPORTIONS * width * high and not is_rounded:
        raise OptionError(
            f"The {what} has {width}×{height} pixels and the {picture} {wide}×{high}: its "
            "proportions are others, as it belongs to another picture. Give a map that was drawn "
            f"over this {picture}, or cut both alike."
        )
    _LOG.warning(
        "the %s has %d×%d pixels and the %s %d×%d: it is resized to it by nearest neighbour",
        what, width, height, picture, wide, high,
    )  # fmt: skip
