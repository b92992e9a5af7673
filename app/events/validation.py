"""JSON Schema (draft 2020-12) for the data of events: compile, validate, and compare two schemas. Pure.

Nothing is ever fetched: a reference outside of the schema is refused when it is registered. Nor does anything take for
ever, whatever the schema: patterns are RE2's, which are found in time proportional to the text, and what is applied to
one event has a budget, since references can double at each level, and items be compared each with each. So has the
check of a schema itself, which is the application of another schema to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

from app.errors import InvalidArgument

BYTES_MAX = 256 * 1024
PROBLEMS_MAX = 50
STEPS_MAX = 200_000
"""Schemas and keywords that are applied to one event, each to one part of it: one with four for each of 40,000 items,
which takes a second or two."""
CHECK_STEPS_MAX = 600_000
"""The same for a schema that is checked, once: enough for some 3,000 schemas within it."""
_COMPARED_SHIFT, _TOLD_SHIFT, _SEARCHED_SHIFT = 3, 7, 8
"""How many plain values a step compares, how many characters of a problem it tells, and how many it searches for a
pattern, as powers of two."""
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

        _patch()
        kind = jsonschema.Draft202012Validator
        self._budget = _Budget(CHECK_STEPS_MAX)
        keywords = {name: _counted(name, apply, self._budget) for name, apply in kind.VALIDATORS.items()}
        extended: Any = jsonschema.validators.extend(kind, keywords)  # type: ignore[no-untyped-call]
        extended.budget = self._budget
        extended.evolve = _evolving(extended)
        patterns = jsonschema.FormatChecker(("regex",))
        patterns.checkers["regex"] = (_is_pattern, re2.error)
        try:
            check = extended(kind.META_SCHEMA, registry=Registry(), format_checker=patterns)
            error = next(check.iter_errors(schema), None)
            if error is not None:
                raise _refused(f"at {error.json_path}: {error.message}")
            _check_references(schema)
            self._validator = extended(schema, registry=Registry())
            self._budget.renew(STEPS_MAX)
            list(self._validator.iter_errors({}))
        except RecursionError:
            raise _refused("it refers to itself without end") from None
        except (TooCostly, re2.error) as error:
            raise _refused(str(error)) from None

    def violation(self, data: Any) -> tuple[str, str] | None:
        """Where data break the schema, as a path such as `$.items[0].sku`, and how; None if they hold."""
        from jsonschema.exceptions import best_match

        self._budget.renew(STEPS_MAX)
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
    """What one application may still cost. It remembers how large values of the schema are."""

    def __init__(self, steps: int) -> None:
        self.renew(steps)
        self._sizes: dict[int, int] = {}

    def renew(self, steps: int) -> None:
        self._left = self._given = steps

    def spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise TooCostly(f"it takes more than {self._given} steps")

    def size(self, value: Any) -> int:
        """Of a value that the schema keeps alive."""
        known = self._sizes.get(id(value))
        if known is None:
            known = self._sizes[id(value)] = _size(value)
        return known


Keyword = Callable[[Any, Any, Any, Any], Any]
"""What applies a keyword: given the validator, the keyword's value, a part of the data and the schema."""


def _counted(name: str, apply: Keyword, budget: _Budget) -> Keyword:
    """The keyword, which costs a step each time, and more for what it compares and tells."""

    def applied(validator: Any, value: Any, part: Any, schema: Any) -> Iterator[Any]:
        budget.spend(_FOLLOWED if name in _FOLLOWING else 1 + _compared(name, value, part, budget))
        for error in apply(validator, value, part, schema) or ():
            budget.spend(_TOLD + (len(error.message) >> _TOLD_SHIFT))
            yield error

    return applied


def _compared(name: str, value: Any, part: Any, budget: _Budget) -> int:
    """How many steps it takes to hold the part against the keyword's value, but for what is applied to parts of it."""
    match name, part:
        case "uniqueItems", list() if value:
            if _have_order(part):
                return len(part) >> _COMPARED_SHIFT
            return len(part) * (len(part) + (_size(part) >> _COMPARED_SHIFT)) >> 1  # each with each
        case "enum", list() | dict():
            return len(value) + (budget.size(value) >> _COMPARED_SHIFT)
        case "const", list() | dict():
            return budget.size(value) >> _COMPARED_SHIFT
        case "patternProperties", dict():
            return len(value) * len(part)
        case "pattern", str():
            return len(part) >> _SEARCHED_SHIFT
        case _:
            return len(value) >> _COMPARED_SHIFT if isinstance(value, list | dict) else 0


def _have_order(items: list[Any]) -> bool:
    kinds = set(map(type, items))
    return kinds <= {str} or kinds <= {int, float}


def _size(value: Any) -> int:
    """How many values it is made of."""
    size, waiting = 0, [value]
    while waiting:
        item = waiting.pop()
        size += 1
        if isinstance(item, dict):
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
    return size


def _evolving(kind: Any) -> Callable[..., Any]:
    """How a validator makes the one for a part of its schema: of its own kind, whatever `$schema` the part names, since
    one of another kind would spend nothing."""
    fields = [(field.name, field.alias) for field in kind.__attrs_attrs__ if field.init]

    def evolve(validator: Any, **changes: Any) -> Any:
        kind.budget.spend(1)
        for name, alias in fields:
            if alias not in changes:
                changes[alias] = getattr(validator, name)
        return kind(**changes)

    return evolve


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


@lru_cache(1)
def _patch() -> None:
    """Let jsonschema search so, wherever it does, and look what was evaluated up in a set: a list of all items takes
    the square of their number. It uses private names of jsonschema, hence the pinned version."""
    from jsonschema import _keywords, _utils

    for module in (_keywords, _utils):
        module.re = _Re2  # type: ignore[attr-defined]
    for name in ("find_evaluated_item_indexes_by_schema", "find_evaluated_property_keys_by_schema"):
        found = _evaluated(getattr(_utils, name))
        for module in (_keywords, _utils):
            setattr(module, name, found)


def _evaluated(find: Callable[[Any, Any, Any], Iterable[Any]]) -> Callable[[Any, Any, Any], frozenset[Any]]:
    """What of a part was evaluated by a schema. It asks the same of what that refers to, and of what it consists of."""

    def found(validator: Any, part: Any, schema: Any) -> frozenset[Any]:
        budget = getattr(validator, "budget", None)
        if budget is not None:  # else it is none of ours
            patterns = len(schema.get("patternProperties", ())) if isinstance(schema, dict) else 0
            budget.spend(_FOLLOWED + (len(part) >> _COMPARED_SHIFT) + patterns * len(part))
        return frozenset(find(validator, part, schema))

    return found


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
            for name in _FOLLOWING:
                if isinstance(item.get(name), str):
                    yield item[name]
        elif isinstance(item, list):
            waiting += item


def _refused(reason: str) -> InvalidArgument:
    return InvalidArgument(
        f"the schema cannot be used: {reason[:400]}", field="schema_json", hint="JSON Schema, draft 2020-12"
    )
