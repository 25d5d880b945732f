"""Where a user's pictures and styles are: no path comes from outside, only IDs."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from impasto.config.specs import RegionSpec, StyleSpec
from impasto.errors import PictureError, StyleError, suggestion
from impasto.jobs.queue.store import Store
from impasto.studio.bodies import SourceRef, StyleRef
from impasto.studio.records import Records
from impasto.studio.rows import PictureRow, UploadRow
from impasto.styles import gallery

__all__ = ["Places"]

_UPLOAD = re.compile(r"UPLOAD:([0-9a-f]{16})(:.*|)")


class Places:
    """Where a user's files are.

    Args:
        owner: the user.
    """

    def __init__(self, owner: str, records: Records, store: Store) -> None:
        self._owner, self._records, self._store = owner, records, store

    def of(self, ref: SourceRef) -> Path:
        """Return the file of a picture.

        Raises:
            PictureError: the user has none of that ID.
        """
        if (ref.upload is None) == (ref.picture is None):
            raise PictureError(
                "A picture is named by the ID of an upload, or by that of a picture."
            )
        if ref.upload is not None:
            return self.upload(ref.upload)
        row = self._picture(str(ref.picture))
        if row.seconds is not None:
            raise PictureError(f"{row.name} is a film: it is painted by the task film.")
        return self._store.path / row.place

    def film(self, ref: SourceRef) -> Path:
        """Return the file of a film.

        Raises:
            PictureError: the user has none of that ID.
        """
        if (ref.upload is None) == (ref.picture is None):
            raise PictureError("A film is named by the ID of an upload, or by that of a picture.")
        if ref.picture is not None:
            picture = self._picture(ref.picture)
            if picture.seconds is None:
                raise PictureError(f"{picture.name} is a picture, and no film: choose a film.")
            return self._store.path / picture.place
        row = self._upload(str(ref.upload))
        if row.film is None:
            raise PictureError(f"{row.name} is no film: choose one.")
        return self._store.path / Store.place(row.digest, row.name)

    def upload(self, id: str) -> Path:
        """Return the file of an upload that is no film.

        Raises:
            PictureError: the user has none of that ID.
        """
        row = self._upload(id)
        if row.kind == "film":
            raise PictureError(f"{row.name} is a film: it is painted by the task film.")
        return self._store.path / Store.place(row.digest, row.name)

    def _upload(self, id: str) -> UploadRow:
        row = self._records.upload(self._owner, id)
        if row is None:
            raise PictureError(f"There is no upload {id!r}: send the file again.")
        return row

    def _picture(self, id: str) -> PictureRow:
        row = self._records.picture(self._owner, id)
        if row is None or row.removed is not None:
            raise PictureError(f"There is no picture {id!r}: it was deleted, perhaps.")
        return row

    def style(self, ref: StyleRef) -> StyleSpec:
        """Return a style.

        Raises:
            ImpastoError: the user has none of that ID.
        """
        layers = ref.use or "all"
        if (ref.style is None) == (ref.upload is None):
            raise StyleError("A style is named by its ID, or by that of an upload.")
        if ref.upload is not None:
            part = f"#{ref.part}" if ref.part else ""
            return StyleSpec(f"{self.upload(ref.upload)}{part}", ref.weight, layers)
        return StyleSpec(self._named(str(ref.style)), ref.weight, layers)

    def region(self, text: str) -> str:
        """Return a region as the library takes it, with the file of an upload in it.

        Raises:
            ImpastoError: it names no style that the user has.
        """
        colour, equals, action = text.partition("=")
        if match := _UPLOAD.fullmatch(action):
            return f"{colour}{equals}{self.upload(match[1])}{match[2]}"
        spec = RegionSpec.parse(text)
        return str(replace(spec, style=self._named(spec.style)) if spec.style else spec)

    def _named(self, id: str) -> str:
        """Return a built-in style's name, or the file of an own one."""
        if id in gallery.names():
            return id
        for row in self._records.styles(self._owner):
            if row.id == id:
                return f"{self.upload(row.upload)}{'#' if row.part else ''}{row.part}"
        raise StyleError(f"There is no style {id!r:.80}{suggestion(id, gallery.names())}")
