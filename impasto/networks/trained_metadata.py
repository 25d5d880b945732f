"""The metadata of a file of trained styles, read without PyTorch."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from impasto.errors import StyleError, suggestion
from impasto.files import limits
from impasto.files.digests import is_digest

__all__ = [
    "FORMAT",
    "MAX_BYTES",
    "MOST_STYLES",
    "NAME",
    "SUFFIX",
    "Entry",
    "TrainedMetadata",
    "is_trained",
    "read_metadata",
    "split_source",
]

FORMAT = "impasto-trained/1"

SUFFIX = ".impasto"

MAX_BYTES = 64_000_000
"""Bytes of the largest file of trained styles that is read; one with 64 styles has 6 MB."""

MOST_STYLES = 256

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""The allowed names of styles: those that can be typed after # without quotes."""


@dataclass(frozen=True)
class Entry:
    """One style, with the figures of its training.

    Attributes:
        name: typed after the file's name and #.
        painting: digest of the painting's file.
        steps: of the network's training with it.
        content, style, loss: of photographs outside the training set, at strength 0.5: distance to
            the photograph over its energy, to the painting over the photograph's own distance, and
            the loss of `--method gatys`.
        before: the loss before the training: of the network that paints in any style, or of the
            one in the file that the style was added to.

    Raises:
        ValueError: an invalid name or digest, or figures that are not finite numbers.
    """

    name: str
    painting: str
    steps: int
    content: float
    style: float
    loss: float
    before: float

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not NAME.fullmatch(self.name):
            raise ValueError(f"a style is called {self.name!r:.80}")
        if not isinstance(self.painting, str) or not is_digest(self.painting):
            raise ValueError(f"the painting of {self.name} has no digest")
        if type(self.steps) is not int or self.steps < 0:
            raise ValueError(f"the steps of {self.name} are not a count")
        for figure in ("content", "style", "loss", "before"):
            value = getattr(self, figure)
            if type(value) not in (int, float) or not 0 <= value < 1e9:
                raise ValueError(f"the {figure} of {self.name} is not a figure")


@dataclass(frozen=True)
class TrainedMetadata:
    """The metadata of a file of trained styles.

    Attributes:
        entries: the styles in their order.
        size: long side of the paintings in the training.
        backbone_digest: of the network that encodes pictures.

    Raises:
        ValueError: no styles or too many, two of the same name, or an invalid size or digest.
    """

    entries: tuple[Entry, ...]
    size: int
    backbone_digest: str

    def __post_init__(self) -> None:
        names = [entry.name for entry in self.entries]
        if not 0 < len(names) <= MOST_STYLES or len(set(names)) < len(names):
            raise ValueError(f"it has {len(names)} styles, or two of one name")
        if type(self.size) is not int or not 0 < self.size < 2**20:
            raise ValueError("its size is not valid")
        if not is_digest(self.backbone_digest):
            raise ValueError("it has no digest of the network that encodes pictures")

    def number(self, name: str, path: Path | str) -> int:
        """Return a style's number by its name, which may be empty if there is only one.

        Args:
            path: of the file, for messages.

        Raises:
            StyleError: an unknown name, or no name for several styles.
        """
        names = [entry.name for entry in self.entries]
        if not name and len(names) == 1:
            return 0
        if name in names:
            return names.index(name)
        content = f"It has {', '.join(names)}."
        if not name:
            raise StyleError(
                f"{path} holds {len(names)} styles: say which, such as {path}#{names[0]}. {content}"
            )
        raise StyleError(f"{path} has no style {name!r}{suggestion(name, names)} {content}")

    def check_backbone(self, digest: str, path: Path | str) -> None:
        """Check that the styles were trained with this backbone.

        Args:
            digest: of the backbone's weights.
            path: of the file, for messages.

        Raises:
            StyleError: they were trained with another one.
        """
        if self.backbone_digest != digest:
            raise StyleError(
                f"{path} was trained with another version of the network that encodes pictures. "
                "Train it again, or use the version of Impasto that wrote it."
            )

    def to_metadata(self) -> dict[str, str]:
        """Return the metadata for safetensors: text by name."""
        return {
            "format": FORMAT,
            "size": str(self.size),
            "backbone_digest": self.backbone_digest,
            "styles": json.dumps([asdict(entry) for entry in self.entries]),
        }

    @classmethod
    def from_metadata(cls, data: dict[str, str]) -> TrainedMetadata:
        """Read what `to_metadata` wrote; raises ValueError on anything else."""
        if data.get("format") != FORMAT:
            raise ValueError(f"its format is {data.get('format')!r:.60}, and {FORMAT} is read here")
        if set(data) != {"format", "size", "backbone_digest", "styles"}:
            raise ValueError("its metadata has missing or unknown keys")
        styles = json.loads(data["styles"])
        keys = {spec.name for spec in fields(Entry)}
        if not isinstance(styles, list) or not all(
            isinstance(style, dict) and set(style) == keys for style in styles
        ):
            raise ValueError("its list of styles cannot be read")
        size = int(data["size"]) if data["size"].isdecimal() and len(data["size"]) < 9 else 0
        return cls(tuple(Entry(**style) for style in styles), size, data["backbone_digest"])


def is_trained(source: object) -> bool:
    """Return whether a source is a file of trained styles, or one of its styles."""
    return split_source(str(source))[0].lower().endswith(SUFFIX)


def split_source(source: str) -> tuple[str, str]:
    """Split off the name of a trained style: `a.impasto#b` → `a.impasto` and `#b`.

    Of any other source the second part is empty.
    """
    file, mark, name = source.rpartition("#")
    if mark and file.lower().endswith(SUFFIX):
        return file, f"#{name}"
    return source, ""


def read_metadata(path: Path) -> TrainedMetadata:
    """Read the metadata of a file of trained styles.

    Raises:
        StyleError: it is missing, too large, damaged, of another version or not such a file.
    """
    from safetensors import SafetensorError, safe_open

    limits.check_tensors(path, MAX_BYTES, StyleError)
    try:
        with safe_open(path, "np") as file:
            return TrainedMetadata.from_metadata(file.metadata() or {})
    except (OSError, ValueError, TypeError, RecursionError, SafetensorError) as error:
        raise StyleError(
            f"{path} is not a file of trained styles that this version reads: "
            f"{limits.short_message(error)}. `impasto train` makes one."
        ) from None
