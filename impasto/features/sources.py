"""Where each backbone's weights come from and where they are stored. Needs no PyTorch."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from impasto.errors import OptionError, WeightsError, suggestion
from impasto.features.backbones import BACKBONES, Backbone
from impasto.files import digests, limits

__all__ = [
    "EMBEDDED",
    "SOURCES",
    "Source",
    "WeightsInfo",
    "backbone",
    "cached",
    "check_file",
    "check_import",
    "digest",
    "listing",
    "locate",
    "require",
]

# Backbones whose weights are a part of the package.
EMBEDDED: dict[str, Path] = {"compact": Path(__file__).parent / "data" / "compact.safetensors"}


_MOST_BYTES = 2**34  # of a file of weights; its reader knows better


@dataclass(frozen=True)
class Source:
    """Weights as they are published.

    Attributes:
        hash_prefix: how the SHA-256 of the file begins, in hexadecimal.
        size: about the bytes of the file; its classifier is dropped after the download.
    """

    url: str
    hash_prefix: str
    size: int
    licence: str


_TORCHVISION = "https://download.pytorch.org/models/"
_LICENCE = "BSD-3-Clause (torchvision), trained on ImageNet"

SOURCES: dict[str, Source] = {
    "vgg19": Source(_TORCHVISION + "vgg19-dcbb9e9d.pth", "dcbb9e9d", 575_000_000, _LICENCE),
    "vgg16": Source(_TORCHVISION + "vgg16-397923af.pth", "397923af", 553_500_000, _LICENCE),
    "alexnet": Source(_TORCHVISION + "alexnet-owt-7be5be79.pth", "7be5be79", 244_500_000, _LICENCE),
}


@dataclass(frozen=True)
class WeightsInfo:
    """One backbone's weights.

    Attributes:
        path: the local file, or None.
        size: its bytes; those of the download if there is no file.
        url: where it is published; None for embedded weights.
    """

    name: str
    path: Path | None
    size: int
    url: str | None
    licence: str


def backbone(name: str) -> Backbone:
    """Return the backbone called `name`.

    Raises:
        OptionError: it does not exist.
    """
    if name not in BACKBONES:
        raise OptionError(
            f"There is no backbone {name!r}{suggestion(name, BACKBONES)} "
            f"There are {', '.join(BACKBONES)}."
        )
    return BACKBONES[name]


def cached(name: str) -> Path:
    """Return the path of the weights of `name` in the user's cache.

    The environment variable `IMPASTO_CACHE` names another folder than the platform's.
    """
    folder = os.environ.get("IMPASTO_CACHE") or platformdirs.user_cache_dir("impasto", False)
    return Path(folder).expanduser() / "weights" / f"{name}.safetensors"


def locate(name: str) -> Path | None:
    """Return the file with the weights of `name`, embedded or cached, or None.

    Raises:
        OptionError: an unknown backbone.
    """
    backbone(name)
    path = EMBEDDED.get(name) or cached(name)
    return path if path.is_file() else None


def require(name: str) -> Path:
    """Return the file with the weights of `name`.

    Raises:
        OptionError: an unknown backbone.
        WeightsError: its weights are missing.
    """
    path = locate(name)
    if path is not None:
        return path
    if name in EMBEDDED:
        raise WeightsError(
            f"The weights of {name} are a part of Impasto, but {EMBEDDED[name]} is missing. "
            "Install Impasto again."
        )
    raise WeightsError(
        f"The weights of {name} are not here: there is no {cached(name)}. Run `impasto weights "
        f"fetch {name}` (about {SOURCES[name].size / 1e6:.0f} MB), or `impasto weights import "
        f"{name} FILE` with a file of yours; compact needs neither."
    )


def check_import(name: str, file: Path, *, force: bool = False) -> Path:
    """Check that a file of weights can be copied to the cache; return its place there.

    Raises:
        OptionError: an unknown backbone, or one that is embedded.
        WeightsError: there is no such file, or the cache has weights already and `force` is not
            set.
    """
    backbone(name)
    if name in EMBEDDED:
        raise OptionError(
            f"{name} comes with Impasto, so its weights are not imported. Only "
            f"{', '.join(SOURCES)} are; to use other weights for {name}, load it with that file."
        )
    target = cached(name)
    if target.exists() and not force:
        raise WeightsError(f"{target} is here already. Use force (`--force`) to replace it.")
    check_file(file)
    return target


def check_file(file: Path) -> None:
    """Check that there is a file that weights could be read from.

    Raises:
        WeightsError: it is missing, empty, a folder, or too large.
    """
    limits.check(file, _MOST_BYTES, WeightsError)


def digest(name: str, weights: Path | None = None) -> str:
    """Return the digest of the file that is read for `name`: `weights`, or the local one.

    Raises:
        OptionError: an unknown backbone.
        WeightsError: its weights are missing, or cannot be read.
    """
    return digests.of_file(require(name) if weights is None else weights, WeightsError)


def listing() -> list[WeightsInfo]:
    """Return all backbones' weights, in the order of `BACKBONES`."""
    return [_describe(name) for name in BACKBONES]


def _describe(name: str) -> WeightsInfo:
    path = locate(name)
    size = 0 if path is None else path.stat().st_size
    if name in EMBEDDED:
        return WeightsInfo(name, path, size, None, "MIT")
    source = SOURCES[name]
    return WeightsInfo(name, path, size or source.size, source.url, source.licence)
