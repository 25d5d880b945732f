"""`impasto evaluate`: figures of quality."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from impasto.cli import options as shared
from impasto.cli.console import stdout_console

__all__ = ["evaluate"]


def evaluate(
    result: Annotated[Path, shared.argument("RESULT", "The painted picture.")],
    content: Annotated[
        Path, shared.option("--content", "-c", metavar="FILE", help="The photograph.")
    ],
    style: Annotated[Path, shared.option("--style", "-s", metavar="FILE", help="The painting.")],
    backbone: Annotated[
        str,
        shared.backbone_option("The network that judges; preferably not the one that painted."),
    ] = "compact",
    weights: shared.Weights = None,
    as_json: shared.Json = False,
) -> None:
    """Measure a result against its photograph and its painting.

    Both copies are measured too: the photograph copied keeps all content and no style, the painting
    copied the reverse, and a good picture lies between them.
    """
    from impasto.painting.preflight import check_network, check_picture

    for picture in (result, content, style):
        check_picture(picture)
    check_network(backbone, weights)  # all of this before PyTorch is loaded

    from impasto.evaluation import metrics

    rows = [asdict(row) for row in metrics.evaluate(result, content, style, backbone, weights)]
    if as_json:
        print(json.dumps({"backbone": backbone, "rows": rows}))
    else:
        _print(rows, backbone)


def _print(rows: list[dict[str, Any]], backbone: str) -> None:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, caption=f"↓ less is better, ↑ more; as {backbone} sees it")
    table.add_column("picture", style="bold", no_wrap=True)
    for title in ("content ↓", "style ↓", "SSIM ↑", "colour ↓"):
        table.add_column(title, justify="right", no_wrap=True)
    for row in rows:
        figures = (row[name] for name in ("content", "style", "ssim", "colour"))
        table.add_row(row["name"], *(f"{figure:.3f}" for figure in figures))
    stdout_console().print(table)
