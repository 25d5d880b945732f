"""The page of films: from the clip to the gallery, as a person does it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytest.importorskip("av", reason="the extra `film` is not installed")
from browsing import Visitor, axe_source, photograph
from filming import film
from playwright.sync_api import Page, expect
from serving import StudioServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PATIENCE = 120_000  # milliseconds: a busy machine may be ten times slower than a quiet one
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}

Json = dict[str, Any]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Json:
    """A film of 30 frames in 1.2 seconds, as a browser's file chooser takes it."""
    path = film(tmp_path_factory.mktemp("clip") / "walk.mp4", sound="aac")
    return {"name": "walk.mp4", "mimeType": "video/mp4", "buffer": path.read_bytes()}


@pytest.fixture(scope="module")
def painted(page_studio: StudioServer, clip: Json) -> Json:
    """A part of it that is painted, from its second 0.4."""
    sent = page_studio.upload(clip["buffer"], "walk.mp4")
    request = {
        "task": "film",
        "contents": [{"upload": sent["id"]}],
        "styles": [{"style": "great-wave"}],
        "preset": "draft",
        "options": {"size": 96, "start": 0.4, "strength": 0.8},
        "output": {"suffix": ".mp4"},
    }
    done = page_studio.wait(page_studio.post("/jobs", request)["jobs"][0]["id"])
    assert done["state"] == "done", done["message"]
    told: Json = page_studio.get(f"/pictures/{done['picture']}")
    return told


def chosen(visitor: Visitor, clip: Json) -> Page:
    """The page with a film and a style."""
    page = visitor.open("film")
    visitor.choose("button:has-text('Choose a film')", clip)
    expect(page.locator(".file[data-state=there]")).to_contain_text("0:01.2")
    page.click(".style:has-text('etching'):not(:has(.trained-sign))")
    page.fill("[data-option=size] input", "64")
    page.press("[data-option=size] input", "Tab")
    return page


def time(page: Page, name: str) -> Any:
    return page.locator(f".cut[data-option={name}] input.time")


def frames_are_seen(page: Page, selector: str) -> None:
    page.wait_for_function(
        "selector => document.querySelector(selector)?.readyState >= 2", arg=selector
    )


def test_paints_a_part_of_a_film(visitor: Visitor, page_studio: StudioServer, clip: Json) -> None:
    page = visitor.open("film")
    expect(page.locator(".clip")).to_be_hidden()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".go .trouble")).to_have_text("Choose a film.")
    visitor.choose("button:has-text('Choose a film')", photograph(1, "still.png"))
    expect(page.locator(".file[data-state=refused]")).to_contain_text("nothing in it moves")
    page = chosen(visitor, clip)
    frame = page.locator(".clip-frame img")
    expect(frame).to_have_attribute("src", re.compile("/view$"))
    sliders = page.locator(".cut input[type=range]")
    sliders.nth(0).fill("0.4")
    expect(page.locator(".clip-frame figcaption")).to_have_text("0:00.4")
    expect(frame).to_have_attribute("src", re.compile(r"seconds=0\.400"))
    assert frame.evaluate("image => image.naturalWidth") == 96
    expect(time(page, "start")).to_have_value("0:00.4")
    time(page, "stop").fill("0:00.8")
    time(page, "stop").press("Tab")
    expect(page.locator(".clip-frame figcaption")).to_have_text(
        "0:00.76"
    )  # the last that is painted
    expect(page.locator(".clip-part [role=status]")).to_have_text(
        "0.4 s, 10 frames, 25 a second, with sound"
    )
    page.reload()  # everything is kept
    expect(time(page, "stop")).to_have_value("0:00.8")
    page.click(".go .button.primary")
    video = page.locator(".painted-film video")
    expect(video).to_be_visible(timeout=PATIENCE)
    frames_are_seen(page, ".painted-film video")
    assert video.evaluate("film => film.duration") == pytest.approx(0.4, abs=0.05)
    job = page_studio.get("/jobs")["items"][0]
    assert job["request"]["options"] == {"size": 64, "start": 0.4, "stop": 0.8}
    page.click("a:has-text('In the gallery')")
    expect(page.locator(".detail h1")).to_have_text("walk-etching")


def test_tries_three_frames(visitor: Visitor, clip: Json) -> None:
    page = chosen(visitor, clip)
    page.keyboard.press("t")
    frames = page.locator(".trial-frame img")
    expect(frames).to_have_count(3, timeout=PATIENCE)
    expect(page.locator(".trial [role=status]")).to_contain_text("30 frames of 64 × 43 pixels")
    expect(page.locator(".trial [role=status]")).to_contain_text("of disc")
    expect(frames.first).to_have_attribute("alt", "Painted, at 0:00.2")
    painted = frames.first.get_attribute("src")
    page.locator(".trial-frame").first.click()
    expect(frames.first).to_have_attribute("src", re.compile("/frame"))
    page.locator(".trial-frame").first.click()
    expect(frames.first).to_have_attribute("src", str(painted))
    expect(page.get_by_text("Other settings are chosen since.")).to_be_hidden()
    page.locator(".dial[data-option=steady] input").fill("0.5")
    expect(page.get_by_text("Other settings are chosen since.")).to_be_visible()


def test_a_trial_can_be_left(visitor: Visitor, clip: Json) -> None:
    page = chosen(visitor, clip)
    page.route("**/api/v1/trials", lambda _: None)  # no answer comes
    page.click("button:has-text('Try')")
    expect(page.locator(".trial [role=status]")).to_contain_text("Painting three frames")
    page.click(".trial button:has-text('Cancel')")
    expect(page.locator(".trial")).to_be_hidden()
    expect(page.locator(".go .trouble")).to_be_hidden()


def test_a_refusal_stands_beside_its_option(visitor: Visitor, clip: Json) -> None:
    page = chosen(visitor, clip)
    time(page, "start").fill("soon")
    time(page, "start").press("Tab")
    page.click(".go .button.primary")
    part = page.locator(".cut[data-option=start]")
    expect(part.locator(".trouble")).to_contain_text("--start is 'soon'")
    expect(time(page, "start")).to_have_attribute("aria-invalid", "true")
    time(page, "start").fill("")
    time(page, "start").press("Tab")
    expect(part.locator(".trouble")).to_be_hidden()
    page.click("summary:has-text('The film')")
    field = page.locator(".field[data-option=overlap]")
    field.locator("input").fill("0")
    field.locator("input").press("Enter")
    page.click(".go .button.primary")
    expect(field.locator(".trouble")).to_contain_text("--overlap is 0")


def test_two_styles_may_turn_into_each_other(visitor: Visitor, clip: Json) -> None:
    page = chosen(visitor, clip)
    change = page.locator(".field[data-option=change]")
    expect(change).to_be_hidden()
    page.click("label:has-text('Several')")
    page.click(".style:has-text('Great Wave')")
    expect(change).to_be_visible()
    change.locator("input").fill("a while")
    change.locator("input").press("Enter")
    page.click(".go .button.primary")
    expect(change.locator(".trouble")).to_contain_text("--change is 'a while'")


def test_a_film_that_is_dropped_anywhere_is_painted_as_one(visitor: Visitor, clip: Json) -> None:
    page = visitor.open("gallery")
    visitor.drop("main", clip)
    expect(page.locator("main h1")).to_have_text("Film")
    expect(page.locator(".file")).to_contain_text("walk.mp4")
    expect(page.locator(".clip-frame img")).to_be_visible()


def test_a_painted_film_brings_its_settings(
    visitor: Visitor, page_studio: StudioServer, painted: Json
) -> None:
    data = page_studio.client.get(f"/pictures/{painted['id']}/file").content
    page = visitor.open("paint")
    visitor.drop("main", {"name": "found.mp4", "mimeType": "video/mp4", "buffer": data})
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("In this film")
    expect(dialog.locator("tr:has-text('Strength')")).to_contain_text("0.8")
    dialog.get_by_role("button", name="Take these settings").click()
    expect(page.locator("main h1")).to_have_text("Film")
    expect(page.locator(".file")).to_contain_text("walk.mp4")  # what it was painted from
    expect(time(page, "start")).to_have_value("0:00.4")
    expect(page.locator(".style[aria-pressed=true]")).to_contain_text("Great Wave")
    expect(page.locator(".dial[data-option=strength] output")).to_have_text("80 %")


def test_plays_a_film_beside_the_one_before(visitor: Visitor, painted: Json) -> None:
    page = visitor.open("gallery")
    tile = page.locator(f".tile[data-id='{painted['id']}']")
    expect(tile.locator(".tile-length")).to_have_text("0:00.8")
    tile.locator("a").click()
    frames_are_seen(page, ".viewer video")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    page.wait_for_function("() => document.querySelector('video').currentTime > 0.1")
    page.get_by_role("button", name="Pause", exact=True).click()
    page.click(".compare-bar button:has-text('Side by side')")
    expect(page.locator(".viewer video")).to_have_count(2)
    seek = page.get_by_label("Where the film is")
    seek.fill("0.4")
    # Painted from 0.4 on, so the film before is further on by as much.
    page.wait_for_function(
        "() => [...document.querySelectorAll('.viewer video')]"
        ".every((one, n) => Math.abs(one.currentTime - [0.8, 0.4][n]) < 0.05)"
    )
    page.keyboard.press("c")
    expect(page.get_by_label("Where the films meet")).to_be_attached()
    expect(page.locator(".recipe")).to_contain_text("From")
    with page.expect_download() as download:
        page.click(".detail-actions a[download]")
    assert download.value.suggested_filename == "walk-great-wave.mp4"
    assert Path(download.value.path()).stat().st_size == painted["bytes"]
    page.click("button:has-text('With other settings')")
    expect(page.locator("main h1")).to_have_text("Film")
    expect(time(page, "start")).to_have_value("0:00.4")


def test_is_cancelled_while_it_is_painted(visitor: Visitor, clip: Json) -> None:
    page = chosen(visitor, clip)
    page.click("label.segment:has-text('Method')")
    page.get_by_role("combobox", name="Method").select_option("gatys")
    page.click("summary:has-text('All options')")
    iterations = page.locator(".field[data-option=iterations] input")
    iterations.fill("3000")
    iterations.press("Enter")
    page.click(".go .button.primary")
    card = page.locator(".result-view .job")
    expect(card.locator(".state")).to_have_text("Painting", timeout=PATIENCE)
    card.get_by_role("button", name="Cancel").click()
    expect(card).to_have_attribute("data-state", "cancelled")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_of_films_heed_axe(
    browser: Browser, page_studio: StudioServer, clip: Json, painted: Json, scheme: str
) -> None:
    source = axe_source()
    visitor = Visitor(browser, page_studio.url, color_scheme=scheme, reduced_motion="reduce")
    page = chosen(visitor, clip)
    page.keyboard.press("t")
    expect(page.locator(".trial-frame img")).to_have_count(3, timeout=PATIENCE)
    page.click("summary:has-text('The film')")
    views = {
        "": "main h1",
        f"film/{painted['job']}": "main h1",
        f"gallery/{painted['id']}": ".detail h1",
        "gallery": ".gallery-top h1",
    }
    for view, heading in views.items():
        if view:
            page = visitor.open(view)
            expect(page.locator(heading)).to_be_attached()
            expect(page.locator("main video:visible, main img:visible").first).to_be_visible()
        page.wait_for_timeout(300)
        page.evaluate(source)
        found: list[Json] = page.evaluate(
            "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"
        )
        broken = [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]
        assert broken == [], view
    visitor.leave()


def test_a_phone_holds_them(
    browser: Browser, page_studio: StudioServer, clip: Json, painted: Json
) -> None:
    visitor = Visitor(browser, page_studio.url, **PHONE)
    page = visitor.open()
    page.get_by_role("button", name="More").tap()
    page.tap("nav a:has-text('Film')")
    page = chosen(visitor, clip)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    for text in ("Try", "Paint the film"):
        button: Any = page.locator(f".go .button:has-text('{text}')").bounding_box()
        assert button["height"] >= 44, "a thumb hits it"
        assert button["y"] + button["height"] < 844, "it is in sight"
    for view in (f"film/{painted['job']}", f"gallery/{painted['id']}"):
        page = visitor.open(view)
        expect(page.locator("main video")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == 390, view
    visitor.leave()
