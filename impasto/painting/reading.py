"""The pictures, cards and maps of a run: read, checked and written down."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from impasto.errors import PictureError, StyleError
from impasto.features.extractor import Extractor
from impasto.features.plan import min_side
from impasto.image.files import Picture, digest, fit, read
from impasto.image.labels import LabelMap
from impasto.image.pyramid import scale_schedule
from impasto.image.quantise import quantise
from impasto.methods.choices import layer_weights
from impasto.methods.configs import PhotoConfig, PixelConfig
from impasto.painting.task import Source
from impasto.recipe import Input
from impasto.styles import card as cards
from impasto.styles import gallery
from impasto.styles.statistics import Painting, Style

__all__ = ["Given", "digest_of", "layers_of", "read_map", "read_picture", "read_style", "size_of"]

_ORIENTATION = 0x0112  # EXIF; from 5 on, width and height change places


@dataclass(frozen=True)
class Given:
    """A picture or card that was read, and its entry in the recipe.

    Attributes:
        picture: its pixels; None for a style card, which has none.
    """

    input: Input
    picture: Picture | None = None
    style: Style | None = None


def layers_of(config: PixelConfig) -> list[str]:
    """Every layer that a config names."""
    content = layer_weights(config.content_layers) if isinstance(config, PhotoConfig) else {}
    return [*content, *layer_weights(config.style_layers)]


def read_picture(
    role: str,
    source: Source,
    config: PixelConfig,
    extractor: Extractor | None = None,
    use: str = "",
) -> tuple[Picture, Input]:
    """A picture, at most as large as the result, and its entry in the recipe.

    A photograph of 24 megapixels takes 300 MB as numbers, and no scale looks at so many.

    Args:
        extractor: refuses a picture that is too thin for its layers.
        use: what the recipe says of it besides its name.
    """
    picture = read(source)
    given = _entry(role, source, picture, use)
    if extractor is not None:
        _check_shape(given, picture, config, extractor)
    if max(picture.width, picture.height) <= config.size:
        return picture, given
    alpha = None if picture.alpha is None else fit(picture.alpha, config.size)
    return Picture(fit(picture.pixels, config.size), alpha), given


def read_map(role: str, source: Source) -> tuple[LabelMap, Input]:
    """The regions of a map, and its entry in the recipe.

    Raises:
        OptionError: the picture is no map.
    """
    picture = read(source)
    return quantise(picture.pixels), _entry(role, source, picture, "")


def read_style(
    source: Source,
    config: PixelConfig,
    extractor: Extractor,
    network: str,
    role: str = "style",
    use: str = "",
) -> Given:
    """A painting or a style card.

    Args:
        network: the digest of the backbone's weights, which a card must have been measured with.
    """
    if isinstance(source, Image.Image) or (_is_file(source) and not _is_card(source)):
        picture, given = read_picture(role, source, config, extractor, use)
        return Given(given, picture, Painting(picture.pixels))
    file = Path(source) if _is_file(source) else gallery.path(str(source))
    card = cards.load(file)
    if card.about.backbone_digest != network:
        raise StyleError(
            f"The style card {str(source)!r} was measured with {card.about.backbone}, and the run "
            f"uses {config.backbone}, or other weights of it. Take the painting itself, or make a "
            "card for this backbone with `impasto style make`."
        )
    return Given(Input(role, str(source), digest(file), use), None, card)


def size_of(source: Source) -> tuple[int, int]:
    """Width and height of a picture as it is shown, from its file's head."""
    if isinstance(source, Image.Image):
        return source.size
    with Image.open(source) as picture:
        turned = picture.getexif().get(_ORIENTATION, 1) >= 5
        return (picture.height, picture.width) if turned else picture.size


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


def _check_shape(given: Input, picture: Picture, config: PixelConfig, extractor: Extractor) -> None:
    """Refuse what would be too thin for the network at the first scale."""
    first = scale_schedule(config.size, config.smallest)[0]
    needed = max(16, min_side(extractor.plan, layers_of(config)))
    short, long = sorted((picture.width, picture.height))
    if short < needed or round(short * first / long) < needed:
        raise PictureError(
            f"The {given.role} {given.name} has {picture.width}×{picture.height} pixels: too thin "
            "or too small for the network to see anything in it. Both sides should have "
            f"{needed} pixels or more, and the longer one at most {first // needed} times the "
            "shorter."
        )
