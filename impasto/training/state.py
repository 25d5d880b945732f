"""The files in a training's folder: its state and its log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from impasto.errors import OptionError, WeightsError
from impasto.files import atomic, limits

__all__ = ["check_same", "cut_log", "read", "under", "write"]

_MOST_BYTES = 2**33

# A training may be made longer later; any other change would make it a different one.
_CHANGEABLE = {"steps"}


def write(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """Write the state, completely or not at all.

    Raises:
        WeightsError: the folder cannot be written to, or there is no space left.
    """
    stored = {key: value.contiguous() for key, value in tensors.items()}
    atomic.replace(path, save(stored, metadata), force=True, error=WeightsError)


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read the tensors and the metadata.

    Raises:
        WeightsError: the file cannot be read.
    """
    try:
        limits.check_tensors(path, _MOST_BYTES, WeightsError)
        with safe_open(path, "pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}, file.metadata() or {}  # noqa: SIM118
    # A tensor type that PyTorch does not have is a KeyError.
    except (SafetensorError, WeightsError, OSError, KeyError, ValueError, RuntimeError) as problem:
        raise WeightsError(
            f"{path} cannot be read ({limits.short_message(problem)}). Train first; if it is "
            "damaged, remove it and train again."
        ) from None


def under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose names begin with `prefix`, without it."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def check_same(stored: dict[str, Any], config: dict[str, Any], folder: Path) -> None:
    """Refuse to continue a training with other options.

    Raises:
        OptionError: an option differs, other than the number of steps.
    """
    names = sorted((stored.keys() | config.keys()) - _CHANGEABLE)
    different = [
        f"{name} {stored.get(name)} there and {config.get(name)} now"
        for name in names
        if stored.get(name) != config.get(name)
    ]
    if different:
        raise OptionError(
            f"The training in {folder} was started with other options: {', '.join(different)}. "
            "Give the same ones (only the steps may change), or another folder."
        )


def cut_log(path: Path, step: int) -> None:
    """Drop the lines of steps after `step`, and what an interruption left of one.

    Raises:
        WeightsError: the folder cannot be written to, or there is no space left.
    """
    if not path.exists():
        return
    lines = path.read_text("utf-8").splitlines()
    text = "".join(f"{line}\n" for line in lines if _step(line) <= step)
    atomic.replace(path, text.encode(), force=True, error=WeightsError)


def _step(line: str) -> float:
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return float("inf")
