"""From files to a finished picture: the job behind every command that paints."""

from __future__ import annotations

from impasto.painting.api import stylize
from impasto.painting.cards import make_card
from impasto.painting.reading import digest_of
from impasto.painting.task import Sources, Task, finish, paint
from impasto.painting.tasks import prepare

__all__ = ["Sources", "Task", "digest_of", "finish", "make_card", "paint", "prepare", "stylize"]
