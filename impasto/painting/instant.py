"""The tasks that give a photograph a style at once, without optimising anything."""

from __future__ import annotations

from functools import partial
from typing import Any

from impasto.config.bases import StyledConfig
from impasto.config.methods import FastConfig, InstantConfig, method_of
from impasto.errors import OptionError
from impasto.features.extractor import Extractor
from impasto.networks.checkpoint import load_version
from impasto.painting.common import network_of, recipe_of
from impasto.painting.inputs import read_picture
from impasto.painting.photograph import finished_photograph
from impasto.painting.preflight import check_weights
from impasto.painting.regions import plan_regions
from impasto.painting.sources import Sources
from impasto.painting.task import Task

__all__ = ["fast_task", "instant_task"]


def instant_task(
    sources: Sources, config: InstantConfig, extractor: Extractor | None = None
) -> Task:
    """Read the pictures and the networks, and make the recipe.

    Args:
        extractor: `compact`, if it is loaded already.

    Raises:
        ImpastoError: anything that cannot be used, before any work is done.
    """
    return _task(sources, config, extractor, network=load_version(config.network))


def fast_task(sources: Sources, config: FastConfig, extractor: Extractor | None = None) -> Task:
    """Do the same for styles that were trained: their networks are in their files.

    Args:
        extractor: `compact`, if it is loaded already.

    Raises:
        ImpastoError: anything that cannot be used, before any work is done.
    """
    return _task(sources, config, extractor)


def _task(
    sources: Sources, config: StyledConfig, extractor: Extractor | None, **networks: Any
) -> Task:
    """Return the task.

    Args:
        networks: that the method takes besides.
    """
    method = method_of(config)
    if sources.content is None:
        raise OptionError("There is no photograph to paint: name one.")
    check_weights(sources, config)
    extractor, digest = network_of(config, sources, extractor)
    content = read_picture("content", sources.content, config, extractor)
    photograph = content.picture
    planned = plan_regions(sources, config, content, extractor, digest)
    run = partial(
        method.paint,
        photograph.pixels,
        None,
        config,
        regions=planned.regions,
        extractor=extractor,
        **networks,
    )
    finish = partial(finished_photograph, photograph, planned.keeps_colour)
    workload = method.workload(config, photograph.height, photograph.width)
    recipe = recipe_of(config, [content.input, *planned.inputs], digest)
    return Task(recipe, config, run, finish, workload, extractor)
