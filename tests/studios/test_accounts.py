"""Accounts: the password file, sessions, the limit on tries, and who sees the figures."""

from __future__ import annotations

import re
import stat
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import pytest
from asking import Asker
from fastapi import Depends, FastAPI, Request, Response, UploadFile

from impasto.errors import OptionError
from impasto.studio import accounts, metrics
from impasto.studio.accounts import (
    COOKIE,
    Accounts,
    Sessions,
    TooManyTries,
    add_user,
    give_cookie,
    take_cookie,
    user_of,
)
from impasto.studio.guard import LOOPBACK, Guard

RIGHT = "correct horse"


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes at a cost that no test waits for."""
    monkeypatch.setattr(accounts, "_COST", 4)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "passwords"
    add_user(path, "anna", RIGHT)
    add_user(path, "ben", "battery staple")
    return path


def test_the_file_holds_no_password(file: Path) -> None:
    text = file.read_text()
    assert RIGHT not in text
    assert re.fullmatch(r"(anna|ben):scrypt\$4\$8\$3\$\S+\$\S+\n" * 2, text)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_the_usual_cost(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.undo()
    add_user(tmp_path / "file", "anna", RIGHT)
    assert "scrypt$15$8$3$" in (tmp_path / "file").read_text()
    assert Accounts.from_file(tmp_path / "file").check("anna", RIGHT, "::1")


def test_check(file: Path) -> None:
    known = Accounts.from_file(file)
    assert known.check("anna", RIGHT, "1.2.3.4")
    for user, password in [
        ("anna", "battery staple"), ("anna", ""), ("anna", RIGHT + " "), ("ANNA", RIGHT),
        ("nobody", RIGHT), ("", ""), ("anna\0", RIGHT), ("ben", "x" * 100_000), ("ben", "\ud800"),
    ]:  # fmt: skip
        assert not known.check(user, password, user)


def test_the_same_letters_are_the_same_password(file: Path) -> None:
    add_user(file, "zoe", "cafe\u0301 au lait")
    assert Accounts.from_file(file).check("zoe", "caf\u00e9 au lait", "::1")


def test_a_new_password_takes_the_place_of_the_old(file: Path) -> None:
    known = Accounts.from_file(file)
    file.write_text("# the class of 7b\n\n" + file.read_text())
    add_user(file, "anna", "another one")
    assert file.read_text().startswith("# the class of 7b\n\nben:")
    assert not known.check("anna", RIGHT, "::1")
    assert known.check("anna", "another one", "::1")


def test_a_damaged_file_changes_nothing_while_it_runs(file: Path) -> None:
    known = Accounts.from_file(file)
    file.write_text("half a li")
    assert known.check("anna", RIGHT, "::1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names nobody"),
        ("# only this\n", "names nobody"),
        ("anna:correct horse\n", "Line 1 of .* is not `name:hash`"),
        ("anna:scrypt$15$8$3$AAAA\n", "Line 1"),
        ("a b:scrypt$15$8$3$AAAA$AAAA\n", "Line 1"),
        ("\xff\xfe", "cannot be read"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(OptionError, match=message) as caught:
        Accounts.from_file(path)
    assert "correct horse" not in str(caught.value)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="Make one with"):
        Accounts.from_file(tmp_path / "none")
    with pytest.raises(OptionError, match="cannot be written"):
        add_user(tmp_path / "none" / "file", "anna", RIGHT)


@pytest.mark.parametrize("name", ["", "a:b", "a\nb", "-a", "../a", "a b", "x" * 65, "a\0", "é"])
def test_names_that_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(OptionError, match="letters"):
        add_user(tmp_path / "file", name, RIGHT)
    assert not (tmp_path / "file").exists()


def test_short_passwords_are_refused(tmp_path: Path) -> None:
    for password in ("", "seven77", "x" * 1025):
        with pytest.raises(OptionError, match="8 to 1024"):
            add_user(tmp_path / "file", "anna", password)


def wait(known: Accounts, user: str, address: str) -> float:
    """The seconds that a wrong password has to wait; it is tried if none."""
    try:
        assert not known.check(user, "wrong", address)
    except TooManyTries as error:
        return error.seconds
    return 0.0


def test_waits_grow_with_wrong_passwords(file: Path) -> None:
    clock, waits = Clock(), []
    known = Accounts(file, clock)
    assert [wait(known, "anna", "1.1.1.1") for _ in range(5)] == [0] * 5
    for _ in range(9):
        waits.append(wait(known, "anna", "1.1.1.1"))
        clock.now += waits[-1]
        assert wait(known, "anna", "1.1.1.1") == 0
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_who_waits_is_refused_with_the_right_password_too(file: Path) -> None:
    clock = Clock()
    known = Accounts(file, clock)
    for _ in range(5):
        wait(known, "anna", "1.1.1.1")
    with pytest.raises(TooManyTries, match="Try again in 1 s"):
        known.check("anna", RIGHT, "2.2.2.2")  # from anywhere
    assert known.check("ben", "battery staple", "1.1.1.1")  # another user of the same address
    clock.now += 1
    assert known.check("anna", RIGHT, "1.1.1.1")
    assert wait(known, "anna", "1.1.1.1") == 0  # forgotten


def test_an_address_that_tries_many_users(file: Path) -> None:
    clock = Clock()
    known = Accounts(file, clock)
    for number in range(20):
        assert wait(known, f"user{number}", f"2001:db8::{number}") == 0
    assert wait(known, "another", "2001:db8::ffff") == 1
    with pytest.raises(TooManyTries):
        known.check("anna", RIGHT, "2001:db8::1")
    assert known.check("anna", RIGHT, "2001:db8:1::1")
    clock.now += 4000
    for number in range(20):
        assert wait(known, f"user{number}", "2001:db8::1") == 0


def test_what_is_remembered_is_bounded(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts._Tries, "_MOST", 50)
    known = Accounts(file, Clock())
    for number in range(200):
        wait(known, f"user{number}", f"10.0.0.{number}")
    assert len(known._tries._failures) <= 51


def test_tries_at_the_same_time_are_counted(file: Path) -> None:
    known, outcomes = Accounts(file, Clock()), []
    threads = [
        threading.Thread(target=lambda: outcomes.append(wait(known, "anna", "1.1.1.1")))
        for _ in range(30)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(0.0) == 5


def test_unknown_users_cost_a_hash(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many hashes, so about as long: it is not seen who has an account."""
    known, calls = Accounts.from_file(file), []
    scrypt = accounts._scrypt

    def counted(password: str, salt: bytes, *cost: int) -> bytes:
        calls.append(cost)
        return scrypt(password, salt, *cost)

    monkeypatch.setattr(accounts, "_scrypt", counted)
    known.check("nobody", RIGHT, "1.1.1.1")
    known.check("anna", "wrong", "1.1.1.1")
    assert calls == [(4, 8, 3), (4, 8, 3)]


# Sessions


def test_sessions_outlive_a_restart(file: Path, tmp_path: Path) -> None:
    path = tmp_path / "sessions.sqlite"
    first = Sessions(path, Accounts.from_file(file))
    anna, ben = first.open("anna"), first.open("ben")
    first.shut()
    again = Sessions(path, Accounts.from_file(file))
    assert (again.user(anna), again.user(ben)) == ("anna", "ben")
    again.close(anna)
    assert (again.user(anna), again.user(ben)) == (None, "ben")
    again.shut()


def test_tokens_are_random_and_not_kept(file: Path, tmp_path: Path) -> None:
    sessions = Sessions(tmp_path / "s.sqlite", Accounts.from_file(file))
    tokens = {sessions.open("anna") for _ in range(20)}
    assert len(tokens) == 20
    assert min(map(len, tokens)) >= 43  # 256 bits
    sessions.shut()
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("s.sqlite*"))
    assert not any(token.encode() in kept for token in tokens)
    assert stat.S_IMODE((tmp_path / "s.sqlite").stat().st_mode) == 0o600


def test_sessions_end(file: Path, tmp_path: Path) -> None:
    clock = Clock()
    sessions = Sessions(tmp_path / "s.sqlite", Accounts.from_file(file), clock)
    token = sessions.open("anna")
    clock.now += 13 * 86400
    assert sessions.user(token) == "anna"
    clock.now += 2 * 86400
    assert sessions.user(token) is None
    for wrong in ("", token[:-1], token + "x", "\ud800", "' OR 1=1 --"):
        assert sessions.user(wrong) is None
    sessions.shut()


def test_a_new_password_ends_its_sessions(file: Path, tmp_path: Path) -> None:
    sessions = Sessions(tmp_path / "s.sqlite", Accounts.from_file(file))
    anna, ben = sessions.open("anna"), sessions.open("ben")
    add_user(file, "anna", "another one")
    assert (sessions.user(anna), sessions.user(ben)) == (None, "ben")
    file.write_text(file.read_text().replace("ben:", "bob:"))
    assert sessions.user(ben) is None
    sessions.shut()


# In an application


class Studio:
    """What the figures ask."""

    def __init__(self, folder: Path) -> None:
        self.figures, self.folder, self.is_there = metrics.Figures(), folder, True

    def is_queue_there(self) -> bool:
        return self.is_there

    def jobs_by_state(self) -> Mapping[str, int]:
        return {"waiting": 3, "running": 1}


class Served:
    """A small application with accounts, or without."""

    def __init__(self, folder: Path, known: Accounts | None, *, is_secure: bool = False) -> None:
        self.studio = Studio(folder)
        app = FastAPI()
        self.sessions = None if known is None else Sessions(folder / "s.sqlite", known)
        app.state.sessions = self.sessions

        @app.get("/who")
        def who(user: Annotated[str, Depends(user_of)]) -> str:
            return user

        @app.post("/in")
        def enter(response: Response) -> None:
            assert self.sessions is not None
            give_cookie(response, self.sessions.open("anna"), is_secure=is_secure)

        @app.post("/out")
        def leave(response: Response) -> None:
            take_cookie(response, is_secure=is_secure)

        @app.post("/upload")
        def upload(file: UploadFile, request: Request) -> dict[str, object]:
            return {"size": file.size, "address": request.client and request.client.host}

        app.include_router(metrics.router(self.studio, known))
        guard = Guard(
            app, hosts=LOOPBACK, is_secure=is_secure, max_body=4 * 2**20, sessions=self.sessions,
            observe=self.studio.figures.observe,
        )  # fmt: skip
        self.client = Asker(guard, f"http{'s' * is_secure}://127.0.0.1:7700")

    def figure(self, line: str, **options: Any) -> float:
        text = self.client.get("/metrics", **options).text
        match = re.search(rf"^{re.escape(line)} (\S+)$", text, re.M)
        assert match, text
        return float(match[1])


def test_without_passwords_everybody_is_nobody(tmp_path: Path) -> None:
    assert Served(tmp_path, None).client.get("/who").json() == ""


def test_a_cookie_that_no_script_reads(file: Path, tmp_path: Path) -> None:
    for is_secure in (False, True):
        served = Served(tmp_path, Accounts.from_file(file), is_secure=is_secure)
        assert served.client.get("/who").status_code == 401
        cookie = served.client.post("/in").headers["set-cookie"].lower()
        assert cookie.startswith(COOKIE)
        assert {"httponly", "samesite=strict", "path=/"} <= set(cookie.split("; "))
        assert ("secure" in cookie.split("; ")) == is_secure
        assert served.client.get("/who").json() == "anna"
        served.client.post("/out")
        assert served.client.get("/who").status_code == 401
        assert served.sessions is not None
        served.sessions.shut()


def test_uploads_of_nobody_are_not_read(file: Path, tmp_path: Path) -> None:
    served = Served(tmp_path, Accounts.from_file(file))
    large = {"file": ("a.png", b"x" * 2 * 2**20)}
    assert served.client.post("/upload", files=large).status_code == 413
    served.client.post("/in")
    assert served.client.post("/upload", files=large).json()["size"] == 2 * 2**20
    assert served.sessions is not None
    served.sessions.shut()


@pytest.mark.parametrize(
    ("is_secure", "forwarded", "address"),
    [
        (False, "9.9.9.9", "127.0.0.1"),  # whoever comes directly may claim anything
        (True, "9.9.9.9", "9.9.9.9"),
        (True, "1.1.1.1, 9.9.9.9", "9.9.9.9"),  # what came before our proxy is a claim
        (True, "nonsense", "127.0.0.1"),
        (True, "", "127.0.0.1"),
    ],
)
def test_who_asks_through_a_proxy(
    tmp_path: Path, is_secure: bool, forwarded: str, address: str
) -> None:
    served = Served(tmp_path, None, is_secure=is_secure)
    given = {"file": ("a.png", b"x")}
    answer = served.client.post("/upload", files=given, headers={"x-forwarded-for": forwarded})
    assert answer.json()["address"] == address


def test_healthz(tmp_path: Path) -> None:
    served = Served(tmp_path, None)
    assert served.client.get("/healthz").json() == {"queue": "ok", "disc": "ok"}
    served.studio.is_there = False
    assert served.client.get("/healthz").status_code == 503
    assert served.client.get("/healthz").json() == {"queue": "away", "disc": "ok"}
    served.studio.is_there = True
    served.studio.folder = tmp_path / "gone"
    assert served.client.get("/healthz").json() == {"queue": "ok", "disc": "away"}
    assert not list(tmp_path.glob(".impasto*"))


def test_metrics(tmp_path: Path) -> None:
    served = Served(tmp_path, None)
    served.client.get("/who")
    served.client.get("/who")
    served.client.get("/nowhere?a=1")
    served.studio.figures.look("shown", 0.3)
    served.studio.figures.look("superseded")
    assert served.figure('impasto_requests_total{method="GET",route="/who",status="200"}') == 2
    assert served.figure('impasto_requests_total{method="GET",route="",status="404"}') == 1
    assert served.figure('impasto_jobs{state="waiting"}') == 3
    assert served.figure("impasto_queue_reachable") == 1
    assert served.figure('impasto_memory_bytes{process="studio"}') > 1e7
    assert served.figure('impasto_looks_total{outcome="shown"}') == 1
    assert served.figure('impasto_look_seconds_bucket{le="0.25"}') == 0
    assert served.figure('impasto_look_seconds_bucket{le="0.5"}') == 1
    assert served.figure("impasto_look_seconds_sum") == 0.3
    served.studio.is_there = False
    assert served.figure("impasto_queue_reachable") == 0
    assert "impasto_jobs{" not in served.client.get("/metrics").text


def test_metrics_are_prometheus_own_format(tmp_path: Path) -> None:
    parser = pytest.importorskip("prometheus_client.parser")
    served = Served(tmp_path, None)
    served.client.ask("GET", '/a"b%5Cc%0A')
    answer = served.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {
        family.name: family for family in parser.text_string_to_metric_families(answer.text)
    }
    assert {"impasto_requests", "impasto_request_seconds", "impasto_jobs"} <= set(families)
    assert families["impasto_request_seconds"].type == "histogram"


def test_strangers_add_no_figures(tmp_path: Path) -> None:
    served = Served(tmp_path, None)
    for number in range(50):
        served.client.ask(f"M{number}", f"/{number}")
    assert served.client.get("/metrics").text.count("impasto_requests_total{") == 1


def test_figures_are_for_users(file: Path, tmp_path: Path) -> None:
    served = Served(tmp_path, Accounts.from_file(file))
    assert served.client.get("/healthz").status_code == 200
    assert served.client.get("/metrics").status_code == 401
    assert served.client.get("/metrics", auth=("anna", "wrong")).status_code == 401
    assert served.client.get("/metrics", headers={"authorization": "Basic ?"}).status_code == 401
    assert served.figure("impasto_queue_reachable", auth=("anna", RIGHT)) == 1
    served.client.post("/in")
    assert served.client.get("/metrics").status_code == 200
    served.client.post("/out")
    for _ in range(4):
        served.client.get("/metrics", auth=("anna", "wrong"))
    assert served.client.get("/metrics", auth=("anna", "wrong")).status_code in (401, 429)
    assert served.client.get("/metrics", auth=("anna", RIGHT)).status_code == 429
    assert served.sessions is not None
    served.sessions.shut()
