"""`compact` in training."""

from __future__ import annotations

from torch import Tensor, nn

from impasto.features.backbones import BACKBONES, COMPACT_LIFTS
from impasto.features.extractor import Extractor
from impasto.features.plan import Conv, relu_name

__all__ = ["Student"]


class Student(nn.Module):
    """`compact` and, in training only, a linear head for each of its other ReLU layers."""

    def __init__(self, teacher: Extractor) -> None:
        super().__init__()
        spec = BACKBONES["compact"]
        self.net = Extractor(spec.plan, spec.mean, spec.std, spec.padding, spec.lifts)
        widths = {relu_name(op.name): op.outputs for op in spec.plan if isinstance(op, Conv)}
        targets = {relu_name(op.name): op.outputs for op in teacher.plan if isinstance(op, Conv)}
        self.heads = nn.ModuleDict(
            {
                name: nn.Conv2d(widths[name], targets[name], 1)
                for name in widths
                if name not in COMPACT_LIFTS and name in targets
            }
        )
        for conv in self.net.convs.values():
            assert isinstance(conv, nn.Conv2d)
            assert conv.bias is not None
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            nn.init.zeros_(conv.bias)

    @property
    def layers(self) -> list[str]:
        """The layers that are supervised: those of `compact` first."""
        return [*COMPACT_LIFTS, *self.heads]

    def predict(self, name: str, features: Tensor) -> Tensor:
        """Predict the teacher's layer `name`."""
        guess: Tensor = (
            self.heads[name](features) if name in self.heads else self.net.lift(name, features)
        )
        return guess
