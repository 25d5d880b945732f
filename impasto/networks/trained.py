"""A file of trained styles: one network, and each style's statistics, scales and shifts.

The file is safetensors, with the network's weights in half precision. It holds no painting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from impasto.errors import StyleError, WeightsError
from impasto.features.extractor import Extractor
from impasto.files import atomic
from impasto.files.limits import short_message
from impasto.losses.moments import Moments
from impasto.networks.checkpoint import check_state
from impasto.networks.fast import FastNetwork
from impasto.networks.instant import STYLE_LAYERS, InstantNetwork, summary
from impasto.networks.trained_metadata import TrainedMetadata, read_metadata
from impasto.styles.packing import floats, pack, unpack

__all__ = ["Trained", "TrainedStyle", "load", "save_trained"]

# The largest weight or feature that is accepted; real ones are below a hundred.
_MOST = 1e4


@dataclass(frozen=True, eq=False)
class Trained:
    """The contents of a file of trained styles.

    Attributes:
        network: frozen, in float32 and on the CPU.
        moments: of each style in their order, by layer.
    """

    metadata: TrainedMetadata
    network: FastNetwork
    moments: Sequence[Mapping[str, Moments]]

    def style(self, name: str, path: Path | str) -> TrainedStyle:
        """Return one of the styles.

        Args:
            name: empty for the only one.
            path: where it came from, for messages.

        Raises:
            StyleError: an unknown name, or no name for several styles.
        """
        number = self.metadata.number(name, path)
        return TrainedStyle(self, number)


@dataclass(frozen=True, eq=False)
class TrainedStyle:
    """A style that a network was trained for; a `Style` with the statistics of its training."""

    trained: Trained
    number: int

    @property
    def name(self) -> str:
        """The name in its file."""
        return self.trained.metadata.entries[self.number].name

    @property
    def summary(self) -> Float[Tensor, "1 n"]:
        """The statistics as the network reads them."""
        return summary(self.trained.moments[self.number])

    def at(
        self,
        long_side: int,  # noqa: ARG002
        extractor: Extractor,  # noqa: ARG002
        layers: Sequence[str],
    ) -> Mapping[str, Moments]:
        """Return the moments that it was trained with, at any size."""
        return {name: self.trained.moments[self.number][name] for name in layers}


def save_trained(trained: Trained, path: Path, *, force: bool = False) -> None:
    """Write a file of styles atomically.

    Raises:
        StyleError: the file exists, without `force`, or it cannot be written.
    """
    state = {f"base.{k}": v.half() for k, v in trained.network.base.state_dict().items()}
    tensors = {**state, "own": trained.network.own.detach()}
    for number, layers in enumerate(trained.moments):
        for name, moments in layers.items():
            tensors |= pack(f"styles.{number}.{name}", moments)
    tensors = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
    data = save(tensors, trained.metadata.to_metadata())
    atomic.replace(path, data, force=force, error=StyleError)


def load(path: Path) -> Trained:
    """Read a file of styles.

    Raises:
        StyleError: it is missing, too large, damaged, of another version or not such a file.
    """
    metadata = read_metadata(path)
    try:
        tensors = load_file(path)
        network = _network(tensors, len(metadata.entries), path)
        moments = [
            {name: unpack(tensors, f"styles.{number}.{name}") for name in STYLE_LAYERS}
            for number in range(len(metadata.entries))
        ]
        return Trained(metadata, network, _checked(moments))
    except (OSError, KeyError, ValueError, RuntimeError, SafetensorError, WeightsError) as error:
        raise StyleError(
            f"{path} is damaged or of another version, and no styles can be read from it: "
            f"{short_message(error)}. Train again, or use the version of Impasto that wrote it."
        ) from None


def _network(tensors: Mapping[str, Tensor], count: int, path: Path) -> FastNetwork:
    state = {k: floats(tensors, k) for k in tensors if not k.startswith("styles.")}
    with torch.random.fork_rng(devices=[]):  # drawing initial values must not change the seed
        network = FastNetwork(InstantNetwork(), count)
    check_state(state, network.state_dict(), path)
    if any(float(value.abs().max()) > _MOST for value in state.values()):
        raise ValueError("it holds values that no training reaches")
    if float(state["base.units"].min()) <= 0 or float(state["base.reader.deviation"].min()) <= 0:
        raise ValueError("it holds units that are not above 0")
    network.load_state_dict(state)
    return network.requires_grad_(False).eval()


def _checked(moments: list[dict[str, Moments]]) -> list[dict[str, Moments]]:
    for layers in moments:
        for name, channels in STYLE_LAYERS.items():
            if layers[name].mean.shape[1] != channels:
                raise ValueError(f"{name} has {layers[name].mean.shape[1]} channels")
            if float(layers[name].second.abs().max()) > _MOST**2:
                raise ValueError(f"{name} holds features that no picture has")
    return moments
