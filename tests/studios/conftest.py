"""Fixtures of the studio's tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from browsing import Visitor
    from playwright.sync_api import Browser

pytest.importorskip("dbos", reason="the extra `studio` is not installed")
pytest.importorskip("fastapi", reason="the extra `studio` is not installed")
pytest.importorskip("httpx", reason="the extra `studio` is not installed")

from serving import StudioServer, picture_file


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioServer]:
    """A studio with a worker, for all tests of a process that leave it as it was."""
    server = StudioServer(tmp_path_factory.mktemp("studio") / "files")
    yield server
    server.close()


@pytest.fixture(scope="session")
def page_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioServer]:
    """A studio for the page's tests, which leave pictures and jobs in it."""
    server = StudioServer(tmp_path_factory.mktemp("page") / "files")
    yield server
    server.close()


@pytest.fixture(scope="session")
def picture(page_studio: StudioServer) -> dict[str, Any]:
    """A picture that was painted by other settings than the usual ones."""
    content = page_studio.upload(picture_file(6, 300, 200), "harbour.png")
    options = {"size": 256, "strength": 0.8, "stroke": 2.0}
    job = page_studio.paint(title="Harbour", contents=[{"upload": content["id"]}], options=options)
    told: dict[str, Any] = page_studio.get(f"/pictures/{page_studio.wait(job['id'])['picture']}")
    return told


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    from browsing import CHROMIUM

    if not CHROMIUM:
        pytest.skip("there is no Chromium here")
    with sync_api.sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visitor(browser: Browser, page_studio: StudioServer) -> Iterator[Visitor]:
    """Somebody at the page, on a screen of 1280 × 800; a complaint of the browser is an error."""
    from browsing import Visitor

    somebody = Visitor(browser, page_studio.url)
    yield somebody
    for job in page_studio.get("/jobs")["items"]:
        if "cancel" in job["can"]:  # what a test began it need not see painted
            page_studio.client.post(f"/jobs/{job['id']}/cancel")
    somebody.leave()
