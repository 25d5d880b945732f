"""Processes for tests, forked from one that has PyTorch loaded, which takes two seconds each."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, SpawnProcess
from multiprocessing.popen_forkserver import Popen
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

__all__ = ["Forked", "forked_workers"]

# Nothing is computed in the process that forks, so it has no threads that a fork would lose.
_LOADED = [
    "impasto.cli.main",
    "impasto.jobs.run_batch",
    "impasto.jobs.worker",
    "impasto.methods.gatys",
    "impasto.run.launch",
    "impasto.run.resume",
]


def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_LOADED)
    return context


class Forked:
    """Code that runs in a process of its own; what it shares with `subprocess.Popen` is alike.

    Args:
        code: runs as `python -c` would run it.
        env: all of its environment.
    """

    def __init__(self, code: str, *args: str, env: dict[str, str]) -> None:
        reading, writing = os.pipe()
        self.stdin = os.fdopen(writing, "w")
        self._outputs = []
        for _ in range(2):
            number, path = tempfile.mkstemp(prefix="forked-")
            os.close(number)
            self._outputs.append(Path(path))
        with contextlib.closing(Connection(reading, writable=False)) as theirs:
            given = (code, args, env, theirs, self._outputs)
            self._process: BaseProcess = _context().Process(target=_run, args=given)
            self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        """The status; None as long as it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """The status; None as long as it runs."""
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, text: str = "", timeout: float = 600) -> tuple[str, str]:
        """Give it all that it may still read, and wait for its end: what it has written."""
        with contextlib.suppress(BrokenPipeError):
            self.stdin.write(text)
            self.stdin.close()
        self._process.join(timeout)
        if self.poll() is None:
            self.kill()
            raise TimeoutError(f"it has not ended after {timeout} s")
        written = [path.read_text() for path in self._outputs]
        for path in self._outputs:
            path.unlink()
        return written[0], written[1]


def _run(
    code: str, args: tuple[str, ...], env: dict[str, str], stdin: Connection, outputs: list[Path]
) -> None:
    """What the forked process does."""
    _enter(env)
    os.setsid()
    # What is started in the background ignores it, and so does what that starts; and a batch blocks
    # all while it starts its workers, of which the first may have started what forks here.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    os.dup2(stdin.fileno(), 0)
    stdin.close()
    for number, path in enumerate(outputs, start=1):
        with path.open("w") as file:
            os.dup2(file.fileno(), number)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout, sys.stderr = (open(n, "w", closefd=False) for n in (1, 2))  # noqa: SIM115
    sys.argv = ["-c", *args]
    sys.modules["__main__"] = sys.modules["__mp_main__"] = type(sys)("__main__")
    exec(compile(code, "<string>", "exec"), vars(sys.modules["__main__"]))


def _enter(env: dict[str, str]) -> None:
    """Take the environment of the one that asked for the process, not of the one that forked."""
    os.environ.clear()
    os.environ.update(env)
    tempfile.tempdir = None


def _work(env: dict[str, str], target: Callable[..., None], *args: Any) -> None:
    _enter(env)
    target(*args)


class _Worker(SpawnProcess):
    """A worker that is forked rather than started from scratch."""

    @staticmethod
    def _Popen(process: BaseProcess) -> Any:  # noqa: N802
        return Popen(process)


class _Workers:
    """Stands for `multiprocessing` in the module that starts the workers of a batch."""

    def get_context(self, method: str) -> _Workers:
        assert method == "spawn"
        return self

    def Pipe(self) -> tuple[Connection, Connection]:  # noqa: N802
        return _context().Pipe()

    def Process(  # noqa: N802
        self, target: Callable[..., None], args: tuple[Any, ...], daemon: bool
    ) -> BaseProcess:
        return _Worker(target=_work, args=(dict(os.environ), target, *args), daemon=daemon)


@pytest.fixture
def forked_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers of a batch in this process are forked; those of a command in its own are not."""
    monkeypatch.setattr("impasto.jobs.executor.multiprocessing", _Workers())
