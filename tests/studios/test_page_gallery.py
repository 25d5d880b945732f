"""The gallery on the page: thousands of pictures, search, comparison, what becomes of one."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
from playwright.sync_api import Page, Route, expect
from serving import StudioServer

if TYPE_CHECKING:
    from browsing import Visitor


def scale(page: Page) -> float:
    """Return how large the picture is shown: 1 for a pixel of the screen each."""
    return float(page.inner_text(".zoom-value").removesuffix("%").strip()) / 100


def test_ten_thousand_pictures(visitor: Visitor) -> None:
    """Pages are fetched while one scrolls, and only what is in sight are elements."""
    asked = []

    def answer(route: Route) -> None:
        query = parse_qs(urlsplit(route.request.url).query)
        start = int(query.get("before", ["0"])[0])
        asked.append(start)
        end = min(10_000, start + int(query["limit"][0]))
        items: list[dict[str, Any]] = [
            {
                "id": f"{n:016x}",
                "title": f"Picture {n}",
                "name": f"{n}.png",
                "bytes": 1,
                "created": "2026-01-01T00:00:00Z",
                "width": 300 + n % 200,
                "height": 260,
                "method": "quick",
                "styles": [],
                "job": None,
                "photograph": None,
                "thumbnail": "/icon.svg",
                "view": "/icon.svg",
                "file": "/icon.svg",
            }
            for n in range(start, end)
        ]
        told = {"items": items, "next": str(end) if end < 10_000 else None, "total": 10_000}
        route.fulfill(body=json.dumps(told), content_type="application/json")

    visitor.page.route("**/api/v1/pictures?*", answer)
    page = visitor.open("gallery")
    expect(page.locator(".gallery-top p")).to_have_text("10000 pictures")
    for _ in range(400):
        if len(asked) == 100:
            break
        page.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")
        page.wait_for_timeout(25)
    assert asked == list(range(0, 10_000, 100))
    page.wait_for_timeout(100)
    page.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")
    expect(page.locator("[aria-label='Picture 9999, quick']")).to_be_visible()
    assert page.locator(".tile").count() < 120
    page.click("[aria-label='Picture 9999, quick']", no_wait_after=True)
    expect(page.locator(".detail")).to_contain_text("No such picture")
    page.go_back()
    expect(page.locator("[aria-label='Picture 9999, quick']")).to_be_focused()


@pytest.mark.usefixtures("picture")
def test_search(visitor: Visitor, page_studio: StudioServer) -> None:
    page = visitor.open("gallery")
    expect(page.locator(".tile").filter(has_text="Harbour")).to_be_visible()
    page_studio.wait(page_studio.paint(title="Mountain", styles=[{"style": "etching"}])["id"])
    expect(page.locator(".tile").first).to_contain_text("Mountain")  # it came by itself
    page.keyboard.press("/")
    page.keyboard.type("moun")
    expect(page.locator(".gallery-top p")).to_have_text("1 picture")
    expect(page.locator(".tile")).to_contain_text("Mountain")
    page.fill("[aria-label='Search the gallery']", "")
    page.select_option("[aria-label=Style]", "etching")
    expect(page.locator(".tile").first).to_contain_text("Mountain")
    page.select_option("[aria-label=Style]", "")
    page.fill("[aria-label='Painted until']", "2001-01-01")
    expect(page.locator(".gallery-top p")).to_have_text("No picture is like that.")


def test_zoom_and_comparison(visitor: Visitor, picture: dict[str, Any]) -> None:
    page = visitor.open(f"gallery/{picture['id']}")
    expect(page.locator(".recipe")).to_contain_text("instant")
    fitted = scale(page)
    page.keyboard.press("1")
    assert scale(page) == 1
    page.keyboard.press("0")
    assert scale(page) == fitted
    image = page.locator(".layer img").first
    box: Any = page.locator(".pane").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.wheel(0, -400)
    assert scale(page) > fitted
    before = image.evaluate("one => one.style.transform")
    page.mouse.down()
    page.mouse.move(box["x"] + 150, box["y"] + 120, steps=3)
    page.mouse.up()
    assert image.evaluate("one => one.style.transform") != before
    page.keyboard.press("c")
    slider = page.locator(".compare-slider")
    slider.focus()
    slider.fill("25")
    assert page.locator(".viewer").evaluate("v => v.style.getPropertyValue('--cut')") == "25%"
    expect(page.locator(".layer.over img")).to_have_attribute("src", re.compile("/uploads/"))
    page.click("[data-mode=side]")
    expect(page.locator(".pane")).to_have_count(2)
    other = page.locator("[aria-label='Compare with'] option").nth(1)
    page.select_option("[aria-label='Compare with']", other.get_attribute("value"))
    expect(page.locator(".pane img").first).to_have_attribute("src", re.compile("/pictures/"))
    page.keyboard.press("Escape")
    expect(page.locator(".wall")).to_be_visible()


def test_what_becomes_of_a_picture(
    visitor: Visitor, page_studio: StudioServer, picture: dict[str, Any]
) -> None:
    page = visitor.open(f"gallery/{picture['id']}")
    page.click("button:has-text('Paint again')")
    expect(page.locator(".notice").filter(has_text="Painted: Harbour")).to_be_visible()
    page.click("button:has-text('As a poster')")
    page.fill("#poster-size", "96")
    expect(page.locator("dialog .forecast")).to_contain_text("memory")
    page.click("dialog button:has-text('Paint it')")
    expect(page.locator(".notice").filter(has_text="in the queue")).to_be_visible()
    with page.expect_download() as download:
        page.click("a:has-text('Download')")
    assert download.value.suggested_filename.endswith(".png")
    page.click("button:has-text('With other settings')")
    expect(page.locator("[data-option=strength] output")).to_have_text("80 %")
    expect(page.locator(".photo")).to_have_attribute("alt", re.compile("harbour.png"))
    poster = next(job for job in page_studio.get("/jobs")["items"] if job["title"] == "Harbour")
    assert poster["request"]["options"] == {"size": 96, "strength": 0.8, "stroke": 2.0}


def test_a_deleted_picture_comes_back(
    visitor: Visitor, page_studio: StudioServer, picture: dict[str, Any]
) -> None:
    id = picture["id"]
    page = visitor.open(f"gallery/{id}")
    page.click("button:has-text('Delete')")
    page.wait_for_url(re.compile(rf"#/gallery(?!/{id})"))
    assert page_studio.client.get(f"/pictures/{id}").status_code == 404
    page.click(".notice button:has-text('Undo')")
    expect(page.locator(".detail h1")).to_have_text("Harbour")
    assert page_studio.get(f"/pictures/{id}")["title"] == "Harbour"
