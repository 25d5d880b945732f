"""From what a person asks for to what is painted: the command and Python share it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from impasto.config.bases import StyledConfig
from impasto.config.fields import flag_of, from_dict, from_text
from impasto.config.film import FilmSettings
from impasto.config.methods import InstantConfig, configs_with
from impasto.config.presets import expanded
from impasto.config.sizes import LEAST, RelativeSize
from impasto.config.specs import StyleSpec
from impasto.config.validation import check_owners, checked_config
from impasto.errors import OptionError, suggestion
from impasto.files.names import resolved, safe_name
from impasto.film.clip import Clip, open_clip
from impasto.film.formats import CONTAINERS
from impasto.film.libraries import check_libraries
from impasto.film.painters import check_change
from impasto.film.spec import FIRST, FilmSpec, PlacedFile, frames_between, rate_of
from impasto.image.long_side import size_in_header
from impasto.painting.kinds import without_styles
from impasto.painting.misplaced import check_address, check_style, has_card, style_kind
from impasto.painting.preflight import check_picture, check_sources
from impasto.painting.sources import Sources

__all__ = ["placed", "placed_files", "requested"]

USUAL = "instant"
"""The method where neither a method nor a preset is chosen: a film has many frames."""

_LONGEST_SIDE = 1280  # of a film whose size is not chosen, in pixels

_FILM_OPTIONS = {name for s in fields(FilmSettings) for name in (s.name, s.metadata["also"])} - {""}


def requested(
    clip: str | os.PathLike[str],
    styles: Sequence[StyleSpec],
    out: Path | None = None,
    *,
    method: str | None = None,
    preset: str | None = None,
    options: Mapping[str, Any],
    maps: Sequence[PlacedFile] = (),
    keys: Sequence[PlacedFile] = (),
    style_maps: Sequence[Path] = (),
    weights: Path | None = None,
    force: bool = False,
    resume: bool = False,
) -> FilmSpec:
    """Return what is to be painted, checked as far as it can be without painting.

    Args:
        clip: a film's file, a folder of numbered pictures, or a pattern such as `frames/%05d.png`.
        out: the film's file; by default named after the clip and its styles, here.
        options: of the method and of the film, as they were given.
        maps: of regions, each drawn for a frame.
        keys: frames that an artist painted.

    Raises:
        ImpastoError: anything that cannot be used.
    """
    check_libraries()
    _check_words(str(clip), styles, keys, has_regions=bool(options.get("region")))
    film = {n: value for n, value in options.items() if n in _FILM_OPTIONS}
    settings = from_dict(FilmSettings, from_text(FilmSettings, film))
    sources = Sources(
        None, tuple(styles), None, maps[0].file if maps else None, tuple(style_maps), weights
    )
    check_change(sources, settings)
    painting = {n: value for n, value in options.items() if n not in _FILM_OPTIONS}
    if keys:
        _refuse_beside_keys(painting, styles, maps, method or preset)
    opened = open_clip(Path(clip), rate_of(settings.fps))
    frames = frames_between(opened, settings)
    maps = _checked(opened, frames, maps, "--content-map")
    keys = _checked(opened, frames, keys, "--key")
    target = out or Path(_name(Path(clip), styles))
    _spare(target, opened, sources, [*maps, *keys])
    spec = FilmSpec(opened, target, sources, None, settings, maps, keys, force, resume)
    if keys:
        return replace(spec, key_size=_size(opened, painting))
    config = _config(opened, styles, method, preset, painting, has_map=bool(maps))
    check_sources(sources, config)
    return replace(spec, config=config)


def placed(files: Any) -> tuple[PlacedFile, ...]:
    """Return the files of a mapping from frames, or of one, for the first; of None, none."""
    if files is None:
        return ()
    table = files if isinstance(files, Mapping) else {FIRST: files}
    return tuple(PlacedFile(int(frame), Path(table[frame])) for frame in sorted(table))


def placed_files(flag: str, texts: Sequence[str]) -> tuple[PlacedFile, ...]:
    """Return the files of `0=first.png`, in the order of their frames; `map.png` is of the first.

    Raises:
        OptionError: a text that is neither, or two files for one frame.
    """
    files: dict[int, PlacedFile] = {}
    for text in texts:
        number, equals, name = text.partition("=")
        if not equals or not number.strip().isdecimal():
            number, name = str(FIRST), text
        if not name or (flag == "--key" and name is text):
            raise OptionError(f"{flag} is {text!r}. It takes a frame and a file: 0=first.png.")
        frame = int(number)
        if frame in files:
            raise OptionError(f"{flag} names two files for frame {frame}. Leave out one.")
        files[frame] = PlacedFile(frame, Path(name))
    return tuple(files[frame] for frame in sorted(files))


def _config(
    clip: Clip,
    styles: Sequence[StyleSpec],
    method: str | None,
    preset: str | None,
    options: dict[str, Any],
    *,
    has_map: bool,
) -> StyledConfig:
    """Return the options of the method that paints the frames."""
    if method is None and preset is None:
        method = USUAL
    texts = [text for text in options.get("region", ()) if isinstance(text, str)]
    is_a_card = has_card([style.source for style in styles], texts)
    method, options = expanded(preset, method, options, has_card=is_a_card)
    kinds = configs_with(StyledConfig)
    if method not in kinds:
        raise OptionError(
            f"--method is {method!r}{suggestion(str(method), kinds)} It may be {', '.join(kinds)}."
        )
    check_owners(kinds, method, options, preset)
    options = {**from_text(kinds[method], options), "size": _size(clip, options)}
    return checked_config(kinds[method], options, has_map=has_map)


def _size(clip: Clip, options: Mapping[str, Any]) -> int:
    """Return the long side of the film: as was asked for, or the clip's, within bounds."""
    long_side = max(clip.info.width, clip.info.height)
    asked = {name: options[name] for name in ("size",) if name in options}
    size = from_text(StyledConfig, asked).get("size")
    if size is None:
        return max(LEAST, min(long_side, _LONGEST_SIDE))
    if isinstance(size, RelativeSize):
        return size.of(long_side)
    return checked_config(InstantConfig, {"size": size}).size


def _refuse_beside_keys(
    painting: Mapping[str, Any],
    styles: Sequence[StyleSpec],
    maps: Sequence[PlacedFile],
    method: str | None,
) -> None:
    """Refuse what says how frames are painted where keyframes are all that is.

    Raises:
        OptionError: something does.
    """
    typed = {"--style": styles, "--content-map": maps, "--method": method}
    names = [name for name, value in typed.items() if value]
    names += [flag_of(name) for name in painting if name != "size"]
    if names:
        raise OptionError(
            f"{', '.join(names)}: for frames that are painted here, and with --key they follow "
            "from those that you painted. Leave it out."
        )


def _check_words(
    clip: str, styles: Sequence[StyleSpec], keys: Sequence[PlacedFile], *, has_regions: bool
) -> None:
    """Refuse what stands where a film belongs, and what is no style; or nothing to paint with."""
    if not clip:
        raise OptionError("The name of the film is empty: give that of a file.")
    check_address(clip)
    if kind := style_kind(clip):
        raise OptionError(f"{clip} is {kind}, not a film. Give the film there, and it as --style.")
    for style in styles:
        check_style(style.source)
        if not isinstance(style.source, (str, os.PathLike)):
            raise OptionError("A film's styles are files or built-in names, no pictures in memory.")
    if not styles and not keys and not has_regions:
        raise without_styles()


def _checked(
    clip: Clip, frames: range, files: Sequence[PlacedFile], flag: str
) -> tuple[PlacedFile, ...]:
    """Return pictures with the numbers of their frames, once they can be read and belong there.

    Raises:
        ImpastoError: one cannot, is of other proportions, or of a frame that is not painted.
    """
    files = [replace(p, frame=frames.start if p.frame == FIRST else p.frame) for p in files]
    height, width = clip.sides()
    for placed in files:
        check_picture(placed.file)
        if placed.frame not in frames:
            raise OptionError(
                f"{flag} {placed.frame}={placed.file}: frames {frames.start} to {frames.stop - 1} "
                "are painted. Give a picture of one of them."
            )
        if (size := size_in_header(placed.file)) is not None:
            wide, high = size
            if abs(wide * height - high * width) > max(wide, high, width, height):
                raise OptionError(
                    f"{placed.file} has {wide}×{high} pixels and the film {width}×{height}: its "
                    "proportions are others. Give a picture that was drawn over the frame."
                )
    return tuple(files)


def _spare(out: Path, clip: Clip, sources: Sources, placed: Sequence[PlacedFile]) -> None:
    """Refuse to write over what is painted from, even with `--force`."""
    files = [clip.path, *(Path(str(style.source)) for style in sources.styles)]
    files += [*(Path(str(source)) for source in sources.style_maps), *(one.file for one in placed)]
    if any(resolved(file) == resolved(out) for file in files):
        raise OptionError(f"{out} is painted from: give --out another name.")


def _name(clip: Path, styles: Sequence[StyleSpec]) -> str:
    """Return the name of a film: that of the clip, and of what it is painted in."""
    stem = clip.parent.name if "%" in clip.name else clip.stem
    names = "+".join(style.label for style in styles) or "painted"
    suffix = clip.suffix.lower() if clip.is_file() else ""
    return (
        f"{safe_name(f'{stem or clip.name}-{names}')}{suffix if suffix in CONTAINERS else '.mp4'}"
    )
