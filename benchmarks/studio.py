"""The studio measured: its start, memory, looks, load, and what it survives.

    python benchmarks/studio.py PART… [--out benchmarks/results/studio.json] [--seed S]

    start      seconds to serving, beside FastAPI and uvicorn alone
    rest       bytes of memory when nothing is done
    look       seconds of a live look of 512 pixels, beside `impasto.instant` in this process
    load       200 jobs, and 20 clients for two minutes, while both workers paint
    kills      40 times the studio, its worker or the process that paints ends by `kill -9`
    database   the server of the queue is stopped for ten seconds
    disc       the disc is full for a while (which needs the rights to mount one)
    uploads    40 uploads that are cut at a random byte

Each part prints a line of JSON, and takes its place in the file.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
os.environ["PYTHONPATH"] = str(ROOT)

from postgres import binaries, running_server  # noqa: E402
from serving import StudioServer, picture_file  # noqa: E402
from stylize import machine  # noqa: E402

Json = dict[str, Any]
CLIENTS, SECONDS, JOBS = 20, 120.0, 200
PATIENCE = 420.0  # seconds in which the jobs may end after that
THINKING = 0.5  # seconds between two requests of a client, at the mean
KILLS, CUTS = 40, 40
PAINTED = {"method": "gatys", "options": {"size": 48, "smallest": 48, "iterations": 40}}

BARE = """
import sys, uvicorn
from fastapi import FastAPI
app = FastAPI()
@app.get("/")
def page() -> str:
    return ""
uvicorn.run(app, port=int(sys.argv[1]), log_level="critical")
"""


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def studio(*flags: str, folder: Path | None = None) -> Iterator[StudioServer]:
    """A studio at a port that stays its own."""
    with contextlib.ExitStack() as stack:
        place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="studio-")))
        server = StudioServer(place / "files", *flags, "--port", str(free_port()))
        stack.callback(server.close)
        yield server


def median(values: list[float]) -> float:
    """The median, in four digits."""
    return float(f"{statistics.median(values):.4g}")


# Start, memory, looks


def seconds_to_serving(command: list[str], port: int) -> float:
    """Seconds until a server answers its first request."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)
            except httpx.TransportError:
                time.sleep(0.01)
            else:
                return time.perf_counter() - began
    finally:
        process.terminate()
        process.wait()


def start(times: int = 7) -> Json:
    """Seconds to serving, by turns: the machine may have other work."""
    ours, bare = [], []
    with tempfile.TemporaryDirectory(prefix="studio-") as place:
        for _ in range(times):
            port = free_port()
            bare.append(seconds_to_serving([sys.executable, "-c", BARE, str(port)], port))
            port = free_port()
            command = [sys.executable, "-m", "impasto", "studio", "--no-browser", "--workers", "0"]
            words = ["--port", str(port), "--files", f"{place}/files"]
            ours.append(seconds_to_serving([*command, *words], port))
    ratios = [mine / other for mine, other in zip(ours, bare, strict=True)]
    return {"studio": median(ours), "bare": median(bare), "ratio": median(ratios)}


def rest() -> Json:
    """Resident bytes: of a studio that nobody has opened, and with its page open."""
    with studio() as server:
        process = psutil.Process(server.process.pid)
        time.sleep(8)
        found: Json = {"studio": process.memory_info().rss, "children": _children(process)}
        server.get("/about")
        server.upload()
        time.sleep(12)
        found |= {"studio_in_use": process.memory_info().rss}
        return {**found, "children_in_use": _children(process)}


def _children(process: psutil.Process) -> Json:
    named = {}
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            named[" ".join(child.cmdline()[1:3])] = child.memory_info().rss
    return named


def look(times: int = 15) -> Json:
    """Seconds of a dial's movement, by turns with the same picture in this process."""
    import torch

    import impasto

    torch.set_num_threads(1)  # as the studio's process has, by its environment
    data = picture_file(3, 512, 384)
    with studio("--workers", "0") as server, tempfile.TemporaryDirectory() as place:
        upload = server.upload(data)
        file = Path(place) / "photo.png"
        file.write_bytes(data)
        pixels = impasto.read(file).pixels
        looks, alone = [], []
        for number in range(times + 1):
            strength = 0.2 + 0.6 * number / times
            body = {
                "content": {"upload": upload["id"]},
                "styles": [{"style": "starry-night"}],
                "options": {"strength": strength},
            }
            began = time.perf_counter()
            server.client.post("/looks", json=body).raise_for_status()
            looks.append(time.perf_counter() - began)
            began = time.perf_counter()
            impasto.instant("starry-night", strength=strength)(pixels)
            alone.append(time.perf_counter() - began)
    looks, alone = looks[1:], alone[1:]  # without what is loaded at first
    ratios = [one / other for one, other in zip(looks, alone, strict=True)]
    return {"look": median(looks), "instant": median(alone), "ratio": median(ratios)}


# Load


class Visitor(threading.Thread):
    """Somebody who looks around in the page, and listens to its events."""

    def __init__(self, url: str, until: float, seed: int) -> None:
        super().__init__(daemon=True)
        self._url, self._until, self._numbers = url, until, random.Random(seed)
        self.seconds: dict[str, list[float]] = {}
        self.faults: list[str] = []
        self.jobs: list[str] = []
        self.done: set[str] = set()

    def run(self) -> None:
        listener = threading.Thread(target=self._listen, daemon=True)
        listener.start()
        with httpx.Client(base_url=self._url, timeout=60, trust_env=False) as client:
            self._submit(client)
            paths = ["/", "/api/v1/jobs", "/api/v1/pictures", "/api/v1/styles", "/api/v1/about"]
            while time.monotonic() < self._until:
                self._get(client, self._numbers.choice(paths))
                time.sleep(self._numbers.expovariate(1 / THINKING))

    def _submit(self, client: httpx.Client) -> None:
        for _ in range(JOBS // CLIENTS):
            data = picture_file(self._numbers.randrange(5))
            upload = client.post("/api/v1/uploads", files={"file": ("a.png", data)}).json()
            body = {
                "contents": [{"upload": upload["id"]}],
                "styles": [{"style": "starry-night"}],
                "preset": "draft",
                "options": {"size": 64},
            }
            began = time.perf_counter()
            answer = client.post("/api/v1/jobs", json=body)
            self._note("POST /api/v1/jobs", began, answer)
            if answer.status_code == 201:
                self.jobs.append(answer.json()["jobs"][0]["id"])

    def _get(self, client: httpx.Client, path: str) -> None:
        began = time.perf_counter()
        answer = client.get(path)
        self._note(path, began, answer)
        if path == "/api/v1/pictures" and answer.json()["items"]:
            picture = self._numbers.choice(answer.json()["items"])
            began = time.perf_counter()
            self._note("thumbnail", began, client.get(picture["thumbnail"]))

    def _note(self, what: str, began: float, answer: httpx.Response) -> None:
        self.seconds.setdefault(what, []).append(time.perf_counter() - began)
        if answer.status_code >= 400:
            self.faults.append(f"{what}: {answer.status_code} {answer.text[:100]}")

    def _listen(self) -> None:
        with (
            contextlib.suppress(httpx.HTTPError),
            httpx.stream("GET", f"{self._url}/api/v1/events", timeout=60, trust_env=False) as lines,
        ):
            for line in lines.iter_lines():
                if line.startswith("data:") and '"state": "done"' in line:
                    self.done.add(json.loads(line[5:])["id"])


def load() -> Json:
    """Latencies, and what was lost, while both workers paint."""
    with studio("--workers", "2") as server:
        until = time.monotonic() + SECONDS
        visitors = [Visitor(server.url, until, seed) for seed in range(CLIENTS)]
        for visitor in visitors:
            visitor.start()
        for visitor in visitors:
            visitor.join()
        during = Counter(job["state"] for job in _jobs(server))
        ids = {id for visitor in visitors for id in visitor.jobs}
        _wait_for_all(server, ids, PATIENCE)
        time.sleep(2)
        ended = {job["id"]: job for job in _jobs(server)}
        pictures = server.get("/pictures", limit=1)["total"]
        done = {id for id in ids if id in ended and ended[id]["state"] == "done"}
        seen = [len(done - visitor.done) for visitor in visitors]
    times: dict[str, list[float]] = {}
    for visitor in visitors:
        for what, found in visitor.seconds.items():
            times.setdefault(what, []).extend(found)
    table = {
        what: {
            "count": len(found),
            "median": median(found),
            "p95": float(f"{sorted(found)[int(0.95 * len(found))]:.4g}"),
        }
        for what, found in sorted(times.items())
    }
    return {
        "requests": table,
        "faults": [fault for visitor in visitors for fault in visitor.faults][:10],
        "jobs": len(ids),
        "after_two_minutes": dict(during),
        "at_the_end": dict(Counter(ended[id]["state"] for id in ids if id in ended)),
        "lost": len(ids - set(ended)),
        "pictures": pictures,
        "events_missed": max(seen),
    }


def _jobs(server: StudioServer) -> list[Json]:
    found: list[Json] = []
    before: Json = {}
    while True:
        page = server.get("/jobs", limit=200, **before)
        found += page["items"]
        if page["next"] is None:
            return found
        before = {"before": page["next"]}


def _wait_for_all(server: StudioServer, ids: set[str], seconds: float) -> None:
    """Wait until all of some jobs are over."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        states = {job["id"]: job for job in _jobs(server)}
        if all(
            states.get(id, {"state": "failed"})["state"] in ("done", "failed", "cancelled")
            and (states.get(id, {}).get("picture") or states.get(id, {}).get("state") != "done")
            for id in ids
        ):
            return
        time.sleep(1)


# Faults


def _find(server: StudioServer, kind: str) -> psutil.Process | None:
    """A process of a studio: itself, its worker, or the one that paints."""
    with contextlib.suppress(psutil.Error):
        own = psutil.Process(server.process.pid)
        if kind == "studio":
            return own
        workers = [p for p in own.children() if "impasto.studio.own_worker" in p.cmdline()]
        if kind == "worker":
            return workers[0] if workers else None
        children = [child for worker in workers for child in worker.children()]
        return children[0] if children else None
    return None


def _submitted(server: StudioServer, upload: str) -> str:
    body = {"contents": [{"upload": upload}], "styles": [{"style": "starry-night"}], **PAINTED}
    answer = server.client.post("/jobs", json=body)
    answer.raise_for_status()
    return str(answer.json()["jobs"][0]["id"])


def kills(numbers: random.Random) -> Json:
    """Kill processes at random moments; every job that was taken must end, with the same pixels."""
    done: Counter[str] = Counter()
    with studio("--workers", "1") as server:
        upload = server.upload()["id"]
        straight = _submitted(server, upload)
        server.wait(straight)
        ids = {straight}
        while sum(done.values()) < KILLS:
            ids.add(_submitted(server, upload))
            time.sleep(numbers.uniform(0, 3))
            kind = numbers.choice(("studio", "worker", "process"))
            process = _find(server, kind)
            if process is None:
                continue
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
                done[kind] += 1
            if kind == "studio":
                server.kill()
                server.start()
        _wait_for_all(server, ids, 900)
        jobs = {job["id"]: job for job in _jobs(server)}
        states = Counter(jobs[id]["state"] if id in jobs else "unknown" for id in ids)
        pictures = [jobs[id]["picture"] for id in ids if id in jobs and jobs[id]["picture"]]
        files = {server.client.get(f"/pictures/{one}/file").content for one in pictures}
        total = server.get("/pictures", limit=1)["total"]
        messages = [job["message"] for job in jobs.values() if job["state"] == "failed"][:5]
    return {
        "kills": dict(done),
        "jobs": len(ids),
        "states": dict(states),
        "pictures": total,
        "different_files": len({_pixels(file) for file in files}),
        "messages": messages,
    }


def _pixels(file: bytes) -> bytes:
    import io

    from PIL import Image

    with Image.open(io.BytesIO(file)) as image:
        return image.tobytes()


def database() -> Json:
    """Stop the database for ten seconds while jobs wait and run."""
    programs = binaries()
    if programs is None:
        return {"skipped": "PostgreSQL is not installed"}
    with (
        running_server(programs) as base,
        studio("--queue", base.url, "--workers", "1") as server,
    ):
        upload = server.upload()["id"]
        ids = {_submitted(server, upload) for _ in range(6)}
        time.sleep(8)
        base.stop()
        stopped = time.monotonic()
        answers: dict[str, Counter[str]] = {}

        def note(what: str, ask: Callable[[], httpx.Response]) -> None:
            try:
                answers.setdefault(what, Counter())[str(ask().status_code)] += 1
            except httpx.HTTPError as error:
                answers.setdefault(what, Counter())[type(error).__name__] += 1

        while time.monotonic() - stopped < 10:
            note("healthz", lambda: httpx.get(f"{server.url}/healthz", trust_env=False))
            note("jobs", lambda: server.client.get("/jobs"))
            note("pictures", lambda: server.client.get("/pictures"))
            body = {"contents": [{"upload": upload}], "styles": [{"style": "starry-night"}]}
            note("submit", lambda: server.client.post("/jobs", json={**body, **PAINTED}))  # noqa: B023
            time.sleep(0.5)
        base.start()
        back = time.monotonic()
        while httpx.get(f"{server.url}/healthz", trust_env=False).status_code != 200:
            time.sleep(0.1)
        seconds = time.monotonic() - back
        _wait_for_all(server, ids, 600)
        states = Counter(job["state"] for job in _jobs(server) if job["id"] in ids)
    return {
        "while_away": {what: dict(found) for what, found in answers.items()},
        "seconds_until_healthy": round(seconds, 1),
        "states": dict(states),
    }


def disc() -> Json:
    """Fill the disc while a job waits, and empty it again."""
    with tempfile.TemporaryDirectory(prefix="studio-") as place:
        mount = ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", place]
        if subprocess.run(mount, check=False, capture_output=True).returncode:
            return {"skipped": "no disc can be mounted here"}
        try:
            with studio("--workers", "1", folder=Path(place)) as server:
                upload = server.upload()["id"]
                ids = {_submitted(server, upload) for _ in range(4)}
                filler = Path(place) / "filler"
                with contextlib.suppress(OSError), filler.open("wb") as file:
                    while True:
                        file.write(b"\0" * 4096)
                found: Json = {}
                asks: dict[str, Callable[[], httpx.Response]] = {
                    "healthz": lambda: httpx.get(f"{server.url}/healthz", trust_env=False),
                    "upload": lambda: server.client.post(
                        "/uploads", files={"file": ("b.png", picture_file(9, 640, 640))}
                    ),
                    "submit": lambda: server.client.post(
                        "/jobs",
                        json={
                            "contents": [{"upload": upload}],
                            "styles": [{"style": "starry-night"}],
                            **PAINTED,
                        },
                    ),
                    "page": lambda: httpx.get(f"{server.url}/", trust_env=False),
                    "jobs": lambda: server.client.get("/jobs"),
                    "pictures": lambda: server.client.get("/pictures"),
                }
                for what, ask in asks.items():
                    answer = ask()
                    found[what] = f"{answer.status_code} {_said(answer)}"
                time.sleep(6)
                filler.unlink()
                time.sleep(2)
                for id in ids:  # one that was only just taken up fails, as the pages say
                    if "retry" in server.get(f"/jobs/{id}")["can"]:
                        server.post(f"/jobs/{id}/retry", status=200)
                        found["retried"] = found.get("retried", 0) + 1
                ids.add(_submitted(server, server.upload(picture_file(8))["id"]))
                _wait_for_all(server, ids, 300)
                found["states"] = dict(
                    Counter(job["state"] for job in _jobs(server) if job["id"] in ids)
                )
                found["healthz_after"] = asks["healthz"]().status_code
            return found
        finally:
            subprocess.run(["umount", "-l", place], check=False)


def _said(answer: httpx.Response) -> str:
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return str(answer.json()["error"]["message"])[:160]
    return ""


def uploads(numbers: random.Random) -> Json:
    """Cut uploads at random bytes."""
    data = picture_file(4, 1024, 768)
    with studio("--workers", "0") as server:
        server.upload()
        process = psutil.Process(server.process.pid)
        host, port = "127.0.0.1", int(server.url.rpartition(":")[2])
        head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
        body = head + data + b"\r\n--b--\r\n"
        request = (
            f"POST /api/v1/uploads HTTP/1.1\r\nHost: {host}:{port}\r\n"
            f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode()
        handles = process.num_fds()
        for _ in range(CUTS):
            with socket.create_connection((host, port)) as line:
                line.sendall((request + body)[: numbers.randrange(len(request + body))])
        time.sleep(2)
        left = list((server.files / "studio" / "incoming").iterdir())
        count = len(server.get("/uploads", limit=200)["items"])
        return {
            "cut": CUTS,
            "left_in_incoming": len(left),
            "uploads_kept": count - 1,
            "handles_before_after": [handles, process.num_fds()],
            "uploads_then": server.client.post(
                "/uploads", files={"file": ("a.png", data)}
            ).status_code,
        }


def main() -> None:
    """Measure the parts that are named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("parts", nargs="+")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/studio.json")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    numbers = random.Random(args.seed)
    parts: dict[str, Callable[[], Json]] = {
        "start": start, "rest": rest, "look": look, "load": load, "database": database,
        "disc": disc, "kills": lambda: kills(numbers), "uploads": lambda: uploads(numbers),
    }  # fmt: skip
    for part in args.parts:
        found = parts[part]()
        print(json.dumps({part: found}), flush=True)
        data = json.loads(args.out.read_text("utf-8")) if args.out.exists() else {}
        data |= {part: found, "machine": machine()}
        args.out.write_text(json.dumps(data, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
