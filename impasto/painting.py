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
from impasto.image.color import palette
from impasto.image.files import Picture, digest, read, resize, to_pil
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

__all__ = ["Task", "finish", "make_card", "paint", "prepare", "stylize"]

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
    photograph, photograph_input = _picture("content", content)
    _check_shape(photograph, config)
    look, style_input = _style(style, config, weights)
    given = [photograph_input, style_input]
    start = None
    if init is not None:
        start, start_input = _picture("init", init)
        given.append(start_input)
    extractor = backbone_of(config, weights)
    extractor.check_layers([*config.content_layers, *config.style_layers])
    recipe = Recipe("gatys", asdict(config), tuple(given), _digest(config, weights), __version__)
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
    if isinstance(options.get("init"), (Path, Image.Image)):
        extra["init"] = options.pop("init")
    if "weights" in options:
        extra["weights"] = options.pop("weights")
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
    picture, _ = _picture("style", source)
    name = title or (Path(source).stem if isinstance(source, (str, Path)) else "untitled")
    extractor = backbone_of(replace(config, precision="float32"), weights)
    about = About(
        title=name,
        artist=artist,
        year=year,
        licence=licence,
        palette=palette(picture.pixels),
        backbone=backbone,
        backbone_digest=_digest(config, weights),
    )
    blank = torch.zeros(3, 1, 1, dtype=torch.uint8)
    card = cards.make(picture.pixels, extractor, config.style_layers, about, blank)
    step = last(texture(card, config, side=_SWATCH_SIDE, extractor=extractor))
    swatch = (step.image()[0] * 255).round().byte().cpu()
    return replace(card, swatch=swatch)


def _picture(role: str, source: Source) -> tuple[Picture, Input]:
    if isinstance(source, Image.Image):
        stamp = hashlib.sha256(f"{source.mode} {source.size} ".encode() + source.tobytes())
        return read(source), Input(role, "", f"sha256:{stamp.hexdigest()}")
    return read(source), Input(role, str(source), digest(Path(source)))


def _style(source: Source, config: GatysConfig, weights: Path | None) -> tuple[Style, Input]:
    if isinstance(source, Image.Image) or (_is_file(source) and Path(source).suffix != ".style"):
        picture, given = _picture("style", source)
        _check_shape(picture, config)
        return Painting(picture.pixels), given
    file = Path(source) if _is_file(source) else gallery.path(str(source))
    card = cards.load(file)
    if card.about.backbone_digest != _digest(config, weights):
        raise StyleError(
            f"The style card {str(source)!r} was measured with {card.about.backbone}, and the run "
            f"uses {config.backbone}, or other weights of it. Take the painting itself, or make a "
            "card for this backbone with `impasto style make`."
        )
    return card, Input("style", str(source), digest(file))


def _is_file(source: str | Path) -> bool:
    """Whether a file is meant: a name with a suffix or a folder is one, even if it is not there."""
    path = Path(source)
    return path.exists() or bool(path.suffix) or len(path.parts) > 1


def _digest(config: GatysConfig, weights: Path | None) -> str:
    return networks.digest(config.backbone) if weights is None else digest(weights)


def _check_shape(picture: Picture, config: GatysConfig) -> None:
    """Refuse what would be too thin for the network at the first scale."""
    sides = sorted((picture.width, picture.height))
    if sides[0] * config.smallest < 16 * sides[1] or sides[0] < 16:
        raise PictureError(
            f"The picture has {picture.width}×{picture.height} pixels, which is too thin or too "
            "small for the network to see anything in it. Both sides should have 16 pixels or "
            f"more, and the longer one at most {config.smallest // 16} times the shorter."
        )
