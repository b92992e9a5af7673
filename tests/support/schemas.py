"""JSON Schema, as much of it as the OpenAPI document uses: what is wrong with a value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
_KNOWN = frozenset(
    (
        *("$ref", "anyOf", "type", "properties", "required", "items", "additionalProperties", "enum"),
        *("minimum", "maximum", "title", "description", "default", "format", "contentEncoding", "examples"),
    )
)


def problems(value: Any, schema: dict[str, Any], document: dict[str, Any], place: str = "$") -> Iterator[str]:
    """Where the value differs from its schema. Keys that the schema does not name are a difference too."""
    assert set(schema) <= _KNOWN, f"{place}: {set(schema) - _KNOWN} is not known here"
    if "$ref" in schema:
        yield from problems(value, resolved(schema["$ref"], document), document, place)
        return
    if "anyOf" in schema:
        if all(any(problems(value, one, document, place)) for one in schema["anyOf"]):
            yield f"{place}: {value!r} is none of {schema['anyOf']}"
        return
    if "type" in schema:
        kinds = _TYPES[schema["type"]]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            yield f"{place}: {value!r} is not of type {schema['type']}"
            return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{place}: {value!r} is not one of {schema['enum']}"
    if isinstance(value, int | float) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{place}: {value!r} is out of range"
    if isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            yield from problems(item, schema["items"], document, f"{place}[{number}]")
    if isinstance(value, dict) and "type" in schema:
        yield from _of_object(value, schema, document, place)


def _of_object(value: dict[str, Any], schema: dict[str, Any], document: dict[str, Any], place: str) -> Iterator[str]:
    known = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{place}: {name} is missing"
    for name, inner in value.items():
        if name in known:
            yield from problems(inner, known[name], document, f"{place}.{name}")
        elif isinstance(schema.get("additionalProperties"), dict):
            yield from problems(inner, schema["additionalProperties"], document, f"{place}.{name}")
        elif known or schema.get("additionalProperties") is False:
            yield f"{place}: {name} is not in the document"


def resolved(reference: str, document: dict[str, Any]) -> dict[str, Any]:
    found: Any = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    schema: dict[str, Any] = found
    return schema
