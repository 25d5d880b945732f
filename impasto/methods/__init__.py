"""The methods: functions that take pictures as tensors and a frozen config, and yield `Step`s.

One file each. `impasto.methods.gatys` is the function itself, not its file.
"""

from __future__ import annotations

from impasto.config.methods import (
    DoodleConfig,
    FastConfig,
    GatysConfig,
    InstantConfig,
    LaplacianConfig,
    MrfConfig,
    NnstConfig,
    QuickConfig,
    RefineConfig,
    TextureConfig,
)
from impasto.engine.regions import Region
from impasto.engine.step import Step
from impasto.methods.doodle import doodle
from impasto.methods.fast import fast
from impasto.methods.gatys import gatys
from impasto.methods.instant import instant
from impasto.methods.laplacian import laplacian
from impasto.methods.mrf import mrf
from impasto.methods.nnst import nnst
from impasto.methods.quick import quick
from impasto.methods.refine import refine
from impasto.methods.texture import texture

__all__ = [
    "DoodleConfig",
    "FastConfig",
    "GatysConfig",
    "InstantConfig",
    "LaplacianConfig",
    "MrfConfig",
    "NnstConfig",
    "QuickConfig",
    "RefineConfig",
    "Region",
    "Step",
    "TextureConfig",
    "doodle",
    "fast",
    "gatys",
    "instant",
    "laplacian",
    "mrf",
    "nnst",
    "quick",
    "refine",
    "texture",
]
