"""A style card from a painting."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import torch

from impasto.config.methods import TextureConfig
from impasto.config.specs import layer_weights
from impasto.engine.setup import backbone_of, with_layers
from impasto.engine.step import last
from impasto.features import sources as networks
from impasto.image.color import palette
from impasto.image.exchange import path_of
from impasto.image.transparency import shown_share
from impasto.methods.texture import texture
from impasto.painting.inputs import read_picture
from impasto.painting.sources import Source, is_named
from impasto.styles import card as cards
from impasto.styles.about import About
from impasto.styles.card import StyleCard
from impasto.styles.statistics import Painting

__all__ = ["make_card"]

# Sides of a swatch, and the long side of the painting that it is cut from, in pixels.
_SWATCH_SIDE = 192
_SWATCH_VIEW = 512


def make_card(
    source: Source,
    *,
    title: str = "",
    artist: str = "",
    year: str = "",
    licence: str = "",
    backbone: str = "compact",
    weights: str | os.PathLike[str] | None = None,
) -> StyleCard:
    """Measure a painting, and paint the card's swatch from what was measured.

    Args:
        source: a file, a Pillow image or an array, as `impasto.read` takes them.
        title: of the painting; otherwise the file's name.
        artist: who painted it.
        year: when.
        licence: that the painting is under.
        backbone: the network that it is measured with; a run needs the same.
        weights: a file of weights for it, instead of its own.

    Raises:
        ImpastoError: a picture or a network that cannot be used.
    """
    file = None if weights is None else path_of(weights)
    config = with_layers(TextureConfig(backbone=backbone, size=_SWATCH_VIEW, iterations=150))
    picture = read_picture("style", source, config, limit=max(cards.SIZES)).picture
    painting = Painting(picture.pixels, alpha=shown_share(picture.alpha))
    name = title or (Path(source).stem if is_named(source) else "untitled")
    extractor = backbone_of(replace(config, precision="float32"), file)
    about = About(
        title=name,
        artist=artist,
        year=year,
        licence=licence,
        palette=palette(picture.pixels, alpha=painting.alpha),
        backbone=backbone,
        backbone_digest=networks.digest(backbone, file),
    )
    blank = torch.zeros(3, 1, 1, dtype=torch.uint8)
    layers = list(layer_weights(config.style_layers))
    card = cards.make(painting, extractor, layers, about, blank)
    side, view = _SWATCH_SIDE, _SWATCH_VIEW
    steps = texture(card, config, height=side, width=side, view=view, extractor=extractor)
    step = last(steps)
    swatch = (step.image()[0] * 255).round().byte().cpu()
    return replace(card, swatch=swatch)
