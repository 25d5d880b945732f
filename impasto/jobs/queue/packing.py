"""From what a command was given to a job: its files are copied to where workers find them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from impasto.config.bases import PictureConfig, StyledConfig
from impasto.config.methods import method_of
from impasto.config.output import OutputSettings
from impasto.errors import PictureError
from impasto.features import sources as networks
from impasto.files.digests import of_file
from impasto.jobs.queue.job import Job, Source
from impasto.jobs.queue.store import Store
from impasto.networks.trained_metadata import split_source
from impasto.painting.kinds import card_file, kind_of
from impasto.painting.preflight import check_sources
from impasto.painting.sources import Sources
from impasto.styles import gallery

__all__ = ["kept", "kept_style", "packed", "plain"]


def packed(
    sources: Sources,
    config: PictureConfig,
    store: Store,
    name: str,
    *,
    settings: OutputSettings,
    memory: int | None = None,
) -> Job:
    """Return the job of painting a picture, all of whose files are in the store.

    Args:
        name: of the picture's file.
        memory: bytes that it may be painted with.

    Raises:
        ImpastoError: a source or an option that cannot be used, or a store that cannot be written.
    """
    check_sources(sources, config)
    pictures: list[tuple[str, Any]] = [("content", sources.content)]
    pictures += [("content-map", sources.content_map)]
    pictures += [("style-map", source) for source in sources.style_maps]
    pictures += [("init", sources.init), ("weights", sources.weights)]
    packed = [kept(store, role, Path(source)) for role, source in pictures if source is not None]
    packed += [kept_style(store, "style", s.source, s.use, config) for s in sources.styles]
    if isinstance(config, StyledConfig):
        packed += [
            kept_style(store, "region", region.style, region.colour, config)
            for region in config.regions
            if region.style
        ]
    return Job(
        title=Path(name).stem,
        method=method_of(config).name,
        config=plain(asdict(config)),
        sources=tuple(packed),
        backbone_digest=networks.digest(config.eye, sources.weights),
        name=name,
        settings=settings,
        memory=memory,
    )


def kept(store: Store, role: str, file: Path, use: str = "") -> Source:
    """Copy a file into the store; return it as a source.

    Raises:
        ImpastoError: it cannot be read, or the store not be written.
    """
    digest, name = store.keep(file)
    return Source(role, name, digest, use)


def kept_style(store: Store, role: str, source: Any, use: str, config: PictureConfig) -> Source:
    """Return a style's file in the store, or the name of a built-in one.

    Raises:
        ImpastoError: it cannot be read, or the store not be written.
    """
    file = Path(split_source(str(source))[0])
    if kind_of(source, config) == "card":
        file = card_file(source)
        if file.parent == gallery.FOLDER:
            return Source(role, str(source), of_file(file, PictureError), use, is_kept=False)
    return kept(store, role, file, use)


def plain(config: dict[str, Any]) -> dict[str, Any]:
    """Return options as JSON has them."""
    return {n: list(v) if isinstance(v, tuple) else v for n, v in config.items()}
