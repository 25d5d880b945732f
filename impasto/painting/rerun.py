"""The task of a recipe: from its inputs where they are now, if they are unchanged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from impasto.config.bases import PictureConfig, StyledConfig
from impasto.config.recipe import ROLES, Input, Recipe, short
from impasto.config.specs import RegionSpec, StyleSpec
from impasto.errors import ImpastoError, WeightsError
from impasto.features.sources import digest
from impasto.image.reading import read
from impasto.networks.trained_metadata import split_source
from impasto.painting.common import digest_of_weights
from impasto.painting.inputs import digest_of
from impasto.painting.prepare import prepare
from impasto.painting.recipe_inputs import Places, change
from impasto.painting.sources import Sources
from impasto.painting.task import Task

__all__ = [
    "change_of_weights",
    "changes",
    "prepare_again",
    "take_threads",
]


def prepare_again(recipe: Recipe, places: Places, weights: Path | None) -> Task:
    """Read everything that the recipe's run needs, as `prepare` does.

    The task's recipe describes what is there now: compare it by `changes`.

    Args:
        places: for every role of `recipe.ROLES`.

    Raises:
        ImpastoError: anything that cannot be used.
    """
    return prepare(_sources(recipe, places, weights), _config(recipe, places))


def take_threads(recipe: Recipe) -> None:
    """Compute with the recipe's number of threads: the last bits of sums depend on it."""
    torch.set_num_threads(recipe.threads)


def changes(then: Recipe, now: Recipe) -> list[str]:
    """Describe how inputs of the same roles differ; empty if they do not."""
    descriptions = [
        _change(before, after)
        for role in ROLES
        for before, after in zip(then.of(role), now.of(role), strict=True)
    ]
    return [description for description in descriptions if description]


def change_of_weights(then: Recipe, config: PictureConfig, weights: Path | None) -> str | None:
    """Describe how the weights differ from the recipe's; None if they do not.

    A recipe does not say whether its weights came from a file, so any change may mean that.

    Raises:
        WeightsError: there are none here.
    """
    try:
        now = digest_of_weights(config, digest(config.eye, weights))
    except WeightsError as error:
        if weights is None:
            error.add_note("If the recipe's came from a file, name it with --weights FILE.")
        raise
    if now == then.backbone_digest:
        return None
    return (
        f"the weights of {config.eye} are {short(now)} and were {short(then.backbone_digest)} "
        "(if those came from a file, name it with --weights FILE)"
    )


def _sources(recipe: Recipe, places: Places, weights: Path | None) -> Sources:
    """Return the recipe's sources where they are now, its styles with their weights and layers."""
    styles = zip(places["style"], recipe.of("style"), strict=True)
    single = {role: next(iter(places[role]), None) for role in ("content", "init", "content-map")}
    return Sources(
        single["content"],
        tuple(StyleSpec.used(place, style.use) for place, style in styles),
        single["init"],
        single["content-map"],
        tuple(places["style-map"]),
        weights,
    )


def _config(recipe: Recipe, places: Places) -> PictureConfig:
    """Return the config, with its regions' styles where they are now."""
    config = recipe.settings()
    if not isinstance(config, StyledConfig) or not config.region:
        return config
    entries = zip(recipe.of("region"), places["region"], strict=True)
    place_of = {entry.use: place for entry, place in entries}
    specs = [
        _relocated(spec, place_of[spec.colour]) if spec.style else spec for spec in config.regions
    ]
    return replace(config, region=tuple(str(spec) for spec in specs))


def _relocated(spec: RegionSpec, place: str) -> RegionSpec:
    """Return a region with its style's file where it is now; of a trained file the same style."""
    return replace(spec, style=split_source(place)[0] + split_source(spec.style)[1])


def _change(then: Input, now: Input) -> str:
    return change(
        then, now.name, now.digest if then.name or not now.name else _digest_of_pixels(now)
    )


def _digest_of_pixels(now: Input) -> str:
    """Return what would be recorded of the picture in a file, had it come from memory."""
    try:
        return digest_of(read(now.name))
    except ImpastoError:  # a style card, or the name of one: no picture, so not that picture
        return now.digest
