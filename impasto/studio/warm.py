"""A process that is kept warm: PyTorch is loaded once, and many questions are answered.

The studio itself decodes no stranger's file and loads no PyTorch. Where a file makes a decoder
crash or take for ever, this process ends, and the next question gets a new one.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import threading
import time
from typing import Any

from impasto.errors import ImpastoError, JobError

__all__ = ["RefusedError", "SupersededError", "WarmProcess"]

_START = 120.0  # seconds that loading PyTorch may take on a busy machine
_LONGEST = 64 * 2**20  # bytes of an answer


class RefusedError(ImpastoError):
    """What a question asked for cannot be done, in the library's own words.

    Attributes:
        kind: the name of the library's error.
    """

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


class SupersededError(ImpastoError):
    """The same user has asked for a newer answer meanwhile, or has left."""


class WarmProcess:
    """A process that answers questions, one after another.

    Args:
        name: for messages.
        idle: seconds without a question after which it ends.
    """

    def __init__(self, name: str, idle: float = 300.0) -> None:
        self._name, self._idle = name, idle
        self._lock, self._asked = threading.Lock(), time.monotonic()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_closed = self._is_ready = False

    @property
    def is_busy(self) -> bool:
        """Whether it answers a question now."""
        return self._lock.locked()

    @property
    def is_running(self) -> bool:
        """Whether there is a process now."""
        process = self._process
        return process is not None and process.poll() is None

    def prepare(self) -> None:
        """Start the process in the background, as a question will come."""
        if self._lock.acquire(blocking=False):
            try:
                self._start()
            finally:
                self._lock.release()

    def ask(self, question: str, seconds: float, **values: Any) -> dict[str, Any]:
        """Ask, and return the answer.

        Args:
            seconds: after which the process is ended.

        Raises:
            RefusedError: with the library's own message.
            JobError: the process ended, or took too long.
        """
        with self._lock:
            process = self._start()
            try:
                self._wait_until_ready(process)
                self._write(process, {"question": question, **values})
                answer = self._read(process, seconds)
            except TimeoutError:
                self._end()
                raise JobError(
                    f"The {self._name} process took more than {seconds:g} s: the file asks for "
                    "much work, or the machine is busy."
                ) from None
            except (OSError, ValueError) as problem:
                self._end()
                raise JobError(
                    f"The {self._name} process has ended over this: the file may be damaged, or "
                    "memory is short. Try again, or another file."
                ) from problem
            finally:
                self._asked = time.monotonic()
        if "refused" in answer:
            raise RefusedError(str(answer["refused"]), str(answer.get("kind", "ImpastoError")))
        return answer

    def interrupt(self) -> None:
        """End the process in the middle of its answer; whoever waits for that gets a `JobError`."""
        process = self._process
        if process is not None:
            process.kill()

    def rest(self) -> None:
        """End the process if nothing was asked for long."""
        if self._lock.acquire(blocking=False):
            try:
                if self.is_running and time.monotonic() - self._asked > self._idle:
                    self._end()
            finally:
                self._lock.release()

    def close(self) -> None:
        """End the process, whatever it does."""
        self._is_closed = True
        # Whoever waits for its answer closes its pipes: a file that is closed while another thread
        # waits for it may never wake that thread.
        while not self._lock.acquire(timeout=0.1):
            process = self._process
            if process is not None:
                process.kill()
        try:
            self._end()
        finally:
            self._lock.release()

    def _start(self) -> subprocess.Popen[bytes]:
        if self._is_closed:
            raise JobError("The studio is ending.")
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._end()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "impasto.studio.warm_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self._asked, self._is_ready = time.monotonic(), False
        return self._process

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        """Wait until a new process has loaded PyTorch.

        Raises:
            JobError: it takes too long.
        """
        if self._is_ready:
            return
        try:
            self._read(process, _START)
        except TimeoutError:
            self._end()
            raise JobError(
                f"The {self._name} process did not begin within {_START:g} s: the machine is busy. "
                "Try again."
            ) from None
        self._is_ready = True

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()

    @staticmethod
    def _write(process: subprocess.Popen[bytes], question: dict[str, Any]) -> None:
        assert process.stdin is not None
        process.stdin.write(json.dumps(question).encode("ascii") + b"\n")
        process.stdin.flush()

    @staticmethod
    def _read(process: subprocess.Popen[bytes], seconds: float) -> dict[str, Any]:
        """Return the process' next line.

        Raises:
            TimeoutError: none came.
            OSError: the process has ended.
            ValueError: it is none of ours.
        """
        assert process.stdout is not None
        until, data = time.monotonic() + seconds, bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while not data.endswith(b"\n"):
                if not selector.select(max(0.0, until - time.monotonic())):
                    raise TimeoutError
                part = os.read(process.stdout.fileno(), 2**16)
                if not part or len(data) > _LONGEST:
                    raise OSError("the process has ended")
                data += part
        answer = json.loads(data)
        if not isinstance(answer, dict):
            raise ValueError("no answer")
        return answer
