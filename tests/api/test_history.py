"""History from outside, on both stores: found by what it is, and traced back to where it began."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import httpx
import pytest

from tests.support.server import ServerProcess

HISTORY = "/api/v1/history"
RUN = "X-Ironflow-Run-ID"


def find(http: httpx.Client, **params: Any) -> list[dict[str, Any]]:
    """Every entry that fits, page by page."""
    found: list[dict[str, Any]] = []
    cursor = "0"
    while cursor:
        answer = http.get(HISTORY, params={**params, **({"cursor": cursor} if cursor != "0" else {})})
        assert answer.status_code == 200, answer.text
        found += answer.json()["entries"]
        cursor = answer.json().get("next_cursor", "")
    return found


def register(http: httpx.Client, id: str, event: str) -> None:
    body = {"id": id, "triggers": [{"event": event}]}
    assert http.post("/ironflow.v1.IronflowService/RegisterFunction", json=body).status_code == 200


def emit(http: httpx.Client, name: str, run_id: str = "") -> dict[str, Any]:
    told: dict[str, Any] = http.post("/api/v1/events", json={"name": name}, headers={RUN: run_id}).json()
    return told


@pytest.fixture
def story(http: httpx.Client) -> dict[str, Any]:
    """An event starts a run; the run appends to an entity, which starts another run."""
    register(http, "bill", "order.placed")
    register(http, "ship", "invoice.sent")
    placed = emit(http, "order.placed")
    [bill] = placed["run_ids"]
    body = {"entityType": "invoice", "name": "invoice.sent"}
    sent = http.post("/api/v1/streams/7/events", json=body, headers={RUN: bill}).json()
    [ship] = sent["runIds"]
    emit(http, "other.event")
    return {"event": placed["event_id"], "bill": bill, "ship": ship}


def test_entries_are_found_by_kind_stream_and_correlation(http: httpx.Client, story: dict[str, Any]) -> None:
    kinds = [entry["kind"] for entry in find(http)]
    assert kinds == [
        *["function.registered"] * 2,
        *["event.emitted", "run.created"] * 2,
        "event.emitted",
    ]
    assert [entry["stream"] for entry in find(http, kind="run.*")] == [f"run/{story['bill']}", f"run/{story['ship']}"]
    assert len(find(http, kind="run.created,function.registered")) == 4
    assert [entry["kind"] for entry in find(http, stream="entity/invoice/7")] == ["event.emitted"]
    assert [entry["kind"] for entry in find(http, correlation=story["event"])] == ["event.emitted", "run.created"]
    assert find(http, actor="nobody") == []
    assert find(http, kind="run.failed") == []


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_follow_one_another_in_both_directions(
    http: httpx.Client, story: dict[str, Any], direction: str, limit: int
) -> None:
    everything = [entry["position"] for entry in find(http)]
    events = [entry["position"] for entry in find(http, kind="event.emitted")]
    step = 1 if direction == "forward" else -1

    paged = {"direction": direction, "limit": limit}
    assert [entry["position"] for entry in find(http, **paged)] == everything[::step]
    assert [entry["position"] for entry in find(http, kind="event.emitted", **paged)] == events[::step]
    stream = find(http, stream=f"run/{story['bill']}", **paged)
    assert [entry["position"] for entry in stream] == [everything[3]]


def test_time_and_position_bound_what_is_shown(http: httpx.Client, story: dict[str, Any]) -> None:
    entries = find(http)
    middle = entries[3]

    assert [e["position"] for e in find(http, at=middle["position"])] == [e["position"] for e in entries[:4]]
    assert find(http, until="2020-01-01T00:00:00Z") == []
    assert find(http, since="2100-01-01T00:00:00Z") == []
    since = find(http, since=middle["recorded_at"], until=middle["recorded_at"])
    assert middle["position"] in [entry["position"] for entry in since]
    assert {entry["recorded_at"] for entry in since} == {middle["recorded_at"]}


def test_a_run_is_traced_back_over_streams_to_the_first_event(http: httpx.Client, story: dict[str, Any]) -> None:
    [created] = find(http, stream=f"run/{story['ship']}")

    lineage = http.get(f"{HISTORY}/{created['position']}/lineage").json()

    assert [entry["stream"] for entry in lineage["causes"]] == [
        "entity/invoice/7",
        f"run/{story['bill']}",
        f"event/{story['event']}",
    ]
    assert lineage["truncated"] is False


def test_what_came_of_an_event_is_a_tree(http: httpx.Client, story: dict[str, Any]) -> None:
    [first] = find(http, stream=f"event/{story['event']}")

    lineage = http.get(f"{HISTORY}/{first['position']}/lineage").json()

    def streams(effects: list[dict[str, Any]]) -> list[Any]:
        return [(effect["entry"]["stream"], streams(effect["effects"])) for effect in effects]

    assert lineage["causes"] == []
    assert streams(lineage["effects"]) == [
        (f"run/{story['bill']}", [("entity/invoice/7", [(f"run/{story['ship']}", [])])])
    ]


def test_later_entries_of_a_run_go_back_to_its_creation(http: httpx.Client, story: dict[str, Any]) -> None:
    assert http.post(f"/api/v1/runs/{story['bill']}/cancel", json={"reason": "r"}).status_code == 200
    [created, cancelled] = find(http, stream=f"run/{story['bill']}")

    causes = http.get(f"{HISTORY}/{cancelled['position']}/lineage").json()["causes"]
    effects = http.get(f"{HISTORY}/{created['position']}/lineage").json()["effects"]

    assert causes[0]["position"] == created["position"]
    assert cancelled["position"] in [effect["entry"]["position"] for effect in effects]


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        (f"{HISTORY}?kind=nope", 400, "kind"),
        (f"{HISTORY}?kind=run..x", 400, "kind"),
        (f"{HISTORY}?limit=0", 400, "limit"),
        (f"{HISTORY}?cursor=x", 400, "cursor"),
        (f"{HISTORY}?direction=up", 400, "direction"),
        (f"{HISTORY}?since=yesterday", 400, "since"),
        (f"{HISTORY}?at=yesterday", 400, "at"),
        (f"{HISTORY}/x", 400, "position"),
        (f"{HISTORY}/99999999999999", 404, None),
        (f"{HISTORY}/99999999999999/lineage", 404, None),
        (f"{HISTORY}/9999999999999999999999/lineage", 400, "position"),
    ],
)
def test_bad_questions_are_named(http: httpx.Client, path: str, status: int, field: str | None) -> None:
    answer = http.get(path)

    assert answer.status_code == status
    assert answer.json().get("field") == field


def test_an_entry_of_another_environment_is_not_there(http: httpx.Client, story: dict[str, Any]) -> None:
    [first] = find(http, stream=f"event/{story['event']}")
    stranger = {"X-Ironflow-Environment-ID": "t-stranger"}

    assert http.get(f"{HISTORY}/{first['position']}").json()["kind"] == "event.emitted"
    assert http.get(f"{HISTORY}/{first['position']}", headers=stranger).status_code == 404
    assert http.get(f"{HISTORY}/{first['position']}/lineage", headers=stranger).status_code == 404


def test_what_there_is_is_counted_by_kind_actor_and_lane(http: httpx.Client, story: dict[str, Any]) -> None:
    told = http.get(f"{HISTORY}/facets").json()

    assert told["kinds"] == [
        {"kind": "event.emitted", "count": 3},
        {"kind": "function.registered", "count": 2},
        {"kind": "run.created", "count": 2},
    ]
    assert (told["entries"], sum(one["count"] for one in told["actors"])) == (7, 7)
    assert [(one["lane"], one["count"], sum(one["slices"])) for one in told["lanes"]] == [
        ("event", 3, 3),
        ("function", 2, 2),
        ("run", 2, 2),
    ]
    assert len({len(one["slices"]) for one in told["lanes"]}) == 1
    narrowed = http.get(f"{HISTORY}/facets", params={"kind": "run.*"}).json()
    assert narrowed["kinds"] == [{"kind": "run.created", "count": 2}]
    stream = http.get(f"{HISTORY}/facets", params={"stream": f"run/{story['bill']}"}).json()
    assert (stream["entries"], stream["whole"]) == (1, True)
    assert http.get(f"{HISTORY}/facets", params={"until": "2000-01-01T00:00:00Z"}).json()["entries"] == 0
    wrong = http.get(f"{HISTORY}/facets", params={"kind": "nothing.like.it"})
    assert (wrong.status_code, wrong.json()["field"]) == (400, "kind")


def test_what_fits_is_exported_newest_first(http: httpx.Client, story: dict[str, Any]) -> None:
    there = find(http, kind="run.*")[::-1]

    lines = [json.loads(line) for line in http.get(f"{HISTORY}/export", params={"kind": "run.*"}).text.splitlines()]
    table = http.get(f"{HISTORY}/export", params={"kind": "run.*", "format": "csv"})
    rows = list(csv.DictReader(io.StringIO(table.text)))

    assert [(one["position"], one["kind"], one["data"]) for one in lines] == [
        (one["position"], one["kind"], one["data"]) for one in there
    ]
    assert [json.loads(row["data"]) for row in rows] == [one["data"] for one in there]
    assert table.headers["Content-Disposition"] == 'attachment; filename="history.csv"'
    assert http.get(f"{HISTORY}/export", params={"kind": "nothing.like.it"}).status_code == 400


def test_the_chain_is_verified_from_outside(http: httpx.Client, story: dict[str, Any]) -> None:
    last = find(http)[-1]["position"]

    frames = http.get(f"{HISTORY}/verify").text.split("\n\n")
    told = [json.loads(frame.removeprefix("data: ")) for frame in frames if frame.startswith("data: ")]

    *progress, result = told
    assert (result["type"], result["ok"]) == ("result", True)
    assert all(one["type"] == "progress" and one["position"] <= one["head"] for one in progress)
    assert result["entries"] >= last


def test_the_chain_of_all_organizations_is_not_for_who_sees_one(guarded: ServerProcess) -> None:
    with httpx.Client(base_url=guarded.url, headers={"Authorization": f"Bearer {guarded.key}"}, timeout=30) as root:
        tenant = root.post("/api/v1/tenants/provision", json={"org_name": "walks", "env_name": "production"}).json()
        theirs = {"Authorization": f"Bearer {tenant['api_key']['key']}"}

        refused = root.get(f"{HISTORY}/verify", headers=theirs)

        assert (refused.status_code, refused.json()["code"]) == (403, "PERMISSION_DENIED")
        assert "platform:tenants:read" in refused.json()["error"]
        assert root.get(f"{HISTORY}/export", headers=theirs).status_code == 200
        assert '"ok":true' in root.get(f"{HISTORY}/verify").text
