"""Colour spaces, linear light and CIE Lab, and the dominant colours of a picture."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from impasto.errors import OptionError
from impasto.image.picture import fit, resize
from impasto.runtime import generator

__all__ = ["from_lab", "palette", "to_lab", "to_linear"]

# sRGB (IEC 61966-2-1) to CIE XYZ under its white, D65.
_TO_XYZ = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)

_THUMBNAIL = 64
_ROUNDS = 20


def to_linear(pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
    """Convert sRGB in [0, 1] to linear light in [0, 1] (IEC 61966-2-1)."""
    # The power's slope is infinite at zero, and `where` would pass its NaN to the gradient.
    curve = ((pixels.clamp(min=0.04045) + 0.055) / 1.055) ** 2.4
    return torch.where(pixels <= 0.04045, pixels / 12.92, curve)


def to_lab(pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
    """Convert sRGB in [0, 1] to CIE 1976 L*a*b* (white D65): L in [0, 100], a and b in about ±110.

    The Euclidean distance of two colours is ΔE*ab; about 2.3 is just noticeable.
    """
    matrix = pixels.new_tensor(_TO_XYZ)
    # Divided by the white's X, Y, Z, so that all greys have a = b = 0.
    matrix = matrix / matrix.sum(dim=1, keepdim=True)
    x, y, z = _lab_curve(torch.einsum("ij,bjhw->bihw", matrix, to_linear(pixels))).unbind(dim=1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)


def _lab_curve(t: Tensor) -> Tensor:
    # Below (6/29)³ a straight line takes over from the cube root (CIE 15:2004).
    edge = 6 / 29
    root = t.clamp(min=edge**3) ** (1 / 3)
    return torch.where(t > edge**3, root, t / (3 * edge**2) + 4 / 29)


def from_lab(lab: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
    """Convert CIE 1976 L*a*b* (white D65) to sRGB, the inverse of `to_lab`.

    Colours outside sRGB come out beyond [0, 1], on its curve continued at both ends.
    """
    matrix = lab.new_tensor(_TO_XYZ)
    matrix = torch.linalg.inv(matrix / matrix.sum(dim=1, keepdim=True))
    lightness, a, b = lab.unbind(dim=1)
    y = (lightness + 16) / 116
    edge = 6 / 29
    t = torch.stack([y + a / 500, y, y - b / 200], dim=1)
    light = torch.where(t > edge, t**3, (t - 4 / 29) * (3 * edge**2))
    return _from_linear(torch.einsum("ij,bjhw->bihw", matrix, light))


def _from_linear(light: Tensor) -> Tensor:
    curve = 1.055 * light.clamp(min=0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(light <= 0.0031308, light * 12.92, curve)


def palette(
    pixels: Float[Tensor, "1 3 h w"],
    n: int = 6,
    alpha: Float[Tensor, "1 1 h w"] | None = None,
) -> tuple[str, ...]:
    """Return the dominant colours of a picture as `#rrggbb`, the most common first.

    k-means in Lab on a thumbnail, always with the same start; each group is named by the colour
    of the thumbnail that is nearest to its centre. A picture of fewer colours gives fewer.

    Args:
        alpha: opacities; what is less than half opaque is left out, unless all of it is.

    Raises:
        OptionError: `n` is not positive.
    """
    if n < 1:
        raise OptionError(f"A palette of {n} colours is not possible: ask for 1 or more.")
    small = pixels if max(pixels.shape[-2:]) <= _THUMBNAIL else fit(pixels, _THUMBNAIL)
    colours = (small * 255).round().flatten(2)[0].T
    if alpha is not None:
        opacity = resize(alpha, *small.shape[-2:]).flatten()
        colours = colours[opacity >= min(0.5, float(opacity.max()))]
    unique, counts = torch.unique(colours, dim=0, return_counts=True)
    points = to_lab((unique / 255).T[None, :, :, None])[0, :, :, 0].T.double()
    centres = _cluster(points, counts.double(), n)
    groups = _nearest(points, centres)
    shares = [int(counts[groups == i].sum()) for i in range(len(centres))]
    order = sorted(range(len(centres)), key=lambda i: -shares[i])
    return tuple(dict.fromkeys(_name(unique, points, centres[i]) for i in order if shares[i]))


def _name(unique: Tensor, points: Tensor, centre: Tensor) -> str:
    r, g, b = unique[(points - centre).square().sum(dim=1).argmin()].int().tolist()
    return f"#{r:02x}{g:02x}{b:02x}"


def _nearest(points: Float[Tensor, "p 3"], centres: Float[Tensor, "k 3"]) -> Int[Tensor, " p"]:
    return torch.cdist(points, centres).argmin(dim=1)


def _cluster(
    points: Float[Tensor, "p 3"], counts: Float[Tensor, " p"], n: int
) -> Float[Tensor, "k 3"]:
    """Return centres of at most `n` groups (Lloyd 1982; each point stands for `counts` pixels)."""
    centres = _start(points, counts, n)
    for _ in range(_ROUNDS):
        groups = _nearest(points, centres)
        total = counts.new_zeros(len(centres)).index_add(0, groups, counts)
        sums = torch.zeros_like(centres).index_add(0, groups, points * counts[:, None])
        # A group that lost all its points keeps its centre.
        centres = torch.where(total[:, None] > 0, sums / total.clamp(min=1)[:, None], centres)
    return centres


def _start(
    points: Float[Tensor, "p 3"], counts: Float[Tensor, " p"], n: int
) -> Float[Tensor, "k 3"]:
    """k-means++ (Arthur and Vassilvitskii 2007): far points are likely to start a group."""
    draw = generator(0)
    chance = counts.cpu()
    chosen: list[int] = []
    while len(chosen) < n and chance.sum() > 0:
        chosen.append(int(torch.multinomial(chance, 1, generator=draw)))
        apart = torch.cdist(points, points[chosen]).min(dim=1).values
        apart[chosen] = 0  # exactly: rounding must not draw one twice
        chance = (counts * apart.square()).cpu()
    return points[chosen]
