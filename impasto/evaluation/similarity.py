"""How alike two pictures are: their structure, and their colours."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from impasto.image.color import to_lab
from impasto.runtime import generator

__all__ = ["colour_distance", "ssim"]

Pixels = Float[Tensor, "1 3 _ _"]

# The deepest layers of every backbone still have a pixel at this side.
SMALLEST_SIDE = 32

# Twenty rotations of Lab, a hundred quantiles and this many pixels settle the colour distance of
# two photographs to about one part in a hundred.
_ROTATIONS, _QUANTILES, _SAMPLE = 20, 100, 100_000


def ssim(first: Float[Tensor, "1 3 h w"], second: Float[Tensor, "1 3 h w"]) -> float:
    """Return the mean structural similarity of the luminance of two pictures in [0, 1].

    It is 1 for equal ones. Wang, Bovik, Sheikh and Simoncelli 2004: an 11×11 Gaussian window of
    σ 1.5, only where all of it fits.
    Each side must be at least 11.
    """
    x, y = _luminance(first), _luminance(second)
    mean_x, mean_y = _blur(x), _blur(y)
    var_x, var_y = _blur(x * x) - mean_x**2, _blur(y * y) - mean_y**2
    covariance = _blur(x * y) - mean_x * mean_y
    c1, c2 = 0.01**2, 0.03**2
    similar = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    return float((similar / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))).mean())


def _luminance(picture: Pixels) -> Float[Tensor, "1 1 _ _"]:
    # In float64: a flat patch's variance is a difference of nearly equal numbers.
    weights = torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64)
    return torch.einsum("bchw,c->bhw", picture.double(), weights)[:, None]


def _blur(x: Float[Tensor, "1 1 _ _"]) -> Float[Tensor, "1 1 _ _"]:
    at = torch.arange(-5, 6, dtype=torch.float64)
    window = torch.exp(-(at**2) / (2 * 1.5**2))
    window = window / window.sum()
    return F.conv2d(F.conv2d(x, window.view(1, 1, 11, 1)), window.view(1, 1, 1, 11))


def _colours(picture: Pixels) -> Float[Tensor, "n 3"]:
    """Return the pixels in CIE Lab, in float64 and row by row."""
    return to_lab(picture.double())[0].flatten(1).T


def colour_distance(first: Float[Tensor, "1 3 h w"], second: Float[Tensor, "1 3 h2 w2"]) -> float:
    """Return how far apart the colours of two pictures are, wherever in the picture they are.

    The sliced Wasserstein-2 distance of their distributions in CIE Lab (Bonneel et al. 2015), over
    fixed directions. They come as orthogonal triples and their squares are summed, not averaged, so
    that colours all shifted by one vector are exactly its length apart.
    """
    a, b = _sample(_colours(first)), _sample(_colours(second))
    levels = (torch.arange(_QUANTILES, dtype=a.dtype) + 0.5) / _QUANTILES
    squares = [
        (torch.quantile(a @ axes, levels, 0) - torch.quantile(b @ axes, levels, 0)).square()
        for axes in _rotations()
    ]
    return float(torch.stack(squares).mean(1).sum(1).mean().sqrt())


def _rotations() -> list[Float[Tensor, "3 3"]]:
    random = torch.randn(_ROTATIONS, 3, 3, dtype=torch.float64, generator=generator(0))
    return list(torch.linalg.qr(random).Q)


def _sample(colours: Float[Tensor, "n 3"]) -> Float[Tensor, "m 3"]:
    if len(colours) <= _SAMPLE:
        return colours
    return colours[torch.randperm(len(colours), generator=generator(0))[:_SAMPLE]]
