"""Configuration documents over HTTP."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.support.history import head, recorded

CONFIG = "/api/v1/config"
LIMITS = f"{CONFIG}/limits"


def test_documents_are_set_patched_read_and_deleted(http: httpx.Client) -> None:
    assert http.get(LIMITS).json()["code"] == "CONFIG_NOT_FOUND"
    assert http.post(LIMITS, json={"a": 1, "b": {"x": 1, "y": 2}}).json() == {"name": "limits", "revision": 1}
    assert http.patch(LIMITS, json={"b": {"x": 3}, "c": None}).json() == {"name": "limits", "revision": 2}

    read = http.get(LIMITS)

    document = read.json()
    assert document["data"] == {"a": 1, "b": {"x": 3}, "c": None}
    assert (document["name"], document["revision"]) == ("limits", 2)
    assert document["updatedAt"].endswith("Z")
    assert read.headers["etag"] == '"2"'
    assert http.patch(f"{CONFIG}/made", json={"new": True}).json()["revision"] == 1
    listed = http.get(CONFIG).json()["configs"]
    assert [(one["name"], one["revision"], set(one)) for one in listed] == [
        ("limits", 2, {"name", "revision", "updatedAt"}),
        ("made", 1, {"name", "revision", "updatedAt"}),
    ]
    first = http.get(CONFIG, params={"limit": 1}).json()
    assert [one["name"] for one in first["configs"]] == ["limits"]
    assert http.get(CONFIG, params={"cursor": first["next_cursor"]}).json()["configs"] == listed[1:]
    assert http.delete(LIMITS).status_code == 204
    assert http.delete(LIMITS).status_code == 204
    assert http.get(LIMITS).status_code == 404
    assert [one["name"] for one in http.get(CONFIG).json()["configs"]] == ["made"]


def test_a_document_comes_back_as_it_was_written(http: httpx.Client) -> None:
    http.post(LIMITS, content=b'{"z": 1.50, "a": 12345678901234567890123}')

    assert b'"data":{"z": 1.50, "a": 12345678901234567890123}' in http.get(LIMITS).content


def test_conditions(http: httpx.Client) -> None:
    assert http.post(LIMITS, json={}, headers={"If-Match": "1"}).status_code == 412
    assert http.patch(LIMITS, json={}, headers={"If-Match": "*"}).status_code == 412
    assert http.post(LIMITS, json={}, headers={"If-None-Match": "*"}).status_code == 200
    refused = http.post(LIMITS, json={}, headers={"If-None-Match": "*"})
    assert (refused.status_code, refused.json()["code"]) == (412, "REVISION_CONFLICT")
    assert http.patch(LIMITS, json={"a": 1}, headers={"If-Match": '"1"'}).json()["revision"] == 2
    assert http.delete(LIMITS, headers={"If-Match": "1"}).status_code == 412
    assert http.delete(LIMITS, headers={"If-Match": "2"}).status_code == 204


def test_revisions_are_listed_compared_and_brought_back(http: httpx.Client) -> None:
    http.post(LIMITS, json={"a": 1, "b": {"x": 1}})
    http.patch(LIMITS, json={"a": 2})
    http.delete(LIMITS)
    assert http.post(f"{LIMITS}/restore", json={"revision": 1}).json()["revision"] == 4
    http.post(LIMITS, json={"b": {"x": 2}, "c": []})

    revisions = http.get(f"{LIMITS}/history").json()["revisions"]

    told = [(one["revision"], one["operation"], one["data"]) for one in revisions]
    assert told == [
        (5, "set", {"b": {"x": 2}, "c": []}),
        (4, "restore", {"a": 1, "b": {"x": 1}}),
        (3, "delete", None),
        (2, "patch", {"a": 2, "b": {"x": 1}}),
        (1, "set", {"a": 1, "b": {"x": 1}}),
    ]
    assert revisions[1]["restored_from"] == 1
    assert http.get(f"{LIMITS}/history", params={"before": 3, "limit": 1}).json()["revisions"] == [revisions[3]]
    assert http.get(LIMITS, params={"revision": 2}).json()["data"] == {"a": 2, "b": {"x": 1}}
    assert http.get(LIMITS, params={"at": revisions[3]["position"]}).json()["revision"] == 2
    assert http.get(LIMITS, params={"at": revisions[2]["position"]}).status_code == 404
    assert http.get(LIMITS, params={"at": revisions[3]["updatedAt"]}).json()["revision"] == 2
    assert http.get(LIMITS, params={"at": revisions[2]["updatedAt"]}).status_code == 404
    assert http.get(LIMITS, params={"at": "1h"}).status_code == 404, "an hour ago there was nothing"
    expected = [
        {"op": "remove", "path": "/a", "before": 1},
        {"op": "replace", "path": "/b/x", "before": 1, "after": 2},
        {"op": "add", "path": "/c", "after": []},
    ]
    assert http.get(f"{LIMITS}/diff").json() == {"name": "limits", "from": 4, "to": 5, "changes": expected}
    assert http.get(f"{LIMITS}/diff", params={"from": 1, "to": 4}).json()["changes"] == []
    assert http.get(f"{LIMITS}/diff", params={"from": 3, "to": 4}).status_code == 404


def test_patches_at_the_same_time_all_count(http: httpx.Client) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: http.patch(LIMITS, json={f"k{n}": n}), range(40)))

    assert http.get(LIMITS).json()["data"] == {f"k{n}": n for n in range(40)}


@pytest.mark.parametrize("name", ["limits", "*"])
def test_a_watcher_sees_every_revision(http: httpx.Client, name: str) -> None:
    start = head(http)
    http.post(LIMITS, content=b'{"a":\n1}')
    http.patch(LIMITS, json={"b": 2})
    http.delete(LIMITS)

    told = []
    with http.stream("GET", f"{CONFIG}/{name}/watch", params={"after": start}) as answer:
        event = ""
        for line in answer.iter_lines():
            if line.startswith("data: "):
                event += line[6:]
            elif not line and event:
                told.append(json.loads(event))
                event = ""
            if len(told) == 3:
                break

    assert [(one["revision"], one["data"]) for one in told] == [(1, {"a": 1}), (2, {"a": 1, "b": 2}), (3, None)]
    assert {one["type"] for one in told} == {"config_update"}
    assert {"name", "data", "revision", "updatedAt"} <= set(told[0])


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status"),
    [
        ("POST", LIMITS, {}, b"", 400),
        ("POST", LIMITS, {}, b"[]", 400),
        ("POST", LIMITS, {}, b"1", 400),
        ("POST", LIMITS, {}, b"{", 400),
        ("POST", LIMITS, {}, b'{"a":"\\u0000"}', 400),
        ("POST", LIMITS, {}, b'{"a":NaN}', 400),
        ("POST", LIMITS, {}, b'{"a":' + b"[" * 101 + b"]" * 101 + b"}", 400),
        ("POST", LIMITS, {}, b'{"a":"%s"}' % (b"x" * 2**20), 413),
        ("PATCH", LIMITS, {}, b"null", 400),
        ("PATCH", LIMITS, {"If-Match": "x"}, b"{}", 400),
        ("POST", LIMITS, {"If-Match": "1", "If-None-Match": "*"}, b"{}", 400),
        ("POST", f"{CONFIG}/a%20b", {}, b"{}", 400),
        ("POST", f"{CONFIG}/a%00b", {}, b"{}", 400),
        ("POST", f"{CONFIG}/*", {}, b"{}", 400),
        ("POST", f"{CONFIG}/{'x' * 101}", {}, b"{}", 400),
        ("GET", f"{LIMITS}?at=0", {}, b"", 404),
        ("GET", f"{LIMITS}?at=soon", {}, b"", 400),
        ("GET", f"{LIMITS}?at=99999999999", {}, b"", 400),
        ("GET", f"{LIMITS}?at=1&revision=1", {}, b"", 400),
        ("GET", f"{LIMITS}?revision=7", {}, b"", 404),
        ("GET", f"{LIMITS}/history", {}, b"", 404),
        ("GET", f"{LIMITS}/history?limit=0", {}, b"", 400),
        ("GET", f"{LIMITS}/diff", {}, b"", 404),
        ("GET", f"{LIMITS}/watch?after=x", {}, b"", 400),
        ("POST", f"{LIMITS}/restore", {}, b'{"revision":0}', 400),
        ("POST", f"{LIMITS}/restore", {}, b'{"revision":1}', 404),
        ("POST", f"{LIMITS}/restore", {}, b"{}", 400),
    ],
)
def test_nonsense_is_refused_and_nothing_recorded(
    http: httpx.Client, method: str, path: str, headers: dict[str, str], body: bytes, status: int
) -> None:
    before = recorded(http)

    answer = http.request(method, path, headers=headers, content=body)

    assert answer.status_code == status, answer.text[:300]
    assert answer.json()["error"]
    assert recorded(http) == before
