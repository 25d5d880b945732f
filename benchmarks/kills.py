"""Kill runs at random moments, resume each, and count those that end with the same pixels.

    python benchmarks/kills.py [N] [--seed S] [--json]

Each of N kills is a `kill -9` of a process that paints: at any time from its start to its end,
every method in turn, at 112 pixels. A state is written after every iteration, so that many kills
come while one is written. The run is resumed by `impasto resume` or by its command with `--resume`,
and half of those are killed too. The picture is compared with that of an undisturbed run. Needs a
system that forks.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from impasto.cli.main import main as impasto
from impasto.methods.doodle import doodle
from impasto.methods.gatys import gatys
from impasto.methods.laplacian import laplacian
from impasto.methods.mrf import mrf
from impasto.methods.nnst import nnst
from impasto.methods.texture import texture
from impasto.run import folder as run_folder

# Loaded before any fork, so that children spend no time on it.
LOADED = (doodle, gatys, laplacian, mrf, nnst, texture)

SIZE = ["--size", "112", "--smallest", "64"]
STYLIZE = ["stylize", "photo.png", "--style", "painting.png", *SIZE]
JOBS = {
    "gatys": [*STYLIZE, "--iterations", "24"],
    "gatys adam": [*STYLIZE, "--iterations", "24", "--optimizer", "adam"],
    "nnst": [*STYLIZE, "--method", "nnst", "--iterations", "24"],
    "mrf": [*STYLIZE, "--method", "mrf", "--iterations", "16"],
    "texture": ["texture", "painting.png", "--size", "112x96", "--smallest", "64", "--seamless",
                "--iterations", "24"],
    "doodle": ["doodle", "--map", "map.png", "--style", "painting.png", "--style-map", "map.png",
               *SIZE, "--iterations", "16"],
    "laplacian": ["stylize", "photo.png", "--style", "painting.png", "--method", "laplacian", *SIZE,
                  "--iterations", "20"],
}  # fmt: skip


def sources() -> None:
    """Write a photograph, a painting and a map into the working directory."""
    y, x = np.mgrid[0:96, 0:112]
    photo = np.stack([x * 2, y * 2, (x // 16 + y // 16) % 2 * 200], -1).astype(np.uint8)
    Image.fromarray(photo).save("photo.png")
    noise = np.random.default_rng(0).integers(0, 256, (24, 28, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((112, 96)).save("painting.png")
    areas = Image.new("RGB", (112, 96), "#0000ff")
    areas.paste("#ff0000", (0, 0, 60, 96))
    areas.save("map.png")


def started(args: Sequence[str]) -> int:
    """Run a command in a new process that writes a state after each iteration; return its id."""
    child = os.fork()
    if child:
        return child
    log = os.open("log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    run_folder.LEAST, run_folder.SHARE = 0.0, 1.0
    os._exit(impasto([*args]))


def finished(child: int, patience: float | None = None) -> bool | None:
    """Wait for a process, and kill it after `patience` seconds.

    Returns:
        Whether it succeeded; None if it was killed.
    """
    end = None if patience is None else time.monotonic() + patience
    while True:
        done, status = os.waitpid(child, 0 if end is None else os.WNOHANG)
        if done:
            return status == 0
        if end is not None and time.monotonic() >= end:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return None
        time.sleep(0.0005)


def pixels(path: str) -> np.ndarray:
    """Read a picture's values."""
    with Image.open(path) as image:
        return np.asarray(image)


class Trial:
    """One run that is killed once or more, and resumed each time."""

    def __init__(self, name: str, seconds: float, chance: random.Random) -> None:
        self.name, self.seconds, self.chance = name, seconds, chance
        self.kills = self.in_writing = self.before_states = 0

    def survives(self) -> bool:
        """Return whether the picture is the same as that of an undisturbed run."""
        for path in Path().glob("out.*"):
            if path.is_file():
                path.unlink()
        command = [*JOBS[self.name], "-o", "out.png"]
        child = started(command)
        while True:
            patience = self.chance.uniform(0, self.seconds) if self._is_killed() else None
            ended = finished(child, patience)
            if ended is None:
                self._count()
                # It was finished: there is a picture, and nothing to resume.
                ended = True if Path("out.png").exists() and not Path("out.run").exists() else None
            if ended is not None:
                same = ended and np.array_equal(pixels("out.png"), pixels(f"{self.name}.png"))
                return bool(same) and not Path("out.run").exists()
            child = started(self._resuming(command))

    def _is_killed(self) -> bool:
        return self.kills == 0 or self.chance.random() < 0.5

    def _resuming(self, command: list[str]) -> list[str]:
        if Path("out.run/run.json").exists() and self.chance.random() < 0.5:
            return ["resume", "out.run"]
        return [*command, "--resume"]

    def _count(self) -> None:
        self.kills += 1
        self.in_writing += bool(list(Path().glob("out.run/.impasto-*.tmp")))
        self.before_states += not Path("out.run/state.safetensors").exists()


def measured(kills: int, seed: int) -> dict[str, Counter[str]]:
    """Kill runs, and count for every job."""
    chance, counted = random.Random(seed), {name: Counter[str]() for name in JOBS}
    seconds: dict[str, float] = {}
    names = list(JOBS)
    while sum(counts["kills"] for counts in counted.values()) < kills:
        name = names[sum(counts["trials"] for counts in counted.values()) % len(names)]
        if name not in seconds:
            began = time.monotonic()
            assert finished(started([*JOBS[name], "-o", f"{name}.png"])), Path(
                "log.txt"
            ).read_text()
            seconds[name] = time.monotonic() - began
        trial = Trial(name, seconds[name], chance)
        survived = trial.survives()
        counts = counted[name]
        if not survived:
            log = Path("log.txt").read_text()[-1000:]
            print(f"{name}, {trial.kills} kills: {log}", file=sys.stderr)
        counts["trials"] += 1
        counts["kills"] += trial.kills
        counts["survived"] += trial.kills if survived else 0
        counts["in writing"] += trial.in_writing
        counts["before a state"] += trial.before_states
    return counted


def main(words: Sequence[str] | None = None) -> int:
    """Print the table; the status is 0 if every kill was survived."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("kills", nargs="?", type=int, default=50, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="one line for scripts")
    options = parser.parse_args(words)
    torch.set_num_threads(1)  # threads do not survive a fork
    start = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        sources()
        counted = measured(options.kills, options.seed)
        os.chdir(start)
    total = sum(counted.values(), Counter[str]())
    if options.json:
        print(json.dumps({"total": total, **counted}))
    else:
        print("| method | runs | kills | in writing | before a state | survived |")
        print("|---|---|---|---|---|---|")
        for name, c in [*counted.items(), ("all", total)]:
            cells = [c[k] for k in ("trials", "kills", "in writing", "before a state", "survived")]
            print(f"| {name} | {' | '.join(map(str, cells))} |")
    return 0 if total["survived"] == total["kills"] else 1


if __name__ == "__main__":
    sys.exit(main())
