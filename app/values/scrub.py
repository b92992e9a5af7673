"""The scrubber: replaces values of secrets, wherever they turn up exactly, by their names.

It knows the values that this process has set or handed out. Use it on whatever leaves the process and may carry what
user code was given: logs, errors, outputs of steps. It finds a value as it is, and as it is written within JSON; not
one that was encoded or changed; of one that was cut, the beginning.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import NamedTuple

KNOWN_MAX = 1_000
CHARS_MIN = 4
"""Shorter values are not looked for: they would be found everywhere."""


_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*', re.DOTALL)
"""The texts, names and numbers of a JSON text."""


class _Compiled(NamedTuple):
    """Made of the values in `known`; `marks` says what each form is replaced by."""

    known: Mapping[str, str]
    marks: Mapping[str, str]
    text: re.Pattern[str]
    raw: re.Pattern[bytes]


class Scrubber:
    """May be used by several threads."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._compiled: _Compiled | None = None

    def learn(self, name: str, value: str) -> None:
        """Look for the value from now on."""
        if len(value) < CHARS_MIN or self._known.get(value) == name:
            return
        known = {**self._known, value: name}
        if len(known) > KNOWN_MAX:
            del known[next(iter(known))]
        self._known = known

    def text(self, text: str) -> str:
        """The text without secrets."""
        if not self._known:
            return text
        _, marks, pattern, _ = self._ready()
        return pattern.sub(lambda found: marks[found[0]], text)

    def cut(self, text: str) -> str:
        """The same for a text that was cut off, which may end with the beginning of one."""
        clean = self.text(text)
        if self._known:
            for form in self._ready().marks:
                for length in range(min(len(form), len(clean)), CHARS_MIN - 1, -1):
                    if clean.endswith(form[:length]):
                        return clean[:-length]
        return clean

    def raw(self, raw: bytes) -> bytes:
        """The bytes, read as UTF-8, without secrets."""
        if not self._known:
            return raw
        _, marks, _, pattern = self._ready()
        return pattern.sub(lambda found: marks[found[0].decode()].encode(), raw)

    def json(self, raw: bytes) -> bytes:
        """The JSON without secrets in its texts and names; a number that is one becomes a text. The very same bytes if
        it has none. What is no JSON does not become JSON."""
        if not self._known:
            return raw
        known, _, pattern, quick = self._ready()
        if b"\\" not in raw and quick.search(raw) is None:
            return raw

        def cleaned(found: re.Match[bytes]) -> bytes:
            token = found[0]
            if token[:1] != b'"':
                name = known.get(token.decode())
                return token if name is None else json.dumps(_mark(name)).encode()
            if b"\\" not in token and quick.search(token) is None:
                return token
            try:
                text = json.loads(token, strict=False)
            except ValueError:
                return token
            clean = pattern.sub(lambda one: self._ready().marks[one[0]], text)
            return token if clean == text else json.dumps(clean).encode()

        after = _TOKENS.sub(cleaned, raw)
        return raw if after == raw else after

    def _ready(self) -> _Compiled:
        compiled, known = self._compiled, self._known
        if compiled is None or compiled.known is not known:
            marks = {form: _mark(name) for value, name in known.items() for form in _forms(value)}
            longest_first = sorted(marks, key=len, reverse=True)
            pattern = "|".join(map(re.escape, longest_first))
            self._compiled = compiled = _Compiled(known, marks, re.compile(pattern), re.compile(pattern.encode()))
        return compiled


def _mark(name: str) -> str:
    return f"[secret:{name}]"


def _forms(value: str) -> set[str]:
    """How the value is written: as it is, and between the quotes of JSON with and without escapes beyond ASCII."""
    return {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
