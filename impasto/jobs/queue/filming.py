"""A film, or a chunk of one, in one process: packed into a job, and painted by a worker."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from impasto.config.bases import PictureConfig, StyledConfig
from impasto.config.fields import from_dict
from impasto.config.film import FilmSettings
from impasto.config.methods import method_of
from impasto.config.specs import StyleSpec
from impasto.features import sources as networks
from impasto.files.strict_json import Reader, Shape
from impasto.film.clip import Clip, open_clip
from impasto.film.folder import TRACKS, ChunkFolder
from impasto.film.frame import Frame
from impasto.film.painting_here import chunk_painter_of
from impasto.film.picture_frames import numbered_files
from impasto.film.plan import Chunk
from impasto.film.prepared import format_of
from impasto.film.progress import Progress
from impasto.film.run_film import run_film
from impasto.film.spec import FilmSpec, PlacedFile, frames_between, rate_of
from impasto.image.picture import Picture
from impasto.image.writing import to_pil
from impasto.jobs.queue.assignment import Assignment
from impasto.jobs.queue.packing import kept, kept_style, plain
from impasto.jobs.queue.store import Store
from impasto.jobs.queue.work import Work, refuse
from impasto.networks.trained_metadata import split_source
from impasto.painting.sources import Sources

__all__ = ["carry_out", "of_chunk", "packed_film"]

_OPTIONS: Shape = {
    "method": (str,),
    "config": (dict,),
    "backbone_digest": (str,),
    "film": (dict,),
    "maps": (list,),
    "keys": (list,),
    "suffix": (str,),
    "key_size": (int, type(None)),
    "chunk": (dict, type(None)),
}
_CHUNK: Shape = {
    **dict.fromkeys(("number", "start", "stop", "head", "tail"), (int,)),
    "shot": (list,),
}


def packed_film(spec: FilmSpec, store: Store) -> Work:
    """Return the job of painting a film, all of whose files are in the store.

    Raises:
        ImpastoError: a file that cannot be read, or a store that cannot be written.
    """
    path, config, sources = spec.clip.path, spec.config, spec.sources
    files = [path] if path.is_file() else [file for _, file in numbered_files(path)]
    packed = [kept(store, "content", file) for file in files]
    if config is not None:
        packed += [kept_style(store, "style", s.source, s.use, config) for s in sources.styles]
        packed += [
            kept_style(store, "region", region.style, region.colour, config)
            for region in config.regions
            if region.style
        ]
    packed += [kept(store, "style-map", Path(str(file))) for file in sources.style_maps]
    packed += [kept(store, "map", placed.file) for placed in spec.maps]
    packed += [kept(store, "key", placed.file) for placed in spec.keys]
    packed += [] if sources.weights is None else [kept(store, "weights", sources.weights)]
    options = {
        "method": "" if config is None else method_of(config).name,
        "config": {} if config is None else plain(asdict(config)),
        "backbone_digest": "" if config is None else networks.digest(config.eye, sources.weights),
        "film": asdict(spec.settings),
        "maps": [placed.frame for placed in spec.maps],
        "keys": [placed.frame for placed in spec.keys],
        "suffix": spec.out.suffix,
        "key_size": spec.key_size,
        "chunk": None,
    }
    name, device = spec.out.name, "auto" if config is None else config.device
    return Work("film", name, options, tuple(packed), name, device)


def of_chunk(work: Work, chunk: Chunk) -> Work:
    """Return the job of painting one chunk of a job's film."""
    part = asdict(chunk) | {"shot": list(chunk.shot)}
    return replace(
        work,
        title=f"{work.title}, part {chunk.number + 1}",
        name=f"part-{chunk.number:05d}",
        options=work.options | {"chunk": part},
    )


def carry_out(assignment: Assignment) -> Path | None:
    """Paint a film or a chunk; return the film, or the chunk's folder; None if it was stopped.

    Raises:
        ImpastoError: it cannot be painted.
        StoppedError: a chunk was stopped; nothing of it is kept.
    """
    options = assignment.work.table(_OPTIONS)
    with assignment.room() as room:
        spec = _spec_of(assignment, options, room)
        if options["chunk"] is None:
            outcome = run_film(spec, lambda progress: _watch(assignment, progress))
            if outcome.path is None:
                return None
            sides = {"width": outcome.width, "height": outcome.height}
            assignment.report("film", **sides, seconds=round(_seconds(spec), 3))
            return assignment.hand_in(outcome.path)
        _paint(assignment, spec, _chunk_of(options["chunk"], spec.clip), room)
        return assignment.hand_in(room)


def _seconds(spec: FilmSpec) -> float:
    """Return how long the part of a film is that is painted."""
    clip, frames = spec.clip, frames_between(spec.clip, spec.settings)
    end = clip.times[frames.stop] if frames.stop < len(clip.times) else clip.info.end
    return float((end - clip.times[frames.start]) * clip.info.time_base)


def _paint(assignment: Assignment, spec: FilmSpec, chunk: Chunk, room: Path) -> None:
    """Paint a chunk, unless only handing in was missed."""
    folder, count = ChunkFolder(room), 0
    if folder.is_done:
        return

    def watch(frame: Frame) -> None:
        nonlocal count
        count += 1
        assignment.check_going()
        place = f"frame {count}/{len(chunk.frames)}"
        assignment.step(count / len(chunk.frames), lambda: {"place": place})
        assignment.preview(lambda: _image(frame))

    tracks = assignment.folder.run / f".{TRACKS}"  # no job has this name
    painter = chunk_painter_of(spec, format_of(spec), [range(*chunk.shot)], tracks)
    painter.paint(chunk, folder, watch)


def _spec_of(assignment: Assignment, options: dict[str, Any], room: Path) -> FilmSpec:
    """Return what a job paints.

    Raises:
        ImpastoError: options that this Impasto does not have, or a film that cannot be read.
    """
    work = assignment.work
    config = assignment.settings(options["backbone_digest"]) if options["method"] else None
    if config is not None:
        config = _with_styles(config, work)
    settings = from_dict(FilmSettings, options["film"])
    styles = tuple(StyleSpec.used(s.place, s.use) for s in work.all_of("style"))
    maps, keys = (_placed(work, role, options[f"{role}s"]) for role in ("map", "key"))
    weights = work.place_of("weights")
    sources = Sources(
        None,
        styles,
        content_map=maps[0].file if maps else None,
        style_maps=tuple(source.place for source in work.all_of("style-map")),
        weights=Path(weights) if weights else None,
    )
    clip = _clip_of(assignment, settings)
    out = room / (work.name if options["chunk"] is None else f"film{options['suffix']}")
    return FilmSpec(
        clip, out, sources, config, settings, maps, keys,
        force=True, resume=True, key_size=options["key_size"],
    )  # fmt: skip


def _with_styles(config: PictureConfig, work: Work) -> StyledConfig:
    """Return the config, with its regions' styles where the store has them."""
    if not isinstance(config, StyledConfig):
        refuse("its method paints no film")
    places = {source.use: source.place for source in work.all_of("region")}
    if any(spec.style and spec.colour not in places for spec in config.regions):
        refuse("the style of a region is none of its files")
    specs = [
        replace(s, style=places[s.colour] + split_source(s.style)[1]) if s.style else s
        for s in config.regions
    ]
    return replace(config, region=tuple(str(spec) for spec in specs))


def _placed(work: Work, role: str, frames: Sequence[Any]) -> tuple[PlacedFile, ...]:
    sources = work.all_of(role)
    if len(sources) != len(frames) or not all(isinstance(frame, int) for frame in frames):
        refuse(f"each {role} belongs to a frame")
    pairs = zip(frames, sources, strict=True)
    return tuple(PlacedFile(frame, Path(source.place)) for frame, source in pairs)


def _clip_of(assignment: Assignment, settings: FilmSettings) -> Clip:
    """Open the job's film, or the folder in which its pictures are put together."""
    sources = assignment.work.all_of("content")
    if not sources:
        refuse("it has no film")
    rate = rate_of(settings.fps)
    if len(sources) == 1:
        return open_clip(sources[0].place, rate)
    folder = assignment.folder.run / ".frames"  # no job has this name
    folder.mkdir(parents=True, exist_ok=True)
    for source in sources:
        target = folder / source.name
        if not target.exists():
            try:
                os.link(source.place, target)
            except OSError:  # a file system without links
                shutil.copyfile(source.place, target)
    return open_clip(folder, rate)


def _chunk_of(data: dict[str, Any], clip: Clip) -> Chunk:
    """Read a chunk, whose frames the film has."""
    table = Reader(refuse).table("its chunk", data, _CHUNK)
    shot = table.pop("shot")
    numbers = [*table.values(), *shot]
    if len(shot) != 2 or not all(type(n) is int and 0 <= n <= clip.info.frames for n in numbers):
        refuse("its chunk has frames that the film does not")
    chunk = Chunk(**table, shot=(shot[0], shot[1]))
    if not shot[0] <= chunk.start < chunk.stop <= shot[1]:
        refuse("its chunk is none of the film")
    return chunk


def _watch(assignment: Assignment, progress: Progress) -> bool:
    assignment.step(progress.done, lambda: {"place": progress.place})
    if (frame := progress.frame) is not None:
        assignment.preview(lambda: _image(frame))
    return not assignment.is_stopped()


def _image(frame: Frame) -> Any:
    return to_pil(Picture(frame.pixels.cpu()), metadata="none")
