"""The warm processes: what is said where one ends, or takes too long; and one studio a folder."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from impasto.config.methods import InstantConfig
from impasto.errors import JobError
from impasto.jobs.queue.address import Address
from impasto.jobs.queue.store import Store
from impasto.painting.sources import Sources
from impasto.studio.core import Studio
from impasto.studio.desks import Desks, SupersededError
from impasto.studio.settings import StudioSettings
from impasto.studio.warm import WarmProcess

READY = "print('{}', flush=True); import sys, time; sys.stdin.readline(); "


class Scripted(WarmProcess):
    """A warm process that does what a line of Python says."""

    def __init__(self, code: str) -> None:
        super().__init__("reading")
        self._code = code

    def _start(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            command = [sys.executable, "-c", READY + self._code]
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
            )
        return self._process


@pytest.mark.parametrize(
    ("code", "message"),
    [("time.sleep(60)", "took more than 0.5 s"), ("sys.exit(3)", "has ended over this")],
)
def test_says_how_a_question_failed(code: str, message: str) -> None:
    with pytest.raises(JobError, match=message):
        Scripted(code).ask("show", 0.5)


def test_ends_at_once_while_it_is_asked() -> None:
    process, failures = Scripted("time.sleep(60)"), list[Exception]()

    def ask() -> None:
        try:
            process.ask("show", 50)
        except JobError as error:
            failures.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    while not process.is_running:
        time.sleep(0.02)
    time.sleep(0.3)
    process.close()
    asking.join(20)
    assert not asking.is_alive()
    assert failures


def test_a_newer_look_supersedes_those_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    desks, outcomes, painted = Desks(lambda *_: None), list[str](), threading.Event()

    def paint(*_: Any) -> dict[str, Any]:
        painted.wait(20)
        return {"jpeg": ""}

    monkeypatch.setattr(desks, "_looked", paint)

    def look(name: str) -> None:
        try:
            desks.look("anna", Sources(), InstantConfig(), 64)
            outcomes.append(name)
        except SupersededError:
            outcomes.append(f"no {name}")

    looks = [threading.Thread(target=look, args=[name]) for name in ("first", "second", "third")]
    for one in looks:
        one.start()
        time.sleep(0.1)
    painted.set()
    for one in looks:
        one.join(20)
    assert sorted(outcomes) == ["first", "no second", "third"]


def test_a_folder_has_one_studio(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "files")
    settings = StudioSettings(store, Address.parse(None, store), workers=0)
    Studio(settings)
    with pytest.raises(JobError, match="Another studio serves"):
        Studio(settings)
