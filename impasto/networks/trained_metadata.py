"""What a file of trained styles says of itself. Read without PyTorch."""

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
    "TrainedWords",
    "is_trained",
    "parted",
    "read_words",
]

FORMAT = "impasto-trained/1"

SUFFIX = ".impasto"

MAX_BYTES = 64_000_000
"""The largest file of trained styles that is read; one with 64 styles has 6 MB."""

MOST_STYLES = 256

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What a style may be called: what can be typed behind # without quotes."""


@dataclass(frozen=True)
class Entry:
    """One style, with the figures of its training.

    Attributes:
        name: what is typed behind the file's name and #.
        painting: digest of the painting's file.
        steps: that the network was trained with it.
        content, style, loss: of photographs that were not trained on, at strength 0.5: distance to
            the photograph over its energy, to the painting over the photograph's own, and what
            `--method gatys` lowers.
        before: the loss before the training: of the network that paints in any style, or of the
            file's own that the style was added to.

    Raises:
        ValueError: a name or digest that is none, or figures that are no finite numbers.
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
            raise ValueError(f"the steps of {self.name} are no count")
        for figure in ("content", "style", "loss", "before"):
            value = getattr(self, figure)
            if type(value) not in (int, float) or not 0 <= value < 1e9:
                raise ValueError(f"the {figure} of {self.name} is no figure")


@dataclass(frozen=True)
class TrainedWords:
    """What a file of trained styles says.

    Attributes:
        entries: the styles in their order.
        size: the long side that the paintings were looked at with.
        backbone_digest: of the network that sees pictures.

    Raises:
        ValueError: no styles or too many, two of the same name, or a size or digest that is none.
    """

    entries: tuple[Entry, ...]
    size: int
    backbone_digest: str

    def __post_init__(self) -> None:
        names = [entry.name for entry in self.entries]
        if not 0 < len(names) <= MOST_STYLES or len(set(names)) < len(names):
            raise ValueError(f"it has {len(names)} styles, or two of one name")
        if type(self.size) is not int or not 0 < self.size < 2**20:
            raise ValueError("its size is none")
        if not is_digest(self.backbone_digest):
            raise ValueError("it does not say by which network it sees")

    def number(self, name: str, path: Path | str) -> int:
        """A style's number by its name; an empty one is the only style's.

        Args:
            path: where it was read, for messages.

        Raises:
            StyleError: there is none of that name, or several and no name.
        """
        names = [entry.name for entry in self.entries]
        if not name and len(names) == 1:
            return 0
        if name in names:
            return names.index(name)
        whole = f"It has {', '.join(names)}."
        if not name:
            raise StyleError(
                f"{path} holds {len(names)} styles: say which, such as {path}#{names[0]}. {whole}"
            )
        raise StyleError(f"{path} has no style {name!r}{suggestion(name, names)} {whole}")

    def check_eye(self, network: str, path: Path | str) -> None:
        """Refuse styles of another network that sees pictures than this one, by its digest.

        Args:
            path: where they were read, for messages.

        Raises:
            StyleError: they are.
        """
        if self.backbone_digest != network:
            raise StyleError(
                f"{path} was trained with another version of the network that sees the pictures. "
                "Train it again, or take the version of Impasto that it is from."
            )

    def to_metadata(self) -> dict[str, str]:
        """As safetensors wants it: text by name."""
        return {
            "format": FORMAT,
            "size": str(self.size),
            "backbone_digest": self.backbone_digest,
            "styles": json.dumps([asdict(entry) for entry in self.entries]),
        }

    @classmethod
    def from_metadata(cls, data: dict[str, str]) -> TrainedWords:
        """Read what `to_metadata` wrote, and nothing else; raises ValueError on anything else."""
        if data.get("format") != FORMAT:
            raise ValueError(f"its format is {data.get('format')!r:.60}, and {FORMAT} is read here")
        if set(data) != {"format", "size", "backbone_digest", "styles"}:
            raise ValueError("its description lacks something, or has too much")
        styles = json.loads(data["styles"])
        keys = {spec.name for spec in fields(Entry)}
        if not isinstance(styles, list) or not all(
            isinstance(one, dict) and set(one) == keys for one in styles
        ):
            raise ValueError("its list of styles cannot be read")
        size = int(data["size"]) if data["size"].isdecimal() and len(data["size"]) < 9 else 0
        return cls(tuple(Entry(**one) for one in styles), size, data["backbone_digest"])


def is_trained(source: object) -> bool:
    """Whether a file of trained styles, or one of its styles, is meant."""
    return parted(str(source))[0].lower().endswith(SUFFIX)


def parted(source: str) -> tuple[str, str]:
    """A file of trained styles and what follows it: `a.impasto#b` → `a.impasto` and `#b`.

    Of any other source the second part is empty.
    """
    file, mark, name = source.rpartition("#")
    if mark and file.lower().endswith(SUFFIX):
        return file, f"#{name}"
    return source, ""


def read_words(path: Path) -> TrainedWords:
    """What a file of trained styles says of itself.

    Raises:
        StyleError: it is missing, too big, damaged, of another version or no such file.
    """
    from safetensors import SafetensorError, safe_open

    limits.check_tensors(path, MAX_BYTES, StyleError)
    try:
        with safe_open(path, "np") as file:
            return TrainedWords.from_metadata(file.metadata() or {})
    except (OSError, ValueError, TypeError, RecursionError, SafetensorError) as error:
        raise StyleError(
            f"{path} is no file of trained styles that this version reads: "
            f"{limits.short_message(error)}. `impasto train` makes one."
        ) from None
