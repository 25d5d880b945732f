"""The pictures, styles and maps of a run: read, checked, each with its entry in the recipe."""

from __future__ import annotations

import functools
import hashlib
import logging
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch.nn import functional as F

from impasto.config.bases import PictureConfig
from impasto.config.recipe import Input
from impasto.errors import StyleError, worded
from impasto.features.extractor import Extractor
from impasto.files import limits
from impasto.files.names import resolved
from impasto.image.exchange import read
from impasto.image.labels import LabelMap
from impasto.image.opening import digest
from impasto.image.picture import Picture
from impasto.image.region_maps import quantise
from impasto.image.transparency import on_white, shown_share, without_hidden_colours
from impasto.networks import trained, trained_metadata
from impasto.painting.kinds import card_file, check_card, kind_of
from impasto.painting.shapes import (
    check_small,
    check_thin,
    long_side_of_painting,
    note_enlargement,
)
from impasto.painting.sources import Source, is_named
from impasto.styles import card as cards
from impasto.styles.statistics import Painting, Style

__all__ = [
    "LoadedMap",
    "LoadedPicture",
    "LoadedStyle",
    "digest_of",
    "read_map",
    "read_picture",
    "read_style",
]

_LOG = logging.getLogger("impasto")

# Pixels along the longer side of a map that regions are found on, at most: on 12 megapixels that
# would take 15 seconds and 2 GB. Their borders are as sharp as those of most painted pictures.
_FINEST_MAP = 2048

# How far the size that a style is needed at may be beyond its own before anybody notices.
_UNNOTICED = 1.1


@dataclass(frozen=True)
class LoadedPicture:
    """A picture that was read, and its entry in the recipe.

    Attributes:
        picture: it may have fewer pixels than its file.
        size: width and height in its file, upright.
    """

    input: Input
    picture: Picture
    size: tuple[int, int]


@dataclass(frozen=True)
class LoadedStyle:
    """A style that was read, and its entry in the recipe.

    Attributes:
        picture: that of a painting, which may have fewer pixels than its file, with its opacity if
            not all of it is opaque; None for others.
        size: width and height in its file, upright; 0 for others.
    """

    input: Input
    style: Style
    picture: Picture | None = None
    size: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class LoadedMap:
    """A map of regions that was read, and its entry in the recipe.

    Attributes:
        labels: at most 2,048 pixels along the longer side.
        size: width and height in its file, upright.
    """

    labels: LabelMap
    input: Input
    size: tuple[int, int]


def read_picture(
    role: str,
    source: Source,
    config: PictureConfig,
    extractor: Extractor | None = None,
    use: str = "",
    limit: int | None = None,
) -> LoadedPicture:
    """Read a picture, at most as large as the result.

    A photograph of 24 megapixels takes 300 MB as numbers, and no scale looks at so many.

    Args:
        extractor: refuses a picture that is too thin for its layers.
        use: what the recipe says of it besides its name.
        limit: the long side that it is resized to if it is larger; by default the result's.

    Raises:
        PictureError: it cannot be read, or is too thin.
    """
    loaded = _loaded(role, source, use)
    if extractor is not None:
        check_small(loaded.input, loaded.size, config)
        check_thin(loaded.input, loaded.size, config)
    if role == "content":
        note_enlargement(loaded.input, loaded.size, config)
    return _reduced(loaded, limit or config.size)


def _loaded(role: str, source: Source, use: str) -> LoadedPicture:
    picture = read(source)
    size = (picture.width, picture.height)
    return LoadedPicture(_entry(role, source, picture, use), picture, size)


def _reduced(loaded: LoadedPicture, limit: int) -> LoadedPicture:
    """Return the picture without hidden colours, at most `limit` pixels along its long side."""
    name = f"The {loaded.input.role} {loaded.input.name}".rstrip()
    return replace(loaded, picture=without_hidden_colours(loaded.picture, name, limit))


def read_map(role: str, source: Source) -> LoadedMap:
    """Read the regions of a map.

    Raises:
        OptionError: the picture is not a map.
    """
    picture = read(source)
    size, pixels = (picture.width, picture.height), on_white(picture)
    if max(size) > _FINEST_MAP:
        factor = _FINEST_MAP / max(size)
        fewer = tuple(max(1, round(side * factor)) for side in pixels.shape[-2:])
        # By nearest neighbour, as all labels are resized: an average would make new colours.
        pixels = F.interpolate(pixels, size=fewer, mode="nearest-exact")
    return LoadedMap(quantise(pixels), _entry(role, source, picture, ""), size)


def read_style(
    source: Source,
    config: PictureConfig,
    extractor: Extractor,
    network: str,
    role: str = "style",
    use: str = "",
    view: int | None = None,
) -> LoadedStyle:
    """Read a painting, a style card or a trained style.

    Warns of a stroke that needs it at a size that it does not have.

    Args:
        network: the digest of the backbone's weights, which a card must have been measured with.
        view: the long side in pixels, at most, of a painting that is shown at its own scale at a
            stroke of 1; by default it is shown as large as the result.

    Raises:
        ImpastoError: it cannot be read, or is not a style for this method or network.
    """
    kind = kind_of(source, config)
    if kind == "trained":
        return _read_trained(source, network, role, use)
    if kind == "picture":
        limit = math.ceil((view or config.size) * max(1.0, config.stroke))
        painting = _loaded(role, source, use)
        check_small(painting.input, painting.size, config)
        limit = long_side_of_painting(painting.size, config, extractor, limit)
        painting = _reduced(painting, limit)
        _warn_of_stroke(painting.input, (0, max(painting.size)), config, view)
        picture = painting.picture
        alpha = shown_share(picture.alpha)
        style = Painting(picture.pixels, alpha=alpha)
        return LoadedStyle(painting.input, style, Picture(style.pixels, alpha), painting.size)
    card, entry = _read_card(source, config, network, role, use)
    _warn_of_stroke(entry, (min(card.measured), max(card.measured)), config, view)
    return LoadedStyle(entry, card)


def _read_card(
    source: Any, config: PictureConfig, network: str, role: str, use: str
) -> tuple[cards.StyleCard, Input]:
    file = card_file(source)
    check_card(file, source, config, network)
    return cards.load(file), Input(role, str(source), digest(file), use)


def _read_trained(source: Any, network: str, role: str, use: str) -> LoadedStyle:
    place, name = trained_metadata.split_source(str(source))
    limits.check_tensors(Path(place), trained_metadata.MAX_BYTES, StyleError)
    stamp = digest(Path(place))
    styles = _trained(resolved(Path(place)), stamp)
    styles.metadata.check_backbone(network, place)
    style = styles.style(name.removeprefix("#"), place)
    return LoadedStyle(Input(role, place, stamp, use), style)


@functools.lru_cache(maxsize=4)
def _trained(path: Path, stamp: str) -> trained.Trained:  # noqa: ARG001
    """Read a file's styles, once while the file stays the same: only so can two be blended."""
    return trained.load(path)


def _warn_of_stroke(
    entry: Input, sizes: tuple[int, int], config: PictureConfig, view: int | None
) -> None:
    """Warn if the last scale needs a painting larger or smaller than it is available.

    Args:
        sizes: the least and the most pixels along its longer side; 0 and more for a file.
    """
    least, most = sizes
    needed = config.stroke * (min(view, most) if view else config.size)
    beyond, below = needed > most * _UNNOTICED, needed * _UNNOTICED < least
    if config.stroke == 1 or not (beyond or below):
        return
    nearest, change, bound = (most, "larger", "most") if beyond else (least, "smaller", "least")
    remedy = "the painting itself" if least else "a file of more pixels"
    _LOG.warning(
        worded(
            "--stroke %g asks for %s with a long side of %d pixels, and it has %d at %s: its "
            "strokes come out no %s than at --stroke %.2g; for %s ones, give %s"
        ),
        config.stroke, entry.name or f"the {entry.role}", needed, nearest, bound,
        change, config.stroke * nearest / needed, change, remedy,
    )  # fmt: skip


def digest_of(picture: Picture) -> str:
    """Return a digest of a picture's values, for one that did not come from a file."""
    stamp = hashlib.sha256(repr(tuple(picture.pixels.shape)).encode())
    for values in (picture.pixels, picture.alpha):
        if values is not None:
            stamp.update(values.contiguous().numpy().tobytes())
    return f"sha256:{stamp.hexdigest()}"


def _entry(role: str, source: Source, picture: Picture, use: str) -> Input:
    if is_named(source):
        return Input(role, str(source), digest(Path(source)), use)
    return Input(role, "", digest_of(picture), use)
