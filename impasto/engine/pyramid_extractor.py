"""An extractor whose layers include the levels of a picture's Laplacian pyramid."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from impasto.features.extractor import Extractor
from impasto.image.pyramid import split

__all__ = ["PyramidExtractor"]

_GREY = 0.5

# The constant of a level's lift, as a share of a layer's activations for grey: detail of that size
# is negligible. The detail of photographs is two to six times the activations for grey.
_FAINT = 0.5


class PyramidExtractor(Extractor):
    """The same network with further layers: a level of the picture's pyramid, as a layer sees it.

    A level is centred on grey, and the layer's activations for grey are subtracted, so that a level
    without any detail gives zeros.

    Attributes:
        levels: the layer of the network behind each of these, finest level first.
        greys: each layer's last activations for grey, and the size of the grey picture.
    """

    levels: Mapping[str, str]
    greys: dict[str, tuple[torch.Size, Tensor]]

    @staticmethod
    def of(extractor: Extractor, layers: Sequence[str]) -> PyramidExtractor:
        """Return the network, weights shared, with `level 1`, the finest, at `layers[0]`."""
        other = cast(PyramidExtractor, copy.copy(extractor))
        other.__class__ = PyramidExtractor
        other._modules = dict(extractor._modules)  # a copy shares it, and the lifts change below
        other.levels = {f"level {i}": layer for i, layer in enumerate(layers, 1)}
        other.greys = {}
        lifts = {name: _lift_of_level(extractor, layer) for name, layer in other.levels.items()}
        other.lifts = nn.ModuleDict({**extractor.lifts, **lifts})
        return other

    def forward(
        self, image: Float[Tensor, "b 3 h w"], layers: Iterable[str]
    ) -> dict[str, Float[Tensor, "b _ _ _"]]:
        """Return the activations of `layers`, of the picture or of a level of its pyramid."""
        names = set(layers)
        plain = names - set(self.levels)
        features: dict[str, Tensor] = super().forward(image, plain) if plain else {}
        if names - plain:
            parts = split(image, len(self.levels))
            parts = [*[part + _GREY for part in parts[:-1]], parts[-1]]
            for (name, layer), part in zip(self.levels.items(), parts, strict=True):
                features[name] = super().forward(part, [layer])[layer] - self._grey(part, layer)
        return features

    def channels(self, layer: str) -> int:
        """Return a layer's width before its lift; also of a level."""
        return super().channels(self.levels.get(layer, layer))

    @torch.no_grad()
    def _grey(self, like: Tensor, layer: str) -> Tensor:
        size, features = self.greys.get(layer, (None, like))
        if size != like.shape:
            features = super().forward(torch.full_like(like, _GREY), [layer])[layer]
            self.greys[layer] = (like.shape, features)
        return features


@torch.no_grad()
def _lift_of_level(extractor: Extractor, layer: str) -> nn.Conv2d:
    """Return the lift of a layer's differences from grey, with a small constant.

    The energy of a level is the unit in which its differences are measured: the constant keeps it
    away from 0 where the photograph has no detail.
    """
    parameter = next(extractor.parameters())
    channels = extractor.channels(layer)
    weight = torch.eye(channels, device=parameter.device)[:, :, None, None]
    if layer in extractor.lifts:
        weight = extractor.lifts[layer].get_parameter("weight")
    grey = extractor(torch.full((1, 3, 64, 64), _GREY, device=parameter.device), [layer])[layer]
    lifted = extractor.lift(layer, grey).float().mean((0, 2, 3))
    lift = nn.Conv2d(channels, len(weight), 1).requires_grad_(False)
    lift.weight.data, lift.bias = weight, nn.Parameter(_FAINT * lifted, requires_grad=False)
    return lift
