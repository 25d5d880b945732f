"""`impasto film`: a film in the style of a painting."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto.cli import options as shared
from impasto.cli.console import print_note, print_path, set_quiet
from impasto.cli.flags import with_flags
from impasto.cli.interrupt import handling_signals
from impasto.cli.places import names_folder, new_folder
from impasto.cli.progress import ProgressBar, progress_bar
from impasto.config.bases import StyledConfig
from impasto.config.film import FILM, FilmSettings
from impasto.config.methods import configs_with
from impasto.config.specs import StyleSpec
from impasto.errors import OptionError

if TYPE_CHECKING:
    from impasto.film.progress import Outcome, Progress
    from impasto.film.run_film import Hands
    from impasto.film.spec import FilmSpec

__all__ = ["film"]

_REGIONS = "Regions"


@shared.with_run_flags(
    without=(
        *("out", "format", "preview_every", "trace", "run", "keep_run", "memory", "dry_run"),
        *("wait", "output"),
    )
)
@with_flags(*configs_with(StyledConfig).values(), FilmSettings, without=("size",))
def film(
    clip: Annotated[
        str,
        shared.argument(
            "CLIP",
            "A film, an animated GIF, WebP or PNG, a folder of numbered pictures, or a pattern of "
            "them, such as frames/%05d.png.",
        ),
    ],
    options: dict[str, Any],
    style: Annotated[
        list[str] | None,
        shared.option(
            "--style",
            "-s",
            metavar="STYLE",
            help="A painting, a style card, the name of a built-in one (see `impasto styles`), or "
            "for --method fast a trained one, FILE.impasto#NAME. Several are blended, by weights "
            "if they have any; with --change one turns into the next.",
            autocompletion=shared.style_names,
        ),
    ] = None,
    size: Annotated[
        str | None,
        shared.option(
            "--size",
            metavar="PIXELS|720p|50%",
            help="Long side of the film: pixels, a screen's name such as 720p or 4k, or a part of "
            "the clip's own size. Otherwise as large as the clip, and at most 1280.",
        ),
    ] = None,
    method: shared.Method = None,
    preset: Annotated[str | None, shared.preset_option("--method instant")] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="OUT",
            help="The film: .mp4, .mov, .mkv, .webm, .gif or .webp; a pattern of pictures such as "
            "out/%05d.png; or a folder that it goes into. Otherwise named after the clip and its "
            "styles, here.",
        ),
    ] = None,
    content_map: Annotated[
        list[str] | None,
        shared.option(
            "--content-map",
            metavar="[N=]MAP",
            help="Regions of frame N, or of the first: a picture of a few flat colours, which is "
            "carried along with what moves. Repeat it for more frames.",
            rich_help_panel=_REGIONS,
        ),
    ] = None,
    style_map: Annotated[
        list[Path] | None,
        shared.option(
            "--style-map",
            metavar="MAP",
            help="Regions of the painting, each painted where --content-map has its colour; one "
            "for each --style.",
            rich_help_panel=_REGIONS,
        ),
    ] = None,
    key: Annotated[
        list[str] | None,
        shared.option(
            "--key",
            metavar="N=PICTURE",
            help="Frame N as it was painted by hand: it is carried along with what moves, to the "
            "next key. Repeat it.",
            rich_help_panel=FILM,
        ),
    ] = None,
    weights: shared.Weights = None,
    *,
    trial: Annotated[
        bool,
        shared.output_option(
            "--try",
            help="Paint three frames only, side by side in OUT-try.jpg, and say what time and room "
            "the film takes.",
        ),
    ] = False,
    no_wait: Annotated[
        bool,
        shared.option(
            "--no-wait",
            rich_help_panel=shared.WORKERS,
            help="With --queue: send the whole film off as one job, and print its ID.",
        ),
    ] = False,
    flags: shared.RunFlags,
) -> None:
    """Give a film the look of a painting, without flicker.

    Sound, subtitles and times stay as they are. The film is painted in chunks: after Ctrl-C or a
    kill, the same command with --resume goes on, to the same frames. With --queue, workers paint
    its chunks, and this command joins them.
    """
    set_quiet(flags.quiet)
    if no_wait and flags.queue is None:
        raise OptionError("--no-wait has no effect without --queue. Leave it out, or give both.")
    from impasto.film.request import placed_files, requested

    if size is not None:
        options["size"] = size
    spec = requested(
        clip,
        [StyleSpec.parse(text) for text in style or ()],
        None if out is None or names_folder(out) else out,
        method=method,
        preset=preset,
        options=options,
        maps=placed_files("--content-map", content_map or ()),
        keys=placed_files("--key", key or ()),
        style_maps=style_map or (),
        weights=weights,
        force=flags.force,
        resume=flags.resume,
    )
    act = _try if trial else _send_off if no_wait else _paint
    if out is None or not names_folder(out):
        act(spec, flags)
        return
    with new_folder(out):
        act(replace(spec, out=out / spec.out.name), flags)


def _paint(spec: FilmSpec, flags: shared.RunFlags) -> None:
    """Paint a film, and print where it is.

    Raises:
        Exit: with the status of an interrupted command.
    """
    from impasto.film.run_film import run_film

    with (
        _hands(flags) as hands,
        handling_signals() as interruption,
        progress_bar("looking at the film", quiet=flags.quiet) as bar,
    ):
        shown = _Shown(bar, quiet=flags.quiet)

        def watch(progress: Progress) -> bool:
            interruption.has_progress = True
            shown(progress)
            return not interruption.is_requested

        outcome = run_film(spec, watch, hands)
    _present(outcome, flags)
    if outcome.path is None:
        raise typer.Exit(interruption.status)


class _Shown:
    """Shows progress as a bar, or as a line for every tenth."""

    def __init__(self, bar: ProgressBar | None, *, quiet: bool) -> None:
        self._bar, self._quiet, self._tenth = bar, quiet, 0

    def __call__(self, progress: Progress) -> None:
        if self._quiet:
            return
        if progress.note:
            (self._bar.note if self._bar else print_note)(progress.note)
        if self._bar is not None:
            self._bar(progress.done, progress.place)
        elif (tenth := int(10 * progress.done)) > self._tenth:
            self._tenth = tenth
            print_note(f"{10 * tenth} %, {progress.place}")


@contextmanager
def _hands(flags: shared.RunFlags) -> Iterator[Hands]:
    """Yield what paints chunks: this process, or the workers of a queue."""
    from impasto.film.painting_here import paint_here

    if flags.queue is None:
        yield paint_here
        return
    from impasto.cli.queued import open_queue
    from impasto.jobs.queue.film_hands import QueueHands

    with open_queue(flags.queue, flags.files, quiet=flags.quiet) as queue:
        yield QueueHands(queue)


def _send_off(spec: FilmSpec, flags: shared.RunFlags) -> None:
    """Put a film into a queue as one job, and print its ID."""
    from impasto.cli.queued import send
    from impasto.jobs.queue.filming import packed_film

    send(lambda store: packed_film(spec, store), spec.out.parent, flags)


def _try(spec: FilmSpec, flags: shared.RunFlags) -> None:
    """Paint three frames, and print the sheet's file, and what the film takes."""
    from impasto.film.trial import try_film

    with progress_bar("painting three frames", quiet=flags.quiet) as bar:
        trial = try_film(spec, lambda done, place: bar(done, place) if bar else None)
    if not flags.quiet:
        print_note(trial.in_words())
    if flags.as_json:
        print(json.dumps(trial.to_dict()))
    else:
        print_path(trial.sheet)


def _present(outcome: Outcome, flags: shared.RunFlags) -> None:
    """Print the film's file to standard output, all else to standard error."""
    if not flags.quiet:
        if outcome.missing:
            frames = "1 frame" if outcome.missing == 1 else f"{outcome.missing} frames"
            print_note(f"{frames} could not be decoded, and are left out")
        if outcome.path is None and outcome.folder is None:
            print_note("stopped before anything was painted")
        elif outcome.path is None:
            print_note("stopped; the same command with --resume goes on")
        else:
            size = f"{outcome.width}×{outcome.height}"
            print_note(f"{outcome.frames} frames of {size} pixels in {outcome.seconds:.1f} s")
    if flags.as_json:
        print(json.dumps(outcome.to_dict()))
    elif outcome.path is not None:
        print_path(outcome.path)
