"""What a style's source is: a picture, a style card or a trained style. Needs no PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from impasto.config.bases import PictureConfig
from impasto.config.methods import method_of
from impasto.errors import OptionError, StyleError
from impasto.networks import trained_metadata
from impasto.painting.sources import is_named
from impasto.styles import about, gallery

__all__ = [
    "Kind",
    "card_file",
    "check_card",
    "kind_of",
    "without_colours",
    "without_parts",
    "without_styles",
]

Kind = Literal["picture", "card", "trained"]


def kind_of(source: Any, config: PictureConfig) -> Kind:
    """Return what a style's source is. A name without suffix and folder is a built-in card's.

    Raises:
        OptionError: it is not what the method paints in.
    """
    is_trained = is_named(source) and trained_metadata.is_trained(source)
    if method_of(config).takes_trained:
        if is_trained:
            return "trained"
        name = repr(str(source)) if is_named(source) else "a picture"
        raise OptionError(
            f"--method fast paints in styles that a network was trained for, and {name} is not a "
            f"file of those (*{trained_metadata.SUFFIX}). Train one (`impasto train PAINTING`), or "
            "take --method instant, which paints in any style."
        )
    if is_trained:
        raise OptionError(
            f"{source} is a file of trained styles, which only --method fast paints in. Add that, "
            "or give the painting."
        )
    if not is_named(source) or (_is_file(source) and Path(source).suffix.lower() != about.SUFFIX):
        return "picture"
    return "card"


def card_file(source: Any) -> Path:
    """Return the file of a style card: the one that is named, or that of a built-in one.

    Raises:
        StyleError: there is no built-in one of that name.
    """
    return Path(source) if _is_file(source) else gallery.path(str(source))


def check_card(file: Path, source: Any, config: PictureConfig, network: str) -> None:
    """Check that a card was measured with the run's own network.

    Args:
        source: how it was named.
        network: the digest of the backbone's weights.

    Raises:
        StyleError: with another one; or the card cannot be read.
    """
    texts = about.read_about(file)
    if texts.backbone_digest != network:
        raise StyleError(
            f"The style card {str(source)!r} was measured with {texts.backbone}, and the run "
            f"uses {config.eye}, or other weights of it. Take the painting itself, or make a "
            "card for this backbone with `impasto style make`."
        )


def without_styles() -> OptionError:
    """Return what to raise where no style is named."""
    return OptionError(
        "There is nothing to paint with: name a painting, a style card or a built-in style with "
        "--style (see `impasto styles`)."
    )


def without_parts(source: Any) -> OptionError:
    """Return what to raise where a style that is no painting has a map."""
    return OptionError(
        f"--style-map chooses parts of a painting, and {str(source)!r} is a style card, "
        "which has none. Give the painting's file."
    )


def without_colours() -> OptionError:
    """Return what to raise where the colours of a style that is no painting are to be matched."""
    return OptionError(
        "--color match moves a painting's colours, and a style card has only statistics of "
        "them. Give the painting's file, or take --color keep."
    )


def _is_file(source: Any) -> bool:
    """Return whether a file is meant: also a missing one, if it has a suffix or a folder."""
    path = Path(source)
    if path.is_file():
        return True
    return str(source) not in gallery.names() and (bool(path.suffix) or len(path.parts) > 1)
