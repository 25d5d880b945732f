"""Backbones with their weights: embedded, downloaded into the user's cache, or from a file."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import tempfile
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import cast, get_args
from urllib.error import HTTPError, URLError

import torch
from safetensors.torch import save
from torch import Tensor

from impasto.errors import OptionError, WeightsError, suggestion
from impasto.features.checkpoint import read_state
from impasto.features.extractor import Extractor, Pooling
from impasto.features.sources import (
    EMBEDDED,
    SOURCES,
    Source,
    backbone,
    cached,
    check_import,
    require,
)
from impasto.files import atomic

__all__ = ["fetch", "import_file", "load"]

# Seconds without a byte after which a download fails; PyTorch has no limit of its own.
_TIMEOUT = 60.0


def load(
    name: str,
    *,
    pooling: str = "max",
    weights: Path | None = None,
    precision: torch.dtype = torch.float32,
) -> Extractor:
    """Load the backbone called `name`, frozen, with its weights in channels_last.

    Args:
        pooling: `max` or `average`.
        weights: a `.pth` or `.safetensors` file to read instead of the embedded or cached one.
        precision: number type of the convolutions and of the features.

    Raises:
        OptionError: an unknown backbone or pooling.
        WeightsError: the weights are missing, damaged or those of another network.
    """
    spec = backbone(name)
    allowed = get_args(Pooling)
    if pooling not in allowed:
        raise OptionError(
            f"There is no pooling {pooling!r}{suggestion(pooling, allowed)} "
            f"Choose {' or '.join(allowed)}."
        )
    state = read_state(spec, require(name) if weights is None else weights)
    with torch.random.fork_rng(devices=[]):  # the initial values are replaced
        net = Extractor(
            spec.plan, spec.mean, spec.std, spec.padding, spec.lifts, cast(Pooling, pooling)
        )
    net.load_state_dict(state)
    for part in (net.convs, net.lifts):  # the normalisation stays in float32
        part.to(precision).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return net.requires_grad_(False).eval()


def import_file(name: str, file: Path, force: bool = False) -> Path:
    """Store the convolutions of a `.pth` or `.safetensors` file in the cache, as `name`.

    Returns:
        The file in the cache.

    Raises:
        OptionError: an unknown backbone, or one that is embedded.
        WeightsError: the file does not hold it, the cache has weights already and `force` is not
            set, or the cache cannot be written.
    """
    target = check_import(name, file, force=force)
    _write(name, read_state(backbone(name), file), target)
    return target


def fetch(name: str, *, progress: bool = True, force: bool = False) -> Path:
    """Download the published weights of `name`, check them and store their convolutions.

    Nothing is downloaded if they are there already, unless `force` is set.

    Args:
        progress: show PyTorch's progress bar on standard error.

    Returns:
        The file in the cache, or in the package for an embedded backbone.

    Raises:
        OptionError: an unknown backbone.
        WeightsError: no network, not enough disk space, or a download with a wrong hash.
    """
    spec = backbone(name)
    target = cached(name)
    if name in EMBEDDED or (target.is_file() and not force):
        return require(name)
    source = SOURCES[name]
    with _writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        _check_room(name, source, target.parent)
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=target.parent) as folder:
            file = Path(folder) / "published.pth"
            _download(name, source, file, progress)
            _write(name, read_state(spec, file), target)
    return target


def _download(name: str, source: Source, file: Path, progress: bool) -> None:
    otherwise = f"get the file in another way and run `impasto weights import {name} FILE`"
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_TIMEOUT)
    try:
        torch.hub.download_url_to_file(source.url, str(file), source.hash_prefix, progress)
    except HTTPError as error:
        error.close()
        raise WeightsError(
            f"{source.url} answered {error.code} ({error.reason}). Try again later, or {otherwise}."
        ) from None
    except (URLError, HTTPException, ConnectionError, TimeoutError, ssl.SSLError) as error:
        reason = getattr(error, "reason", error)
        raise WeightsError(
            f"{source.url} could not be reached ({reason}). Check the network and try again, or "
            f"{otherwise}."
        ) from None
    except RuntimeError as error:
        raise WeightsError(
            f"The download of {source.url} has a wrong SHA-256, so nothing was kept: {error}. It "
            f"was cut short or changed on its way. Try again, or {otherwise}."
        ) from None
    finally:
        socket.setdefaulttimeout(timeout)


def _check_room(name: str, source: Source, folder: Path) -> None:
    needed = source.size * 5 // 4  # the download, and its convolutions beside it
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise WeightsError(
            f"There is not enough room in {folder} to fetch {name}: {needed / 1e6:.0f} MB are "
            f"needed, {free / 1e6:.0f} MB are free. Make room, or name a folder on another disk in "
            "the environment variable IMPASTO_CACHE."
        )


def _write(name: str, state: dict[str, Tensor], target: Path) -> None:
    """Store a state in the cache. The same state always gives the same bytes."""
    # Only one entry of metadata: safetensors does not keep the order of several.
    data = save({key: tensor.contiguous() for key, tensor in state.items()}, {"backbone": name})
    with _writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    try:
        atomic.replace(target, data, force=True, error=WeightsError)
    except WeightsError as error:
        raise WeightsError(
            f"{error} The environment variable IMPASTO_CACHE can name one."
        ) from None


@contextlib.contextmanager
def _writing(target: Path) -> Iterator[None]:
    """Turn the system's errors while `target` is written into one with a message."""
    try:
        yield
    except OSError as error:
        raise WeightsError(
            f"{target} cannot be written ({error.strerror or error}). Make room there and check "
            "the permissions, or name another folder in the environment variable IMPASTO_CACHE."
        ) from None
