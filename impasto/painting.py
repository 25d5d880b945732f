"""From files to a finished picture: the job behind `impasto stylize` and `impasto.stylize`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from impasto import __version__
from impasto.errors import PictureError, StyleError
from impasto.features import weights as networks
from impasto.features.extractor import Extractor
from impasto.features.plan import min_side
from impasto.image.color import palette
from impasto.image.files import Picture, digest, fit, read, resize, to_pil
from impasto.image.pyramid import scale_schedule
from impasto.methods import GatysConfig, Step, gatys, texture
from impasto.methods._gatys import backbone_of, with_layers
from impasto.methods.configs import from_dict
from impasto.methods.solver import last
from impasto.recipe import Input, Recipe
from impasto.styles import card as cards
from impasto.styles import gallery
from impasto.styles.about import About
from impasto.styles.card import StyleCard
from impasto.styles.statistics import Painting, Style

__all__ = ["Task", "digest_of", "finish", "make_card", "paint", "prepare", "stylize"]

Source = str | Path | Image.Image

# A swatch: this many pixels, cut from the painting at a long side of so many.
_SWATCH_SIDE = 192
_SWATCH_VIEW = 512


@dataclass(frozen=True)
class Task:
    """Everything a run needs, read and checked."""

    content: Picture
    style: Style
    config: GatysConfig
    recipe: Recipe
    extractor: Extractor
    start: Picture | None = None


def prepare(
    content: Source,
    style: Source,
    config: GatysConfig,
    *,
    init: Source | None = None,
    weights: Path | None = None,
) -> Task:
    """Read the pictures and the network, and write down the recipe.

    Args:
        content: a photograph.
        style: a painting, a style card, or the name of a built-in one.
        init: a picture to start from, instead of `config.init`.
        weights: a file of weights for the backbone, instead of the embedded or cached ones.

    Raises:
        ImpastoError: whatever cannot be used, before any work is done.
    """
    config = with_layers(config)
    extractor = backbone_of(config, weights)
    extractor.check_layers([*config.content_layers, *config.style_layers])
    network = networks.digest(config.backbone, weights)
    photograph, photograph_input = _picture("content", content, config, extractor)
    look, style_input = _style(style, config, extractor, network)
    given = [photograph_input, style_input]
    start = None
    if init is not None:
        start, start_input = _picture("init", init, config, extractor)
        given.append(start_input)
    recipe = Recipe("gatys", asdict(config), tuple(given), network, __version__)
    return Task(photograph, look, config, recipe, extractor, start)


def paint(task: Task) -> Iterator[Step]:
    """Run the task; yields after every iteration."""
    start = None if task.start is None else task.start.pixels
    yield from gatys(
        task.content.pixels, task.style, task.config, extractor=task.extractor, start=start
    )


def finish(task: Task, step: Step) -> Picture:
    """The picture at a step, with the photograph's alpha channel if it has one."""
    pixels = step.image().cpu()
    alpha = task.content.alpha
    if alpha is not None:
        alpha = resize(alpha, *pixels.shape[-2:])
    return Picture(pixels, alpha)


def stylize(content: Source, style: Source, **options: Any) -> Image.Image:
    """Give a photograph the look of a painting.

    Args:
        content: a photograph: a file or a Pillow image.
        style: a painting, a style card, or the name of a built-in one such as `starry-night`.
        options: fields of `GatysConfig`, such as `size=1024` or `strength=0.7`; besides, `init` may
            be a picture, and `weights` a file.

    Returns:
        An 8-bit picture, with the recipe as JSON in `.info["impasto"]`.

    Raises:
        ImpastoError: whatever cannot be used or done.
    """
    extra: dict[str, Any] = {}
    init = options.get("init", "content")
    if not isinstance(init, str) or Path(init).is_file():
        extra["init"] = options.pop("init")
    if options.get("weights") is not None:
        extra["weights"] = Path(options["weights"])
    options.pop("weights", None)
    task = prepare(content, style, from_dict(GatysConfig, options), **extra)
    return to_pil(finish(task, last(paint(task))), recipe=task.recipe.to_json())


def make_card(
    source: Source,
    *,
    title: str = "",
    artist: str = "",
    year: str = "",
    licence: str = "",
    backbone: str = "compact",
    weights: Path | None = None,
) -> StyleCard:
    """Measure a painting, and paint the card's swatch from what was measured.

    Raises:
        ImpastoError: a picture or a network that cannot be used.
    """
    config = with_layers(GatysConfig(backbone=backbone, size=_SWATCH_VIEW, iterations=150))
    picture, _ = _picture("style", source, replace(config, size=max(cards.SIZES)))
    name = title or (Path(source).stem if isinstance(source, (str, Path)) else "untitled")
    extractor = backbone_of(replace(config, precision="float32"), weights)
    about = About(
        title=name,
        artist=artist,
        year=year,
        licence=licence,
        palette=palette(picture.pixels),
        backbone=backbone,
        backbone_digest=networks.digest(backbone, weights),
    )
    blank = torch.zeros(3, 1, 1, dtype=torch.uint8)
    card = cards.make(picture.pixels, extractor, config.style_layers, about, blank)
    step = last(texture(card, config, side=_SWATCH_SIDE, extractor=extractor))
    swatch = (step.image()[0] * 255).round().byte().cpu()
    return replace(card, swatch=swatch)


def digest_of(picture: Picture) -> str:
    """A digest of a picture's values, for one that came from no file."""
    stamp = hashlib.sha256(repr(tuple(picture.pixels.shape)).encode())
    for values in (picture.pixels, picture.alpha):
        if values is not None:
            stamp.update(values.contiguous().numpy().tobytes())
    return f"sha256:{stamp.hexdigest()}"


def _picture(
    role: str, source: Source, config: GatysConfig, extractor: Extractor | None = None
) -> tuple[Picture, Input]:
    """A picture, at most as large as the result, and its entry in the recipe.

    A photograph of 24 megapixels takes 300 MB as numbers, and no scale looks at so many.
    """
    picture = read(source)
    if isinstance(source, Image.Image):
        given = Input(role, "", digest_of(picture))
    else:
        given = Input(role, str(source), digest(Path(source)))
    if extractor is not None:
        _check_shape(given, picture, config, extractor)
    if max(picture.width, picture.height) <= config.size:
        return picture, given
    alpha = None if picture.alpha is None else fit(picture.alpha, config.size)
    return Picture(fit(picture.pixels, config.size), alpha), given


def _style(
    source: Source, config: GatysConfig, extractor: Extractor, network: str
) -> tuple[Style, Input]:
    if isinstance(source, Image.Image) or (_is_file(source) and not _is_card(source)):
        picture, given = _picture("style", source, config, extractor)
        return Painting(picture.pixels), given
    file = Path(source) if _is_file(source) else gallery.path(str(source))
    card = cards.load(file)
    if card.about.backbone_digest != network:
        raise StyleError(
            f"The style card {str(source)!r} was measured with {card.about.backbone}, and the run "
            f"uses {config.backbone}, or other weights of it. Take the painting itself, or make a "
            "card for this backbone with `impasto style make`."
        )
    return card, Input("style", str(source), digest(file))


def _is_card(source: str | Path) -> bool:
    return Path(source).suffix.lower() == cards.SUFFIX


def _is_file(source: str | Path) -> bool:
    """Whether a file is meant: a name with a suffix or a folder is one, even if it is not there."""
    path = Path(source)
    if path.is_file():
        return True
    return str(source) not in gallery.names() and (bool(path.suffix) or len(path.parts) > 1)


def _check_shape(given: Input, picture: Picture, config: GatysConfig, extractor: Extractor) -> None:
    """Refuse what would be too thin for the network at the first scale."""
    first = scale_schedule(config.size, config.smallest)[0]
    layers = [*config.content_layers, *config.style_layers]
    needed = max(16, min_side(extractor.plan, layers))
    short, long = sorted((picture.width, picture.height))
    if short < needed or round(short * first / long) < needed:
        raise PictureError(
            f"The {given.role} {given.name} has {picture.width}×{picture.height} pixels: too thin "
            "or too small for the network to see anything in it. Both sides should have "
            f"{needed} pixels or more, and the longer one at most {first // needed} times the "
            "shorter."
        )
