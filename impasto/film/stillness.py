"""Where a film stands still."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from impasto.film.cells import cells_of, spread

__all__ = ["Stillness"]

Mask = Float[Tensor, "1 1 h w"]

# Differences of a cell's mean colour, in [0, 1], up to which it is still: noise has them.
_STILL = 1.5 / 255


@dataclass
class Stillness:
    """Compares each frame with what every place of it was painted from last.

    So what changes slowly is noticed as well, once it has changed by as much.
    """

    _painted_from: Float[Tensor, "1 3 h w"] | None = None
    _masks: Sequence[Mask | None] = ()

    def forget(self) -> None:
        """Begin anew, as after a cut."""
        self._painted_from = None

    @torch.no_grad()
    def of(self, frame: Float[Tensor, "1 3 h w"], masks: Sequence[Mask | None]) -> Mask:
        """Return where a frame is still, in [0, 1]; the rest is taken to be painted now.

        Args:
            masks: its regions: where they change, nothing is still.
        """
        before, regions = self._painted_from, self._masks
        self._painted_from, self._masks = frame, masks
        if before is None or not _same(regions, masks):
            return frame.new_zeros(1, 1, *frame.shape[-2:])
        off = cells_of(frame - before).abs().amax(1, keepdim=True)
        moves = F.max_pool2d((off > _STILL).to(frame), 3, 1, 1)
        still = 1 - spread(moves, frame)
        self._painted_from = torch.where(still == 1, before, frame)
        return still


def _same(first: Sequence[Mask | None], second: Sequence[Mask | None]) -> bool:
    if len(first) != len(second):
        return False
    pairs = zip(first, second, strict=True)
    return all(a is b or (a is not None and b is not None and torch.equal(a, b)) for a, b in pairs)
