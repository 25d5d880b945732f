"""Pictures of a studio's gallery."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.client.connection import Connection
from impasto.errors import PictureError
from impasto.files import atomic

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["RemotePicture"]


class RemotePicture:
    """A picture of the studio's gallery.

    Attributes:
        id: of the picture.
    """

    def __init__(self, connection: Connection, data: dict[str, Any]) -> None:
        self._connection, self._data = connection, data
        self.id = str(data["id"])

    def __repr__(self) -> str:
        return f"<RemotePicture {self.id} {self.name!r}>"

    @property
    def title(self) -> str:
        """What it is called."""
        return str(self._data["title"])

    @property
    def name(self) -> str:
        """The name of its file."""
        return str(self._data["name"])

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return int(self._data["width"]), int(self._data["height"])

    @property
    def data(self) -> dict[str, Any]:
        """All that is known of it, as the API says it."""
        return dict(self._data)

    def read(self) -> bytes:
        """Return the file."""
        return self._connection.ask("GET", f"/pictures/{self.id}/file").content

    def open(self) -> Image.Image:
        """Return the pixels, with the recipe in `.info["impasto"]` where the file has it.

        Raises:
            PictureError: Pillow does not read this kind of file: `save` it.
        """
        from PIL import Image

        try:
            image = Image.open(io.BytesIO(self.read()))
            image.load()
        except OSError as problem:
            raise PictureError(
                f"{self.name} cannot be opened here ({problem}): save it, and open the file."
            ) from problem
        return image

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> Path:
        """Write the file as it is, with its recipe and metadata; return its path.

        Args:
            force: replace an existing file.

        Raises:
            PictureError: it cannot be written.
        """
        target = Path(path)
        atomic.check_target(target, force=force)
        atomic.replace(target, self.read(), force=force)
        return target

    def delete(self) -> None:
        """Delete it; for a day `restore` takes it back."""
        self._connection.json("DELETE", f"/pictures/{self.id}")

    def restore(self) -> None:
        """Take it back after it was deleted.

        Raises:
            ImpastoError: it is gone.
        """
        self._connection.json("POST", f"/pictures/{self.id}/restore")
