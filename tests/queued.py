"""What tests of queues share: workers in processes of their own, and commands beside them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from commands import ROOT
from impasto.cli.queued import job_as_dict
from impasto.config.methods import GatysConfig
from impasto.config.output import OutputSettings
from impasto.config.specs import StyleSpec
from impasto.jobs.queue.address import Address
from impasto.jobs.queue.client import JobQueue
from impasto.jobs.queue.job import Job
from impasto.jobs.queue.job_folder import JobFolder
from impasto.jobs.queue.journal import read_events
from impasto.jobs.queue.packing import packed
from impasto.jobs.queue.store import Store
from impasto.painting.sources import Sources

__all__ = ["LONG", "QUICK", "Farm", "job_in", "until"]

QUICK = ["--method", "instant", "--size", "64"]
# A hundred iterations, after each of which its state is written.
LONG = ["--method", "gatys", "--size", "48", "--smallest", "32", "--iterations", "60"]

# Loaded by every process of a farm, for those that carry out jobs: a state after each iteration,
# and iterations that take a second as long as a file is there, or some time, as do the reports of
# jobs that are no single picture.
_SLOW = """
import os, sys, time
def _wait():
    until = time.monotonic() + 1.0
    while os.path.exists(os.environ["TEST_HOLD"]) and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(float(os.environ.get("TEST_PAUSE", "0")))
def _slow():
    from impasto.run import folder
    folder.LEAST, folder.SHARE = 0.0, 1.0
    save = folder.RunFolder.save_if_due
    def slowly(self, step):
        save(self, step)
        _wait()
    folder.RunFolder.save_if_due = slowly
def _slow_jobs():
    from impasto.jobs.queue.assignment import Assignment
    step = Assignment.step
    def slowly(self, done, values):
        self._next_report = 0.0
        step(self, done, values)
        if self.job.kind != "paint":
            _wait()
    Assignment.step = slowly
if "multiprocessing.forkserver" in " ".join(sys.orig_argv):  # below it are the jobs' processes
    _slow(), _slow_jobs()
elif "TEST_ALL_SLOW" in os.environ:
    _slow()
"""


def until(holds: Callable[[], Any], what: str, seconds: float = 90) -> Any:
    """Wait until something holds, and return it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := holds():
            return value
        time.sleep(0.05)
    raise AssertionError(f"in vain waited until {what}")


def job_in(store: Store, **changes: Any) -> Job:
    """A picture to paint, whose files are in a store."""
    sources = Sources("photo.png", (StyleSpec("painting.png", 0.5), StyleSpec("starry-night")))
    settings = OutputSettings(quality=80)
    return replace(packed(sources, GatysConfig(), store, "a.jpg", settings=settings), **changes)


class Farm:
    """A queue, a folder of jobs, and workers; a context manager that ends them.

    Args:
        url: of the queue.
        pause: seconds after each iteration.

    Attributes:
        hold: as long as this file exists, iterations take a second.
    """

    def __init__(self, folder: Path, url: str = "local", *, pause: float = 0.0) -> None:
        self.folder, self.url = folder, url
        hooks = folder / "hooks"
        hooks.mkdir(exist_ok=True)
        (hooks / "sitecustomize.py").write_text(_SLOW)
        path = os.pathsep.join([str(hooks), str(ROOT), *sys.path[1:]])
        self.env = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
        self.env |= {"IMPASTO_QUEUE": url, "IMPASTO_FILES": str(folder / "jobs")}
        self.hold = folder / "hold"
        self.env |= {"TEST_PAUSE": str(pause), "TEST_HOLD": str(self.hold)}
        self.workers: list[subprocess.Popen[bytes]] = []
        self._queue: JobQueue | None = None

    def __enter__(self) -> Farm:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers:
            self.kill(worker)
        if self._queue is not None:
            self._queue.close()

    @property
    def store(self) -> Store:
        return Store.open(self.folder / "jobs")

    def work(self, files: Path | None = None) -> subprocess.Popen[bytes]:
        """Start a worker.

        Args:
            files: the folder of jobs, by the name that it has on the worker's machine.
        """
        log = (self.folder / f"worker-{len(self.workers)}.log").open("wb")
        command = [sys.executable, "-m", "impasto", "worker", "--device", "cpu"]
        with log:
            env = self.env if files is None else self.env | {"IMPASTO_FILES": str(files)}
            worker = subprocess.Popen(command, env=env, stdout=log, stderr=log)
        self.workers.append(worker)
        return worker

    def kill(self, worker: subprocess.Popen[bytes], number: int = signal.SIGKILL) -> None:
        worker.send_signal(number)
        worker.wait()

    def said(self, index: int = 0) -> str:
        """What a worker has printed."""
        return (self.folder / f"worker-{index}.log").read_text()

    def run(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "impasto", *args],
            env=self.env, cwd=self.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def submit(self, *options: str) -> str:
        """Put a picture into the queue; return the job's ID."""
        done = self.run(
            *("stylize", "photo.png", "--style", "painting.png", "--quiet"),
            *("--queue", self.url, "-o", "out.png", *options),
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    @property
    def queue(self) -> JobQueue:
        """The queue, as this process sees it."""
        if self._queue is None:
            self._queue = JobQueue(Address.parse(self.url, self.store), self.store)
            self._queue.connect()
        return self._queue

    def job(self, id: str) -> dict[str, Any]:
        """What `impasto jobs show --json` prints."""
        return job_as_dict(self.queue, self.queue.job(id))

    def files(self, id: str) -> JobFolder:
        return JobFolder(self.store, id)

    def events(self, id: str) -> list[dict[str, Any]]:
        return list(read_events(self.files(id).events))

    def held(self, *options: str) -> str:
        """Put a picture into the queue, and wait until it has a state; it is slow from then on."""
        self.hold.touch()
        id = self.submit(*options)
        self.wait_for_steps(id)
        return id

    def wait_for_steps(self, id: str) -> None:
        """Wait until a job has a state to continue from."""
        state = self.files(id).run / "state.safetensors"
        until(state.exists, f"{id} has a state: {[self.said(i) for i in range(len(self.workers))]}")

    def wait_for_end(self, id: str, state: str = "done") -> dict[str, Any]:
        """Wait until a job is over, and return what is known of it."""

        def over() -> dict[str, Any] | None:
            time.sleep(0.2)
            state = self.queue.job(id)
            return job_as_dict(self.queue, state) if state.is_over else None

        job: dict[str, Any] = until(over, f"{id} is over")
        assert job["state"] == state, job
        return job

    @staticmethod
    def child_of(worker: subprocess.Popen[bytes]) -> psutil.Process | None:
        """The process that paints for a worker, if there is one."""
        try:
            below = psutil.Process(worker.pid).children(recursive=True)
            servers = {
                p.pid
                for p in below
                if "forkserver" in " ".join(p.cmdline()) and p.ppid() == worker.pid
            }
            return next((p for p in below if p.ppid() in servers), None)
        except psutil.NoSuchProcess:
            return None

    def running_child(self, worker: subprocess.Popen[bytes]) -> psutil.Process:
        """The process that paints for a worker, which has one."""
        child = self.child_of(worker)
        assert child is not None, "the worker paints nothing"
        return child
