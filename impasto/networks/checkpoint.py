"""Feed-forward networks with their weights: those that come with the package."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from impasto.errors import WeightsError
from impasto.features.checkpoint import read_tensors
from impasto.files import digests
from impasto.networks.chroma import CELLS
from impasto.networks.instant import InstantNetwork

__all__ = ["INSTANT", "check_state", "digest", "instant_file", "load_instant", "with_cell"]

INSTANT = Path(__file__).parent / "data" / "instant.safetensors"
"""The weights that come with the package, in half precision."""

_VERSIONS = {"0.2": INSTANT, "0.1": INSTANT.with_name("instant-0.1.safetensors")}


def instant_file(version: str) -> Path:
    """Return the file of the network that a version of Impasto painted with."""
    return _VERSIONS[version]


@functools.cache
def load_instant(path: Path = INSTANT) -> InstantNetwork:
    """Return the network that paints in any style, frozen, in float32 and on the CPU.

    Raises:
        WeightsError: the file is missing, damaged, or another network's.
    """
    if path in _VERSIONS.values() and not path.is_file():
        raise WeightsError(
            f"The weights of --method instant are a part of Impasto, but {path} is missing. "
            "Install Impasto again."
        )
    state = with_cell({key: tensor.float() for key, tensor in read_tensors(path).items()})
    with torch.random.fork_rng(devices=[]):  # drawing initial values must not change the seed
        network = InstantNetwork()
    check_state(state, network.state_dict(), path)
    network.load_state_dict(state)
    return network.requires_grad_(False).eval()


def with_cell(state: Mapping[str, Tensor], prefix: str = "") -> dict[str, Tensor]:
    """Return a network's state, with a cell of one pixel if it was written before there were any.

    Args:
        prefix: of the names of its tensors.

    Raises:
        WeightsError: a cell that no network has.
    """
    complete = {f"{prefix}cell": torch.ones(()), **state}
    cell = complete[f"{prefix}cell"]
    if cell.dim() or float(cell) not in CELLS:
        raise WeightsError(
            f"Colour is averaged over cells of {', '.join(map(str, CELLS))} pixels, and the "
            f"file has {cell.tolist()!r:.40}. It is damaged or of a later version."
        )
    return complete


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
