"""The network for one style as a single graph, from a photograph to a painting.

It does what `brush_painting.paint_with` does, for a picture in one piece, in operations that ONNX
has. Height and width are free: no code here needs them as numbers.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from impasto.errors import OptionError
from impasto.features.extractor import Extractor
from impasto.features.plan import relu_name
from impasto.networks.decoder import FAINT, LEVELS, MARGIN, SMALLEST_SIDE, Decoder
from impasto.networks.newton_schulz import transport_by_products
from impasto.networks.tiles import STEP, STRIDES
from impasto.networks.transport import Target, Transport

__all__ = ["Portable"]

# Of layers of this stride and finer every second row and column is counted.
_FINE = 2

Size = int | torch.SymInt  # while a graph is traced, a side is not a number yet


class Portable(nn.Module):
    """A network that paints in one style at one strength, on the CPU and in single precision.

    Args:
        extractor: `compact`.
        decoder: the network as the style steers it.
        goals: by level, where a photograph's features are moved.
        strength: from 0, the photograph, to 1.
    """

    def __init__(
        self,
        extractor: Extractor,
        decoder: Decoder,
        goals: Mapping[str, Target],
        strength: float,
    ) -> None:
        super().__init__()
        self.extractor = copy.deepcopy(extractor).cpu().float().requires_grad_(False)
        self.strength, self.cell = strength, decoder.cell
        self._lengths = [len(stage) for stage in decoder.stages]
        convs = [*(conv for stage in decoder.stages for conv in stage), *decoder.joins]
        self.convs = _parameters(part for conv in [*convs, decoder.last] for part in conv)
        self.goals = _parameters(p for name in LEVELS for p in (goals[name].mean, goals[name].root))
        self.eval()

    def forward(self, photograph: Float[Tensor, "1 3 h w"]) -> Float[Tensor, "1 3 h w"]:
        """Paint a photograph in [0, 1].

        Raises:
            OptionError: a side has less than `SMALLEST_SIDE` pixels.
        """
        height, width = photograph.shape[-2:]
        _check(height, width)
        features = self._features(_framed(photograph))
        decoder = self._decoder().after(self._moves(features, height, width))
        painted = _cut(decoder(features), height, width).clamp(0, 1)
        if self.strength >= FAINT:
            return painted
        return photograph + (self.strength / FAINT) * (painted - photograph)

    def _features(self, framed: Float[Tensor, "1 3 _ _"]) -> dict[str, Tensor]:
        """Return the features by level; the extractor's `forward` would need sizes as numbers."""
        plan, deepest = self.extractor.plan, next(iter(LEVELS))
        end = next(i for i, op in enumerate(plan, 1) if relu_name(op.name) == deepest)
        return self.extractor.advance(self.extractor.enter(framed), plan[:end], LEVELS)[1]

    def _moves(
        self, features: Mapping[str, Tensor], height: Size, width: Size
    ) -> dict[str, Transport]:
        """Return the photograph's transports to the style, by level."""
        share = min(1.0, 2 * self.strength)
        parts = iter(self.goals)
        moves = {}
        for name, stride in STRIDES.items():
            goal = Target(next(parts), next(parts))
            rows = _rows(features[name], stride, height, width)
            moves[name] = transport_by_products(rows, goal, share)
        return moves

    def _decoder(self) -> Decoder:
        parts = iter(self.convs)
        convs = [(weight, next(parts)) for weight in parts]
        stages = []
        for length in self._lengths:
            stages.append(convs[:length])
            convs = convs[length:]
        return Decoder(stages, convs[:-1], convs[-1], self.cell)


def _check(height: Size, width: Size) -> None:
    if height < SMALLEST_SIDE or width < SMALLEST_SIDE:
        raise OptionError(
            f"A picture of {width}×{height} pixels is too small to be painted: give one of at "
            f"least {SMALLEST_SIDE} pixels each way."
        )


def _parameters(tensors: Iterable[Tensor]) -> nn.ParameterList:
    """Return tensors as a part of a module, whose weights the graph names and keeps."""
    values = [tensor.detach().cpu().float().contiguous() for tensor in tensors]
    return nn.ParameterList(nn.Parameter(tensor, requires_grad=False) for tensor in values)


def _framed(photograph: Float[Tensor, "1 3 h w"]) -> Float[Tensor, "1 3 _ _"]:
    """Return the picture mirrored into the margin, and up to whole steps.

    By selected positions, as the widths of a padding would have to be numbers.
    """
    sides = photograph.shape[-2:]
    # Rounded up with positive numbers, as ONNX divides towards 0 and not downwards.
    ends = [(side + STEP - 1) // STEP * STEP + MARGIN for side in sides]
    rows, columns = (torch.arange(-MARGIN, end) for end in ends)
    lowest, last = (torch.scalar_tensor(side - 1, dtype=torch.long) for side in sides)
    is_small = torch.minimum(lowest, last) < MARGIN + STEP
    across = photograph.index_select(2, _mirrored(rows, lowest, is_small))
    return across.index_select(3, _mirrored(columns, last, is_small))


def _mirrored(
    at: Int[Tensor, " n"], last: Int[Tensor, ""], is_small: Bool[Tensor, ""]
) -> Int[Tensor, " n"]:
    """Return which pixel of a side is at each position beyond it; in small pictures, the last."""
    return torch.where(is_small, at.clamp(min=0).minimum(last), last - (last - at.abs()).abs())


def _rows(
    features: Float[Tensor, "1 c _ _"], stride: int, height: Size, width: Size
) -> Float[Tensor, "n c"]:
    """Return a level's features inside the margin, one row for each pixel that is counted."""
    edge, step = MARGIN // stride, 2 if stride <= _FINE else 1
    inner = features[
        0, :, edge : edge + height // stride : step, edge : edge + width // stride : step
    ]
    return inner.flatten(1).T


def _cut(framed: Float[Tensor, "1 3 _ _"], height: Size, width: Size) -> Float[Tensor, "1 3 _ _"]:
    return framed[..., MARGIN : MARGIN + height, MARGIN : MARGIN + width]
