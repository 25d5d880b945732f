"""Transparency: no colour that nobody sees counts.

A file has colours under its transparent pixels, too: black, white, or what an editor left there. A
network would see them, and resizing would mix them into what is visible.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from impasto.errors import PictureError
from impasto.image.picture import Picture, fit

__all__ = ["continued", "on_white", "shown_share", "visible_mask", "without_hidden_colours"]

# Below this opacity a colour of 8 bits, stored for an edge, is mostly rounding.
_FAINT = 1 / 16

# An opacity that no screen of 8 bits shows.
_UNSEEN = 1 / 512

# Hidden pixels, as a share of all, that change no statistic of the picture: rounded corners, say.
_NEGLIGIBLE = 0.01

# Pixels around what is visible that are painted with it, so that no edge is left unpainted.
_RIM = 3


def without_hidden_colours(picture: Picture, name: str, long_side: int | None = None) -> Picture:
    """Return a picture whose transparent pixels continue the colours of the nearest visible ones.

    Opaque pixels keep theirs. The result does not depend on what was hidden.

    Args:
        name: what a message calls the picture.
        long_side: in pixels, that the picture is reduced to if it is larger.

    Raises:
        PictureError: nothing of the picture is visible.
    """
    pixels, alpha = picture.pixels, picture.alpha
    shown = shown_share(alpha)
    if shown is not None and float(shown.max()) <= _UNSEEN:
        raise PictureError(f"{name} is wholly transparent: there is nothing in it to see.")
    if long_side is not None and max(picture.width, picture.height) > long_side:
        pixels = fit(pixels, long_side) if shown is None else _reduced(pixels, shown, long_side)
        alpha = None if alpha is None else fit(alpha, long_side)
    if shown is None or alpha is None:
        return replace(picture, pixels=pixels, alpha=alpha)
    share = (alpha / _FAINT).clamp(max=1)
    return replace(picture, pixels=torch.lerp(continued(pixels, share), pixels, share), alpha=alpha)


def _reduced(
    pixels: Float[Tensor, "1 3 h w"], alpha: Float[Tensor, "1 1 h w"], long_side: int
) -> Float[Tensor, "1 3 _ _"]:
    """Reduce colours weighted by their opacity (Porter and Duff 1984, section 4).

    A reduced pixel at an edge has the colour of its visible part.
    """
    weighted, total = fit(pixels * alpha, long_side), fit(alpha, long_side)
    return (weighted / total.clamp(min=_FAINT / 2)).clamp_(0, 1)


def continued(
    pixels: Float[Tensor, "1 3 h w"], weight: Float[Tensor, "1 1 h w"]
) -> Float[Tensor, "1 3 h w"]:
    """Return weighted averages, over ever wider squares where nothing near has a weight.

    Pull and push of Gortler, Grzeszczuk, Szeliski and Cohen, "The lumigraph" (1996), section 3.5.
    """
    height, width = pixels.shape[-2:]
    if height * width == 1:
        return pixels
    sums = F.avg_pool2d(pixels * weight, 2, ceil_mode=True, count_include_pad=False)
    total = F.avg_pool2d(weight, 2, ceil_mode=True, count_include_pad=False)
    coarse = continued(sums / total.clamp(min=1e-12), (4 * total).clamp(max=1))
    wider = F.interpolate(coarse, size=(height, width), mode="bilinear")
    return torch.lerp(wider, pixels, weight)


def on_white(picture: Picture) -> Float[Tensor, "1 3 h w"]:
    """Return a picture laid over white."""
    if picture.alpha is None:
        return picture.pixels
    return torch.lerp(torch.ones_like(picture.pixels), picture.pixels, picture.alpha)


def shown_share(alpha: Float[Tensor, "1 1 h w"] | None) -> Float[Tensor, "1 1 h w"] | None:
    """Return opacities as weights of pixels; None where all of them are opaque."""
    return None if alpha is None or float(alpha.min()) > 1 - _UNSEEN else alpha


def visible_mask(alpha: Float[Tensor, "1 1 h w"] | None) -> Float[Tensor, "1 1 h w"] | None:
    """Return 1 where a picture shows anything, or nearly, and 0 elsewhere; None for all of it."""
    if alpha is None:
        return None
    visible = F.max_pool2d((alpha > _UNSEEN).float(), 2 * _RIM + 1, 1, _RIM)
    return visible if float(visible.mean()) < 1 - _NEGLIGIBLE else None
