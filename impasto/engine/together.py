"""Photographs of one size that are painted in one style together: the network sees all at once."""

from __future__ import annotations

from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.config.bases import PhotoConfig
from impasto.engine.canvas import cut_margin, with_detail, with_margin
from impasto.engine.comparison import Engine
from impasto.engine.photograph import Canvas, loss_at
from impasto.engine.regions import Region
from impasto.engine.scale import Scale
from impasto.engine.setup import scales_of, settings_of
from impasto.engine.step import Picture
from impasto.features.extractor import Extractor
from impasto.image.picture import resize

__all__ = ["paint_together"]


def paint_together(
    contents: Float[Tensor, "b 3 h w"],
    starts: Float[Tensor, "b 3 _ _"],
    region: Region,
    engine: Engine,
    config: PhotoConfig,
    extractor: Extractor,
) -> Float[Tensor, "b 3 h w"]:
    """Paint each photograph as `paint_photograph` does alone, up to rounding.

    Each has its own loss and its own optimiser; only the passes through the network are shared.

    Args:
        contents: on the extractor's device, of the size of the result.
        starts: to start from, which also give each scale their detail.
        region: a style for the whole of each picture.
        config: with its layers filled in.

    Raises:
        DivergedError: for one of them no step was small enough.
    """
    sizes, counts = scales_of(config, *contents.shape[-2:])
    settings = settings_of(config)
    pictures = list(torch.split(with_margin(resize(starts, *sizes[0])), 1))
    runs: list[Scale | None] = [None] * len(pictures)
    for size, count in zip(sizes, counts, strict=True):
        canvases = [
            Canvas.of(content, [region]) for content in torch.split(resize(contents, *size), 1)
        ]
        details = torch.split(resize(starts, *size), 1)
        firsts = [with_detail(*pair) for pair in zip(pictures, details, strict=True)]
        losses = [
            loss_at(canvas, first, engine, config, extractor)
            for canvas, first in zip(canvases, firsts, strict=True)
        ]
        viewer, terms = losses[0][0], [each for _, each in losses]
        begun = [
            Scale.begun(first.clamp(0, 1), settings, run)
            for first, run in zip(firsts, runs, strict=True)
        ]
        for _ in range(count):
            batch = torch.cat([run.pixels for run in begun])
            for run, result in zip(begun, viewer.differentiate_each(terms, batch), strict=True):
                run.advance(partial(_known, result))
        pictures = [run.finished() for run in begun]
        runs = list(begun)
    return cut_margin(torch.cat(pictures))


def _known(
    result: tuple[dict[str, float], Picture],
    pixels: Picture,  # noqa: ARG001
) -> tuple[dict[str, float], Picture]:
    """Return an objective's result that was computed already."""
    return result
