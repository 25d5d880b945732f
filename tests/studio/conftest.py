"""Fixtures of the studio's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("dbos", reason="the extra `studio` is not installed")
pytest.importorskip("fastapi", reason="the extra `studio` is not installed")
pytest.importorskip("httpx", reason="the extra `studio` is not installed")

from serving import StudioServer


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioServer]:
    """A studio with a worker, for all tests of a process that leave it as it was."""
    server = StudioServer(tmp_path_factory.mktemp("studio") / "files")
    yield server
    server.close()
