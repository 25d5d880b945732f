"""Jobs in a queue: painted by workers, they end once, with the same pixels, whatever is killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import write_pictures
from postgres import Server, binaries, running_server
from queued import LONG, QUICK, Farm, until

from commands import pixels
from impasto.cli.main import main
from impasto.jobs.queue.address import Address
from impasto.jobs.queue.heartbeat import beats

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
        child = farm.running_child(worker)
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
        child = farm.running_child(worker)
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
def test_a_service_that_is_stopped_as_a_whole_keeps_the_state(
    folder: Path, undisturbed: np.ndarray
) -> None:
    """A system signals all processes of a service at once, as a terminal does that closes."""
    with Farm(folder) as farm:
        worker = farm.work()
        id = farm.held(*LONG)
        child = farm.running_child(worker)
        state = farm.files(id).run / "state.safetensors"
        before = state.stat().st_mtime_ns
        for number in (child.ppid(), child.pid, worker.pid):
            os.kill(number, signal.SIGTERM)
        worker.wait(60)
        assert state.stat().st_mtime_ns > before
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
        paint = ["stylize", "photo.png", "--style", "painting.png", "-o", "out.png", *QUICK]
        assert main([*paint, "--queue", "local", "--quiet"]) == 0
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
@pytest.mark.parametrize(("method", "count"), [("instant", 1), ("gatys", 2)])
def test_a_batch_is_painted_by_all_workers_and_continues_after_a_kill(
    folder: Path, method: str, count: int
) -> None:
    """Pictures that are painted quickly share a job: without a worker, one for all of them."""
    shutil.copy("photo.png", "second.png")
    command = ["batch", "photo.png", "second.png", "--style", "painting.png", "--size", "48"]
    command += ["--method", method, *(["--iterations", "5"] if method == "gatys" else [])]
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
        assert len(farm.queue.jobs()) == count  # those of the run that was killed
    names = sorted(path.name for path in Path("here").iterdir())
    assert sorted(path.name for path in Path("there").iterdir()) == names
    for name in names:
        if name.endswith(".png"):
            assert (pixels(f"here/{name}") == pixels(f"there/{name}")).all()
