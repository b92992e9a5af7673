"""Projections from outside, on both stores: what a published runner does, and what readers and people do."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.server import ServerProcess

PATH = "/api/v1/projections"
SERVICE = "/ironflow.v1.ProjectionService"
COUNT = {"on": "order.>", "set": {"count": "state.count + 1", "last": "event.data.n"}}
DECLARED = {"events": ["order.>"], "initial": {"count": 0}, "rules": [COUNT]}


@pytest.fixture(scope="module")
def shared_server(own_server: ServerProcess) -> ServerProcess:
    """Projections that are left go on being folded: no other file's tests are to wait for them."""
    return own_server


def call(http: httpx.Client, method: str, **body: Any) -> Any:
    return http.post(f"{SERVICE}/{method}", json=body).json()


def emit(http: httpx.Client, n: int, name: str = "order.placed", **data: Any) -> tuple[str, int]:
    """The event's id and position."""
    event_id = http.post("/api/v1/events", json={"name": name, "data": {"n": n, **data}}).json()["event_id"]
    [found] = http.get("/api/v1/history", params={"stream": f"event/{event_id}"}).json()["entries"]
    return event_id, int(found["position"])


def declare(http: httpx.Client, name: str = "orders", **changes: Any) -> httpx.Response:
    return http.put(f"{PATH}/{name}", json={**DECLARED, **changes})


def wait(http: httpx.Client, event_id: str, name: str = "orders", timeout_ms: int = 20_000) -> httpx.Response:
    body = {"eventId": event_id, "projection": name, "timeoutMs": timeout_ms}
    return http.post(f"{PATH}/wait-for-event", json=body)


def state(http: httpx.Client, name: str = "orders", **params: Any) -> Any:
    found = http.get(f"{PATH}/{name}", params=params)
    assert found.is_success, found.text
    return found.json()["state"] and found.json()["state"]["state"]


def register(http: httpx.Client, **body: Any) -> Any:
    told = {"name": "orders", "events": ["order.>"], "version": 1, "mode": "managed", **body}
    return call(http, "RegisterProjection", **told)


def lease(http: httpx.Client, **body: Any) -> dict[str, Any]:
    granted: dict[str, Any] = call(http, "AcquireProjectionLease", name="orders", **body)
    return granted


def save(http: httpx.Client, held: Any, count: int, position: int, **body: Any) -> Any:
    told = {"lastEventId": "e", "lastEventSeq": position, "state": {"count": count}, **body}
    return call(http, "SaveProjectionState", name="orders", **({"lease": held} if held else {}), **told)


# What a published runner does.


def test_a_published_runner_folds_batches_under_its_lease(http: httpx.Client) -> None:
    assert register(http, partitionKey="$.data.customer.id")["status"] == "registered"
    granted = lease(http)
    held = granted["lease"]
    (_, first), (_, second) = emit(http, 1, customer={"id": 7}), emit(http, 2)
    emit(http, 3, "other.thing")

    polled = call(http, "PollProjectionEvents", name="orders", batchSize=10, lease=held)

    assert (granted["granted"], int(held["epoch"]) >= 1, granted["ttl"]) == (True, True, "10s")
    assert [int(event["seq"]) for event in polled["events"]] == [first, second]
    assert [event["metadata"]["__partition"] for event in polled["events"]] == ["7", "__global__"]
    assert polled["events"][0]["data"] == {"n": 1, "customer": {"id": 7}}
    assert polled["events"][0]["kind"] == "PROJECTION_EVENT_KIND_EVENT"
    assert save(http, held, 1, first, partitionKey="7") == {"ok": True}
    assert save(http, held, 1, second) == {"ok": True}
    assert call(http, "PollProjectionEvents", name="orders", lease=held)["events"] == []
    assert call(http, "GetProjection", name="orders", partition="7")["state"] == {"count": 1}
    assert call(http, "GetProjection", name="orders", partition="__global__")["state"] == {"count": 1}
    assert "state" not in call(http, "GetProjection", name="orders", partition="nobody")
    partitions = http.get(f"{PATH}/orders/partitions").json()
    assert (partitions["partitions"], partitions["returned"]) == (["7", "__global__"], 2)
    assert http.get(f"{PATH}/orders/status").json()["lag"] == 0


def test_a_runner_that_lost_its_lease_changes_nothing(http: httpx.Client) -> None:
    register(http)
    old = lease(http)["lease"]
    _, position = emit(http, 1)
    assert lease(http)["granted"] is False
    call(http, "ReleaseProjectionLease", name="orders", lease=old)
    new = lease(http)["lease"]

    late = save(http, old, 99, position)

    assert (late["code"], late["message"]) == ("aborted", "projection lease lost")
    assert int(new["epoch"]) > int(old["epoch"])
    assert call(http, "RenewProjectionLease", name="orders", lease=old)["code"] == "aborted"
    assert call(http, "PollProjectionEvents", name="orders", lease=old)["code"] == "aborted"
    assert save(http, None, 98, position)["code"] == "aborted"
    assert state(http) is None
    assert save(http, new, 1, position) == {"ok": True}
    assert state(http) == {"count": 1}


def test_a_runner_without_lease_is_served_while_nobody_has_one(http: httpx.Client) -> None:
    register(http)
    (_, first), (_, second) = emit(http, 1), emit(http, 2)

    assert len(call(http, "PollProjectionEvents", name="orders")["events"]) == 2
    assert save(http, None, 2, second) == {"ok": True}
    assert save(http, None, 1, first, partitionKey="p") == {"ok": True}
    assert call(http, "PollProjectionEvents", name="orders")["events"] == []
    assert (state(http), state(http, partition="p")) == ({"count": 2}, {"count": 1})


def test_an_external_runner_acknowledges(http: httpx.Client) -> None:
    register(http, mode="external")
    held = lease(http)["lease"]
    event_id, position = emit(http, 1)

    assert call(http, "AckProjectionEvents", name="orders", lastEventSeq=position, lease=held) == {"ok": True}
    assert wait(http, event_id).json()["caughtUp"] is True
    assert save(http, held, 1, position)["code"] == "failed_precondition"


def test_a_rebuild_with_a_published_runner_serves_the_old_state_meanwhile(http: httpx.Client) -> None:
    register(http)
    held = lease(http)["lease"]
    _, position = emit(http, 1)
    save(http, held, 1, position)

    assert http.post(f"{PATH}/orders/rebuild").json()["status"] == "running"
    assert call(http, "PollProjectionEvents", name="orders", lease=held)["code"] == "aborted"
    again = lease(http)["lease"]
    assert "state" not in call(http, "GetProjection", name="orders")
    assert state(http) == {"count": 1}
    assert [int(e["seq"]) for e in call(http, "PollProjectionEvents", name="orders", lease=again)["events"]] == [
        position
    ]
    assert save(http, again, 5, position) == {"ok": True}
    call(http, "PollProjectionEvents", name="orders", lease=again)  # nothing is left: it has caught up

    assert state(http) == {"count": 5}
    assert http.get(f"{PATH}/orders/rebuild").json()["status"] == "completed"
    assert http.get(f"{PATH}/orders").json()["status"] == "active"


def test_an_older_version_cannot_come_back_by_itself(http: httpx.Client) -> None:
    register(http, version=2)

    refused = http.post(f"{SERVICE}/RegisterProjection", json={"name": "orders", "events": ["a"], "version": 1})

    assert (refused.status_code, refused.json()["ironflowCode"]) == (409, "PROJECTION_SUPERSEDED")


# Declared.


def test_the_server_folds_a_declared_projection(http: httpx.Client) -> None:
    made = declare(http)
    for n in range(5):
        event_id, _ = emit(http, n)

    assert (made.status_code, made.json()["result"]) == (201, "registered")
    assert wait(http, event_id).json()["caughtUp"] is True
    assert state(http) == {"count": 5, "last": 4}
    assert declare(http).json()["result"] == "unchanged"
    [listed] = http.get(PATH).json()
    assert (listed["name"], listed["mode"], listed["status"], listed["lag"]) == ("orders", "declared", "active", 0)
    assert call(http, "AcquireProjectionLease", name="orders")["code"] == "failed_precondition"


def test_other_rules_are_built_beside_those_that_serve(http: httpx.Client) -> None:
    declare(http)
    event_id, _ = emit(http, 1)
    wait(http, event_id)

    assert declare(http, rules=[{"on": "order.>", "set": {"count": "state.count + 10"}}]).json()["result"] == "updated"
    event_id, position = emit(http, 2)
    for _ in range(200):
        if http.get(f"{PATH}/orders").json()["generation"] == 2:
            break
        http.get(f"{PATH}/orders/catchup", params={"minSeq": position + 1, "timeout": 50})
    wait(http, event_id)

    assert state(http) == {"count": 20}


def test_the_past_is_folded_from_the_nearest_snapshot(http: httpx.Client) -> None:
    declare(http, snapshot_every=3)
    positions = [emit(http, n)[1] for n in range(10)]
    http.get(f"{PATH}/orders/catchup", params={"minSeq": positions[-1]})

    seen = [state(http, at=position) for position in positions]

    assert seen == [{"count": n + 1, "last": n} for n in range(10)]


def test_an_event_that_the_rules_do_not_fit_stops_or_is_skipped(http: httpx.Client) -> None:
    declare(http)
    declare(http, "lenient", on_error="skip")
    good, _ = emit(http, 1)
    bad = http.post("/api/v1/events", json={"name": "order.placed", "data": {}}).json()["event_id"]
    last, _ = emit(http, 3)

    assert wait(http, last, "lenient").json()["caughtUp"] is True
    assert state(http, "lenient") == {"count": 2, "last": 3}
    assert http.get(f"{PATH}/lenient").json()["skipped"] == 1
    assert wait(http, good).json()["caughtUp"] is True
    stopped = wait(http, last)
    assert (stopped.status_code, stopped.json()["code"]) == (409, "PROJECTION_STOPPED")
    told = http.get(f"{PATH}/orders").json()
    assert (told["status"], told["error_event_id"], told["state"]["state"]) == ("error", bad, {"count": 1, "last": 1})
    assert http.post(f"{PATH}/orders/resume").is_success  # the event is tried again
    assert wait(http, last).status_code == 409
    kinds = [e["kind"] for e in http.get("/api/v1/history", params={"stream": "projection/lenient"}).json()["entries"]]
    assert sorted(kinds) == ["projection.event_skipped", "projection.registered"]


def test_somebody_decides_what_becomes_of_an_event_that_stopped_it(http: httpx.Client) -> None:
    declare(http)
    emit(http, 1)
    bad = [http.post("/api/v1/events", json={"name": "order.placed", "data": {}}).json()["event_id"] for _ in "ab"]
    last, _ = emit(http, 3)
    path, why = f"{PATH}/orders", {"reason": "a test order"}
    assert wait(http, last).status_code == 409

    assert http.post(f"{path}/skip", json={"reason": ""}).json()["field"] == "reason"
    assert http.post(f"{path}/skip", json={**why, "event_id": last}).status_code == 409
    for _ in range(2):  # the second time changes nothing
        assert http.post(f"{path}/skip", json={**why, "event_id": bad[0]}).is_success
    assert wait(http, last).status_code == 409
    assert http.post(f"{path}/park", json=why).json() == {"status": "active"}
    assert wait(http, last).json()["caughtUp"] is True

    told = http.get(path).json()
    [parked] = http.get(f"{path}/parked").json()["events"]
    assert (told["status"], told["skipped"], told["parked"], told["state"]["state"]["count"]) == ("active", 1, 1, 2)
    assert (parked["event_id"], parked["reason"]) == (bad[1], "a test order")
    assert "n" in parked["error"]
    assert http.post(f"{path}/skip", json=why).status_code == 412
    assert http.post(f"{path}/parked/discard", json={**why, "event_ids": ["evt_x"]}).status_code == 404
    assert http.post(f"{path}/parked/discard", json={**why, "event_ids": bad[1:]}).json() == {"discarded": 1}
    assert http.get(f"{path}/parked").json() == {"events": []}
    assert http.post(f"{path}/parked/retry", json=why).status_code == 412
    kinds = [e["kind"] for e in http.get("/api/v1/history", params={"stream": "projection/orders"}).json()["entries"]]
    assert sorted(kinds)[:3] == ["projection.event_passed"] * 2 + ["projection.parked_discarded"]


# Steering and waiting.


def test_what_became_of_an_event_at_the_projections_it_is_for(http: httpx.Client) -> None:
    early, _ = emit(http, 1, amount=1)
    declare(http)
    declare(http, "others", events=["else.>"])
    declare(http, "doubles", rules=[{"on": "order.>", "set": {"count": "event.data.amount * 2"}}])
    wait(http, early)
    wait(http, early, "doubles")
    wrong, _ = emit(http, 2)
    wait(http, wrong)
    wait(http, wrong, "doubles")
    late, _ = emit(http, 3, amount=3)
    wait(http, late)

    def fates(event_id: str) -> dict[str, str]:
        told = http.get(f"/api/v1/events/{event_id}/projections").json()["projections"]
        return {one["name"]: one["fate"] for one in told}

    assert fates(early) == {"doubles": "folded", "orders": "folded"}
    assert fates(wrong) == {"doubles": "stopped", "orders": "folded"}
    assert fates(late) == {"doubles": "behind", "orders": "folded"}
    [behind, _] = http.get(f"/api/v1/events/{late}/projections").json()["projections"]
    assert (behind["status"], behind["behind"] > 0) == ("error", True)
    http.post(f"{PATH}/doubles/park", json={"reason": "odd"})
    wait(http, late, "doubles")
    assert (fates(wrong)["doubles"], fates(late)["doubles"]) == ("parked", "folded")
    assert http.get("/api/v1/events/evt_nowhere/projections").status_code == 404


def test_a_paused_projection_stands_still(http: httpx.Client) -> None:
    declare(http)
    assert http.post(f"{PATH}/orders/pause", json={"reason": "r"}).json()["status"] == "paused"
    event_id, position = emit(http, 1)

    waited = wait(http, event_id, timeout_ms=100).json()

    assert (waited["caughtUp"], waited["timedOut"], waited["targetSeq"]) == (False, True, position)
    assert http.post(f"{PATH}/orders/resume").json()["status"] == "active"
    assert wait(http, event_id).json()["caughtUp"] is True


def test_several_are_waited_for_at_once(http: httpx.Client) -> None:
    declare(http)
    _, position = emit(http, 1)
    items = [{"name": "orders", "minSeq": str(position)}, {"name": "nobody", "minSeq": "1"}]

    [found, missing] = http.post(f"{PATH}/catchup/batch", json={"items": items}).json()["results"]

    assert found["result"]["caughtUp"] is True
    assert "nobody" in missing["error"]


def test_a_rebuild_can_be_cancelled_and_a_projection_deleted(http: httpx.Client) -> None:
    register(http)
    emit(http, 1)
    assert http.post(f"{PATH}/orders/rebuild", json={"dryRun": True}).json()["totalEvents"] == 1
    assert http.get(f"{PATH}/orders/rebuild").json()["code"] == "REBUILD_NOT_FOUND"
    assert "rebuild_begun_at" not in http.get(f"{PATH}/orders").json()
    begun = http.post(f"{PATH}/orders/rebuild").json()
    assert http.post(f"{PATH}/orders/rebuild").status_code == 409
    building = http.get(f"{PATH}/orders").json()
    assert (building["status"], building["rebuild_begun_at"]) == ("rebuilding", begun["startedAt"])
    assert http.post(f"{PATH}/orders/cancel").json()["status"] == "cancelled"
    kept = http.get(f"{PATH}/orders").json()
    assert (kept["status"], "rebuild_begun_at" in kept) == ("active", False)
    assert http.delete(f"{PATH}/orders").json()["status"] == "deleted"
    assert http.get(f"{PATH}/orders").json()["code"] == "PROJECTION_NOT_FOUND"
    assert http.get(PATH).json() == []
    assert register(http)["status"] == "registered"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"events": []}, "events"),
        ({"events": ["a..b"]}, "events"),
        ({"rules": []}, "rules"),
        ({"rules": [{"on": "a"}]}, "rules[0]"),
        ({"rules": [{"on": "a", "set": {"x": "nope + 1"}}]}, "rules[0].set.x"),
        ({"rules": [{"on": "a", "set": {"x.": "1"}}]}, "rules[0].set"),
        ({"rules": [{"on": "a", "when": "(", "set": {"x": "1"}}]}, "rules[0].when"),
        ({"initial": 7}, "initial"),
        ({"mode": "lisp"}, "mode"),
        ({"on_error": "maybe"}, "on_error"),
        ({"partition_key": "$$"}, "partition_key"),
        ({"version": 0}, "version"),
        ({"snapshot_every": 0}, "snapshot_every"),
    ],
)
def test_what_cannot_work_is_refused(http: httpx.Client, body: dict[str, Any], field: str) -> None:
    refused = declare(http, **body)

    assert (refused.status_code, refused.json()["field"]) == (400, field), refused.text
    assert http.get(PATH).json() == []


def test_other_bad_requests_are_named(http: httpx.Client) -> None:
    register(http)

    assert http.get(f"{PATH}/nobody").status_code == 404
    assert http.get(f"{PATH}/orders/catchup", params={"timeout": 60_001}).json()["field"] == "timeout"
    assert wait(http, "evt_nope").json()["code"] == "EVENT_NOT_FOUND"
    assert http.post(f"{PATH}/orders/rebuild", json={"partition": "p"}).json()["field"] == "partition"
    assert save(http, None, 1, 10**9)["code"] == "invalid_argument"
    assert call(http, "RenewProjectionLease", name="orders", lease={"token": "x"})["code"] == "invalid_argument"


def test_the_definitions_that_a_projection_has_had_are_told(http: httpx.Client) -> None:
    register(http, changeReason="first")
    call(http, "PauseProjection", name="orders")
    register(http, version=2, events=["order.>", "refund.>"], changeReason="refunds too")
    http.delete(f"{PATH}/orders", params={"reason": "gone"})
    register(http, version=1)

    newest = call(http, "ListProjectionHistory", name="orders", limit=2)
    older = call(http, "ListProjectionHistory", name="orders", beforeRevision=newest["nextBeforeRevision"])
    again, deleted, updated, created = found = [*newest["entries"], *older["entries"]]

    assert [one["changeType"] for one in found] == ["created", "deleted", "updated", "created"]
    assert (newest["hasMore"], older["hasMore"]) == (True, False)
    assert [one["changeReason"] for one in found] == ["", "gone", "refunds too", "first"]
    assert "previousDefinition" not in created
    assert "previousDefinition" not in again
    assert updated["previousDefinition"]["events"] == ["order.>"]
    assert deleted["previousDefinition"]["version"] == "2"
    for one in found:
        assert call(http, "GetProjectionRevision", name="orders", revision=one["revision"])["entry"] == one
    assert call(http, "GetProjectionRevision", name="orders", revision="2")["code"] == "not_found"  # the pause
    assert call(http, "GetProjectionRevision", name="orders", revision="99")["code"] == "not_found"
    assert call(http, "ListProjectionHistory", name="nobody")["code"] == "not_found"
    assert call(http, "ListProjectionHistory", name="orders", limit=-1)["code"] == "invalid_argument"


# Watching a state.


def watching(answer: httpx.Response) -> Iterator[Any]:
    """What a stream of server-sent events brings."""
    return (json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: "))


def test_a_state_is_told_as_it_is_and_whenever_it_has_changed(http: httpx.Client) -> None:
    declare(http, partition_key="$.data.customer")
    with http.stream("GET", f"{PATH}/orders/watch", params={"partition": "a"}) as answer:
        told = watching(answer)
        nothing = next(told)
        event_id, position = emit(http, 1, customer="a")
        first = next(told)
        emit(http, 2, customer="b")
        emit(http, 3, customer="a")
        second = next(told)
    with http.stream("GET", f"{PATH}/orders/watch", params={"partition": "a"}) as answer:
        again = next(watching(answer))

    assert (nothing["type"], nothing["state"]) == ("projection_update", None)
    assert (first["state"], first["last_event_id"]) == ({"count": 1, "last": 1}, event_id)
    assert (first["last_event_seq"], first["partition_key"], first["version"]) == (position, "a", 1)
    assert second["state"] == {"count": 2, "last": 3}
    assert again == second


def test_who_watches_hears_of_a_rebuild_and_of_the_end(http: httpx.Client) -> None:
    declare(http)
    wait(http, emit(http, 1)[0])
    with http.stream("GET", f"{PATH}/orders/watch") as answer:
        told = watching(answer)
        before = next(told)
        declare(http, initial={"count": 10})
        after = next(told)
        http.delete(f"{PATH}/orders")
        end = next(told)

    assert (before["state"]["count"], after["state"]["count"]) == (1, 11)
    assert (end["type"], end["code"], end["retrying"]) == ("error", "PROJECTION_NOT_FOUND", False)
    assert http.get(f"{PATH}/orders/watch").status_code == 404
    declare(http)
    assert http.get(f"{PATH}/orders/watch", params={"partition": "x" * 600}).json()["field"] == "partition"


@pytest.mark.parametrize("partition", ["b", "none yet"])
def test_one_partition_is_folded_anew_while_the_others_stay_as_they_are(http: httpx.Client, partition: str) -> None:
    """The runner has folded something that was wrong."""
    register(http, partitionKey="$.data.p")
    held = lease(http)["lease"]
    for p in "abab":
        _, last = emit(http, 1, p=p)
    for p in "ab":
        save(http, held, 99, last, partitionKey=p)

    job = http.post(f"{PATH}/orders/rebuild", json={"partition": partition}).json()
    assert (job["status"], http.get(f"{PATH}/orders").json()["status"]) == ("running", "rebuilding")
    assert state(http, partition="b") == {"count": 99}
    held = lease(http)["lease"]  # a published runner loses its lease, and is given what is built
    polled = call(http, "PollProjectionEvents", name="orders", batchSize=10, lease=held).get("events", [])
    assert [one["metadata"]["__partition"] for one in polled] == (["b", "b"] if partition == "b" else [])
    if polled:
        save(http, held, len(polled), int(polled[-1]["seq"]), partitionKey="b")
    else:
        call(http, "PollProjectionEvents", name="orders", lease=held)

    assert http.get(f"{PATH}/orders").json()["status"] == "active"
    assert state(http, partition="a") == {"count": 99}
    assert state(http, partition="b") == {"count": 2 if partition == "b" else 99}
    _, after = emit(http, 1, p="a")
    [following] = call(http, "PollProjectionEvents", name="orders", lease=held)["events"]
    assert (int(following["seq"]), following["metadata"]["__partition"]) == (after, "a")


def test_a_declared_partition_is_rebuilt_by_the_server_itself(http: httpx.Client) -> None:
    declare(http, partition_key="$.data.p")
    for p in "aba":
        event_id, _ = emit(http, 1, p=p)
    wait(http, event_id)

    assert http.post(f"{PATH}/orders/rebuild", json={"partition": "a"}).is_success
    deadline = time.monotonic() + 20
    while http.get(f"{PATH}/orders").json()["status"] != "active" and time.monotonic() < deadline:
        event_id, _ = emit(http, 1, p="b")  # it goes on meanwhile
    wait(http, event_id)

    assert http.get(f"{PATH}/orders/rebuild").json()["status"] == "completed"
    emitted = http.get("/api/v1/events", params={"name": "order.placed", "limit": 200}).json()["events"]
    assert state(http, partition="a")["count"] == 2
    assert state(http, partition="b")["count"] == len(emitted) - 2
    assert http.get(f"{PATH}/orders/partitions").json()["partitions"] == ["a", "b"]
    refused = http.post(f"{PATH}/orders/rebuild", json={"partition": "x" * 600})
    assert refused.json()["field"] == "partition"


def test_it_is_told_how_far_each_has_come_and_who_folds_it(http: httpx.Client) -> None:
    declare(http, partition_key="$.data.city")
    register(http, name="nobody", events=["nowhere.>"])
    event_id, position = emit(http, 1, city="Riga")
    assert wait(http, event_id).json()["caughtUp"]

    [of_nobody, orders] = http.get(PATH).json()
    partitions = http.get(f"{PATH}/orders/partitions").json()
    pace = http.get(f"{PATH}/orders/pace").json()

    assert (of_nobody["name"], of_nobody["runner"], of_nobody.get("last_event_id")) == ("nobody", "never", None)
    assert (orders["runner"], orders["lag_seconds"], orders["partitions"]) == ("here", 0.0, 1)
    assert orders["last_event_id"] == event_id
    assert (partitions["partitions"], partitions["total"]) == (["Riga"], 1)
    assert partitions["items"][0]["last_event_seq"] == position
    newest = {"order": "recent", "limit": 1}
    assert http.get(f"{PATH}/orders/partitions", params=newest).json()["partitions"] == ["Riga"]
    refused = http.get(f"{PATH}/orders/partitions", params={**newest, "after": "Riga"})
    assert (refused.status_code, refused.json()["field"]) == (400, "after")
    assert (pace["name"], pace["generation"]) == ("orders", 1)


def test_a_past_state_is_told_with_how_far_its_fold_is(http: httpx.Client) -> None:
    declare(http)
    event_id, position = emit(http, 1)
    wait(http, emit(http, 2)[0])

    with http.stream("GET", f"{PATH}/orders/past", params={"at": position}) as answer:
        told = [json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: ")]

    assert [one["type"] for one in told] == ["progress", "state"]
    assert (told[0]["until"], told[0]["events"]) == (position, 1)
    assert (told[1]["state"], told[1]["last_event_id"]) == ({"count": 1, "last": 1}, event_id)
    assert http.get(f"{PATH}/nowhere/past", params={"at": 1}).status_code == 404
    assert http.get(f"{PATH}/orders/past", params={"at": "whenever"}).json()["field"] == "at"
