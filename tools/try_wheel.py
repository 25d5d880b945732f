"""Install a built wheel into an empty environment and paint with it, far from the repository.

    python tools/try_wheel.py dist

What is missing in the wheel, or taken from the repository by accident, shows here.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tarfile
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# Without them nobody could build, read or check the package from its source alone.
_SOURCES = (
    "LICENSE", "Makefile", "README.md", "docs/contact-sheet.jpg", "impasto/py.typed", "mkdocs.yml",
    "pyproject.toml", "tests/conftest.py", "tools/__init__.py",
)  # fmt: skip


def check_source(archive: Path) -> None:
    """Check that the sdist holds what belongs to it.

    Raises:
        SystemExit: a file is missing.
    """
    with tarfile.open(archive) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    if missing := [name for name in _SOURCES if name not in names]:
        raise SystemExit(f"{archive.name} lacks {', '.join(missing)}")


def try_wheel(wheel: Path, folder: Path) -> None:
    """Install a wheel below `folder`, and run its command there.

    Raises:
        SystemExit: the command is another one, or painted nothing.
        CalledProcessError: a step failed.
    """
    venv.create(folder / "venv", with_pip=True)
    programs = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    shutil.copyfile(ROOT / "docs" / "demo.jpg", folder / "photo.jpg")

    def run(program: str, *words: str) -> str:
        command = [str(programs / program), *words]
        print(" ".join(command), flush=True)
        done = subprocess.run(
            command, cwd=folder, env=environment, check=True, stdout=subprocess.PIPE, text=True
        )
        return done.stdout.strip()

    quiet = ("--quiet", "--disable-pip-version-check", "--no-compile")
    run("python", "-m", "pip", "install", *quiet, str(wheel))
    place = run("python", "-c", "import impasto; print(impasto.__file__)")
    if not Path(place).is_relative_to(folder):
        raise SystemExit(f"the package that was imported is {place}, not the wheel's")
    version = wheel.name.split("-")[1]
    if run("impasto", "--version") != f"impasto {version}":
        raise SystemExit(f"`impasto --version` does not say {version}")
    options = ("--style", "starry-night", "--size", "128", "--quiet", "-o", "painted.png")
    painted = folder / run("impasto", "stylize", "photo.jpg", *options)
    if not painted.is_file():
        raise SystemExit(f"{painted} was not written")


def main() -> None:
    """Try the only wheel and sdist of a folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dist", type=Path, help="the folder with both")
    dist = parser.parse_args().dist
    (archive,) = dist.glob("*.tar.gz")
    (wheel,) = dist.glob("*.whl")
    check_source(archive)
    with tempfile.TemporaryDirectory() as folder:
        try_wheel(wheel.resolve(), Path(folder).resolve())
    print(f"{archive.name} is complete, and {wheel.name} paints")


if __name__ == "__main__":
    main()
