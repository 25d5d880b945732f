"""A style for other programs: the network that paints in it, as an ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from impasto.config.specs import StyleSpec
from impasto.features.extractor import Extractor
from impasto.networks.brush import Brush
from impasto.networks.onnx_export import export
from impasto.networks.trained_metadata import is_trained
from impasto.painting.export_targets import check_export
from impasto.painting.stylizer import fast, instant_brush

__all__ = ["export_style"]


def export_style(
    style: str, path: Path, *, strength: float = 0.5, size: int | None = None, force: bool = False
) -> list[Path]:
    """Write a style's network; of a file of several trained styles one for each of them.

    Args:
        style: a trained style, or anything that `impasto.instant` takes.
        path: the file; of several styles `out.onnx` stands for `out-a.onnx`, `out-b.onnx` and more.
        size: the long side that a painting is looked at with; not of a trained style.

    Returns:
        The files that were written.

    Raises:
        OptionError: a library is not installed; a size for a trained style.
        ImpastoError: a style that cannot be used, a file that cannot be written.
    """
    targets = check_export(style, path, size=size, force=force)
    for name, target in targets.items():
        _export(name, target, strength=strength, size=size, force=force)
    return list(targets.values())


def _export(style: str, path: Path, *, strength: float, size: int | None, force: bool) -> None:
    brush, extractor = _brush(style, strength, size)
    export(
        path,
        extractor=extractor,
        decoder=brush.decoder,
        goals=brush.goals,
        strength=brush.strength,
        about={"style": StyleSpec(style).label},
        force=force,
    )


def _brush(style: str, strength: float, size: int | None) -> tuple[Brush, Extractor]:
    """Return the brush of one pass, as a graph paints a picture of any size in one."""
    # In single precision: other programs have no other.
    options: dict[str, Any] = {"strength": strength, "device": "cpu", "precision": "float32"}
    if not is_trained(style):
        return instant_brush(style, size=size or 512, **options)
    painter = fast(style, **options)
    return painter.brushes.coarse, painter.extractor
