"""What networks that paint are taught: photographs in styles, at every strength."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from impasto.errors import PictureError
from impasto.features.extractor import Extractor
from impasto.losses.moments import moments
from impasto.networks.decoder import LEVELS
from impasto.networks.fast import FastNetwork
from impasto.networks.instant import InstantNetwork
from impasto.networks.transport import transport
from impasto.runtime import generator, pick_precision
from impasto.training.judging import MARGIN, Features, Judge, inner
from impasto.training.measuring import square
from impasto.training.muon import Muon
from impasto.training.pictures import SHORT, Ahead, Crops
from impasto.training.shifts import Shift, shifted
from impasto.training.styles import StylePool

__all__ = ["Painter", "PaintingLesson", "PaintingOptions", "optimisers", "squares"]

Painter = InstantNetwork | FastNetwork

# A picture whose loss is more counts as one of that loss: else it would be all that a step heeds.
_MOST = 4.0

# Pictures that are measured at a time.
_AT_A_TIME = 8


@dataclass(frozen=True)
class PaintingOptions:
    """How a network that paints is trained.

    Attributes:
        crop: pixels of a crop's side that are judged.
        cool_down: share of the steps over which the rate falls.
        steady: weight of the difference between a painting that is moved and one of what is moved.
        usual: share of strengths that are the default one, 0.5; the others are anything.
        own_lr: of the scales and shifts that are a style's own.
        start: digest of the weights that it begins with; empty for random ones.
    """

    steps: int = 5_000
    batch: int = 4
    crop: int = 192
    muon_lr: float = 0.01
    adam_lr: float = 1e-3
    own_lr: float = 0.02
    cool_down: float = 0.9
    steady: float = 0.2
    usual: float = 0.5
    seed: int = 0
    start: str = ""


class PaintingLesson:
    """Photographs in styles that are drawn at random, at random strengths.

    Args:
        network: what is taught, on the processor or another device, like `extractor`.
        photos: the files to learn from.
        styles: to learn.
        held_out: squares of photographs to be judged by; `squares` cuts them.
        judges: styles to be judged by, in each of which every one of those is painted.
        rank: of this process among those that train together; each draws other photographs.
    """

    def __init__(
        self,
        options: PaintingOptions,
        network: Painter,
        extractor: Extractor,
        photos: Sequence[Path],
        styles: StylePool,
        held_out: Float[Tensor, "n 3 s s"],
        judges: StylePool,
        rank: int = 0,
    ) -> None:
        self.options, self.config = options, asdict(options)
        self.device = next(extractor.parameters()).device
        self.judge = Judge(extractor)
        self.network = network
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        seed = options.seed + 1_000_003 * rank
        self.generator = generator(seed)
        side = options.crop + 2 * MARGIN
        drawn = Crops(photos, side, options.batch, generator(seed + 1), disturbed=False)
        self.crops = Ahead(drawn)
        self.styles, self.judges = styles.to(self.device), judges.to(self.device)
        self.held_out = held_out.to(self.device)

    @property
    def generators(self) -> Mapping[str, Any]:
        """Where everything random comes from."""
        return {"lesson": self.generator, "crops": self.crops}

    def loss(self, step: int) -> tuple[Tensor, Mapping[str, Tensor]]:  # noqa: ARG002
        """The loss of a batch, and its parts."""
        photos = next(self.crops).to(self.device)
        count = len(photos)
        styles = self.styles.pick(self._numbers(len(self.styles), count).to(self.device))
        strength = self._strengths(count)
        seen = self.judge.look(photos)
        painted = self.paint(self.network, seen, styles, strength)
        judged = self.judge.judge(painted, seen, styles)
        each = judged.loss(strength)
        total = (each * (_MOST / each.detach()).clamp(max=1)).mean()
        figures = {
            "content": judged.content.mean().detach(),
            "style": judged.style.mean().detach(),
            "smooth": judged.smooth.mean().detach(),
        }
        if self.options.steady:
            unsteady = self.unsteadiness(painted, photos, styles, strength)
            total = total + self.options.steady * unsteady
            figures["unsteady"] = unsteady.detach()
        return total, figures

    def paint(
        self, network: Painter, seen: Features, styles: StylePool, strength: Float[Tensor, " b"]
    ) -> Float[Tensor, "b 3 h w"]:
        """Photographs, each in its style."""
        with torch.no_grad():
            share = (2 * strength).clamp(max=1)
            moved = {
                name: transport(moments(seen[name]), styles.goals[name], share)(seen[name])
                for name in LEVELS
            }
        painted: Tensor = network(moved, _steering(network, styles, strength))
        return painted.float()

    def unsteadiness(
        self,
        painted: Float[Tensor, "b 3 h w"],
        photos: Float[Tensor, "b 3 h w"],
        styles: StylePool,
        strength: Float[Tensor, " b"],
    ) -> Float[Tensor, ""]:
        """How far the painting of a photograph that is moved is from the painting moved.

        For a quarter of the batch, which is enough and takes as little time.
        """
        some = torch.arange(max(1, len(photos) // 4), device=self.device)
        shift = Shift.drawn((photos.shape[-2], photos.shape[-1]), self.generator).to(self.device)
        moved = shifted(photos[some], shift)
        grain = torch.randn(moved.shape, generator=self.generator).to(self.device) * 0.01
        seen = self.judge.look(moved + grain)
        again = self.paint(self.network, seen, styles.pick(some), strength[some])
        return (inner(again) - inner(shifted(painted[some], shift))).abs().mean()

    def measure(self, network: nn.Module) -> dict[str, float]:
        """Means over photographs that were not trained on, in all judges' styles, at strength 0.5.

        Args:
            network: of the kind that is taught.
        """
        assert isinstance(network, Painter)
        each = self.figures(network)
        means = {name: sum(one[name] for one in each) / len(each) for name in each[0]}
        return {name: round(value, 4) for name, value in means.items()}

    @torch.no_grad()
    def figures(self, network: Painter) -> list[dict[str, float]]:
        """The same for each of those styles."""
        return [self._figures(network, number) for number in range(len(self.judges))]

    def _figures(self, network: Painter, number: int) -> dict[str, float]:
        sums = torch.zeros(3)
        has_bfloat16 = pick_precision("auto", self.device) == torch.bfloat16
        for photos in torch.split(self.held_out, _AT_A_TIME):
            count = len(photos)
            strength = torch.full((count,), 0.5, device=self.device)
            styles = self.judges.pick(torch.full((count,), number, device=self.device))
            with torch.autocast(self.device.type, torch.bfloat16, enabled=has_bfloat16):
                seen = self.judge.look(photos)
                painted = self.paint(network, seen, styles, strength)
                judged = self.judge.judge(painted, seen, styles)
            found = (judged.content, judged.style, judged.loss(strength))
            sums += torch.stack([value.sum() for value in found]).cpu()
        names = ("content", "style", "loss")
        return dict(zip(names, (sums / len(self.held_out)).tolist(), strict=True))

    def _strengths(self, count: int) -> Float[Tensor, " b"]:
        anything = torch.rand(count, generator=self.generator).clamp(0.05, 0.95)
        is_usual = torch.rand(count, generator=self.generator) < self.options.usual
        return torch.where(is_usual, 0.5, anything).to(self.device)

    def _numbers(self, below: int, count: int) -> Tensor:
        return torch.randint(below, (count,), generator=self.generator)


def _steering(network: Painter, styles: StylePool, strength: Tensor) -> Float[Tensor, "b s"]:
    if isinstance(network, FastNetwork):
        return network.steering(styles.summaries, strength, styles.numbers)
    return network.steering(styles.summaries, strength)


def squares(paths: Sequence[Path], crop: int) -> Float[Tensor, "n 3 s s"]:
    """The middles of those photographs that are large enough, with their margin.

    Raises:
        PictureError: none is.
    """
    side = crop + 2 * MARGIN
    every = [square(path, side, max(SHORT, side)) for path in paths]  # as crops see them
    large = [one for one in every if one.shape[-1] == side]
    if not large:
        raise PictureError(
            f"None of {len(paths)} photographs that the training would be judged by has {side} "
            "pixels on each side. Give larger photographs, or more of them."
        )
    return torch.cat(large)


def optimisers(
    network: Painter, options: PaintingOptions
) -> list[tuple[torch.optim.Optimizer, float]]:
    """Muon for the convolutions' weights, Adam for all others, each with its peak rate.

    Of a network of which only a part is taught, for that part.
    """
    taught = [p for p in network.parameters() if p.requires_grad]
    own = [network.own] if isinstance(network, FastNetwork) else []
    kernels = [p for p in taught if p.dim() == 4 and min(p.shape[:2]) > 3]
    taken = {id(p) for p in (*kernels, *own)}
    rest = [p for p in taught if id(p) not in taken]
    found: list[tuple[torch.optim.Optimizer, float]] = []
    if kernels:
        found.append((Muon(kernels, lr=options.muon_lr), options.muon_lr))
    for parameters, rate in ((rest, options.adam_lr), (own, options.own_lr)):
        if parameters:
            adam = torch.optim.AdamW(parameters, lr=rate, betas=(0.9, 0.99), weight_decay=0.0)
            found.append((adam, rate))
    return found
