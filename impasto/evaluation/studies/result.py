"""What a study has painted: the material of its report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from impasto.config.bases import PhotoConfig
from impasto.evaluation.studies.folder import Record
from impasto.evaluation.studies.painting import Subject
from impasto.evaluation.studies.registry import Study, Variant
from impasto.image.picture import Picture
from impasto.image.writing import to_pil
from impasto.sheets.contact_sheet import Cell
from impasto.styles.card import StyleCard
from impasto.styles.statistics import Painting

__all__ = ["Painted", "StudyResult", "rgb"]


@dataclass(frozen=True)
class Painted:
    """A variant and its picture."""

    number: int
    variant: Variant
    record: Record


@dataclass(frozen=True)
class StudyResult:
    """What a report is made of.

    Attributes:
        kind: the study's name.
        command: the command line that started it.
        base: the configuration of which each run changes something.
        planned: how many pictures the study has when it is complete.
        frames: of a film that shows one being painted; empty otherwise.
        film: whether to write one.
    """

    study: Study
    kind: str
    folder: Path
    command: str
    subject: Subject
    base: PhotoConfig
    painted: Sequence[Painted]
    planned: int
    frames: Sequence[Cell] = ()
    film: bool = True

    @property
    def painting(self) -> Picture:
        """The painting, or a style card's swatch."""
        style = self.subject.painting
        if isinstance(style, StyleCard):
            return Picture(style.swatch[None].float() / 255)
        assert isinstance(style, Painting)
        return Picture(style.pixels)

    @property
    def painting_note(self) -> str:
        """What is to be said of the painting's picture."""
        return "texture from its card" if isinstance(self.subject.painting, StyleCard) else ""

    @property
    def parents(self) -> list[Cell]:
        """The photograph and the painting, each with its file's name."""
        names = [Path(source).name for source in (self.subject.content, self.subject.style)]
        return [
            Cell(rgb(self.subject.photograph), names[0]),
            Cell(rgb(self.painting), names[1], self.painting_note),
        ]

    @property
    def settings(self) -> list[tuple[str, str]]:
        """What is the same in every run, by name."""
        last = self.painted[-1].record.ticks[-1]
        settings = [
            ("photograph", Path(self.subject.content).name),
            ("painting", Path(self.subject.style).name),
            ("size", f"{last.width}×{last.height}"),
            ("iterations", f"{last.iteration}"),
            ("backbone", self.base.backbone),
        ]
        if self.kind != "strength":
            settings.append(("strength", f"{self.base.strength:g}"))
        if self.kind != "init":
            settings.append(("seed", str(self.base.seed)))
        return settings


def rgb(picture: Picture) -> Image.Image:
    """Return a picture without its transparency."""
    return to_pil(Picture(picture.pixels)).convert("RGB")
