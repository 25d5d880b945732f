"""The canvas: a picture with a margin around it, and how it is brought from scale to scale."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from impasto.engine.step import Step
from impasto.image.masks import pooled
from impasto.image.picture import resize

__all__ = [
    "MARGIN",
    "cut_margin",
    "enlarged",
    "mask_on",
    "with_detail",
    "with_margin",
    "without_margin",
]

MARGIN = 8
"""Pixels around the picture that are painted and cut off: the last three or four before a border
take after the painting's own border, as padding marks the features of both alike."""


def with_margin(picture: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c _ _"]:
    """Return the picture, mirrored into a margin on each side."""
    mode = "reflect" if min(picture.shape[-2:]) > MARGIN else "replicate"
    return F.pad(picture, (MARGIN,) * 4, mode)


def mask_on(mask: Float[Tensor, "1 1 h w"], height: int, width: int) -> Float[Tensor, "1 1 _ _"]:
    """Bring a mask of the picture to the canvas around `height`×`width` pixels."""
    inside = pooled(mask, height, width)[None, None]
    return F.pad(inside, (MARGIN,) * 4, "replicate")


def cut_margin(canvas: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c _ _"]:
    """Return the picture inside the margin."""
    return canvas[..., MARGIN:-MARGIN, MARGIN:-MARGIN].contiguous()


def without_margin(steps: Iterator[Step]) -> Iterator[Step]:
    """Turn steps of a canvas into those of the picture inside."""
    for step in steps:
        width, height = step.width - 2 * MARGIN, step.height - 2 * MARGIN
        image = partial(_picture_inside, step.image)
        yield replace(step, width=width, height=height, image=image)


def _picture_inside(image: Callable[[], Tensor]) -> Tensor:
    return cut_margin(image())


def enlarged(before: Tensor, height: int, width: int) -> Tensor:
    """Enlarge the canvas of a scale to one around `height`×`width` pixels."""
    return with_margin(resize(cut_margin(before), height, width))


def with_detail(
    before: Tensor,
    content: Float[Tensor, "1 3 h w"],
    weight: Float[Tensor, "h w"] | None = None,
) -> Tensor:
    """Enlarge the coarser canvas, and add the photograph's detail that it could not have.

    Departs from enlarging alone, which loses thin lines that the content loss, at an eighth of the
    size, does not bring back. For the first scale, of the same size, nothing is added.

    Args:
        weight: how much of the detail each pixel gets; None for all of it.
    """
    height, width = content.shape[-2:]
    inside = cut_margin(before)
    # In place, since each copy of a poster counts.
    detail = resize(resize(content, *inside.shape[-2:]), height, width).neg_().add_(content)
    if weight is not None:
        detail.mul_(weight)
    return with_margin(detail.add_(resize(inside, height, width)))
