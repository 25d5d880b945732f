"""The recipe of a film: what it was painted from and how, as JSON that its file holds."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from impasto.config.film import FilmSettings
from impasto.config.recipe import Input, Recipe
from impasto.run.continuing import differences
from impasto.version import __version__

__all__ = ["FORMAT", "FilmRecipe", "Placed"]

FORMAT = 1
"""The number of this shape, and of how a film is divided; a later, different one gets the next."""


@dataclass(frozen=True)
class Placed:
    """A picture that belongs to one frame of a film: a map of regions, or a painted keyframe.

    Attributes:
        frame: counted from the film's first, which is 0.
        name: its file.
        digest: of that file.
    """

    frame: int
    name: str
    digest: str


@dataclass(frozen=True)
class FilmRecipe:
    """How a film was made.

    Attributes:
        clip: what was painted.
        painting: the recipe of its frames, whose inputs are the styles; None where all that was
            painted are the keyframes.
        settings: those of the film.
        maps: its maps of regions.
        keys: keyframes that an artist painted.
        version: of Impasto.
    """

    clip: Input
    painting: Recipe | None
    settings: FilmSettings
    maps: tuple[Placed, ...] = ()
    keys: tuple[Placed, ...] = ()
    version: str = __version__

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON holds of it."""
        painting = None if self.painting is None else self.painting.to_dict()
        return {"format": FORMAT, "kind": "film", **asdict(self), "painting": painting}

    def to_json(self) -> str:
        """Return ASCII JSON with sorted keys: the same recipe gives the same text."""
        return json.dumps(self.to_dict(), sort_keys=True, allow_nan=False)

    def changes(self, other: dict[str, Any]) -> list[str]:
        """Describe what another recipe would paint otherwise; empty for the same frames.

        Names are not compared, as a file may be named from another folder, nor is what only the
        file that is written depends on.

        Args:
            other: as `to_dict` returned it, of any version.
        """
        then, now = other, json.loads(self.to_json())
        if then.get("format") != FORMAT:
            return ["it was begun by another version of Impasto"]
        changes = [
            f"--{name.replace('_', '-')} was {then['settings'].get(name)} and is {value}"
            for name, value in now["settings"].items()
            if then["settings"].get(name) != value
        ]
        if then["clip"]["digest"] != now["clip"]["digest"]:
            changes.append("the film was different")
        for what in ("maps", "keys"):
            if _digests(then[what]) != _digests(now[what]):
                changes.append(f"its {what} were different")
        if (then["painting"] is None) != (self.painting is None):
            return [*changes, "it was painted from other things"]
        if self.painting is not None:
            changes += differences(Recipe.from_dict(then["painting"]), self.painting)
        return changes


def _digests(placed: Any) -> list[list[Any]]:
    return [[one["frame"], one["digest"]] for one in placed]
