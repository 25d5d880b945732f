"""The command that adds an extra fits how the package was installed."""

from __future__ import annotations

import json
import shutil
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest

from commands import ROOT
from impasto import installation
from impasto.installation import install_hint


class Installed:
    """What importlib.metadata says of an installed package: its origin, by PEP 610."""

    def __init__(self, origin: dict[str, Any] | None) -> None:
        self.origin = origin

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return None if self.origin is None else json.dumps(self.origin)


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment that holds the package itself rather than a clone, and no pip on the path."""
    package = tmp_path / "lib" / "impasto"
    package.mkdir(parents=True)
    monkeypatch.setattr(installation, "__file__", str(package / "installation.py"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "elsewhere"))
    installed_from(monkeypatch, None)
    return tmp_path


def installed_from(monkeypatch: pytest.MonkeyPatch, origin: dict[str, Any] | None) -> None:
    monkeypatch.setattr(installation, "distribution", lambda _name: Installed(origin))


def test_a_clone_is_named_by_its_folder() -> None:
    assert install_hint("study").endswith(f'install -e "{ROOT}[study]"')


def test_a_published_release_is_named_by_its_name(environment: Path) -> None:
    assert install_hint("onnx") == f'{environment}/bin/python -m pip install "impasto[onnx]"'


@pytest.mark.usefixtures("environment")
def test_a_package_that_is_not_installed_is_taken_for_a_release(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(installation, "distribution", fail)
    assert install_hint("onnx").endswith('"impasto[onnx]"')


def test_a_wheel_is_named_by_its_file_while_it_exists(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = environment / "a folder" / "impasto-1.0-py3-none-any.whl"
    installed_from(monkeypatch, {"url": wheel.as_uri(), "archive_info": {}})
    assert install_hint("study").endswith('"impasto[study]"')
    wheel.parent.mkdir()
    wheel.touch()
    assert install_hint("study").endswith(f'"{wheel}[study]"')


@pytest.mark.usefixtures("environment")
def test_a_repository_is_named_by_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    origin = {"url": "https://example.org/impasto.git", "vcs_info": {"vcs": "git"}}
    installed_from(monkeypatch, origin)
    assert install_hint("study").endswith('"impasto[study] @ git+https://example.org/impasto.git"')


def test_pip_alone_is_enough_where_it_is_that_of_this_python(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip = environment / "bin" / "pip"
    monkeypatch.setattr(shutil, "which", {"pip": str(pip)}.get)
    assert install_hint("study") == 'pip install "impasto[study]"'
    monkeypatch.setattr(sys, "executable", str(environment / "other env" / "python"))
    assert install_hint("study").startswith(f'"{environment}/other env/python" -m pip install ')


@pytest.mark.parametrize(
    ("file", "start"),
    [
        ("uv-receipt.toml", "uv pip install --python {environment}/bin/python "),
        ("pipx_metadata.json", "pipx runpip {environment.name} install "),
    ],
)
def test_tools_with_environments_of_their_own_are_asked_themselves(
    file: str, start: str, environment: Path
) -> None:
    (environment / file).touch()
    assert install_hint("study").startswith(start.format(environment=environment))
