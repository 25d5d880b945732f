"""A PostgreSQL server of the tests' own, in a temporary folder, that can be stopped and started."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["Server", "binaries", "running_server"]


def binaries() -> Path | None:
    """The folder of initdb and pg_ctl, if there are any that may be used here."""
    found = [Path(name) for name in [shutil.which("pg_ctl")] if name]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), reverse=True)
    is_allowed = os.getuid() != 0 or _unprivileged() is not None
    return found[0].parent if found and is_allowed else None


def _unprivileged() -> pwd.struct_passwd | None:
    """The account that runs the server where we are root, which it refuses."""
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return None


class Server:
    """A server with one database, that trusts whoever connects from this machine."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder, self._programs = folder, programs
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/impasto"

    def make(self) -> None:
        self._run("initdb", "-D", self._data, "-U", "postgres", "--auth=trust", "--no-sync")

    def start(self) -> None:
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c fsync=off "
            f"-c unix_socket_directories={self.folder}"
        )
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", self._data, "-o", options, "-l", log, "-w", "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self._data, "-m", "immediate", "-w", "stop")

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def _run(self, program: str, *args: str) -> None:
        account = _unprivileged() if os.getuid() == 0 else None
        options: dict[str, Any] = {} if account is None else {"user": account.pw_uid}
        with (self.folder / "out").open("ab") as out:  # a pipe would stay open in the server
            subprocess.run(
                [str(self._programs / program), *args],
                cwd=self.folder, check=True, stdout=out, stderr=out, **options,
            )  # fmt: skip


@contextmanager
def running_server(programs: Path) -> Iterator[Server]:
    """A server that runs until the block ends."""
    # Not in pytest's own folder, into which no other account may look.
    folder = Path(tempfile.mkdtemp(prefix="impasto-postgres-"))
    try:
        account = _unprivileged() if os.getuid() == 0 else None
        if account is not None:
            os.chown(folder, account.pw_uid, account.pw_gid)
        server = Server(folder, programs)
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
