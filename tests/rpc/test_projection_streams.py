"""ProjectionService's streams over gRPC and Connect, as a published runner uses them: a small one is written here from
the published facts alone. And what becomes of an event that its reducer cannot take."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import httpx
import pytest

from ironflow.v1 import projection_pb2 as pb
from ironflow.v1 import projection_pb2_grpc
from tests.support.connect_frames import enveloped, frames
from tests.support.server import ServerProcess

SERVICE = "/ironflow.v1.ProjectionService"
NAME = "orders"
HEARTBEAT = "PROJECTION_EVENT_KIND_HEARTBEAT"


@pytest.fixture(scope="module")
def shared_server(own_server: ServerProcess) -> ServerProcess:
    """Projections that are left go on being folded: no other file's tests are to wait for them."""
    return own_server


def call(http: httpx.Client, method: str, **body: Any) -> Any:
    return http.post(f"{SERVICE}/{method}", json=body).json()


def register(http: httpx.Client, **body: Any) -> Any:
    return call(http, "RegisterProjection", **{"name": NAME, "events": ["order.>"], "version": 1, **body})


def lease(http: httpx.Client) -> Any:
    return call(http, "AcquireProjectionLease", name=NAME)["lease"]


def emit(http: httpx.Client, n: int, **data: Any) -> int:
    """The event's position."""
    event = {"name": "order.placed", "data": {"n": n, **data}}
    event_id = http.post("/api/v1/events", json=event).json()["event_id"]
    [found] = http.get("/api/v1/history", params={"stream": f"event/{event_id}"}).json()["entries"]
    return int(found["position"])


def save(http: httpx.Client, held: Any, n: int, position: int, **body: Any) -> Any:
    told = {"lastEventId": "e", "lastEventSeq": position, "state": {"sum": n}, "lease": held, **body}
    return call(http, "SaveProjectionState", name=NAME, **told)


@contextmanager
def stream(http: httpx.Client, method: str, **body: Any) -> Iterator[Iterator[Any]]:
    """The messages of a Connect stream in JSON; the last one is how it ended."""
    asked = enveloped(json.dumps(body).encode(), packed=True)
    headers = {"Content-Type": "application/connect+json", "Connect-Content-Encoding": "gzip"}
    with http.stream("POST", f"{SERVICE}/{method}", content=asked, headers=headers) as answer:
        assert answer.status_code == 200, answer.read()
        yield (json.loads(content) for _, content in frames(answer.iter_bytes()))


def events_of(messages: Iterator[Any], count: int) -> list[Any]:
    found: list[Any] = []
    while len(found) < count:
        message = next(messages)
        if message["kind"] != HEARTBEAT:
            found.append(message)
    return found


def ended(messages: Iterator[Any]) -> Any:
    """How a stream ended, and it did not bring an event."""
    return next(message for message in messages if message.get("kind") != HEARTBEAT)["error"]


class Runner:
    """What a published runner does: state of each partition read once, a save for each run of events of one."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self._held = lease(http)
        self._states: dict[str, int] = {}

    def fold(self, count: int) -> None:
        """Events off one stream, from the stored cursor on."""
        self._states.clear()
        with stream(
            self._http, "StreamProjectionEvents", name=NAME, batchSize=2, acceptHeartbeats=True, lease=self._held
        ) as messages:
            for event in events_of(messages, count):
                partition = event["metadata"]["__partition"]
                if partition not in self._states:
                    found = call(self._http, "GetProjection", name=NAME, partition=partition).get("state") or {}
                    self._states[partition] = int(found.get("sum", 0))
                self._states[partition] += int(event["data"]["n"])
                saved = save(self._http, self._held, self._states[partition], int(event["seq"]), partitionKey=partition)
                assert saved == {"ok": True}


def sums(http: httpx.Client, *partitions: str) -> list[Any]:
    return [call(http, "GetProjection", name=NAME, partition=one).get("state", {}).get("sum") for one in partitions]


def test_a_runner_that_streams_folds_each_event_once(http: httpx.Client) -> None:
    register(http, partitionKey="$.data.customer")
    runner = Runner(http)
    for n, customer in enumerate("abab", start=1):
        emit(http, n, customer=customer)

    runner.fold(3)
    emit(http, 5, customer="b")
    runner.fold(2)

    assert sums(http, "a", "b") == [4, 11]
    assert http.get(f"/api/v1/projections/{NAME}/status").json()["lag"] == 0


def test_events_come_as_they_happen_without_being_saved_between(http: httpx.Client) -> None:
    register(http)
    with stream(http, "StreamProjectionEvents", name=NAME, batchSize=1, lease=lease(http)) as messages:
        positions = [emit(http, n) for n in (1, 2)]
        assert [int(one["seq"]) for one in events_of(messages, 2)] == positions
        third = emit(http, 3)

        [event] = events_of(messages, 1)

    assert (int(event["seq"]), event["name"], event["data"]) == (third, "order.placed", {"n": 3})
    assert (event["kind"], event["metadata"]["__partition"]) == ("PROJECTION_EVENT_KIND_EVENT", "__global__")


def test_a_stream_ends_when_its_lease_is_lost(http: httpx.Client) -> None:
    register(http)
    held = lease(http)
    emit(http, 1)
    with stream(http, "StreamProjectionEvents", name=NAME, lease=held) as messages:
        events_of(messages, 1)
        call(http, "RebuildProjection", name=NAME)

        error = ended(messages)

    assert (error["code"], error["message"]) == ("aborted", "projection lease lost")


def test_a_runner_without_lease_begins_anew_when_a_rebuild_begins(http: httpx.Client) -> None:
    register(http)
    position = emit(http, 1)
    with stream(http, "StreamProjectionEvents", name=NAME) as messages:
        events_of(messages, 1)
        call(http, "RebuildProjection", name=NAME)
        assert ended(messages)["code"] == "aborted"

    with stream(http, "StreamProjectionEvents", name=NAME) as messages:
        assert int(events_of(messages, 1)[0]["seq"]) == position


def test_an_event_that_stopped_the_projection_comes_again_on_the_next_stream(http: httpx.Client) -> None:
    register(http)
    held = lease(http)
    position = emit(http, 1)
    with stream(http, "StreamProjectionEvents", name=NAME, lease=held) as messages:
        [event] = events_of(messages, 1)
        told = {"eventId": event["id"], "eventSeq": event["seq"], "message": "no", "lease": held}
        call(http, "ReportProjectionError", name=NAME, **told)
        error = ended(messages)
    call(http, "ResumeProjection", name=NAME)

    with stream(http, "StreamProjectionEvents", name=NAME, lease=held) as messages:
        [again] = events_of(messages, 1)

    assert (error["code"], int(again["seq"])) == ("aborted", position)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"name": "nobody"}, "not_found"),
        ({"batchSize": -1}, "invalid_argument"),
        ({"partition": "p"}, "invalid_argument"),
        ({"lease": {"token": "x", "epoch": "0"}}, "invalid_argument"),
        ({"lease": {"token": "1.p.0", "epoch": "7"}}, "aborted"),
    ],
)
def test_what_cannot_be_streamed_is_refused(http: httpx.Client, body: dict[str, Any], code: str) -> None:
    register(http)
    lease(http)

    with stream(http, "StreamProjectionEvents", **{"name": NAME, **body}) as messages:
        assert ended(messages)["code"] == code


def test_grpc_streams_events_and_tells_errors(http: httpx.Client, channel: grpc.Channel, environment: str) -> None:
    register(http)
    stub = projection_pb2_grpc.ProjectionServiceStub(channel)
    where = [("x-ironflow-environment-id", environment)]
    positions = [emit(http, n) for n in (1, 2)]

    request = pb.StreamProjectionEventsRequest(name=NAME, batch_size=100)
    events = stub.StreamProjectionEvents(request, metadata=where, timeout=30)
    found = [next(events), next(events)]
    events.cancel()
    request.name = "nobody"
    with pytest.raises(grpc.RpcError) as refused:
        next(stub.StreamProjectionEvents(request, metadata=where, timeout=30))

    assert [one.seq for one in found] == positions
    assert {one.kind for one in found} == {pb.PROJECTION_EVENT_KIND_EVENT}
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND


def test_a_wait_is_followed_to_its_end(http: httpx.Client) -> None:
    register(http)
    held = lease(http)
    first, second = emit(http, 1), emit(http, 2)
    with stream(http, "WaitProjectionCatchupStream", name=NAME, minSeq=str(second), timeout="20s") as messages:
        found = [next(messages)]
        save(http, held, 1, first)
        found += [next(messages)]
        save(http, held, 2, second)
        found += list(messages)

    *progress, done, end = found
    assert {one["kind"] for one in progress} == {"WAIT_STREAM_FRAME_KIND_PROGRESS"}
    assert [int(one["currentSeq"]) for one in progress][-1] == second - 1
    assert (done["kind"], done["caughtUp"], int(done["targetSeq"])) == ("WAIT_STREAM_FRAME_KIND_DONE", True, second)
    assert "error" not in end


def test_a_wait_ends_when_its_time_is_over_or_the_projection_stops(http: httpx.Client) -> None:
    register(http)
    held = lease(http)
    position = emit(http, 1)
    asked = {"name": NAME, "minSeq": str(position)}
    with stream(http, "WaitProjectionCatchupStream", **asked, timeout="0.05s") as messages:
        *_, late, _ = messages
    told = {"eventId": "e", "eventSeq": str(position), "message": "cannot", "lease": held}
    call(http, "ReportProjectionError", name=NAME, **told)
    with stream(http, "WaitProjectionCatchupStream", **asked) as messages:
        *_, stopped, _ = messages
    with stream(http, "WaitProjectionCatchupStream", **asked, timeout="301s") as messages:
        refused = ended(messages)

    assert (late["kind"], late["timedOut"]) == ("WAIT_STREAM_FRAME_KIND_DONE", True)
    assert stopped["kind"] == "WAIT_STREAM_FRAME_KIND_DONE"
    assert "cannot" in stopped["error"]
    assert refused["code"] == "invalid_argument"


def test_grpc_follows_a_wait(http: httpx.Client, channel: grpc.Channel, environment: str) -> None:
    register(http)
    stub = projection_pb2_grpc.ProjectionServiceStub(channel)

    request = pb.WaitProjectionCatchupRequest(name=NAME, min_seq=0)
    metadata = [("x-ironflow-environment-id", environment)]
    [done] = stub.WaitProjectionCatchupStream(request, metadata=metadata, timeout=30)

    assert (done.kind, done.caught_up) == (pb.WAIT_STREAM_FRAME_KIND_DONE, True)


def test_events_that_stop_a_projection_are_skipped_parked_retried_and_discarded(
    http: httpx.Client, channel: grpc.Channel, environment: str
) -> None:
    register(http)
    held = lease(http)
    why = {"name": NAME, "reason": "a test order"}

    def poison() -> str:
        """An event that has stopped it."""
        event_id: str = http.post("/api/v1/events", json={"name": "order.placed", "data": {}}).json()["event_id"]
        [entry] = http.get("/api/v1/history", params={"stream": f"event/{event_id}"}).json()["entries"]
        told = {"eventId": event_id, "eventSeq": str(entry["position"]), "message": "no n", "lease": held}
        call(http, "ReportProjectionError", name=NAME, **told)
        return event_id

    first = poison()
    assert call(http, "GetProjectionStatus", name=NAME)["errorEventId"] == first
    assert call(http, "SkipProjectionEvent", name=NAME)["code"] == "invalid_argument"
    assert call(http, "SkipProjectionEvent", **why, eventId="evt_x")["code"] == "not_found"
    assert call(http, "SkipProjectionEvent", **why, eventId=first) == {"status": "active"}
    second = poison()
    assert call(http, "ParkProjectionEvent", **why) == {"status": "active"}

    stub = projection_pb2_grpc.ProjectionServiceStub(channel)
    metadata = [("x-ironflow-environment-id", environment)]
    asked = pb.ListParkedProjectionEventsRequest(name=NAME)
    [parked] = stub.ListParkedProjectionEvents(asked, metadata=metadata, timeout=30).events
    assert (parked.event_id, parked.error, parked.reason) == (second, "no n", "a test order")
    assert parked.event_seq > 0
    assert parked.parked_at.seconds > 0
    assert call(http, "GetProjectionStatus", name=NAME)["parked"] == "1"
    unknown = pb.RetryParkedProjectionEventsRequest(name=NAME, reason="mended", event_ids=["evt_x"])
    with pytest.raises(grpc.RpcError) as refused:
        stub.RetryParkedProjectionEvents(unknown, metadata=metadata, timeout=30)
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND  # type: ignore[attr-defined]
    unknown.event_ids[:] = [second]
    job = stub.RetryParkedProjectionEvents(unknown, metadata=metadata, timeout=30).job
    assert (job.projection_name, job.status) == (NAME, "running")
    assert call(http, "DiscardParkedProjectionEvents", **why)["code"] == "aborted"  # the rebuild has it
    call(http, "CancelRebuild", name=NAME)
    assert call(http, "DiscardParkedProjectionEvents", **why, eventIds=[second]) == {"discarded": "1"}
    assert call(http, "ListParkedProjectionEvents", name=NAME) == {"events": []}
    assert call(http, "RetryParkedProjectionEvents", **why)["code"] == "failed_precondition"
