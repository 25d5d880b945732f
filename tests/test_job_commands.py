"""Commands of queues, without a worker: addresses, what is refused, what is said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from queued import QUICK

from commands import process
from impasto.cli.main import main
from impasto.errors import OptionError
from impasto.jobs.queue.address import Address
from impasto.jobs.queue.store import Store

pytest.importorskip("dbos", reason="the extra `jobs` is not installed")


def paint(*args: str) -> int:
    return main(["stylize", "photo.png", "--style", "painting.png", "-o", "out.png", *QUICK, *args])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("local", "sqlite:///"),
        ("postgresql://me:secret@there/db", "postgresql://me:secret@there/db"),
        ("postgres://there/db", "postgresql://there/db"),
    ],
)
def test_addresses(store: Store, text: str, expected: str) -> None:
    address = Address.parse(text, store)
    assert address.url.startswith(expected)
    assert "secret" not in str(address)


@pytest.mark.parametrize(
    "text", ["", "redis://there", "postgresql://there", "/file", "postgresql://[a/b"]
)
def test_what_is_no_address_is_refused(store: Store, text: str) -> None:
    with pytest.raises(OptionError, match="queue is '"):
        Address.parse(text, store)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--wait"], "--wait has no effect without --queue"),
        (["--queue", "somewhere"], "--queue is 'somewhere'. It takes local"),
        (["--queue", "local", "--resume", "--trace", "t"], "--resume, --trace: for a picture"),
        (["--queue", "local", "-o", "-"], "Standard input and output (-)"),
        (["--queue", "local", "--files", "no/such/place"], "The folder of jobs"),
    ],
)  # fmt: skip
def test_what_a_queue_cannot_do_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], args: list[str], message: str
) -> None:
    assert paint("--files", str(folder / "jobs"), *args) in (1, 2)
    assert message in capsys.readouterr().err


def test_a_batch_has_workers_of_its_own_or_a_queue(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ["batch", "photo.png", "--style", "painting.png", "-o", "out", "--workers", "2"]
    assert main([*args, "--queue", "local", "--files", str(folder / "jobs")]) == 2
    assert "--workers is 2, of this process" in capsys.readouterr().err


def test_an_unknown_job_is_said_to_be_unknown(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ["--files", str(folder / "jobs")]
    for command in ("show", "watch", "cancel", "pause", "retry", "next"):
        assert main(["jobs", command, "00c0ffee", *files]) == 1
        assert "There is no job '00c0ffee' in the queue" in capsys.readouterr().err
        assert main(["jobs", command, "nonsense", *files]) == 1


def test_without_dbos_a_message_says_how_to_get_it(folder: Path) -> None:
    code = "import sys; sys.modules['dbos'] = None\nfrom impasto.cli.main import main\n"
    code += f"sys.exit(main(['jobs', 'list', '--files', {str(folder / 'jobs')!r}]))"
    path = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "A queue needs DBOS" in done.stderr
    assert "[jobs]" in done.stderr


def test_jobs_without_a_worker_wait_and_say_so(folder: Path) -> None:
    env = {"IMPASTO_FILES": str(folder / "jobs")}
    done = process(
        *("stylize", "photo.png", "--style", "starry-night", "-o", "a.jpg", *QUICK),
        *("--queue", "local"),
        env=env,
    )
    assert done.returncode == 0
    assert "no worker is here yet: `impasto worker` starts one" in done.stderr
    listed = json.loads(process("jobs", "list", "--json", env=env).stdout)
    assert [(job["job"], job["state"]) for job in listed] == [(done.stdout.strip(), "waiting")]


def test_what_a_note_says_to_type_finds_the_same_jobs(folder: Path) -> None:
    done = process(
        *("stylize", "photo.png", "--style", "starry-night", "-o", "a.jpg", *QUICK),
        *("--queue", "local", "--files", "my jobs"),
    )
    place = f"--files '{folder / 'my jobs'}'"
    assert f"`impasto worker {place}` starts one" in done.stderr
    assert f"-o a.jpg {place}` waits for it" in done.stderr
