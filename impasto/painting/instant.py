"""The tasks that give a photograph a style at once, without optimising anything."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import partial

from impasto.config.bases import StyledConfig
from impasto.config.memory import MemoryPlan
from impasto.config.methods import FastConfig, InstantConfig
from impasto.engine.step import Step
from impasto.engine.workload import Scale, Workload
from impasto.errors import OptionError
from impasto.features.extractor import Extractor
from impasto.image.picture import fitted
from impasto.methods.fast import fast
from impasto.methods.instant import instant
from impasto.networks.brush_painting import LARGEST_AT_ONCE
from impasto.networks.checkpoint import digest, load_instant
from impasto.painting.common import method_of, network_of, recipe_of
from impasto.painting.inputs import read_picture
from impasto.painting.photograph import finished_photograph
from impasto.painting.regions import plan_regions
from impasto.painting.sources import Sources, Task

__all__ = ["bytes_at_once", "digest_with", "fast_task", "instant_task"]

# Bytes of a pane, of each pixel's deep features, and of each pixel's copies: the photograph, the
# same with its margin, each region's painting, their sum (measured from 512×512 to 7680×4320).
_PANE, _FEATURES, _COPIES = 220e6, 61, 84


class _AtOnce(Workload):
    """One pass through a network, of a picture of any size: the largest are painted in parts."""

    def bytes(self, plan: MemoryPlan, itemsize: int) -> int:  # noqa: ARG002
        """What it takes beside the program, the network and the pictures that were read."""
        return bytes_at_once(self.pixels)


def bytes_at_once(pixels: int) -> int:
    """What painting so many pixels at once takes."""
    return int(_PANE + _FEATURES * min(pixels, LARGEST_AT_ONCE) + _COPIES * pixels)


def instant_task(
    sources: Sources, config: InstantConfig, extractor: Extractor | None = None
) -> Task:
    """Read the pictures and the networks, and write down the recipe.

    Args:
        extractor: `compact`, if it is loaded already.

    Raises:
        ImpastoError: whatever cannot be used, before any work is done.
    """
    run = partial(instant, network=load_instant())
    return _task(sources, config, extractor, run, digest_with)


def fast_task(sources: Sources, config: FastConfig, extractor: Extractor | None = None) -> Task:
    """The same for styles that were trained for: their networks are in their files.

    Args:
        extractor: `compact`, if it is loaded already.

    Raises:
        ImpastoError: whatever cannot be used, before any work is done.
    """
    return _task(sources, config, extractor, fast, lambda seen_by: seen_by)


def _task(
    sources: Sources,
    config: StyledConfig,
    extractor: Extractor | None,
    method: Callable[..., Iterator[Step]],
    digested: Callable[[str], str],
) -> Task:
    """A task that is painted in one go.

    Args:
        digested: of all weights, from that of those that see pictures.
    """
    if sources.content is None:
        raise OptionError("There is no photograph to paint: give CONTENT.")
    if sources.weights is not None:
        raise OptionError(
            f"--weights are those of a backbone, and --method {method_of(config)} knows only its "
            "own. Leave them out, or take another method."
        )
    extractor, seen_by = network_of(config, sources, extractor)
    given = read_picture("content", sources.content, config, extractor)
    plan = plan_regions(sources, config, given, extractor, seen_by)
    photograph = given.shown
    run = partial(
        method, photograph.pixels, None, config, regions=plan.regions, extractor=extractor
    )
    size = fitted(photograph.height, photograph.width, config.size)
    load = _AtOnce((Scale(*size, 1),), (), config.eye, "gd", 1, can_tile=False)
    recipe = recipe_of(config, [given.input, *plan.inputs], digested(seen_by))
    finished = partial(finished_photograph, photograph, plan.keeps_colour)
    return Task(recipe, config, run, finished, load, extractor)


def digest_with(seen_by: str) -> str:
    """Of what sees and of what paints together: pixels depend on both."""
    both = f"{seen_by} {digest()}".encode()
    return f"sha256:{hashlib.sha256(both).hexdigest()}"
