"""What a run takes is estimated, and a run that cannot have it goes on with less."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from commands import ROOT
from impasto.config.memory import MemoryPlan, parse_memory
from impasto.config.methods import (
    GatysConfig,
    LaplacianConfig,
    MrfConfig,
    NnstConfig,
    TextureConfig,
)
from impasto.engine.canvas import MARGIN
from impasto.engine.setup import scales_of
from impasto.engine.snapshots import Execution, Snapshot
from impasto.engine.step import Step
from impasto.engine.workload import Scale
from impasto.errors import OptionError
from impasto.painting.prepare import prepare
from impasto.painting.sources import Sources
from impasto.painting.task import Task, paint
from impasto.run import runner
from impasto.run.events import consume
from impasto.run.forecast import _remaining, forecast
from impasto.run.memory_fallback import ladder, leaner_plan
from impasto.run.runner import run

MB = 2**20


@pytest.fixture
def task(folder: Path) -> Task:
    return made(folder, GatysConfig(size=64, smallest=32, iterations=6))


def made(folder: Path, config: Any) -> Task:
    content = None if isinstance(config, TextureConfig) else folder / "photo.png"
    return prepare(Sources.of(content, "starry-night"), config)


def at_size(task: Task, size: int) -> Task:
    """The same task as if it were larger: the estimate reads the sizes alone."""
    scales = [replace(s, height=size * 2 // 3, width=size) for s in task.workload.scales]
    load = replace(task.workload, scales=tuple(scales))
    return replace(task, workload=load, config=replace(task.config, size=size))


def test_a_small_picture_is_looked_at_as_a_whole(task: Task) -> None:
    assert forecast(task).plan == MemoryPlan()


@pytest.mark.parametrize("size", [256, 1024, 4096])
def test_leaner_plans_take_less(task: Task, size: int) -> None:
    load = at_size(task, size).workload
    whole, *windows = [load.bytes(plan, 2) for plan in ladder(load) if plan.dtype == "float32"]
    assert all(need <= whole for need in windows)
    assert windows == sorted(windows, reverse=True)
    assert load.bytes([*ladder(load)][-1], 2) < whole / (3 if size == 4096 else 1.2)


def test_the_first_plan_that_fits_is_taken(task: Task) -> None:
    large = at_size(task, 4096)
    free = forecast(large, 100_000 * MB)
    tight = forecast(large, free.memory - 100 * MB)
    assert free.plan == MemoryPlan()
    assert tight.plan.tile > 0
    assert tight.memory <= free.memory - 100 * MB
    least = forecast(large, tight.memory * 3 // 4)
    assert least.memory <= tight.memory * 3 // 4
    assert least.plan.dtype == "float16"


def test_too_little_memory_is_refused_with_a_size_that_fits(task: Task) -> None:
    large = at_size(task, 8192)
    *_, least = ladder(large.workload)
    allowed = forecast(large, plan=least).memory - 200 * MB
    message = r"At size=8192 this takes at least .* GB, and memory allows .*Try size=(\d+), or"
    with pytest.raises(OptionError, match=message) as refused:
        forecast(large, allowed)
    found = re.search(message, str(refused.value))
    assert found
    size = int(found[1])
    assert 4096 < size < 8192
    assert forecast(at_size(task, size), allowed).memory <= allowed
    with pytest.raises(OptionError):
        forecast(at_size(task, size + 64), allowed)


@pytest.mark.parametrize(("place", "itemsize"), [(0, 2), (1, 4)])
def test_posters_need_what_their_page_says(place: int, itemsize: int, task: Task) -> None:
    """The table's figures hold the program too, about 0.4 GB where nothing else is loaded."""
    text = (ROOT / "docs" / "controls" / "posters.md").read_text("utf-8")
    rows = re.findall(r"^\| `--size (\d+)` \| (.+) \|$", text, re.M)
    assert [int(size) for size, _ in rows] == [4096, 8192, 16384]
    for size, cells in rows:
        for proportion, cell in zip((9 / 16, 2 / 3, 3 / 4), cells.split(" | "), strict=True):
            config = GatysConfig(size=int(size))
            sizes, counts = scales_of(config, round(config.size * proportion), config.size)
            scales = [Scale(*size, n, MARGIN) for size, n in zip(sizes, counts, strict=True)]
            load = replace(task.workload, scales=tuple(scales))
            *_, least = ladder(load)
            need = load.bytes(least, itemsize) / 1e9 + 0.4
            assert need == pytest.approx(float(cell.split(", ")[place]), rel=0.04)


def test_the_program_alone_may_be_too_much(task: Task) -> None:
    with pytest.raises(OptionError, match=r"Even a tiny picture takes .* memory allows 0\.1 GB"):
        forecast(task, 100 * MB)


def test_a_texture_is_told_both_of_its_sides(folder: Path) -> None:
    config = TextureConfig(size=8192, width=8192, height=4096, iterations=4)
    task = made(folder, config)
    *_, least = ladder(task.workload)
    allowed = forecast(task, plan=least).memory - 200 * MB
    with pytest.raises(OptionError, match=r"At width=8192 height=4096 .* Try width=\d+ h"):
        forecast(task, allowed)


def test_what_has_no_windows_is_refused_rather_than_tiled(folder: Path) -> None:
    task = made(folder, LaplacianConfig(size=64, iterations=4))
    assert all(plan.tile == 0 for plan in ladder(task.workload))
    with pytest.raises(OptionError, match="looks at the picture as a whole"):
        forecast(at_size(task, 4096), 1_500 * MB)


def test_time_is_estimated_by_a_trial(task: Task) -> None:
    near, far = (forecast(at_size(task, n), timed=True).seconds for n in (256, 768))
    assert near is not None
    assert far is not None
    assert 3 < far / near < 27


def test_a_run_that_goes_on_takes_as_long_as_what_is_left_of_it(task: Task) -> None:
    load, (first, second) = task.workload, task.workload.scales
    assert load.left(0, 1).work == load.work - first.pixels
    assert load.left(1, 1).work == second.pixels * (second.iterations - 1)
    assert load.left(1, second.iterations).work == 0
    assert load.left(1, second.iterations, 7).work == second.pixels * 7
    *_, before = (step.snapshot() for step in paint(task) if step.scale == 1)
    whole, rest = (forecast(task, snapshot=s, timed=True).seconds for s in (None, before))
    assert whole is not None
    assert rest is not None
    assert rest < whole


def test_every_stage_of_laplacian_has_its_scales(folder: Path) -> None:
    config = LaplacianConfig(size=64, smallest=40, iterations=8)
    task = made(folder, config)
    steps = [(s.scale, s.scales, s.width, s.height, s.iterations) for s in paint(task)]
    told = [
        (i, len(task.workload.scales), scale.width, scale.height, scale.iterations)
        for i, scale in enumerate(task.workload.scales, 1)
    ]
    assert list(dict.fromkeys(steps)) == told
    third, fourth = task.workload.scales[2:]
    state = Snapshot({}, {"stage": 2, "scale": 1, "scales": 2, "iteration": 1})
    left = (replace(third, iterations=third.iterations - 1), fourth)
    assert _remaining(task.workload, state, 0).scales == left


@pytest.mark.parametrize("seamless", [False, True])
def test_a_texture_says_what_it_asks_for(folder: Path, seamless: bool) -> None:
    task = made(folder, TextureConfig(size=64, iterations=4, seamless=seamless))
    assert task.workload.pixels == (64 if seamless else 80) ** 2
    assert task.workload.can_tile
    assert task.workload.wrap == seamless
    assert forecast(task, timed=True).seconds


def test_the_levels_of_a_pyramid_take_more_than_the_picture_alone(
    folder: Path,
) -> None:
    load = made(folder, LaplacianConfig(size=64, iterations=4)).workload
    assert load.pyramid_layers[0] == "relu1_1"
    assert (
        load.bytes(MemoryPlan(), 4) > replace(load, pyramid_layers=()).bytes(MemoryPlan(), 4) * 1.1
    )


@pytest.mark.parametrize("config", [NnstConfig, MrfConfig])
def test_matching_takes_memory_and_time(folder: Path, config: Any) -> None:
    sources = Sources.of(folder / "photo.png", folder / "painting.png")
    task = prepare(sources, config(size=64, iterations=4))
    load = task.workload
    assert load.style_pixels == 48 * 64
    assert load.matching is not None
    positions = load.matching.positions(load.pixels)
    assert 0 < load.comparisons < positions**2 * len(load.scales)
    large = at_size(task, 4096).workload
    plan = MemoryPlan(128 * MB)
    without = replace(large, matching=None)
    assert large.bytes(plan, 4) > without.bytes(plan, 4) * 1.05
    painted = replace(large, style_pixels=large.pixels)
    assert painted.bytes(plan, 4) > large.bytes(plan, 4) * 1.05
    assert forecast(task, timed=True).seconds


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("4GB", 4 * 10**9),
        ("800 MB", 8 * 10**8),
        ("3.5GiB", 7 * 2**29),
        ("4g", 4 * 10**9),
        ("2 kib", None),
        ("4000000000", 4 * 10**9),
        ("4000000000 b", 4 * 10**9),
        ("999999ib", None),
        ("GB", None),
        ("-4GB", None),
        ("1e9", None),
    ],
)
def test_an_amount_of_memory_is_read_as_it_is_written(text: str, count: int | None) -> None:
    if count is not None:
        assert parse_memory(text) == count
        return
    with pytest.raises(OptionError, match="It takes an amount such as"):
        parse_memory(text)


class Broken:
    """A task whose memory cannot be had at its second scale, until the plan is a leaner one."""

    def __init__(self, task: Task, from_tile: int) -> None:
        self.task, self.from_tile = task, from_tile

    def run(self, execution: Execution) -> Iterator[Step]:
        for step in paint(self.task, execution):
            if step.scale == 2 and not 0 < execution.plan.tile <= self.from_tile:
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried …")
            yield step


def test_a_run_without_memory_goes_on_by_a_leaner_plan(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans: list[MemoryPlan] = []
    broken = replace(task, run=Broken(task, 64 * MB).run)

    def in_words(plan: MemoryPlan) -> str:
        plans.append(plan)
        return "with less"

    broken = replace(broken, workload=at_size(task, 4096).workload)
    with monkeypatch.context() as patch:
        patch.setattr(runner, "plan_in_words", in_words)
        result = consume(run(broken, execution=Execution()))
    assert result is not None
    assert result.recipe.plan == plans[-1]
    assert not result.interrupted
    assert [plan.tile // MB for plan in plans] == [128, 128, 64]
    assert [plan.dtype for plan in plans] == ["float32", "float16", "float16"]


@pytest.mark.parametrize("size", [128, 512, 1024, 4096, 16384])
def test_what_is_tried_next_needs_a_fifth_less(task: Task, size: int) -> None:
    load = at_size(task, size).workload
    plan: MemoryPlan | None = MemoryPlan()
    needs = []
    while plan is not None:
        needs.append(load.bytes(plan, 2))
        plan = leaner_plan(MemoryError(), load, plan, 2)
    assert len(needs) > 1
    assert all(b <= 0.8 * a for a, b in pairwise(needs))


def test_other_errors_are_not_hidden(task: Task) -> None:
    def fail(execution: Execution) -> Iterator[Step]:
        raise RuntimeError(f"something else with {execution.plan}")
        yield  # a generator

    with pytest.raises(RuntimeError, match="something else"):
        consume(run(replace(task, run=fail)))


def test_below_the_leanest_plan_the_error_is_raised(task: Task) -> None:
    *_, leanest = ladder(task.workload)
    assert leaner_plan(MemoryError(), task.workload, leanest, 4) is None
    assert leaner_plan(ValueError(), task.workload, MemoryPlan(), 4) is None
    broken = replace(task, run=Broken(task, 1).run)
    with pytest.raises(RuntimeError, match="can't allocate memory"):
        consume(run(broken, execution=Execution(leanest)))
