"""Feed-forward networks with their weights: those that come with the package."""

from __future__ import annotations

import copy
import functools
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from impasto.errors import WeightsError
from impasto.features.checkpoint import read_tensors
from impasto.files import digests
from impasto.networks.chroma import CELL
from impasto.networks.instant import InstantNetwork

__all__ = [
    "INSTANT",
    "check_state",
    "digest",
    "load_instant",
    "load_version",
    "version_digest",
]

INSTANT = Path(__file__).parent / "data" / "instant.safetensors"
"""The weights that come with the package, in half precision."""

# By version, the weights, and the side of the cells that colour is averaged over.
_VERSIONS = {"second": (INSTANT, CELL), "first": (INSTANT, 1)}


@functools.cache
def load_version(version: str = "second") -> InstantNetwork:
    """Return the network of a version of painting at once (`--network`).

    Raises:
        WeightsError: as `load_instant`.
    """
    path, cell = _VERSIONS[version]
    network = copy.deepcopy(load_instant(path))
    network.cell = cell
    return network


def version_digest(version: str) -> str:
    """Return the digest of its weights.

    Raises:
        WeightsError: they cannot be read.
    """
    return digest(_VERSIONS[version][0])


@functools.cache
def load_instant(path: Path = INSTANT) -> InstantNetwork:
    """Return the network that paints in any style, frozen, in float32 and on the CPU.

    Raises:
        WeightsError: the file is missing, damaged, or another network's.
    """
    if path in dict(_VERSIONS.values()) and not path.is_file():
        raise WeightsError(
            f"The weights of --method instant are a part of Impasto, but {path} is missing. "
            "Install Impasto again."
        )
    state = {key: tensor.float() for key, tensor in read_tensors(path).items()}
    with torch.random.fork_rng(devices=[]):  # drawing initial values must not change the seed
        network = InstantNetwork()
    check_state(state, network.state_dict(), path)
    network.load_state_dict(state)
    return network.requires_grad_(False).eval()


def check_state(state: Mapping[str, Tensor], expected: Mapping[str, Tensor], path: Path) -> None:
    """Check that a file's state is that of a network of this version.

    Raises:
        WeightsError: a tensor too many or too few, of another shape, or with infinite values.
    """
    for key in sorted(state.keys() | expected.keys()):
        shape = tuple(state[key].shape) if key in state else None
        expected_shape = tuple(expected[key].shape) if key in expected else None
        if shape != expected_shape:
            raise WeightsError(
                f"{path} is not the network of this version: {key!r} has the shape {shape}, and "
                f"{expected_shape} is expected. Use the file of this version, or train it again."
            )
        if not state[key].isfinite().all():
            raise WeightsError(f"{path} holds values in {key!r} that are not finite numbers.")


def digest(path: Path = INSTANT) -> str:
    """Return `sha256:…` of the weights' file.

    Raises:
        WeightsError: it cannot be read.
    """
    return digests.of_file(path, WeightsError)
