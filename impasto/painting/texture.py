"""The task of painting a texture: a style, and nothing else."""

from __future__ import annotations

from functools import partial

from impasto.config.methods import TextureConfig
from impasto.engine.canvas import MARGIN
from impasto.engine.setup import with_layers
from impasto.engine.workload import Scale, workload_of
from impasto.errors import OptionError
from impasto.features.extractor import Extractor
from impasto.methods.texture import texture as weave
from impasto.methods.texture import texture_scales, view_of
from impasto.painting.common import network_of, recipe_of
from impasto.painting.inputs import read_style
from impasto.painting.regions import blended
from impasto.painting.sources import Sources, Task, opaque

__all__ = ["texture_task"]

# A source is shown at its own scale, whatever the texture's size. Of one that is larger than this,
# the network's first layers alone would take gigabytes; so it is brought down to it.
_LARGEST_VIEW = 2048


def texture_task(
    sources: Sources, config: TextureConfig, extractor: Extractor | None = None
) -> Task:
    """Read the styles and the network, and write down the recipe.

    Raises:
        ImpastoError: whatever cannot be used, before any work is done.
    """
    if not sources.styles:
        raise OptionError("There is nothing to make a texture of: name a picture or a style.")
    config = with_layers(config)
    extractor, network = network_of(config, sources, extractor)
    given = [
        (
            choice,
            read_style(
                choice.source, config, extractor, network, use=choice.use, view=_LARGEST_VIEW
            ),
        )
        for choice in sources.styles
    ]
    styles = [(read.style, c.weight, c.layers) for c, read in given if read.style]
    style = blended(styles, config)
    width, height = config.sides
    view = min(_LARGEST_VIEW, view_of(style))
    run = partial(
        weave,
        style,
        config,
        height=height,
        width=width,
        # A stroke above 1 reads more of a large file: it is what the view is multiplied with.
        view=view,
        seamless=config.seamless,
        extractor=extractor,
    )
    side = max(1, round(view * config.stroke))
    factors, counts = texture_scales(style, config, height, width, side)
    margin = 0 if config.seamless else MARGIN
    scales = [
        Scale(round(height * x), round(width * x), n, margin)
        for x, n in zip(factors, counts, strict=True)
    ]
    recipe = recipe_of(config, [read.input for _, read in given], network)
    return Task(recipe, config, run, opaque, workload_of(config, scales), extractor)
