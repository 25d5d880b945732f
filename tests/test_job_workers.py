"""A worker's inside, without a database: the process of a job, discs that fail, heartbeats."""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from queued import job_in

from impasto.files import atomic
from impasto.jobs.queue.heartbeat import DEAD, Beat, Heart, Watcher, beats
from impasto.jobs.queue.job_folder import JobFolder
from impasto.jobs.queue.journal import read_events
from impasto.jobs.queue.store import Store
from impasto.jobs.queue.supervisor import Reason, Supervisor


def test_a_worker_that_lost_its_job_ends_its_process_and_writes_no_result(store: Store) -> None:
    files = JobFolder(store, "00c0ffee")
    files.make(job_in(store))

    asked: list[str] = []

    def reason(id: str) -> Reason | None:
        asked.append(id)
        if len(asked) == 1:
            files.claim("another")  # while the process begins
        return "taken" if len(asked) > 3 else None  # the database knows it later

    worker = Supervisor(store, "ours", "cpu", reason, lambda _: None)
    assert worker.carry_out("00c0ffee") == {}
    assert files.result() is None
    assert not list((files.path / "pictures").glob("*/*"))


def test_a_picture_that_was_painted_is_not_painted_again(store: Store) -> None:
    files = JobFolder(store, "00c0ffee")
    files.make(job_in(store))
    shutil.copy("photo.png", files.target(files.claim("killed"), "a.jpg"))
    worker = Supervisor(store, "ours", "cpu", lambda _: None, lambda _: None)
    assert worker.carry_out("00c0ffee")["state"] == "done"
    result = files.result()
    assert result is not None
    assert files.picture(result).read_bytes() == Path("photo.png").read_bytes()
    assert result.claim == 1
    assert [e["event"] for e in read_events(files.events)] == ["begun", "done"]


def test_a_job_that_this_machine_does_not_see_fails(store: Store) -> None:
    worker = Supervisor(store, "ours", "cpu", lambda _: None, lambda _: None)
    outcome = worker.carry_out("00c0ffee")
    assert outcome["state"] == "failed"
    assert "does not see the folder" in outcome["message"]


def painted_job(store: Store) -> JobFolder:
    """A job whose picture is there, so that its process has nothing to do."""
    files = JobFolder(store, "00c0ffee")
    files.make(job_in(store))
    shutil.copy("photo.png", files.target(files.claim("killed"), "a.jpg"))
    return files


def full(*_: object, **__: object) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "there")


def check_it_waits(store: Store, mend: Any) -> None:
    """A worker says that its job waits, and ends it once the disc is mended."""
    said: list[str] = []

    def note(text: str) -> None:
        said.append(text)
        if " waits: " in text:
            mend()

    worker = Supervisor(store, "ours", "cpu", lambda _: None, note)
    assert worker.carry_out("00c0ffee")["state"] == "done"
    assert sum(" waits: " in text for text in said) == 1, said
    assert not worker.current


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.jobs.queue.supervisor._PAUSE", 0.1)


@pytest.mark.usefixtures("impatient")
def test_a_job_waits_for_a_disc_that_is_full_when_it_is_taken(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    painted_job(store)
    open_file = os.open

    def opened(path: Any, flags: int, *more: Any, **options: Any) -> int:
        is_claim = Path(os.fsdecode(path)).parent.name == "claims"
        return full() if is_claim else open_file(path, flags, *more, **options)

    monkeypatch.setattr(os, "open", opened)
    check_it_waits(store, lambda: monkeypatch.setattr(os, "open", open_file))


@pytest.mark.usefixtures("impatient")
def test_a_job_waits_for_a_disc_that_is_full_when_it_ends(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    painted_job(store)
    opened = "impasto.files.atomic.opened"
    before = atomic.opened

    @contextmanager
    def refused(_: Path) -> Iterator[BinaryIO]:
        yield full()

    monkeypatch.setattr(opened, refused)
    check_it_waits(store, lambda: monkeypatch.setattr(opened, before))


@pytest.mark.usefixtures("impatient")
def test_claims_that_cannot_be_seen_are_not_known_and_are_waited_for(store: Store) -> None:
    files = painted_job(store)
    (files.path / "claims").rename(files.path / "away")
    with pytest.raises(OSError, match=os.strerror(errno.ESTALE)):
        files.last_claim()
    check_it_waits(store, lambda: (files.path / "away").rename(files.path / "claims"))
    assert files.last_claim() == 2  # and no number was given twice


@pytest.mark.usefixtures("impatient")
def test_a_shared_folder_that_is_away_is_waited_for(store: Store) -> None:
    painted_job(store)
    store.path.rename("elsewhere")
    store.path.mkdir()  # where it is mounted

    def mounted() -> None:
        store.path.rmdir()
        Path("elsewhere").rename(store.path)

    check_it_waits(store, mounted)


@pytest.mark.usefixtures("impatient")
def test_a_job_that_waits_for_a_disc_can_be_cancelled(store: Store) -> None:
    files = painted_job(store)
    (files.path / "claims").rename(files.path / "away")
    begun = time.monotonic()

    def reason(_: str) -> Reason | None:
        return "cancelled" if time.monotonic() > begun + 0.5 else None

    worker = Supervisor(store, "ours", "cpu", reason, lambda _: None)
    assert worker.carry_out("00c0ffee") == {}
    assert files.result() is None


def test_a_worker_that_meets_a_bug_has_no_job_afterwards(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    painted_job(store)
    monkeypatch.setattr(JobFolder, "job", lambda _: 1 / 0)
    worker = Supervisor(store, "ours", "cpu", lambda _: None, lambda _: None)
    with pytest.raises(ZeroDivisionError):
        worker.carry_out("00c0ffee")
    assert not worker.current


def test_a_worker_is_dead_a_minute_after_its_last_beat(store: Store) -> None:
    """By the clock of whoever looks; a worker of another machine, whose lock cannot be seen."""
    time = [1000.0]
    watcher = Watcher(store.workers, now=lambda: time[0])

    def beat(count: int) -> None:
        elsewhere = Beat("far", count, "another machine", "far", 1, "cpu", "0")
        (store.workers / "far.json").write_text(json.dumps(vars(elsewhere)))

    beat(1)
    assert not watcher.is_dead("far")
    time[0] += DEAD - 1
    beat(2)
    assert not watcher.is_dead("far")
    time[0] += DEAD - 1
    assert not watcher.is_dead("far")
    time[0] += 2
    assert watcher.is_dead("far")
    beat(3)  # its machine was only busy
    assert not watcher.is_dead("far")
    assert not watcher.is_dead("unknown")


def test_a_worker_of_this_machine_is_dead_at_once(store: Store) -> None:
    watcher, heart = Watcher(store.workers), Heart(store.workers, "cpu", "0")
    heart.beat()
    assert not watcher.is_dead(heart.executor)
    assert [beat.executor for beat in beats(store.workers)] == [heart.executor]
    heart._lock.release()  # as the system does when its process ends
    (store.workers / f"{heart.executor}.lock").touch()
    assert watcher.is_dead(heart.executor)
    watcher.bury()
    assert not list(beats(store.workers))
