"""Live updates of states, as published: `system.projection.<name>.<partition>.updated`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.api.test_projections import DECLARED, declare, emit, wait
from tests.support.server import ServerProcess
from tests.support.websocket import WebSocket


@pytest.fixture(scope="module")
def shared_server(own_server: ServerProcess) -> ServerProcess:
    """Projections that are left go on being folded: no other file's tests are to wait for them."""
    return own_server


@pytest.fixture
def ws(shared_server: ServerProcess, environment: str) -> Iterator[WebSocket]:
    with WebSocket(shared_server.url, f"/ws?env={environment}") as opened:
        yield opened


def until(ws: WebSocket, count: int, id: str = "") -> list[Any]:
    """The updates of a subscription up to the one that has so many; changes that come quickly are told as one."""
    found = []
    while not found or found[-1]["data"]["state"]["count"] < count:
        event = ws.expect("event")
        if not id or event["subscriptionId"] == id:
            found.append(event)
    return found


def test_a_subscriber_is_told_of_each_state(http: httpx.Client, ws: WebSocket) -> None:
    declare(http)
    ws.subscribe("system.projection.orders.__global__.updated")
    event_id, _ = emit(http, 7)

    [update] = until(ws, 1)

    assert update["topic"] == "system.projection.orders.__global__.updated"
    assert update["data"] == {
        "name": "orders",
        "partition": "__global__",
        "state": {"count": 1, "last": 7},
        "last_event_id": event_id,
        "last_event_name": "order.placed",
    }
    last, _ = emit(http, 8)
    assert until(ws, 2)[-1]["data"]["last_event_id"] == last


def test_partitions_are_told_apart_whatever_dots_they_have(http: httpx.Client, ws: WebSocket) -> None:
    declare(http, "shop.orders", partition_key="$.data.repo")
    every = ws.subscribe("system.projection.>")
    one = ws.subscribe("system.projection.shop.orders.octo/a.b.updated")
    filtered = ws.subscribe("system.projection.>", filter="has(data.partition) && data.partition == 'other'")
    emit(http, 1, repo="octo/a.b")
    emit(http, 2, repo="other")

    updates = [ws.expect("event") for _ in range(4)]

    told = sorted((one["subscriptionId"], one["data"]["partition"]) for one in updates)
    assert told == sorted([(every, "octo/a.b"), (every, "other"), (one, "octo/a.b"), (filtered, "other")])


def test_updates_come_between_entries_and_resuming_from_one_misses_none(http: httpx.Client, ws: WebSocket) -> None:
    declare(http)
    id = ws.subscribe("system.projection.>")
    emit(http, 1)
    update = until(ws, 1)[-1]
    emit(http, 2)
    until(ws, 2)

    ws.send({"type": "unsubscribe", "subscriptionId": id})
    resumed = ws.subscribe("order.>", startAfterSequence=update["meta"]["sequence"])

    frames = [ws.receive()]
    while frames[-1]["subscriptionId"] != resumed or frames[-1]["data"]["n"] != 2:
        frames.append(ws.receive())
    assert [one["data"]["n"] for one in frames if one["subscriptionId"] == resumed][-1] == 2


def test_a_generation_that_is_built_is_not_told_of_before_it_serves(http: httpx.Client, ws: WebSocket) -> None:
    declare(http)
    event_id, _ = emit(http, 1)
    wait(http, event_id)
    ws.subscribe("system.projection.orders.>")

    twice = {"on": "order.>", "set": {"count": "state.count + 2"}}
    http.put("/api/v1/projections/orders", json={**DECLARED, "rules": [twice]})
    assert ws.expect("event")["topic"] == "system.projection.orders.registered"
    assert ws.expect("event")["topic"] == "system.projection.orders.rebuilt"
    emit(http, 2)

    assert until(ws, 4)[-1]["data"]["state"]["count"] == 4
