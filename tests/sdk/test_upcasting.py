"""Upcasters: a chain from any version to the newest one, wherever events are read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ironflow import (
    Aggregate,
    Context,
    EntityEvent,
    Event,
    ProjectedEvent,
    UpcastError,
    Upcasters,
    function,
    projection,
)
from ironflow.context import BATCH
from ironflow.testing import Incoming, fold, run_blocking
from ironflow.upcasting import Upcast

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def upcasters() -> Upcasters:
    """order.placed from version 1 by 2 to 4."""
    made = Upcasters()

    @made.step("order.placed", 1)
    def with_currency(data: Any) -> Any:
        data["currency"] = "EUR"
        return data

    @made.step("order.placed", 2, to_version=4)
    def with_lines(data: Any) -> Any:
        return {"lines": [data]}

    return made


def test_data_go_through_every_step_up_to_the_newest_version(upcasters: Upcasters) -> None:
    old = {"total": 7}

    assert upcasters.upcast("order.placed", 1, old) == Upcast(
        4, {"lines": [{"total": 7, "currency": "EUR"}]}, (1, 2, 4)
    )
    assert upcasters.upcast("order.placed", 2, old) == Upcast(4, {"lines": [{"total": 7}]}, (2, 4))
    assert old == {"total": 7}


@pytest.mark.parametrize(
    ("name", "version", "data"),
    [
        ("order.placed", 4, {"lines": []}),
        ("order.placed", 5, {"later": True}),
        ("other.event", 1, None),
        ("order.placed", 1, {"$redacted": True, "sha256": "00"}),
    ],
)
def test_what_is_new_unknown_or_redacted_stays_as_it_is(
    upcasters: Upcasters, name: str, version: int, data: Any
) -> None:
    assert upcasters.upcast(name, version, data) == Upcast(version, data)


def test_a_chain_that_breaks_off_is_an_error_that_trying_again_cannot_help(upcasters: Upcasters) -> None:
    with pytest.raises(UpcastError, match=r"order.placed version 3 cannot be read as version 4: no step"):
        upcasters.upcast("order.placed", 3, {})


def test_a_step_that_fails_is_named_with_its_error() -> None:
    upcasters = Upcasters()
    upcasters.step("a", 1)(lambda data: data["missing"])

    with pytest.raises(UpcastError, match="a version 1 cannot be read as version 2: KeyError: 'missing'"):
        upcasters.upcast("a", 1, {})


def test_steps_that_contradict_are_refused_where_they_are_written(upcasters: Upcasters) -> None:
    with pytest.raises(ValueError, match="has a step already"):
        upcasters.step("order.placed", 1)
    for versions in ((0, 1), (2, 2), (3, 1)):
        with pytest.raises(ValueError, match="leads from version 1 or more to a later one"):
            upcasters.step("a", versions[0], to_version=versions[1])


@pytest.mark.parametrize("replay", [False, True])
def test_a_function_sees_its_event_and_those_it_waits_for_as_of_the_newest_version(
    upcasters: Upcasters, replay: bool
) -> None:
    @function("order", triggers=["order.placed"], upcasters=upcasters)
    async def order(ctx: Context) -> Any:
        again = await ctx.step.wait_for_event("again", "order.placed")
        nothing = await ctx.step.wait_for_event("nothing", "order.gone", timeout="1s", default={"total": 0})
        return [ctx.event.version, ctx.event.data, again.version, again.data, nothing]

    result = run_blocking(order, {"total": 1}, events=[Incoming("order.placed", {"total": 2})], replay=replay)

    assert result.output == [
        4,
        {"lines": [{"total": 1, "currency": "EUR"}]},
        4,
        {"lines": [{"total": 2, "currency": "EUR"}]},
        {"total": 0},
    ]


def test_a_broken_chain_fails_the_run_for_good() -> None:
    upcasters = Upcasters()
    upcasters.step("order.placed", 2)(lambda data: data)

    @function("order", triggers=["order.placed"], upcasters=upcasters)
    async def order(ctx: Context) -> Any:
        return ctx.event.data

    result = run_blocking(order, {})

    assert (result.status, result.error_code, result.attempts) == ("failed", "UPCAST_FAILED", 1)


def test_every_event_of_a_batch_is_upcast(upcasters: Upcasters) -> None:
    listed = [{"id": "e1", "name": "order.placed", "data": {"total": 1}, "version": 2, "timestamp": NOW.isoformat()}]
    batch = Event("b", BATCH[0], listed, NOW, {}, source=BATCH[1])

    [one] = upcasters.event(batch).data

    assert (one["version"], one["data"]) == (4, {"lines": [{"total": 1}]})


def test_an_aggregate_folds_and_records_the_newest_version(upcasters: Upcasters) -> None:
    class Order(Aggregate):
        entity_type = "order"

        def __init__(self, id: str) -> None:
            super().__init__(id)
            self.seen: list[Any] = []

        def apply(self, event: EntityEvent) -> None:
            self.seen.append((event.schema_version, event.data))

    Order.upcasters = upcasters
    order = Order("42")
    order.record("order.placed", {"lines": []})
    order.record("order.noted", {})
    order.record("order.placed", {"total": 1}, schema_version=2)

    assert [event.schema_version for event in order.unsaved] == [4, 1, 2]
    assert order.seen == [(4, {"lines": []}), (1, {}), (4, {"lines": [{"total": 1}]})]


def test_a_reducer_and_a_handler_are_given_events_as_of_their_newest_version(upcasters: Upcasters) -> None:
    handled: list[tuple[int, Any]] = []

    @projection("lines", events=["order.*"], initial={"lines": [], "version": 0}, upcasters=upcasters)
    def lines(state: dict[str, Any], event: ProjectedEvent) -> dict[str, Any]:
        return {"lines": state["lines"] + event.data["lines"], "version": event.version}

    @projection("index", events=["order.*"], upcasters=upcasters)
    def index(event: ProjectedEvent) -> None:
        handled.append((event.version, event.data))

    told = [
        {"name": "order.placed", "version": 1, "data": {"total": 7}},
        {"name": "order.placed", "version": 4, "data": {"lines": ["new"]}},
    ]

    assert fold(lines, told) == {
        "__global__": {"lines": [{"total": 7, "currency": "EUR"}, "new"], "version": 4},
    }
    fold(index, told)
    assert handled == [(4, {"lines": [{"total": 7, "currency": "EUR"}]}), (4, {"lines": ["new"]})]


def test_an_event_that_no_step_leads_on_from_is_one_that_the_projection_cannot_take(upcasters: Upcasters) -> None:
    told = [{"name": "order.placed", "version": 3, "data": {}}, {"name": "order.placed", "version": 4, "data": {}}]

    def count(state: int, event: ProjectedEvent) -> int:
        return state + 1

    with pytest.raises(UpcastError, match="no step leads on"):
        fold(projection("n", events=["order.*"], initial=0, upcasters=upcasters)(count), told)
    skipping = projection("n", events=["order.*"], initial=0, upcasters=upcasters, on_error="skip")(count)
    assert fold(skipping, told) == {"__global__": 1}
