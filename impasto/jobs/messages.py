"""What is sent between a batch and its workers. Needs no PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from impasto.config.specs import StyleSpec

__all__ = ["Cell", "DrawJob", "Job", "PaintJob", "Report"]


@dataclass(frozen=True)
class PaintJob:
    """A photograph to paint, and the name of its file in the staging folder."""

    photograph: Path
    styles: tuple[StyleSpec, ...]
    output: str


@dataclass(frozen=True)
class Cell:
    """A picture on a contact sheet.

    Attributes:
        sources: the file, or those that stand side by side; styles by their names.
        instead: a word for the empty field where there is no picture.
    """

    sources: tuple[str, ...]
    instead: str = ""


@dataclass(frozen=True)
class DrawJob:
    """A contact sheet to draw: styles above, photographs on the left.

    Attributes:
        columns: each style and its caption.
        rows: each photograph, its caption, and its pictures in the styles' order.
        width: of each picture, in pixels.
    """

    output: str
    columns: tuple[tuple[Cell, str], ...]
    rows: tuple[tuple[Cell, str, tuple[Cell, ...]], ...]
    width: int


Job = PaintJob | DrawJob


@dataclass(frozen=True)
class Report:
    """What a worker reports.

    Attributes:
        kind: `ready` for its first job; `step` within a job; `note` for a remark; `done`, `failed`
            after it; `lost` if its worker died and it will be tried again; `unusable` if no job
            could succeed.
        share: of the job, from 0 to 1.
        seconds: that the job took.
        digest: of the file that was written.
        message: a remark, or why it failed.
        error: why no job could succeed.
    """

    kind: Literal["ready", "step", "note", "done", "failed", "lost", "unusable"]
    share: float = 0.0
    seconds: float = 0.0
    digest: str = ""
    message: str = ""
    error: Exception | None = None
