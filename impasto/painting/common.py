"""What the tasks of all methods share: the network, and the recipe."""

from __future__ import annotations

from dataclasses import asdict

import torch

from impasto.config.bases import PictureConfig
from impasto.config.methods import method_of
from impasto.config.recipe import Input, Recipe
from impasto.config.specs import layer_weights
from impasto.engine.setup import backbone_of, layers_of
from impasto.features import sources as networks
from impasto.features.extractor import Extractor
from impasto.painting.sources import Sources
from impasto.version import __version__

__all__ = ["digest_of_weights", "network_of", "recipe_of"]


def network_of(
    config: PictureConfig, sources: Sources, extractor: Extractor | None
) -> tuple[Extractor, str]:
    """Return the backbone and the digest of its weights.

    Raises:
        OptionError: a layer that it does not have.
    """
    network = extractor or backbone_of(config, sources.weights)
    network.check_layers([*layers_of(config), *layer_weights(config.further_names)])
    return network, networks.digest(config.eye, sources.weights)


def digest_of_weights(config: PictureConfig, backbone_digest: str) -> str:
    """Return the digest of all weights that pixels depend on, from that of the backbone's."""
    digest = method_of(config).digest
    return backbone_digest if digest is None else str(digest(backbone_digest, config))


def recipe_of(config: PictureConfig, inputs: list[Input], backbone_digest: str) -> Recipe:
    """Return the recipe of a run on this machine, as it is now."""
    method, weights = method_of(config).name, digest_of_weights(config, backbone_digest)
    threads = torch.get_num_threads()
    return Recipe(method, asdict(config), tuple(inputs), weights, __version__, threads)
