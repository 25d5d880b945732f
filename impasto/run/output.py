"""What a run writes: the picture, previews of it, a trace. No PyTorch before a picture comes."""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.config.output import OutputSettings
from impasto.config.recipe import Recipe
from impasto.errors import ImpastoError, OptionError, PictureError
from impasto.files.names import resolved
from impasto.image.writable import check_writable
from impasto.run import trace

if TYPE_CHECKING:
    from impasto.image.picture import Picture

__all__ = ["Output", "Previewer"]

_LOG = logging.getLogger("impasto")


@dataclass(frozen=True)
class Output:
    """What a run writes.

    Attributes:
        path: the picture's file.
        preview_every: iterations between two previews, if any.
        trace: the file that gets each step as a line of JSON, if any.
        resumes: the run continues from a state, and so does its trace.
    """

    path: Path
    settings: OutputSettings = field(default_factory=OutputSettings)
    force: bool = False
    preview_every: int | None = None
    trace: Path | None = None
    resumes: bool = False

    @property
    def preview(self) -> Path:
        """The file of the picture so far: `out.preview.png` beside `out.jpg`."""
        return self.path.with_name(f"{self.path.stem}.preview.png")

    def check(self, long_side: int) -> None:
        """Check before the work that everything can be written.

        An existing preview was left by an earlier run, and is replaced.

        Args:
            long_side: of the picture, in pixels.

        Raises:
            ImpastoError: a file exists, without `force`, or cannot be written.
        """
        check_writable(self.path, bits=self.settings.depth, force=self.force, long_side=long_side)
        if self.preview_every is not None:
            check_writable(self.preview, force=True)
        if self.trace is not None:
            if resolved(self.trace) in (resolved(self.path), resolved(self.preview)):
                raise OptionError(f"{self.trace} cannot be both --trace and a picture of the run.")
            trace.check(self.trace, force=self.force, append=self.resumes)

    def write(self, picture: Picture, recipe: Recipe) -> None:
        """Write the picture.

        Raises:
            PictureError: it cannot be written.
        """
        from impasto.image.writing import write

        try:
            write(
                picture,
                self.path,
                recipe=recipe.to_json() if self.settings.recipe else None,
                bits=self.settings.depth,
                force=self.force,
                quality=self.settings.quality,
                metadata=self.settings.metadata,
            )
        except PictureError as error:
            if self.path.exists():
                error.add_note("Nothing was overwritten.")
            raise

    def restore_parent(self) -> None:
        """Make the folder of the picture again if it was removed since the run began."""
        parent = self.path.parent
        if not parent.exists():
            with contextlib.suppress(OSError):
                parent.mkdir(parents=True)
                _LOG.warning("%s was removed, and is made again for the picture.", parent)

    def rescue(self, picture: Picture, recipe: Recipe, error: BaseException) -> None:
        """Write a picture that cannot be written to its place to the system's temporary files."""
        with contextlib.suppress(OSError, ImpastoError):
            path = Path(tempfile.mkdtemp(prefix="impasto-"), self.path.name)
            replace(self, path=path).write(picture, recipe)
            error.add_note(f"The picture is in {path} instead.")


class Previewer:
    """Writes the picture so far every few iterations. It warns of the first failure only.

    Args:
        output: of the run; None, or one without `preview_every`, writes nothing.
    """

    def __init__(self, output: Output | None) -> None:
        has_previews = output is not None and output.preview_every is not None
        self._output = output if has_previews else None
        self._before = self._stamp()
        self._is_warned = False

    def step(self, count: int, picture: Callable[[], Picture]) -> None:
        """Write a preview if one is due after `count` iterations."""
        from impasto.image.writing import write

        output = self._output
        if output is None or not output.preview_every or count % output.preview_every:
            return
        try:
            write(picture(), output.preview, force=True, metadata=output.settings.metadata)
        except PictureError as error:
            if not self._is_warned:
                _LOG.warning("%s The run goes on.", error)
            self._is_warned = True

    def remove(self) -> None:
        """Remove the preview of a run that succeeded."""
        if self._output is not None:
            self._output.preview.unlink(missing_ok=True)

    def point_to(self, error: BaseException) -> None:
        """Add to an error where the last preview is, if the run wrote one."""
        if self._output is not None and self._stamp() not in (None, self._before):
            error.add_note(f"The picture so far is in {self._output.preview}.")

    def _stamp(self) -> tuple[int, int] | None:
        """Return what distinguishes a preview from an earlier one in the same file."""
        if self._output is None or not self._output.preview.is_file():
            return None
        status = self._output.preview.stat()
        return status.st_ino, status.st_mtime_ns
