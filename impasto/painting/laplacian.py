"""The task of the Laplacian pyramid method."""

from __future__ import annotations

from impasto.config.methods import LaplacianConfig
from impasto.engine.setup import pyramid_layers
from impasto.features.extractor import Extractor
from impasto.painting.common import network_of
from impasto.painting.photograph import photograph_task
from impasto.painting.sources import Sources, Task

__all__ = ["laplacian_task"]


def laplacian_task(
    sources: Sources, config: LaplacianConfig, extractor: Extractor | None = None
) -> Task:
    """Read the pictures and the network, and write down the recipe.

    Raises:
        ImpastoError: whatever cannot be used, before any work is done.
    """
    extractor, _ = network_of(config, sources, extractor)
    extractor.check_layers(pyramid_layers(config))
    return photograph_task(sources, config, extractor)
