"""`impasto layers`: the layers of a backbone."""

from __future__ import annotations

from impasto.cli import options as shared
from impasto.cli.console import stdout_console
from impasto.features.backbones import Backbone
from impasto.features.plan import layers as layers_of
from impasto.features.sources import backbone as backbone_of

__all__ = ["layers"]


def layers(backbone: shared.BackboneName) -> None:
    """List a backbone's layers: names, widths, strides, receptive fields."""
    from rich import box
    from rich.table import Table

    spec = backbone_of(backbone)
    table = Table(
        title=f"Layers of {spec.name}",
        caption="stride and receptive field in pixels of the picture",
        box=box.SIMPLE_HEAD,
    )
    table.add_column("layer", style="bold")
    for title in ("channels", "stride", "receptive field"):
        table.add_column(title, justify="right")
    table.add_column("default for")
    for layer in layers_of(spec.plan):
        sizes = (layer.channels, layer.stride, layer.receptive_field)
        table.add_row(layer.name, *map(str, sizes), _purpose(layer.name, spec))
    stdout_console().print(table)


def _purpose(layer: str, spec: Backbone) -> str:
    purposes = (("photograph", spec.content), ("painting", spec.style))
    return ", ".join(name for name, layers in purposes if layer in layers)
