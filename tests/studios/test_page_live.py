"""The page Live in a browser whose camera is a test pattern."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytest.importorskip("websockets", reason="the extra `studio` is not installed")
pytest.importorskip("cv2", reason="the extra `film` is not installed")

import av
from browsing import CHROMIUM, Visitor, axe_source
from living import noise
from playwright.sync_api import Page, expect
from serving import StudioServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
RATE = "pictures a second"


@pytest.fixture(scope="module")
def filmed(browser: Browser) -> Iterator[Browser]:
    """A browser with a camera."""
    args = ["--no-sandbox", *CAMERA]
    having = browser.browser_type.launch(executable_path=CHROMIUM, args=args)
    yield having
    having.close()


@pytest.fixture
def guest(filmed: Browser, page_studio: StudioServer) -> Iterator[Visitor]:
    somebody = Visitor(filmed, page_studio.url)
    yield somebody
    for job in page_studio.get("/jobs")["items"]:
        if "cancel" in job["can"]:
            page_studio.client.post(f"/jobs/{job['id']}/cancel")
    somebody.leave()


def begin(page: Page) -> None:
    page.click("button:has-text('Start the camera')")
    expect(page.locator(".live-told")).to_contain_text(RATE)


def test_a_camera_is_painted_and_obeys(guest: Visitor, page_studio: StudioServer) -> None:
    page = guest.open("live")
    expect(page.locator(".style[aria-pressed=true]")).to_have_count(1)
    begin(page)
    title = page.locator(".chosen-title").inner_text()
    page.keyboard.press("n")
    expect(page.locator(".chosen-title")).not_to_have_text(title)
    page.click(".segment:has-text('224')")
    expect(page.locator(".live-told")).to_contain_text("224 pixels")
    page.locator("#live-strength").fill("0")
    page.wait_for_timeout(1500)
    page.keyboard.down("c")
    expect(page.locator(".live-frame")).to_have_class(
        "stage-frame live-frame is-mirrored is-comparing"
    )
    page.keyboard.up("c")

    page.click("button:has-text('Paint this picture')")
    expect(page.locator(".current a")).to_have_count(1)
    job = page_studio.wait(page_studio.get("/jobs")["items"][0]["id"])
    assert job["state"] == "done"
    expect(page.locator(".live-told")).to_contain_text(RATE)

    page.click("button:has-text('Stop')")
    expect(page.locator(".empty")).to_be_visible()
    page.click("button:has-text('Start the camera')")
    expect(page.locator(".live-told")).to_contain_text(RATE)
    page.goto(f"{guest.url}/#/queue")  # which lets go of the camera
    expect(page.locator("main h1")).to_have_text("Queue")


def test_a_clip_is_painted(guest: Visitor) -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="webm") as container:
        stream = container.add_stream("libvpx", rate=10)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for seed in range(10):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(noise(seed), format="rgb24")))
        container.mux(stream.encode(None))
    clip = {"name": "clip.webm", "mimeType": "video/webm", "buffer": file.getvalue()}
    page = guest.open("live")
    guest.choose("button:has-text('Choose a clip')", clip)
    expect(page.locator(".live-told")).to_contain_text("128 pixels")
    page.click("button:has-text('Stop')")
    broken = {"name": "broken.webm", "mimeType": "video/webm", "buffer": b"no film"}
    guest.drop(".stage", broken)
    expect(page.locator(".stage .trouble")).to_contain_text("cannot play broken.webm")


def test_without_a_camera_it_is_said(browser: Browser, page_studio: StudioServer) -> None:
    visitor = Visitor(browser, page_studio.url)
    visitor.context.grant_permissions(["camera"])
    page = visitor.open("live")
    page.click("button:has-text('Start the camera')")
    expect(page.locator(".stage .trouble")).to_contain_text("There is no camera here")
    visitor.leave()


def test_too_many_cameras_are_refused(filmed: Browser, page_studio: StudioServer) -> None:
    visitors = [Visitor(filmed, page_studio.url) for _ in range(3)]
    for visitor in visitors[:2]:
        begin(visitor.open("live"))
    page = visitors[2].open("live")
    page.click("button:has-text('Start the camera')")
    expect(page.locator(".stage .trouble")).to_contain_text("which is the most at once")
    for visitor in visitors:
        visitor.leave()


def test_a_phone_and_axe(filmed: Browser, page_studio: StudioServer) -> None:
    visitor = Visitor(filmed, page_studio.url, **PHONE)
    page = visitor.open("live")
    begin(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.evaluate(axe_source())
    broken = page.evaluate(
        "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"
    )
    assert [one["id"] for one in broken] == []
    visitor.leave()
