"""What a batch is told and what it finds: photographs, names, a manifest that may be hostile."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impasto.config.methods import GatysConfig, NnstConfig
from impasto.config.output import OutputSettings
from impasto.errors import ImpastoError, OptionError, PictureError, RecipeError
from impasto.files.digests import of_file
from impasto.jobs.batch import Batch, BatchStyle
from impasto.jobs.manifest import FILE, Entry, MadeOf, Manifest, is_plain
from impasto.jobs.photographs import find_photographs
from impasto.jobs.status import batch_status

pytestmark = pytest.mark.usefixtures("folder")

D = "sha256:" + 64 * "0"


def copies(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(Path("photo.png").read_bytes() + os.fsencode(name))


def order(*photographs: str, styles: tuple[str, ...] = ("painting.png",), **more: Any) -> Batch:
    parsed = tuple(BatchStyle.parse(text) for text in styles)
    config = GatysConfig(size=64)
    return Batch(tuple(map(Path, photographs)), parsed, config, Path("out"), **more)


def names(batch: Batch, manifest: Manifest | None = None) -> list[str]:
    return [item.output for item in batch_status(batch, manifest)]


# Photographs


def test_folders_give_their_pictures_in_order_and_nothing_else() -> None:
    copies("in/b.JPG", "in/a.png", "in/.hidden.png", "in/deep/c.webp", "in/.git/d.png")
    Path("in/notes.txt").write_text("no picture")
    found = find_photographs([Path("in")], Path("out"))
    assert list(map(str, found.files)) == ["in/a.png", "in/b.JPG"]
    deep = find_photographs([Path("in")], Path("out"), deep=True)
    assert list(map(str, deep.files)) == ["in/a.png", "in/b.JPG", "in/deep/c.webp"]


def test_a_file_may_have_any_suffix_and_comes_once() -> None:
    copies("in/a.png", "in/odd.xyz")
    given = [Path("in/odd.xyz"), Path("in"), Path("in/a.png"), Path("in/../in/a.png")]
    assert list(map(str, find_photographs(given, Path("out")).files)) == ["in/odd.xyz", "in/a.png"]


def test_what_was_painted_is_no_photograph() -> None:
    copies("in/a.png", "in/out/b.png")
    found = find_photographs([Path("in")], Path("in/out"), deep=True)
    assert list(map(str, found.files)) == ["in/a.png"]
    with pytest.raises(OptionError, match="has the photographs and is where the pictures go"):
        find_photographs([Path("in/out")], Path("in/out"))


def test_names_that_lead_nowhere_are_told() -> None:
    Path("empty").mkdir()
    with pytest.raises(PictureError, match=r"gone\.png does not exist"):
        find_photographs([Path("gone.png")], Path("out"))
    with pytest.raises(PictureError, match="empty holds no pictures"):
        find_photographs([Path("empty")], Path("out"))


# Styles


def test_a_look_is_a_style_or_a_blend() -> None:
    copies("a+b.png")
    assert BatchStyle.parse("a+b.png").label == "a+b"
    blend = BatchStyle.parse("painting.png:0.3+starry-night:fine")
    assert [choice.source for choice in blend.specs] == ["painting.png", "starry-night"]
    assert [choice.weight for choice in blend.specs] == [0.3, 1]
    assert blend.label == "painting-0.3+starry-night-fine"
    with pytest.raises(ImpastoError, match="did you mean 'starry-night'"):
        BatchStyle.parse("painting.png+stary-night")
    with pytest.raises(ImpastoError, match=r"gone\.jpg does not exist"):
        BatchStyle.parse("gone.jpg")


def test_its_digest_tells_files_and_uses() -> None:
    copies("a.png", "b.png")
    texts = ["a.png", "b.png", "a.png:fine", "a.png+b.png", "b.png+a.png", "a.png:0.5+b.png"]
    assert len({BatchStyle.parse(text).digest() for text in texts}) == len(texts)


# Options


def test_values_that_make_no_sense_are_refused() -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"workers": 0}, "workers is 0"),
        ({"format": "gif"}, "format is 'gif'"),
        ({"format": "jpg", "settings": OutputSettings(bits=16)}, "holds 8 bits, not 16"),
        ({"styles": ()}, "nothing to paint with"),
    ]
    for more, told in cases:
        with pytest.raises(OptionError, match=told):
            order("photo.png", **more)
    with pytest.raises(OptionError, match="no photograph"):
        order()


@pytest.mark.parametrize("what", ["photo", "style", "start"])
def test_the_folder_of_the_results_holds_nothing_to_paint_from(what: str) -> None:
    copies("out/x.png")
    photo, style = "photo.png", "painting.png"
    start = Path("out/x.png") if what == "start" else None
    photo = "out/x.png" if what == "photo" else photo
    style = "out/x.png" if what == "style" else style
    with pytest.raises(OptionError, match=r"out/x\.png is in out, where the pictures go"):
        order(photo, styles=(style,), init=start)


def test_settings_tell_every_option_that_changes_a_file() -> None:
    copies("start.png")
    batch = order("photo.png")
    others = [
        replace(batch, config=GatysConfig(size=64, seed=7)),
        replace(batch, config=NnstConfig(size=64)),
        replace(batch, init=Path("start.png")),
        replace(batch, weights=Path("start.png")),
        replace(batch, format="tiff"),
        replace(batch, format="jpg"),
        replace(batch, format="jpg", settings=OutputSettings(quality=80)),
        replace(batch, settings=OutputSettings(bits=16)),
        replace(batch, settings=OutputSettings(recipe=False)),
        replace(batch, settings=OutputSettings(metadata="all")),
    ]
    assert len({b.options_digest() for b in [batch, *others]}) == 1 + len(others)
    same = [
        replace(batch, workers=2),
        replace(batch, force=True),
        replace(batch, settings=OutputSettings(quality=80)),
    ]
    assert {b.options_digest() for b in same} == {batch.options_digest()}


# Names


def test_names_say_photograph_and_style() -> None:
    copies("a/x.jpg")
    styles = ("painting.png", "starry-night:coarse")
    assert names(order("photo.png", "a/x.jpg", styles=styles, format="jpg")) == [
        "photo-painting.jpg",
        "photo-starry-night-coarse.jpg",
        "x-painting.jpg",
        "x-starry-night-coarse.jpg",
    ]


def test_two_of_a_name_are_numbered_whatever_their_case() -> None:
    copies("a/x.jpg", "b/x.jpg", "b/X.png", "x-painting-2.png")
    made = names(order("a/x.jpg", "b/x.jpg", "b/X.png", "x-painting-2.png"))
    assert made == [
        "x-painting.png",
        "x-painting-2.png",
        "X-painting-3.png",
        "x-painting-2-painting.png",
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="has no such names")
def test_strange_names_become_plain_ones() -> None:
    odd = ("a:b?.png", "line\nbreak.png", 120 * "é" + ".png", "..png", "\udcff.png")
    copies(*odd)
    assert all(map(is_plain, names(order(*odd))))
    copies("contact.png", "2.png")
    assert names(order("contact.png", styles=("2.png",), format="jpg")) == ["contact-2-2.jpg"]


def manifest_of(batch: Batch) -> Manifest:
    """As if all of a batch were painted: the files too, whatever is in them."""
    Path("out").mkdir(exist_ok=True)
    manifest = Manifest()
    for item in batch_status(batch, manifest):
        path = Path("out") / item.output
        path.write_bytes(item.output.encode())
        digest = of_file(path, PictureError)
        manifest.entries[item.output] = replace(item.entry(), state="done", digest=digest)
    return manifest


def test_a_photograph_that_comes_later_takes_no_others_name() -> None:
    copies("b/x.jpg")
    manifest = manifest_of(order("b/x.jpg"))
    copies("a/x.jpg")
    both = batch_status(order("a/x.jpg", "b/x.jpg"), manifest)
    assert [(i.output, i.state) for i in both] == [
        ("x-painting-2.png", "paint"),
        ("x-painting.png", "kept"),
    ]


def test_the_same_files_from_elsewhere_are_the_same_pictures() -> None:
    copies("a/x.jpg", "b/x.jpg")
    manifest = manifest_of(order("a/x.jpg", "b/x.jpg"))
    Path("a").rename("moved")
    again = batch_status(order("b/x.jpg", str(Path("moved/x.jpg").resolve())), manifest)
    assert [(i.output, i.state) for i in again] == [
        ("x-painting-2.png", "kept"),
        ("x-painting.png", "kept"),
    ]


def test_what_is_there_is_kept_outdated_or_foreign() -> None:
    copies("x.png", "y.png", "z.png", "new.png")
    batch = order("x.png", "y.png", "z.png", "new.png", "photo.png")
    manifest = manifest_of(replace(batch, photographs=batch.photographs[:4]))
    copies("out/y-painting.png")  # somebody's own by now
    Path("out/z-painting.png").unlink()
    Path("new.png").write_bytes(b"another photograph")
    copies("out/photo-painting.png")
    found = batch_status(batch, manifest)
    states = [(item.state, item.message) for item in found]
    assert states == [
        ("kept", ""),
        ("foreign", "it is not as the batch wrote it"),
        ("paint", ""),
        ("outdated", "it was painted with another photograph"),
        ("foreign", "it exists already"),
    ]
    changed = batch_status(replace(batch, config=GatysConfig(size=96)), manifest)[0]
    assert changed.state == "outdated"
    assert changed.message == "it was painted with other options or another version"


def test_a_link_is_never_the_batchs_own_file() -> None:
    batch = order("photo.png")
    manifest = manifest_of(batch)
    path = Path("out/photo-painting.png").rename("elsewhere.png")
    Path("out/photo-painting.png").symlink_to(path.resolve())
    assert batch_status(batch, manifest)[0].state == "foreign"


def test_a_photograph_that_cannot_be_read_is_the_fault_of_its_own_items() -> None:
    copies("x.png")
    batch = order("x.png", "photo.png")
    Path("x.png").unlink()
    first, second = batch_status(batch)
    assert (first.state, second.state) == ("unreadable", "paint")
    assert "x.png" in first.message


# The manifest


def whole() -> dict[str, Any]:
    made_of = {"photograph": D, "style": D, "settings": D}
    item = {
        "photograph": "in/x.jpg", "style": "a.jpg", "output": "x-a.png", "state": "done",
        "digest": D, "made_of": made_of, "seconds": 1.5, "message": "",
    }  # fmt: skip
    sheet = {"output": "contact.jpg", "digest": D, "shows": D}
    return {"format": 1, "version": "0.1.0", "items": [item], "sheets": [sheet]}


def test_it_is_read_as_it_was_written() -> None:
    Path("out").mkdir()
    made = MadeOf(D, D, D)
    entries = [
        Entry("in/\udcff.jpg", "é.jpg", "é-a.png", "done", D, made, 2.0),
        Entry("y.jpg", "a.jpg", "y-a.png", "failed", message="It is damaged."),
    ]
    manifest = Manifest({entry.output: entry for entry in entries})
    manifest.write(Path("out"))
    assert Manifest.read(Path("out")) == manifest
    assert Manifest.read(Path()) == Manifest()
    assert Manifest.from_json(json.dumps(whole())).entries["x-a.png"].seconds == 1.5


@pytest.mark.parametrize(
    "name",
    [
        "../x.png", "/tmp/x.png", "a/b.png", "a\\b.png", "C:x.png", "C:\\x.png", "..", ".", "",
        ".hidden.png", "x.png\0.png", "x.sh", "x.png/", "manifest.json", "a\nb.png", "~/x.png",
        300 * "a" + ".png",
    ],
)  # fmt: skip
def test_it_names_no_file_outside_its_folder(name: str) -> None:
    for part in ("items", "sheets"):
        data = whole()
        data[part][0]["output"] = name
        with pytest.raises(RecipeError, match="not a plain name"):
            Manifest.from_json(json.dumps(data))


def edited(path: tuple[Any, ...], value: Any) -> str:
    data = at = whole()
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return json.dumps(data)


ITEM = ("items", 0)


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "null", "{", '{"format": 1}', "[" * 100_000,
        edited(("format",), 2), edited(("format",), True), edited(("more",), 1),
        edited(("items",), {}), edited((*ITEM, "more"), 1), edited((*ITEM, "state"), "finished"),
        edited((*ITEM, "digest"), "sha256:0"), edited((*ITEM, "made_of"), None),
        edited((*ITEM, "made_of", "style"), "x"), edited((*ITEM, "seconds"), -1),
        edited((*ITEM, "seconds"), True), edited((*ITEM, "seconds"), 10**400),
        edited((*ITEM, "photograph"), 9000 * "a"), edited((*ITEM, "message"), None),
        edited(("items",), 2 * whole()["items"]),
        json.dumps(whole()).replace("1.5", "NaN"), json.dumps(whole()).replace("1.5", "1e999"),
        json.dumps(whole()).replace('"seconds"', '"state": "done", "seconds"'),
        edited(("sheets", 0, "output"), "X-A.png"), edited(("sheets", 0, "shows"), 1),
    ],
)  # fmt: skip
def test_nothing_else_is_read(text: str) -> None:
    with pytest.raises(RecipeError, match="not the manifest of a batch"):
        Manifest.from_json(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
PLACES = [
    ("format",), ("version",), ("items",), ITEM, ("sheets",), ("sheets", 0),
    *[(*ITEM, key) for key in whole()["items"][0]],
    *[("sheets", 0, key) for key in whole()["sheets"][0]],
]  # fmt: skip


@given(st.sampled_from(PLACES), JSON)
def test_whatever_stands_there_is_read_or_refused(place: tuple[Any, ...], value: Any) -> None:
    try:
        manifest = Manifest.from_json(edited(place, value))
    except RecipeError:
        return
    assert all(is_plain(name) for name in [*manifest.entries, *manifest.sheets])


def test_a_file_of_that_name_that_is_none_stays_as_it_is() -> None:
    Path("out").mkdir()
    file = Path("out") / FILE
    for data in (b'{"name": "a web app"}', b"\xff\xfe", b""):
        file.write_bytes(data)
        with pytest.raises(RecipeError, match="not the manifest of a batch") as caught:
            batch_status(order("photo.png", force=True))
        assert "Move it away" in "".join(caught.value.__notes__)
        assert file.read_bytes() == data
    file.unlink()
    Path("elsewhere.json").write_text(json.dumps(whole()))
    file.symlink_to(Path("elsewhere.json").resolve())
    with pytest.raises(RecipeError, match="not a regular file"):
        Manifest.read(Path("out"))
