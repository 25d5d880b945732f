"""Commands that stop in the middle and wait, and what goes wrong with them meanwhile."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from forked import Forked

from commands import ROOT
from impasto.engine import scale as solver_scale
from impasto.engine.scale import Scale
from impasto.jobs import executor
from impasto.jobs.batch import Batch

__all__ = [
    "Denied",
    "Full",
    "Gated",
    "Removed",
    "poisoned",
    "serve_held",
    "serve_poisoned",
    "serve_short",
]

# The administrator may write anywhere, but for this capability.
_BOUND = ["setpriv", "--bounding-set=-dac_override"]

# A state is written after every step, and after those steps whose numbers come first the command
# waits for a line; a batch waits after so many of its pictures.
_GATED = """
import importlib
import select
import signal
import sys
from pathlib import Path
from impasto.cli.main import main
from impasto.run import folder as run_folder
from impasto.run import runner

run_batch = importlib.import_module("impasto.jobs.run_batch")
stops = {int(word) for word in sys.argv[1].split(",")}
run_folder.LEAST, run_folder.SHARE = 0.0, 1.0
steps, publish, published = runner.paint, run_batch._Run._publish, []
set_handler, taken = signal.signal, []

def signal_and_note(number, handler):
    def handle(*args):
        try:
            handler(*args)
        finally:
            taken.append(number)
            Path(f"taken-{len(taken)}").touch()
    return set_handler(number, handle if callable(handler) else handler)

def wait(count):
    if count in stops:
        Path(f"ready-{count}").touch()
        while not select.select([sys.stdin], [], [], 0.01)[0]:
            pass  # a signal that came before it waited is taken here
        sys.stdin.readline()

def paint(*args):
    for count, step in enumerate(steps(*args), start=1):
        yield step
        wait(count)

def published_and_waited(*args):
    told = publish(*args)
    published.append(told)
    wait(len(published))
    return told

runner.paint, run_batch._Run._publish = paint, published_and_waited
signal.signal = signal_and_note
sys.exit(main(sys.argv[2:]))
"""


class Gated:
    """A command in a process of its own that waits after some steps, or pictures of a batch.

    Args:
        stops: their numbers, from 1.
        powerless: permissions bind it, even if it is the administrator's.
    """

    def __init__(self, *args: str, stops: tuple[int, ...], powerless: bool = False) -> None:
        for old in [*Path().glob("ready-*"), *Path().glob("taken-*")]:
            old.unlink()
        bound = _BOUND if powerless and os.geteuid() == 0 else []
        Path("temporary").mkdir(exist_ok=True)
        env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path[1:]])}
        env["TMPDIR"] = str(Path("temporary").absolute())
        words = [",".join(map(str, stops)), *args]
        self.process: Forked | subprocess.Popen[str]
        if bound:
            self.process = subprocess.Popen(
                [*bound, sys.executable, "-c", _GATED, *words],
                env=env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        else:
            self.process = Forked(_GATED, *words, env=env)
        self.wait_for(stops[0])

    def wait_for(self, stop: int) -> None:
        """Until it waits there itself."""
        patience = time.monotonic() + 600
        while not Path(f"ready-{stop}").exists():
            if self.process.poll() is not None:
                raise AssertionError(f"it ended before: {self.process.communicate()}")
            assert time.monotonic() < patience, "it never came there"
            time.sleep(0.005)

    def pass_on(self, stop: int) -> None:
        """Let it go on to another of its stops."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.wait_for(stop)

    def take(self, *numbers: int) -> None:
        """Send it signals, each when it has taken the one before or has ended."""
        for count, number in enumerate(numbers, start=1):
            self.process.send_signal(number)
            patience = time.monotonic() + 600
            while not Path(f"taken-{count}").exists() and self.process.poll() is None:
                assert time.monotonic() < patience, "it never took the signal"
                time.sleep(0.005)

    def end(self) -> tuple[int, list[str]]:
        """Let it go on to its end: the status, and its lines on standard error."""
        _, said = self.process.communicate("\n" * 9, timeout=600)
        assert "Traceback" not in said, said
        assert self.process.returncode is not None
        return self.process.returncode, said.splitlines()

    def kill(self) -> None:
        """Kill it where it waits."""
        self.process.kill()
        self.process.communicate()


class Full:
    """A disc of four megabytes, which is filled to the last byte."""

    told = "no space left"
    needs = "the right to mount a small disc (a limit of files' sizes is in test_resume.py)"
    powerless = False

    @staticmethod
    @contextlib.contextmanager
    def disc(folder: Path) -> Iterator[bool]:
        """Make it; whether that was possible."""
        folder.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=4m,mode=777", "none", str(folder)]
        is_there = shutil.which("mount") is not None
        is_there = (
            is_there and subprocess.run(mount, capture_output=True, check=False).returncode == 0
        )
        try:
            yield is_there
        finally:
            if is_there:
                subprocess.run(["umount", "-l", str(folder)], check=True)

    @staticmethod
    def strike(folder: Path) -> None:
        """Leave no byte free."""
        with contextlib.suppress(OSError), (folder / "filler").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    @staticmethod
    def mend(folder: Path) -> None:
        """Make room again."""
        (folder / "filler").unlink()


class Denied:
    """A folder in which nothing may be written any more, nor in those in it."""

    told = "Permission denied"
    needs = "setpriv, which can bind the administrator to permissions"
    powerless = True

    @staticmethod
    @contextlib.contextmanager
    def disc(folder: Path) -> Iterator[bool]:
        """Make it."""
        folder.mkdir()
        yield os.geteuid() != 0 or shutil.which("setpriv") is not None
        Denied.mend(folder)

    @staticmethod
    def strike(folder: Path) -> None:
        """Take the permission."""
        for path in [folder, *(p for p in folder.iterdir() if p.is_dir())]:
            path.chmod(0o555)

    @staticmethod
    def mend(folder: Path) -> None:
        """Give it back."""
        for path in [folder, *(p for p in folder.iterdir() if p.is_dir())]:
            path.chmod(0o755)


class Removed:
    """A folder that is removed with all that is in it."""

    @staticmethod
    def strike(folder: Path) -> None:
        """Remove it."""
        shutil.rmtree(folder)


def poisoned(first: int, last: int) -> Callable[..., Any]:
    """What stands for `Scale.advance`: gradients of those steps have a value that is no number."""
    real, counted = Scale.advance, [0]

    def advance(self: Any, objective: Any) -> Any:
        counted[0] += 1

        def with_nan(pixels: torch.Tensor) -> tuple[dict[str, float], torch.Tensor]:
            losses, gradient = objective(pixels)
            gradient[..., 0, 0] = float("nan")
            return losses, gradient

        return real(self, with_nan if first <= counted[0] <= last else objective)

    return advance


def serve_poisoned(connection: Connection, batch: Batch, is_command: bool) -> None:
    """A worker whose first picture meets values that are no numbers, again and again."""
    vars(solver_scale)["Scale"].advance = poisoned(5, 14)
    executor.serve(connection, batch, is_command)


def serve_short(connection: Connection, batch: Batch, is_command: bool) -> None:
    """A worker that has no memory for a picture as a whole."""
    from impasto.run import runner

    real = vars(runner)["paint"]

    def paint(task: Any, execution: Any) -> Iterator[Any]:
        for step in real(task, execution):
            if step.iteration > 1 and not execution.plan.tile:
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried …")
            yield step

    vars(runner)["paint"] = paint
    executor.serve(connection, batch, is_command)


def serve_held(connection: Connection, batch: Batch, is_command: bool) -> None:
    """A worker that never ends those paintings whose numbers, from 0, are in the file `held`."""
    from impasto.run import runner

    real = vars(runner)["paint"]

    def paint(task: Any, execution: Any) -> Iterator[Any]:
        number = len(list(Path().glob("begun-*")))
        Path(f"begun-{number}").touch()
        for step in real(task, execution):
            yield step
            while step.iteration > 1 and str(number) in Path("held").read_text().split():
                time.sleep(0.02)
                yield step

    vars(runner)["paint"] = paint
    executor.serve(connection, batch, is_command)
