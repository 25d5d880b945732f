"""The contract of every method: what is in the table `METHODS` is tested by being there."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from commands import ROOT, pixels, recipe_of
from impasto.cli.main import main
from impasto.config.bases import StyledConfig
from impasto.config.methods import METHODS, PictureConfig
from impasto.config.schema import json_schema
from impasto.config.specs import StyleSpec
from impasto.engine.snapshots import Execution
from impasto.engine.step import last
from impasto.errors import OptionError
from impasto.painting.prepare import prepare
from impasto.painting.sources import Sources
from impasto.painting.task import Task, paint
from impasto.run.events import Event, Noted, Result, Started, Stepped, consume
from impasto.run.forecast import forecast
from impasto.run.halt import Halt
from impasto.run.launch import RunOptions, begin, resume_run
from impasto.run.memory_fallback import ladder
from impasto.run.output import Output

TRAINED = ROOT / "tests" / "data" / "0.1.0" / "trained.impasto"

every_method = pytest.mark.parametrize("name", METHODS)


@pytest.fixture(autouse=True)
def _sources(folder: Path) -> None:
    """A map and a file of trained styles beside the photograph and the painting."""
    colours = np.zeros((48, 64, 3), np.uint8)
    colours[:, :32], colours[:, 32:] = (255, 0, 0), (0, 0, 255)
    Image.fromarray(colours).save("map.png")
    sheet = Image.new("L", (64, 48), 255)
    ImageDraw.Draw(sheet).ellipse((16, 6, 44, 30), outline=0, width=2)
    ImageDraw.Draw(sheet).line((0, 38, 63, 38), fill=0, width=2)
    sheet.save("drawing.png")
    shutil.copy(TRAINED, folder / "trained.impasto")


def config_of(name: str, **options: Any) -> PictureConfig:
    """Options for a small and short run."""
    if METHODS[name].optimises:
        options = {"iterations": 6, **options}
    return METHODS[name].config(size=64, **options)


def task_of(name: str, **options: Any) -> Task:
    """A task from the sources that a method takes."""
    method = METHODS[name]
    styles = (StyleSpec("trained.impasto" if method.takes_trained else "painting.png"),)
    if issubclass(method.config, StyledConfig):
        sources = Sources("photo.png", styles)
    elif name == "doodle":
        sources = Sources(styles=styles, content_map="map.png", style_maps=("map.png",))
    elif name == "sketch":
        sources = Sources("drawing.png", styles)
    else:
        sources = Sources(styles=styles)
    return prepare(sources, config_of(name, **options))


def run(
    name: str, out: str, options: RunOptions | None = None, handle: Callable[[Event], None] = print
) -> Result:
    task = task_of(name)
    events = begin(lambda: task, Output(Path(out)), options or RunOptions(), 64)
    result = consume(events, handle)
    assert result is not None
    return result


@every_method
def test_it_paints_reports_and_repeats(name: str) -> None:
    events: list[Event] = []
    result = run(name, "out.png", handle=events.append)
    assert isinstance(events[0], Started)
    steps = [event for event in events if isinstance(event, Stepped)]
    assert (len(steps) > 1) == METHODS[name].optimises
    assert steps[-1].done == pytest.approx(1.0)
    assert result.recipe == recipe_of("out.png")
    assert result.recipe.method == name
    assert not result.interrupted
    assert pixels("out.png").std() > 1
    assert not Path("out.run").exists()
    assert main(["rerun", "out.png", "-o", "again.png", "--quiet"]) == 0
    assert (pixels("again.png") == pixels("out.png")).all()


@every_method
def test_it_is_stopped_and_goes_on_to_the_same_pixels(name: str) -> None:
    count = 0

    def stop() -> Halt:
        nonlocal count
        count += 1
        return Halt.AT_ONCE if count == 3 else Halt.NO

    run(name, "straight.png")
    stopped = run(name, "out.png", RunOptions(stop=stop))
    if METHODS[name].optimises:
        assert stopped.picture is None
        assert stopped.folder == Path("out.run")
        assert not Path("out.png").exists()
        notes: list[Event] = []
        events = resume_run(
            Path("out.run"), lambda record: Output(Path(record.goal.path)), RunOptions()
        )
        consume(events, notes.append)
        assert any(isinstance(note, Noted) and "after scale" in note.message for note in notes)
    assert (pixels("out.png") == pixels("straight.png")).all()
    assert not Path("out.run").exists()


@every_method
def test_its_memory_is_estimated_and_a_tiled_plan_paints_the_same(name: str) -> None:
    task = task_of(name)
    estimate = forecast(task, timed=True)
    assert 0 < estimate.memory <= estimate.allowed
    assert (estimate.seconds is not None) == METHODS[name].optimises
    with pytest.raises(OptionError, match=r"allows 0\.0 GB"):
        forecast(task, 10**6)
    leanest = list(ladder(task.workload))[-1]
    whole, lean = (last(paint(task, Execution(plan))).image() for plan in (estimate.plan, leanest))
    # Rounding grows with each step; that single steps are the same is tested beside the solver.
    assert (whole - lean).abs().mean() < 0.05


@every_method
def test_it_refuses_what_its_schema_refuses(name: str) -> None:
    schema = json_schema(name)["properties"]
    assert set(schema) == set(METHODS[name].config.__dataclass_fields__)
    below = schema["size"]["minimum"] - 1
    with pytest.raises(OptionError, match=f"size is {below}"):
        METHODS[name].config(size=below)
    with pytest.raises(TypeError):
        METHODS[name].config(**{"no_such_option": 1})  # type: ignore[arg-type]


@every_method
def test_it_has_a_page(name: str) -> None:
    pages = "".join(page.read_text("utf-8") for page in (ROOT / "docs" / "controls").glob("*.md"))
    assert f"--method {name}" in pages or f"impasto {name}" in pages
