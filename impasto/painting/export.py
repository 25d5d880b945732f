"""A style for other programs: the network that paints in it, as an ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from impasto.config.specs import StyleSpec
from impasto.errors import OptionError, WeightsError
from impasto.files import atomic
from impasto.networks.onnx_export import check_libraries, export
from impasto.networks.trained_metadata import is_trained, read_metadata, split_source
from impasto.painting.stylizer import Painter, fast, instant

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
    check_libraries()
    targets = _targets(style, path)
    for target in targets.values():
        atomic.check_target(target, force=force, error=WeightsError)
    for name, target in targets.items():
        _export(name, target, strength=strength, size=size, force=force)
    return list(targets.values())


def _targets(style: str, path: Path) -> dict[str, Path]:
    """Return each style and its file."""
    file, name = split_source(style)
    if name or not is_trained(style):
        return {style: path}
    names = [entry.name for entry in read_metadata(Path(file)).entries]
    if len(names) == 1:
        return {style: path}
    return {f"{file}#{n}": path.with_name(f"{path.stem}-{n}{path.suffix}") for n in names}


def _export(style: str, path: Path, *, strength: float, size: int | None, force: bool) -> None:
    painter = _painter(style, strength, size)
    brush = painter.brush
    export(
        path,
        extractor=painter.extractor,
        decoder=brush.decoder,
        goals=brush.goals,
        strength=brush.strength,
        about={"style": StyleSpec(style).label},
        force=force,
    )


def _painter(style: str, strength: float, size: int | None) -> Painter:
    # In single precision: other programs have no other.
    options: dict[str, Any] = {"strength": strength, "device": "cpu", "precision": "float32"}
    if not is_trained(style):
        return instant(style, size=size or 512, **options)
    if size is not None:
        raise OptionError(
            f"--size is {size}, and a trained style was looked at as it was trained. Leave it out."
        )
    return fast(style, **options)
