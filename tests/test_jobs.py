"""Jobs in a queue: painted by workers, they end once, with the same pixels, whatever is killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import write_pictures
from postgres import Server, binaries, running_server
from queued import LONG, QUICK, Farm, until

from commands import pixels, process
from impasto.cli.main import main
from impasto.config.methods import GatysConfig
from impasto.config.output import OutputSettings
from impasto.config.specs import StyleSpec
from impasto.errors import JobError, OptionError
from impasto.jobs.queue.address import Address
from impasto.jobs.queue.heartbeat import DEAD, Beat, Heart, Watcher, beats
from impasto.jobs.queue.job import Job
from impasto.jobs.queue.job_folder import JobFolder
from impasto.jobs.queue.journal import Journal, last_event, read_events
from impasto.jobs.queue.packing import packed
from impasto.jobs.queue.store import Store
from impasto.jobs.queue.supervisor import Reason, Supervisor
from impasto.painting.sources import Sources

dbos = pytest.importorskip("dbos", reason="the extra `jobs` is not installed")


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with running_server(programs) as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """Both kinds of queue."""
    if request.param == "sqlite":
        return "local"
    running: Server = request.getfixturevalue("server")
    return running.url


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """The pixels of the long job when nothing happens to it."""
    there = tmp_path_factory.mktemp("undisturbed")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(there)
        write_pictures()
    done = Farm(there).run(
        "stylize", "photo.png", "--style", "painting.png", "-o", "out.png", *LONG
    )
    assert done.returncode == 0, done.stderr
    return pixels(there / "out.png")


def check_once(farm: Farm, id: str, expected: np.ndarray) -> None:
    """A job is done, has one result with these pixels, and events in their order."""
    farm.hold.unlink(missing_ok=True)
    job = farm.wait_for_end(id)
    assert (pixels(job["picture"]) == expected).all()
    result = farm.files(id).result()
    assert result is not None
    assert not list(farm.files(id).path.glob(".impasto-*"))
    numbers = [event["number"] for event in farm.events(id)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert [e["event"] for e in farm.events(id)].count("done") == 1


@pytest.mark.slow
def test_a_worker_paints_what_the_command_paints(
    folder: Path, url: str, undisturbed: np.ndarray
) -> None:
    with Farm(folder, url) as farm:
        farm.work()
        done = farm.run(
            *("stylize", "photo.png", "--style", "painting.png", *LONG),
            *("--queue", url, "--wait", "-o", "out.png"),
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout == "out.png\n"
        assert (pixels("out.png") == undisturbed).all()
        (state,) = json.loads(farm.run("jobs", "list", "--json").stdout)
        assert (state["state"], state["done"]) == ("done", 1.0)
        assert Path(state["preview"]).stat().st_size > 100
        again = farm.run("jobs", "watch", state["job"], "-o", "copy.png")
        assert Path("copy.png").read_bytes() == Path("out.png").read_bytes(), again.stderr


@pytest.mark.slow
def test_a_job_whose_worker_is_killed_goes_on_elsewhere(
    folder: Path, url: str, undisturbed: np.ndarray
) -> None:
    with Farm(folder, url) as farm:
        worker = farm.work()
        id = farm.held(*LONG)
        child = farm.child_of(worker)
        assert child is not None
        farm.kill(worker)
        until(lambda: not child.is_running() or child.status() == "zombie", "its process ends")
        assert farm.job(id)["state"] == "interrupted"  # and not running, and not done
        Path("elsewhere").symlink_to(folder / "jobs")  # as another machine has mounted it
        farm.work(folder / "elsewhere")
        check_once(farm, id, undisturbed)
        assert farm.files(id).last_claim() == 2
        assert any("continues after" in e.get("message", "") for e in farm.events(id))


@pytest.mark.slow
def test_a_process_that_is_killed_is_started_again_by_its_worker(
    folder: Path, undisturbed: np.ndarray
) -> None:
    with Farm(folder) as farm:
        worker = farm.work()
        id = farm.held(*LONG)
        child = farm.child_of(worker)
        assert child is not None
        child.kill()
        check_once(farm, id, undisturbed)
        assert farm.files(id).last_claim() == 1
        assert "lost (ended by SIGKILL)" in farm.said()


@pytest.mark.slow
def test_a_worker_that_is_asked_to_end_puts_its_job_back(
    folder: Path, undisturbed: np.ndarray
) -> None:
    with Farm(folder) as farm:
        worker = farm.work()
        id = farm.held(*LONG)
        farm.kill(worker, signal.SIGTERM)
        assert worker.returncode == 128 + signal.SIGTERM
        assert farm.job(id)["state"] == "waiting"
        assert not list(beats(farm.store.workers))
        farm.work()
        check_once(farm, id, undisturbed)


@pytest.mark.slow
def test_a_database_that_stops_costs_nothing(
    folder: Path, server: Server, undisturbed: np.ndarray
) -> None:
    with Farm(folder, server.url) as farm:
        farm.work()
        id = farm.held(*LONG)
        server.stop()
        notes = farm.folder / "notes"
        try:
            with notes.open("wb") as file:
                asked = subprocess.Popen(
                    [sys.executable, "-m", "impasto", "jobs", "show", id],
                    env=farm.env, stdout=subprocess.PIPE, stderr=file, text=True,
                )  # fmt: skip
            until(lambda: "This waits until it can be reached." in notes.read_text(), "it says so")
        finally:
            server.start()
        answer, _ = asked.communicate(timeout=60)
        assert answer.startswith(f"job      {id}")
        assert notes.read_text().endswith("The queue is there again.\n")
        check_once(farm, id, undisturbed)
        assert farm.files(id).last_claim() == 1


@pytest.mark.slow
def test_many_commands_may_come_first_to_a_new_database(folder: Path, server: Server) -> None:
    with Farm(folder, server.url.replace("/impasto", "/new")) as farm:
        words = ["stylize", "photo.png", "--style", "starry-night", *QUICK, "-o", "a.png"]
        commands = [
            subprocess.Popen(
                [sys.executable, "-m", "impasto", *words, "--queue", farm.url, "--quiet"],
                env=farm.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )
            for _ in range(4)
        ]  # fmt: skip
        for command in commands:
            _, said = command.communicate()
            assert command.returncode == 0, said
        assert len(farm.queue.jobs()) == 4


@pytest.mark.slow
def test_a_worker_waits_for_its_database_and_can_be_ended_meanwhile(folder: Path) -> None:
    with Farm(folder, "postgresql://me:secret@127.0.0.1:1/x") as farm:
        worker = farm.work()
        until(lambda: "This waits until it can be reached." in farm.said(), "it says so")
        assert "secret" not in farm.said()
        farm.kill(worker, signal.SIGTERM)
        assert worker.returncode == 128 + signal.SIGTERM


@pytest.mark.slow
def test_only_the_job_that_is_meant_is_cancelled(
    folder: Path, url: str, undisturbed: np.ndarray
) -> None:
    with Farm(folder, url) as farm:
        farm.work()
        farm.work()
        ids = [farm.held(*LONG), farm.held(*LONG)]
        done = farm.run("jobs", "cancel", ids[0])
        assert done.stderr == f"job {ids[0]} is cancelled\n"
        until(lambda: farm.events(ids[0])[-1]["event"] == "cancelled", "the worker leaves it")
        check_once(farm, ids[1], undisturbed)
        assert farm.job(ids[0])["state"] == "cancelled"
        assert farm.files(ids[0]).result() is None
        assert "is cancelled already" in farm.run("jobs", "cancel", ids[0]).stderr
        farm.run("jobs", "retry", ids[0])
        check_once(farm, ids[0], undisturbed)


@pytest.mark.slow
def test_a_paused_job_continues_where_it_was(folder: Path, undisturbed: np.ndarray) -> None:
    with Farm(folder) as farm:
        farm.work()
        id = farm.held(*LONG)
        farm.run("jobs", "pause", id)
        until(lambda: farm.events(id)[-1]["event"] == "paused", "the worker leaves it")
        assert farm.job(id)["state"] == "paused"
        assert "is paused: only one that waits" in farm.run("jobs", "next", id).stderr
        farm.run("jobs", "retry", id)
        check_once(farm, id, undisturbed)
        assert any("continues after" in e.get("message", "") for e in farm.events(id))


@pytest.mark.slow
def test_the_next_job_overtakes_those_that_wait(folder: Path) -> None:
    with Farm(folder) as farm:
        ids = [farm.submit(*QUICK) for _ in range(3)]
        assert farm.run("jobs", "next", ids[2]).stderr == f"job {ids[2]} is the next\n"
        farm.work()
        for id in ids:
            farm.wait_for_end(id)
        begun = [(farm.files(id).path / "claims/000001").stat().st_mtime_ns for id in ids]
        assert begun[2] < begun[0] < begun[1]


@pytest.mark.slow
def test_two_workers_that_have_one_job_leave_one_result(
    folder: Path, url: str, undisturbed: np.ndarray
) -> None:
    """The database hands a job that runs to a second worker, as if the first were dead."""
    with Farm(folder, url) as farm:
        farm.work()
        farm.work()
        id = farm.held(*LONG)
        address = Address.parse(url, farm.store)
        client = dbos.DBOSClient(
            system_database_url=address.url,
            application_name=f"impasto-{farm.store.name}",
        )
        client.resume_workflow(id, queue_name=f"impasto-{farm.store.name}-any")
        client.destroy()
        check_once(farm, id, undisturbed)
        assert farm.files(id).last_claim() == 2
        assert len(list((farm.files(id).path / "pictures").glob("*/*"))) == 1


@pytest.mark.slow
def test_a_job_of_another_version_waits_until_it_is_handed_over(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Farm(folder) as farm:
        monkeypatch.setattr("impasto.jobs.queue.client.__version__", "0.0.9")
        monkeypatch.setenv("IMPASTO_FILES", str(folder / "jobs"))
        assert paint("--queue", "local", "--quiet") == 0
        (id,) = [path.name for path in farm.store.jobs.iterdir()]
        farm.work()
        until(lambda: "wait for workers of Impasto 0.0.9" in farm.said(), "the worker says so")
        assert farm.job(id)["state"] == "waiting"
        assert "waiting for Impasto 0.0.9" in farm.run("jobs", "list").stdout
        farm.run("jobs", "retry", id)
        farm.wait_for_end(id)


@pytest.mark.slow
def test_a_job_whose_photograph_has_changed_fails_and_can_be_tried_again(folder: Path) -> None:
    with Farm(folder) as farm:
        id = farm.submit(*QUICK)
        (photo,) = farm.store.path.glob("inputs/*/photo.png")
        shutil.copy(photo, folder / "kept.png")
        shutil.copy("painting.png", photo)
        farm.work()
        job = farm.wait_for_end(id, "failed")
        assert "has changed" in job["message"]
        assert farm.run("jobs", "watch", id).stderr.endswith(job["message"] + "\n")
        shutil.copy(folder / "kept.png", photo)
        farm.run("jobs", "retry", id)
        farm.wait_for_end(id)


@pytest.mark.slow
def test_a_batch_is_painted_by_all_workers_and_continues_after_a_kill(folder: Path) -> None:
    shutil.copy("photo.png", "second.png")
    command = ["batch", "photo.png", "second.png", "--style", "painting.png", *QUICK]
    with Farm(folder) as farm:
        assert farm.run(*command, "-o", "here").returncode == 0
        begun = subprocess.Popen(
            [sys.executable, "-m", "impasto", *command, "-o", "there", "--queue", "local"],
            env=farm.env, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        until((folder / "there/.impasto-queue.json").exists, "there are jobs")
        begun.kill()
        begun.communicate()
        farm.work()
        farm.work()
        done = farm.run(*command, "-o", "there", "--queue", "local")
        assert done.returncode == 0, done.stderr
        assert len(farm.queue.jobs()) == 2  # those of the run that was killed
    names = sorted(path.name for path in Path("here").iterdir())
    assert sorted(path.name for path in Path("there").iterdir()) == names
    for name in names:
        if name.endswith(".png"):
            assert (pixels(f"here/{name}") == pixels(f"there/{name}")).all()


# The rest needs no worker.


def paint(*args: str) -> int:
    return main(["stylize", "photo.png", "--style", "painting.png", "-o", "out.png", *QUICK, *args])


@pytest.fixture
def store(folder: Path) -> Store:
    return Store.open(folder / "jobs")


def job_in(store: Store, **changes: Any) -> Job:
    sources = Sources("photo.png", (StyleSpec("painting.png", 0.5), StyleSpec("starry-night")))
    settings = OutputSettings(quality=80)
    return replace(packed(sources, GatysConfig(), store, "a.jpg", settings=settings), **changes)


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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("local", "sqlite:///"),
        ("postgresql://me:secret@there/db", "postgresql://me:secret@there/db"),
        ("postgres://there/db", "postgresql://there/db"),
    ],
)
def test_addresses(store: Store, text: str, expected: str) -> None:
    address = Address.parse(text, store)
    assert address.url.startswith(expected)
    assert "secret" not in str(address)


@pytest.mark.parametrize(
    "text", ["", "redis://there", "postgresql://there", "/file", "postgresql://[a/b"]
)
def test_what_is_no_address_is_refused(store: Store, text: str) -> None:
    with pytest.raises(OptionError, match="queue is '"):
        Address.parse(text, store)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--wait"], "--wait has no effect without --queue"),
        (["--queue", "somewhere"], "--queue is 'somewhere'. It takes local"),
        (["--queue", "local", "--resume", "--trace", "t"], "--resume, --trace: for a picture"),
        (["--queue", "local", "-o", "-"], "Standard input and output (-)"),
        (["--queue", "local", "--files", "no/such/place"], "The folder of jobs"),
    ],
)  # fmt: skip
def test_what_a_queue_cannot_do_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], args: list[str], message: str
) -> None:
    assert paint("--files", str(folder / "jobs"), *args) in (1, 2)
    assert message in capsys.readouterr().err


def test_a_batch_has_workers_of_its_own_or_a_queue(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ["batch", "photo.png", "--style", "painting.png", "-o", "out", "--workers", "2"]
    assert main([*args, "--queue", "local", "--files", str(folder / "jobs")]) == 2
    assert "--workers is 2, of this process" in capsys.readouterr().err


def test_an_unknown_job_is_said_to_be_unknown(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ["--files", str(folder / "jobs")]
    for command in ("show", "watch", "cancel", "pause", "retry", "next"):
        assert main(["jobs", command, "00c0ffee", *files]) == 1
        assert "There is no job '00c0ffee' in the queue" in capsys.readouterr().err
        assert main(["jobs", command, "nonsense", *files]) == 1


def test_without_dbos_a_message_says_how_to_get_it(folder: Path) -> None:
    code = "import sys; sys.modules['dbos'] = None\nfrom impasto.cli.main import main\n"
    code += f"sys.exit(main(['jobs', 'list', '--files', {str(folder / 'jobs')!r}]))"
    path = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "A queue needs DBOS" in done.stderr
    assert "[jobs]" in done.stderr


def test_jobs_without_a_worker_wait_and_say_so(folder: Path) -> None:
    env = {"IMPASTO_FILES": str(folder / "jobs")}
    done = process(
        *("stylize", "photo.png", "--style", "starry-night", "-o", "a.jpg", *QUICK),
        *("--queue", "local"),
        env=env,
    )
    assert done.returncode == 0
    assert "no worker is here yet: `impasto worker` starts one" in done.stderr
    listed = json.loads(process("jobs", "list", "--json", env=env).stdout)
    assert [(job["job"], job["state"]) for job in listed] == [(done.stdout.strip(), "waiting")]


def test_what_a_note_says_to_type_finds_the_same_jobs(folder: Path) -> None:
    done = process(
        *("stylize", "photo.png", "--style", "starry-night", "-o", "a.jpg", *QUICK),
        *("--queue", "local", "--files", "my jobs"),
    )
    place = f"--files '{folder / 'my jobs'}'"
    assert f"`impasto worker {place}` starts one" in done.stderr
    assert f"-o a.jpg {place}` waits for it" in done.stderr
