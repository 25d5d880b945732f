"""The pictures, cards and maps of a run: read, checked and written down."""

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
from impasto.config.methods import FastConfig
from impasto.config.recipe import Input
from impasto.config.specs import layer_weights
from impasto.errors import OptionError, PictureError, StyleError
from impasto.features.extractor import Extractor
from impasto.features.plan import min_side
from impasto.files import limits
from impasto.image.labels import LabelMap
from impasto.image.picture import Picture, fit
from impasto.image.pyramid import scale_schedule
from impasto.image.reading import digest, read
from impasto.image.region_maps import quantise
from impasto.networks import trained, trained_metadata
from impasto.painting.sources import Source
from impasto.styles import card as cards
from impasto.styles import gallery
from impasto.styles.statistics import Painting, Style

__all__ = [
    "LoadedInput",
    "Map",
    "digest_of",
    "layers_of",
    "read_map",
    "read_picture",
    "read_style",
]

_LOG = logging.getLogger("impasto")

# Regions are found on a map of at most so many pixels along its longer side: of 12 megapixels it
# would take 15 seconds and 2 GB. Their borders are as sharp as those of most pictures painted.
_FINEST_MAP = 2048

# A style may be asked for at a size so much beyond those that it has, before anybody notices.
_UNNOTICED = 1.1


@dataclass(frozen=True)
class LoadedInput:
    """A picture or card that was read, and its entry in the recipe.

    Attributes:
        picture: its pixels, which may be fewer than it came with; None for a style card, which has
            none.
        style: None if it was read as no style.
        size: width and height that it came with, upright; 0 for a style card.
    """

    input: Input
    picture: Picture | None = None
    style: Style | None = None
    size: tuple[int, int] = (0, 0)

    @property
    def shown(self) -> Picture:
        """The picture of what has one, as all have that `read_picture` gives."""
        assert self.picture is not None, "a style card has no pixels"
        return self.picture


@dataclass(frozen=True)
class Map:
    """A map of regions that was read, and its entry in the recipe.

    Attributes:
        labels: of a large map, brought down to 2,048 pixels along its longer side.
        size: width and height that it came with, upright.
    """

    labels: LabelMap
    input: Input
    size: tuple[int, int]


def layers_of(config: PictureConfig) -> list[str]:
    """Every layer that a config names."""
    return [*layer_weights(config.content_names), *layer_weights(config.style_names)]


def read_picture(
    role: str,
    source: Source,
    config: PictureConfig,
    extractor: Extractor | None = None,
    use: str = "",
    limit: int | None = None,
) -> LoadedInput:
    """A picture, at most as large as the result, and its entry in the recipe.

    A photograph of 24 megapixels takes 300 MB as numbers, and no scale looks at so many.

    Args:
        extractor: refuses a picture that is too thin for its layers.
        use: what the recipe says of it besides its name.
        limit: the long side that it is brought down to if it is larger; by default the result's.
    """
    picture = read(source)
    entry = _entry(role, source, picture, use)
    if extractor is not None:
        _check_shape(entry, picture, config, extractor)
    size, limit = (picture.width, picture.height), limit or config.size
    if max(size) > limit:
        alpha = None if picture.alpha is None else fit(picture.alpha, limit)
        picture = Picture(fit(picture.pixels, limit), alpha)
    return LoadedInput(entry, picture, size=size)


def read_map(role: str, source: Source) -> Map:
    """The regions of a map, and its entry in the recipe.

    Raises:
        OptionError: the picture is no map.
    """
    picture = read(source)
    size, pixels = (picture.width, picture.height), picture.pixels
    if max(size) > _FINEST_MAP:
        factor = _FINEST_MAP / max(size)
        fewer = tuple(max(1, round(side * factor)) for side in pixels.shape[-2:])
        # By nearest neighbour, as all labels are resized: an average would make new colours.
        pixels = F.interpolate(pixels, size=fewer, mode="nearest-exact")
    return Map(quantise(pixels), _entry(role, source, picture, ""), size)


def read_style(
    source: Source,
    config: PictureConfig,
    extractor: Extractor,
    network: str,
    role: str = "style",
    use: str = "",
    view: int | None = None,
) -> LoadedInput:
    """A painting or a style card.

    Warns of a stroke that asks for it at a size it is not known at.

    Args:
        network: the digest of the backbone's weights, which a card must have been measured with.
        view: show it at its own scale at a stroke of 1, if that is with a long side of so many
            pixels at most; by default it is shown as large as the result.
    """
    if isinstance(config, FastConfig):
        return _read_trained(source, network, role, use)
    if not isinstance(source, Image.Image) and trained_metadata.is_trained(source):
        raise OptionError(
            f"{source} is a file of trained styles, which only --method fast paints in. Add that, "
            "or give the painting."
        )
    if isinstance(source, Image.Image) or (_is_file(source) and not _is_card(source)):
        limit = math.ceil((view or config.size) * max(1.0, config.stroke))
        given = read_picture(role, source, config, extractor, use, limit)
        given = replace(given, style=Painting(given.shown.pixels))
        _tell_stroke(given.input, (0, max(given.size)), config, view)
        return given
    card, entry = _read_card(source, config, network, role, use)
    _tell_stroke(entry, (min(card.measured), max(card.measured)), config, view)
    return LoadedInput(entry, None, card)


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


def _read_trained(source: Source, network: str, role: str, use: str) -> LoadedInput:
    if isinstance(source, Image.Image) or not trained_metadata.is_trained(source):
        named = "a picture" if isinstance(source, Image.Image) else repr(str(source))
        raise OptionError(
            f"--method fast paints in styles that a network was trained for, and {named} is no "
            f"file of those (*{trained_metadata.SUFFIX}). Train one (`impasto train PAINTING`), or "
            "take --method instant, which paints in any style."
        )
    place, name = trained_metadata.split_source(str(source))
    limits.check_tensors(Path(place), trained_metadata.MAX_BYTES, StyleError)
    stamp = digest(Path(place))
    found = _trained(Path(place).resolve(), stamp)
    found.metadata.check_backbone(network, place)
    style = found.style(name.removeprefix("#"), place)
    return LoadedInput(Input(role, place, stamp, use), None, style)


@functools.lru_cache(maxsize=4)
def _trained(path: Path, stamp: str) -> trained.Trained:  # noqa: ARG001
    """A file's styles, read once as long as the file stays: two of them can only be blended so."""
    return trained.load(path)


def _tell_stroke(
    given: Input, known: tuple[int, int], config: PictureConfig, view: int | None
) -> None:
    """Note that the last scale asks for a painting larger or smaller than it can be had.

    Args:
        known: the least and the most pixels along its longer side; 0 and more for a file.
    """
    least, most = known
    wanted = config.stroke * (min(view, most) if view else config.size)
    beyond, below = wanted > most * _UNNOTICED, wanted * _UNNOTICED < least
    if config.stroke == 1 or not (beyond or below):
        return
    nearest, change, bound = (most, "larger", "most") if beyond else (least, "smaller", "least")
    remedy = "the painting itself" if least else "a file of more pixels"
    _LOG.warning(
        "--stroke %g asks for %s with a long side of %d pixels, and it has %d at %s: its strokes "
        "come out no %s than at --stroke %.2g; for %s ones, give %s",
        config.stroke, given.name or f"the {given.role}", wanted, nearest, bound,
        change, config.stroke * nearest / wanted, change, remedy,
    )  # fmt: skip


def digest_of(picture: Picture) -> str:
    """A digest of a picture's values, for one that came from no file."""
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
    """Whether a file is meant: a name with a suffix or a folder is one, even if it is not there."""
    path = Path(source)
    if path.is_file():
        return True
    return str(source) not in gallery.names() and (bool(path.suffix) or len(path.parts) > 1)


def _check_shape(
    given: Input, picture: Picture, config: PictureConfig, extractor: Extractor
) -> None:
    """Refuse what would be too thin for the network at the first scale."""
    first = scale_schedule(config.size, config.first)[0]
    needed = max(16, min_side(extractor.plan, layers_of(config)))
    short, long = sorted((picture.width, picture.height))
    if short < needed or round(short * first / long) < needed:
        raise PictureError(
            f"The {given.role} {given.name} has {picture.width}×{picture.height} pixels: too thin "
            "or too small for the network to see anything in it. Both sides should have "
            f"{needed} pixels or more, and the longer one at most {first // needed} times the "
            "shorter."
        )
