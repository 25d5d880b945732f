"""A studio as tests use it: the real command, its own worker, and a client."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

__all__ = ["StudioServer", "picture_file"]

_PATIENCE = 120.0  # seconds: a busy machine may be ten times slower than a quiet one

Json = dict[str, Any]


def picture_file(seed: int = 0, width: int = 96, height: int = 64) -> bytes:
    """Return a small PNG picture of smooth colours."""
    numbers = np.random.default_rng(seed)
    few = Image.fromarray(numbers.integers(0, 255, (4, 6, 3), dtype=np.uint8))
    file = io.BytesIO()
    few.resize((width, height), Image.Resampling.BICUBIC).save(file, "PNG")
    return file.getvalue()


class StudioServer:
    """A studio in a process of its own.

    Args:
        files: its folder of jobs.
        flags: further flags of `impasto studio`.
    """

    def __init__(self, files: Path, *flags: str) -> None:
        self.files, self._flags = files, flags
        self._log = (files.parent / f"{files.name}-studio.log").open("ab")
        self.process: subprocess.Popen[str]
        self.url = ""
        self.start()

    def start(self) -> None:
        """Start it, and wait until it serves."""
        command = [sys.executable, "-m", "impasto", "studio", "--no-browser", "--port", "0"]
        self.process = subprocess.Popen(
            [*command, "--files", str(self.files), *self._flags],
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip().rstrip("/")
        assert self.url.startswith("http"), f"the studio did not start: see {self._log.name}"
        self.client = httpx.Client(base_url=f"{self.url}/api/v1", timeout=_PATIENCE)

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        self._end(self.process.terminate)

    def kill(self) -> None:
        """End it as a power cut does."""
        self._end(self.process.kill)

    def _end(self, how: Callable[[], None]) -> None:
        self.client.close()
        how()
        self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def close(self) -> None:
        """End it if it still runs, and close its log."""
        if self.process.poll() is None:
            self.stop()
        self._log.close()

    # What tests ask of it

    def get(self, path: str, **query: Any) -> Any:
        """Return the answer to a question."""
        answer = self.client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, data: Any = None, status: int = 201) -> Any:
        """Return the answer to a request with a body."""
        answer = self.client.post(path, json=data)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def upload(self, data: bytes | None = None, name: str = "photo.png") -> Json:
        """Send a file."""
        answer = self.client.post("/uploads", files={"file": (name, data or picture_file())})
        assert answer.status_code == 201, answer.text
        upload: Json = answer.json()
        return upload

    def paint(self, **request: Any) -> Json:
        """Put one picture into the queue; by default a small one, painted at once."""
        upload = self.upload()
        usual = {
            "contents": [{"upload": upload["id"]}],
            "styles": [{"style": "starry-night"}],
            "preset": "draft",
            "options": {"size": 64},
        }
        job: Json = self.post("/jobs", {**usual, **request})["jobs"][0]
        return job

    def wait(self, id: str, is_met: Callable[[Json], bool] | None = None) -> Json:
        """Wait until a job is over, or something else is so; return the job."""
        is_met = is_met or (lambda job: job["state"] not in ("waiting", "running", "interrupted"))
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            job: Json = self.get(f"/jobs/{id}")
            if is_met(job) and (job["state"] != "done" or job["picture"] or job["files"]):
                return job
            time.sleep(0.1)
        raise AssertionError(f"nothing came of {job}")
