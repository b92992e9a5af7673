"""`ironflow schema test-upcast`: recorded events of old versions, against the newest schema."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ironflow import Aggregate, Client, EntityEvent, Upcasters
from tests.support.server import ServerProcess

Ironflow = Callable[..., subprocess.CompletedProcess[str]]

MODULE = """
from ironflow import Upcasters

upcasters = Upcasters()
upcasters.step("order.placed", 1)(lambda data: {**data, "currency": "EUR"})
upcasters.step("order.placed", 2)(lambda data: {**data, "total": int(data["total"])})
"""
SCHEMA = {"type": "object", "required": ["currency"], "properties": {"total": {"maximum": 100}}}


@pytest.fixture(autouse=True)
def module(tmp_path: Path) -> None:
    (tmp_path / "shop_events.py").write_text(MODULE)


def emit(server: ServerProcess, environment: str, version: int, total: str) -> None:
    with Client(server.url, environment=environment) as client:
        client.emit("order.placed", {"total": total}, version=version)


def test_every_old_event_is_upcast_and_validated(
    ironflow: Ironflow, server: ServerProcess, shell_environment: str
) -> None:
    ironflow("schema", "register", "order.placed", "--version", "3", "-d", json.dumps(SCHEMA))
    for version, total in ((1, "7"), (2, "8"), (3, "900"), (1, "101"), (1, "many")):
        emit(server, shell_environment, version, total)

    tested = ironflow("schema", "test-upcast", "shop_events:upcasters", "--json")
    shown = ironflow("schema", "test-upcast", "shop_events:upcasters")

    [told] = json.loads(tested.stdout)["items"]
    assert (tested.returncode, shown.returncode) == (10, 10)
    assert (told["version"], told["has_schema"], told["read"], told["failed"]) == (3, True, 4, 3)
    assert [(one["version"], one["path"]) for one in told["failures"]] == [(1, "$"), (1, "$.total"), (2, "$")]
    assert "ValueError" in told["failures"][0]["reason"]
    assert "greater than the maximum" in shown.stderr


def test_data_can_be_given(ironflow: Ironflow) -> None:
    where = ("schema", "test-upcast", "shop_events:upcasters", "--event", "order.placed")

    assert ironflow(*where, "-d", '{"total": "1"}').returncode == 0
    assert ironflow(*where, "-d", '{"total": "x"}').returncode == 10
    assert ironflow(*where, "-d", '{"total": 1, "currency": "CHF"}', "--version", "2").returncode == 0


def test_what_is_misspelt_is_a_usage_error(ironflow: Ironflow) -> None:
    for where in ("shop_events", "nowhere:upcasters", "shop_events:nothing"):
        assert ironflow("schema", "test-upcast", where).returncode == 2
    refused = ironflow("schema", "test-upcast", "shop_events:upcasters", "--event", "other")
    assert refused.returncode == 2
    assert "order.placed" in refused.stderr


def test_streams_and_aggregates_are_read_as_of_the_newest_version(server: ServerProcess) -> None:
    upcasters = Upcasters()
    upcasters.step("counted", 1)(lambda data: {"by": data})

    class Counter(Aggregate):
        entity_type = "counter"

        def __init__(self, id: str) -> None:
            super().__init__(id)
            self.total = 0

        def apply(self, event: EntityEvent) -> None:
            self.total += event.data["by"]

    Counter.upcasters = upcasters
    with Client(server.url, environment="upcast") as client:
        recorded = (EntityEvent("counted", 5), EntityEvent("counted", {"by": 2}, schema_version=2))
        client.streams.append("counter", "c", *recorded)

        seen = client.streams.events("counter", "c", upcasters=upcasters)
        assert [event.data for event in seen] == [{"by": 5}, {"by": 2}]
        assert Counter.change(client, "c", lambda counter: counter.record("counted", {"by": 1})).total == 8
        assert client.streams.events("counter", "c")[-1].schema_version == 2
