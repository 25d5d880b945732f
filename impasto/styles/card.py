"""A style card: a painting's statistics in one small file, without the painting.

The file is safetensors. For each of a few sizes and each layer it holds the moments (`packing`).
The picture of the card, the *swatch*, is a WebP; its texts are the file's metadata.
"""

from __future__ import annotations

import io
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from impasto.errors import StyleError
from impasto.features.extractor import Extractor
from impasto.files import atomic
from impasto.files.limits import short_message
from impasto.losses.moments import Moments
from impasto.losses.statistics import blend
from impasto.styles.about import SUFFIX, About, check_swatch, read_about
from impasto.styles.packing import pack, unpack
from impasto.styles.statistics import Painting

__all__ = ["SIZES", "StyleCard", "load", "make", "save"]

# Long sides at which a painting is measured. Between two of them moments are blended; beyond the
# last they stay the same, as a painting is never enlarged.
SIZES = (180, 430, 1024)

_MOST_LAYERS = 256  # over all sizes


@dataclass(frozen=True)
class StyleCard:
    """A painting's statistics, and its name.

    Attributes:
        about: title, artist, year, licence, palette, and the backbone it was measured with.
        measured: long side → layer → moments.
        swatch: a texture painted from the statistics alone.
    """

    about: About
    measured: Mapping[int, Mapping[str, Moments]]
    swatch: UInt8[Tensor, "3 h w"]

    def at(
        self, long_side: int, extractor: Extractor, layers: Sequence[str]
    ) -> Mapping[str, Moments]:
        """Return the moments for a result of that long side, blended between the nearest sizes.

        Raises:
            StyleError: the card was not measured with a layer, or with the pooling.
        """
        self._check(extractor, layers)
        sizes = sorted(self.measured)
        below = max((s for s in sizes if s <= long_side), default=sizes[0])
        above = min((s for s in sizes if s >= long_side), default=sizes[-1])
        share = 0.0 if above == below else math.log(long_side / below) / math.log(above / below)
        low, high = self.measured[below], self.measured[above]
        return {name: blend(low[name], high[name], share) for name in layers}

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write the card to a file, `painting.style`, which is then a style like a painting.

        Raises:
            StyleError: the file exists and `force` is not set, or it cannot be written.
        """
        save(self, Path(path), force)

    def _check(self, extractor: Extractor, layers: Sequence[str]) -> None:
        available = next(iter(self.measured.values()))
        missing = [name for name in layers if name not in available]
        if missing:
            raise StyleError(
                f"The style card {self.about.title!r} does not hold {', '.join(missing)}; it has "
                f"{', '.join(available)}. Take those layers, or the painting itself."
            )
        if extractor.pooling != "max":
            raise StyleError(
                f"The style card {self.about.title!r} was measured with max pooling, and the run "
                f"uses {extractor.pooling}. Take max pooling, or the painting itself."
            )


def make(
    painting: Painting,
    extractor: Extractor,
    layers: Sequence[str],
    about: About,
    swatch: UInt8[Tensor, "3 s t"],
) -> StyleCard:
    """Measure a painting at the card's sizes; a smaller painting at fewer of them."""
    longest = max(painting.pixels.shape[-2:])
    sizes = sorted({min(size, longest) for size in SIZES})
    return StyleCard(about, {s: painting.at(s, extractor, layers) for s in sizes}, swatch)


def save(card: StyleCard, path: Path, force: bool = False) -> None:
    """Write a card, completely or not at all.

    Raises:
        StyleError: the file exists and `force` is not set, or it cannot be written.
    """
    if path.suffix.lower() != SUFFIX:
        raise StyleError(f"{path} is not a name for a style card: it must end in {SUFFIX}.")
    tensors = {"swatch": _encode(card.swatch)}
    for size, layers in card.measured.items():
        for name, moments in layers.items():
            tensors |= pack(f"{size}.{name}", moments)
    data = save_tensors(tensors, card.about.to_metadata())
    atomic.replace(path, data, force=force, error=StyleError)


def load(path: Path) -> StyleCard:
    """Read a card.

    Raises:
        StyleError: the file is missing, too big, damaged or not a style card.
    """
    about = read_about(path)
    try:
        tensors = load_tensors(path.read_bytes())
        return StyleCard(about, _moments(tensors), _decode(tensors))
    except (OSError, KeyError, ValueError, RuntimeError, SafetensorError) as error:
        raise StyleError(
            f"{path} is damaged and cannot be read as a style card: {short_message(error)}."
        ) from None


_KEY = re.compile(r"(\d{1,5})\.([a-z]+[0-9_]+)\.mean")


def _moments(tensors: dict[str, Tensor]) -> dict[int, dict[str, Moments]]:
    measured: dict[int, dict[str, Moments]] = {}
    if len(tensors) > 2 * _MOST_LAYERS + 1:
        raise ValueError(f"it holds {len(tensors)} tensors")
    for key in sorted(tensors):
        if match := _KEY.fullmatch(key):
            moments = unpack(tensors, key.removesuffix(".mean"))
            measured.setdefault(int(match[1]), {})[match[2]] = moments
    layers = [set(by_layer) for by_layer in measured.values()]
    if not layers or 0 in measured or any(names != layers[0] for names in layers):
        raise ValueError("its sizes and layers do not fit together")
    return measured


def _encode(swatch: Tensor) -> Tensor:
    buffer = io.BytesIO()
    Image.fromarray(swatch.permute(1, 2, 0).cpu().numpy()).save(
        buffer, "WEBP", quality=82, method=6
    )
    return torch.frombuffer(bytearray(buffer.getvalue()), dtype=torch.uint8)


def _decode(tensors: dict[str, Tensor]) -> UInt8[Tensor, "3 h w"]:
    encoded = tensors.get("swatch")
    if encoded is None or encoded.dtype != torch.uint8:
        raise ValueError("its swatch is missing")
    data = encoded.numpy().tobytes()
    check_swatch(data)
    with Image.open(io.BytesIO(data), formats=("WEBP",)) as picture:
        return torch.from_numpy(np.array(picture.convert("RGB"))).permute(2, 0, 1).contiguous()
