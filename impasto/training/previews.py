"""Pictures of a training: photographs down, styles across, as the network paints them now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor, nn

from impasto.sheets.contact_sheet import columns, draw_names, draw_row, stack
from impasto.sheets.drawing import font, jpeg
from impasto.training.painting_lesson import PaintingLesson, PaintingNetwork
from impasto.training.painting_loss import inner

__all__ = ["contact_sheet", "preview"]

_GAP, _NAME_HEIGHT, _FONT_SIZE = 12, 18, 15

# Of a preview: photographs, and styles.
_PHOTOS, _STYLES = 4, 6

Painting = Callable[[Float[Tensor, "1 3 h w"]], Float[Tensor, "1 3 h w"]]


@torch.no_grad()
def preview(lesson: PaintingLesson, network: nn.Module, names: Sequence[str], target: Path) -> None:
    """Write a sheet of some held-out photographs, as the network paints them now."""
    assert isinstance(network, PaintingNetwork)
    photos = lesson.held_out[:_PHOTOS]
    features = lesson.painting_loss.features(photos)
    strength = torch.full((len(photos),), 0.5, device=photos.device)
    pictures = [("photograph", inner(photos))]
    for number, name in enumerate(names[:_STYLES]):
        numbers = torch.full((len(photos),), number, device=photos.device)
        styles = lesson.held_out_styles.pick(numbers)
        pictures.append((name, inner(lesson.paint(network, features, styles, strength))))
    _write([(name, [_image(one) for one in each]) for name, each in pictures], target)


def contact_sheet(
    photos: Sequence[Float[Tensor, "1 3 h w"]],
    painters: Sequence[tuple[str, Painting]],
    target: Path,
) -> None:
    """Write a sheet of complete photographs in every style.

    Args:
        photos: all of one size.
        painters: each style's name, and the function that paints in it.
    """
    pictures = [("photograph", [_image(photo[0]) for photo in photos])]
    for name, paint in painters:
        pictures.append((name, [_image(paint(photo)[0]) for photo in photos]))
    _write(pictures, target)


def _write(pictures: Sequence[tuple[str, list[Image.Image]]], target: Path) -> None:
    """Write a sheet with a column of pictures below each name."""
    names, each = zip(*pictures, strict=True)
    width, height = each[0][0].size
    lefts = columns(len(names), width, _GAP)
    head = draw_names(names, lefts, width, _NAME_HEIGHT, font(_FONT_SIZE))
    rows = [draw_row(row, lefts, head.width, height) for row in zip(*each, strict=True)]
    jpeg(stack([head, *rows], _GAP, _GAP), target)


def _image(pixels: Float[Tensor, "3 h w"]) -> Image.Image:
    levels = (pixels.float().clamp(0, 1) * 255).round().byte().permute(1, 2, 0)
    return Image.fromarray(np.ascontiguousarray(levels.cpu().numpy()))
