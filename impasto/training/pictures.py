"""Random crops of a folder's pictures, kept in memory as bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional as F

from impasto.image.picture import resize
from impasto.image.reading import read
from impasto.image.transparency import without_hidden_colours

__all__ = ["SHORT", "Ahead", "Crops", "load_bytes"]


def load_bytes(path: Path, short: int | None = None) -> UInt8[Tensor, "3 h w"]:
    """Read a picture as bytes of sRGB, upright.

    Where it is transparent, it has the colours of what is visible nearby.

    Args:
        short: pixels that the shorter side is reduced to if it is longer: thousands of photographs
            from a camera would not fit into memory.

    Raises:
        PictureError: the file is not a picture, or its header claims too much.
    """
    pixels = without_hidden_colours(read(path, short=short), str(path)).pixels
    shorter = min(pixels.shape[-2:])
    if short is not None and shorter > short:
        height, width = (max(1, round(side * short / shorter)) for side in pixels.shape[-2:])
        pixels = resize(pixels, height, width)
    return _rounded(pixels)


def _rounded(pixels: Float[Tensor, "1 3 h w"]) -> UInt8[Tensor, "3 h w"]:
    return (pixels[0] * 255).round().byte()


SHORT = 512
"""Most pixels of the shorter side of a photograph in memory: a crop shows a part of it."""


class Crops:
    """An endless, seeded stream of batches of square crops.

    Each crop has a random place and a random scale down to `size` pixels, and may be mirrored. A
    quarter of them get noise: an optimiser's picture is grainy on its way, and a network trained
    without grain leaves it there. A tenth have their contrast and colours shifted.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        size: int,
        batch: int,
        generator: torch.Generator,
        *,
        disturbed: bool = True,
    ) -> None:
        self.disturbed = disturbed
        # One after the other: pictures are decoded under a lock, and a large one takes memory.
        self.pictures = [load_bytes(path, max(SHORT, size)) for path in paths]
        self.size, self.batch, self.generator = size, batch, generator

    def __iter__(self) -> Iterator[Float[Tensor, "b 3 s s"]]:
        while True:
            yield self.one()

    def one(self) -> Float[Tensor, "b 3 s s"]:
        """Draw the next batch."""
        return torch.stack([self._crop() for _ in range(self.batch)])

    def _crop(self) -> Tensor:
        pixels = self.pictures[self._integer(len(self.pictures))]
        height, width = pixels.shape[-2:]
        short = min(height, width)
        low = min(self.size, short)
        side = low + self._integer(short - low + 1)
        if self._uniform() < 0.5:
            side = low
        top, left = self._integer(height - side + 1), self._integer(width - side + 1)
        crop = pixels[None, :, top : top + side, left : left + side].float() / 255
        if side != self.size:
            crop = F.interpolate(crop, size=self.size, mode="bilinear", antialias=True)
        if self._uniform() < 0.5:
            crop = crop.flip(-1)
        return self._disturb(crop[0]) if self.disturbed else crop[0].clamp(0, 1)

    def _disturb(self, crop: Tensor) -> Tensor:
        draw = self._uniform()
        if draw < 0.25:
            noise = torch.randn(crop.shape, generator=self.generator)
            crop = crop + noise * 0.15 * self._uniform() ** 2
        elif draw < 0.35:
            gain = 0.5 + torch.rand(3, 1, 1, generator=self.generator)
            crop = crop * gain + (1 - gain) * torch.rand(3, 1, 1, generator=self.generator)
        return crop.clamp(0, 1)

    def _integer(self, below: int) -> int:
        return int(torch.randint(below, (), generator=self.generator))

    def _uniform(self) -> float:
        return float(torch.rand((), generator=self.generator))


class Ahead:
    """The same stream, each batch made while the network learns from the one before.

    Its random state is the one that the next batch is made from, however far ahead it is.
    """

    def __init__(self, crops: Crops) -> None:
        self._crops = crops
        self._pool = ThreadPoolExecutor(1)
        self._start()

    def __next__(self) -> Float[Tensor, "b 3 s s"]:
        batch = self._coming.result()
        self._start()
        return batch

    def get_state(self) -> Tensor:
        """Return the random state."""
        return self._before

    def set_state(self, state: Tensor) -> None:
        """Continue from a state."""
        self._coming.result()  # as it draws from the same generator
        self._crops.generator.set_state(state)
        self._start()

    def _start(self) -> None:
        self._before = self._crops.generator.get_state()
        self._coming: Future[Tensor] = self._pool.submit(self._crops.one)
