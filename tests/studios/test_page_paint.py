"""The page paints: photographs, styles, dials, the live look, settings that a picture brings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
from browsing import photograph
from playwright.sync_api import Route, expect
from serving import StudioServer

if TYPE_CHECKING:
    from browsing import Visitor


def newest(studio: StudioServer, title: str) -> dict[str, Any]:
    """Return the newest job of a photograph."""
    jobs: list[dict[str, Any]] = studio.get("/jobs")["items"]
    return next(job for job in jobs if job["title"].startswith(title))


def ready(visitor: Visitor, name: str = "photo.png", seed: int = 0) -> None:
    """Have a photograph, a style, and a small size chosen."""
    page = visitor.open()
    visitor.choose(".empty", photograph(seed, name))
    page.click(".style:has-text('Starry Night')")
    page.fill("[data-option=size] input", "64")
    page.press("[data-option=size] input", "Enter")


def test_a_photograph_is_painted(visitor: Visitor, page_studio: StudioServer) -> None:
    ready(visitor, "seine.png")
    page = visitor.page
    expect(page.locator(".look")).to_be_visible()
    page.click(".segment:has-text('Draft')")
    page.focus("[data-option=strength] input")
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-option=strength] output")).to_have_text("51 %")
    expect(page.locator(".forecast")).to_contain_text("memory")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".current a.is-done")).to_be_visible()
    job = newest(page_studio, "seine")
    assert job["method"] == "instant"
    assert job["request"]["options"] == {"strength": 0.51, "size": 64}, "only what was changed"
    page.click(".current a")
    expect(page.locator(".detail h1")).to_contain_text("seine")


def test_several_photographs_and_styles(visitor: Visitor, page_studio: StudioServer) -> None:
    page = visitor.open()
    visitor.drop(".stage", photograph(1, "one.png"), photograph(2, "two.png"))
    expect(page.locator(".strip li")).to_have_count(2)
    page.check("#several-styles")
    page.click(".style:has-text('Great Wave')")
    page.click(".style:has-text('Etching'), .style:has-text('etching')")
    page.locator(".weight input").first.fill("0.5")
    page.locator(".chosen select").last.select_option("fine")
    page.fill("[data-option=size] input", "64")
    page.click(".segment:has-text('Draft')")
    page.click(".go button:has-text('Paint 2 pictures')")
    expect(page.locator(".current a")).to_have_count(2)
    first, second = (newest(page_studio, name) for name in ("one", "two"))
    assert first["group"] == second["group"] is not None
    assert [s["weight"] for s in first["request"]["styles"]] == [0.5, 1.0]
    assert [s["use"] for s in first["request"]["styles"]] == ["", "fine"]


def test_only_the_last_movement_of_a_dial_is_looked_at(visitor: Visitor) -> None:
    page = visitor.page
    asked: list[float] = []

    def note(route: Route) -> None:
        sent: Any = route.request.post_data_json
        asked.append(sent["options"].get("strength", 0.5))
        route.continue_()

    page.route("**/api/v1/looks", note)
    ready(visitor)
    expect(page.locator(".look")).to_be_visible()
    before = page.get_attribute(".look", "src")
    asked.clear()
    page.focus("[data-option=strength] input")
    for _ in range(12):
        page.keyboard.press("ArrowLeft")
    expect(page.locator(".look")).not_to_have_attribute("src", str(before))
    expect(page.locator(".stage-caption")).to_have_text("")
    assert asked[-1] == 0.38
    assert len(asked) <= 4, "movements in between are not computed"
    page.keyboard.down("c")
    expect(page.locator(".look")).to_be_hidden()
    page.keyboard.up("c")
    expect(page.locator(".look")).to_be_visible()


def test_all_options_are_in_a_drawer(visitor: Visitor, page_studio: StudioServer) -> None:
    ready(visitor, "drawer.png")
    page = visitor.page
    page.click("summary:has-text('All options')")
    schema = page_studio.get("/schema")
    names = {option["name"] for option in schema["methods"]["quick"]["options"]}
    shown = page.locator(".side [data-option]").evaluate_all(
        "all => all.map(e => e.dataset.option)"
    )
    assert names - set(shown) == set()
    field = page.locator(".field[data-option=iterations]")
    expect(field).to_contain_text("--iterations")
    expect(field).to_contain_text("1 to 100000")
    field.locator("input").fill("0")
    page.keyboard.press("Tab")
    page.click(".go .button")
    expect(field.locator(".trouble")).to_contain_text("--iterations is 0")
    expect(field.locator("input")).to_have_attribute("aria-invalid", "true")
    field.locator("input").fill("3")
    page.keyboard.press("Tab")
    expect(field.locator(".trouble")).to_be_hidden()
    page.fill(".drawer-search >> nth=0", "seed")
    expect(page.locator(".field[data-option=seed]")).to_be_visible()
    expect(field).to_be_hidden()
    page.click("summary:has-text('The file')")
    page.select_option(".field[data-option=suffix] select", ".jpg")
    page.click(".go .button")
    expect(page.locator(".current a")).to_be_visible()
    request = newest(page_studio, "drawer")["request"]
    assert request["options"] == {"size": 64, "iterations": 3}
    assert request["output"] == {"suffix": ".jpg"}


def test_a_painting_of_ones_own_becomes_a_style(visitor: Visitor) -> None:
    page = visitor.open()
    visitor.choose(".style.more", photograph(5, "my-painting.png"))
    own = page.locator(".own")
    expect(own.locator("button.style")).to_have_attribute("aria-pressed", "true")
    page.reload()
    expect(own).to_contain_text("my-painting")
    page.click("[aria-label='Remove the style my-painting']")
    expect(own).to_have_count(0)
    page.click(".notice button:has-text('Undo')")
    expect(own).to_have_count(1)
    page.click("[aria-label='Remove the style my-painting']")
    expect(own).to_have_count(0)


def test_settings_of_a_painted_picture_are_offered(
    visitor: Visitor, page_studio: StudioServer, picture: dict[str, Any]
) -> None:
    data = httpx.get(page_studio.url + picture["file"]).content
    page = visitor.open("gallery")
    visitor.drop("main", {"name": "painted.png", "mimeType": "image/png", "buffer": data})
    rows = page.locator("dialog .difference tbody tr")
    expect(rows.filter(has_text="Strength")).to_contain_text(re.compile("0.5.*0.8"))
    expect(rows.filter(has_text="Method")).to_contain_text(re.compile("quick.*instant"))
    page.keyboard.press("Escape")
    page.goto(f"{visitor.url}/#/paint")
    expect(page.locator("[data-option=strength] output")).to_have_text("50 %")
    visitor.drop(".stage", {"name": "painted.png", "mimeType": "image/png", "buffer": data})
    page.click("dialog button:has-text('Take these settings')")
    expect(page.locator("[data-option=strength] output")).to_have_text("80 %")
    expect(page.locator(".segment:has-text('Draft') input")).to_be_checked()
    expect(page.locator(".chosen")).to_contain_text("Starry Night")
    expect(page.locator(".photo")).to_be_visible()  # the photograph is here, so it is taken too


def test_what_is_missing_is_said(visitor: Visitor) -> None:
    page = visitor.open()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".go .trouble")).to_have_text("Choose a photograph.")
    visitor.drop(".stage", {"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"})
    expect(page.locator(".notice.error")).to_contain_text("a.png")
    visitor.choose(".empty", photograph(1))
    expect(page.locator(".photo")).to_be_visible()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".go .trouble")).to_have_text("Choose a style.")


def test_a_texture(visitor: Visitor, page_studio: StudioServer) -> None:
    page = visitor.open("texture")
    page.click(".style:has-text('The Great Wave')")
    page.fill(".field[data-option=width] input", "96")
    page.fill(".field[data-option=height] input", "64")
    page.check(".field[data-option=seamless] input")
    expect(page.locator(".forecast")).to_contain_text("memory")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".current a")).to_be_visible()
    (job, *_) = page_studio.get("/jobs")["items"]
    assert job["task"] == "texture"
    assert job["request"]["options"] == {"width": 96, "height": 64, "seamless": True}
