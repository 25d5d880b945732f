"""The pages of tasks: trainings, studies and batches, from their choices to what they leave."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
from browsing import Visitor, axe_source, photograph
from playwright.sync_api import Locator, Page, Route, expect
from serving import StudioServer, picture_file

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PATIENCE = (
    120_000  # milliseconds, for a job: a busy machine may be ten times slower than a quiet one
)
TINY = {"steps": 2, "size": 64, "crop": 64, "batch": 1}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}

Json = dict[str, Any]


@pytest.fixture(scope="module")
def works(page_studio: StudioServer) -> dict[str, str]:
    """A training, a study and a batch that are over, as the addresses of their pages."""
    painting = page_studio.upload(picture_file(21, 96, 96), "kept.png")
    photographs = [page_studio.upload(picture_file(s, 96, 96), f"{s}.png") for s in range(8)]
    contents = [{"upload": one["id"]} for one in photographs]
    train: Json = {"task": "train", "contents": contents, "styles": [{"upload": painting["id"]}]}
    study: Json = {
        "task": "study",
        "study": "strength",
        "values": ["0.2", "0.8"],
        "method": "gatys",
    }
    study |= {"contents": contents[:1], "styles": [{"style": "etching"}]}
    batch: Json = {
        "contents": contents[:2],
        "styles": [{"style": "etching"}, {"style": "great-wave"}],
    }
    batch |= {"each_style": True, "preset": "draft"}
    asked = [
        train | {"options": TINY},
        study | {"options": {"size": 64, "iterations": 2}},
        batch | {"options": {"size": 64}},
    ]
    jobs = [page_studio.post("/jobs", request)["jobs"] for request in asked]
    for job in (job for several in jobs for job in several):
        assert page_studio.wait(job["id"])["state"] == "done"
    (trained,), (studied,), several = jobs
    return {
        "train": f"train/{trained['id']}",
        "study": f"study/{studied['id']}",
        "batch": f"batch/{several[0]['group']}",
    }


def option(page: Page, name: str, value: object) -> Locator:
    """Set an option's field; return it."""
    field = page.locator(f".field[data-option={name}]")
    field.locator("input").fill(str(value))
    page.keyboard.press("Tab")
    return field


def newest(studio: StudioServer, task: str) -> Json:
    """Return the newest job of a task."""
    jobs: list[Json] = studio.get("/jobs")["items"]
    return next(job for job in jobs if job["task"] == task)


def is_loaded(image: Locator) -> None:
    """Wait until a picture is there."""
    image.scroll_into_view_if_needed()
    expect(image).to_have_js_property("complete", True)
    assert image.evaluate("image => image.naturalWidth") > 0


def test_learns_a_painting_and_paints_in_it(visitor: Visitor, page_studio: StudioServer) -> None:
    page = visitor.open("train")
    visitor.choose(".style.more", photograph(20, "gouache.png", width=96, height=96))
    expect(page.locator(".own button.style:has-text('gouache')")).to_have_attribute(
        "aria-pressed", "true"
    )
    expect(page.locator(".forecast")).to_contain_text("about 15 minutes")
    page.click(".segment:has-text('My own')")
    few = [photograph(seed, f"{seed}.png", width=96, height=96) for seed in range(7)]
    visitor.choose("button:has-text('Choose photographs')", *few)
    expect(page.locator(".file[data-state=there]")).to_have_count(7)
    page.click(".go button")
    expect(page.locator(".photographs .trouble")).to_contain_text("add 1 more")
    visitor.drop(".photographs", photograph(7, "7.png", width=96, height=96))
    expect(page.locator(".photographs-end")).to_contain_text("8 photographs")
    page.click("summary:has-text('All options')")
    for name, value in TINY.items():
        field = option(page, name, 70 if name == "crop" else value)
    page.fill("input[maxlength]", "my set")
    expect(page.locator(".forecast")).to_contain_text("a minute")
    page.keyboard.press("Control+Enter")
    field = page.locator(".field[data-option=crop]")
    expect(field.locator(".trouble")).to_contain_text("--crop is 70")
    option(page, "crop", 64)
    page.keyboard.press("Control+Enter")
    expect(page.locator(".made h2").first).to_have_text("Paint in it", timeout=PATIENCE)
    job = newest(page_studio, "train")
    assert job["request"]["options"] == TINY
    assert len(job["request"]["contents"]) == 8
    expect(page.locator("h1")).to_have_text("my set")
    is_loaded(page.locator(".whole img").first)
    expect(page.locator(".card tbody th")).to_have_text("gouache")
    with page.expect_download() as download:
        page.click(".downloads a:has-text('my set.impasto')")
    assert download.value.suggested_filename == "my set.impasto"
    assert Path(download.value.path()).stat().st_size > 1e6

    page.click(".made button:has-text('gouache')")
    expect(page.locator(".chosen")).to_contain_text("gouache")
    trained = page.locator(".own").filter(has=page.locator(".trained-sign"), has_text="gouache")
    expect(trained.locator("img")).to_be_visible()  # the painting that it was learnt from
    visitor.choose(".empty", photograph(3, "by-fast.png"))
    page.fill("[data-option=size] input", "64")
    page.press("[data-option=size] input", "Enter")
    page.click(".go .button")
    expect(page.locator(".current a.is-done")).to_be_visible(timeout=PATIENCE)
    assert newest(page_studio, "stylize")["method"] == "fast"
    trained.get_by_role("button", name="Remove the style").click()
    expect(trained).to_have_count(0)
    page.click(".notice button:has-text('Undo')")
    expect(trained).to_have_count(1)
    trained.get_by_role("button", name="Remove the style").click()
    expect(trained).to_have_count(0)


def test_a_training_is_followed_in_the_queue(visitor: Visitor, page_studio: StudioServer) -> None:
    uploads = [page_studio.upload(picture_file(s, 96, 96), f"{s}.png")["id"] for s in range(8)]
    contents = [{"upload": id} for id in uploads]
    long = {
        "task": "train",
        "title": "Takes long",
        "contents": contents,
        "styles": [{"style": "etching"}],
    }
    (job,) = page_studio.post("/jobs", {**long, "options": {**TINY, "steps": 5000}})["jobs"]
    page = visitor.open("queue")
    card = page.locator(".job").filter(has_text="Takes long").first
    expect(card.locator(".state")).to_have_text("Training", timeout=PATIENCE)
    expect(card.locator(".facts")).to_contain_text(re.compile(r"step \d+/5000"), timeout=PATIENCE)
    page.goto(f"{visitor.url}/#/train/{job['id']}")
    expect(page.locator(".result-view .facts")).to_contain_text(re.compile(r"step \d+/5000"))
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".job")).to_have_attribute("data-state", "cancelled")


def test_studies_an_option(visitor: Visitor, page_studio: StudioServer) -> None:
    page = visitor.open("study")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".go .trouble")).to_have_text("Choose a photograph.")
    visitor.choose("button:has-text('Choose a photograph')", photograph(1, "first.png"))
    expect(page.locator(".file")).to_contain_text("first.png")
    visitor.choose("button:has-text('Choose a photograph')", photograph(2, "harbour.png"))
    expect(page.locator(".file")).to_contain_text("harbour.png")  # only one
    page.click(".style:has-text('Great Wave')")
    what = page.get_by_label("What is varied")
    what.select_option("statistics")
    values = page.locator("[data-option=values]")
    expect(values.locator("input")).to_be_disabled()
    what.select_option("strength")
    expect(values).to_contain_text("numbers from 0 to 1")
    values.locator("input").fill("0.2, much")
    page.click("summary:has-text('All options')")
    expect(page.locator(".field[data-option=size]")).to_contain_text("Default: 256")
    option(page, "size", 64)
    option(page, "iterations", 2)
    page.click(".go button")
    expect(values.locator(".trouble")).to_contain_text("--values has 'much'")
    expect(values.locator("input")).to_have_attribute("aria-invalid", "true")
    values.locator("input").fill("0.2, 0.8")
    expect(page.locator(".forecast")).to_contain_text("memory", timeout=PATIENCE)
    page.click(".go button")
    captions = page.locator(".contact .contact-caption b")
    expect(captions).to_have_text(["strength 0.2", "strength 0.8"], timeout=PATIENCE)
    expect(page.locator(".contact")).to_contain_text("style distance")
    for image in page.locator(".made img").all():
        is_loaded(image)
    expect(page.locator(".whole figcaption")).to_contain_text(["one sheet", "losses", "seconds"])
    job = newest(page_studio, "study")["request"]
    assert (job["values"], job["options"]) == (["0.2", "0.8"], {"size": 64, "iterations": 2})
    page.click("summary:has-text('Files')")
    with page.expect_download() as download:
        page.click(".downloads a:has-text('runs.csv')")
    assert "strength 0.8" in Path(download.value.path()).read_text()


def test_paints_each_photograph_in_each_style(visitor: Visitor) -> None:
    page = visitor.open("batch")
    wrong = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no picture"}
    visitor.drop(
        "h1", photograph(1, "quay.png"), photograph(2, "lane.png"), photograph(3, "c.png"), wrong
    )
    expect(page.locator(".file[data-state=there] img")).to_have_count(3)
    expect(page.locator(".file[data-state=refused]")).to_contain_text("notes.txt")
    page.click("[aria-label='Leave c.png out']")
    page.click("[aria-label='Leave notes.txt out']")
    expect(page.locator(".photographs-end")).to_contain_text("2 photographs")
    page.click(".style:has-text('Great Wave')")
    expect(page.locator(".go button")).to_have_text("Paint 2 pictures")
    page.click(".style:has-text('etching'):not(:has(.trained-sign))")
    expect(page.locator(".go button")).to_have_text("Paint 4 pictures")
    page.click(".segment:has-text('Blended')")
    expect(page.locator(".go button")).to_have_text("Paint 2 pictures")
    page.click(".segment:has-text('in each style')")
    page.click(".segment:has-text('Draft')")
    page.fill("[data-option=size] input", "64")
    page.press("[data-option=size] input", "Enter")
    expect(page.locator(".sum")).to_have_text("2 photographs × 2 styles = 4 pictures")
    page.reload()  # everything is kept
    expect(page.locator(".file[data-state=there]")).to_have_count(2)
    page.click(".go button")
    tiles = page.locator(".contact li")
    expect(page.locator(".contact li[data-state=done]")).to_have_count(4, timeout=PATIENCE)
    expect(page.locator(".facts")).to_have_text("4 of 4 painted")
    expect(page.locator(".notice")).to_have_text("4 of 4 painted.Look at them")  # said once
    expect(tiles.locator("b")).to_have_text(["quay", "quay", "lane", "lane"])
    expect(tiles.first).to_contain_text("The Great Wave")
    is_loaded(tiles.last.locator("img"))
    with page.expect_download() as download:
        tiles.last.locator("a[download]").click()
    assert download.value.suggested_filename.startswith("lane-etching")
    page.goto(f"{visitor.url}/#/queue")
    card = page.locator(".over .job-group").first
    expect(card).to_contain_text("4 of 4 painted")
    expect(card.locator(".group-jobs .job")).to_have_count(4)
    card.get_by_role("link", name="Contact sheet").click()
    expect(page.locator("h1")).to_have_text("Batch of 4 pictures")
    tiles.first.locator(".contact-picture").click()
    expect(page.locator(".detail h1")).to_contain_text("quay")


def test_a_batch_is_cancelled_as_one(visitor: Visitor, page_studio: StudioServer) -> None:
    content = page_studio.upload(picture_file(4, 160, 120), "slow.png")
    request = {"contents": [{"upload": content["id"]}] * 3, "styles": [{"style": "etching"}]}
    options = {"size": 160, "iterations": 4000}
    jobs = page_studio.post("/jobs", {**request, "method": "gatys", "options": options})["jobs"]
    page = visitor.open("queue")
    card = page.locator(".jobs:not(.over) .job-group")
    expect(card.locator("h3").first).to_have_text("Batch of 3 pictures")
    expect(card.locator(".facts").first).to_contain_text("1 being painted", timeout=PATIENCE)
    bar = card.locator("progress").first
    assert 0 <= float(bar.evaluate("bar => bar.value")) < 1
    card.get_by_role("button", name="Cancel all").click()
    for job in jobs:
        assert page_studio.wait(job["id"])["state"] == "cancelled"
    expect(page.locator(".over .job-group .facts").first).to_contain_text("3 cancelled")


def test_a_folder_is_taken_with_its_pictures_alone(visitor: Visitor, tmp_path: Path) -> None:
    folder = tmp_path / "holiday"
    (folder / "day two").mkdir(parents=True)
    for place in ("a.png", "day two/b.PNG", "day two/.c.png"):
        (folder / place).write_bytes(picture_file())
    (folder / "list.txt").write_text("not a picture")
    page = visitor.open("batch")
    with page.expect_file_chooser() as chooser:
        page.click("button:has-text('Choose a folder')")
    chooser.value.set_files(folder)
    expect(page.locator(".file[data-state=there]")).to_have_count(2)
    expect(page.locator(".file b")).to_have_text(["a.png", "b.PNG"])
    page.click("button:has-text('Leave all out')")
    expect(page.locator(".file")).to_have_count(0)


def test_two_files_are_sent_at_a_time_and_one_can_be_left_out(visitor: Visitor) -> None:
    held: list[Route] = []
    visitor.page.route("**/api/v1/uploads", lambda route: held.append(route))
    page = visitor.open("batch")
    visitor.choose(
        "button:has-text('Choose photographs')", *(photograph(n, f"{n}.png") for n in range(3))
    )
    expect(page.locator(".file[data-state=sending]")).to_have_count(2)
    expect(page.locator(".file[data-state=waiting]")).to_contain_text("2.png")
    expect(page.locator(".file progress")).to_have_count(3)
    page.keyboard.press("Control+Enter")
    expect(page.locator(".go .trouble")).to_contain_text("still being sent")
    page.click("[aria-label='Leave 0.png out']")
    expect(page.locator(".file[data-state=sending]")).to_have_count(2)
    for route in held[1:]:
        route.continue_()
    expect(page.locator(".file[data-state=there] b")).to_have_text(["1.png", "2.png"])


def test_the_api_s_refusal_stands_beside_its_option(visitor: Visitor) -> None:
    page = visitor.open("batch")
    visitor.choose("button:has-text('Choose photographs')", photograph(1))
    expect(page.locator(".file[data-state=there]")).to_have_count(1)
    page.click(".style:has-text('Great Wave')")
    page.fill("[data-option=size] input", "7")
    page.press("[data-option=size] input", "Enter")
    page.click(".go button")
    expect(page.locator(".dial[data-option=size] .trouble")).to_contain_text("--size is 7")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_of_tasks_heed_axe(
    browser: Browser, page_studio: StudioServer, works: dict[str, str], scheme: str
) -> None:
    source = axe_source()
    visitor = Visitor(browser, page_studio.url, color_scheme=scheme, reduced_motion="reduce")
    for view in ["train", "study", "batch", *works.values(), "queue"]:
        page = visitor.open(view)
        if "/" in view:
            expect(page.locator("main img:visible").first).to_be_visible()
        page.wait_for_timeout(300)
        page.evaluate(source)
        found: list[Json] = page.evaluate(
            "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"
        )
        broken = [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]
        assert broken == [], view
    visitor.leave()


def test_a_phone_reaches_and_holds_them(
    browser: Browser, page_studio: StudioServer, works: dict[str, str]
) -> None:
    visitor = Visitor(browser, page_studio.url, **PHONE)
    page = visitor.open()
    more = page.get_by_role("button", name="More")
    for title, view in (("Batch", "batch"), ("Train", "train"), ("Study", "study")):
        more.tap()
        expect(more).to_have_attribute("aria-expanded", "true")
        page.tap(f"nav a:has-text('{title}')")
        expect(page.locator("main h1")).to_have_text(title)
        expect(page.locator(".more-links")).to_be_hidden()
        expect(page.locator(".style").nth(3)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == 390, view
        button: Any = page.locator(".go .button").bounding_box()
        assert button["height"] >= 44, "a thumb hits it"
        assert button["y"] + button["height"] < 844, "it is in sight"
    more.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".more-links")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".more-links")).to_be_hidden()
    for view in works.values():
        page = visitor.open(view)
        expect(page.locator("main img:visible").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == 390, view
    visitor.leave()


def test_keys_lead_to_the_tasks(visitor: Visitor) -> None:
    page = visitor.open("paint")
    for key, view in (("b", "batch"), ("r", "train"), ("s", "study")):
        page.keyboard.press("g")
        page.keyboard.press(key)
        expect(page.locator("nav a[aria-current]")).to_have_attribute("href", f"#/{view}")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Go to Train")


def test_what_is_not_there_is_said(visitor: Visitor) -> None:
    page = visitor.open("train/0badf00d")
    expect(page.locator(".trouble")).to_contain_text("There is no job")
    page = visitor.open(f"batch/{'0' * 16}")
    expect(page.locator(".trouble")).to_contain_text("no such batch")
