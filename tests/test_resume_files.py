"""What a run's folder holds is checked before it is believed, and written no more than is due."""

from __future__ import annotations

import json
import os
import shutil
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from commands import paint, pixels
from impasto.cli.main import main
from impasto.config.recipe import Recipe
from impasto.engine.snapshots import Snapshot
from impasto.engine.step import Step
from impasto.errors import ResumeError
from impasto.run import state as run_state
from impasto.run.checkpoint_pace import CheckpointPace
from impasto.run.record import Goal, Record

RUN, STATE, RECORD = Path("out.run"), Path("out.run/state.safetensors"), Path("out.run/run.json")
MARK = "0123456789abcdef" * 2
DIGEST = "sha256:" + "0123456789abcdef" * 4

Said = pytest.CaptureFixture[str]


def last_line(said: Said) -> str:
    return said.readouterr().err.splitlines()[-1]


# How often


def written(total: float, cost: float, step: float, rate: float) -> tuple[int, float]:
    """How many states a run of that many seconds writes, and the share of its time they take.

    Args:
        cost: seconds that writing one takes.
        step: seconds of an iteration.
        rate: bytes of the state for each second that writing takes.
    """
    pace, now, spent, count = CheckpointPace(5.0, 0.02, 0.0), 0.0, 0.0, 0
    while now < total:
        now += step
        if pace.is_due(now, lambda: int(cost * rate)):
            pace.wrote(now, now + cost, int(cost * rate))
            now, spent, count = now + cost, spent + cost, count + 1
    return count, spent / now


def test_states_are_written_every_few_seconds_where_that_costs_nothing() -> None:
    assert written(600, 0.001, 0.1, 200e6)[0] == pytest.approx(119, abs=3)
    assert written(4.5, 0.001, 0.1, 200e6)[0] == 0


@pytest.mark.parametrize("cost", [0.02, 0.2, 2, 20])
@pytest.mark.parametrize("rate", [200e6, 2e9])
def test_they_take_at_most_a_fiftieth_of_the_time(cost: float, rate: float) -> None:
    count, share = written(7200, cost, 0.5, rate)
    assert share <= 0.02
    assert count >= 1


def test_a_larger_state_is_foreseen() -> None:
    pace = CheckpointPace(5.0, 0.02, 0.0)
    assert pace.is_due(5.1, lambda: 1_000_000)
    pace.wrote(5.1, 5.11, 1_000_000)  # 100 MB a second
    assert not pace.is_due(12.0, lambda: 100_000_000)  # one second to write: 49 of rest
    assert not pace.is_due(54.0, lambda: 100_000_000)
    assert pace.is_due(54.2, lambda: 100_000_000)


# The state


def step_of(tensors: dict[str, torch.Tensor], numbers: dict[str, Any]) -> Step:
    picture = next(iter(tensors.values()))
    return Step(
        2, 3, 8, 6, 5, 9, 0.5, {"total": 1.0},
        image=lambda: picture, snapshot=lambda: Snapshot(tensors, numbers),
    )  # fmt: skip


TENSORS = {
    "pixels": torch.rand(1, 3, 6, 8),
    "lbfgs.change.0": torch.rand(1, 3, 6, 8).half(),
    "turned": torch.rand(1, 3, 8, 6).transpose(2, 3),
}
NUMBERS = {
    "rate": 0.1,
    "first": float("inf"),
    "retreats": 3,
    "low": -1e-300,
    "least": -float("inf"),
}


def saved(path: Path) -> Path:
    run_state.save(path, step_of(TENSORS, NUMBERS), MARK)
    return path


def test_a_state_comes_back_bit_for_bit_and_is_safetensors(tmp_path: Path) -> None:
    path = saved(tmp_path / "state.safetensors")
    back = run_state.load(path, MARK, 100)
    assert str(back) == "scale 2 of 3, iteration 5 of 9"
    assert dict(back.snapshot.numbers) == NUMBERS
    assert type(back.snapshot.numbers["retreats"]) is int
    assert set(back.snapshot.tensors) == set(TENSORS) == set(load_file(path))
    for name, tensor in TENSORS.items():
        assert torch.equal(back.snapshot.tensors[name], tensor)
        assert back.snapshot.tensors[name].dtype == tensor.dtype
    assert "nowhere" not in back.snapshot.tensors
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_state_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = saved(tmp_path / "state.safetensors")
    old = path.read_bytes()
    odd = step_of({"pixels": torch.rand(1, 3, 6, 8, dtype=torch.float64)}, {})
    with pytest.raises(KeyError):
        run_state.save(path, odd, MARK)
    assert path.read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_damaged_state_is_believed(tmp_path: Path, data: st.DataObject) -> None:
    path = saved(tmp_path / "state.safetensors")
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda value: value != whole[at]))
    kinds = [whole[:at], whole[:at] + bytes([other]) + whole[at + 1 :], whole + b"0"]
    path.write_bytes(data.draw(st.sampled_from(kinds)))
    try:
        back = run_state.load(path, MARK, 100)
    except ResumeError as error:
        refusal = str(error)
    else:
        refusal = ""
    if refusal:
        assert "cannot be used" in refusal
        assert len(refusal) < 700
        return
    # A changed header may still be one: of another number or name, and never of other tensors.
    assert all(isinstance(number, (int, float)) for number in back.snapshot.numbers.values())
    for tensor in back.snapshot.tensors.values():
        assert tuple(tensor.shape[:2]) == (1, 3)


def metadata(**changes: str) -> dict[str, str]:
    step = {"scale": 1, "scales": 1, "iteration": 1, "iterations": 1}
    return {"format": "1", "mark": MARK, "numbers": "{}", "step": json.dumps(step),
            "crc32": "00000000"} | changes  # fmt: skip


PICTURE = {"pixels": torch.zeros(1, 3, 4, 4)}
HOSTILE: dict[str, tuple[dict[str, torch.Tensor], dict[str, str] | None, str]] = {
    "no metadata": (PICTURE, None, "metadata are different"),
    "a key too many": (PICTURE, metadata(exec="rm"), "metadata are different"),
    "another format": (PICTURE, metadata(format="2"), "its format is '2'"),
    "another run": (PICTURE, metadata(mark="f" * 32), "another run"),
    "another sum": (PICTURE, metadata(), "checksum"),
    "no step": (PICTURE, metadata(step="[]"), "must be an object"),
    "a step of nought": (
        PICTURE,
        metadata(step=metadata()["step"].replace("1", "0")),
        "out of range",
    ),
    "numbers that are none": (PICTURE, metadata(numbers='{"a": "b"}'), "not a number"),
    "a list of numbers": (PICTURE, metadata(numbers="[1]"), "not a table"),
    "a number too big": (PICTURE, metadata(numbers='{"a": 1e999}'), "not a number"),
    "NaN": (PICTURE, metadata(numbers='{"a": NaN}'), "not a finite number"),
    "nested too deeply": (PICTURE, metadata(numbers="[" * 99_999), "cannot be read"),
    "a name with a path": ({"../../etc": PICTURE["pixels"]}, metadata(), "a tensor called"),
    "whole numbers": ({"a": torch.zeros(1, 3, 4, 4, dtype=torch.int64)}, metadata(), "holds I64"),
    "no picture": ({"a": torch.zeros(4)}, metadata(), "not a picture"),
    "an empty picture": ({"a": torch.zeros(1, 3, 0, 4)}, metadata(), "not a picture"),
    "a large picture": ({"a": torch.zeros(1, 3, 1, 101)}, metadata(), "no side is longer"),
    "nothing": ({}, metadata(), "0 tensors"),
}


@pytest.mark.parametrize(("tensors", "about", "reason"), HOSTILE.values(), ids=HOSTILE.keys())
def test_whatever_else_is_refused(
    tmp_path: Path, tensors: dict[str, torch.Tensor], about: dict[str, str] | None, reason: str
) -> None:
    path = tmp_path / "state.safetensors"
    save_file(tensors, path, about)
    with pytest.raises(ResumeError, match=reason):
        run_state.load(path, MARK, 100)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    for kind in ("folder", "pipe", "link"):
        if kind == "folder":
            path.mkdir()
        elif kind == "pipe":
            os.mkfifo(path)
        else:
            path.symlink_to("/dev/zero")
        with pytest.raises(ResumeError, match=f"it is .*{kind.replace('pipe', 'regular file')}"):
            run_state.load(path, MARK, 100)
        path.rename(tmp_path / kind)
    for data, reason in (
        (b"", "it is empty"),
        (struct.pack("<Q", 2**60) + b"{}", "header would have 1,152,921,504,606,846,976 bytes"),
        (struct.pack("<Q", 2**21) + b" " * 2**21, "header would have 2,097,152 bytes"),
    ):
        path.write_bytes(data)
        with pytest.raises(ResumeError, match=f"cannot be used: .*{reason}.* delete that file"):
            run_state.load(path, MARK, 100)


# The record


@pytest.fixture
def known(folder: Path) -> Record:
    """The record of a finished run in the working directory."""
    assert paint("--keep-run", "--quiet") == 0
    return Record.from_json((folder / RECORD).read_text())


def test_a_record_comes_back_as_it_went_in(folder: Path, known: Record) -> None:
    assert known.finished
    assert known.keep
    assert known.places["content"] == (str(folder / "photo.png"),)
    assert Record.from_json(known.to_json()) == known


def changed(known: Record, **changes: Any) -> str:
    return json.dumps(json.loads(known.to_json()) | changes)


def wrong(known: Record) -> dict[str, str]:
    """What stands in a record, and how the refusal begins."""
    data = json.loads(known.to_json())
    goal, places = data["goal"], data["places"]
    return {
        "": "cannot be read",
        "[]": "must be an object",
        changed(known, exec="rm"): "unknown key 'exec'",
        changed(known, format=2): "has format 2",
        changed(known, format=True): "which is not of type int",
        changed(known, mark="../../x"): "its mark",
        changed(known, weights="weights.pth"): "not an absolute path",
        changed(known, keep=1): "which is not of type bool",
        changed(known, began="x" * 5000): "characters",
        changed(known, recipe=data["recipe"] | {"method": 3}): "recipe cannot be used",
        changed(known, goal=goal | {"path": "../out.png"}): "not an absolute path",
        changed(known, goal=goal | {"path": "/a\0b.png"}): "not an absolute path",
        changed(known, goal=goal | {"bits": 9}): "--bits is 9",
        changed(known, goal=goal | {"quality": 0}): "--quality is 0",
        changed(known, goal=goal | {"force": True}): "unknown key 'force'",
        changed(known, goal=goal | {"trace": "/etc/passwd"}): "unknown key 'trace'",
        changed(known, goal=goal | {"replaces": ["*"]}): "not a digest",
        changed(known, goal=goal | {"replaces": [[]]}): "is not text",
        changed(known, goal=goal | {"replaces": [DIGEST] * 17}): "too many",
        changed(known, goal=goal | {"preview_every": 0}): "counts from 1",
        changed(known, places=places | {"content": []}): "places of content",
        changed(known, places=places | {"content": [3]}): "is not text",
        changed(known, places=places | {"exec": []}): "unknown key 'exec'",
        "[" * 200_000: "cannot be read",
        known.to_json()[:-2] + ', "keep": false}': "repeated",
    }


def test_whatever_else_is_refused_by_the_command(folder: Path, known: Record, capsys: Said) -> None:
    for text, reason in wrong(known).items():
        RECORD.write_text(text)
        before = sorted(folder.iterdir())
        for args in (["resume", "out.run"], ["extend", "out.run", "--iterations", "1"]):
            assert main(args) == 1
            said = last_line(capsys)
            assert said.startswith("impasto: ")
            assert reason in said
            assert len(said) < 700
        assert sorted(folder.iterdir()) == before
    RECORD.unlink()
    RECORD.symlink_to("/dev/zero")
    assert main(["resume", "out.run"]) == 1
    assert "not a small regular file" in last_line(capsys)


@pytest.mark.usefixtures("known")
def test_a_record_that_cannot_be_read_is_replaced_by_force_only(capsys: Said) -> None:
    Path("out.png").unlink()
    RECORD.write_text("{")
    assert paint() == 1
    assert "holds a run that cannot be read" in last_line(capsys)
    assert paint("--force") == 0
    assert not RUN.exists()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=6,
)
RECIPE = Recipe("gatys", {}, (), DIGEST, "1.2.3")
PLAIN = Record(RECIPE, dict.fromkeys(Record.places_of(RECIPE), ()), Goal("/out.png"))


@given(
    where=st.sampled_from([(key,) for key in json.loads(PLAIN.to_json())]
                          + [("goal", key) for key in json.loads(PLAIN.to_json())["goal"]]),
    value=JSON,
)  # fmt: skip
def test_a_record_of_any_value_is_read_or_refused(where: tuple[str, ...], value: Any) -> None:
    data = json.loads(PLAIN.to_json())
    inner = data if len(where) == 1 else data[where[0]]
    inner[where[-1]] = value
    try:
        read = Record.from_json(json.dumps(data))
    except ResumeError:
        return
    assert Record.from_json(read.to_json()) == read


# Hostile folders


def test_a_folder_from_a_stranger_replaces_no_picture(
    folder: Path, known: Record, capsys: Said
) -> None:
    shutil.copy("photo.png", "holiday.png")
    before = Path("holiday.png").read_bytes()
    goal = json.loads(known.to_json())["goal"] | {"path": str(folder / "holiday.png")}
    RECORD.write_text(changed(known, goal=goal))
    assert main(["resume", "out.run"]) == 1
    assert "holiday.png exists already" in last_line(capsys)
    assert Path("holiday.png").read_bytes() == before
    for path in ("notes.txt", "photo.png", "nowhere/out.png"):
        RECORD.write_text(changed(known, goal=goal | {"path": str(folder / path)}))
        assert main(["resume", "out.run", "--force"]) in (1, 2)
    capsys.readouterr()
    assert (pixels("photo.png") == pixels("holiday.png")).all()


@pytest.mark.usefixtures("known")
def test_a_state_of_another_run_is_one_message(capsys: Said) -> None:
    assert paint("--keep-run", "--quiet", "--optimizer", "adam", out="other.png") == 0
    shutil.copy("other.run/state.safetensors", STATE)
    assert main(["resume", "out.run"]) == 1
    assert "it is of another run" in last_line(capsys)
    STATE.unlink()
    assert main(["resume", "out.run", "--quiet"]) == 0  # as the message says: from the beginning


def test_a_state_that_lacks_a_part_is_one_message(known: Record, capsys: Said) -> None:
    with safe_open(STATE, "pt") as file:
        about = file.metadata()
    whole = load_file(STATE)
    for name in ("before", "pixels"):
        step = step_of({n: t for n, t in whole.items() if n != name}, json.loads(about["numbers"]))
        run_state.save(STATE, step, known.mark)
        assert main(["resume", "out.run"]) == 1
        assert f"{name!r} is missing" in last_line(capsys)
