"""Schemas compared, and data held against them."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import InvalidArgument
from app.events import validation
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


DRAFTS = ("https://json-schema.org/draft/2020-12/schema", "http://json-schema.org/draft-07/schema#")
NUMBERS = list(range(5_000))
UNLIKE = [*NUMBERS[:-1], -1]
BOTH = {f"a{level}": {"$ref": f"#/$defs/a{level + 1}", "$dynamicRef": f"#/$defs/a{level + 1}"} for level in range(40)}
DOUBLING = {f"a{level}": {"allOf": [{"$ref": f"#/$defs/a{level + 1}"}] * 2} for level in range(40)} | {"a40": {}}


@pytest.mark.parametrize(
    ("schema", "data"),
    [
        ({"pattern": "^(a+)+$"}, "a" * 5_000 + "!"),
        ({"patternProperties": {"^(a|a)*$": False}, "additionalProperties": True}, {"a" * 5_000 + "!": 1}),
        ({"patternProperties": {"^(a|aa)+$": {}}, "additionalProperties": False}, {"a" * 5_000 + "!": 1}),
        ({"patternProperties": {"^(a|aa)+$": {}}, "unevaluatedProperties": False}, {"a" * 5_000 + "!": 1}),
    ],
    ids=["pattern", "patternProperties", "additionalProperties", "unevaluatedProperties"],
)
def test_a_pattern_takes_time_in_proportion_to_the_text(schema: Any, data: Any) -> None:
    Validator(schema).violation(data)


@pytest.mark.parametrize(
    ("schema", "data"),
    [
        ({"properties": {"x": {"$ref": "#/$defs/a0"}}, "$defs": DOUBLING}, {"x": 1}),
        ({"uniqueItems": True}, [{"n": number} for number in range(3_000)]),
        ({"items": {"required": [f"r{number}" for number in range(5_000)]}}, [{}] * 2_000),
        ({"items": {"enum": [[number] for number in range(5_000)]}}, [[0.5]] * 2_000),
        ({"anyOf": [{"type": "string"}] * 500}, ["x" * 1_000] * 1_000),
        ({"items": {"allOf": [{"$ref": "#/$defs/c"}] * 40}, "$defs": {"c": {"not": {"const": [NUMBERS]}}}}, [[UNLIKE]]),
        (
            {"items": {"allOf": [{"$ref": "#/$defs/c"}] * 40}, "$defs": {"c": {"not": {"enum": [[NUMBERS]]}}}},
            [[UNLIKE]],
        ),
        ({"uniqueItems": True}, [{"n": NUMBERS, "m": number} for number in range(10)]),
        ({"uniqueItems": True}, [0, "", *range(1_000)]),
        ({"patternProperties": {f"^{n}$": {} for n in range(200)}}, {f"k{n}": 1 for n in range(200)}),
        ({"items": {"allOf": [{"$ref": "#/$defs/p"}] * 50}, "$defs": {"p": {"pattern": "^a"}}}, ["a" * 200_000]),
        *(
            ({"properties": {"x": {"$schema": draft, "$ref": "#/$defs/a0"}}, "$defs": DOUBLING}, {"x": 1})
            for draft in DRAFTS
        ),
        (
            {
                "properties": {"x": {"unevaluatedProperties": False, "$ref": "#/$defs/a0"}},
                "$defs": {**BOTH, "a40": {}},
            },
            {"x": {}},
        ),
    ],
    ids=[
        *("references that double", "items each with each", "names", "values", "what is told"),
        *("a nested constant", "a nested value", "nested items each with each", "items of several kinds"),
        *("patterns of names", "a long text", "another draft within", "the draft named within", "what was evaluated"),
    ],
)
def test_what_is_applied_to_one_event_has_a_budget(schema: Any, data: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "STEPS_MAX", 20_000)
    validator = Validator(schema)

    for _ in range(2):
        told = validator.violation(data)
        assert told is not None
        assert "20000 steps" in told[1]
    assert validator.violation({}) == Validator(schema).violation({}), "it begins anew with each"


@pytest.mark.parametrize(
    "schema", [{"pattern": "(?=a)"}, {"pattern": "(a)\\1"}, {"pattern": "("}, {"patternProperties": {"(?<!a)b": {}}}]
)
def test_a_pattern_that_is_not_one_of_re2_is_refused(schema: Any) -> None:
    with pytest.raises(InvalidArgument):
        Validator(schema)


def test_a_schema_that_costs_too_much_for_anything_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "STEPS_MAX", 20_000)

    with pytest.raises(InvalidArgument, match="20000 steps"):
        Validator({"$ref": "#/$defs/a0", "$defs": DOUBLING})


@pytest.mark.parametrize(
    "schema",
    [{"allOf": [{}] * 2_000}, {"properties": {f"p{number}": {"type": "string"} for number in range(500)}}],
    ids=["combined", "properties"],
)
def test_a_schema_that_costs_too_much_to_check_is_refused(schema: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "CHECK_STEPS_MAX", 20_000)

    with pytest.raises(InvalidArgument, match="20000 steps"):
        Validator(schema)


def test_what_is_wrong_with_a_schema_is_told_with_its_place() -> None:
    with pytest.raises(InvalidArgument, match=r"at \$\.properties\.n\.type: 'integral' is not valid"):
        Validator({"$schema": DRAFTS[0], "properties": {"n": {"type": "integral"}}})


def test_large_data_are_held_against_their_schema() -> None:
    item = {"type": "object", "properties": {"id": {"type": "integer"}, "name": {"type": "string"}}, "required": ["id"]}
    data = [{"id": number, "name": "x" * 100} for number in range(4_000)]

    assert Validator({"items": item}).violation(data) is None
    assert Validator({"items": item}).violation([*data, {"id": ""}]) == ("$[4000].id", "'' is not of type 'integer'")
