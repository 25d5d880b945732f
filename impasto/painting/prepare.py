"""Which task a method's options ask for."""

from __future__ import annotations

from collections.abc import Callable

from impasto.config.bases import PictureConfig
from impasto.config.methods import (
    DoodleConfig,
    FastConfig,
    GatysConfig,
    InstantConfig,
    LaplacianConfig,
    MrfConfig,
    NnstConfig,
    RefineConfig,
    TextureConfig,
)
from impasto.features.extractor import Extractor
from impasto.painting.doodle import doodle_task
from impasto.painting.instant import fast_task, instant_task
from impasto.painting.laplacian import laplacian_task
from impasto.painting.photograph import photograph_task
from impasto.painting.refine import refine_task
from impasto.painting.sources import Sources, Task
from impasto.painting.texture import texture_task

__all__ = ["prepare"]

_TASKS: dict[type[PictureConfig], Callable[..., Task]] = {
    GatysConfig: photograph_task,
    InstantConfig: instant_task,
    FastConfig: fast_task,
    RefineConfig: refine_task,
    NnstConfig: photograph_task,
    MrfConfig: photograph_task,
    TextureConfig: texture_task,
    DoodleConfig: doodle_task,
    LaplacianConfig: laplacian_task,
}


def prepare(sources: Sources, config: PictureConfig, extractor: Extractor | None = None) -> Task:
    """Read everything that a run needs, and check it before any work is done.

    Args:
        config: its type says which method paints.
        extractor: the backbone, if it is loaded already.

    Raises:
        ImpastoError: whatever cannot be used.
    """
    return _TASKS[type(config)](sources, config, extractor)
