"""Pictures and styles as a studio takes them: by IDs, once they are there."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impasto.client.connection import Connection
from impasto.client.pictures import RemotePicture
from impasto.config.specs import RegionSpec, StyleSpec
from impasto.errors import OptionError, PictureError, StyleError, suggestion
from impasto.files.digests import of_bytes, of_file

__all__ = ["Sender", "Style", "several"]

Json = dict[str, Any]


@dataclass(frozen=True)
class Style:
    """A style that a studio has.

    Attributes:
        id: by which it is named.
        kind: `builtin`, or `own`: a painting that the user keeps there.
    """

    id: str
    title: str
    kind: str
    artist: str = ""


class Sender:
    """Sends files, each once, and knows the styles that are there."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._uploads: dict[str, str] = {}  # IDs by digests
        self._styles: list[Style] = []

    def styles(self) -> list[Style]:
        """Return the styles that the studio has."""
        items = self._connection.json("GET", "/styles")["items"]
        names = ("id", "title", "kind", "artist")
        return [Style(**{name: str(item.get(name, "")) for name in names}) for item in items]

    def source(self, given: Any) -> Json:
        """Return a picture as requests name it; it is sent if need be.

        Raises:
            ImpastoError: it cannot be read or used.
        """
        if isinstance(given, RemotePicture):
            return {"picture": given.id}
        return {"upload": self._upload(given)}

    def style(self, given: Any) -> Json:
        """Return a style as requests name it; it is sent if need be.

        Raises:
            ImpastoError: it cannot be read or used, or there is none of that name.
        """
        spec = _spec(given)
        use = "" if spec.layers == "all" else spec.layers
        data = {"weight": spec.weight, "use": use}
        if isinstance(spec.source, str) and (id := self._known_style(spec.source)):
            return {"style": id, **data}
        # A picture of the studio's is no style by its ID: it is sent back as a file.
        is_painted = isinstance(spec.source, RemotePicture)
        return {"upload": self._upload(spec.source.read() if is_painted else spec.source), **data}

    def _known_style(self, name: str) -> str | None:
        """Return the ID of a style that the studio has; None for what is a file here.

        Raises:
            StyleError: it is neither.
        """
        if name not in {style.id for style in self._styles}:
            self._styles = self.styles()
        for style in self._styles:
            if name in (style.id, style.title if style.kind == "own" else ""):
                return style.id
        if Path(name).exists():
            return None
        known = [style.id for style in self._styles if style.kind == "builtin"]
        raise StyleError(
            f"There is neither a style nor a file {name!r:.80}{suggestion(name, known)}"
        )

    def region(self, text: str) -> str:
        """Return a region such as `#ff0000=painting.jpg:0.5` as requests name it.

        Raises:
            ImpastoError: it cannot be read or used.
        """
        spec = RegionSpec.parse(text)
        if not spec.style:
            return text
        words = [self._known_style(spec.style) or f"UPLOAD:{self._upload(spec.style)}"]
        words += [] if spec.strength is None else [repr(spec.strength)]
        words += [] if spec.color is None else [f"color={spec.color}"]
        return f"{spec.colour}={':'.join(words)}"

    def _upload(self, given: Any) -> str:
        """Return the ID of what the studio has by then."""
        if isinstance(given, (str, os.PathLike)):
            path = Path(given)
            digest, name = of_file(path, PictureError), path.name
        else:
            data, name = _bytes_of(given)
            digest = of_bytes(data)
        if digest not in self._uploads:
            if isinstance(given, (str, os.PathLike)):
                with Path(given).open("rb") as file:
                    upload = self._connection.json("POST", "/uploads", files={"file": (name, file)})
            else:
                upload = self._connection.json("POST", "/uploads", files={"file": (name, data)})
            self._uploads[digest] = str(upload["id"])
        return self._uploads[digest]


def several(value: Any) -> Sequence[Any]:
    """Return what was passed as several things, as one, or as None."""
    if value is None:
        return ()
    return value if isinstance(value, (list, tuple)) else (value,)


def _spec(given: Any) -> StyleSpec:
    """Return a style with its weight and layers."""
    if isinstance(given, StyleSpec):
        return given
    if isinstance(given, tuple):
        return StyleSpec(*given)
    return StyleSpec.parse(given) if isinstance(given, str) else StyleSpec(given)


def _bytes_of(picture: Any) -> tuple[bytes, str]:
    """Return what is in memory as a file, and a name for it."""
    if isinstance(picture, bytes):
        return picture, "picture"
    from PIL import Image

    if not isinstance(picture, Image.Image):
        if not hasattr(picture, "__array_interface__"):
            raise OptionError(
                f"A picture is given as {type(picture).__name__}. It may be a file's name or path, "
                "bytes of a file, a Pillow image, an array of bytes, or a picture of the studio's."
            )
        picture = Image.fromarray(picture)
    file = io.BytesIO()
    about = {"icc_profile": picture.info.get("icc_profile"), "exif": picture.getexif()}
    if picture.mode not in ("L", "RGB", "RGBA"):
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    picture.save(file, "PNG", **about)
    return file.getvalue(), "picture.png"
