"""From a command line to a run: what can be refused is refused before PyTorch is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.cli.options import RunFlags
from impasto.cli.places import picture_path, placed
from impasto.cli.streams import streams
from impasto.config.methods import PictureConfig
from impasto.files.names import safe_name
from impasto.painting.sources import Sources

if TYPE_CHECKING:
    from impasto.run.output import Output

__all__ = ["output_of", "paint"]


def paint(sources: Sources, config: PictureConfig, flags: RunFlags, name: str) -> None:
    """Paint a picture and print its progress and result.

    Args:
        sources: any of its pictures may be `-`, standard input.
        name: the result's, without a suffix, if no file was typed; it is shortened if it must be.

    Raises:
        ImpastoError: as `prepare` and a run do.
        Exit: with the status of an interrupted command.
    """
    from impasto.run.preflight import check_begin, check_unkept

    flags.memory_bytes()
    flags.check_queue()
    file = f"{safe_name(name)}.png"
    if flags.queue is not None and not flags.dry_run:
        from impasto.cli.queued import submit

        submit(sources, config, flags, output_of(flags, picture_path(flags.out, file)))
        return
    with placed(flags, file) as flags, streams(sources, flags) as (sources, out, is_kept):
        output = output_of(flags, out or Path(file))
        if is_kept:
            check_begin(sources, config, output, chosen=flags.run, resume=flags.resume)
        else:
            check_unkept(sources, config, output)

        from impasto.cli.running import follow_new

        follow_new(sources, config, output, flags, is_kept=is_kept)


def output_of(flags: RunFlags, path: Path, **settings: Any) -> Output:
    """Return what a run writes.

    Args:
        path: the picture's file.
        settings: of the output, where no flag was typed.
    """
    from impasto.run.output import Output

    return Output(
        path=path,
        settings=flags.settings(**settings),
        force=flags.force,
        preview_every=flags.preview_every,
        trace=flags.trace,
    )
