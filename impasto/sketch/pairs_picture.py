"""A picture of the pairs: the drawing and the picture side by side, with the numbers of both."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from impasto.config.sketch import SketchConfig
from impasto.files import atomic
from impasto.painting.common import network_of
from impasto.painting.sources import Sources
from impasto.sheets.drawing import INK, PAPER, blank, font
from impasto.sketch.libraries import load_cv2
from impasto.sketch.painting import SketchPlan, plan_sketch
from impasto.sketch.pairs_file import pairs_text

__all__ = ["pairs_picture", "show_pairs"]

_SIDE, _GAP, _SIZE = 640, 16, 15


def show_pairs(sources: Sources, config: SketchConfig, path: Path, *, force: bool = False) -> Path:
    """Write the pairs as JSON, and a picture of them beside it; return the picture's file.

    Raises:
        ImpastoError: as `plan_sketch`, or a file is there already.
    """
    extractor, digest = network_of(config, sources, None)
    plan = plan_sketch(sources, config, extractor, digest)
    picture = path.with_name(f"{path.stem}-shown.png")
    for target in (path, picture):
        atomic.check_target(target, force=force)
    data = io.BytesIO()
    pairs_picture(plan).save(data, "PNG")
    atomic.replace(path, pairs_text(plan.pairs).encode(), force=force)
    atomic.replace(picture, data.getvalue(), force=force)
    return picture


def pairs_picture(plan: SketchPlan) -> Image.Image:
    """Return the drawing, its areas in the mean colours of their parts, and the picture's parts."""
    parts = plan.parts.labels
    small = load_cv2().resize(plan.pixels, parts.shape[::-1], interpolation=load_cv2().INTER_AREA)
    means = np.stack([small[parts == k].mean(0) for k in range(len(plan.parts))])
    names = [("–" if part is None else str(part)) for part in plan.pairs]
    colours = np.stack([np.ones(3) if part is None else means[part] for part in plan.pairs])
    areas = plan.areas.labels
    lines = load_cv2().resize(plan.drawing.lines.numpy(), areas.shape[::-1])
    drawn = colours[areas] * (1 - lines[..., None])
    left = _numbered(drawn, areas, [f"{k}={name}" for k, name in enumerate(names)])
    right = _numbered(_outlined(small, parts), parts, [str(k) for k in range(len(plan.parts))])
    sheet = blank(left.width + right.width + 3 * _GAP, max(left.height, right.height) + 2 * _GAP)
    sheet.paste(left, (_GAP, _GAP))
    sheet.paste(right, (left.width + 2 * _GAP, _GAP))
    return sheet


def _outlined(pixels: np.ndarray, labels: np.ndarray) -> np.ndarray:
    edge = np.zeros(labels.shape, bool)
    edge[1:] |= labels[1:] != labels[:-1]
    edge[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    return np.where(edge[..., None], 1.0, pixels)


def _numbered(pixels: np.ndarray, labels: np.ndarray, names: list[str]) -> Image.Image:
    """Return a picture with each part's name where the part is broadest."""
    picture = Image.fromarray((pixels.clip(0, 1) * 255).round().astype(np.uint8))
    factor = _SIDE / max(picture.size)
    picture = picture.resize((round(picture.width * factor), round(picture.height * factor)))
    pen, face = ImageDraw.Draw(picture), font(_SIZE)
    for k, name in enumerate(names):
        x, y = (round((c + 0.5) * factor) for c in _broadest(labels == k))
        box = pen.textbbox((x, y), name, face, anchor="mm")
        pen.rectangle((box[0] - 3, box[1] - 2, box[2] + 3, box[3] + 2), fill=PAPER)
        pen.text((x, y), name, INK, face, anchor="mm")
    return picture


def _broadest(where: np.ndarray) -> tuple[int, int]:
    padded = np.pad(where.astype(np.uint8), 1)
    distances = load_cv2().distanceTransform(padded, load_cv2().DIST_L2, 3)[1:-1, 1:-1]
    y, x = np.unravel_index(int(distances.argmax()), where.shape)
    return int(x), int(y)
