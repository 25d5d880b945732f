"""Uploads, styles, the gallery, looks and forecasts of the API."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from serving import StudioServer, picture_file

from impasto.config.methods import METHODS
from impasto.studio.records import Records
from impasto.studio.rows import PictureRow, new_key


def test_an_upload_is_read_before_it_is_kept(studio: StudioServer) -> None:
    upload = studio.upload(picture_file(3, 700, 500), "../Münster é.png")
    assert (upload["name"], upload["width"], upload["kind"]) == ("Münster é.png", 700, "picture")
    thumbnail = httpx.get(studio.url + upload["thumbnail"])
    assert Image.open(io.BytesIO(thumbnail.content)).size == (320, 229)
    assert studio.upload(picture_file(3, 700, 500), "Münster é.png")["id"] == upload["id"]
    for name, data in (
        ("a.png", b"no picture"),
        ("b.svg", b"<svg onload='x()'/>"),
        ("c.style", b"x"),
    ):
        answer = studio.client.post("/uploads", files={"file": (name, data)})
        assert answer.status_code == 400, answer.text
        assert name in answer.json()["error"]["message"]
    assert not list((studio.files / "studio" / "incoming").iterdir())


def test_a_painted_picture_brings_its_settings(studio: StudioServer) -> None:
    done = studio.wait(studio.paint(options={"size": 64, "strength": 0.7})["id"])
    file = httpx.get(f"{studio.url}/api/v1/pictures/{done['picture']}/file").content
    recipe = studio.upload(file, "found.png")["recipe"]
    assert recipe["method"] == "instant"
    assert recipe["options"] == {"size": 64, "strength": 0.7}
    photograph = next(entry for entry in recipe["inputs"] if entry["role"] == "content")
    assert studio.get(f"/uploads/{photograph['upload']}")["name"] == "photo.png"
    assert next(e for e in recipe["inputs"] if e["role"] == "style")["style"] == "starry-night"


def test_keeps_a_painting_as_a_style(studio: StudioServer) -> None:
    upload = studio.upload(picture_file(9, 128, 128), "mine.png")
    style = studio.post("/styles", {"upload": upload["id"], "title": "Mine"})
    items = studio.get("/styles")["items"]
    assert items[0] == style
    assert {"starry-night", "great-wave"} <= {item["id"] for item in items}
    assert studio.wait(studio.paint(styles=[{"style": style["id"]}])["id"])["state"] == "done"
    assert studio.client.delete(f"/styles/{style['id']}").status_code == 204
    assert studio.client.delete(f"/styles/{style['id']}").status_code == 404
    swatch = httpx.get(studio.url + items[-1]["picture"])
    assert Image.open(io.BytesIO(swatch.content)).format == "WEBP"


def test_looks_follow_the_dials(studio: StudioServer) -> None:
    look = {
        "content": {"upload": studio.upload()["id"]},
        "styles": [{"style": "etching"}],
        "size": 96,
    }
    jpegs = []
    for strength in (0.1, 0.5):
        answer = studio.client.post("/looks", json={**look, "options": {"strength": strength}})
        assert answer.status_code == 200, answer.text
        jpegs.append(answer.content)
    assert jpegs[0] != jpegs[1]
    assert Image.open(io.BytesIO(jpegs[0])).size == (96, 64)
    wrong = studio.client.post("/looks", json={**look, "options": {"strength": 2}})
    assert wrong.json()["error"]["option"] == "strength"


def test_estimates_before_it_paints(studio: StudioServer) -> None:
    request = {
        "contents": [{"upload": studio.upload()["id"]}],
        "styles": [{"style": "etching"}],
        "options": {"size": 128},
    }
    estimate = studio.post("/forecasts", request, status=200)
    assert estimate["bytes"] > 100e6
    assert estimate["seconds"] > 0


def test_lists_every_option_with_its_bounds(studio: StudioServer) -> None:
    schema = studio.get("/schema")
    assert set(schema["methods"]) == set(METHODS)
    options = {option["name"]: option for option in schema["methods"]["gatys"]["options"]}
    assert set(options) == set(METHODS["gatys"].config.__dataclass_fields__)
    assert (options["strength"]["low"], options["strength"]["high"]) == (0, 1)
    assert options["style_loss"]["choices"] == ["gaussian", "gram"]


def test_deleting_can_be_undone(studio: StudioServer) -> None:
    id = studio.wait(studio.paint()["id"])["picture"]
    assert studio.client.delete(f"/pictures/{id}").status_code == 204
    assert studio.client.get(f"/pictures/{id}").status_code == 404
    assert id not in {item["id"] for item in studio.get("/pictures")["items"]}
    assert studio.post(f"/pictures/{id}/restore", status=200)["id"] == id
    assert studio.get(f"/pictures/{id}")["id"] == id


def filled(path: Path, count: int) -> Records:
    records = Records(path)
    for number in range(count):
        records.add_picture(a_picture(number))
    return records


def a_picture(number: int, **more: Any) -> PictureRow:
    values: dict[str, Any] = {
        "id": new_key(),
        "owner": "anna",
        "job": f"{number:08x}",
        "title": f"Picture {number}",
        "name": "a.png",
        "place": "jobs/a/pictures/000001/a.png",
        "digest": "sha256:0",
        "width": 1,
        "height": 1,
        "bytes": 1,
        "method": "quick" if number % 2 else "gatys",
        "styles": ("great-wave",) if number % 5 == 0 else ("my 100%_style",),
        "photograph": None,
        "words": f"picture {number} great-wave" if number % 5 == 0 else f"picture {number}",
        "created": 1000.0 + number,
    }
    return PictureRow(**{**values, **more})


def test_pages_hold_every_picture_once_while_others_come(tmp_path: Path) -> None:
    records = filled(tmp_path / "records.sqlite", 25)
    seen, before = [], None
    while True:
        page = records.pictures("anna", 10, before)
        seen += [row.title for row in page.rows]
        records.add_picture(a_picture(100 + len(seen)))  # newer ones must not move the older
        if page.next is None:
            break
        before = int(page.next)
    assert seen == [f"Picture {number}" for number in reversed(range(25))]


@pytest.mark.parametrize(
    ("search", "count"),
    [
        ({"words": "great-wave"}, 5),
        ({"words": "PICTURE 24"}, 1),
        ({"style": "great-wave"}, 5),
        ({"style": "my 100%_style"}, 20),
        ({"style": "my 100xxstyle"}, 0),
        ({"method": "gatys"}, 13),
        ({"since": 1010.0, "until": 1012.0}, 2),
        ({"words": "' OR 1=1 --"}, 0),
    ],
)
def test_searches(tmp_path: Path, search: dict[str, Any], count: int) -> None:
    records = filled(tmp_path / "records.sqlite", 25)
    assert len(records.pictures("anna", 100, None, **search).rows) == count
    assert records.count_pictures("anna", **search) == count
    assert records.count_pictures("berta", **search) == 0


def test_a_page_far_down_costs_no_more_than_the_first(tmp_path: Path) -> None:
    """By the plan of the database, which a busy machine does not change."""
    records = filled(tmp_path / "records.sqlite", 3)
    plans = [
        records._rows(
            "EXPLAIN QUERY PLAN SELECT * FROM pictures WHERE owner=? AND removed IS NULL "
            "AND number<? ORDER BY number DESC LIMIT 10",
            ("anna", number),
        )
        for number in (3, 2)
    ]
    for plan in plans:
        assert "USING INDEX pictures_by_owner" in plan[0]["detail"]
        assert "TEMP B-TREE" not in " ".join(row["detail"] for row in plan)


def test_deleted_pictures_are_forgotten_after_a_day(tmp_path: Path) -> None:
    records = filled(tmp_path / "records.sqlite", 2)
    (row, _) = records.pictures("anna", 2, None).rows
    records.remove_picture("anna", row.id)
    assert not records.forget_pictures(time.time() - 86_400)
    assert [gone.id for gone in records.forget_pictures(time.time() + 1)] == [row.id]
    assert records.picture("anna", row.id) is None


def test_an_upload_can_be_removed(studio: StudioServer) -> None:
    upload = studio.upload(picture_file(77), "gone.png")
    assert studio.get("/uploads")["items"][0]["id"] == upload["id"]
    assert studio.client.delete(f"/uploads/{upload['id']}").status_code == 204
    assert studio.client.get(upload["view"].removeprefix("/api/v1")).status_code == 404


def test_strangers_texts_are_answered_in_ours(studio: StudioServer) -> None:
    """What others found: times out of range, paths after an ID, empty and hidden names."""
    client, id = studio.client, studio.upload()["id"]
    assert client.get("/pictures", params={"since": "0001-01-01T00:00:00"}).status_code in (
        200,
        400,
    )
    job = {"contents": [{"upload": id}], "content_map": {"upload": id}, "preset": "draft"}
    for action in (f"UPLOAD:{id}/../../x", f"UPLOAD:{id}x.jpg"):
        answer = client.post("/jobs", json={**job, "options": {"region": [f"#ff0000={action}"]}})
        assert answer.status_code == 400, answer.text
        assert str(studio.files) not in answer.text
    empty = client.post("/uploads", files={"file": ("a.png", b"")})
    assert (empty.status_code, "a.png is empty" in empty.text) == (400, True)
    nothing = client.post("/uploads", files={"other": ("a.png", b"x")})
    assert "choose one" in nothing.json()["error"]["message"]
    damaged = client.post("/uploads", files={"file": ("a.png", b"\x89PNG\r\n\x1a\n")})
    assert str(studio.files) not in damaged.text
    assert damaged.json()["error"]["kind"] == "PictureError"
    assert studio.upload(picture_file(4), "a\u202egnp.exe.png")["name"] == "agnp.exe.png"
