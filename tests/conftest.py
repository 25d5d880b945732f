"""What several test files share. The import hook that checks every annotation is in pyproject."""

from __future__ import annotations

import functools
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import typer.main
from forked import forked_workers  # noqa: F401
from hypothesis import settings
from PIL import Image
from torch import Tensor

import commands
from impasto.features.backbones import BACKBONES
from impasto.features.extractor import Extractor
from impasto.jobs.queue.store import Store

# Workers beside each other share the cores, and so do the commands that their tests start: left
# alone each would take all of them.
if (workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))) > 1:
    threads = max(1, (os.cpu_count() or 1) // workers)
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    torch.set_num_threads(threads)


# No example has a deadline: how long one takes depends on what else the machine does. They are few
# here; `runs/fuzz.py` tries thousands, and IMPASTO_EXAMPLES=100 as many as is usual.
settings.register_profile(
    "impasto", deadline=None, max_examples=int(os.environ.get("IMPASTO_EXAMPLES", "25"))
)
settings.load_profile("impasto")

# Typer puts all commands together at each call of one, which takes a tenth of a quick painting.
typer.main.get_command = functools.cache(typer.main.get_command)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder of the test's own; it does not exist yet."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("IMPASTO_CACHE", str(folder))
    return folder


@pytest.fixture(scope="session")
def picture() -> Tensor:
    """A 64×48 picture with smooth and fine parts, in [0, 1]."""
    rows = torch.linspace(0, 9, 48)[:, None]
    columns = torch.linspace(0, 7, 64)[None, :]
    waves = torch.stack(
        [(rows * columns).sin(), rows.cos() * columns.sin(), (rows - columns).cos()]
    )
    noise = torch.rand(3, 48, 64, generator=torch.Generator().manual_seed(1))
    return (0.5 + 0.35 * waves + 0.15 * (noise - 0.5))[None].clamp(0, 1)


@pytest.fixture(scope="session")
def compact() -> Extractor:
    """`compact` with random weights that keep the activations' size from layer to layer."""
    spec = BACKBONES["compact"]
    net = Extractor(spec.plan, spec.mean, spec.std, spec.padding, spec.lifts)
    drawn = torch.Generator().manual_seed(2)
    for weight in net.parameters():
        deviation = (2 / weight[0].numel()) ** 0.5 if weight.dim() == 4 else 0.1
        weight.data.normal_(0, deviation, generator=drawn)
    return net.requires_grad_(False).eval()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a photograph and a painting, and nothing of the user's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    for name in ("IMPASTO_TRACEBACK", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    write_pictures()
    return tmp_path


@pytest.fixture
def store(folder: Path) -> Store:
    """A folder of jobs beside a photograph and a painting."""
    return Store.open(folder / "jobs")


def write_pictures() -> None:
    """Write `photo.png` and `painting.png` into the working directory."""
    y, x = np.mgrid[0:48, 0:64]
    photo = np.stack([x * 3, y * 4, (x // 16 + y // 16) % 2 * 200], -1).astype(np.uint8)
    Image.fromarray(photo).save("photo.png")
    noise = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((64, 48)).save("painting.png")


@pytest.fixture(scope="session")
def straight_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The picture that the quick run of `commands.paint` ends with when nothing stops it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("straight"))
        write_pictures()
        assert commands.paint("--quiet", out="straight.png") == 0
        return Path("straight.png").absolute()


@pytest.fixture
def straight(folder: Path, straight_file: Path) -> np.ndarray:
    """Its pixels; it is in the working directory as `straight.png`."""
    shutil.copy(straight_file, folder)
    return commands.pixels("straight.png")
