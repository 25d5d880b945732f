"""Jobs in queues: kills at random moments, jobs a second, idle workers, and many of them.

    python benchmarks/jobs.py kills [N] [--seed S]     N disturbances, one for each job
    python benchmarks/jobs.py cancel [N]               seconds until a cancelled process is gone
    python benchmarks/jobs.py batch [N]                N small pictures: a queue beside the pool
    python benchmarks/jobs.py two [N]                  N paintings by two workers beside one
    python benchmarks/jobs.py rate [N]                 jobs a second of workers that only sleep
    python benchmarks/jobs.py idle                     memory, processor and queries of idle workers
    python benchmarks/jobs.py pollers                  a server that is polled as by many workers

With `--queue postgresql` (the default) a server of its own is started, in a temporary folder; with
`--queue local` the queue is a file. `kills` disturbs jobs of two workers: it kills a worker, its
process or every process of both, stops the server for ten seconds, fills the disc for some (which
needs the rights to mount one), or sets the workers' clock back (which needs a C compiler). Every
job must end once, with the pixels of the run that was never stopped. Every part prints a line of
JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from postgres import Server, binaries, running_server  # noqa: E402
from queued import Farm, until  # noqa: E402

from impasto.config.methods import GatysConfig  # noqa: E402
from impasto.config.output import OutputSettings  # noqa: E402
from impasto.config.specs import StyleSpec  # noqa: E402
from impasto.jobs.queue import engine  # noqa: E402
from impasto.jobs.queue.address import Address  # noqa: E402
from impasto.jobs.queue.client import JobQueue  # noqa: E402
from impasto.jobs.queue.packing import packed  # noqa: E402
from impasto.painting.sources import Sources  # noqa: E402

# By method, of a picture of 48 pixels: a second or two of iterations, each of which waits a while.
METHODS = {
    "gatys": ["--iterations", "24"],
    "nnst": ["--method", "nnst", "--iterations", "24"],
    "laplacian": ["--method", "laplacian", "--iterations", "12"],
    "instant": [],
}
SMALL = ["--size", "48", "--smallest", "32"]
PAUSE = 0.08  # seconds after each iteration
AWAY = 10.0  # seconds without a server
FULL = 4.0  # seconds without space
PARTS = ("kills", "cancel", "batch", "two", "rate", "idle", "pollers")


def sources() -> None:
    """Write a photograph and a painting into the working directory."""
    y, x = np.mgrid[0:48, 0:64]
    photo = np.stack([x * 3, y * 4, (x // 16 + y // 16) % 2 * 200], -1).astype(np.uint8)
    Image.fromarray(photo).save("photo.png")
    noise = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((64, 48)).save("painting.png")


def words(method: str) -> list[str]:
    """The options of a method's picture."""
    return (
        ["--method", "instant", "--size", "64"]
        if method == "instant"
        else [*SMALL, *METHODS[method]]
    )


def digest(path: str | Path) -> str:
    """A picture's pixels, as text."""
    with Image.open(path) as image:
        return image.tobytes().hex()


# Kills


def kill_tree(worker: subprocess.Popen[bytes]) -> None:
    """Kill a worker and its process at once, as when the power goes."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for process in [psutil.Process(worker.pid), *psutil.Process(worker.pid).children()]:
            process.kill()
    worker.wait()


# A clock whose hours a file says, for a process that loads it first. The one that only goes
# forward, by which waiting is measured, stays as it is, as where a machine's clock is set.
_CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
static long hours(void) {
    long found = 0;
    const char *name = getenv("TEST_CLOCK");
    FILE *file = name ? fopen(name, "r") : NULL;
    if (file) { if (fscanf(file, "%ld", &found) != 1) found = 0; fclose(file); }
    return found;
}
int clock_gettime(clockid_t id, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int status = real(id, now);
    if (id == CLOCK_REALTIME) now->tv_sec += 3600 * hours();
    return status;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *now) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (now) *now = exact.tv_sec;
    return exact.tv_sec;
}
"""


def clock_of(farm: Farm) -> Path | None:
    """A file that sets the clock of all processes that are started from now on, if that can be."""
    if (compiler := shutil.which("cc")) is None:
        return None
    source, library = farm.folder / "clock.c", farm.folder / "clock.so"
    source.write_text(_CLOCK)
    command = [compiler, "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
    subprocess.run(command, check=True)
    clock = farm.folder / "clock"
    clock.write_text("0")
    farm.env |= {"LD_PRELOAD": str(library), "TEST_CLOCK": str(clock)}
    return clock


class Disturbances:
    """What can happen to a farm of two workers."""

    def __init__(self, farm: Farm, server: Server | None, disc: Path | None) -> None:
        self.farm, self.server, self.disc = farm, server, disc
        self.clock = clock_of(farm)
        self.hours = 0

    def kinds(self) -> dict[str, Callable[[], None]]:
        kinds = {"worker": self.worker, "process": self.process, "everything": self.everything}
        if self.server is not None:
            kinds["server stopped"] = self.stopped
        if self.disc is not None:
            kinds["disc full"] = self.full
        if self.clock is not None:
            kinds["clock set back"] = self.set_back
        return kinds

    def worker(self) -> None:
        """Kill a worker; another takes its place."""
        self.farm.kill(random.choice(self.living()))
        self.farm.work()

    def process(self) -> None:
        """Kill a process that paints, if there is one."""
        for worker in random.sample(self.living(), 2):
            if child := self.farm.child_of(worker):
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()
                return

    def everything(self) -> None:
        """Kill all processes of all workers."""
        for worker in self.living():
            kill_tree(worker)
        self.farm.work(), self.farm.work()

    def stopped(self) -> None:
        """Stop the server for some seconds."""
        assert self.server is not None
        self.server.stop()
        time.sleep(AWAY)
        self.server.start()

    def full(self) -> None:
        """Leave no space in the folder of jobs for some seconds."""
        assert self.disc is not None
        filler = self.disc / "filler"
        with contextlib.suppress(OSError), filler.open("wb", 0) as file:
            while True:
                file.write(b"\0" * 4096)
        time.sleep(FULL)
        filler.unlink(missing_ok=True)

    def set_back(self) -> None:
        """Set the clock of all workers and their processes an hour back, and kill a worker."""
        assert self.clock is not None
        self.hours += 1
        self.clock.write_text(f"-{self.hours}")
        self.worker()

    def living(self) -> list[subprocess.Popen[bytes]]:
        return [worker for worker in self.farm.workers if worker.poll() is None]


def kills(
    farm: Farm, count: int, server: Server | None, disc: Path | None, only: str | None = None
) -> dict[str, Any]:
    """Disturb a job each at a random moment; count those that ended once with their pixels."""
    expected, lasted = {}, {}
    farm.env["TEST_ALL_SLOW"] = "1"  # as slow as it will be in a worker
    for method in METHODS:
        began = time.monotonic()
        done = farm.run("stylize", "photo.png", "--style", "painting.png", *words(method),
                        "-o", f"{method}.png", "--force")  # fmt: skip
        assert done.returncode == 0, done.stderr
        lasted[method] = time.monotonic() - began
        expected[method] = digest(farm.folder / f"{method}.png")
    del farm.env["TEST_ALL_SLOW"]
    disturbances = Disturbances(farm, server, disc)
    farm.work(), farm.work()
    counted: dict[str, Counter[str]] = {kind: Counter() for kind in disturbances.kinds()}
    counted = {kind: row for kind, row in counted.items() if only in (None, kind)}
    continued = 0
    for number in range(count):
        method = list(METHODS)[number % len(METHODS)]
        kind = list(counted)[number % len(counted)]
        id = farm.submit(*words(method))
        if random.random() < 0.5:  # while it paints: most of its time PyTorch loads
            state = farm.files(id).run / "state.safetensors"
            until(lambda: state.exists() or farm.files(id).result(), "it paints")  # noqa: B023
            time.sleep(random.uniform(0, 1))
        else:
            time.sleep(random.uniform(0, lasted[method] + 1))
        disturbances.kinds()[kind]()
        job = farm.wait_for_end(id)
        events = farm.events(id)
        numbers = [event["number"] for event in events]
        is_same = digest(job["picture"]) == expected[method]
        is_whole = numbers == list(range(1, len(numbers) + 1)) and (
            [event["event"] for event in events].count("done") == 1
        )
        continued += any("continues after" in event.get("message", "") for event in events)
        counted[kind]["jobs"] += 1
        counted[kind]["same pixels"] += is_same
        counted[kind]["events in order"] += is_whole
        if not (is_same and is_whole):
            print(method, kind, id, is_same, numbers, file=sys.stderr)
        print(f"{number + 1}/{count} {method}, {kind}: {is_same}", file=sys.stderr)
    return {"continued from a state": continued, **counted}


def cancel(farm: Farm, count: int) -> dict[str, Any]:
    """Cancel one of two running jobs each; return the seconds until its process is gone."""
    farm.env["TEST_PAUSE"] = "5"
    farm.work(), farm.work()
    seconds, others = [], 0
    with JobQueue(Address.parse(farm.url, farm.store), farm.store) as queue:
        other = farm.submit(*words("gatys"))
        farm.wait_for_steps(other)
        for _ in range(count):
            id = farm.submit(*words("gatys"))
            farm.wait_for_steps(id)
            worker = queue.job(id).executor
            (parent,) = [w for w in farm.workers if f"-{w.pid}-" in worker]
            child = farm.child_of(parent)
            assert child is not None
            began = time.monotonic()
            queue.cancel(id)
            with contextlib.suppress(psutil.NoSuchProcess):
                while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
                    time.sleep(0.01)
            seconds.append(time.monotonic() - began)
            others += queue.job(other).state == "running" and queue.job(id).state == "cancelled"
    return {
        "cancelled": count, "that job only": others,
        "median": round(float(np.median(seconds)), 2), "longest": round(max(seconds), 2),
    }  # fmt: skip


# Painting


def timed(farm: Farm, *args: str) -> float:
    """Seconds that a command takes, which must succeed."""
    began = time.monotonic()
    done = farm.run(*args)
    assert done.returncode == 0, done.stderr
    return time.monotonic() - began


def batch(farm: Farm, count: int, size: int, turns: int) -> dict[str, Any]:
    """The same batch by the pool's two processes and by a queue's two workers, in turn."""
    photographs = farm.folder / "photographs"
    photographs.mkdir()
    draw = np.random.default_rng(1)
    for number in range(count):
        noise = draw.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((size, size * 3 // 4)).save(photographs / f"{number:04d}.png")
    command = ["batch", str(photographs), "--style", "painting.png", "--method", "instant"]
    command += ["--size", str(size), "--quiet"]
    farm.work(), farm.work()
    until(lambda: all("paints on" in farm.said(i) for i in (0, 1)), "both workers listen")
    seconds: dict[str, list[float]] = {"pool": [], "queue": []}
    for turn in range(turns):
        pool, queued = f"pool-{turn}", f"queue-{turn}"
        seconds["pool"].append(timed(farm, *command, "--workers", "2", "-o", pool))
        seconds["queue"].append(timed(farm, *command, "--queue", farm.url, "-o", queued))
        shutil.rmtree(farm.store.path / "inputs")  # each turn copies the photographs again
        (farm.store.path / "inputs").mkdir()
        names = sorted(path.name for path in (farm.folder / pool).glob("*.png"))
        assert len(names) == count
        assert all(digest(f"{pool}/{name}") == digest(f"{queued}/{name}") for name in names)
    best = {name: min(found) for name, found in seconds.items()}
    return {
        "pictures": count, "pixels": size,
        **{name: [round(s, 1) for s in found] for name, found in seconds.items()},
        "queue to pool, best": round(best["queue"] / best["pool"], 2),
        "jobs": len(farm.queue.jobs()) // turns,
    }  # fmt: skip


def two(farm: Farm, count: int, turns: int) -> dict[str, Any]:
    """Seconds in which one worker, and two, end paintings that wait already."""
    seconds: dict[str, list[float]] = {"one": [], "two": []}
    farm.env["TEST_PAUSE"] = "0"
    options = ["--method", "gatys", "--size", "192", "--iterations", "30"]
    for _ in range(turns):
        for name, workers in (("one", 1), ("two", 2)):
            ids = [farm.submit(*options) for _ in range(count)]
            began, first = time.monotonic(), len(farm.workers)
            for _ in range(workers):
                farm.work()
            until(lambda: all(farm.queue.job(id).is_over for id in ids), "all end", 600)  # noqa: B023
            seconds[name].append(time.monotonic() - began)
            for worker in farm.workers[first:]:
                farm.kill(worker, signal.SIGTERM)
    ratio = min(seconds["one"]) / min(seconds["two"])
    rounded = {name: [round(s, 1) for s in found] for name, found in seconds.items()}
    return {"paintings": count, **rounded, "one to two, best": round(ratio, 2)}


# Workers that only sleep

_SLEEPER = """
import sys, time
from pathlib import Path
from impasto.cli.console import print_note
from impasto.jobs.queue import serve, supervisor
from impasto.jobs.queue.address import Address
from impasto.jobs.queue.store import Store
seconds, poll, url, files = float(sys.argv[1]), float(sys.argv[2]), sys.argv[3], sys.argv[4]
serve._POLL = poll
def carry_out(self, id):
    time.sleep(seconds)
    return {"state": "done", "digest": "", "seconds": seconds}
supervisor.Supervisor.carry_out = carry_out
serve._Worker._pace = lambda self: None
store = Store.open(Path(files))
serve.serve(Address.parse(url, store), store, "cpu", print_note)
"""


@contextlib.contextmanager
def sleepers(farm: Farm, count: int, seconds: float, poll: float) -> Iterator[list[psutil.Process]]:
    """Workers that sleep for every job, once they all listen."""
    command = [sys.executable, "-c", _SLEEPER, str(seconds), str(poll), farm.url,
               str(farm.store.path)]  # fmt: skip
    logs = [farm.folder / f"sleeper-{i}.log" for i in range(count)]
    started = []
    for log in logs:
        with log.open("wb") as file:
            started.append(subprocess.Popen(command, env=farm.env, stdout=file, stderr=file))
    try:
        while not all("paints on cpu" in log.read_text() for log in logs):
            time.sleep(0.2)
        yield [psutil.Process(process.pid) for process in started]
    finally:
        for process in started:
            process.kill()
            process.wait()


def rate(farm: Farm, count: int) -> dict[str, Any]:
    """Jobs a second of one and of two workers that sleep for a hundredth of a second."""
    rates = {}
    for workers in (1, 2):
        with JobQueue(Address.parse(farm.url, farm.store), farm.store) as queue:
            made_of = Sources(str(farm.folder / "photo.png"), (StyleSpec("starry-night"),))
            settings = OutputSettings()
            job = packed(made_of, GatysConfig(), queue.store, "a.png", settings=settings)
            began = time.monotonic()
            for _ in range(count):
                queue.submit(job)
            submitted = time.monotonic() - began
            with sleepers(farm, workers, 0.01, 0.02):
                began, left = time.monotonic(), len(queue.waiting())
                while queue.waiting():
                    time.sleep(0.1)
                rates[f"{workers} workers"] = round(left / (time.monotonic() - began), 1)
    return {"submitted a second": round(count / submitted, 1), **rates}


def idle(farm: Farm, server: Server | None) -> dict[str, Any]:
    """What a worker costs that finds nothing to do, at its usual pace."""
    worker = farm.work()
    while "paints on" not in farm.said():
        time.sleep(0.2)
    time.sleep(5)
    process, before = psutil.Process(worker.pid), queries(server)
    used, began = sum(process.cpu_times()[:2]), time.monotonic()
    time.sleep(30)
    seconds = time.monotonic() - began
    return {
        "megabytes": round(process.memory_info().rss / 2**20),
        "share of a core": round((sum(process.cpu_times()[:2]) - used) / seconds, 4),
        "transactions a second": round((queries(server) - before) / seconds, 1),
        "connections": connections(server),
    }


def pollers(farm: Farm, server: Server) -> dict[str, Any]:
    """What a server has to do for so many looks a second, by eight workers that look often."""
    found: dict[str, Any] = {}
    for poll in (3, 0.3, 0.1, 0.03):
        with sleepers(farm, 8, 0.01, poll) as processes:
            time.sleep(3)
            parent = psutil.Process(
                int((server.folder / "data/postmaster.pid").read_text().split()[0])
            )
            before, used, began = queries(server), cpu_of(parent), time.monotonic()
            time.sleep(10)
            seconds = time.monotonic() - began
            found[f"every {poll} s"] = {
                "transactions a second": round((queries(server) - before) / seconds),
                "cores of the server": round((cpu_of(parent) - used) / seconds, 2),
                "cores of the workers": round(
                    sum(p.cpu_percent(1) for p in processes[:1]) / 100 * 8, 2
                ),
            }
    return found


def cpu_of(parent: psutil.Process) -> float:
    """Seconds of the processor that a server has used, with its processes that live."""
    return sum(sum(p.cpu_times()[:2]) for p in [parent, *parent.children()])


def ask(server: Server, text: str) -> int:
    """The number that a query returns."""
    import psycopg

    with psycopg.connect(server.url) as connection:
        row = connection.execute(text.encode()).fetchone()
    return 0 if row is None else int(row[0])


def queries(server: Server | None) -> int:
    """Transactions of a server until now."""
    query = "select sum(xact_commit + xact_rollback) from pg_stat_database"
    return 0 if server is None else ask(server, query)


def connections(server: Server | None) -> int:
    """Connections that are open, but for the one that asks."""
    query = "select count(*) - 1 from pg_stat_activity where backend_type = 'client backend'"
    return 0 if server is None else ask(server, query)


@contextlib.contextmanager
def small_disc(folder: Path) -> Iterator[Path | None]:
    """Mount a small disc for the jobs, if that is allowed here."""
    jobs = folder / "jobs"
    jobs.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(jobs)]
    done = subprocess.run(command, capture_output=True, check=False)
    try:
        yield jobs if done.returncode == 0 else None
    finally:
        if done.returncode == 0:
            subprocess.run(["umount", "-l", str(jobs)], check=False)


def main() -> int:
    """Run a part and print what it found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("count", nargs="?", type=int, default=20, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", metavar="KIND", help="of the disturbances, only this one")
    parser.add_argument("--size", type=int, default=64, help="of the pictures of `batch`")
    parser.add_argument("--turns", type=int, default=2, help="of what is compared, in turn")
    parser.add_argument("--queue", choices=["local", "postgresql"], default="postgresql")
    options = parser.parse_args()
    random.seed(options.seed)
    engine.load()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        os.chdir(folder)
        stack.callback(os.chdir, ROOT)
        sources()
        server, url = None, "local"
        if options.queue == "postgresql":
            programs = binaries()
            if programs is None:
                sys.exit("There is no PostgreSQL here.")
            server = stack.enter_context(running_server(programs))
            url = server.url
        disc = stack.enter_context(small_disc(folder)) if options.part == "kills" else None
        farm = stack.enter_context(Farm(folder, url, pause=PAUSE))
        parts: dict[str, Callable[[], dict[str, Any]]] = {
            "kills": lambda: kills(farm, options.count, server, disc, options.only),
            "cancel": lambda: cancel(farm, options.count),
            "batch": lambda: batch(farm, options.count, options.size, options.turns),
            "two": lambda: two(farm, options.count, options.turns),
            "rate": lambda: rate(farm, options.count),
            "idle": lambda: idle(farm, server),
        }
        if server is not None:
            running = server
            parts["pollers"] = lambda: pollers(farm, running)
        print(json.dumps({options.part: parts[options.part](), "queue": options.queue}))
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sys.exit(main())
