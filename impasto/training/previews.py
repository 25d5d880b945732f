"""Pictures of a training: photographs down, styles across, as the network paints them now."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor, nn

from impasto.files import atomic
from impasto.training.judging import inner
from impasto.training.lesson import Painter, PaintingLesson

__all__ = ["contact_sheet", "preview"]

_PAPER, _INK = "#faf8f4", "#221f1a"
_GAP, _HEAD, _LETTERS = 12, 30, 15
_QUALITY = 90

# Of a preview: photographs, and styles.
_PHOTOS, _STYLES = 4, 6

Painting = Callable[[Float[Tensor, "1 3 h w"]], Float[Tensor, "1 3 h w"]]


@torch.no_grad()
def preview(lesson: PaintingLesson, network: nn.Module, names: Sequence[str], target: Path) -> None:
    """Write a sheet of some photographs that are not trained on, as the network paints them now."""
    assert isinstance(network, Painter)
    photos = lesson.held_out[:_PHOTOS]
    seen = lesson.judge.look(photos)
    half = torch.full((len(photos),), 0.5, device=photos.device)
    columns = [("photograph", inner(photos))]
    for number, name in enumerate(names[:_STYLES]):
        which = torch.full((len(photos),), number, device=photos.device)
        painted = lesson.paint(network, seen, lesson.judges.pick(which), half)
        columns.append((name, inner(painted)))
    pictures = [(name, [_image(one) for one in each]) for name, each in columns]
    _write(_sheet(pictures), target)


def contact_sheet(
    photos: Sequence[Float[Tensor, "1 3 h w"]],
    painters: Sequence[tuple[str, Painting]],
    target: Path,
) -> None:
    """Write a sheet of whole photographs in every style.

    Args:
        photos: all of one size.
        painters: each style's name, and what paints in it.
    """
    columns = [("photograph", [_image(photo[0]) for photo in photos])]
    for name, paint in painters:
        columns.append((name, [_image(paint(photo)[0]) for photo in photos]))
    _write(_sheet(columns), target)


def _sheet(columns: Sequence[tuple[str, Sequence[Image.Image]]]) -> Image.Image:
    width, height = columns[0][1][0].size
    across, down = len(columns), len(columns[0][1])
    whole = (across * (width + _GAP) + _GAP, down * (height + _GAP) + _GAP + _HEAD)
    sheet = Image.new("RGB", whole, _PAPER)
    draw, letters = ImageDraw.Draw(sheet), ImageFont.load_default(_LETTERS)
    for column, (name, pictures) in enumerate(columns):
        left = _GAP + column * (width + _GAP)
        draw.text((left, _GAP), name[: width // 8], fill=_INK, font=letters)
        for row, picture in enumerate(pictures):
            sheet.paste(picture, (left, _HEAD + _GAP + row * (height + _GAP)))
    return sheet


def _image(pixels: Float[Tensor, "3 h w"]) -> Image.Image:
    bytes_ = (pixels.float().clamp(0, 1) * 255).round().byte().permute(1, 2, 0)
    return Image.fromarray(np.ascontiguousarray(bytes_.cpu().numpy()))


def _write(sheet: Image.Image, target: Path) -> None:
    data = io.BytesIO()
    sheet.save(data, "JPEG", quality=_QUALITY, subsampling=0, optimize=True)
    atomic.replace(target, data.getvalue(), force=True)
