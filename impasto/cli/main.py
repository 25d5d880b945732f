"""The command `impasto`: its subcommands, and how it ends.

Status 0: done. 1: failed. 2: the command line cannot be used. 70: a bug. Ended by a signal, 128 and
its number: 130 by Ctrl-C, 143 by SIGTERM, 129 by SIGHUP, as when the terminal is closed.
"""

from __future__ import annotations

import errno
import os
import re
import shlex
import sys
from typing import Annotated

import typer

from impasto.cli import jobs, library, style, weights
from impasto.cli.batch import batch
from impasto.cli.console import logging_to_stderr, print_error
from impasto.cli.doodle import doodle
from impasto.cli.evaluate import evaluate
from impasto.cli.export import export
from impasto.cli.help import help_of
from impasto.cli.info import info
from impasto.cli.interrupt import INTERRUPTED
from impasto.cli.layers import layers
from impasto.cli.rerun import rerun
from impasto.cli.resume import extend, resume
from impasto.cli.sketch import sketch
from impasto.cli.studio import studio
from impasto.cli.study import study
from impasto.cli.styles import styles
from impasto.cli.stylize import stylize
from impasto.cli.texture import texture
from impasto.cli.train import train
from impasto.cli.worker import worker
from impasto.errors import (
    ImpastoError,
    OptionError,
    is_out_of_memory,
    notes_of,
    speaking_flags,
)
from impasto.version import __version__

__all__ = ["app", "main"]

FAILED, USAGE, BUG = 1, 2, 70

# The base class of all errors in a command line, which Typer does not export.
_UsageError: type[Exception] = typer.BadParameter.__bases__[0]

# What Typer says, and the same for who types a command line.
_PLAIN = {
    r"^Missing argument '(.+?)'": r"\1 is missing",
    r"^Missing option '(\S+)'(?: / '\S+')?": r"\1 is missing",
    r"^Option '(.+?)' requires an argument": r"\1 takes a value, which is missing",
    r"^Got unexpected extra argument(?:\(s\)|s)? \((.+)\)": r"Nothing can be done with \1",
}

app = typer.Typer(
    help="Give a photograph the look of a painting.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    *(batch, stylize, doodle, sketch, texture, styles, layers, info),
    *(rerun, resume, extend, evaluate, study, train, export, worker, studio),
):
    app.command(help=help_of(command))(command)
app.add_typer(jobs.app, name="jobs")
app.add_typer(library.app, name="library")
app.add_typer(style.app, name="style")
app.add_typer(weights.app, name="weights")


@app.command(
    hidden=True, context_settings={"ignore_unknown_options": True, "allow_extra_args": True}
)
def laplacian(context: typer.Context) -> None:
    """Answer the command of an earlier Impasto with today's."""
    args = shlex.join(context.args)
    raise OptionError(
        f"`impasto laplacian` is a method now: impasto stylize {args} --method laplacian"
    )


def _print_version(is_typed: bool) -> bool:
    if is_typed:
        print(f"impasto {__version__}")
        raise typer.Exit
    return is_typed


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Give a photograph the look of a painting."""


def main(args: list[str] | None = None) -> int:
    """Run a command line; every failure is one message on standard error.

    Args:
        args: without the program's name; those of the process by default.

    Returns:
        The exit status.
    """
    _prepare_for_torch()
    with logging_to_stderr(), speaking_flags():
        try:
            status = app(args, prog_name="impasto", standalone_mode=False)
            _flush()  # a full disc can still be reported here, but not when Python ends
        except (KeyboardInterrupt, typer.Abort):
            return INTERRUPTED
        except Exception as error:
            if os.environ.get("IMPASTO_TRACEBACK"):
                raise
            return _explain(error)
    return status if isinstance(status, int) else 0


def _explain(error: Exception) -> int:
    """Print what went wrong; return the status to end with."""
    lost = _is_output_lost()
    if isinstance(error, _UsageError):
        return _explain_usage(error)
    if isinstance(error, ImpastoError):
        print_error(" ".join([str(error), *notes_of(error)]))
        return USAGE if isinstance(error, OptionError) else FAILED
    if isinstance(error, OSError):
        return _explain_system(error, lost)
    if is_out_of_memory(error):
        advice = "There is not enough memory. Try a smaller --size, or another --device."
        print_error(" ".join([advice, *notes_of(error)]))
        return FAILED
    print_error(
        f"{type(error).__name__}: {error}\nThis is a bug; run with IMPASTO_TRACEBACK=1 in the "
        "environment to see the traceback, and please report it."
        + "".join(f"\n{note}" for note in notes_of(error))
    )
    return BUG


def _explain_usage(error: Exception) -> int:
    """Print Typer's error and where the help is, unless Typer has just printed that."""
    message = str(getattr(error, "format_message", lambda: error)()).strip()
    context = getattr(error, "ctx", None)
    where = f" See `{context.command_path} --help`." if context else ""
    for pattern, words in _PLAIN.items():
        message = re.sub(pattern, words, message)
    if message and type(error).__name__ != "NoArgsIsHelpError":
        end = "" if message.endswith("?") else "."
        print_error(f"{message.rstrip('.')}{end}{where}")
    return USAGE


def _explain_system(error: OSError, lost: bool) -> int:
    if lost and error.errno == errno.EPIPE:  # nobody reads the output any more
        return FAILED
    file = error.filename or ("standard output" if lost else "")
    message = f"{file}: {error.strerror or error}." if file else f"{error.strerror or error}."
    print_error(" ".join([message, *notes_of(error)]))
    return FAILED


def _flush() -> None:
    if sys.stdout is not None:  # a shell's >&- leaves none
        sys.stdout.flush()


def _is_output_lost() -> bool:
    """Return whether standard output is closed. If so, the remaining output is discarded.

    A failed flush keeps what it could not write: Python's own at the end would fail again.
    """
    try:
        _flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return True
    return False


def _prepare_for_torch() -> None:
    """Set the variables that PyTorch reads when it is loaded, where they are not set.

    Only the command does so: a library does not change its host's environment.
    """
    # The processor does what Metal cannot, which would fail otherwise.
    os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")
    # Threads that wait for each other spin only briefly, then sleep. As long as OpenMP spins by
    # default, two commands on two cores take 15 times as long as one; so, twice as long (LOG.md).
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
