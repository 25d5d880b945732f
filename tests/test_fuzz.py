"""Every reader of files against hostile ones: a value as promised, or one clear message."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from fuzzing import READERS, attempt

_SECONDS = 300  # far more than any takes on any machine: nothing may hang


# Always the same files here: those of chance are for `runs/fuzz.py`, by the thousand.
_FIXED = settings(
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


# The valid files, which strategies make when they are first drawn, pass through libraries that name
# temporary files by chance; no fault is drawn by that.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
@pytest.mark.parametrize("name", READERS)
def test_hostile_files_are_read_or_refused(name: str, tmp_path: Path) -> None:
    reader = READERS[name]
    assert attempt(reader, reader.valid()[0], tmp_path)

    @_FIXED
    @given(reader.files)
    def check(content: bytes) -> None:
        began = time.monotonic()
        attempt(reader, content, tmp_path)
        assert time.monotonic() - began < _SECONDS

    check()
