"""What the tasks of all methods share: the network, and the recipe."""

from __future__ import annotations

from dataclasses import asdict

import torch

from impasto.config.bases import PictureConfig
from impasto.config.methods import METHODS
from impasto.config.recipe import Input, Recipe
from impasto.engine.setup import backbone_of
from impasto.features import weights as networks
from impasto.features.extractor import Extractor
from impasto.painting.inputs import layers_of
from impasto.painting.sources import Sources
from impasto.version import __version__

__all__ = ["method_of", "network_of", "recipe_of"]


def network_of(
    config: PictureConfig, sources: Sources, extractor: Extractor | None
) -> tuple[Extractor, str]:
    """The backbone and the digest of its weights.

    Raises:
        OptionError: a layer that it does not have.
    """
    net = extractor or backbone_of(config, sources.weights)
    net.check_layers(layers_of(config))
    return net, networks.digest(config.eye, sources.weights)


def method_of(config: PictureConfig) -> str:
    """The name of the method whose options these are."""
    return next(name for name, kind in METHODS.items() if kind is type(config))


def recipe_of(config: PictureConfig, inputs: list[Input], network: str) -> Recipe:
    """The recipe of a run here and now."""
    threads = torch.get_num_threads()
    return Recipe(method_of(config), asdict(config), tuple(inputs), network, __version__, threads)
