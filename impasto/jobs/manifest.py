"""The list of what a batch has painted: JSON in the folder of its pictures.

Anybody may have written it. So it is read strictly, and names only files in that folder.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path, PureWindowsPath
from typing import NoReturn

from impasto.errors import PictureError, RecipeError
from impasto.files import atomic
from impasto.files.digests import is_digest
from impasto.files.strict_json import Json, Reader, Shape
from impasto.image.formats import FORMATS
from impasto.version import __version__

__all__ = [
    "FILE",
    "MAX_BYTES",
    "STATES",
    "Entry",
    "MadeOf",
    "Manifest",
    "Sheet",
    "is_plain",
]

FILE = "manifest.json"
FORMAT = 1  # the number of this shape; a later, different one gets the next
STATES = ("done", "failed", "pending")

MAX_BYTES = 100_000_000
MAX_STRING = 8192  # a blend of several paths
_LONGEST_NAME = 255  # bytes, in most file systems
_SUFFIXES = tuple(row.suffixes[0] for row in FORMATS if row.is_written)


def _refuse(reason: str) -> NoReturn:
    raise RecipeError(f"This is not the manifest of a batch: {reason}.")


_READER = Reader(_refuse, MAX_BYTES, MAX_STRING)


@dataclass(frozen=True)
class MadeOf:
    """Digests of what a picture was painted from, and how. Equal ones give the same picture."""

    photograph: str
    style: str
    settings: str

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            _check_digest(f"made_of has {name}", value)

    def changes(self, now: MadeOf) -> str:
        """Return in words what has changed."""
        words = {
            "photograph": "another photograph",
            "style": "another style",
            "settings": "other options or another version",
        }
        return " and ".join(
            word for name, word in words.items() if getattr(self, name) != getattr(now, name)
        )


@dataclass(frozen=True)
class Entry:
    """A picture of the batch.

    Attributes:
        photograph, style: as they were typed.
        output: the name of its file in the folder.
        state: one of `STATES`, of the last run.
        digest: of its file; None as long as there is none.
        made_of: what the file is made of, or would be; None if unknown.
        seconds: that it took.
        message: why it failed.

    Raises:
        RecipeError: a value that is not allowed.
    """

    photograph: str
    style: str
    output: str
    state: str = "pending"
    digest: str | None = None
    made_of: MadeOf | None = None
    seconds: float | None = None
    message: str = ""

    def __post_init__(self) -> None:
        for name in ("photograph", "style", "message"):
            _READER.string(f"a {name}", getattr(self, name))
        if self.state not in STATES:
            _refuse(f"a state is {self.state!r:.80}; it may be {', '.join(STATES)}")
        _check_name(self.output)
        if self.digest is not None:
            _check_digest("an item has the digest", self.digest)
            if self.made_of is None:
                _refuse("a picture has no made_of")
        if self.seconds is not None and not (math.isfinite(self.seconds) and self.seconds >= 0):
            _refuse(f"seconds are {self.seconds!r:.80}")


@dataclass(frozen=True)
class Sheet:
    """A contact sheet: the name of its file, its digest, and a digest of what it shows."""

    output: str
    digest: str
    shows: str

    def __post_init__(self) -> None:
        _check_name(self.output)
        _check_digest("a sheet has the digest", self.digest)
        _check_digest("a sheet shows", self.shows)


@dataclass
class Manifest:
    """All pictures of a folder, by their files' names, and the sheets that show them."""

    entries: dict[str, Entry] = field(default_factory=dict)
    sheets: dict[str, Sheet] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Replace the folder's manifest atomically.

        Raises:
            PictureError: it cannot be written.
        """
        data = {
            "format": FORMAT,
            "version": __version__,
            "items": [asdict(entry) for entry in self.entries.values()],
            "sheets": [asdict(sheet) for sheet in self.sheets.values()],
        }
        text = json.dumps(data, indent=1, allow_nan=False) + "\n"
        atomic.replace(folder / FILE, text.encode(), force=True)

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read the folder's manifest; return an empty one where there is none.

        Raises:
            RecipeError: the file is not a manifest.
        """
        path = folder / FILE
        if not os.path.lexists(path):
            return cls()
        try:
            return cls.from_json(_text_of(path))
        except RecipeError as error:
            error.add_note(f"It is {path}. Move it away, or give another folder with --out.")
            raise

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Read what `write` wrote, and nothing else.

        Raises:
            RecipeError: anything else.
        """
        data = _READER.table("a manifest", _READER.parse(text), _SHAPE)
        if data["format"] != FORMAT:
            _refuse(f"it has format {data['format']!r:.80}, and this Impasto reads {FORMAT}")
        entries = [_entry(item) for item in data["items"]]
        sheets = [Sheet(**_READER.table("a sheet", item, _SHEET)) for item in data["sheets"]]
        _check_unique([*entries, *sheets])
        return cls({entry.output: entry for entry in entries}, {s.output: s for s in sheets})


def is_plain(name: str) -> bool:
    """Return whether a name is that of a visible picture file in a folder, on any system."""
    return (
        name.endswith(_SUFFIXES)
        and not name.startswith(".")
        and name == Path(name).name == PureWindowsPath(name).name
        and all(character >= " " and character not in '\x7f<>:"/\\|?*' for character in name)
        and len(name.encode("utf-8", "surrogatepass")) <= _LONGEST_NAME
    )


_NONE = type(None)
_SHAPE: Shape = {"format": (int,), "version": (str,), "items": (list,), "sheets": (list,)}
_ENTRY: Shape = {
    "photograph": (str,),
    "style": (str,),
    "output": (str,),
    "state": (str,),
    "digest": (str, _NONE),
    "made_of": (dict, _NONE),
    "seconds": (int, float, _NONE),
    "message": (str,),
}
_MADE_OF: Shape = {"photograph": (str,), "style": (str,), "settings": (str,)}
_SHEET: Shape = {"output": (str,), "digest": (str,), "shows": (str,)}


def _entry(item: Json) -> Entry:
    table = _READER.table("an item", item, _ENTRY)
    made_of, seconds = table.pop("made_of"), table.pop("seconds")
    if made_of is not None:
        made_of = MadeOf(**_READER.table("made_of", made_of, _MADE_OF))
    if seconds is not None and not 0 <= seconds <= 1e12:
        _refuse(f"seconds are {seconds!r:.80}")
    return Entry(**table, made_of=made_of, seconds=None if seconds is None else float(seconds))


def _text_of(path: Path) -> str:
    # Not through a link, as writing would replace the file behind it.
    if path.is_symlink() or not path.is_file():
        _refuse("it is not a regular file")
    try:
        if path.stat().st_size > MAX_BYTES:
            _refuse(f"it has more than {MAX_BYTES:,} bytes")
        return path.read_text("utf-8")
    except OSError as problem:
        raise PictureError(f"{path} cannot be read: {problem.strerror}.") from problem
    except UnicodeDecodeError:
        _refuse("it is not text")


def _check_unique(pictures: Iterable[Entry | Sheet]) -> None:
    names: set[str] = set()
    for picture in pictures:
        if picture.output.casefold() in names:  # some file systems ignore case
            _refuse(f"the file {picture.output!r:.80} is named twice")
        names.add(picture.output.casefold())


def _check_name(name: str) -> None:
    if not is_plain(name):
        _refuse(f"{name!r:.80} is not a plain name of a picture's file")


def _check_digest(what: str, value: str) -> None:
    if not is_digest(value):
        _refuse(f"{what} {value!r:.80}, which is not sha256: and 64 hexadecimal digits")
