"""Whatever is sent to the API, it answers; what it says of itself decides what is sent."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from serving import StudioServer

schemathesis = pytest.importorskip("schemathesis", reason="the extra `dev` is not installed")

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("IMPASTO_EXAMPLES", "8"))
# `/events` never ends. What is put into the queue is not painted: this studio has no worker.
ENDLESS = {("GET", "/api/v1/events")}
few = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioServer]:
    server = StudioServer(tmp_path_factory.mktemp("fuzzed") / "files", "--workers", "0")
    yield server
    server.close()


def check(server: StudioServer, answer: httpx.Response) -> None:
    """An answer that a client understands."""
    status = answer.status_code
    assert status < 500, (answer.request.method, answer.request.url, answer.request.content)
    if status >= 400:
        error = answer.json()["error"]
        assert isinstance(error["message"], str)
        assert error["message"]
        assert str(server.files) not in error["message"]  # nobody's business
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_every_operation_answers(server: StudioServer) -> None:
    document = server.get("/openapi.json")
    schema = schemathesis.openapi.from_dict(document)
    seen = set()
    with httpx.Client(base_url=server.url, timeout=120) as client:
        for found in schema.get_all_operations():
            operation = found.ok()
            name = (operation.method.upper(), operation.path)
            if name in ENDLESS:
                continue
            seen.add(name)

            @few
            @given(case=operation.as_strategy())
            def send(case: Any) -> None:
                values = case.as_transport_kwargs(base_url=server.url)
                values.pop("cookies", None)
                headers = {
                    key: value for key, value in dict(values.pop("headers", {})).items()
                    if _may_be_sent(key, value)
                }  # fmt: skip
                try:
                    answer = client.request(headers=headers, **values)
                except (
                    httpx.InvalidURL,
                    UnicodeError,
                    AttributeError,
                ):  # of which the client makes no request
                    return
                check(server, answer)

            send()
    assert len(seen) > 25


def _may_be_sent(key: str, value: str) -> bool:
    return key.lower() != "host" and key.isascii() and str(value).isprintable()


@pytest.fixture(scope="module")
def asked(server: StudioServer) -> dict[str, Any]:
    """A request that can be painted."""
    id = server.upload()["id"]
    return {
        "contents": [{"upload": id}],
        "styles": [{"style": "starry-night"}],
        "method": "gatys",
        "options": {"size": 64, "iterations": 1},
        "content_map": {"upload": id},
    }


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
    st.sampled_from(["50%", "1e9", "/etc/passwd", "keep", "#f00=keep", "\0", "nan", "-1", ""]),
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=4,
)


@settings(few, max_examples=8 * EXAMPLES)
@given(data=st.data())
def test_almost_right_jobs_are_answered(
    data: st.DataObject, server: StudioServer, asked: dict[str, Any]
) -> None:
    schema = server.get("/schema")
    method = data.draw(st.sampled_from(sorted(schema["methods"])))
    names = [option["name"] for option in schema["methods"][method]["options"]]
    body = json.loads(json.dumps(asked)) | {"method": method}
    body["options"][data.draw(st.sampled_from(names))] = data.draw(values)
    place = data.draw(st.sampled_from([None, *body, "init", "output", "style_maps", "title"]))
    if place is not None:
        body[place] = data.draw(values)
    text = json.dumps(body)
    path = data.draw(st.sampled_from(["/jobs", "/jobs", "/forecasts"]))
    headers = {"content-type": "application/json"}
    check(server, server.client.post(path, content=text, headers=headers))


@settings(few, max_examples=4 * EXAMPLES)
@given(
    name=st.text(max_size=40),
    head=st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBP", b"PK"]),
    rest=st.binary(max_size=200),
)  # fmt: skip
def test_whatever_is_uploaded_is_answered(
    name: str, head: bytes, rest: bytes, server: StudioServer
) -> None:
    try:
        answer = server.client.post("/uploads", files={"file": (name, head + rest)})
    except UnicodeError:  # a surrogate, which no request holds
        return
    check(server, answer)


@settings(few, max_examples=4 * EXAMPLES)
@given(
    body=st.binary(max_size=300), path=st.sampled_from(["/jobs", "/looks", "/styles", "/uploads"])
)
def test_bodies_that_are_none(body: bytes, path: str, server: StudioServer) -> None:
    for kind in ("application/json", "multipart/form-data; boundary=x", "text/plain", ""):
        answer = server.client.post(path, content=body, headers={"content-type": kind})
        check(server, answer)


def test_nothing_was_written_elsewhere(server: StudioServer) -> None:
    """Last: after all of this the studio's own folders are as they were."""
    incoming = server.files / "studio" / "incoming"
    assert not list(incoming.iterdir())
    assert {path.name for path in Path(server.files).iterdir()} <= {
        "impasto-store.json", "inputs", "jobs", "workers", "studio",
        "queue.sqlite", "queue.sqlite-wal", "queue.sqlite-shm",
    }  # fmt: skip
