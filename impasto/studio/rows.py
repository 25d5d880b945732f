"""What the studio's records hold: a row of each kind."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

__all__ = ["JobRow", "Page", "PictureRow", "StyleRow", "UploadRow", "new_key"]


@dataclass(frozen=True)
class UploadRow:
    """A file that a user sent: a photograph, a painting, a map, a card, trained styles or a film.

    Attributes:
        film: what is known of a film, as JSON; an animated picture is one too.
    """

    id: str
    owner: str
    name: str
    digest: str
    bytes: int
    width: int
    height: int
    kind: str
    recipe: str | None
    created: float
    film: str | None = None
    number: int = 0


@dataclass(frozen=True)
class StyleRow:
    """A painting, or a trained style, that a user keeps.

    Attributes:
        part: which of the styles in a file of trained ones.
    """

    id: str
    owner: str
    title: str
    upload: str
    created: float
    part: str = ""
    number: int = 0


@dataclass(frozen=True)
class JobRow:
    """A job, as it was when the studio last saw it change.

    Attributes:
        request: what the user asked for, as JSON; None for a job of a command line.
        cluster: that it was put in together with others.
        is_taken_in: what it left is in the gallery, or where it belongs.
    """

    id: str
    owner: str
    title: str
    task: str
    method: str
    created: float
    state: str = "waiting"
    done: float = 0.0
    message: str = ""
    worker: str = ""
    priority: int = 10
    picture: str | None = None
    cluster: str | None = None
    request: str | None = None
    is_taken_in: int = 0
    number: int = 0


@dataclass(frozen=True)
class PictureRow:
    """A picture, or a film, that a job has painted.

    Attributes:
        place: of its file, relative to the store.
        photograph: the upload that it was painted from, if there is one.
        words: all that a search looks at.
        removed: when it was deleted; it can be restored for a day.
        seconds: how long a film is; None for a picture.
    """

    id: str
    owner: str
    job: str | None
    title: str
    name: str
    place: str
    digest: str
    width: int
    height: int
    bytes: int
    method: str
    styles: tuple[str, ...]
    photograph: str | None
    words: str
    created: float
    removed: float | None = None
    seconds: float | None = None
    number: int = 0


@dataclass(frozen=True)
class Page:
    """A part of a list.

    Attributes:
        rows: from the newest.
        next: where the page after this one begins; None after the last.
    """

    rows: list[Any]
    next: str | None


def new_key() -> str:
    """Return a key that nobody can guess: 16 hexadecimal digits."""
    return secrets.token_hex(8)
