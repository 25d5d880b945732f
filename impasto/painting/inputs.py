"""The pictures, styles and maps of a run: read, checked, each with its entry in the recipe."""

from __future__ import annotations

import functools
import hashlib
import logging
import math
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image
from torch.nn import functional as F

from impasto.config.bases import PictureConfig
from impasto.config.methods import method_of
from impasto.config.recipe import Input
from impasto.errors import OptionError, StyleError
from impasto.features.extractor import Extractor
from impasto.files import limits
from impasto.image.labels import LabelMap
from impasto.image.picture import Picture, fit
from impasto.image.reading import digest, read
from impasto.image.region_maps import quantise
from impasto.networks import trained, trained_metadata
from impasto.painting.shapes import (
    check_small,
    check_thin,
    long_side_of_painting,
    note_enlargement,
)
from impasto.painting.sources import Source
from impasto.styles import card as cards
from impasto.styles import gallery
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
        picture: that of a painting, which may have fewer pixels than its file; None for others.
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
    """Return the picture with at most `limit` pixels along its long side."""
    if max(loaded.size) <= limit:
        return loaded
    picture = loaded.picture
    alpha = None if picture.alpha is None else fit(picture.alpha, limit)
    fewer = Picture(fit(picture.pixels, limit), alpha, picture.metadata)
    return replace(loaded, picture=fewer)


def read_map(role: str, source: Source) -> LoadedMap:
    """Read the regions of a map.

    Raises:
        OptionError: the picture is not a map.
    """
    picture = read(source)
    size, pixels = (picture.width, picture.height), picture.pixels
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
    if method_of(config).takes_trained:
        return _read_trained(source, network, role, use)
    if not isinstance(source, Image.Image) and trained_metadata.is_trained(source):
        raise OptionError(
            f"{source} is a file of trained styles, which only --method fast paints in. Add that, "
            "or give the painting."
        )
    if isinstance(source, Image.Image) or (_is_file(source) and not _is_card(source)):
        limit = math.ceil((view or config.size) * max(1.0, config.stroke))
        painting = _loaded(role, source, use)
        check_small(painting.input, painting.size, config)
        limit = long_side_of_painting(painting.size, config, extractor, limit)
        painting = _reduced(painting, limit)
        _warn_of_stroke(painting.input, (0, max(painting.size)), config, view)
        picture = painting.picture
        return LoadedStyle(painting.input, Painting(picture.pixels), picture, painting.size)
    card, entry = _read_card(source, config, network, role, use)
    _warn_of_stroke(entry, (min(card.measured), max(card.measured)), config, view)
    return LoadedStyle(entry, card)


def _read_card(
    source: str | Path, config: PictureConfig, network: str, role: str, use: str
) -> tuple[cards.StyleCard, Input]:
    file = Path(source) if _is_file(source) else gallery.path(str(source))
    card = cards.load(file)
    if card.about.backbone_digest != network:
        raise StyleError(
            f"The style card {str(source)!r} was measured with {card.about.backbone}, and the run "
            f"uses {config.eye}, or other weights of it. Take the painting itself, or make a "
            "card for this backbone with `impasto style make`."
        )
    return card, Input(role, str(source), digest(file), use)


def _read_trained(source: Source, network: str, role: str, use: str) -> LoadedStyle:
    if isinstance(source, Image.Image) or not trained_metadata.is_trained(source):
        name = "a picture" if isinstance(source, Image.Image) else repr(str(source))
        raise OptionError(
            f"--method fast paints in styles that a network was trained for, and {name} is not a "
            f"file of those (*{trained_metadata.SUFFIX}). Train one (`impasto train PAINTING`), or "
            "take --method instant, which paints in any style."
        )
    place, name = trained_metadata.split_source(str(source))
    limits.check_tensors(Path(place), trained_metadata.MAX_BYTES, StyleError)
    stamp = digest(Path(place))
    styles = _trained(Path(place).resolve(), stamp)
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
        "--stroke %g asks for %s with a long side of %d pixels, and it has %d at %s: its strokes "
        "come out no %s than at --stroke %.2g; for %s ones, give %s",
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
    if isinstance(source, Image.Image):
        return Input(role, "", digest_of(picture), use)
    return Input(role, str(source), digest(Path(source)), use)


def _is_card(source: str | Path) -> bool:
    return Path(source).suffix.lower() == cards.SUFFIX


def _is_file(source: str | Path) -> bool:
    """Return whether a file is meant: also a missing one, if it has a suffix or a folder."""
    path = Path(source)
    if path.is_file():
        return True
    return str(source) not in gallery.names() and (bool(path.suffix) or len(path.parts) > 1)
