"""A film that is opened, checked and divided, before anything of it is painted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from impasto.config.bases import StyledConfig
from impasto.config.methods import method_of
from impasto.config.recipe import Input, Recipe
from impasto.engine.setup import with_layers
from impasto.errors import PictureError
from impasto.features import sources as networks
from impasto.files import atomic
from impasto.files.digests import of_bytes, of_file
from impasto.film.clip import Clip
from impasto.film.disc import bytes_needed
from impasto.film.formats import CODECS, CONTAINERS, FilmFormat, film_format
from impasto.film.picture_frames import is_pattern, numbered_files
from impasto.film.plan import Chunk, planned
from impasto.film.recipe import FilmRecipe, Placed
from impasto.film.spec import FilmSpec, PlacedFile, frames_between, within
from impasto.networks.trained_metadata import split_source
from impasto.painting.common import recipe_of
from impasto.painting.kinds import card_file, kind_of

__all__ = ["Film", "check_out", "edges_of", "format_of", "prepared"]


@dataclass(frozen=True)
class Film:
    """A film and what it is painted by.

    Attributes:
        spec: what was asked for.
        recipe: of the film.
        film_format: of its file.
        frames: of the clip that are painted.
        chunks: that it is painted in, once they are known.
    """

    spec: FilmSpec
    recipe: FilmRecipe
    film_format: FilmFormat
    frames: range
    chunks: tuple[Chunk, ...] = ()

    @property
    def clip(self) -> Clip:
        """What is painted."""
        return self.spec.clip

    @property
    def size(self) -> int:
        """The long side of what is painted, in pixels."""
        return self.spec.size

    @property
    def room(self) -> int:
        """The bytes of disc that the film takes while it is painted, at most."""
        height, width = self.clip.sides(self.size)
        is_lossless = not self.film_format.is_film
        return bytes_needed(self.chunks, height * width, is_lossless=is_lossless)

    def divided(self, shots: Sequence[range]) -> Film:
        """Return the film in chunks.

        Args:
            shots: of the whole clip, or of the part that is painted.
        """
        settings, config = self.spec.settings, self.spec.config
        optimises = config is not None and method_of(config).optimises
        length = settings.chunk_length(optimises=optimises)
        chunks = planned(within(shots, self.frames), length, settings.overlap)
        return replace(self, chunks=chunks)


def prepared(spec: FilmSpec) -> Film:
    """Return what is known of a film before its shots are.

    Raises:
        ImpastoError: it cannot be written, or there is nothing of it in the part that is asked for.
    """
    frames = frames_between(spec.clip, spec.settings)
    return Film(spec, _recipe(spec), format_of(spec), frames)


def format_of(spec: FilmSpec) -> FilmFormat:
    """Return how a film is written.

    Raises:
        OptionError: its file cannot be written so.
    """
    settings = spec.settings
    return film_format(
        spec.out,
        codec=None if settings.codec == "auto" else settings.codec,
        quality=settings.quality,
        bits=settings.bits or None,
        has_alpha=spec.clip.info.has_alpha,
    )


def edges_of(film_format: FilmFormat) -> FilmFormat:
    """Return how frames that two chunks paint are kept until they are joined: without loss."""
    return replace(film_format, container=CONTAINERS[".mkv"], codec=CODECS["ffv1"])


def check_out(out: Path, *, force: bool = False) -> None:
    """Check that a film's file can be written, or the folder of its pictures.

    Raises:
        PictureError: it cannot, or is there already, without `force`.
    """
    if not is_pattern(out):
        atomic.check_target(out, force=force)
        return
    first = out.with_name(out.name % 1)
    if out.parent.is_dir():
        atomic.check_target(first, force=force)
    else:
        atomic.check_target(out.parent)


def _recipe(spec: FilmSpec) -> FilmRecipe:
    path = spec.clip.path
    clip = Input("content", str(path), _digest_of(path))
    painting = None if spec.config is None else _painting(spec, spec.config)
    maps, keys = _placed(spec.maps), _placed(spec.keys)
    return FilmRecipe(clip, painting, spec.settings, maps, keys)


def _painting(spec: FilmSpec, config: StyledConfig) -> Recipe:
    """Return the recipe of the frames: their inputs are the styles."""
    sources = spec.sources
    inputs = [_style("style", one.source, one.use, config) for one in sources.styles]
    inputs += [_style("region", r.style, r.colour, config) for r in config.regions if r.style]
    digest = networks.digest(config.eye, sources.weights)
    return recipe_of(with_layers(config), inputs, digest)


def _style(role: str, source: object, use: str, config: StyledConfig) -> Input:
    name = split_source(str(source))[0]
    file = card_file(source) if kind_of(source, config) == "card" else Path(name)
    return Input(role, name, of_file(file, PictureError), use)


def _digest_of(clip: Path) -> str:
    """Return the digest of a film's file; of pictures, that of all their names and digests."""
    if clip.is_file():
        return of_file(clip, PictureError)
    names = [[file.name, of_file(file, PictureError)] for _, file in numbered_files(clip)]
    return of_bytes(json.dumps(names).encode())


def _placed(files: Sequence[PlacedFile]) -> tuple[Placed, ...]:
    return tuple(Placed(p.frame, str(p.file), of_file(p.file, PictureError)) for p in files)
