"""Texts that strangers send and that pages show, and messages without this machine's folders."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

__all__ = ["PlainText", "plain", "without_folders"]


def plain(text: str) -> str:
    """Return a text without what cannot be seen, such as marks that turn its direction round."""
    return "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co"))


PlainText = Annotated[str, AfterValidator(plain)]

_KEPT = r"(?:inputs/[0-9a-f]{64}|studio/incoming/[0-9a-f]{16}|jobs/[0-9a-f]{8}/pictures/\d{6})/"


def without_folders(message: str, store: Path) -> str:
    """Return a message that names files as their user knows them, and not where they are kept."""
    named = re.sub(rf"(?:{re.escape(str(store))}/)?{_KEPT}", "", message)
    return named.replace(f"{store}/", "").replace(str(store), "the folder of jobs")
