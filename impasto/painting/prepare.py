"""The task of any method, from its options."""

from __future__ import annotations

from impasto.config.bases import PictureConfig
from impasto.config.methods import method_of
from impasto.features.extractor import Extractor
from impasto.painting.misplaced import check_style
from impasto.painting.sources import Sources
from impasto.painting.task import Task

__all__ = ["prepare"]


def prepare(sources: Sources, config: PictureConfig, extractor: Extractor | None = None) -> Task:
    """Read everything that a run needs, and check it before any work is done.

    Args:
        config: its type says which method paints.
        extractor: the backbone, if it is loaded already.

    Raises:
        ImpastoError: anything that cannot be used.
    """
    for spec in sources.styles:
        check_style(spec.source)
    task: Task = method_of(config).task(sources, config, extractor)
    return task
