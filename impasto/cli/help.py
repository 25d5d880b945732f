"""What `--help` shows of a command besides its options: whole sentences, and an example."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

__all__ = ["EXAMPLES", "help_of"]

EXAMPLES = {
    "stylize": "impasto stylize photo.jpg --style starry-night -o painted.png",
    "batch": "impasto batch photos/ --style a.jpg --style b.jpg -o painted/",
    "texture": "impasto texture stone.jpg --size 2048x1024 --seamless",
    "doodle": "impasto doodle --map map.png --style a.jpg --style-map a-map.png",
    "sketch": "impasto sketch drawing.png --style a.jpg",
    "train": "impasto train a.jpg b.jpg --content photos/ -o mine.impasto",
    "rerun": "impasto rerun painted.png -o again.png",
    "study": "impasto study strength photo.jpg --style a.jpg",
    "evaluate": "impasto evaluate painted.png --content photo.jpg --style a.jpg",
    "worker": "impasto worker --queue postgresql://host/db --files /shared",
    "export": "impasto export mine.impasto#a --onnx a.onnx",
}
"""A command line of each command, as its help begins with."""


def help_of(command: Callable[..., Any]) -> str:
    """Return a command's help: its docstring's paragraphs, each in one line, after an example.

    Typer keeps the line breaks of all paragraphs but the first, wherever the source has them.
    """
    first, *more = inspect.cleandoc(command.__doc__ or "").split("\n\n")
    example = EXAMPLES.get(command.__name__)
    shown = [] if example is None else [f"Example: {example}"]
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in (first, *shown, *more))
