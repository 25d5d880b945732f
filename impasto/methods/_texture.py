"""A texture from a style's statistics alone (Gatys, Ecker and Bethge, NIPS 2015)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from impasto.features.extractor import Extractor
from impasto.image.files import resize
from impasto.losses.objective import evaluate
from impasto.methods._gatys import (
    MARGIN,
    backbone_of,
    pixel_terms,
    settings_of,
    style_terms,
    with_layers,
    without_margin,
)
from impasto.methods.configs import GatysConfig
from impasto.methods.solver import Problem, Step, solve
from impasto.runtime import generator
from impasto.styles.statistics import Style

__all__ = ["texture"]

# The scales of a texture, over its side: half of it first, so that big shapes have settled before
# the strokes are painted.
_SCALES = (0.5, 0.71, 1.0)


def texture(
    style: Style,
    config: GatysConfig | None = None,
    *,
    side: int = 256,
    extractor: Extractor | None = None,
) -> Iterator[Step]:
    """Paint a square of `side` pixels, as if cut from the painting at a long side of `config.size`.

    Starts from noise, and reads of the config what concerns style and optimiser. Yields after every
    iteration.
    """
    config = with_layers(replace(config or GatysConfig(), strength=1.0))
    extractor = extractor or backbone_of(config)
    device = next(extractor.parameters()).device
    noise = torch.rand(1, 3, side // 2, side // 2, generator=generator(config.seed)).to(device)
    iterations = max(1, config.iterations // len(_SCALES))
    sizes = [(round(side * x) + 2 * MARGIN, round(config.size * x)) for x in _SCALES]
    problems = [
        partial(_problem, pixels, view, style, config, extractor, iterations)
        for pixels, view in sizes
    ]
    work = [float(pixels**2) for pixels, _ in sizes]
    yield from without_margin(solve(noise * 0.5 + 0.25, problems, work, settings_of(config)))


def _problem(
    side: int, view: int, style: Style, config: GatysConfig, extractor: Extractor, iterations: int
) -> Problem:
    terms = [*style_terms(view, style, config, extractor), *pixel_terms(None, config)]

    def objective(image: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        return evaluate(terms, image, extractor(image, config.style_layers))

    return Problem(side, side, iterations, objective, lambda x: resize(x, side, side))
