"""Recordings without what should not lie in a repository: personal data and secrets, by rule.

By the name of its key a value is redacted whole (passwords, tokens, cards, e-mail, phone, names of persons …), by its
look wherever it stands (e-mail addresses, bearer tokens, JSON web tokens). The same value gets the same stand-in
everywhere, also as a part of other texts, so that what was equal stays equal.
"""

from __future__ import annotations

import fnmatch
import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any

_KEYS = re.compile(
    r"pass(?:word|wd|phrase)?|pwd|secrets?|tokens?|apikey|authorization|cookies?|credentials?|privatekey|signature|"
    r"card(?:number)?|cvv|cvc|pan|iban|ssn|e?mails?|phones?(?:number)?|mobile|address(?:es)?|street|"
    r"(?:first|last|full|given|family|sur)name|birth(?:day|date)?|dob"
)
_WORDS = re.compile(r"[a-z0-9]+|[A-Z]+(?![a-z])|[A-Z][a-z0-9]*")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_TOKEN = re.compile(r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]*|(?:sk|pk|ghp|xox[bp])[_-][\w-]{12,}|Bearer\s+\S+")
_REPLACED_EVERYWHERE_CHARS_MIN = 5
_PAYLOADS = ("output", "error", "unwind")


class Redactor:
    """`extra` are patterns of keys or paths (`data.customer.*`) to redact too, `keep` of those not to."""

    def __init__(self, *, extra: Sequence[str] = (), keep: Sequence[str] = ()) -> None:
        self._extra = extra
        self._keep = keep
        self._stand_ins: dict[Any, Any] = {}

    def __call__(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """The recording, redacted."""
        event = told.get("event") or {}
        found = {
            **told,
            "event": {**event, **{name: self._value(event[name], (name,)) for name in _of(event)}},
            "steps": [self._payloads(step) for step in told.get("steps") or ()],
        }
        redacted: dict[str, Any] = self._replaced(self._payloads(found))
        return redacted

    @property
    def count(self) -> int:
        """How many different values were redacted."""
        return len(self._stand_ins)

    def _payloads(self, told: Mapping[str, Any]) -> dict[str, Any]:
        return {**told, **{name: self._value(told[name], (name,)) for name in _PAYLOADS if name in told}}

    def _value(self, value: Any, path: tuple[str, ...], *, within: bool = False) -> Any:
        """`within` what is redacted whole every value is."""
        if self._matches(self._keep, path):
            return value
        within = within or self._matches(self._extra, path) or _sensitive(path[-1])
        match value:
            case dict():
                return {key: self._value(item, (*path, key), within=within) for key, item in value.items()}
            case list():
                return [self._value(item, path, within=within) for item in value]
            case str():
                return self._stand_in(value) if within and value else self._seen(value)
            case int() | float() if within and not isinstance(value, bool):
                return self._stand_in(value)
        return value

    def _seen(self, text: str) -> str:
        text = _TOKEN.sub(lambda found: str(self._stand_in(found[0])), text)
        return _EMAIL.sub(lambda found: str(self._stand_in(found[0])), text)

    def _stand_in(self, value: Any) -> Any:
        if value in self._stand_ins.values():
            return value
        known = self._stand_ins.get(value)
        if known is None:
            number = len(self._stand_ins) + 1
            if isinstance(value, str):
                known = f"redacted-{number}@example.com" if _EMAIL.fullmatch(value) else f"redacted-{number}"
            else:
                known = number
            self._stand_ins[value] = known
        return known

    def _replaced(self, value: Any) -> Any:
        """What was redacted somewhere is replaced in all texts, names of steps among them."""
        texts = sorted(
            (one for one in self._stand_ins if isinstance(one, str) and len(one) >= _REPLACED_EVERYWHERE_CHARS_MIN),
            key=len,
            reverse=True,
        )
        if not texts:
            return value
        anywhere = re.compile("|".join(map(re.escape, texts)))

        def replaced(value: Any) -> Any:
            match value:
                case str():
                    return anywhere.sub(lambda found: str(self._stand_ins[found[0]]), value)
                case dict():
                    return {key: replaced(item) for key, item in value.items()}
                case list():
                    return [replaced(item) for item in value]
            return value

        kept = {"schema": value.get("schema"), "run_id": value.get("run_id"), "function_id": value.get("function_id")}
        return {**replaced(value), **kept}

    @staticmethod
    def _matches(patterns: Sequence[str], path: tuple[str, ...]) -> bool:
        dotted = ".".join(path)
        return any(fnmatch.fnmatch(dotted, one) or fnmatch.fnmatch(path[-1], one) for one in patterns)


def _of(event: Mapping[str, Any]) -> Sequence[str]:
    return [name for name in ("data", "metadata", "idempotency_key") if name in event]


def _sensitive(key: str) -> bool:
    """Whether the key's words, alone or two together, are on the list."""
    words = [word.lower() for word in _WORDS.findall(key)]
    pairs = [first + second for first, second in itertools.pairwise(words)]
    return any(_KEYS.fullmatch(word) for word in (*words, *pairs))
