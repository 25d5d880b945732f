"""`impasto weights`: the backbones' weights on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli import options as shared
from impasto.cli.console import print_path, set_quiet, stdout_console
from impasto.errors import OptionError
from impasto.features.backbones import BACKBONES
from impasto.features.sources import backbone as spec_of
from impasto.features.sources import check_import, listing, require

__all__ = ["app"]

app = typer.Typer(help="List, fetch and import the weights of backbones.", no_args_is_help=True)


@app.command("list")
def _list() -> None:
    """List every backbone's weights: whether they are on this machine, how big, from where."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("backbone", style="bold", no_wrap=True)
    table.add_column("here", no_wrap=True)
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("from, licence", overflow="fold")
    for info in listing():
        is_present = "[green]yes[/]" if info.path else "no"
        origin = f"{info.url or 'part of Impasto'}\n[dim]{info.licence}"
        table.add_row(info.name, is_present, f"{info.size / 1e6:.1f} MB", origin)
    stdout_console().print(table)


@app.command()
def path(backbone: shared.BackboneName) -> None:
    """Print where a backbone's weights are; they must be on this machine."""
    print_path(require(backbone))


@app.command()
def fetch(
    backbone: shared.BackboneName, force: shared.Force = False, quiet: shared.Quiet = False
) -> None:
    """Download a backbone's published weights once, check them, and keep them in the cache."""
    set_quiet(quiet)
    spec_of(backbone)  # fails before PyTorch is loaded

    from impasto.features.weights import fetch as download

    print_path(download(backbone, progress=not quiet, force=force))


@app.command("import")
def _import(
    first: Annotated[
        str,
        typer.Argument(metavar="[BACKBONE]", help="Whose weights; otherwise by the file's name."),
    ],
    second: Annotated[str | None, shared.argument("FILE", "A .pth or .safetensors file.")] = None,
    force: shared.Force = False,
) -> None:
    """Copy a file of weights that you have to the cache, so that it need not be fetched."""
    name, file = _name_and_file(first, second)
    check_import(name, file, force=force)  # before PyTorch is loaded

    from impasto.features.weights import import_file

    print_path(import_file(name, file, force=force))


def _name_and_file(first: str, second: str | None) -> tuple[str, Path]:
    """Return the name and the file, in either order; torchvision's files begin with the name."""
    if second is not None:
        return (second, Path(first)) if second in BACKBONES else (first, Path(second))
    file = Path(first)
    name = next((name for name in BACKBONES if file.name.startswith(name)), None)
    if name is None:
        raise OptionError(
            f"Whose weights are in {first}? Say it: impasto weights import BACKBONE {first}, with "
            f"{', '.join(BACKBONES)}."
        )
    return name, file
