"""A style for other programs: what paints in it, as an ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from impasto.errors import OptionError, WeightsError
from impasto.image import atomic
from impasto.methods.choices import StyleChoice
from impasto.networks.onnx_file import check_libraries, export
from impasto.networks.words import is_trained
from impasto.painting.painter import fast, instant

__all__ = ["export_style"]


def export_style(
    style: str, path: Path, *, strength: float = 0.5, size: int | None = None, force: bool = False
) -> Path:
    """Write a style's painter.

    Args:
        style: a trained style, or anything that `impasto.instant` takes.
        size: the long side that a painting is looked at with; not of a trained style.

    Returns:
        The file.

    Raises:
        OptionError: a library is not installed; a size for a trained style.
        ImpastoError: a style that cannot be used, a file that cannot be written.
    """
    check_libraries()
    atomic.check_target(path, force=force, error=WeightsError)
    # In single precision: other programs have no other.
    alike: dict[str, Any] = {"strength": strength, "device": "cpu", "precision": "float32"}
    if is_trained(style):
        if size is not None:
            raise OptionError(
                f"--size is {size}, and a trained style was looked at as it was trained. Leave it "
                "out."
            )
        painter = fast(style, **alike)
    else:
        painter = instant(style, size=size or 512, **alike)
    brush = painter.brush
    export(
        path,
        extractor=painter.extractor,
        decoder=brush.decoder,
        goals=brush.goals,
        strength=brush.strength,
        about={"style": StyleChoice(style).label},
        force=force,
    )
    return path
