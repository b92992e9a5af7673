"""Schemas compared, and data held against them."""

from __future__ import annotations

from typing import Any

import pytest

from app.events.validation import Validator, asserts, narrowed


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ({"type": "object"}, {"type": "object", "required": ["a"]}, "$.a is required now"),
        ({"type": ["string", "null"]}, {"type": "string"}, "$ may no longer be null"),
        ({"type": "number"}, {"type": "integer"}, "$ may no longer be number"),
        ({}, {"type": "object"}, "$ may no longer be array"),
        ({"enum": [1, 2]}, {"enum": [1]}, "$ no longer takes 2"),
        ({"type": "string"}, {"type": "string", "enum": ["a"]}, "$ takes only certain values now"),
        ({"minimum": 1}, {"minimum": 2}, "$ has a narrower minimum: 2"),
        ({}, {"maxLength": 5}, "$ has a narrower maxLength: 5"),
        ({"pattern": "a"}, {"pattern": "b"}, "$ has another pattern: b"),
        ({"properties": {"a": {}}}, {"additionalProperties": False}, "$ takes no other properties any more, such as a"),
        ({"properties": {"a": {"type": "number"}}}, {"properties": {"a": {"type": "integer"}}}, "$.a may no longer be"),
        ({"items": {"type": "number"}}, {"items": {"type": "string"}}, "$[] may no longer be integer or number"),
        (True, False, "$ accepts nothing any more"),
    ],
)
def test_what_a_schema_no_longer_takes_is_named(old: Any, new: Any, problem: str) -> None:
    assert any(told.startswith(problem) for told in narrowed(old, new)), narrowed(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"type": "integer"}, {"type": "number"}),
        ({"required": ["a", "b"]}, {"required": ["a"]}),
        ({"enum": [1]}, {"enum": [1, 2]}),
        ({"const": 1}, {"enum": [1, 2]}),
        ({"minimum": 2, "maximum": 5}, {"minimum": 1, "maximum": 6}),
        ({"properties": {"a": {"type": "string"}}}, {"properties": {"a": {"type": ["string", "null"]}, "b": {}}}),
        ({"additionalProperties": False}, {}),
        (False, {"type": "object"}),
        ({"type": "object"}, True),
    ],
)
def test_what_accepts_more_has_no_problems(old: Any, new: Any) -> None:
    assert narrowed(old, new) == []


def test_a_violation_is_told_with_its_place() -> None:
    schema = {"properties": {"items": {"items": {"required": ["sku"]}}}}

    assert Validator(schema).violation({"items": [{"sku": 1}, {}]}) == (
        "$.items[1]",
        "'sku' is a required property",
    )
    assert Validator(schema).violation({"items": []}) is None


def test_references_within_the_schema_are_followed() -> None:
    schema = {"$defs": {"n": {"type": "integer"}}, "properties": {"a": {"$ref": "#/$defs/n"}, "b": {"$ref": "#"}}}

    assert Validator(schema).violation({"a": 1, "b": {"a": 2}}) is None
    assert Validator(schema).violation({"a": 1, "b": {"a": "x"}}) is not None


def test_a_schema_without_assertions_is_told_apart() -> None:
    assert not asserts({"title": "t", "$defs": {"a": {"type": "string"}}})
    assert not asserts(True)
    assert asserts({"type": "object"})
    assert asserts(False)
