"""Trainings, studies and batches by the API."""

from __future__ import annotations

import httpx
from serving import StudioServer, picture_file

from commands import ROOT


def test_trains_a_style_and_paints_in_it(studio: StudioServer) -> None:
    photographs = [studio.upload(picture_file(s, 96, 96), f"p{s}.png")["id"] for s in range(8)]
    painting = studio.upload(picture_file(20, 96, 96), "mine.png")["id"]
    request = {
        "task": "train",
        "contents": [{"upload": id} for id in photographs],
        "styles": [{"upload": painting}],
        "options": {"steps": 2, "size": 64, "crop": 64, "batch": 1},
        "title": "my styles",
    }
    (job,) = studio.post("/jobs", request)["jobs"]
    done = studio.wait(job["id"])
    assert done["state"] == "done", done["message"]
    names = {item["name"] for item in httpx.get(studio.url + done["files"]).json()["items"]}
    assert "my styles.impasto" in names
    style = studio.get("/styles")["items"][0]
    assert (style["title"], style["part"]) == ("mine", "mine")
    painted = studio.wait(studio.paint(preset=None, styles=[{"style": style["id"]}])["id"])
    assert (painted["state"], painted["method"]) == ("done", "fast")
    assert studio.client.delete(f"/styles/{style['id']}").status_code == 204


def test_studies_an_option(studio: StudioServer) -> None:
    request = {
        "task": "study",
        "study": "strength",
        "values": ["0.2", "0.8"],
        "contents": [{"upload": studio.upload()["id"]}],
        "styles": [{"style": "etching"}],
        "options": {"size": 64, "iterations": 2},
    }
    (job,) = studio.post("/jobs", request)["jobs"]
    done = studio.wait(job["id"])
    assert done["state"] == "done", done["message"]
    files = {item["name"]: item for item in httpx.get(studio.url + done["files"]).json()["items"]}
    assert "index.html" in files
    page = httpx.get(studio.url + files["index.html"]["file"])
    assert "attachment" in page.headers["content-disposition"]  # a page of files is never ours
    pictures = [name for name in files if name.endswith((".png", ".jpg"))]
    assert (
        httpx.get(studio.url + files[pictures[0]]["file"])
        .headers["content-type"]
        .startswith("image/")
    )
    other = studio.client.get(f"/jobs/{job['id']}/files/..%2f..%2fjob.json")
    assert other.status_code == 404


def test_says_what_cannot_be_trained_or_studied(studio: StudioServer) -> None:
    train = {"task": "train", "styles": [{"style": "etching"}], "options": {"crop": 70}}
    study = {
        "task": "study",
        "study": "strenght",
        "contents": [{"upload": studio.upload()["id"]}],
        "styles": [{"style": "etching"}],
    }
    values = study | {"study": "strength", "values": ["much"]}
    wrong = (
        (train, "--crop is 70", "crop"),
        (study, "did you mean 'strength'?", None),
        (values, "--values has 'much'", "values"),
    )
    for request, message, option in wrong:
        answer = studio.client.post("/jobs", json=request)
        assert answer.status_code == 400, answer.text
        error = answer.json()["error"]
        assert message in error["message"]
        assert error["option"] == option


def test_paints_each_photograph_in_each_style(studio: StudioServer) -> None:
    uploads = [studio.upload(picture_file(seed), f"{seed}.png")["id"] for seed in (1, 2)]
    request = {
        "contents": [{"upload": id} for id in uploads],
        "styles": [{"style": "etching"}, {"style": "great-wave"}],
        "each_style": True,
        "preset": "draft",
        "options": {"size": 64},
    }
    jobs = studio.post("/jobs", request)["jobs"]
    assert [job["request"]["styles"][0]["style"] for job in jobs] == ["etching", "great-wave"] * 2
    for job in jobs:
        assert studio.wait(job["id"])["state"] == "done"
    studio.paint()
    group = studio.get("/jobs", group=jobs[0]["group"])["items"]
    assert [job["id"] for job in group] == [job["id"] for job in reversed(jobs)]


def test_every_call_is_on_its_page(studio: StudioServer) -> None:
    page = (ROOT / "docs" / "studio" / "api.md").read_text("utf-8")
    for path, methods in studio.get("/openapi.json")["paths"].items():
        path = path.removeprefix("/api/v1").replace("{id}", "ID").replace("{name}", "NAME")
        path = path.replace("/{action}", "/cancel")
        short = "…/" + path.rpartition("/")[2]
        for method in methods:
            name = method.upper()
            is_there = f"`{name} {path}`" in page or (f"`{short}`" in page and path.count("/") > 2)
            assert is_there, f"docs/studio/api.md lacks {name} {path}"
