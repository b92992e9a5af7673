"""Changes over HTTP that are made to what their author has seen, on both stores: refused where somebody was faster."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

FUNCTION = "/api/v1/functions/f"
GROUP = "/api/v1/groups/billing"
PROJECTION = "/api/v1/projections/totals"
KEYS = "/api/v1/apikeys"
COUNTING = {
    "events": ["order.placed"],
    "initial": {"count": 0},
    "rules": [{"on": "order.placed", "set": {"count": "state.count + 1"}}],
}

Call = tuple[str, str, Any]

CHANGES: dict[str, list[Call]] = {
    FUNCTION: [
        ("POST", "/pause", {"reason": "a look"}),
        ("POST", "/resume", {}),
        ("POST", "/pin", {}),
        ("POST", "/unpin", {}),
        ("POST", "/rollback", {"version": 1}),
        ("POST", "/archive", {}),
        ("DELETE", "", None),
    ],
    GROUP: [
        ("PATCH", "", {"max_inflight": 7}),
        ("POST", "/pause", {"reason": "a look"}),
        ("POST", "/resume", {}),
        ("POST", "/reset", {"after": 0}),
        ("DELETE", "", None),
    ],
    PROJECTION: [
        ("POST", "/pause", {"reason": "a look"}),
        ("PUT", "", {**COUNTING, "description": "of orders"}),
        ("POST", "/resume", {}),
        ("DELETE", "", None),
    ],
    KEYS: [
        ("PUT", "/roles", {"role_ids": ["developer"]}),
        ("POST", "/rotate", {"overlap_seconds": 60}),
        ("DELETE", "", None),
    ],
}
MORE: dict[str, list[Call]] = {PROJECTION: [("POST", "/rebuild", {}), ("POST", "/cancel", {})]}
"""Changes that would be followed by others, or that there is nothing for."""


@pytest.fixture(params=CHANGES)
def path(request: pytest.FixtureRequest, http: httpx.Client) -> str:
    """A function of two versions, a group, a projection to which nothing happens by itself, or a key."""
    chosen: str = request.param
    if chosen == GROUP:
        http.post("/api/v1/groups", json={"name": "billing", "pattern": "order.>"}).raise_for_status()
    elif chosen == KEYS:
        answer = http.post(KEYS, json={"name": "ci", "role_ids": ["viewer"]})
        return f"{KEYS}/{answer.raise_for_status().json()['id']}"
    elif chosen == PROJECTION:
        http.put(PROJECTION, json=COUNTING).raise_for_status()
    else:
        for name in ("one", "two"):
            told = {"id": "f", "name": name, "triggers": [{"event": "e"}]}
            http.post("/ironflow.v1.IronflowService/RegisterFunction", json=told).raise_for_status()
    return chosen


def changes(of: dict[str, list[Call]], path: str) -> list[Call]:
    return of.get(KEYS if path.startswith(KEYS) else path, [])


def faster(path: str) -> Call:
    """What somebody else does meanwhile."""
    return ("POST", "/rotate", {}) if path.startswith(KEYS) else ("POST", "/pause", {"reason": "the shop moves"})


def made(http: httpx.Client, path: str, call: Call, seen: str | None) -> httpx.Response:
    method, verb, body = call
    headers = {} if seen is None else {"If-Match": seen}
    return http.request(method, path + verb, json=body, headers=headers)


def test_each_change_is_made_to_what_was_seen_and_gives_another_tag(http: httpx.Client, path: str) -> None:
    tags = [http.get(path).headers["ETag"]]

    for call in changes(CHANGES, path):
        answer = made(http, path, call, tags[-1])
        assert answer.is_success, (call, answer.text)
        if call[0] != "DELETE":
            shown = http.get(path)
            assert shown.headers["ETag"] == f'"{shown.json()["revision"]}"'
            assert answer.headers.get("ETag", shown.headers["ETag"]) == shown.headers["ETag"]
            tags.append(shown.headers["ETag"])

    assert len(set(tags)) == len(changes(CHANGES, path))


def test_a_change_of_what_was_changed_meanwhile_is_refused_and_told_why(http: httpx.Client, path: str) -> None:
    seen = http.get(path).headers["ETag"]
    made(http, path, faster(path), None).raise_for_status()
    told = "the shop moves" if path in CHANGES else "apikey.rotated"
    before = http.get(path).headers["ETag"]

    for call in [*changes(CHANGES, path), *changes(MORE, path)]:
        refused = made(http, path, call, seen)
        assert (refused.status_code, refused.json()["code"]) == (412, "REVISION_CONFLICT"), call
        assert told in refused.json()["hint"]

    assert http.get(path).headers["ETag"] == before
    unread = made(http, path, changes(CHANGES, path)[0], '"one"')
    assert (unread.status_code, unread.json()["field"]) == (400, "If-Match")
    assert made(http, path, changes(CHANGES, path)[0], None).is_success, "whoever expects nothing is not refused"


def test_what_is_gone_or_was_made_anew_is_not_what_was_seen(http: httpx.Client) -> None:
    made_group = {"name": "billing", "pattern": "order.>"}
    seen = http.post("/api/v1/groups", json=made_group).headers["ETag"]
    http.delete(GROUP).raise_for_status()
    assert made(http, GROUP, ("POST", "/pause", {}), seen).status_code == 404
    assert made(http, GROUP, ("DELETE", "", None), seen).status_code == 204

    http.post("/api/v1/groups", json=made_group).raise_for_status()

    assert made(http, GROUP, ("DELETE", "", None), seen).status_code == 412
    assert http.get(GROUP).status_code == 200


def test_a_projection_that_was_deleted_meanwhile_is_not_registered_anew(http: httpx.Client) -> None:
    seen = http.put(PROJECTION, json=COUNTING).headers["ETag"]
    http.delete(PROJECTION).raise_for_status()

    refused = http.put(PROJECTION, json={**COUNTING, "description": "of orders"}, headers={"If-Match": seen})

    assert (refused.status_code, refused.json()["code"]) == (412, "REVISION_CONFLICT")
    assert "projection.deleted" in refused.json()["hint"]
    assert http.get(PROJECTION).status_code == 404
    assert http.put(PROJECTION, json=COUNTING).status_code == 201
