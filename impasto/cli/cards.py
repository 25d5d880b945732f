"""Style cards in the terminal."""

from __future__ import annotations

import io
from pathlib import Path

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from impasto.cli.console import visible
from impasto.errors import StyleError
from impasto.files.limits import short_message
from impasto.styles.about import read_about, read_swatch

__all__ = ["show"]

_COLUMNS = 24  # of characters: two pixels in each, one above the other
_CARD = 62


def show(cards: dict[str, Path], console: Console) -> None:
    """Print cards by name: with pictures in a terminal with colours, as a list elsewhere."""
    if console.color_system is None or not console.is_terminal:
        console.print(_list(cards))
        return
    panels = [Padding(_card(name, path), (0, 2, 1, 0)) for name, path in cards.items()]
    console.print(Columns(panels, width=min(_CARD, console.width)))


def _list(cards: dict[str, Path]) -> Table:
    table = Table.grid(padding=(0, 2))
    for name, path in cards.items():
        about = read_about(path)
        table.add_row(name, *map(visible, (about.title, about.artist, about.year)))
    return table


def _card(name: str, path: Path) -> RenderableType:
    about = read_about(path)
    text = Group(
        Text(name, style="bold cyan"),
        Text(visible(about.title), style="italic"),
        Text(visible(", ".join(word for word in (about.artist, about.year) if word))),
        Text(visible(about.licence), style="dim"),
        Text(),
        Text.assemble(*(("██", colour) for colour in about.palette[:12])),
        Text(f"measured with {visible(about.backbone)}", style="dim"),
    )
    grid = Table.grid(padding=(0, 2))
    grid.add_column(width=_COLUMNS, no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(_half_blocks(read_swatch(path)), text)
    return grid


def _half_blocks(picture: bytes) -> Text:
    """Draw a picture in characters: ▀ is an upper pixel, with the lower one as its background."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(picture), formats=("WEBP",)) as image:
            rows = max(2, round(_COLUMNS * min(1.0, image.height / image.width) / 2) * 2)
            pixels = image.convert("RGB").resize((_COLUMNS, rows), Image.Resampling.BOX).load()
    except (OSError, ValueError, SyntaxError) as error:
        raise StyleError(f"The card's picture is damaged: {short_message(error)}.") from None
    assert pixels is not None
    text = Text()
    for y in range(0, rows, 2):
        for x in range(_COLUMNS):
            text.append("▀", f"{_hex(pixels[x, y])} on {_hex(pixels[x, y + 1])}")
        text.append("\n")
    text.rstrip()
    return text


def _hex(pixel: object) -> str:
    assert isinstance(pixel, tuple)
    return "#" + "".join(f"{channel:02x}" for channel in pixel)
