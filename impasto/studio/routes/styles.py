"""Styles: the built-in ones, and paintings that a user keeps."""

from __future__ import annotations

import time
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from impasto.studio.failures import NotFoundError
from impasto.studio.routes.common import Owner, StudioOf
from impasto.studio.rows import StyleRow, new_key
from impasto.studio.texts import PlainText
from impasto.studio.views import API, style_view
from impasto.styles import gallery
from impasto.styles.about import read_swatch

__all__ = ["NewStyle", "router"]

router = APIRouter(tags=["styles"])


class NewStyle(BaseModel):
    """A painting that is to be kept as a style, or a `part` of a file of trained ones."""

    model_config = ConfigDict(extra="forbid")
    upload: str = Field(pattern=r"^[0-9a-f]{16}$")
    title: PlainText = Field("", max_length=200)
    part: str = Field("", pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,63})?$")


@router.get("/styles")
def _list(studio: StudioOf, owner: Owner) -> dict[str, Any]:
    """List the styles: a user's own, then the built-in ones."""
    own = [style_view(row) for row in studio.records.styles(owner)]
    built_in = [
        {
            "id": name,
            "title": about.title,
            "artist": about.artist,
            "about": ", ".join(text for text in (about.year, about.licence) if text),
            "kind": "builtin",
            "upload": None,
            "picture": f"{API}/styles/{name}/picture",
        }
        for name, about in gallery.describe().items()
    ]
    return {"items": [*own, *built_in]}


@router.get("/styles/{name}/picture")
def _picture(_: Owner, name: str) -> Response:
    """Return the picture of a built-in style, as a WebP file."""
    if name not in gallery.names():
        raise NotFoundError(f"There is no built-in style {name!r:.80}.")
    headers = {"Cache-Control": "private, max-age=86400"}
    return Response(read_swatch(gallery.path(name)), media_type="image/webp", headers=headers)


@router.post("/styles", status_code=201)
def _add(studio: StudioOf, owner: Owner, style: NewStyle) -> dict[str, Any]:
    """Keep a painting as a style."""
    upload = studio.records.upload(owner, style.upload)
    if upload is None:
        raise NotFoundError(f"There is no upload {style.upload!r}.")
    title = style.title or upload.name.rpartition(".")[0]
    row = StyleRow(new_key(), owner, title, upload.id, time.time(), part=style.part)
    studio.records.add_style(row)
    return style_view(row)


@router.delete("/styles/{id}", status_code=204)
def _remove(studio: StudioOf, owner: Owner, id: str) -> None:
    """Remove a style; pictures that were painted in it stay."""
    if not studio.records.remove_style(owner, id):
        raise NotFoundError(f"There is no style {id!r:.80} of yours.")
