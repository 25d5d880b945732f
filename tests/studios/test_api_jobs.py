"""The API paints: from an upload to a picture in the gallery, and all that may become of a job."""

from __future__ import annotations

import io
import json
import threading
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image, ImageChops
from serving import StudioServer, picture_file

from impasto.painting.recipes import recipe_of


def test_paints_a_photograph(studio: StudioServer) -> None:
    job = studio.wait(studio.paint(title="Seine")["id"])
    assert (job["state"], job["title"], job["method"]) == ("done", "Seine", "instant")
    picture = studio.get(f"/pictures/{job['picture']}")
    assert (picture["width"], picture["styles"]) == (64, ["starry-night"])
    answer = httpx.get(studio.url + picture["file"])
    painted = Image.open(io.BytesIO(answer.content))
    assert painted.size == (picture["width"], picture["height"])
    assert recipe_of(painted).method == picture["recipe"]["method"] == "instant"
    assert "attachment" in answer.headers["content-disposition"]
    for size in ("view", "thumbnail"):
        assert httpx.get(studio.url + picture[size]).headers["content-type"] == "image/jpeg"


def test_several_photographs_are_a_job_each(studio: StudioServer) -> None:
    uploads = [studio.upload(picture_file(seed), f"{seed}.png")["id"] for seed in (1, 2)]
    jobs = studio.post(
        "/jobs",
        {
            "contents": [{"upload": id} for id in uploads],
            "styles": [{"style": "great-wave", "weight": 0.7}, {"style": "etching"}],
            "method": "instant",
            "options": {"size": 64},
        },
    )["jobs"]
    assert len(jobs) == 2
    assert len({job["group"] for job in jobs}) == 1
    pictures = [studio.get(f"/pictures/{studio.wait(job['id'])['picture']}") for job in jobs]
    assert [picture["photograph"] for picture in pictures] == uploads
    assert pictures[0]["recipe"]["inputs"][1]["use"] == ":0.7"


def test_paints_regions_textures_and_doodles(studio: StudioServer) -> None:
    two = Image.new("RGB", (96, 64), "#ff0000")
    two.paste("#0000ff", (48, 0, 96, 64))
    file = io.BytesIO()
    two.save(file, "PNG")
    drawing = {"upload": studio.upload(file.getvalue(), "map.png")["id"]}
    own = studio.upload(picture_file(5), "painting.png")["id"]
    photograph = studio.upload()["id"]
    regions = studio.paint(
        contents=[{"upload": photograph}],
        content_map=drawing,
        options={"size": 64, "region": ["#ff0000=keep", f"#0000ff=UPLOAD:{own}:0.9"]},
    )
    texture = studio.paint(
        task="texture",
        contents=[],
        preset=None,
        options={"width": 64, "height": 48, "iterations": 2},
    )
    doodle = studio.paint(
        task="doodle",
        contents=[],
        preset=None,
        styles=[{"upload": own}],
        content_map=drawing,
        style_maps=[drawing],
        options={"size": 64, "iterations": 2},
    )
    for job in (regions, texture, doodle):
        done = studio.wait(job["id"])
        assert done["state"] == "done", done["message"]
    kept = studio.get(f"/pictures/{studio.get('/jobs/' + regions['id'])['picture']}")
    painted = Image.open(io.BytesIO(httpx.get(studio.url + kept["file"]).content)).convert("RGB")
    before = Image.open(io.BytesIO(picture_file())).convert("RGB").resize(painted.size)
    part = (0, 0, 8, painted.height)  # far from the border between the regions
    difference = ImageChops.difference(painted.crop(part), before.crop(part))
    assert int(np.asarray(difference).max()) < 16


def test_goes_on_with_more_iterations(studio: StudioServer) -> None:
    first = studio.wait(
        studio.paint(preset=None, method="gatys", options={"size": 64, "iterations": 3})["id"]
    )
    assert first["can"] == ["extend"]
    (second,) = studio.post(f"/jobs/{first['id']}/extend", {"iterations": 4})["jobs"]
    done = studio.wait(second["id"])
    recipe = studio.get(f"/pictures/{done['picture']}")["recipe"]
    assert recipe["options"]["iterations"] == 4
    start = next(entry for entry in recipe["inputs"] if entry["role"] == "init")
    assert start["name"] == studio.get(f"/pictures/{first['picture']}")["name"]
    losses = [studio.get(f"/jobs/{job['id']}/losses")["items"] for job in (first, done)]
    assert losses[1][-1]["total"] < losses[0][-1]["total"]


def test_cancels_one_job_and_only_that(studio: StudioServer) -> None:
    long = {"preset": None, "method": "gatys", "options": {"size": 256, "iterations": 2000}}
    running, other = studio.paint(**long), studio.paint(title="stays")
    studio.wait(running["id"], lambda job: job["state"] == "running" and job["done"] > 0)
    preview = httpx.get(f"{studio.url}/api/v1/jobs/{running['id']}/preview")
    assert Image.open(io.BytesIO(preview.content)).width <= 512
    assert studio.post(f"/jobs/{running['id']}/cancel", status=200)["state"] == "cancelled"
    assert studio.wait(other["id"])["state"] == "done"
    assert studio.get(f"/jobs/{running['id']}")["can"] == ["retry"]
    assert studio.client.post(f"/jobs/{running['id']}/next").status_code == 409


def test_sends_events_as_they_happen(studio: StudioServer) -> None:
    seen: list[tuple[str, dict[str, object]]] = []
    is_ready = threading.Event()

    def listen() -> None:
        with httpx.stream("GET", f"{studio.url}/api/v1/events", timeout=60) as stream:
            kind = ""
            for line in stream.iter_lines():
                is_ready.set()
                if line.startswith("event: "):
                    kind = line[7:]
                elif line.startswith("data: "):
                    seen.append((kind, json.loads(line[6:])))
                    if kind == "picture":
                        return

    listener = threading.Thread(target=listen)
    listener.start()
    assert is_ready.wait(60)
    job = studio.paint()
    listener.join(60)
    states = [data["state"] for kind, data in seen if kind == "job" and data["id"] == job["id"]]
    # The last state of each job is sent: a small picture may be done before it is seen to run.
    assert states[0] in ("waiting", "running")
    assert seen[-1][1]["job"] == job["id"]


@pytest.mark.parametrize(
    ("change", "message", "option"),
    [
        ({"options": {"strength": 7}}, "--strength is 7.", "strength"),
        ({"options": {"strenght": 0.5}}, "did you mean", None),
        ({"options": {"init": "/etc/passwd"}}, "--init is '/etc/passwd'", "init"),
        ({"options": {"region": ["#ff0000=/etc/passwd"]}}, "There is no style", None),
        ({"styles": [{"style": "../../etc/passwd"}]}, "There is no style", None),
        ({"styles": [{"upload": "0" * 16}]}, "There is no upload", None),
        ({"contents": []}, "There is no photograph", None),
        ({"styles": [], "each_style": True}, "There is no style to paint a picture in", None),
        ({"method": "gatsy", "preset": None}, "did you mean 'gatys'?", "method"),
        ({"output": {"suffix": ".exe"}}, "The suffix is '.exe'", None),
    ],
)  # fmt: skip
def test_says_what_cannot_be_painted(
    studio: StudioServer, change: dict[str, object], message: str, option: str | None
) -> None:
    usual = {"contents": [{"upload": studio.upload()["id"]}], "styles": [{"style": "etching"}]}
    answer = studio.client.post("/jobs", json={**usual, "preset": "draft", **change})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert message in error["message"]
    assert error["option"] == option


def test_a_killed_studio_has_all_jobs_again(tmp_path: Path) -> None:
    server = StudioServer(tmp_path / "files")
    try:
        long = {"preset": None, "method": "gatys", "options": {"size": 128, "iterations": 120}}
        first, second = server.paint(**long), server.paint()
        server.wait(first["id"], lambda job: job["done"] > 0)
        server.kill()
        server.start()
        assert server.wait(first["id"])["state"] == "done"
        assert server.wait(second["id"])["state"] == "done"
        assert server.get("/pictures")["total"] == 2
    finally:
        server.close()
