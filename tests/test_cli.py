"""What the command says of itself, and how its flags arrive."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

import impasto
from commands import ROOT, paint
from impasto.cli.flags import config_of, with_flags
from impasto.cli.main import app, main
from impasto.cli.options import QUEUED, RunFlags, with_run_flags
from impasto.config.bases import PixelConfig, StyledConfig
from impasto.config.fields import option
from impasto.config.methods import METHODS, GatysConfig, configs_with
from impasto.config.output import OutputSettings
from impasto.errors import OptionError

pytestmark = pytest.mark.usefixtures("folder")

# What the command says of itself


def every_command(command: Any, name: str = "impasto") -> Iterator[tuple[str, Any]]:
    yield name, command
    for inner, sub in getattr(command, "commands", {}).items():
        yield from every_command(sub, f"{name} {inner}")


COMMANDS = dict(every_command(get_command(app)))


def test_the_promised_commands_exist() -> None:
    promised = """stylize, doodle, laplacian, texture, styles, style make, style info, layers,
        weights fetch, weights list, weights path, weights import, info, rerun, resume,
        extend, evaluate, study"""
    assert {f"impasto {name.strip()}" for name in promised.split(",")} <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_option_and_argument_has_help(name: str) -> None:
    command = COMMANDS[name]
    assert command.help, f"{name} has no help"
    for parameter in command.params:
        assert parameter.help, f"{name}: {parameter.name} has no help"
    shown = CliRunner().invoke(app, [*name.split()[1:], "--help"])
    assert shown.exit_code == 0
    assert "Usage: " in shown.output


def test_what_needs_no_torch_does_not_load_it() -> None:
    light = [
        *([*name.split()[1:], "--help"] for name in COMMANDS),
        ["--version"],
        ["layers", "vgg19"],
        ["weights", "list"],
        ["styles"],
        ["stylize", "photo.png", "--style", "painting.png", "--size", "1"],
    ]
    script = (
        "import sys\nfrom impasto.cli.main import main\n"
        f"for args in {light!r}: main(args)\n"
        "assert 'torch' not in sys.modules"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, check=True)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"impasto {impasto.__version__}\n"


# Flags


@dataclass(frozen=True)
class Sample:
    """One field of each kind."""

    count: int = option(3, "How many.", low=1, high=9)
    weight: float = option(0.5, "How heavy.", low=0.0)
    kind: str = option("a", "Which.", choices=("a", "b"))
    some_layers: tuple[str, ...] = option((), "Layers.")
    region: tuple[str, ...] = option((), "Regions.", metavar="COLOUR=WHAT")
    bright: bool = option(True, "Whether.")


def typed(*args: str) -> dict[str, Any]:
    """What a command with the flags of `Sample` gets."""
    got: dict[str, Any] = {}
    small = typer.Typer()

    @small.command()
    @with_flags(Sample, files=("kind",))
    def command(options: dict[str, Any]) -> None:
        got.update(options)

    done = CliRunner().invoke(small, list(args))
    assert done.exit_code == 0, done.output
    return got


STYLIZERS = configs_with(StyledConfig)
EVERY = {spec.name: spec for kind in STYLIZERS.values() for spec in fields(kind)}


def test_every_field_is_an_option_with_its_range_and_help() -> None:
    options = {p.name: p for p in COMMANDS["impasto stylize"].params}
    for spec in EVERY.values():
        option = options[spec.name]
        names = [name for name in (spec.name, spec.metadata["also"]) if name]
        assert option.opts == ["--" + name.replace("_", "-") for name in names]
        assert spec.metadata["help"] in option.help
        assert option.default is None  # only what was typed reaches the config
        for choice in spec.metadata["choices"] or ():
            assert choice in option.metavar
        if isinstance(spec.default, int | float) and not isinstance(spec.default, bool):
            assert option.metavar.startswith(f"{spec.metadata['low']:g}…")


def test_help_shows_every_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the usual method, and those of the others that differ."""
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("TERMINAL_WIDTH", "300")
    shown = re.sub(r"[│\s]+", " ", CliRunner().invoke(app, ["stylize", "--help"]).output)
    for method, kind in STYLIZERS.items():
        for spec in fields(kind):
            if isinstance(spec.default, tuple):
                continue
            flag = "--" + spec.name.replace("_", "-")
            match = re.search(rf" {flag}[ ,].*?\[default: \(?(.*?)\)?\]", shown)
            assert match, flag
            usual = next(k for k in STYLIZERS.values() if spec.name in k.__dataclass_fields__)
            default = str(spec.default)
            if default == str(getattr(usual, spec.name)):
                assert re.match(rf"{default}\b", match[1]), flag
            else:
                assert f"{method} {default}" in match[1], flag


def test_flags_of_every_kind_arrive_as_the_config_wants_them() -> None:
    assert typed() == {}
    given = "--count 4 --weight 1.5 --kind b --some-layers x,y --some-layers z:2 --no-bright"
    given += " --region a=b,c --region d=e"
    regions = ("a=b,c", "d=e")
    assert Sample(**typed(*given.split())) == Sample(4, 1.5, "b", ("x", "y", "z:2"), regions, False)
    assert typed("--count", "3") == {"count": 3}
    assert typed("--kind", "photo.png")["kind"] == "photo.png"


@dataclass(frozen=True)
class Plain(PixelConfig):
    """A method with an option of its own."""

    bristles: int = option(3, "How many.", low=1, high=9)


def test_an_option_of_another_method_is_refused_by_name() -> None:
    kinds: dict[str, type[PixelConfig]] = {"plain": Plain, "gatys": GatysConfig}
    assert config_of(kinds, "plain", {"bristles": 4, "seed": 2}) == Plain(bristles=4, seed=2)
    with pytest.raises(OptionError, match="bristles is an option of plain, and method is gaty"):
        config_of(kinds, "gatys", {"bristles": 4})
    with pytest.raises(OptionError, match="style_loss is an option of gatys, and method is pl"):
        config_of(kinds, "plain", {"style_loss": "gram"})


def test_the_command_refuses_an_option_of_another_method(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert paint("--method", "nnst", "--style-loss", "gram") == 2
    said = capsys.readouterr().err
    assert (
        "--style-loss is an option of gatys, instant+refine, quick, laplacian, and --method is nnst"
        in said
    )
    assert not Path("out.png").exists()


@pytest.mark.parametrize("name", EVERY)
def test_only_the_config_judges_a_value(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    spec = EVERY[name]
    if isinstance(spec.default, tuple):
        pytest.skip("layers and regions are judged by the network and the map")
    takers = [m for m, kind in STYLIZERS.items() if name in kind.__dataclass_fields__]
    method = next((m for m in takers if METHODS[m].optimises), takers[0])
    flag = "--" + name.replace("_", "-")
    wrong = "-1" if isinstance(spec.default, int | float) else "wrong"
    assert paint("--method", method, flag, wrong) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"impasto: {flag} is ")
    assert "It " in said
    assert not Path("out.png").exists()


def test_flags_of_the_output_are_those_of_every_command_that_paints() -> None:
    of_run = {spec.name for spec in fields(RunFlags)} - {"output"}
    wanted = of_run | {spec.name for spec in fields(OutputSettings)}
    settled = {"memory", "dry_run", "format"}  # by the recipe, and by the suffix of a file
    settled |= {*QUEUED}  # what is painted again is painted here
    assert wanted - settled <= {p.name for p in COMMANDS["impasto rerun"].params}
    for name in ("stylize", "doodle", "texture"):
        assert wanted <= {p.name for p in COMMANDS[f"impasto {name}"].params}, name


def test_a_command_gets_what_is_wanted_of_its_output() -> None:
    got: list[RunFlags] = []
    small = typer.Typer()

    @small.command()
    @with_run_flags(without=("out",))
    def command(name: str, *, flags: RunFlags) -> None:
        assert name == "x"
        got.append(flags)

    args = ["x", "--force", "--bits", "16", "--quality", "7", "--trace", "t.jsonl", "-q", "--json"]
    assert CliRunner().invoke(small, args).exit_code == 0
    assert CliRunner().invoke(small, ["x"]).exit_code == 0
    assert CliRunner().invoke(small, ["x", "-o", "y.png"]).exit_code == 2
    trace = Path("t.jsonl")
    output = {"bits": 16, "quality": 7}
    typed = RunFlags(force=True, output=output, trace=trace, quiet=True, as_json=True)
    assert got == [typed, RunFlags()]
    assert typed.settings(bits=8) == OutputSettings(bits=16, quality=7)
