"""The studio's warm processes: some read and estimate, one paints looks."""

from __future__ import annotations

import base64
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from impasto.config.bases import PictureConfig
from impasto.config.methods import method_of
from impasto.errors import ImpastoError
from impasto.jobs.queue.store import Store
from impasto.painting.sources import Sources
from impasto.studio.trials import Trials
from impasto.studio.warm import SupersededError, WarmProcess

__all__ = ["Desks", "SupersededError"]

_READERS = 2
_FOLDERS = 16  # locks that all folders of views share
_DECODING, _LOOKING, _ESTIMATING = 30.0, 30.0, 120.0  # seconds at most


class Desks:
    """The warm processes.

    Args:
        note_look: is called after each look with what came of it, and its seconds if it was shown.
    """

    def __init__(self, note_look: Callable[[str, float | None], None]) -> None:
        self._note_look = note_look
        # A file that takes long must not keep everybody else waiting.
        self._readers = [WarmProcess("reading") for _ in range(_READERS)]
        self._looker = WarmProcess("looking")
        self.trials = Trials()
        self._turns: dict[str, int] = {}
        self._numbers = itertools.count()
        self._lock, self._looking = threading.Lock(), threading.Lock()
        self._folders = [threading.Lock() for _ in range(_FOLDERS)]

    def prepare(self) -> None:
        """Start them, as somebody opened the page."""
        self._readers[0].prepare()
        self._looker.prepare()

    def rest(self) -> None:
        """End those that nobody uses."""
        for process in (*self._readers, self._looker, self.trials.process):
            process.rest()

    def close(self) -> None:
        """End all of them."""
        for process in (*self._readers, self._looker, self.trials.process):
            process.close()

    def _reader(self) -> WarmProcess:
        """Return a process for a file: one that is free, else the one that estimates nothing."""
        free = (process for process in self._readers if not process.is_busy)
        return next(free, self._readers[-1])

    def inspect(self, path: Path, name: str, folder: Path) -> dict[str, Any]:
        """Return kind, width, height, recipe and film of a stranger's file; write its views.

        Raises:
            ImpastoError: it is nothing that Impasto reads.
        """
        words = {"path": str(path), "name": name, "folder": str(folder)}
        return self._reader().ask("inspect", _DECODING, **words)

    def show(self, path: Path, folder: Path) -> None:
        """Write the views of a picture, or of a film, unless they were written meanwhile.

        Raises:
            ImpastoError: it cannot be read.
        """
        # A page asks for both views at once: the second must not start a process of its own.
        with self._folders[hash(folder) % len(self._folders)]:
            if not all((folder / name).is_file() for name in ("view", "thumbnail")):
                self._reader().ask("show", _DECODING, path=str(path), folder=str(folder))

    def frame(self, path: Path, seconds: float, size: int) -> bytes:
        """Return what a film shows at a time, as a JPEG file.

        Args:
            size: of its long side, in pixels, at most.

        Raises:
            ImpastoError: it cannot be read.
        """
        words = {"path": str(path), "at": seconds, "size": size}
        return base64.b64decode(self._reader().ask("frame", _DECODING, **words)["jpeg"])

    def estimate(self, sources: Sources, config: PictureConfig) -> dict[str, Any]:
        """Return `seconds`, `bytes` and `fits` of a painting on this machine.

        Raises:
            ImpastoError: it cannot be painted.
        """
        return self._readers[0].ask("estimate", _ESTIMATING, timed=True, **_packed(sources, config))

    def pack(self, kind: str, store: Store, **values: Any) -> str:
        """Return a training, a study or a film as the JSON of its job.

        Raises:
            ImpastoError: it cannot be done.
        """
        place = {"store": str(store.path), "store_name": store.name}
        answer = self._readers[0].ask(f"pack {kind}", _ESTIMATING, **place, **values)
        return str(answer["job"])

    def look(self, who: str, sources: Sources, config: PictureConfig, size: int) -> bytes:
        """Return a small picture as a JPEG file, unless the same user asks for another meanwhile.

        Args:
            who: whose last question counts.

        Raises:
            SupersededError: there is a newer question.
            ImpastoError: it cannot be painted.
        """
        with self._lock:
            turn = self._turns[who] = next(self._numbers)
        began = time.perf_counter()
        try:
            with self._looking:
                if self._turns.get(who) != turn:
                    self._note_look("superseded", None)
                    raise SupersededError("A newer look was asked for.")
                answer = self._looked(sources, config, size)
        finally:
            with self._lock:
                if self._turns.get(who) == turn:
                    del self._turns[who]
        self._note_look("shown", time.perf_counter() - began)
        return base64.b64decode(answer["jpeg"])

    def _looked(self, sources: Sources, config: PictureConfig, size: int) -> dict[str, Any]:
        try:
            return self._looker.ask("look", _LOOKING, size=size, **_packed(sources, config))
        except ImpastoError:
            self._note_look("failed", None)
            raise


def _packed(sources: Sources, config: PictureConfig) -> dict[str, Any]:
    """Return sources and options as JSON holds them."""
    files = {
        "content": _text(sources.content),
        "styles": [[str(spec.source), spec.weight, spec.layers] for spec in sources.styles],
        "init": _text(sources.init),
        "content_map": _text(sources.content_map),
        "style_maps": [str(source) for source in sources.style_maps],
    }
    return {"sources": files, "method": method_of(config).name, "config": asdict(config)}


def _text(source: Any) -> str | None:
    return None if source is None else str(source)
