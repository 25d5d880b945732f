"""What networks that paint learn: photographs in styles, at every strength."""

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
from impasto.training.measuring import square
from impasto.training.muon import Muon
from impasto.training.painting_loss import MARGIN, Features, PaintingLoss, inner
from impasto.training.pictures import SHORT, Ahead, Crops
from impasto.training.shifts import Shift, shifted
from impasto.training.styles import StylePool

__all__ = ["PaintingLesson", "PaintingNetwork", "PaintingOptions", "optimisers", "squares"]

PaintingNetwork = InstantNetwork | FastNetwork

# A picture with a greater loss counts as one of that loss: it would else decide a step alone.
_MOST = 4.0

# Pictures that are measured at a time.
_AT_A_TIME = 8


@dataclass(frozen=True)
class PaintingOptions:
    """How a network that paints is trained.

    Attributes:
        crop: pixels of a crop's side that are compared.
        cool_down: share of the steps over which the rate falls.
        steady: weight of the difference between a shifted painting and the painting of a shifted
            photograph.
        usual: share of strengths that are the default one, 0.5; the rest are uniform.
        measured: other strengths that the network is measured at.
        own_lr: of the scales and shifts that belong to one style.
        start: digest of the weights it starts from; empty for random ones.
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
    measured: tuple[float, ...] = ()
    seed: int = 0
    start: str = ""


class PaintingLesson:
    """Photographs in random styles at random strengths.

    Args:
        network: what is trained, on the same device as `extractor`.
        photos: the files to learn from.
        styles: to learn.
        held_out: squares of photographs to measure with; `squares` cuts them.
        held_out_styles: styles to measure with; each of those squares is painted in each of them.
        rank: of this process among those that train together; each draws other photographs.
    """

    def __init__(
        self,
        options: PaintingOptions,
        network: PaintingNetwork,
        extractor: Extractor,
        photos: Sequence[Path],
        styles: StylePool,
        held_out: Float[Tensor, "n 3 s s"],
        held_out_styles: StylePool,
        rank: int = 0,
    ) -> None:
        self.options, self.config = options, asdict(options)
        self.device = extractor.device
        self.painting_loss = PaintingLoss(extractor)
        self.network = network
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        seed = options.seed + 1_000_003 * rank
        self.generator = generator(seed)
        side = options.crop + 2 * MARGIN
        crops = Crops(photos, side, options.batch, generator(seed + 1), disturbed=False)
        self.crops = Ahead(crops)
        self.styles = styles.to(self.device)
        self.held_out_styles = held_out_styles.to(self.device)
        self.held_out = held_out.to(self.device)

    @property
    def generators(self) -> Mapping[str, Any]:
        """The sources of everything random."""
        return {"lesson": self.generator, "crops": self.crops}

    def loss(self, step: int) -> tuple[Tensor, Mapping[str, Tensor]]:  # noqa: ARG002
        """Return the loss of a batch, and its parts."""
        photos = next(self.crops).to(self.device)
        count = len(photos)
        styles = self.styles.pick(self._numbers(len(self.styles), count).to(self.device))
        strength = self._strengths(count)
        features = self.painting_loss.features(photos)
        painted = self.paint(self.network, features, styles, strength)
        parts = self.painting_loss.parts(painted, features, styles)
        each = parts.total(strength)
        total = (each * (_MOST / each.detach()).clamp(max=1)).mean()
        figures = {
            "content": parts.content.mean().detach(),
            "style": parts.style.mean().detach(),
            "smooth": parts.smooth.mean().detach(),
        }
        if self.options.steady:
            unsteady = self.unsteadiness(painted, photos, styles, strength)
            total = total + self.options.steady * unsteady
            figures["unsteady"] = unsteady.detach()
        return total, figures

    def paint(
        self,
        network: PaintingNetwork,
        photos: Features,
        styles: StylePool,
        strength: Float[Tensor, " b"],
    ) -> Float[Tensor, "b 3 h w"]:
        """Paint photographs, by their features, each in its style."""
        share = (2 * strength).clamp(max=1)
        # In single precision, as in use: bfloat16 has no digits left for a covariance.
        with torch.no_grad(), torch.autocast(self.device.type, enabled=False):
            transported = {
                name: transport(moments(level), styles.goals[name], share)(level)
                for name, level in ((name, photos[name].float()) for name in LEVELS)
            }
        with torch.autocast(self.device.type, enabled=False):
            steering = _steering(network, styles, strength)
        painted: Tensor = network(transported, steering)
        return painted.float()

    def unsteadiness(
        self,
        painted: Float[Tensor, "b 3 h w"],
        photos: Float[Tensor, "b 3 h w"],
        styles: StylePool,
        strength: Float[Tensor, " b"],
    ) -> Float[Tensor, ""]:
        """Return how far the painting of a shifted photograph is from the shifted painting.

        For a quarter of the batch, which is enough and takes less time.
        """
        some = torch.arange(max(1, len(photos) // 4), device=self.device)
        shift = Shift.random((photos.shape[-2], photos.shape[-1]), self.generator).to(self.device)
        later = shifted(photos[some], shift)
        grain = torch.randn(later.shape, generator=self.generator).to(self.device) * 0.01
        features = self.painting_loss.features(later + grain)
        painted_later = self.paint(self.network, features, styles.pick(some), strength[some])
        return (inner(painted_later) - inner(shifted(painted[some], shift))).abs().mean()

    def measure(self, network: nn.Module) -> dict[str, float]:
        """Return mean figures on the held-out photographs in the held-out styles, at strength 0.5.

        Those at other strengths are named after them, as `style at 0.9`.

        Args:
            network: of the kind that is trained.
        """
        assert isinstance(network, PaintingNetwork)
        means = _means(self.figures(network))
        for strength in self.options.measured:
            others = _means(self.figures(network, strength))
            means |= {f"{name} at {strength:g}": value for name, value in others.items()}
        return {name: round(value, 4) for name, value in means.items()}

    @torch.no_grad()
    def figures(self, network: PaintingNetwork, strength: float = 0.5) -> list[dict[str, float]]:
        """Return the same for each of those styles."""
        count = len(self.held_out_styles)
        return [self._figures(network, number, strength) for number in range(count)]

    def _figures(self, network: PaintingNetwork, number: int, at: float) -> dict[str, float]:
        sums = torch.zeros(3)
        has_bfloat16 = pick_precision("auto", self.device) == torch.bfloat16
        for photos in torch.split(self.held_out, _AT_A_TIME):
            count = len(photos)
            strength = torch.full((count,), at, device=self.device)
            styles = self.held_out_styles.pick(torch.full((count,), number, device=self.device))
            with torch.autocast(self.device.type, torch.bfloat16, enabled=has_bfloat16):
                features = self.painting_loss.features(photos)
                painted = self.paint(network, features, styles, strength)
                parts = self.painting_loss.parts(painted, features, styles)
            figures = (parts.content, parts.style, parts.total(strength))
            sums += torch.stack([value.sum() for value in figures]).cpu()
        names = ("content", "style", "loss")
        return dict(zip(names, (sums / len(self.held_out)).tolist(), strict=True))

    def _strengths(self, count: int) -> Float[Tensor, " b"]:
        anything = torch.rand(count, generator=self.generator).clamp(0.05, 0.95)
        is_usual = torch.rand(count, generator=self.generator) < self.options.usual
        return torch.where(is_usual, 0.5, anything).to(self.device)

    def _numbers(self, below: int, count: int) -> Tensor:
        return torch.randint(below, (count,), generator=self.generator)


def _means(each: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: sum(one[name] for one in each) / len(each) for name in each[0]}


def _steering(
    network: PaintingNetwork, styles: StylePool, strength: Tensor
) -> Float[Tensor, "b s"]:
    if isinstance(network, FastNetwork):
        return network.steering(styles.summaries, strength, styles.numbers)
    return network.steering(styles.summaries, strength)


def squares(paths: Sequence[Path], crop: int) -> Float[Tensor, "n 3 s s"]:
    """Cut out the middles of the photographs that are large enough, with their margin.

    Raises:
        PictureError: none is.
    """
    side = crop + 2 * MARGIN
    cut = [square(path, side, max(SHORT, side)) for path in paths]  # of the size crops are cut from
    large = [one for one in cut if one.shape[-1] == side]
    if not large:
        raise PictureError(
            f"None of the {len(paths)} photographs to measure the training with has {side} pixels "
            "on each side. Give larger photographs, or more of them."
        )
    return torch.cat(large)


def optimisers(
    network: PaintingNetwork, options: PaintingOptions
) -> list[tuple[torch.optim.Optimizer, float]]:
    """Return Muon for the convolutions' weights and Adam for the rest, each with its peak rate.

    Weights that are not trained have none.
    """
    trained = [p for p in network.parameters() if p.requires_grad]
    styles_own = [network.own] if isinstance(network, FastNetwork) else []
    kernels = [p for p in trained if p.dim() == 4 and min(p.shape[:2]) > 3]
    listed = {id(p) for p in (*kernels, *styles_own)}
    plain = [p for p in trained if id(p) not in listed]
    pairs: list[tuple[torch.optim.Optimizer, float]] = []
    if kernels:
        pairs.append((Muon(kernels, lr=options.muon_lr), options.muon_lr))
    for parameters, rate in ((plain, options.adam_lr), (styles_own, options.own_lr)):
        if parameters:
            adam = torch.optim.AdamW(parameters, lr=rate, betas=(0.9, 0.99), weight_decay=0.0)
            pairs.append((adam, rate))
    return pairs
