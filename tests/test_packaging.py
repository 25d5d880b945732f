"""What packaging/ says holds: the same processes, started without Docker, paint a picture."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from postgres import binaries, running_server

from commands import ROOT

yaml = pytest.importorskip("yaml")  # of the extra `docs`
COMPOSE = yaml.safe_load((ROOT / "packaging" / "compose.yaml").read_text("utf-8"))
SERVICES = COMPOSE["services"]
DOCKERFILE = (ROOT / "packaging" / "Dockerfile").read_text("utf-8")
OURS = ["worker", "studio"]


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's lines, continued ones joined."""
    lines = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.M)).splitlines()
    return [(line.split()[0], line.partition(" ")[2].strip()) for line in lines if line.strip()]


def test_the_image_runs_without_root_and_holds_no_secret() -> None:
    kinds = [kind for kind, _ in instructions()]
    last = instructions()[len(kinds) - kinds[::-1].index("FROM") :]
    assert [value for kind, value in last if kind == "USER"] == ["10001:10001"]
    assert not {"ADD", "MAINTAINER"} & set(kinds)
    assert all(":" in value for kind, value in instructions() if kind == "FROM")
    assert not re.search(r":latest|sudo|curl|chmod 777|password", DOCKERFILE)


def test_what_is_copied_exists_and_is_let_in() -> None:
    allowed = (ROOT / "packaging" / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    for kind, value in instructions():
        if kind == "COPY" and not value.startswith("--from"):
            for name in shlex.split(value)[:-1]:
                assert (ROOT / name).exists(), name
                assert f"!{name}" in allowed


def test_no_service_has_more_than_it_needs() -> None:
    for name in OURS:
        service = SERVICES[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["depends_on"]["database"]["condition"] == "service_healthy"
        assert "healthcheck" in service
    assert "ports" not in SERVICES["database"]
    assert SERVICES["database"]["networks"] == SERVICES["worker"]["networks"] == ["inner"]
    assert COMPOSE["networks"]["inner"]["internal"] is True
    assert [port.split(":")[0] for port in SERVICES["studio"]["ports"]] == ["127.0.0.1"]
    assert SERVICES["worker"]["deploy"]["replicas"] == 2
    text = (ROOT / "packaging" / "compose.yaml").read_text("utf-8")
    assert not re.search(r"PASSWORD: (?!\$\{)", text)


class Composed:
    """The processes of the compose file, on this machine and without its network.

    Args:
        database: the URL that stands for the service of that name.
    """

    def __init__(self, folder: Path, database: str) -> None:
        self.folder = folder
        (folder / "data").mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._places = {
            "postgresql://impasto@database/impasto": database,
            "/run/secrets": str(folder),
            "127.0.0.1:7700": f"127.0.0.1:{self.port}",
            "/data": str(folder / "data"),
        }

    def environment(self, name: str) -> dict[str, str]:
        given = SERVICES[name]["environment"].items()
        values = {key: re.sub(r"\$\{[^:}]*:-([^}]*)\}", r"\1", str(value)) for key, value in given}
        own = {key: self._here(value) for key, value in values.items() if "${" not in value}
        return {**os.environ, "PYTHONPATH": str(ROOT), **own, "OMP_NUM_THREADS": "1"}

    def start(self, name: str, number: int = 0) -> subprocess.Popen[bytes]:
        command = [self._here(word) for word in SERVICES[name]["command"]]
        if name == "studio":
            command += ["--port", str(self.port)]
        with (self.folder / f"{name}-{number}.log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "impasto", *command],
                env=self.environment(name), stdout=log, stderr=log,
            )  # fmt: skip

    def is_healthy(self, name: str) -> bool:
        _, program, *words = SERVICES[name]["healthcheck"]["test"]
        assert program == "python"
        done = subprocess.run(
            [sys.executable, *map(self._here, words)], env=self.environment(name), check=False,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        return done.returncode == 0

    def _here(self, word: str) -> str:
        for place, here in self._places.items():
            word = word.replace(place, here)
        return word


@pytest.fixture
def composed(tmp_path: Path) -> Iterator[Composed]:
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL is not installed here")
    pytest.importorskip("fastapi")
    pytest.importorskip("dbos")
    from impasto.studio.accounts import add_user

    add_user(tmp_path / "passwords", "anna", "correct horse")
    with running_server(programs) as server, ExitStack() as stack:
        # The database of the service, where initdb of the image makes it.
        found = Composed(tmp_path, server.url)
        for name in OURS:
            for number in range(SERVICES[name].get("deploy", {}).get("replicas", 1)):
                process = found.start(name, number)
                stack.callback(process.wait)
                stack.callback(process.kill)
        yield found


def until(holds: Any, what: str, seconds: float = 120) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := holds():
            return value
        time.sleep(0.3)
    raise AssertionError(f"in vain waited until {what}")


@pytest.mark.slow
def test_the_processes_of_the_compose_file_paint(composed: Composed) -> None:
    import impasto

    logs = [str(path) for path in composed.folder.glob("*.log")]
    until(lambda: composed.is_healthy("studio"), f"the studio is healthy: {logs}")
    until(lambda: composed.is_healthy("worker"), f"the workers are: {logs}")
    photo = composed.folder / "photo.png"
    from serving import picture_file

    photo.write_bytes(picture_file(1))
    account: Any = {"user": "anna", "password": "correct horse"}
    with impasto.Client(f"http://127.0.0.1:{composed.port}", **account) as client:
        beats = composed.folder / "data" / "workers"
        until(lambda: len(list(beats.glob("*.json"))) == 2, "two workers live")
        jobs = [
            client.stylize(photo, "starry-night", "gatys", size=48, iterations=30, seed=seed)
            for seed in range(2)
        ]
        assert [job.wait(180).state for job in jobs] == ["done", "done"]
        assert all(job.result().size == (48, 32) for job in jobs)
        assert len({job.data["worker"] for job in jobs}) == 2
