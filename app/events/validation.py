"""JSON Schema (draft 2020-12) for the data of events: compile, validate, and compare two schemas. Pure.

Nothing is ever fetched: a reference outside of the schema is refused when it is registered. Nor does anything take for
ever, whatever the schema: patterns are RE2's, which are found in time proportional to the text, and what is applied to
one event has a budget, since references can double at each level, and items be compared each with each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from app.errors import InvalidArgument

BYTES_MAX = 256 * 1024
PROBLEMS_MAX = 50
STEPS_MAX = 200_000
"""Keywords that are applied to one event, each to one part of it: five for each of 40,000 items, which takes a second
or two."""
_COMPARED_SHIFT, _TOLD_SHIFT = 3, 7
"""How many plain values a step compares, and how many characters of a problem it tells, as powers of two."""
_FOLLOWED, _TOLD = 16, 32
"""Steps that a reference takes, and a problem."""
_FOLLOWING = ("$ref", "$dynamicRef")
_ANNOTATIONS = frozenset(
    ("$schema", "$id", "$comment", "$defs", "title", "description", "default", "examples", "deprecated", "format")
)
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_ALL_TYPES = frozenset(("null", "boolean", "object", "array", "number", "string"))


class Validator:
    """A compiled schema."""

    def __init__(self, schema: Any) -> None:
        """Raises InvalidArgument for what is no schema of draft 2020-12, and for what cannot be applied to anything in
        a bearable time."""
        import jsonschema
        import re2
        from referencing import Registry

        _search_by_re2()
        kind = jsonschema.Draft202012Validator
        self._budget = _Budget()
        keywords = {name: _counted(name, apply, self._budget) for name, apply in kind.VALIDATORS.items()}
        patterns = jsonschema.FormatChecker(("regex",))
        patterns.checkers["regex"] = (_is_pattern, re2.error)
        try:
            kind.check_schema(schema, format_checker=patterns)
            _check_references(schema)
            extended: Any = jsonschema.validators.extend(kind, keywords)  # type: ignore[no-untyped-call]
            self._validator = extended(schema, registry=Registry())
            list(self._validator.iter_errors({}))
        except jsonschema.SchemaError as error:
            raise _refused(f"at {error.json_path}: {error.message}") from None
        except RecursionError:
            raise _refused("it refers to itself without end") from None
        except (TooCostly, re2.error) as error:
            raise _refused(str(error)) from None

    def violation(self, data: Any) -> tuple[str, str] | None:
        """Where data break the schema, as a path such as `$.items[0].sku`, and how; None if they hold."""
        from jsonschema.exceptions import best_match

        self._budget.left = STEPS_MAX
        try:
            error = best_match(self._validator.iter_errors(data))
        except RecursionError:
            return "$", "the schema cannot be applied: it goes too deep"
        except TooCostly as costly:
            return "$", f"the schema cannot be applied: {costly}"
        return None if error is None else (error.json_path, error.message[:300])


class TooCostly(Exception):
    """To apply the schema takes more steps than it may."""


class _Budget:
    """What one application may still cost."""

    def __init__(self) -> None:
        self.left = STEPS_MAX

    def spend(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise TooCostly(f"it takes more than {STEPS_MAX} steps")


Keyword = Callable[[Any, Any, Any, Any], Any]
"""What applies a keyword: given the validator, the keyword's value, a part of the data and the schema."""


def _counted(name: str, apply: Keyword, budget: _Budget) -> Keyword:
    """The keyword, which costs a step each time, and more for what it compares and tells."""

    def applied(validator: Any, value: Any, part: Any, schema: Any) -> Iterator[Any]:
        compared = len(value) if isinstance(value, list | dict) else 0
        if name == "uniqueItems" and isinstance(part, list) and any(isinstance(one, list | dict) for one in part):
            compared = len(part) ** 2  # each with each, since they have no order
        elif name != "enum" or not isinstance(part, list | dict):
            compared >>= _COMPARED_SHIFT
        budget.spend(_FOLLOWED if name in _FOLLOWING else 1 + compared)
        for error in apply(validator, value, part, schema) or ():
            budget.spend(_TOLD + (len(error.message) >> _TOLD_SHIFT))
            yield error

    return applied


class _Re2:
    """What jsonschema asks of Python's `re`, which can take for ever for a short text."""

    @staticmethod
    def search(pattern: str, text: str) -> Any:
        return _compiled(pattern).search(text)


@lru_cache(1_024)
def _compiled(pattern: str) -> Any:
    """Raises re2.error."""
    import re2

    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)


def _is_pattern(value: object) -> bool:
    """Raises re2.error for a text that is none."""
    return not isinstance(value, str) or _compiled(value) is not None


def _search_by_re2() -> None:
    """Let jsonschema search so, wherever it does. It uses two private names of jsonschema, hence the pinned version."""
    from jsonschema import _keywords, _utils

    for module in (_keywords, _utils):
        module.re = _Re2  # type: ignore[attr-defined]


def asserts(schema: Any) -> bool:
    """Whether there is anything that the schema refuses."""
    return schema is False or (isinstance(schema, dict) and bool(schema.keys() - _ANNOTATIONS))


def narrowed(old: Any, new: Any, path: str = "$") -> list[str]:
    """What `new` refuses that `old` accepted, one line each, as far as their structure tells; references, combinators
    and conditions are not looked into."""
    return list(_narrowed(old, new, path))[:PROBLEMS_MAX]


def _narrowed(old: Any, new: Any, path: str) -> Iterator[str]:
    if new is False and old is not False:
        yield f"{path} accepts nothing any more"
    if not isinstance(new, dict) or old is False:
        return
    old = old if isinstance(old, dict) else {}
    lost = _types(old) - _types(new)
    if lost:
        yield f"{path} may no longer be {' or '.join(sorted(lost))}"
    for name in sorted(set(new.get("required", ())) - set(old.get("required", ()))):
        yield f"{path}.{name} is required now"
    yield from _fewer_values(old, new, path)
    for name, sign in (*((name, 1) for name in _LOWER), *((name, -1) for name in _UPPER)):
        if name in new and (name not in old or sign * new[name] > sign * old[name]):
            yield f"{path} has a narrower {name}: {new[name]}"
    if "pattern" in new and new["pattern"] != old.get("pattern"):
        yield f"{path} has another pattern: {new['pattern']}"
    if new.get("additionalProperties") is False:
        gone = sorted(set(old.get("properties", {})) - set(new.get("properties", {})))
        if gone or old.get("additionalProperties") is not False:
            yield f"{path} takes no other properties any more" + (f", such as {gone[0]}" if gone else "")
    for name, below in new.get("properties", {}).items():
        if name in old.get("properties", {}):
            yield from _narrowed(old["properties"][name], below, f"{path}.{name}")
    if "items" in new:
        yield from _narrowed(old.get("items", True), new["items"], f"{path}[]")


def _fewer_values(old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[str]:
    allowed = _values(new)
    if allowed is None:
        return
    before = _values(old)
    if before is None:
        yield f"{path} takes only certain values now"
    else:
        yield from (f"{path} no longer takes {value!r}" for value in before if value not in allowed)


def _values(schema: dict[str, Any]) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    return list(schema["enum"]) if "enum" in schema else None


def _types(schema: dict[str, Any]) -> frozenset[str]:
    named = schema.get("type")
    if named is None:
        return _ALL_TYPES | {"integer"}
    types = frozenset([named] if isinstance(named, str) else named)
    return types | {"integer"} if "number" in types else types


def _check_references(schema: Any) -> None:
    """Every reference leads to somewhere within the schema."""
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    base = schema.get("$id", "") if isinstance(schema, dict) else ""
    resource = DRAFT202012.create_resource(schema)
    resolver = Registry().with_resource(base, resource).crawl().resolver(base_uri=base)
    for reference in _references(schema):
        try:
            resolver.lookup(reference)
        except Unresolvable:
            raise _refused(f"{reference!r} is not in it, and nothing is fetched from elsewhere") from None


def _references(schema: Any) -> Iterator[str]:
    waiting = [schema]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting += item.values()
            for name in ("$ref", "$dynamicRef"):
                if isinstance(item.get(name), str):
                    yield item[name]
        elif isinstance(item, list):
            waiting += item


def _refused(reason: str) -> InvalidArgument:
    return InvalidArgument(
        f"the schema cannot be used: {reason[:400]}", field="schema_json", hint="JSON Schema, draft 2020-12"
    )
