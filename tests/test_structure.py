"""The house stands as drawn: floors, exports, documentation, light imports, documented commands."""

from __future__ import annotations

import ast
import importlib
import json
import re
import shlex
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import pytest

import impasto

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "impasto"

# The house of the documentation, from the ground up; a floor imports those below it alone.
HOUSE = (
    "version", "errors", "installation", "runtime",
    "files", "image", "features", "losses", "styles", "networks", "config", "engine", "methods",
    "painting", "run", "sheets", "film", "sketch", "jobs", "training", "evaluation", "api",
    "client", "studio", "cli", "__main__",
)  # fmt: skip
FLOORS = {name: floor for floor, name in enumerate(HOUSE)}
LIGHT_MODULES = [
    "impasto.config.bases",
    "impasto.config.fields",
    "impasto.config.memory",
    "impasto.config.methods",
    "impasto.config.output",
    "impasto.config.recipe",
    "impasto.config.schema",
    "impasto.config.specs",
    "impasto.config.validation",
    "impasto.errors",
    "impasto.features.backbones",
    "impasto.features.plan",
    "impasto.installation",
    "impasto.networks.trained_metadata",
]
HEAVY = {"torch", "PIL", "typer", "rich", "numpy", "safetensors", "jaxtyping"}
# Declared as extras, or by nothing at all: no module of the package may need them.
OPTIONAL = {
    "matplotlib", "skimage", "scipy", "beartype", "pytest", "hypothesis",
    "onnx", "onnxscript", "onnxruntime", "imagecodecs", "pillow_heif", "rawpy",
    "av", "cv2",
    "dbos", "fastapi", "starlette", "uvicorn", "multipart", "python_multipart", "httpx",
}  # fmt: skip


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text("utf-8")) for name, path in MODULES.items()}
# The package's own file gathers names from every floor, lazily; it is tested by itself.
INNER = [name for name in MODULES if name != "impasto"]


def imports(name: str) -> set[str]:
    """The package's modules that a module imports, wherever in it; relative imports are refused."""
    found = set()
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} has a relative import"
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {w if w in MODULES else str(node.module) for w in whole}
    return {module for module in found if module in MODULES}


def floor(module: str) -> int:
    return FLOORS[module.split(".")[1]]


@pytest.mark.parametrize("name", INNER)
def test_imports_point_to_no_higher_floor(name: str) -> None:
    assert name.split(".")[1] in FLOORS, f"{name} has no floor: give it one here"
    for module in imports(name) - {"impasto"}:
        assert floor(module) <= floor(name), f"{name} imports {module}, of a higher floor"


def test_of_the_package_itself_modules_take_only_the_version() -> None:
    for name in INNER:
        for node in ast.walk(TREES[name]):
            if isinstance(node, ast.ImportFrom) and node.module == "impasto":
                taken = {a.name for a in node.names if f"impasto.{a.name}" not in MODULES}
                assert taken <= {"__version__"}, f"{name} imports {taken} from impasto"


def test_nothing_private_crosses_packages() -> None:
    """Of another package only public modules and names are imported, in tools too."""
    trees = TREES | {str(p): ast.parse(p.read_text("utf-8")) for p in (ROOT / "tools").glob("*.py")}
    for name, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("impasto."):
                parts = str(node.module).split(".")
                if name.split(".")[:2] != parts[:2]:
                    names = [*parts, *(alias.name for alias in node.names)]
                    private = [n for n in names if n.startswith("_") and not n.endswith("__")]
                    assert not private, f"{name} imports {private} from {node.module}"


def test_only_the_runner_carries_out_a_task() -> None:
    for name, tree in TREES.items():
        taken = {
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module == "impasto.painting.task"
            for alias in node.names
        }
        assert "paint" not in taken or name == "impasto.run.runner", f"{name} paints by itself"


def test_there_is_no_cycle() -> None:
    graph = {name: imports(name) - {"impasto", name} for name in INNER}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"modules import each other: {' <- '.join(error.args[1])}")


# What runs code that a file holds, or might; and the one place where files of others' making, which
# are pickles, are read, as tensors alone.
EXECUTING = {"eval", "exec", "compile", "pickle", "marshal", "shelve", "dill", "yaml", "joblib"}
PICKLES = "impasto.features.checkpoint"


def test_no_file_is_ever_executed() -> None:
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                assert not {a.name.split(".")[0] for a in node.names} & EXECUTING, name
            elif isinstance(node, ast.ImportFrom):
                taken = {(node.module, alias.name) for alias in node.names}
                known = {("pickle", "UnpicklingError")} if name == PICKLES else set()
                assert not any(str(m).split(".")[0] in EXECUTING for m, _ in taken - known), name
            elif isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                given = {word.arg: ast.unparse(word.value) for word in node.keywords}
                assert called not in EXECUTING, f"{name} calls {called}"
                assert called not in {"np.load", "numpy.load"}, f"{name} calls {called}"
                assert "allow_pickle" not in given, name
                if called.startswith("torch.") and called.endswith((".load", ".save")):
                    assert name == PICKLES, f"{name} calls {called}"
                    assert given.get("weights_only") == "True", name


def public_definitions(body: list[ast.stmt]) -> list[ast.FunctionDef | ast.ClassDef]:
    kinds = (ast.FunctionDef, ast.ClassDef)
    return [node for node in body if isinstance(node, kinds) and not node.name.startswith("_")]


def is_command(node: ast.FunctionDef | ast.ClassDef) -> bool:
    """Whether it is given to Typer on its spot, hence used by no other module."""
    return any(ast.unparse(d).startswith("app.command") for d in node.decorator_list)


def is_public(name: str) -> bool:
    return not any(part.startswith("_") for part in name.split("."))


@pytest.mark.parametrize("name", [n for n in MODULES if is_public(n)])
def test_all_is_complete_and_defined(name: str) -> None:
    module = importlib.import_module(name)
    if not TREES[name].body:
        return
    exported = getattr(module, "__all__", None)
    assert exported is not None, f"{name} has no __all__"
    assert len(set(exported)) == len(exported)
    for entry in exported:
        assert getattr(module, entry, None) is not None, f"{name}.{entry} is not defined"
    names = {n.name for n in public_definitions(TREES[name].body) if not is_command(n)}
    missing = names - set(exported) - {"main"}
    assert not missing, f"{name}.__all__ lacks {missing}; export them or name them with _"


@pytest.mark.parametrize("name", [n for n in MODULES if is_public(n)])
def test_everything_public_is_documented(name: str) -> None:
    if not TREES[name].body:
        return
    assert ast.get_docstring(TREES[name]), f"{name} has no docstring"
    for node in public_definitions(TREES[name].body):
        assert ast.get_docstring(node), f"{name}.{node.name} has no docstring"
        for inner in public_definitions(node.body) if isinstance(node, ast.ClassDef) else []:
            assert ast.get_docstring(inner), f"{name}.{node.name}.{inner.name} has no docstring"


def test_the_public_names_are_those_listed() -> None:
    assert dir(impasto) == sorted(impasto.__all__)
    assert 12 <= len(impasto.__all__) <= 30
    assert importlib.import_module("impasto.methods") is impasto.methods
    assert issubclass(impasto.StyleError, impasto.ImpastoError)
    with pytest.raises(AttributeError, match="no attribute 'styleise'"):
        impasto.styleise  # type: ignore[attr-defined]  # noqa: B018


def test_type_checkers_see_the_names_where_they_are_loaded_from() -> None:
    (branch,) = (node for node in TREES["impasto"].body if isinstance(node, ast.If))
    seen = {
        alias.name: str(node.module).removeprefix("impasto.")
        for node in branch.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == impasto._HOMES  # type: ignore[attr-defined]
    assert {*seen, "methods", "__version__"} == set(impasto.__all__)


def modules_after(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after running `code`."""
    script = f"import sys, json\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def loaded_after(code: str) -> set[str]:
    """Their top-level names."""
    return {module.split(".")[0] for module in modules_after(code)}


@pytest.mark.parametrize("module", ["impasto", *LIGHT_MODULES])
def test_importing_is_light(module: str) -> None:
    assert not loaded_after(f"import {module}") & HEAVY


def test_no_module_needs_an_optional_library() -> None:
    # The studio is a program of its own, which only its command starts.
    every = [
        name for name in MODULES if not name.endswith("__main__") and "impasto.studio" not in name
    ]
    loaded = loaded_after("\n".join(f"import {name}" for name in every))
    assert "torch" in loaded
    assert not loaded & OPTIONAL


HELP = "from impasto.cli.main import main\nassert main(['--help']) == 0"


def test_help_loads_neither_torch_nor_pillow() -> None:
    assert not loaded_after(HELP) & {"torch", "PIL", "numpy"}


def test_help_loads_few_modules() -> None:
    # What makes it quick: about 380 now, where torch alone would bring 1,000. No time is taken, as
    # that of a slow machine, or of a busy one, would tell nothing of us.
    assert 100 < len(modules_after(HELP)) < 500


def test_the_embedded_weights_are_small() -> None:
    weights = PACKAGE / "features" / "data" / "compact.safetensors"
    assert 100_000 < weights.stat().st_size <= 2_000_000


def test_the_gallery_is_small_and_has_a_dozen_paintings() -> None:
    cards = [path for path in (PACKAGE / "styles" / "data").iterdir() if path.is_file()]
    assert len([card for card in cards if card.suffix == ".style"]) >= 12
    assert sum(card.stat().st_size for card in cards) <= 4_000_000


def shown_commands() -> list[str]:
    """The lines of the documentation's shell blocks that run us, without prompt and comment."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    blocks = [b for p in pages for b in re.findall(r"```sh\n(.*?)```", p.read_text("utf-8"), re.S)]
    lines = [
        line.removeprefix("$ ") for b in blocks for line in b.replace("\\\n", " ").splitlines()
    ]
    return [line for line in lines if re.match(r"(impasto|make)\b", line)]


def words(line: str) -> list[str]:
    """A shell line's words, as far as a pipe or a redirection."""
    found = shlex.split(re.sub(r"\s#.*", "", line))  # inside a word # is no comment
    ends = [i for i, word in enumerate(found) if word in {">", ">>", "|", "&&", ";"}]
    return found[: ends[0]] if ends else found


def parse(command: Any, args: list[str]) -> None:
    """Let Typer parse a command line, down to its last subcommand, without running it."""
    context = command.context_class(command, info_name="impasto", resilient_parsing=False)
    given, rest, _ = command.make_parser(context).parse_args(list(args))
    if hasattr(command, "commands"):
        assert rest, f"{args} names no command"
        assert rest[0] in command.commands, f"there is no command {rest[0]!r}"
        parse(command.commands[rest[0]], rest[1:])
        return
    assert not rest, f"too many arguments: {rest}"
    for parameter in command.params:
        if parameter.required:
            assert given.get(parameter.name), f"{parameter.name} is not given"


def test_the_readme_shows_commands() -> None:
    shown = shown_commands()
    assert "make demo" in {" ".join(words(line)) for line in shown}
    assert any(line.startswith("impasto stylize") for line in shown)


def test_every_command_shown_exists() -> None:
    from typer.main import get_command

    from impasto.cli.main import app

    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.M)
    for line in shown_commands():
        program, *args = words(line)
        if program == "make":
            assert set(args) <= set(targets), f"README: `{line}`: no such target"
        elif args not in (["--help"], ["--version"]):
            try:
                parse(get_command(app), args)
            except Exception as error:
                pytest.fail(f"`{line}` is shown, but: {error}")
