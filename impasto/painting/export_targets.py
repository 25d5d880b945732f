"""What an export writes, and whether it could. Needs no PyTorch."""

from __future__ import annotations

from pathlib import Path

from impasto.config.methods import FastConfig, InstantConfig
from impasto.errors import OptionError, WeightsError
from impasto.files import atomic
from impasto.networks.onnx_libraries import SUFFIX, check_libraries
from impasto.networks.trained_metadata import is_trained, read_metadata, split_source
from impasto.painting.preflight import check_style

__all__ = ["check_export"]


def check_export(
    style: str, path: Path, *, size: int | None = None, force: bool = False
) -> dict[str, Path]:
    """Return each style that is exported and its file, all of them checked.

    The arguments are those of `export.export_style`.

    Raises:
        ImpastoError: a library is not installed, or an argument cannot be used.
    """
    if path.suffix.lower() != SUFFIX:
        raise OptionError(f"{path} is not a name for an ONNX file: it must end in {SUFFIX}.")
    check_libraries()
    if size is not None and is_trained(style):
        raise OptionError(
            f"--size is {size}, and a trained style was looked at as it was trained. Leave it out."
        )
    targets = _targets(style, path)
    for name in targets:
        check_style(name, FastConfig() if is_trained(name) else InstantConfig())
    for target in targets.values():
        atomic.check_target(target, force=force, error=WeightsError)
    return targets


def _targets(style: str, path: Path) -> dict[str, Path]:
    """Return each style and its file."""
    file, name = split_source(style)
    if name or not is_trained(style):
        return {style: path}
    names = [entry.name for entry in read_metadata(Path(file)).entries]
    if len(names) == 1:
        return {style: path}
    return {f"{file}#{n}": path.with_name(f"{path.stem}-{n}{path.suffix}") for n in names}
