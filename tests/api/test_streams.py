"""Entity streams from outside, on both stores: REST, Connect in both encodings, gRPC, and the SDK over them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import httpx
import pytest

from ironflow import Aggregate, Append, AsyncClient, AsyncStream, Client, EntityEvent, Stream, errors
from ironflow.v1 import entity_stream_pb2 as pb
from ironflow.v1 import entity_stream_pb2_grpc
from tests.support.server import ServerProcess

STREAMS = "/api/v1/streams"
SERVICE = "/ironflow.v1.EntityStreamService"


@pytest.fixture
def client(shared_server: ServerProcess, environment: str) -> Iterator[Client]:
    with Client(shared_server.url, environment=environment) as made:
        yield made


def append(http: httpx.Client, id: str, name: str, data: Any = None, **options: Any) -> httpx.Response:
    return http.post(f"{STREAMS}/{id}/events", json={"entityType": "order", "name": name, "data": data, **options})


def call(http: httpx.Client, method: str, **body: Any) -> httpx.Response:
    return http.post(f"{SERVICE}/{method}", json=body)


# --- REST


def test_what_is_appended_is_read_listed_and_shown_as_an_event(http: httpx.Client) -> None:
    appended = append(http, "42", "order.placed", {"total": 7}, expectedVersion=0, metadata={"by": "me"})
    append(http, "42", "order.paid", [1])

    assert appended.status_code == 201
    told = appended.json()
    assert (told["entityVersion"], told["runIds"]) == (1, [])
    page = http.get(f"{STREAMS}/42/events").json()
    assert [(one["version"], one["name"], one["data"]) for one in page["events"]] == [
        (1, "order.placed", {"total": 7}),
        (2, "order.paid", [1]),
    ]
    assert page["events"][0]["metadata"] == {"by": "me"}
    info = http.get(f"{STREAMS}/42").json()
    assert (info["entityType"], info["version"], info["eventCount"], info["deleted"]) == ("order", 2, 2, False)
    assert [one["entityId"] for one in http.get(STREAMS).json()["streams"]] == ["42"]
    event = http.get(f"/api/v1/events/{told['eventId']}").json()
    assert (event["entity_type"], event["entity_id"], event["entity_version"]) == ("order", "42", 1)
    assert [one["name"] for one in http.get("/api/v1/events").json()["events"]] == ["order.paid", "order.placed"]


def test_a_conflict_is_409_and_names_both_versions(http: httpx.Client) -> None:
    append(http, "1", "a")

    refused = append(http, "1", "b", expectedVersion=0)

    assert refused.status_code == 409
    assert refused.json()["code"] == "VERSION_CONFLICT"
    assert "order/1 is at version 1" in refused.json()["error"]


def test_several_streams_at_once(http: httpx.Client) -> None:
    body = {
        "appends": [
            {"entityType": "account", "entityId": "a", "expectedVersion": 0, "events": [{"name": "m.out", "data": 5}]},
            {"entityType": "account", "entityId": "b", "events": [{"name": "m.in", "data": 5}]},
        ],
        "idempotencyKey": "move-1",
    }

    first, again = http.post(STREAMS, json=body), http.post(STREAMS, json=body)
    conflict = http.post(STREAMS, json={**body, "idempotencyKey": "move-2"})

    assert (first.status_code, again.status_code, conflict.status_code) == (201, 200, 409)
    assert again.json()["duplicate"]
    assert again.json()["streams"] == first.json()["streams"]
    assert http.get(f"{STREAMS}/b").json()["version"] == 1


def test_the_past_is_read_at_a_position_or_a_time(http: httpx.Client) -> None:
    append(http, "1", "a", 1)
    before = http.get(f"{STREAMS}/1").json()
    append(http, "1", "a", 2)

    at = {"at": before["position"]}
    assert http.get(f"{STREAMS}/1", params=at).json() == before
    assert len(http.get(f"{STREAMS}/1/events", params=at).json()["events"]) == 1
    assert len(http.get(f"{STREAMS}/1/events", params={"at": "0s"}).json()["events"]) == 2
    assert http.get(f"{STREAMS}/1", params={"at": "2020-01-01T00:00:00Z"}).status_code == 404
    assert http.get(f"{STREAMS}/1", params={"at": "yesterday"}).json()["field"] == "at"
    assert "not happened yet" in http.get(f"{STREAMS}/1", params={"at": 10**15}).json()["error"]


def test_events_start_runs_that_the_history_shows(http: httpx.Client, client: Client) -> None:
    function = {"id": "ship", "triggers": [{"event": "order.*"}]}
    assert http.post("/ironflow.v1.IronflowService/RegisterFunction", json=function).status_code == 200

    told = append(http, "1", "order.placed", {"n": 1}).json()

    [run_id] = told["runIds"]
    assert http.get(f"/api/v1/runs/{run_id}").json()["input"] == {"n": 1}
    [event] = http.get(f"{STREAMS}/1/history").json()["events"]
    assert [(run["runId"], run["functionId"]) for run in event["runs"]] == [(run_id, "ship")]


def test_what_a_run_appends_is_found_from_the_run(http: httpx.Client) -> None:
    http.post("/ironflow.v1.IronflowService/RegisterFunction", json={"id": "f", "triggers": [{"event": "go"}]})
    [run_id] = http.post("/api/v1/events", json={"name": "go"}).json()["run_ids"]

    inside = {"X-Ironflow-Run-ID": run_id}
    http.post(f"{STREAMS}/9/events", json={"entityType": "order", "name": "x"}, headers=inside)

    assert http.get(f"/api/v1/runs/{run_id}/streams").json()["entity_ids"] == ["9"]
    assert http.get(f"{STREAMS}/9/events").json()["events"][0]["runId"] == run_id
    assert http.get("/api/v1/runs/run_nope/streams").status_code == 404


def test_deleting_keeps_the_past(http: httpx.Client) -> None:
    append(http, "1", "a", 1)

    deleted = http.delete(f"{STREAMS}/1", params={"reason": "asked"}).json()

    assert (deleted["version"], deleted["deleted"]) == (2, True)
    assert append(http, "1", "b").status_code == 412
    events = http.get(f"{STREAMS}/1/events").json()["events"]
    assert [one["name"] for one in events] == ["a", "$stream.deleted"]
    assert http.get(STREAMS).json()["streams"] == []
    assert len(http.get(STREAMS, params={"include_deleted": "true"}).json()["streams"]) == 1


def test_snapshots_are_kept_by_version(http: httpx.Client) -> None:
    append(http, "1", "a", 1)

    assert http.get(f"{STREAMS}/1/snapshot").json()["code"] == "SNAPSHOT_NOT_FOUND"
    assert http.get(f"{STREAMS}/1/snapshot", params={"optional": "true"}).status_code == 204
    assert http.put(f"{STREAMS}/1/snapshot", json={"version": 1, "state": {"n": 1}}).status_code == 201
    assert http.get(f"{STREAMS}/1/snapshot", params={"optional": "true"}).json()["state"] == {"n": 1}
    assert http.put(f"{STREAMS}/1/snapshot", json={"version": 2, "state": {}}).json()["field"] == "entity_version"
    kept = http.get(f"{STREAMS}/1/snapshots").json()
    assert [(one["version"], one["sizeBytes"]) for one in kept["snapshots"]] == [(1, 7)]
    assert http.get(f"{STREAMS}/nope/snapshots").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("POST", f"{STREAMS}/1/events", {"name": "a"}, 400, "entityType"),
        ("POST", f"{STREAMS}/1/events", {"entityType": "o"}, 400, "name"),
        (
            "POST",
            f"{STREAMS}/1/events",
            {"entityType": "o", "name": "a", "expectedVersion": "1"},
            400,
            "expectedVersion",
        ),
        (
            "POST",
            f"{STREAMS}/1/events",
            {"entityType": "o", "name": "a", "expectedVersion": -2},
            400,
            "expected_version",
        ),
        ("POST", f"{STREAMS}/1/events", {"entityType": "o", "name": "a", "events": []}, 400, "events"),
        ("POST", f"{STREAMS}/1/events", {"entityType": "o", "events": []}, 400, "events"),
        ("POST", f"{STREAMS}/1/events", {"entityType": "o", "events": [{"name": "a", "x": 1}]}, 400, "events[0]"),
        ("POST", f"{STREAMS}/1/events", {"entityType": "a.b", "name": "a"}, 400, "entity_type"),
        ("POST", f"{STREAMS}/a%20b/events", {"entityType": "o", "name": "a"}, 400, "entity_id"),
        ("POST", STREAMS, {"appends": []}, 400, "appends"),
        ("GET", f"{STREAMS}/nope", None, 404, None),
        ("GET", f"{STREAMS}/nope/events", None, 404, None),
        ("GET", f"{STREAMS}/nope/history", None, 404, None),
        ("GET", f"{STREAMS}/nope/snapshot", None, 404, None),
        ("DELETE", f"{STREAMS}/nope", None, 404, None),
        ("GET", f"{STREAMS}?limit=0", None, 400, "limit"),
        ("GET", f"{STREAMS}?cursor=x", None, 400, "cursor"),
        ("GET", f"{STREAMS}/1/events?direction=up", None, 400, "direction"),
        ("GET", f"{STREAMS}/1/events?from_version=x", None, 400, "from_version"),
        ("GET", f"{STREAMS}/1?at=99999999999999999999", None, 400, "at"),
    ],
)
def test_bad_requests_are_named_and_record_nothing(
    http: httpx.Client, method: str, path: str, body: Any, status: int, field: str | None
) -> None:
    answer = http.request(method, path, json=body)

    assert answer.status_code == status, answer.text
    assert answer.json().get("field") == field
    assert http.get(STREAMS).json()["streams"] == []


# --- Connect and gRPC


def test_connect_answers_as_published(http: httpx.Client) -> None:
    first = call(
        http, "AppendEvent", entity_id="1", entity_type="order", event_name="a", data={"x": 1}, expected_version="0"
    )
    second = call(
        http, "AppendEvent", entityId="1", entityType="order", eventName="b", dataValue=[1], expectedVersion=-1
    )
    conflict = call(http, "AppendEvent", entityId="1", entityType="order", eventName="c")
    events = call(http, "ReadStream", entityId="1").json()
    info = call(http, "GetStreamInfo", entityId="1").json()

    assert first.json()["entityVersion"] == "1"
    assert second.json()["entityVersion"] == "2"
    assert (conflict.status_code, conflict.json()["code"]) == (409, "aborted")
    assert "version conflict" in conflict.json()["message"]
    assert [one["entityVersion"] for one in events["events"]] == ["1", "2"]
    assert (events["events"][0]["data"], events["events"][1]["dataValue"]) == ({"x": 1}, [1])
    assert events["totalCount"] == 2
    assert (info["version"], info["eventCount"], info["entityType"]) == ("2", "2", "order")


def test_data_in_connect_json_stay_as_they_came(http: httpx.Client) -> None:
    data = b'{ "b":1.0, "a" : 12345678901234567890 }'
    body = b'{"entityId":"1","entityType":"o","eventName":"a","expectedVersion":"0","data":%s}' % data
    http.post(f"{SERVICE}/AppendEvent", content=body, headers={"Content-Type": "application/json"})

    assert data in call(http, "ReadStream", entityId="1").content
    assert data in http.get(f"{STREAMS}/1/events").content


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("AppendEvent", {"entityId": "1", "entityType": "o", "eventName": "a", "expectedVersion": "x"}),
        ("AppendEvent", {"entityId": "a\0", "entityType": "o", "eventName": "a"}),
        ("AppendEvent", {"entityId": "1", "entityType": "o", "eventName": "a", "expectedVersion": 2**60}),
        ("ReadStream", {"entityId": "1", "direction": "up"}),
        ("ReadStream", {"entityId": "1", "limit": -1}),
        ("ReadStream", {"entityId": "1", "fromVersion": "-7"}),
        ("ListStreams", {"search": "a\0"}),
        ("ListStreams", {"offset": -1}),
        ("CreateSnapshot", {"entityId": "1", "entityType": "order", "entityVersion": "9", "state": {}}),
        ("GetSnapshot", {"entityId": "1", "beforeVersion": "-1"}),
    ],
)
def test_bad_calls_are_invalid_arguments(http: httpx.Client, method: str, body: dict[str, Any]) -> None:
    append(http, "1", "a")

    refused = call(http, method, **body)

    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_argument"), refused.text
    assert http.get(f"{STREAMS}/1").json()["version"] == 1


def test_an_unknown_stream_has_the_message_that_clients_look_for(http: httpx.Client) -> None:
    refused = call(http, "GetStreamInfo", entityId="nope")

    assert refused.status_code == 404
    assert refused.json()["message"] == "stream not found"


def test_connect_lists_snapshots_and_deletes(http: httpx.Client) -> None:
    call(http, "AppendEvent", entityId="1", entityType="order", eventName="a", expectedVersion="-1")

    made = call(http, "CreateSnapshot", entityId="1", entityType="order", entityVersion="1", state={"n": 1}).json()
    found = call(http, "GetSnapshot", entityId="1").json()
    listed = call(http, "ListStreams", entityType="order").json()
    history = call(http, "GetEntityHistory", entityId="1").json()
    deleted = call(http, "DeleteStream", entityId="1").json()
    refused = call(http, "AppendEvent", entityId="1", entityType="order", eventName="b", expectedVersion="-1")

    assert (found["snapshotId"], found["state"], found["entityVersion"]) == (made["snapshotId"], {"n": 1}, "1")
    assert [one["entityId"] for one in listed["streams"]] == ["1"]
    assert (history["totalEvents"], history["entries"][0]["eventName"]) == ("1", "a")
    assert deleted["entityVersion"] == "2"
    assert refused.json()["code"] == "failed_precondition"


@pytest.mark.parametrize("over", ["rest", "connect", "grpc", "sdk"])
def test_a_purged_entity_shows_placeholders(
    shared_server: ServerProcess, http: httpx.Client, client: Client, environment: str, over: str
) -> None:
    append(http, "1", "a", {"card": "visa-4929"}, metadata={"by": "visa-4929"})
    event_id = append(http, "1", "b", "visa-4929").json()["eventId"]

    match over:
        case "rest":
            answer = http.delete(f"{STREAMS}/1", params={"purge": "true", "reason": "asked to"})
            assert answer.json() == {"entityId": "1", "entityType": "order", "version": 3, "deleted": True}
        case "connect":
            assert call(http, "DeleteStream", entityId="1", purge=True).json() == {"entityVersion": "3"}
        case "grpc":
            metadata = (("x-ironflow-environment-id", environment),)
            with grpc.insecure_channel(shared_server.grpc_address) as channel:
                stub: Any = entity_stream_pb2_grpc.EntityStreamServiceStub(channel)
                request = pb.DeleteStreamRequest(entity_id="1", purge=True)
                assert stub.DeleteStream(request, metadata=metadata).entity_version == 3
        case _:
            assert Stream(client, "order", "1").delete(purge=True) == 3

    shown = [
        http.get(f"{STREAMS}/1/events").text,
        http.get(f"{STREAMS}/1/history").text,
        call(http, "ReadStream", entityId="1").text,
        call(http, "GetEntityHistory", entityId="1").text,
        http.get(f"/api/v1/events/{event_id}").text,
        http.get("/api/v1/events").text,
        http.get("/api/v1/history").text,
        http.post("/api/v1/sql", json={"query": "select * from history"}).text,
    ]
    assert not [text for text in shown if "visa-4929" in text]
    events = http.get(f"{STREAMS}/1/events").json()["events"]
    assert [one["name"] for one in events] == ["a", "b", "$stream.deleted"]
    assert [one["data"]["$redacted"] for one in events[:2]] == [True, True]
    assert http.get("/api/v1/history", params={"kind": "history.redacted"}).json()["entries"][0]["data"]["vouchers"]
    assert append(http, "1", "c").status_code == 412


def test_grpc_and_connect_read_the_same(shared_server: ServerProcess, http: httpx.Client, environment: str) -> None:
    metadata = (("x-ironflow-environment-id", environment),)
    with grpc.insecure_channel(shared_server.grpc_address) as channel:
        stub: Any = entity_stream_pb2_grpc.EntityStreamServiceStub(channel)
        request = pb.AppendEventRequest(entity_id="1", entity_type="order", event_name="a", expected_version=-1)
        request.data.update({"n": 1})
        appended = stub.AppendEvent(request, metadata=metadata)
        read = stub.ReadStream(pb.ReadStreamRequest(entity_id="1"), metadata=metadata)
        with pytest.raises(grpc.RpcError) as refused:
            stub.GetStreamInfo(pb.GetStreamInfoRequest(entity_id="nope"), metadata=metadata)
    binary = http.post(
        f"{SERVICE}/ReadStream",
        content=pb.ReadStreamRequest(entity_id="1").SerializeToString(),
        headers={"Content-Type": "application/proto"},
    )

    assert appended.entity_version == 1
    assert pb.ReadStreamResponse.FromString(binary.content) == read
    assert refused.value.code() == grpc.StatusCode.NOT_FOUND  # type: ignore[attr-defined]


# --- SDK


class Account(Aggregate):
    entity_type = "account"
    snapshot_every = 5

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.balance = 0
        self.applied = 0

    def deposit(self, amount: int) -> None:
        self.record("money.deposited", {"amount": amount})

    def withdraw(self, amount: int) -> None:
        if amount > self.balance:
            raise ValueError(f"{self.id} has {self.balance}")
        self.record("money.withdrawn", {"amount": amount})

    def apply(self, event: EntityEvent) -> None:
        self.applied += 1
        match event.name:
            case "money.deposited":
                self.balance += event.data["amount"]
            case "money.withdrawn":
                self.balance -= event.data["amount"]

    def to_snapshot(self) -> Any:
        return {"balance": self.balance}


def test_an_aggregate_is_loaded_decided_and_saved(client: Client) -> None:
    account = Account.load(client, "1")
    account.deposit(10)
    account.withdraw(4)
    saved = account.save(client)

    assert saved is not None
    assert (saved.version, account.version, account.balance) == (2, 2, 6)
    assert account.save(client) is None
    again = Account.load(client, "1")
    assert (again.version, again.balance) == (2, 6)
    with pytest.raises(ValueError, match="1 has 6"):
        Account.change(client, "1", lambda account: account.withdraw(7))
    assert client.streams.info("account", "1")["version"] == 2


def test_saving_what_another_changed_is_a_conflict(client: Client) -> None:
    one, two = Account.load(client, "1"), Account.load(client, "1")
    one.deposit(1)
    two.deposit(2)
    one.save(client)

    with pytest.raises(errors.Conflict) as refused:
        two.save(client)

    assert refused.value.code == "VERSION_CONFLICT"
    assert (two.version, len(two.unsaved)) == (0, 1)


def test_changes_of_many_at_once_are_all_there(client: Client) -> None:
    """Each is decided on what the others left: no withdrawal is made from money that is gone."""
    Account.change(client, "1", lambda account: account.deposit(5))
    refused = threading.Semaphore(0)

    def withdraw(number: int) -> None:
        try:
            Account.change(client, "1", lambda account: account.withdraw(1), attempts=50)
        except ValueError:
            refused.release()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(withdraw, range(8)))

    account = Account.load(client, "1")
    assert (account.balance, account.version) == (0, 6)
    assert all(refused.acquire(blocking=False) for _ in range(3))


def test_loading_goes_on_from_the_newest_snapshot(client: Client) -> None:
    for _ in range(7):
        Account.change(client, "1", lambda account: account.deposit(1))

    account = Account.load(client, "1")

    assert (account.version, account.balance) == (7, 7)
    assert account.applied == 2
    assert client.streams.snapshot("account", "1")["version"] == 5
    third = client.streams.read("account", "1", from_version=3, limit=1).items[0]
    assert Account.load(client, "1", at=third["position"]).balance == 3


def test_a_stream_is_read_page_by_page_and_deleted(client: Client) -> None:
    stream = Stream(client, "order", "1")
    for start in range(0, 1_200, 600):
        stream.append(*(EntityEvent("e.x", number) for number in range(start, start + 600)), expected_version=start)

    assert [event.data for event in stream.events()] == list(range(1_200))
    assert [event.version for event in stream.events(after_version=1_198)] == [1_199, 1_200]
    assert stream.read(direction="backward", limit=2).items[0]["version"] == 1_200
    assert stream.delete(reason="done") == 1_201
    assert len(stream.events()) == 1_200
    assert Account.load(client, "none").version == 0
    with pytest.raises(errors.NotFound):
        Stream(client, "order", "none").events()


def test_several_entities_change_together(client: Client) -> None:
    a, b = client.streams.append_all(
        Append("account", "a", [EntityEvent("money.deposited", {"amount": 1})], 0), Append("account", "b", [], 0)
    )

    assert (a.version, b.version) == (1, 0)
    with pytest.raises(errors.Conflict):
        client.streams.append_all(Append("account", "b", [EntityEvent("x.y")]), Append("account", "a", [], 0))


def test_the_same_with_an_async_client(shared_server: ServerProcess, environment: str) -> None:
    async def run() -> tuple[int, int, list[Any]]:
        async with AsyncClient(shared_server.url, environment=environment) as client:
            account = await Account.change(client, "1", lambda account: account.deposit(3))
            account.deposit(4)
            await account.save(client)
            loaded = await Account.load(client, "1")
            events = await AsyncStream(client, "account", "1").events()
            return loaded.balance, loaded.version, [event.data for event in events]

    assert asyncio.run(run()) == (7, 2, [{"amount": 3}, {"amount": 4}])
