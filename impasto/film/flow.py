"""Optical flow between two frames of a film, and where it can be trusted.

The flow leads from a pixel of the current frame to where the previous one shows the same, by dense
inverse search (Kroeger et al., ECCV 2016). It is found both ways: where forth and back do not lead
home, at the borders of what moves apart, and outside the frame, it is not trusted (Ruder et al.,
"Artistic style transfer for videos", 2016, section 4.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from impasto.film.search import Field, both_ways, in_bytes, size_for
from impasto.film.trust import seen, trust

__all__ = [
    "Flow",
    "Sampling",
    "both_flows",
    "composed",
    "flow_between",
    "sample",
    "still",
    "visible",
    "warp",
]

Pixels = Float[Tensor, "1 3 h w"]
Offsets = Float[Tensor, "1 2 h w"]
Sampling = Literal["bilinear", "bicubic", "nearest"]

_SIDE = 640  # the long side at which the flow is found: finer costs more than it tells
_STILL = 1 / 64  # in pixels


@dataclass(frozen=True)
class Flow:
    """Where the pixels of the current frame were in the previous one.

    Attributes:
        pixels: offsets from the current frame to the previous, in pixels: x, then y.
        confidence: how far the flow is trusted, in [0, 1], on the *current* frame's grid.
    """

    pixels: Offsets
    confidence: Float[Tensor, "1 1 h w"]


def still(frame: Float[Tensor, "1 c h w"]) -> Flow:
    """Return the flow of a picture that does not move, which is trusted everywhere."""
    height, width = frame.shape[-2:]
    return Flow(frame.new_zeros(1, 2, height, width), frame.new_ones(1, 1, height, width))


def flow_between(
    current: Pixels, previous: Pixels, guess: Flow | None = None, side: int = _SIDE
) -> Flow:
    """Find the flow from the current frame to the previous one.

    It is found at a long side of at most `side` pixels and enlarged to the frames' size.

    Args:
        current, previous: frames of one size, in [0, 1].
        guess: the flow of the step before, from which the search starts.
        side: the long side at which it is found.

    Returns:
        The flow on the CPU, whatever the frames' device.

    Raises:
        OptionError: OpenCV is not installed.
    """
    height, width = current.shape[-2:]
    size = size_for(height, width, side)
    now, before = (in_bytes(frame, size) for frame in (current, previous))
    if np.array_equal(now, before):  # what a film holds, or shows twice
        return still(current.cpu())
    start = None if guess is None else _field(_resized(guess.pixels, size))
    forth, back = both_ways(now, before, start)
    confidence = trust(forth, back, now, before)
    enlarged = F.interpolate(
        torch.from_numpy(confidence)[None, None], (height, width), mode="bilinear"
    )
    return Flow(_resized(_offsets(forth), (height, width)), enlarged.clamp(0, 1))


def both_flows(first: Pixels, second: Pixels, side: int = _SIDE) -> tuple[Offsets, Offsets]:
    """Find the flow from the first frame to the second, and that back, for `visible`.

    Raises:
        OptionError: OpenCV is not installed.
    """
    height, width = first.shape[-2:]
    size = size_for(height, width, side)
    forth, back = both_ways(*(in_bytes(frame, size) for frame in (first, second)))
    return _resized(_offsets(forth), (height, width)), _resized(_offsets(back), (height, width))


def warp(
    picture: Float[Tensor, "1 c h w"], flow: Flow | Offsets, sampling: Sampling = "bilinear"
) -> Float[Tensor, "1 c h w"]:
    """Draw what the previous frame shows, a picture or any map of it, on the current frame's grid.

    Differentiable in the picture. What lies outside is taken from the nearest border. What moves by
    less than a 64th of a pixel stays as it is: drawn over and over, it neither blurs nor drifts.

    Args:
        picture: of the previous frame, of the flow's size.
        flow: from the current frame to the previous; only its offsets count.
        sampling: "nearest" for labels; "bicubic" blurs least where warping is repeated, and may
            leave the range of the picture's values.
    """
    offsets = flow.pixels if isinstance(flow, Flow) else flow
    offsets = offsets.to(picture.device)
    stays = (offsets.abs() < _STILL).all(1, keepdim=True)
    return torch.where(stays, picture, sample(picture, _grid(offsets) + offsets, sampling))


def sample(
    picture: Float[Tensor, "1 c H W"],
    places: Float[Tensor, "1 2 h w"],
    sampling: Sampling = "bilinear",
) -> Float[Tensor, "1 c h w"]:
    """Draw a picture at places in it, given in pixels from the centre of its first: x, then y."""
    height, width = picture.shape[-2:]
    size = places.new_tensor([width, height]).view(1, 2, 1, 1)
    grid = ((2 * places + 1) / size - 1).permute(0, 2, 3, 1)
    grid = grid.to(picture.device, picture.dtype)
    return F.grid_sample(picture, grid, sampling, "border", align_corners=False)


def composed(recent: Flow, earlier: Flow) -> Flow:
    """Follow a flow by the one before it, to reach back over both steps.

    Args:
        recent: from the current frame to the previous one.
        earlier: from the previous frame to one before it.
    """
    offsets = recent.pixels + warp(earlier.pixels, recent)
    return Flow(offsets, recent.confidence * warp(earlier.confidence, recent))


def visible(forth: Offsets, back: Offsets) -> Bool[Tensor, "1 1 h w"]:
    """Return where a flow leads to what is seen in both frames, on its own grid.

    No pixel may lie outside, be occluded (forth and back do not lead home) or stand on a border of
    what moves apart (Ruder et al. 2016, equations 5 and 6).

    Args:
        forth: from this frame to the other.
        back: from the other frame to this one, on the other's grid.
    """
    return torch.from_numpy(seen(_field(forth), _field(back)))[None, None]


def _resized(offsets: Float[Tensor, "1 2 H W"], size: tuple[int, int]) -> Offsets:
    """Return offsets for pictures of another size."""
    height, width = offsets.shape[-2:]
    if (height, width) == size:
        return offsets
    factors = offsets.new_tensor([size[1] / width, size[0] / height]).view(1, 2, 1, 1)
    return F.interpolate(offsets, size, mode="bilinear") * factors


def _field(offsets: Offsets) -> Field:
    return np.ascontiguousarray(offsets[0].permute(1, 2, 0).float().cpu().numpy())


def _offsets(field: Field) -> Offsets:
    return torch.from_numpy(field).permute(2, 0, 1)[None].contiguous()


def _grid(offsets: Offsets) -> Offsets:
    height, width = offsets.shape[-2:]
    rows, columns = torch.meshgrid(
        torch.arange(height, dtype=offsets.dtype, device=offsets.device),
        torch.arange(width, dtype=offsets.dtype, device=offsets.device),
        indexing="ij",
    )
    return torch.stack([columns, rows])[None]
