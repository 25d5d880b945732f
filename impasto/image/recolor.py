"""Transfer colours from one picture to another: a photograph's to its painting, or to a style."""

from __future__ import annotations

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from impasto.errors import OptionError
from impasto.image.color import from_lab, to_lab

__all__ = ["colour_map", "matched_colours", "with_colours_of"]

# The least variance (of colours in [0, 1]) of a painting in any direction: a greater gain would
# amplify the noise of its encoding, not its colour. (Seven well-known
# paintings have deviations of 5.5/255 and more in their narrowest direction.)
_LEAST = (4 / 255) ** 2
_TINY = 1e-12  # an invisible variance, for Cholesky factors of what does not vary
_HALVINGS = 12
_WAYS = ("symmetric", "cholesky", "pca")


def with_colours_of(
    painted: Float[Tensor, "1 3 h w"], photograph: Float[Tensor, "1 3 h w"]
) -> Float[Tensor, "1 3 h w"]:
    """Combine the painting's lightness with the photograph's hue and chroma (CIE Lab).

    After the luminance-only transfer of Gatys, Ecker, Bethge, Hertzmann and Shechtman,
    "Controlling Perceptual Factors in Neural Style Transfer" (CVPR 2017), sec. 5.1. If sRGB has no
    such colour at the painted lightness, chroma is reduced; lightness and hue stay.
    """
    lightness = to_lab(painted)[:, :1]
    return _within_srgb(torch.cat([lightness, to_lab(photograph)[:, 1:]], dim=1))


def _within_srgb(lab: Float[Tensor, "1 3 h w"]) -> Float[Tensor, "1 3 h w"]:
    """Convert to sRGB in [0, 1], with as much of each colour's chroma as it can hold."""
    low, high = (torch.full_like(lab[:, :1], share) for share in (0.0, 1.0))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        inside = _possible(_less(lab, middle))
        low, high = torch.where(inside, middle, low), torch.where(inside, high, middle)
    return from_lab(_less(lab, torch.where(_possible(lab), 1, low))).clamp(0, 1)


def _less(lab: Float[Tensor, "1 3 h w"], share: Tensor) -> Float[Tensor, "1 3 h w"]:
    return torch.cat([lab[:, :1], lab[:, 1:] * share], dim=1)


def _possible(lab: Float[Tensor, "1 3 h w"]) -> Tensor:
    pixels = from_lab(lab)
    return ((pixels > -1e-4) & (pixels < 1 + 1e-4)).all(dim=1, keepdim=True)


def matched_colours(
    painting: Float[Tensor, "1 3 sh sw"],
    photograph: Float[Tensor, "1 3 h w"],
    how: str = "symmetric",
    painting_mask: Float[Tensor, "1 1 sh sw"] | None = None,
    photograph_mask: Float[Tensor, "1 1 h w"] | None = None,
) -> Float[Tensor, "1 3 sh sw"]:
    """Give the painting the mean and covariance of the photograph's colours, by a linear map.

    After Gatys, Bethge, Hertzmann and Shechtman, "Preserving Color in Neural Artistic Style
    Transfer" (2016), sec. 3.1. Results are clamped to [0, 1].

    Args:
        how: see `colour_map`.
        painting_mask: weights of the painting's pixels in its mean and covariance. All pixels are
            mapped.
        photograph_mask: the same for the photograph.

    Raises:
        OptionError: `how` is unknown, or a mask is empty.
    """
    source, target = _moments(painting, painting_mask), _moments(photograph, photograph_mask)
    matrix = colour_map(source[1], target[1], how)
    mapped = torch.einsum("ij,jhw->ihw", matrix, painting[0].double() - source[0][:, None, None])
    return (mapped + target[0][:, None, None])[None].to(painting.dtype).clamp(0, 1)


def colour_map(
    source: Float64[Tensor, "3 3"], target: Float64[Tensor, "3 3"], how: str = "symmetric"
) -> Float64[Tensor, "3 3"]:
    """Return a matrix that maps colours of covariance `source` to covariance `target`.

    symmetric: changes colours least (Monge and Kantorovich; Pitié and Kokaram 2007,
        "The linear Monge-Kantorovitch linear colour mapping", sec. 3.3).
    cholesky: from the Cholesky factors of both.
    pca: from the symmetric roots of both (Hertzmann et al. 2001, "Image analogies", sec. 3.4).

    If `source` hardly varies, the gain is limited and `target` is not reached.

    Raises:
        OptionError: `how` is unknown.
    """
    source = _floored(source, _LEAST)
    inverse = _power(source, -0.5)
    if how == "symmetric":
        root = _power(source, 0.5)
        matrix = inverse @ _power(root @ target @ root, 0.5) @ inverse
    elif how == "pca":
        matrix = _power(target, 0.5) @ inverse
    elif how == "cholesky":
        factor, inner = (torch.linalg.cholesky(c) for c in (_floored(target, _TINY), source))
        matrix = factor @ torch.linalg.inv(inner)
    else:
        raise OptionError(f"Colours cannot be matched by {how!r}: use {', '.join(_WAYS)}.")
    return matrix


def _floored(covariance: Float64[Tensor, "3 3"], least: float) -> Float64[Tensor, "3 3"]:
    values, vectors = torch.linalg.eigh(covariance)
    floored: Tensor = (vectors * values.clamp(min=least)) @ vectors.T
    return floored


def _power(covariance: Float64[Tensor, "3 3"], exponent: float) -> Float64[Tensor, "3 3"]:
    values, vectors = torch.linalg.eigh(covariance)
    power: Tensor = (vectors * values.clamp(min=0) ** exponent) @ vectors.T
    return power


def _moments(
    pixels: Float[Tensor, "1 3 h w"], mask: Float[Tensor, "1 1 h w"] | None
) -> tuple[Float64[Tensor, "3"], Float64[Tensor, "3 3"]]:
    """Return mean and covariance of the colours, weighted by the mask."""
    colours = pixels[0].flatten(1).double()
    weights = torch.ones_like(colours[0]) if mask is None else mask.flatten().double()
    if weights.sum() <= 0:
        raise OptionError("A region is empty, so it has no colours: leave it out of both maps.")
    weights = weights / weights.sum()
    mean = colours @ weights
    centred = colours - mean[:, None]
    return mean, (centred * weights) @ centred.T
