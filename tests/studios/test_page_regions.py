"""The brush draws maps: regions over a photograph, doodles; by mouse, by touch and by keys."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from PIL import Image

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
from browsing import Visitor, flat_colours, photograph
from playwright.sync_api import Page, expect
from serving import StudioServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser

RED, OCHRE, GREEN = "#d7263d", "#f4b400", "#1b998b"


def begin(visitor: Visitor, name: str = "map.png") -> Page:
    """Have a photograph and a style chosen, and the brush in hand."""
    page = visitor.open()
    visitor.choose(".empty", photograph(3, name, width=192, height=128))
    page.click(".style:has-text('Starry Night')")
    page.click(".chip:has-text('Regions')")
    expect(page.locator(".brush-canvas")).to_be_visible()
    page.wait_for_function("document.querySelector('.brush-canvas').width > 300")
    return page


def stroke(page: Page, *points: tuple[float, float]) -> None:
    """Draw through points, in shares of the canvas."""
    box: Any = page.locator(".brush-canvas").first.bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=6)
    page.mouse.up()


def saved(page: Page) -> bytes:
    """Save the map, and return the file."""
    with page.expect_download() as download:
        page.locator("[aria-label='Save the map']").first.click()
    return Path(download.value.path()).read_bytes()


def share_of(colour: str, data: bytes) -> float:
    """Return the part of a map that has a colour."""
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    counted: Any = picture.getcolors(maxcolors=10_000)
    wanted = tuple(int(colour[n : n + 2], 16) for n in (1, 3, 5))
    found: int = sum(n for n, rgb in counted if rgb == wanted)
    return found / (picture.width * picture.height)


def test_regions_are_painted_in_flat_colours(visitor: Visitor, page_studio: StudioServer) -> None:
    page = begin(visitor, "regions.png")
    stroke(page, (0.3, 0.3), (0.4, 0.6))
    page.click("[aria-label^='Colour 2']")
    stroke(page, (0.7, 0.3), (0.6, 0.7))
    assert flat_colours(saved(page)) == {"#ffffff", RED, OCHRE}
    page.keyboard.press("Control+z")
    assert flat_colours(saved(page)) == {"#ffffff", RED}
    page.keyboard.press("Control+Shift+z")
    page.select_option(f"[aria-label='What happens in {RED}']", "=keep")
    page.select_option(f"[aria-label='What happens in {OCHRE}']", "great-wave")
    page.check(f"li[data-colour='{OCHRE}'] input[type=checkbox]")
    page.fill(f"[aria-label='Strength in {OCHRE}']", "0.75")
    page.fill("[data-option=size] input", "96")
    page.press("[data-option=size] input", "Enter")
    page.click(".segment:has-text('Draft')")
    page.click(".go .button")
    expect(page.locator(".current a")).to_be_visible()
    job = next(j for j in page_studio.get("/jobs")["items"] if j["title"].startswith("regions"))
    regions = job["request"]["options"]["region"]
    assert set(regions) == {f"{RED}=keep", f"{OCHRE}=great-wave:0.75"}
    sent = page_studio.get(f"/uploads/{job['request']['content_map']['upload']}")
    drawn = httpx.get(page_studio.url + sent["view"]).content
    assert sent["width"] == 192
    assert drawn


def test_the_tools_of_the_brush(visitor: Visitor) -> None:
    page = begin(visitor)

    def share(colour: str) -> float:
        return share_of(colour, saved(page))

    stroke(page, (0.5, 0.5), (0.5, 0.5))
    small = share(RED)
    for _ in range(4):
        page.keyboard.press("]")
    stroke(page, (0.5, 0.5), (0.5, 0.5))
    assert share(RED) > 2 * small
    page.keyboard.press("e")
    stroke(page, (0.5, 0.5), (0.5, 0.5))
    assert share(RED) == 0
    page.keyboard.press("3")
    page.keyboard.press("f")
    stroke(page, (0.2, 0.2))
    assert share(GREEN) == 1
    page.click("[aria-label='Clear the map']")
    assert share("#ffffff") == 1
    page.click("[aria-label='Undo']")
    assert share(GREEN) == 1


def test_the_brush_by_keys_alone(visitor: Visitor) -> None:
    page = begin(visitor)
    page.focus(".brush-canvas")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    assert 0 < share_of(RED, saved(page)) < 0.5, "keys alone paint, too"
    page.focus(".brush-canvas")
    for _ in range(60):
        page.keyboard.press("Space")
    for _ in range(60):
        page.keyboard.press("Control+z")
    assert share_of(RED, saved(page)) > 0, "fifty steps back are kept"
    page.keyboard.press("Escape")
    expect(page.locator(".brush-canvas")).to_be_hidden()
    expect(page.locator(".region-panel")).to_be_visible()


def test_a_map_from_a_file(visitor: Visitor) -> None:
    page = begin(visitor)
    drawn = page.evaluate(
        """async () => {
            const canvas = new OffscreenCanvas(96, 64);
            const context = canvas.getContext("2d");
            context.fillStyle = "#0000ff";
            context.fillRect(0, 0, 96, 64);
            context.fillStyle = "#ff8800";
            context.arc(48, 32, 20, 0, 7);
            context.fill();  // its edge is anti-aliased
            const blob = await canvas.convertToBlob();
            return [...new Uint8Array(await blob.arrayBuffer())];
        }"""
    )
    assert len(flat_colours(bytes(drawn))) > 2
    file = {"name": "m.png", "mimeType": "image/png", "buffer": bytes(drawn)}
    visitor.drop(".editor", file)
    expect(page.locator(".regions li")).to_have_count(2)
    assert flat_colours(saved(page)) == {"#0000ff", "#ff8800"}
    visitor.drop(".editor", photograph(1, "square.png", width=64, height=64))
    expect(page.locator(".notice.error")).to_contain_text("proportions")


def test_fingers_draw_and_two_of_them_zoom(browser: Browser, page_studio: StudioServer) -> None:
    visitor = Visitor(
        browser, page_studio.url, viewport={"width": 390, "height": 844}, has_touch=True
    )
    page = begin(visitor)
    touch = visitor.context.new_cdp_session(page)
    box: Any = page.locator(".brush-canvas").bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    def send(kind: str, *points: tuple[float, float]) -> None:
        places = [{"x": x, "y": y, "id": n} for n, (x, y) in enumerate(points)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    send("touchStart", middle)
    send("touchMove", (middle[0] + 30, middle[1]))
    send("touchEnd")
    one = share_of(RED, saved(page))
    assert one > 0
    left, right = (middle[0] - 20, middle[1] - 40), (middle[0] + 20, middle[1] - 40)
    send("touchStart", left)
    send("touchStart", left, right)
    send("touchMove", (left[0] - 60, left[1]), (right[0] + 60, right[1]))
    send("touchEnd")
    assert share_of(RED, saved(page)) == one, "what the first finger began is taken back"
    send("touchStart", middle)
    send("touchEnd")
    assert share_of(RED, saved(page)) - one < one, "zoomed in, the brush covers less"
    visitor.leave()


def test_other_settings_bring_the_regions_along(visitor: Visitor) -> None:
    page = begin(visitor, "brought.png")
    stroke(page, (0.3, 0.3), (0.4, 0.6))
    page.select_option(f"[aria-label='What happens in {RED}']", "great-wave")
    with page.expect_request("**/api/v1/looks") as look:
        page.keyboard.press("Escape")
    sent: Any = look.value.post_data_json
    assert sent["options"]["region"] == [f"{RED}=great-wave"], "the look is of the regions, too"
    page.fill("[data-option=size] input", "96")
    page.press("[data-option=size] input", "Enter")
    page.click(".segment:has-text('Draft')")
    page.click(".go .button")
    page.click(".current a.is-done")
    page.reload()
    page.click("button:has-text('With other settings')")
    expect(page.locator(".regions select").first).to_have_value("great-wave")


def test_a_doodle(visitor: Visitor, page_studio: StudioServer) -> None:
    page = visitor.open("doodle")
    visitor.choose(".style.more", photograph(7, "ground.png", width=192, height=128))
    first, second = (page.locator(".doodle-boards > section").nth(n) for n in (0, 1))
    expect(first.locator("canvas")).to_be_visible()
    page.wait_for_function("[...document.querySelectorAll('canvas')].every(c => c.width > 300)")
    for board in (first, second):
        box: Any = board.locator("canvas").bounding_box()
        page.mouse.move(box["x"] + box["width"] / 3, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=5)
        page.mouse.up()
        for _ in range(5):  # its part must be large enough for the network
            page.keyboard.press("]")
        page.mouse.down()
        page.mouse.up()
    page.click("summary:has-text('All options')")
    for name, value in (("size", "128"), ("iterations", "2"), ("smallest", "90")):
        page.fill(f".field[data-option={name}] input", value)
        page.keyboard.press("Tab")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".current a.is-done")).to_be_visible()
    job = next(j for j in page_studio.get("/jobs")["items"] if j["task"] == "doodle")
    assert job["request"]["options"] == {"size": 128, "iterations": 2, "smallest": 90}
