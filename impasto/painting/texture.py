"""The task of painting a texture: a style, and nothing else."""

from __future__ import annotations

from functools import partial

from impasto.config.methods import TextureConfig, method_of
from impasto.engine.setup import with_layers
from impasto.errors import OptionError
from impasto.features.extractor import Extractor
from impasto.methods.texture import view_of
from impasto.painting.common import network_of, recipe_of
from impasto.painting.regions import blended, read_styles, shares_of
from impasto.painting.sources import Sources
from impasto.painting.task import Task, opaque

__all__ = ["texture_task"]

# A source is shown at its own scale, whatever the texture's size. Of a larger one than this, the
# network's first layers alone would take gigabytes; so it is resized to it.
_LARGEST_VIEW = 2048


def texture_task(
    sources: Sources, config: TextureConfig, extractor: Extractor | None = None
) -> Task:
    """Read the styles and the network, and make the recipe.

    Raises:
        ImpastoError: anything that cannot be used, before any work is done.
    """
    if not sources.styles:
        raise OptionError("There is nothing to make a texture of: name a picture or a style.")
    config = with_layers(config)
    method = method_of(config)
    extractor, digest = network_of(config, sources, extractor)
    styles = read_styles(sources, config, extractor, digest, _LARGEST_VIEW)
    blend = blended(shares_of(styles), config)
    width, height = config.sides
    view = min(_LARGEST_VIEW, view_of(blend))
    run = partial(
        method.paint,
        blend,
        config,
        height=height,
        width=width,
        # A stroke above 1 reads more of a large file: it is what the view is multiplied with.
        view=view,
        seamless=config.seamless,
        extractor=extractor,
    )
    recipe = recipe_of(config, [style.input for _, style in styles], digest)
    return Task(recipe, config, run, opaque, method.workload(config, blend, view), extractor)
