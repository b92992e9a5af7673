"""Key-values over HTTP: what clients of the published API rely on, and what is refused."""

from __future__ import annotations

import base64
import itertools
import json

import httpx
import pytest

from tests.support.history import head, recorded
from tests.support.sse import frames

BUCKETS = "/api/v1/kv/buckets"
KEYS = f"{BUCKETS}/b/keys"


@pytest.fixture
def bucket(http: httpx.Client) -> httpx.Client:
    """A client whose environment has a bucket `b`."""
    assert http.post(BUCKETS, json={"name": "b", "history": 10}).status_code == 201
    return http


def test_buckets_are_made_listed_and_deleted(http: httpx.Client) -> None:
    asked = {
        "name": "carts",
        "description": "of customers",
        "ttl_seconds": 60,
        "history": 5,
        "max_value_size": 100,
        "max_bytes": 1000,
    }

    made = http.post(BUCKETS, json=asked)

    assert made.status_code == 201
    info = made.json()
    assert info == {**asked, "values": 0, "bytes": 0, "created_at": info["created_at"]}
    assert http.post(BUCKETS, json={"name": "carts"}).status_code == 409
    assert http.get(BUCKETS).json() == {"buckets": [info], "count": 1}
    assert http.get(f"{BUCKETS}/carts").json() == info
    assert http.delete(f"{BUCKETS}/carts").status_code == 204
    assert http.delete(f"{BUCKETS}/carts").status_code == 404
    assert http.get(f"{BUCKETS}/carts").json()["code"] == "BUCKET_NOT_FOUND"


@pytest.mark.parametrize(
    "path", ["a", "a.b", "a/b/c", "a%2Fb.c", "%C3%BC", "with%20space", "a//b", "a%25b", "a%3Fb%23c"]
)
def test_keys_may_be_written_raw_or_escaped(bucket: httpx.Client, path: str) -> None:
    put = bucket.put(f"{KEYS}/{path}", content=b'{"n": 1}')

    assert put.status_code == 200, put.text
    assert put.json() == {"revision": 1}
    read = bucket.get(f"{KEYS}/{path}").json()
    assert base64.b64decode(read["value"]) == b'{"n": 1}'
    assert (read["revision"], read["operation"]) == (1, "put")
    assert bucket.get(KEYS).json() == {"keys": [read["key"]], "count": 1}
    assert bucket.delete(f"{KEYS}/{path}").status_code == 204
    assert bucket.delete(f"{KEYS}/{path}").status_code == 204
    assert bucket.get(f"{KEYS}/{path}").status_code == 404


def test_a_bucket_as_a_tree(bucket: httpx.Client) -> None:
    for key in ("user.7", "user.8", "stock"):
        bucket.put(f"{KEYS}/{key}", content=b"[1]")

    told = bucket.get(f"{BUCKETS}/b/level", params={"limit": 1}).json()
    rest = bucket.get(f"{BUCKETS}/b/level", params={"cursor": told["next_cursor"]}).json()

    [stock] = told["items"]
    assert {**stock, "updated_at": ""} == {
        "kind": "key", "name": "stock", "keys": 1, "bytes": 3, "exact": True, "revision": 1, "updated_at": ""
    }  # fmt: skip
    assert rest["items"] == [{"kind": "branch", "name": "user.", "keys": 2, "bytes": 6, "exact": True}]
    assert "next_cursor" not in rest
    refused = bucket.get(f"{BUCKETS}/b/level", params={"prefix": "user.", "filter": "*.7"})
    assert (refused.status_code, refused.json()["code"]) == (400, "INVALID_ARGUMENT")
    assert bucket.get(f"{BUCKETS}/nowhere/level").status_code == 404


@pytest.mark.parametrize("kind", ["application/octet-stream", "image/png", ""])
def test_a_value_may_be_of_any_type(bucket: httpx.Client, kind: str) -> None:
    put = bucket.put(f"{KEYS}/k", content=b"\x89PNG", headers={"Content-Type": kind})

    assert put.status_code == 200, put.text
    assert bucket.get(f"{KEYS}/k", params={"raw": "true"}).content == b"\x89PNG"


def test_conditions_are_headers(bucket: httpx.Client) -> None:
    def put(content: bytes, **headers: str) -> httpx.Response:
        return bucket.put(
            f"{KEYS}/k", content=content, headers={name.replace("_", "-"): v for name, v in headers.items()}
        )

    assert put(b"1", If_None_Match="*").json() == {"revision": 1}
    refused = put(b"2", If_None_Match="*")
    assert refused.status_code == 412
    assert refused.json()["code"] == "REVISION_CONFLICT"
    assert put(b"2", If_Match="1").headers["etag"] == '"2"'
    assert put(b"3", If_Match='"2"').json() == {"revision": 3}
    assert put(b"4", If_Match="*").json() == {"revision": 4}
    assert put(b"5", If_Match="3").status_code == 412
    assert bucket.delete(f"{KEYS}/k", headers={"If-Match": "3"}).status_code == 412
    assert bucket.delete(f"{KEYS}/k", headers={"If-Match": "4"}).status_code == 204


def test_counters_history_and_the_past(bucket: httpx.Client) -> None:
    counter, past = f"{BUCKETS}/b/counters/n", f"{BUCKETS}/b/history/n"
    assert bucket.post(counter).json() == {"revision": 1, "value": 1}
    assert bucket.post(counter, json={"by": 41}).json() == {"revision": 2, "value": 42}
    assert bucket.delete(f"{KEYS}/n").status_code == 204

    revisions = bucket.get(past).json()["revisions"]

    assert [one["operation"] for one in revisions] == ["delete", "put", "put"]
    assert base64.b64decode(revisions[1]["value"]) == b"42"
    at = revisions[1]["position"]
    assert bucket.get(f"{KEYS}/n", params={"at": at, "raw": "true"}).content == b"42"
    assert bucket.get(f"{KEYS}/n", params={"at": revisions[0]["position"]}).status_code == 404
    for revision in revisions[1:]:
        read = bucket.get(f"{KEYS}/n", params={"at": revision["created_at"]}).json()
        assert (read["revision"], read["value"]) == (revision["revision"], revision["value"])
    assert bucket.get(f"{KEYS}/n", params={"at": "1h"}).status_code == 404, "an hour ago there was nothing"
    assert bucket.get(past, params={"limit": 1, "before": 3}).json()["revisions"] == [revisions[1]]


def test_a_run_that_writes_is_named_as_the_cause(bucket: httpx.Client) -> None:
    run_id = "run_" + "0" * 26
    bucket.put(f"{KEYS}/k", content=b"1", headers={"X-Ironflow-Run-ID": run_id})

    [revision] = bucket.get(f"{BUCKETS}/b/history/k").json()["revisions"]
    assert revision["caused_by"] == f"run/{run_id}"


BAD_BUCKETS = [
    b"",
    b"{",
    b"[]",
    b"{}",
    b'{"name":""}',
    b'{"name":"a/b"}',
    b'{"name":".a"}',
    b'{"name":"a\\u0000"}',
    b'{"name":"%s"}' % (b"x" * 101),
    b'{"name":"a","description":"\\u0000"}',
    b'{"name":"a","ttl_seconds":-1}',
    b'{"name":"a","ttl_seconds":1.5}',
    b'{"name":"a","ttl_seconds":"60"}',
    b'{"name":"a","ttl_seconds":99999999999}',
    b'{"name":"a","history":0}',
    b'{"name":"a","history":1001}',
    b'{"name":"a","max_bytes":-1}',
    b'{"name":"a","max_value_size":99999999999999999999}',
    b'{"name":"a","ttl":60}',
]


@pytest.mark.parametrize("body", BAD_BUCKETS)
def test_a_bad_bucket_is_refused(http: httpx.Client, body: bytes) -> None:
    before = recorded(http)

    answer = http.post(BUCKETS, content=body)

    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] == "INVALID_ARGUMENT"
    assert "Traceback" not in answer.text
    assert recorded(http) == before


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status"),
    [
        ("PUT", f"{KEYS}/a%00b", {}, b"1", 400),
        ("PUT", f"{KEYS}/a%0Ab", {}, b"1", 400),
        ("PUT", f"{KEYS}/%FF", {}, b"1", 400),
        ("PUT", f"{KEYS}/a.*", {}, b"1", 400),
        ("PUT", f"{KEYS}/%3E", {}, b"1", 400),
        ("PUT", f"{KEYS}/", {}, b"1", 400),
        ("PUT", f"{KEYS}/{'x' * 513}", {}, b"1", 400),
        ("PUT", f"{KEYS}/k", {}, b"x" * (10 * 2**20 + 1), 413),
        ("PUT", f"{KEYS}/k", {"If-Match": "one"}, b"1", 400),
        ("PUT", f"{KEYS}/k", {"If-Match": "0"}, b"1", 400),
        ("PUT", f"{KEYS}/k", {"If-Match": "-1"}, b"1", 400),
        ("PUT", f"{KEYS}/k", {"If-Match": "9" * 30}, b"1", 400),
        ("PUT", f"{KEYS}/k", {"If-Match": "1, 2"}, b"1", 400),
        ("PUT", f"{KEYS}/k", {"If-None-Match": "1"}, b"1", 400),
        ("PUT", f"{KEYS}/k", {"If-None-Match": "*", "If-Match": "1"}, b"1", 400),
        ("PUT", f"{KEYS}/k?ttl=soon", {}, b"1", 400),
        ("PUT", f"{KEYS}/k?ttl=0", {}, b"1", 400),
        ("PUT", f"{KEYS}/k?ttl=-5s", {}, b"1", 400),
        ("PUT", f"{KEYS}/k?ttl=999999999d", {}, b"1", 400),
        ("PUT", f"{KEYS}/k", {"X-Ironflow-Run-ID": "nonsense"}, b"1", 400),
        ("PUT", f"{BUCKETS}/nope/keys/k", {}, b"1", 404),
        ("PUT", f"{BUCKETS}/a%20b/keys/k", {}, b"1", 400),
        ("GET", f"{BUCKETS}/nope/keys/k", {}, b"", 404),
        ("GET", f"{BUCKETS}/nope/keys", {}, b"", 404),
        ("GET", f"{BUCKETS}/nope/history/k", {}, b"", 404),
        ("GET", f"{BUCKETS}/b/history/nope", {}, b"", 404),
        ("GET", f"{KEYS}/nope", {}, b"", 404),
        ("GET", f"{KEYS}/nope?at=0", {}, b"", 404),
        ("GET", f"{KEYS}/nope?at=x", {}, b"", 400),
        ("GET", f"{KEYS}/nope?at=999999999999", {}, b"", 400),
        ("GET", f"{KEYS}?filter=a..b", {}, b"", 400),
        ("GET", f"{KEYS}?filter=%3E.a", {}, b"", 400),
        ("GET", f"{KEYS}?limit=0", {}, b"", 400),
        ("DELETE", f"{KEYS}/k", {"If-Match": "x"}, b"", 400),
        ("DELETE", f"{KEYS}/k?purge=maybe", {}, b"", 400),
        ("POST", f"{BUCKETS}/b/counters/n", {}, b'{"by":1.5}', 400),
        ("POST", f"{BUCKETS}/b/counters/n", {}, b'{"by":99999999999999999999}', 400),
        ("POST", f"{BUCKETS}/b/counters/n", {}, b"1", 400),
    ],
)
def test_nonsense_is_refused_and_nothing_recorded(
    bucket: httpx.Client, method: str, path: str, headers: dict[str, str], body: bytes, status: int
) -> None:
    before = recorded(bucket)

    answer = bucket.request(method, path, headers=headers, content=body)

    assert answer.status_code == status, answer.text[:300]
    assert answer.json()["error"]
    assert "Traceback" not in answer.text
    assert recorded(bucket) == before


def test_a_bucket_is_watched_from_a_position_on_and_resumed(bucket: httpx.Client) -> None:
    start = head(bucket)
    for number in range(3):
        bucket.put(f"{KEYS}/user.{number}", content=b"%d" % number)
    bucket.put(f"{KEYS}/other", content=b"x")
    bucket.delete(f"{KEYS}/user.0")
    watch = f"{BUCKETS}/b/watch"

    seen = frames(bucket, watch, 5, params={"after": start})

    assert [(one["key"], one["operation"], one["revision"]) for one in seen] == [
        ("user.0", "put", 1),
        ("user.1", "put", 1),
        ("user.2", "put", 1),
        ("other", "put", 1),
        ("user.0", "delete", 2),
    ]
    assert all(one["type"] == "kv_update" and one["bucket"] == "b" and one["frame"] == one["position"] for one in seen)
    assert base64.b64decode(seen[2]["value"]) == b"2"
    assert (seen[4]["value"], seen[4]["reason"]) == ("", "delete")
    some = frames(bucket, watch, 2, params={"key": "user.*"}, headers={"Last-Event-ID": str(seen[1]["frame"])})
    assert some == [seen[2], seen[4]]


def test_a_watcher_hears_of_what_happens_now(bucket: httpx.Client) -> None:
    with bucket.stream("GET", f"{BUCKETS}/b/watch") as answer:
        lines = answer.iter_lines()
        assert next(lines) == ": following"
        bucket.put(f"{KEYS}/k", content=b"1")
        bucket.delete(f"{BUCKETS}/b")
        told = [json.loads(line[6:]) for line in itertools.islice((x for x in lines if x.startswith("data: ")), 2)]
    assert [one["type"] for one in told] == ["kv_update", "bucket_deleted"]


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("?after=x", {}, 400),
        ("?after=999999999999", {}, 400),
        ("?key=a..b", {}, 400),
        ("?backpressure=maybe", {}, 400),
        ("", {"Last-Event-ID": "x"}, 400),
        ("", {"Last-Event-ID": "9" * 30}, 400),
    ],
)
def test_a_watch_that_makes_no_sense_is_refused(
    bucket: httpx.Client, query: str, headers: dict[str, str], status: int
) -> None:
    answer = bucket.get(f"{BUCKETS}/b/watch{query}", headers=headers)

    assert answer.status_code == status
    assert answer.json()["field"]
    assert bucket.get(f"{BUCKETS}/nope/watch").status_code == 404


def test_a_watch_that_is_only_asked_for_its_headers_leaves_nothing_open(bucket: httpx.Client) -> None:
    def open_now() -> float:
        lines = bucket.get("/metrics").text.splitlines()
        return float(next(line for line in lines if line.startswith("ironflow_subscriptions ")).split()[1])

    before = open_now()

    for _ in range(3):
        assert bucket.head(f"{BUCKETS}/b/watch").status_code == 200

    assert open_now() <= before
