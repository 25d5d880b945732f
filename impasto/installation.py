"""How this copy of the package was installed, and so the command that adds an extra to it."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

from impasto.errors import OptionError

__all__ = ["check_installed", "install_hint"]


def check_installed(libraries: Mapping[str, str], extra: str, what: str) -> None:
    """Check that the libraries of an extra are installed.

    Args:
        libraries: the names that people know them by, by the names of their modules.
        extra: what brings them, such as "film".
        what: what needs them, a plural noun at the beginning of a sentence.

    Raises:
        OptionError: one is not installed.
    """
    # No spec can be had of a module that another thread is importing.
    missing = [
        name
        for module, name in libraries.items()
        if module not in sys.modules and find_spec(module) is None
    ]
    if missing:
        names = " and ".join(filter(None, [", ".join(missing[:-1]), missing[-1]]))
        verb = "is" if len(missing) == 1 else "are"
        raise OptionError(
            f"{what} take {names}, which {verb} not installed here. Install with "
            f"`{install_hint(extra)}`."
        )


def install_hint(extra: str) -> str:
    """Return the command that adds `extra`, such as "study", to this installation.

    It is right for a clone, a wheel, a published release, uv and pipx: it installs into the Python
    that runs, from where this copy came, so that no other version takes its place.
    """
    return f"{_installer()} {_source(extra)}"


def _installer() -> str:
    """Return how packages are installed for the Python that runs."""
    environment = Path(sys.prefix)
    if (environment / "uv-receipt.toml").exists():  # `uv tool install`, which brings no pip
        return f"uv pip install --python {_quoted(sys.executable)}"
    if (environment / "pipx_metadata.json").exists():
        return f"pipx runpip {environment.name} install"
    pip = shutil.which("pip")
    if pip and Path(pip).parent == Path(sys.executable).parent:
        return "pip install"
    return f"{_quoted(sys.executable)} -m pip install"


def _source(extra: str) -> str:
    """Return the requirement: a clone, a wheel or a repository, or the published name."""
    clone = Path(__file__).resolve().parents[1]
    if (clone / "pyproject.toml").is_file():
        return f'-e "{clone}[{extra}]"'  # without -e a copy would take the clone's place
    try:
        # PEP 610: written by installers for all that did not come from a package index.
        record = distribution("impasto").read_text("direct_url.json")
    except PackageNotFoundError:
        record = None
    origin = json.loads(record) if record else {}
    if "vcs_info" in origin:
        return f'"impasto[{extra}] @ {origin["vcs_info"]["vcs"]}+{origin["url"]}"'
    path = Path(url2pathname(urlparse(origin.get("url", "")).path))
    return f'"{path if origin and path.exists() else "impasto"}[{extra}]"'


def _quoted(path: str) -> str:
    return f'"{path}"' if " " in path else path
