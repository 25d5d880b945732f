"""The files of jobs: read strictly, claimed in turn, ended once; what happened, in order."""

from __future__ import annotations

import json
import resource
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from queued import job_in

from impasto.errors import JobError
from impasto.jobs.queue.job import Job
from impasto.jobs.queue.job_folder import JobFolder
from impasto.jobs.queue.journal import Journal, last_event, read_events
from impasto.jobs.queue.store import Store


def test_a_job_is_read_back_as_it_was_written(store: Store) -> None:
    job = job_in(store, memory=10**9)
    assert Job.from_json(job.to_json()) == job
    photo, painting, card = job.sources
    assert (store.path / photo.place).read_bytes() == Path("photo.png").read_bytes()
    assert painting.use == ":0.5"
    assert card.place == "starry-night"  # every worker has it


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "format 2 and this Impasto reads format 1"),
        ({"extra": 1}, "unknown key 'extra'"),
        ({"kind": "shell"}, "its kind is none"),
        ({"method": "magic"}, "There is no method 'magic'"),
        ({"name": "../out.png"}, "not the name of one"),
        ({"name": "out.exe"}, "not the name of one"),
        ({"memory": -1}, "its memory is -1"),
        ({"config": {"size": 10**9}}, "--size is 1000000000|size is 1000000000|size=1000000000"),
        ({"settings": {"quality": 5}}, "its settings lacks"),
    ],
)
def test_what_is_no_job_is_refused(store: Store, change: dict[str, Any], message: str) -> None:
    data = json.loads(job_in(store).to_json()) | change
    with pytest.raises(JobError, match=message):
        Job.from_json(json.dumps(data))


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b.png", "/etc/passwd", ".."])
def test_a_source_is_only_ever_a_file_of_the_store(store: Store, name: str) -> None:
    data = json.loads(job_in(store).to_json())
    data["sources"][0]["name"] = name
    with pytest.raises(JobError, match="not a plain name"):
        Job.from_json(json.dumps(data))
    data["sources"][0] |= {"is_kept": False}
    with pytest.raises(JobError, match="no built-in style"):
        Job.from_json(json.dumps(data))


def test_a_file_is_kept_once_for_all_jobs(store: Store) -> None:
    job_in(store), job_in(store)
    assert len(list(store.path.glob("inputs/*/*"))) == 2


@pytest.mark.parametrize("id", ["", "../x", "0123456", "0123456g", "012345678"])
def test_what_is_no_id_is_refused(store: Store, id: str) -> None:
    with pytest.raises(JobError, match="is not the ID of a job"):
        JobFolder(store, id)


def test_only_the_last_claim_ends_a_job(store: Store) -> None:
    files = JobFolder(store, "00c0ffee")
    files.make(job_in(store))
    assert [files.claim("a"), files.claim("b")] == [1, 2]
    first, second = (files.target(number, "a.jpg") for number in (1, 2))
    shutil.copy("photo.png", first)
    shutil.copy("painting.png", second)
    result = files.finish(second, 1.0)
    assert files.finish(first, 2.0) == result  # whoever comes later finds what there is
    assert files.picture(result) == second


def test_claims_that_come_at_once_are_different(store: Store) -> None:
    files = JobFolder(store, "00c0ffee")
    files.make(job_in(store))
    claims: list[int] = []
    threads = [threading.Thread(target=lambda: claims.append(files.claim("a"))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claims) == list(range(1, 17))


def test_events_stay_in_order_over_kills_and_a_worker_that_comes_late(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    first = Journal(path, 1)
    first.write("begun")
    first.write("step", done=0.1)
    with path.open("ab") as file:
        file.write(b'{"number": 3, "claim": 1, "ev')  # the kill
    assert len(list(read_events(path))) == 2
    second = Journal(path, 2)
    second.write("begun")
    first.write("step", done=0.2)  # it was not killed after all
    second.write("step", done=0.1)
    assert [(e["number"], e["claim"]) for e in read_events(path)] == [
        (1, 1),
        (2, 1),
        (3, 2),
        (4, 2),
    ]
    assert [e["number"] for e in read_events(path, after=3)] == [4]
    last = last_event(path)
    assert last is not None
    assert last["number"] == 4


def test_a_full_disc_loses_events_as_a_whole_and_leaves_no_gap(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    journal = Journal(path, 1)
    journal.write("begun")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 10, before[1]))
    try:
        journal.write("step", done=0.1)  # ten bytes fit
        journal.write("step", done=0.2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    journal.write("step", done=0.3)
    assert [(e["number"], e.get("done")) for e in read_events(path)] == [(1, None), (2, 0.3)]
    assert len(path.read_bytes().splitlines()) == 2
