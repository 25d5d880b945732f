"""The page is for everybody: keys, readers, small screens, the dark; and it may be closed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
from browsing import Visitor, axe_source, photograph
from playwright.sync_api import Page, expect
from serving import StudioServer

from impasto.studio.accounts import add_user

if TYPE_CHECKING:
    from playwright.sync_api import Browser

VIEWS = ["paint", "queue", "gallery", "batch", "live", "train", "study", "doodle", "texture"]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
LONG_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"


def violations(page: Page) -> list[str]:
    """Return which of axe's rules do not hold, and where."""
    found: list[dict[str, Any]] = page.evaluate(
        "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"
    )
    return [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_rule_of_axe_is_broken(
    browser: Browser, page_studio: StudioServer, picture: dict[str, Any], scheme: str
) -> None:
    source = axe_source()
    visitor = Visitor(browser, page_studio.url, color_scheme=scheme, reduced_motion="reduce")
    for view in [*VIEWS, f"gallery/{picture['id']}"]:
        page = visitor.open(view)
        page.wait_for_timeout(500)
        page.evaluate(source)
        assert violations(page) == [], view
    page.keyboard.press("?")
    assert violations(page) == [], "the list of keys"
    page.keyboard.press("Escape")
    page = visitor.open("paint")
    visitor.choose(".empty", photograph(1))
    page.click(".style:has-text('Starry Night')")
    page.click("summary:has-text('All options')")
    page.click(".chip:has-text('Regions')")
    page.focus(".brush-canvas")
    page.keyboard.press("Space")
    expect(page.locator(".regions li")).to_have_count(1)
    page.evaluate(source)
    assert violations(page) == [], "the brush and the drawer"
    visitor.leave()


def test_views_and_help_by_keys(visitor: Visitor) -> None:
    page = visitor.open("paint")
    for key, view in (("q", "queue"), ("g", "gallery"), ("t", "texture"), ("d", "doodle")):
        page.keyboard.press("g")
        page.keyboard.press(key)
        expect(page.locator("nav a[aria-current]")).to_have_attribute("href", f"#/{view}")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Go to Gallery")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("g")
    page.keyboard.press("p")
    expect(page.locator("nav a[aria-current]")).to_have_attribute("href", "#/paint")
    page.keyboard.press("Tab")
    ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert ring == "solid", "the focus is seen"


def test_a_phone_holds_every_view(browser: Browser, page_studio: StudioServer) -> None:
    job = page_studio.paint(title=LONG_WORD)
    page_studio.post(f"/jobs/{job['id']}/cancel", status=200)
    visitor = Visitor(browser, page_studio.url, **PHONE)
    for view in VIEWS:
        page = visitor.open(view)
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") == 390, view
    page = visitor.open("queue")
    expect(page.locator(".job h3").first).to_have_text(LONG_WORD)
    page.tap("nav a:has-text('Paint')")
    visitor.choose(".empty", photograph(1, f"{LONG_WORD}.png"))
    page.tap(".style:has-text('Composition VII')")
    expect(page.locator(".look")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    button: Any = page.locator(".go .button").bounding_box()
    assert button["height"] >= 44, "a thumb hits it"
    assert button["y"] + button["height"] < 844, "it is in sight"
    visitor.leave()


def test_dark_and_light(browser: Browser, page_studio: StudioServer) -> None:
    visitor = Visitor(browser, page_studio.url, color_scheme="dark")
    page = visitor.open()
    theme = "document.documentElement.dataset.theme"
    assert page.evaluate(theme) == "dark"
    page.click("[aria-label='Change to light colours']")
    page.reload()
    expect(page.locator("main h1")).to_be_attached()
    assert page.evaluate(theme) == "light", "what was chosen stays"
    visitor.leave()


def test_a_closed_studio_asks_who_is_there(browser: Browser, tmp_path: Path) -> None:
    add_user(tmp_path / "users", "anna", "a long password")
    flags = ("--password-file", str(tmp_path / "users"), "--workers", "0")
    server = StudioServer(tmp_path / "files", *flags)
    try:
        visitor = Visitor(browser, server.url)
        page = visitor.page
        page.goto(visitor.url)
        page.fill("#user", "anna")
        page.fill("#password", "wrong")
        page.keyboard.press("Enter")
        expect(page.locator(".trouble")).to_be_visible()
        page.fill("#password", "a long password")
        page.keyboard.press("Enter")
        expect(page.locator(".style").nth(3)).to_be_visible()
        page.click("[aria-label='Sign out (anna)']")
        expect(page.locator("#user")).to_be_visible()
        visitor.leave()
    finally:
        server.close()


def test_the_calls_are_listed(visitor: Visitor) -> None:
    visitor.page.goto(f"{visitor.url}/api")
    expect(visitor.page.locator(".call").filter(has_text="/api/v1/jobs").first).to_be_visible()
