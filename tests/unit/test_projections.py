"""Folds: what rules, reducers and plain Python make of the same events."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import expressions
from app.errors import InvalidArgument
from app.expressions import EvaluationFailed
from app.history.kinds import Rule
from app.projections import shortcuts
from app.projections.definition import partition_of
from app.projections.rules import ReducerFailed, Rules, plain
from ironflow import ProjectedEvent, Projection, folding, projection
from ironflow.folding import States
from ironflow.testing import fold

RULES = [
    Rule(on="cart.*", set={"events": "state.events + 1"}),
    Rule(
        on="cart.added",
        when="event.data.n > 0",
        set={
            "items.{event.data.sku}": "has(state.items.a) && event.data.sku == 'a' ? state.items.a + event.data.n"
            " : event.data.n"
        },
    ),
    Rule(on="cart.removed", remove=("items.{event.data.sku}",)),
    Rule(on="cart.closed", set={"closed": "true", "by.who": "event.data.sku"}),
]
INITIAL: dict[str, Any] = {"events": 0, "items": {}}

events = st.lists(
    st.tuples(
        st.sampled_from(["cart.added", "cart.removed", "cart.closed", "other"]),
        st.fixed_dictionaries({"sku": st.sampled_from("abc"), "n": st.integers(-3, 9)}),
    )
)


def reduce(state: dict[str, Any], name: str, data: dict[str, Any]) -> dict[str, Any]:
    """The same as the rules, in Python."""
    state["events"] += 1
    match name:
        case "cart.added" if data["n"] > 0:
            before = state["items"].get("a", 0) if data["sku"] == "a" else 0
            state["items"][data["sku"]] = before + data["n"]
        case "cart.removed":
            state["items"].pop(data["sku"], None)
        case "cart.closed":
            state["closed"] = True
            state["by"] = {"who": data["sku"]}
    return state


@projection("carts", events=["cart.*"], initial=INITIAL)
def carts(state: dict[str, Any], event: ProjectedEvent) -> dict[str, Any]:
    return reduce(state, event.name, event.data)


@given(events)
def test_declared_equals_managed_equals_plain(told: list[tuple[str, dict[str, Any]]]) -> None:
    rules = Rules(RULES)
    declared: dict[str, Any] = INITIAL
    plain: dict[str, Any] = json.loads(json.dumps(INITIAL))
    for name, data in told:
        if name.startswith("cart."):
            declared = rules.apply(declared, {"name": name, "data": data})
            plain = reduce(plain, name, data)

    managed = fold(carts, told).get("__global__", INITIAL)

    assert declared == managed == plain
    assert INITIAL == {"events": 0, "items": {}}


@projection("sums", events=["n"], initial={"sum": 0, "seen": []}, partition_key="$.data.p", on_error="skip")
def sums(state: dict[str, Any], event: ProjectedEvent) -> dict[str, Any]:
    state["seen"].append(event.position)  # also if it fails below
    if event.data["v"] == "poison":
        raise ValueError("no number")
    state["sum"] += event.data["v"]
    return state if event.data["v"] != 7 else {**state, "sum": {1, 2}}  # no JSON


def projected(position: int, data: dict[str, Any]) -> ProjectedEvent:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return ProjectedEvent(f"e{position}", "n", data, at, position=position, partition=data["p"])


def in_batches(declared: Projection, told: list[ProjectedEvent], sizes: list[int]) -> dict[str, Any]:
    """What a worker does: batches, partial ones where an event makes an error, which is then skipped."""
    states, left = States(), list(told)
    while left:
        size = sizes.pop() if sizes else len(left)
        batch, left = left[:size], left[size:]
        for partition in states.missing(event.partition for event in batch):
            states.put(partition, None)
        skipped: frozenset[int] = frozenset()
        while batch:
            progress = folding.fold(declared, states, batch, skipped)
            for partition, folded in progress.partitions.items():
                states.put(partition, folded.state)
            batch = batch[progress.done :]
            if progress.error is not None:
                skipped |= {batch[0].position}
    return {p: json.loads(raw) for p in ("x", "y") if not states.missing([p]) and (raw := states.get(p)) is not None}


@given(
    st.lists(st.fixed_dictionaries({"p": st.sampled_from("xy"), "v": st.sampled_from([1, 2, 7, "poison"])})),
    st.lists(st.integers(1, 5)),
)
def test_batches_make_no_difference_and_failed_events_leave_no_trace(
    told: list[dict[str, Any]], sizes: list[int]
) -> None:
    given_events = [projected(position, data) for position, data in enumerate(told, 1)]
    expected: dict[str, Any] = {}
    for event in given_events:
        state = expected.setdefault(event.partition, {"sum": 0, "seen": []})
        if event.data["v"] in (1, 2):
            state["sum"] += event.data["v"]
            state["seen"].append(event.position)

    assert in_batches(sums, given_events, sizes) == expected


@pytest.mark.parametrize(
    ("rule", "state"),
    [
        (Rule("a", set={"x": "state.missing + 1"}), {}),
        (Rule("a", set={"x.y": "1"}), {"x": 1}),
        (Rule("a", set={"{event.data}": "1"}), {}),
        (Rule("a", set={"x": "timestamp('2026-01-01T00:00:00Z')"}), {}),
    ],
)
def test_rules_that_do_not_fit_leave_the_state(rule: Rule, state: dict[str, Any]) -> None:
    with pytest.raises(ReducerFailed):
        Rules([rule]).apply(state, {"name": "a", "data": {}})


@pytest.mark.parametrize("path", ["", ".a", "a..b", "a.{", "{}", "a}b"])
def test_paths_that_are_none_are_refused(path: str) -> None:
    with pytest.raises(InvalidArgument):
        Rules([Rule("a", set={path: "1"})])


def test_a_projection_is_checked_where_it_is_declared() -> None:
    with pytest.raises(TypeError, match="list of patterns"):
        projection("p", events="order.placed")
    with pytest.raises(ValueError, match="not a path"):
        projection("p", events=["a"], partition_key="$$")
    with pytest.raises(TypeError, match="must take state and event"):
        projection("p", events=["a"], initial={})(lambda event: event)
    with pytest.raises(TypeError, match="must take an event"):
        projection("p", events=["a"])(lambda state, event: state)


def test_a_reducer_that_returns_nothing_is_told_so() -> None:
    @projection("p", events=["a"], initial={})
    def forgetful(state: Any, event: ProjectedEvent) -> None:
        state["x"] = 1

    with pytest.raises(TypeError, match="return the new state"):
        fold(forgetful, [("a", None)])


numbers = st.integers(-(2**64), 2**64) | st.floats(allow_nan=False) | st.text(max_size=2) | st.booleans() | st.none()
fields = st.sampled_from(["a", "b.c", "d"])
leaves = (
    fields.map(lambda path: f"event.{path}") | st.integers(0, 2**63 - 1).map(str) | st.sampled_from(["'x'", "true"])
)
operators = st.sampled_from(["+", "-", "<", "<=", "==", "!=", ">"])


def nested(levels: int) -> st.SearchStrategy[str]:
    """Expressions of that many levels at most."""
    if levels == 0:
        return leaves
    inner = nested(levels - 1)
    operation = st.tuples(inner, operators, inner).map(lambda parts: f"({' '.join(parts)})")
    choice = st.tuples(inner, inner, inner).map(lambda parts: f"({parts[0]} ? {parts[1]} : {parts[2]})")
    return leaves | operation | choice


@given(
    nested(2),
    st.fixed_dictionaries({}, optional={"a": numbers, "b": st.fixed_dictionaries({"c": numbers}), "d": numbers}),
)
def test_a_short_way_says_what_the_engine_says(text: str, event: dict[str, Any]) -> None:
    variables = {"event": event}
    expression = expressions.compile(text, variables=frozenset(("event",)), field="x")
    way = shortcuts.way(expression)
    found = outcome(lambda: way(variables)) if way is not None else (object, shortcuts.UNSURE)

    assert found[1] is shortcuts.UNSURE or found == outcome(lambda: plain(expression.evaluate(variables)))


def outcome(work: Callable[[], Any]) -> tuple[type, Any]:
    try:
        value = work()
    except (EvaluationFailed, ReducerFailed) as failed:
        return EvaluationFailed, str(failed)
    return type(value), value


def test_long_values_are_partitions_of_their_own() -> None:
    one, other = ("x" * 1_000 + end for end in "ab")

    found = {partition_of({"data": {"k": value}}, "$.data.k") for value in (one, other, one)}

    assert len(found) == 2
    assert {len(partition) for partition in found} == {512}
    assert partition_of({"data": {"k": ""}}, "$.data.k") == partition_of({"data": {}}, "$.data.k") == "__global__"
