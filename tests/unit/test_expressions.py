"""Expressions: users' programs on users' data, which must never break the emit that they run in."""

from __future__ import annotations

from typing import Any

import pytest

from app import expressions
from app.errors import InvalidArgument
from app.expressions import EvaluationFailed

VARIABLES = frozenset(("event", "name"))
EVENT = {
    "event": {
        "data": {
            "total": 150,
            "price": 99.5,
            "text": "hello world",
            "tags": ["a", "b"],
            "lines": [{"price": 1}, {"price": 20}],
            "owner": {"name": "ann"},
            "huge": 2**70,
        }
    },
    "name": "order.placed",
}


def evaluate(text: str, variables: Any = EVENT) -> Any:
    return expressions.compile(text, variables=VARIABLES, field="expression").evaluate(variables)


@pytest.mark.parametrize(
    "text",
    [
        'event.data.text.contains("wor")',
        'event.data.text.endsWith("ld")',
        'event.data.text.matches("^h.*d$")',
        '"a" in event.data.tags',
        '"name" in event.data.owner',
        "event.data.text.size() == 11 && size(event.data) == 7",
        'event["data"]["total"] == 150',
        '(event.data).owner.name == "ann"',
        '.name == "order.placed"',
        "type(event.data.text) == string",
        "event.data.missing || event.data.total == 150",
        'event.data.owner == {"name": "ann"}',
    ],
)
def test_what_cel_offers_works_on_plain_data(text: str) -> None:
    assert evaluate(text)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("event.data.total > 100.5", True),
        ("event.data.total == 150.0", True),
        ("event.data.total != 150.0", False),
        ("event.data.price < 100", True),
        ("event.data.huge > event.data.total", True),
    ],
)
def test_numbers_of_json_compare_by_value(text: str, holds: bool) -> None:
    assert bool(evaluate(text)) is holds


@pytest.mark.parametrize(
    "text",
    [
        "event.data.tags.exists(t, event.data.lines.exists(l, l.price > 1 && t == 'a'))",
        "event.data.lines.filter(l, l.price > event.data.lines[0].price).size() == 1",
        "event.data.tags.all(event, event.size() == 1) && event.data.total == 150",
    ],
)
def test_the_variable_of_a_macro_is_known_inside_it(text: str) -> None:
    assert evaluate(text)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("event.data.tags.exists(t, t == 'a') && t == 'a'", "'t'"),
        ("other.data == 1", "'other'"),
        ("nosuch(event)", "'nosuch'"),
        ("event.data.text.nosuch()", "'nosuch'"),
        ("event.data.tags.map(1, true)", "'map"),
        ("event.data.tags.exists(t)", "'exists"),
        ("event.data.total >", "line 1, column"),
    ],
)
def test_what_can_never_work_is_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(InvalidArgument, match=named) as refused:
        evaluate(text)

    assert refused.value.field == "expression"


@pytest.mark.parametrize(
    "text", ["(" * 100 + "1" + ")" * 100, "!" * 2_000 + "true", "1" + "+1" * 1_000, "event" + ".a" * 1_000]
)
def test_an_expression_too_deep_to_evaluate_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="nested too deeply"):
        evaluate(text)


@pytest.mark.parametrize("text", ["(" * 25 + "true" + ")" * 25, " || ".join(["true"] * 100)])
def test_the_depth_that_people_write_is_taken(text: str) -> None:
    assert evaluate(text)


@pytest.mark.parametrize(
    "text",
    [
        "event.data.missing == 1",
        "event.data.text > 1",
        "event.data.total / 0",
        "event.data.total.map(t, t)",
        "has()",
        'int(double("inf"))',
        'duration("1h").getHours(1)',
        "event.data.tags[9]",
    ],
)
def test_whatever_goes_wrong_on_the_data_is_an_evaluation_that_failed(text: str) -> None:
    with pytest.raises(EvaluationFailed):
        evaluate(text)


def test_only_what_is_read_is_converted() -> None:
    unreadable = object()

    assert evaluate("event.data.total > 1", {"event": {"data": {"total": 2, "other": unreadable}}, "name": unreadable})
    with pytest.raises(EvaluationFailed):
        evaluate("event.data.total > 1 && size(event.data) > 1", {"event": {"data": {"total": 2, "other": unreadable}}})
