"""Changes over HTTP that are made to what their author has seen, on both stores: refused where somebody was faster."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

FUNCTION = "/api/v1/functions/f"
GROUP = "/api/v1/groups/billing"

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
}


@pytest.fixture(params=CHANGES)
def path(request: pytest.FixtureRequest, http: httpx.Client) -> str:
    """A function of two versions, or a group."""
    chosen: str = request.param
    if chosen == GROUP:
        http.post("/api/v1/groups", json={"name": "billing", "pattern": "order.>"}).raise_for_status()
    else:
        for name in ("one", "two"):
            told = {"id": "f", "name": name, "triggers": [{"event": "e"}]}
            http.post("/ironflow.v1.IronflowService/RegisterFunction", json=told).raise_for_status()
    return chosen


def made(http: httpx.Client, path: str, call: Call, seen: str | None) -> httpx.Response:
    method, verb, body = call
    headers = {} if seen is None else {"If-Match": seen}
    return http.request(method, path + verb, json=body, headers=headers)


def test_each_change_is_made_to_what_was_seen_and_gives_another_tag(http: httpx.Client, path: str) -> None:
    tags = [http.get(path).headers["ETag"]]

    for call in CHANGES[path]:
        answer = made(http, path, call, tags[-1])
        assert answer.is_success, (call, answer.text)
        if call[0] != "DELETE":
            shown = http.get(path)
            assert shown.headers["ETag"] == f'"{shown.json()["revision"]}"' == answer.headers["ETag"]
            tags.append(shown.headers["ETag"])

    assert len(set(tags)) == len(CHANGES[path])


def test_a_change_of_what_was_changed_meanwhile_is_refused_and_told_why(http: httpx.Client, path: str) -> None:
    seen = http.get(path).headers["ETag"]
    http.post(f"{path}/pause", json={"reason": "the shop moves"}).raise_for_status()
    before = http.get(path).json()

    for call in CHANGES[path]:
        refused = made(http, path, call, seen)
        assert (refused.status_code, refused.json()["code"]) == (412, "REVISION_CONFLICT"), call
        assert "the shop moves" in refused.json()["hint"]

    assert http.get(path).json() == before
    assert made(http, path, ("POST", "/resume", {}), None).is_success, "whoever expects nothing is not refused"
    unread = made(http, path, ("POST", "/pause", {}), '"one"')
    assert (unread.status_code, unread.json()["field"]) == (400, "If-Match")


def test_what_is_gone_or_was_made_anew_is_not_what_was_seen(http: httpx.Client) -> None:
    made_group = {"name": "billing", "pattern": "order.>"}
    seen = http.post("/api/v1/groups", json=made_group).headers["ETag"]
    http.delete(GROUP).raise_for_status()
    assert made(http, GROUP, ("POST", "/pause", {}), seen).status_code == 404
    assert made(http, GROUP, ("DELETE", "", None), seen).status_code == 204

    http.post("/api/v1/groups", json=made_group).raise_for_status()

    assert made(http, GROUP, ("DELETE", "", None), seen).status_code == 412
    assert http.get(GROUP).status_code == 200
