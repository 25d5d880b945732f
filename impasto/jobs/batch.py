"""A batch: the photographs, the styles, and how to paint them. Needs no PyTorch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import get_args

from impasto.config.bases import StyledConfig
from impasto.config.output import OutputSettings
from impasto.config.recipe import BEFORE
from impasto.config.sizes import RelativeSize
from impasto.config.specs import StyleSpec, means_file
from impasto.errors import OptionError, PictureError
from impasto.files.digests import of_bytes, of_file
from impasto.files.names import resolved
from impasto.image.formats import WRITTEN, WrittenName
from impasto.image.long_side import long_side
from impasto.networks.trained_metadata import split_source
from impasto.painting.kinds import without_styles
from impasto.painting.misplaced import check_style
from impasto.styles import gallery
from impasto.version import __version__

__all__ = ["FORMATS", "STAGING", "Batch", "BatchStyle", "style_file"]

FORMATS: tuple[str, ...] = get_args(WrittenName)
"""What a batch writes."""

STAGING = ".impasto-batch"
"""Name of the folder in a batch's folder where pictures are written first."""

_MOST_WORKERS = 256
_FIRST_SETTINGS = ("bits", "quality", "recipe")
_DEEP = tuple(name for name in FORMATS if WRITTEN[f".{name}"].bits == 16)


@dataclass(frozen=True)
class BatchStyle:
    """A style in which every photograph is painted: one, or several blended.

    Attributes:
        text: as it was typed.
    """

    text: str
    specs: tuple[StyleSpec, ...]

    @classmethod
    def parse(cls, text: str) -> BatchStyle:
        """Parse `a.jpg`, `a.jpg:fine`, or for a blend `a.jpg:0.3+b.jpg:0.7`.

        A file whose own name has a plus is that file.

        Raises:
            ImpastoError: a style that does not exist, or text of another form.
        """
        spec = StyleSpec.parse(text)
        parts = [text] if Path(split_source(str(spec.source))[0]).is_file() else text.split("+")
        style = cls(text, tuple(StyleSpec.parse(part) for part in parts))
        for spec in style.specs:
            style_file(spec.source)
        return style

    @property
    def label(self) -> str:
        """What it is called in names of files: `a`, `a-fine`, `a-0.3+b-0.7`."""
        return "+".join(
            spec.label + spec.use.removeprefix(split_source(str(spec.source))[1]).replace(":", "-")
            for spec in self.specs
        )

    def digest(self) -> str:
        """Return a digest of all its files, and of how they are used.

        Raises:
            ImpastoError: a file cannot be read.
        """
        files = [of_file(style_file(spec.source), PictureError) for spec in self.specs]
        uses = [spec.use for spec in self.specs]
        return of_bytes(json.dumps([files, uses]).encode())


@dataclass(frozen=True)
class Batch:
    """Every photograph in every style.

    Attributes:
        folder: where the pictures go, with a manifest and contact sheets.
        init: a picture to start from, instead of `config.init`.
        weights: a file of weights for the backbone.
        format: one of `FORMATS`.
        settings: how each picture's file is written; 16 bits in PNG, TIFF, JPEG XL only.
        workers: processes that paint, 1 to 256; they share the processor's threads.
        memory: bytes that all workers together may hold; by default four fifths of what is free.
        force: replace pictures that were painted otherwise, and files that are not the batch's.
        size: a part of each photograph's size, instead of `config.size`.

    Raises:
        OptionError: nothing to paint, or values that are not allowed.
    """

    photographs: tuple[Path, ...]
    styles: tuple[BatchStyle, ...]
    config: StyledConfig
    folder: Path
    init: Path | None = None
    weights: Path | None = None
    format: str = "png"
    settings: OutputSettings = field(default_factory=OutputSettings)
    workers: int = 1
    memory: int | None = None
    force: bool = False
    size: RelativeSize | None = None

    def __post_init__(self) -> None:
        if not self.photographs:
            raise OptionError("There is no photograph to paint: name pictures or their folders.")
        if not self.styles:
            raise without_styles()
        if not 1 <= self.workers <= _MOST_WORKERS:
            raise OptionError(f"--workers is {self.workers}. It takes 1 to {_MOST_WORKERS}.")
        if self.memory is not None and self.memory < 1:
            raise OptionError(f"--memory is {self.memory} bytes. It takes more than that.")
        if self.format not in FORMATS:
            raise OptionError(f"--format is {self.format!r}. It may be {', '.join(FORMATS)}.")
        if self.settings.bits == 16 and self.format not in _DEEP:
            raise OptionError(
                f"--format {self.format} holds 8 bits, not 16. Take {' or '.join(_DEEP)}."
            )
        self._check_folder()

    def _check_folder(self) -> None:
        """Check that nothing that the batch paints from is in its folder."""
        out = resolved(self.folder)
        styles = [style_file(spec.source) for style in self.styles for spec in style.specs]
        starts = [] if self.init is None else [self.init]
        for file in (*self.photographs, *styles, *starts):
            if resolved(file).is_relative_to(out):
                raise OptionError(
                    f"{file} is in {self.folder}, where the pictures go. Give another folder with "
                    "--out."
                )

    @property
    def staging(self) -> Path:
        """The folder where pictures are written before the manifest names them."""
        return self.folder / STAGING

    def config_of(self, photograph: Path) -> StyledConfig:
        """Return the options for a photograph.

        Raises:
            ImpastoError: its size is needed and cannot be read, or gives one that is not allowed.
        """
        if self.size is None:
            return self.config
        return replace(self.config, size=self.size.of(long_side(photograph)))

    def options_digest(self, config: StyledConfig | None = None) -> str:
        """Return a digest of all that makes a picture, except its photograph and style.

        Args:
            config: the options for a photograph, where they are not those of all.

        Raises:
            ImpastoError: a file cannot be read.
        """
        config = config or self.config
        files = [None if f is None else of_file(f, PictureError) for f in (self.init, self.weights)]
        # A later option counts only where it is used: batches that are older stay as they are.
        usual = OutputSettings()
        written = {
            name: value
            for name, value in asdict(self.settings).items()
            if name in _FIRST_SETTINGS or value != getattr(usual, name)
        }
        if not WRITTEN[f".{self.format}"].is_lossy:
            written["quality"] = None
        # An option that earlier batches did not have counts where it changes what they did.
        chosen = {n: v for n, v in asdict(config).items() if BEFORE.get(n) != v}
        options = [
            __version__,
            type(config).__name__,
            chosen,
            files,
            [self.format, *written.values()],
        ]
        return of_bytes(json.dumps(options, sort_keys=True).encode())


def style_file(source: str) -> Path:
    """Return the file of a style: the one that is named, or the card of a built-in one.

    Raises:
        ImpastoError: there is no such style.
    """
    check_style(source)
    file = split_source(source)[0]  # of a trained style
    if Path(file).is_file():
        return Path(file)
    if means_file(source, gallery.names()):
        raise PictureError(f"{source} does not exist: check the name and the folder.")
    return gallery.path(source)
