"""JSONPath (RFC 9535) over values of JSON: names, indexes, slices, wildcards, descendants, filters; no functions.

$.charge.amount   $..amount   $.lines[0,2]   $.lines[-2:]   $.lines[?@.price > 5 && !@.free].name   $["a b"]
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from app.debugger.values import MISSING

Nodes = Iterator[Any]
Selector = Callable[[Any, Any], Nodes]
"""The nodes that it selects below a value, of a query that began at a root."""
Test = Callable[[Any, Any], Any]

DEPTH_MAX = 100

_TOKEN = re.compile(
    r"""\s*(?: (?P<name>[^\W\d]\w*) | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<sign>\.\.|==|!=|<=|>=|&&|\|\||[$@.\[\]*?:,()<>!]) )""",
    re.VERBOSE,
)
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_LITERALS = {"true": True, "false": False, "null": None}


class BadQuery(ValueError):
    """Text that is no JSONPath."""


def select(text: str, value: Any) -> Any:
    """The nodes, as a list; of a query that names one place, what is there. Raises BadQuery, also where that is
    nothing."""
    query = _Query(text)
    steps = query.path("$")
    if query.rest():
        raise query.bad()
    found = list(_walk(steps, value, value))
    if not query.several:
        if not found:
            raise BadQuery(f"there is nothing at {text[:80]}")
        return found[0]
    return found


def _walk(steps: Sequence[Selector], root: Any, value: Any) -> Nodes:
    if not steps:
        yield value
        return
    for below in steps[0](root, value):
        yield from _walk(steps[1:], root, below)


class _Query:
    """A query that is read from left to right. `several`: it may select more than one place."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str]] = []
        self._at = self._depth = 0
        self.several = False
        place, end = 0, len(text.rstrip())
        while place < end:
            found = _TOKEN.match(text, place)
            if found is None or found.lastgroup is None:
                raise BadQuery(f"{text[place : place + 20]!r} in {text[:80]!r} is no JSONPath")
            self._tokens.append((found.lastgroup, found[found.lastgroup]))
            place = found.end()

    def rest(self) -> bool:
        return self._at < len(self._tokens)

    def bad(self) -> BadQuery:
        found = self._tokens[self._at][1] if self.rest() else "the end"
        return BadQuery(f"{self._text[:80]!r} is no JSONPath that is known here: {found} was not expected")

    def path(self, root: str) -> list[Selector]:
        self._expect(root)
        steps: list[Selector] = []
        while self._sees(".", "..", "["):
            if self._take(".."):
                steps.append(_descendants)
                self.several = True
                steps.append(self._brackets() if self._sees("[") else self._member())
            elif self._take("."):
                steps.append(self._member())
            else:
                steps.append(self._brackets())
        return steps

    def _member(self) -> Selector:
        if self._take("*"):
            self.several = True
            return _all
        return _named(self._value("name"))

    def _brackets(self) -> Selector:
        self._expect("[")
        selectors = [self._selector()]
        while self._take(","):
            self.several = True
            selectors.append(self._selector())
        self._expect("]")
        return lambda root, value: (one for selector in selectors for one in selector(root, value))

    def _selector(self) -> Selector:
        if self._take("*"):
            self.several = True
            return _all
        if self._take("?"):
            self.several, test = True, self._either()
            return lambda root, value: (one for one in _all(root, value) if test(root, one))
        if self._kind() == "text":
            return _named(self._literal_text())
        bounds: list[int | None] = [self._integer()]
        while self._take(":"):
            bounds.append(self._integer())
        if len(bounds) == 1:
            if bounds[0] is None:
                raise self.bad()
            return _indexed(bounds[0])
        if len(bounds) > 3:
            raise self.bad()
        self.several = True
        return _sliced(*bounds)

    # Filters.

    def _either(self) -> Test:
        tests = [self._both()]
        while self._take("||"):
            tests.append(self._both())
        return lambda root, value: any(test(root, value) for test in tests)

    def _both(self) -> Test:
        tests = [self._basic()]
        while self._take("&&"):
            tests.append(self._basic())
        return lambda root, value: all(test(root, value) for test in tests)

    def _basic(self) -> Test:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise BadQuery("the filter is nested too deeply")
        if self._take("!"):
            denied = self._basic()
            return lambda root, value: not denied(root, value)
        if self._take("("):
            inner = self._either()
            self._expect(")")
            return inner
        left, is_path = self._operand()
        for sign, compare in _COMPARISONS.items():
            if self._take(sign):
                right, _ = self._operand()
                return lambda root, value: _compared(compare, sign, left(root, value), right(root, value))
        if not is_path:
            raise self.bad()
        return lambda root, value: left(root, value) is not MISSING

    def _operand(self) -> tuple[Test, bool]:
        """A value of a literal or of the first node of a path."""
        if self._sees("$", "@"):
            from_root = self._sees("$")
            steps = self.path("$" if from_root else "@")
            return lambda root, value: next(_walk(steps, root, root if from_root else value), MISSING), True
        if self._kind() == "text":
            text = self._literal_text()
            return lambda root, value: text, False
        if self._kind() == "number":
            number = json.loads(self._value("number"))
            return lambda root, value: number, False
        word = self._value("name")
        if word not in _LITERALS:
            raise BadQuery(f"{word!r} is neither true, false nor null; functions are not known here")
        return lambda root, value: _LITERALS[word], False

    # Tokens.

    def _kind(self) -> str:
        return self._tokens[self._at][0] if self.rest() else ""

    def _sees(self, *signs: str) -> bool:
        return self._kind() == "sign" and self._tokens[self._at][1] in signs

    def _take(self, sign: str) -> bool:
        if not self._sees(sign):
            return False
        self._at += 1
        return True

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise self.bad()

    def _value(self, kind: str) -> str:
        if self._kind() != kind:
            raise self.bad()
        self._at += 1
        return self._tokens[self._at - 1][1]

    def _integer(self) -> int | None:
        if self._kind() != "number":
            return None
        text = self._value("number")
        if not re.fullmatch(r"-?\d{1,15}", text):
            raise BadQuery(f"{text} is no index")
        return int(text)

    def _literal_text(self) -> str:
        text = self._value("text")
        if text.startswith("'"):
            text = '"' + text[1:-1].replace("\\'", "'").replace('"', '\\"') + '"'
        try:
            return str(json.loads(text))
        except ValueError:
            raise BadQuery(f"{text} is no text") from None


def _named(name: str) -> Selector:
    return lambda root, value: iter((value[name],) if isinstance(value, Mapping) and name in value else ())


def _indexed(number: int) -> Selector:
    def select(root: Any, value: Any) -> Nodes:
        if isinstance(value, list) and -len(value) <= number < len(value):
            yield value[number]

    return select


def _sliced(start: int | None, end: int | None, step: int | None = None) -> Selector:
    if step == 0:
        return lambda root, value: iter(())
    return lambda root, value: iter(value[start:end:step] if isinstance(value, list) else ())


def _all(root: Any, value: Any) -> Nodes:
    yield from value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()


def _descendants(root: Any, value: Any) -> Nodes:
    """The value, and all that is in it."""
    yield value
    for below in _all(root, value):
        yield from _descendants(root, below)


def _compared(compare: Callable[[Any, Any], bool], sign: str, left: Any, right: Any) -> bool:
    if sign in ("==", "!="):
        alike = type(left) is type(right) or (_is_number(left) and _is_number(right))
        return (alike and left == right) is (sign == "==")
    if not ((_is_number(left) and _is_number(right)) or (isinstance(left, str) and isinstance(right, str))):
        return sign in ("<=", ">=") and type(left) is type(right) and left == right
    return compare(left, right)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
