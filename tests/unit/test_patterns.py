"""Patterns of events: what the table of tests/unit/test_leaves.py leaves open."""

from __future__ import annotations

import pytest

from app import patterns
from app.errors import InvalidArgument
from app.patterns import PatternIndex


@pytest.mark.parametrize("name", ["order.placed", "é" * 127, "a-b_c.d$", "x" * 255])
def test_printable_names_up_to_255_bytes_are_taken(name: str) -> None:
    patterns.validate_name(name)


@pytest.mark.parametrize("name", ["order.*", ">", "a*", "a\tb", "a\u200bb", "a.\ud800", "é" * 128, "", "a."])
def test_a_name_that_is_none_is_refused_with_its_field(name: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        patterns.validate_name(name, field="event")

    assert refused.value.field == "event"
    assert refused.value.hint


def test_a_value_is_forgotten_under_all_its_patterns_and_no_other_is() -> None:
    index: PatternIndex[str] = PatternIndex()
    for pattern in ("order.*", "order.>", "order.placed"):
        index.add(pattern, "first")
        index.add(pattern, "second")

    index.remove("first")

    assert index.matching("order.placed") == ["second"] * 3


def test_a_pattern_that_is_none_leaves_the_index_as_it_was() -> None:
    index: PatternIndex[str] = PatternIndex()

    with pytest.raises(InvalidArgument):
        index.add("order.>.placed", "value")

    assert index.matching("order.x.placed") == []


def test_a_value_is_forgotten_under_one_pattern_and_leaves_no_trace() -> None:
    index: PatternIndex[str] = PatternIndex()
    for pattern in ("order.*", "order.>", "order.placed"):
        index.add(pattern, "first")
    index.add("order.placed", "second")

    index.remove_compiled(patterns.compile("order.>"), "first")
    index.remove_compiled(patterns.compile("order.placed"), "first")
    index.remove_compiled(patterns.compile("never.there"), "first")

    assert index.matching("order.placed") == ["first", "second"]
    index.remove_compiled(patterns.compile("order.*"), "first")
    index.remove_compiled(patterns.compile("order.placed"), "second")
    assert not index
