"""The queue on the page: what is painted is seen, held, ended, and gone on with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
from playwright.sync_api import Locator, Route, expect
from serving import StudioServer, picture_file

if TYPE_CHECKING:
    from browsing import Visitor

LONG = {"method": "gatys", "preset": None, "options": {"size": 160, "iterations": 4000}}


@pytest.fixture
def running(page_studio: StudioServer) -> Iterator[dict[str, Any]]:
    """A long job that is painted now."""
    content = page_studio.upload(picture_file(4, 160, 120), "long.png")
    job = page_studio.paint(title="A long one", contents=[{"upload": content["id"]}], **LONG)
    yield page_studio.wait(job["id"], lambda told: told["state"] == "running")
    page_studio.client.post(f"/jobs/{job['id']}/cancel")


def card(visitor: Visitor, title: str) -> Locator:
    """Return a job on the page."""
    return visitor.page.locator(".job").filter(has_text=title).first


def test_a_job_is_seen_while_it_is_painted(
    visitor: Visitor, page_studio: StudioServer, running: dict[str, Any]
) -> None:
    page = visitor.open("queue")
    job = card(visitor, "A long one")
    expect(job.locator(".facts")).to_contain_text(re.compile(r"iteration \d+ of \d+"))
    expect(job.locator(".facts")).to_contain_text("left")
    expect(job.locator(".job-picture img")).to_be_visible()
    expect(job.locator(".losses .curve")).to_be_visible()
    before = job.locator(".facts").inner_text()
    expect(job.locator(".facts")).not_to_have_text(before)  # by events: nothing was asked again
    page.reload()
    expect(job).to_have_attribute("data-state", "running")
    expect(page.locator(".badge")).to_contain_text("1")
    job.get_by_role("button", name="Pause").click()
    expect(job).to_have_attribute("data-state", "paused")
    job.get_by_role("button", name="Go on").click()
    expect(job).to_have_attribute("data-state", "running")
    job.get_by_role("button", name="Cancel").click()
    expect(job).to_have_attribute("data-state", "cancelled")
    assert page_studio.get(f"/jobs/{running['id']}")["state"] == "cancelled"


def test_only_one_job_is_cancelled_and_one_runs_next(
    visitor: Visitor, page_studio: StudioServer, running: dict[str, Any]
) -> None:
    for title in ("Waits first", "Waits second"):
        page_studio.paint(title=title)
    visitor.open("queue")
    card(visitor, "Waits second").get_by_role("button", name="Run next").click()
    titles = visitor.page.locator(".jobs:not(.over) h3")
    expect(titles).to_have_text(["A long one", "Waits second", "Waits first"])
    card(visitor, "Waits first").focus()
    visitor.page.keyboard.press("x")
    expect(card(visitor, "Waits first")).to_have_attribute("data-state", "cancelled")
    assert page_studio.get(f"/jobs/{running['id']}")["state"] == "running"
    card(visitor, "Waits first").get_by_role("button", name="Try again").click()
    expect(card(visitor, "Waits first")).to_have_attribute("data-state", "waiting")


def test_a_finished_picture_gets_more_iterations(
    visitor: Visitor, page_studio: StudioServer
) -> None:
    options = {"size": 64, "iterations": 2}
    job = page_studio.paint(title="Longer", preset=None, method="gatys", options=options)
    page_studio.wait(job["id"])
    visitor.open("queue")
    done = card(visitor, "Longer")
    done.locator(".extend input").fill("3")
    done.get_by_role("button", name="More iterations").click()
    expect(visitor.page.locator(".job").filter(has_text="Longer")).to_have_count(2)
    expect(visitor.page.locator(".job[data-state=done]").filter(has_text="Longer")).to_have_count(2)


def test_a_failure_is_told_in_the_library_s_words(
    visitor: Visitor, page_studio: StudioServer
) -> None:
    mapped = page_studio.upload(picture_file(2, 96, 64), "map.png")
    page = visitor.open("queue")
    job = page_studio.paint(
        title="Fails",
        content_map={"upload": mapped["id"]},
        options={"size": 64, "region": ["#123456=keep"]},
    )
    told = page_studio.wait(job["id"])
    assert told["state"] == "failed"
    expect(card(visitor, "Fails").locator(".trouble")).to_have_text(told["message"])
    expect(page.locator(".notice.error")).to_contain_text("Fails")


def test_a_lost_connection_is_said_and_made_again(
    visitor: Visitor, page_studio: StudioServer
) -> None:
    tries = []

    def lose(route: Route) -> None:
        tries.append(route)
        if len(tries) < 2:
            route.abort()
        else:
            route.continue_()

    visitor.page.route("**/api/v1/events", lose)
    visitor.open("queue")
    expect(visitor.page.locator(".lost")).to_contain_text("lost")
    expect(visitor.page.locator(".lost")).to_have_text("")
    visitor.troubles = [told for told in visitor.troubles if "ERR_FAILED" not in told]
    job = page_studio.paint(title="After it")
    page_studio.post(f"/jobs/{job['id']}/cancel", status=200)
    expect(card(visitor, "After it")).to_have_attribute("data-state", "cancelled")
