"""Keeping what was painted: a frame's painting blended with the one before, carried along the flow.

As temporal anti-aliasing keeps the history of a picture's pixels (Yang, Liu and Salvi, "A survey of
temporal antialiasing techniques", 2020), but for two departures: a painting's own strokes are no
measure of what may have moved, so the frames themselves are compared; and what averaging and
resampling take from the strokes' contrast is given back.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from impasto.film.cells import cells_of, spread
from impasto.film.flow import Flow, flow_between, warp

__all__ = ["Steadier", "loosely_trusted", "with_contrast_of"]

Pixels = Float[Tensor, "1 3 h w"]
Map = Float[Tensor, "1 1 h w"]

# How much of the carried painting's colours is kept where the flow is trusted, and of its strokes,
# which an average of many would wash out. Where the flow is not trusted but leads to what looks the
# same, strokes are torn, so that all is painted anew sooner.
_COLOURS, _STROKES, _LOOSELY = 0.9, 0.98, 0.8

# Differences of two frames along the flow, in [0, 1], which are the same, and which are not.
_SAME, _OTHER = 0.04, 0.15

# Cells across what a cell's contrast is that of.
_AROUND = 5

# Contrasts of strokes of less variance than this are noise; and the most that contrast is raised.
_NOISE = 1e-5
_MOST = 1.3

# The frame's long side at which the flow is found takes this share of it, and at least so many
# pixels: a network then paints no more than a quarter slower.
_FLOW_SHARE, _LEAST_FLOW_SIDE = 2 / 3, 256
_MOST_FLOW_SIDE = 640


@dataclass
class Steadier:
    """Blends each frame's painting with what was painted before.

    Attributes:
        steady: from 0, each frame by itself, to 1.
    """

    steady: float = 1.0
    _frame: Pixels | None = None
    _painted: Pixels | None = None
    _flow: Flow | None = None

    def forget(self) -> None:
        """Begin anew, as after a cut."""
        self._frame = self._painted = self._flow = None

    @torch.no_grad()
    def blended(self, frame: Pixels, painted: Pixels, kept: Map | None = None) -> Pixels:
        """Return a frame's painting in keeping with the one before.

        Args:
            frame: what is painted, on any device.
            painted: on the same.
            kept: 1 where pixels are the frame's own and stay so.
        """
        result = painted
        if self.steady > 0 and self._frame is not None and self._painted is not None:
            self._flow = flow_between(frame, self._frame, self._flow, _flow_side(frame))
            result = self._kept(frame, painted, self._frame, self._painted, self._flow)
            result = result if kept is None else torch.lerp(result, painted, kept.to(painted))
        self._frame, self._painted = frame, result
        return result

    def _kept(
        self, frame: Pixels, painted: Pixels, before: Pixels, painted_before: Pixels, flow: Flow
    ) -> Pixels:
        """Return the painting with what is kept of the one before."""
        carried = warp(painted_before, flow, "bicubic").clamp_(0, 1)
        off = carried - painted
        colours = spread(_smoothed(cells_of(off)), frame)
        trusted = flow.confidence.to(frame)
        loosely = loosely_trusted(frame, before, flow)
        share = torch.maximum(_COLOURS * trusted, loosely)
        strokes_share = torch.maximum(_STROKES * trusted, loosely)
        change = share * colours + strokes_share * (off - colours)
        return with_contrast_of(painted + self.steady * change, painted)


def loosely_trusted(frame: Pixels, before: Pixels, flow: Flow) -> Map:
    """Return how far a flow is trusted that leads to the same colours, whether it is right or not.

    Between what moves apart, and where a frame is blurred by movement, no flow is sure; painted
    anew in each frame, these are the places that flicker.
    """
    off = cells_of((frame - warp(before, flow)).abs()).amax(1, keepdim=True)
    same = ((_OTHER - off) / (_OTHER - _SAME)).clamp(0, 1)
    worst = -F.max_pool2d(-same, 3, 1, 1)
    return _LOOSELY * spread(worst, frame) * _inside(flow).to(frame)


def _inside(flow: Flow) -> Map:
    """Return 1 where a flow leads into the frame, and 0 where it leads out: nothing is known."""
    height, width = flow.pixels.shape[-2:]
    x = torch.arange(width) + flow.pixels[:, :1]
    y = torch.arange(height)[:, None] + flow.pixels[:, 1:]
    return ((x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)).float()


def _flow_side(frame: Pixels) -> int:
    side = round(_FLOW_SHARE * max(frame.shape[-2:]))
    return min(max(side, _LEAST_FLOW_SIDE), _MOST_FLOW_SIDE)


def with_contrast_of(picture: Pixels, painted: Pixels) -> Pixels:
    """Return a picture with its strokes' contrast raised to that of a painting of the same.

    Where it has as much already, it stays as it is.
    """
    coarse = spread(_smoothed(cells_of(picture)), picture)
    fine = picture - coarse
    wanted = _variance(painted - spread(_smoothed(cells_of(painted)), painted))
    gain = ((wanted + _NOISE) / (_variance(fine) + _NOISE)).sqrt().clamp(1, _MOST)
    return (coarse + spread(gain, picture) * fine).clamp(0, 1)


def _variance(fine: Pixels) -> Float[Tensor, "1 1 _ _"]:
    """Return the cells' mean squares, over all colours and some way around."""
    squares = cells_of(fine.square()).mean(1, keepdim=True)
    return _smoothed(_smoothed(squares))


def _smoothed(cells: Tensor) -> Tensor:
    reach = _AROUND // 2
    return F.avg_pool2d(F.pad(cells, (reach,) * 4, "replicate"), _AROUND, 1)
