"""Who was let in to what, and would be again: the door's memory of calls that go the same way every time.

A call is remembered by a digest of its credentials, never by these, by the environment that it names, and by what it
does to what; only where nobody else wants to know of each: no audit of it, no policy that looks at the call or the
time, or that only tells. Whatever may change an answer forgets all of them, within the step that learns of the change;
the end of a credential is looked at each time.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple, TypeAlias

from app.access.actor import Actor
from app.access.credentials import Proof
from app.access.guard import NAMED_CHARS_MAX

REMEMBERED_MAX = 10_000

Asked: TypeAlias = tuple[bytes, str, str, str]
"""A digest of the credentials, the environment as it was named, the action and the resource."""


class Pass(NamedTuple):
    """Who came in, by what proof, into which environment."""

    actor: Actor
    proof: Proof | None
    environment: str


class Passes:
    def __init__(self) -> None:
        self._young: dict[Asked, Pass] = {}
        self._old: dict[Asked, Pass] = {}

    def find(self, asked: Asked) -> Pass | None:
        found = self._young.get(asked)
        if found is None and (found := self._old.pop(asked, None)) is not None:
            self.keep(asked, found)
        return found

    def keep(self, asked: Asked, one: Pass) -> None:
        if len(asked[1]) + len(asked[3]) > NAMED_CHARS_MAX:
            return
        if len(self._young) >= REMEMBERED_MAX // 2:
            self._old, self._young = self._young, {}
        self._young[asked] = one

    def forget(self) -> None:
        """Something may be otherwise now."""
        self._young.clear()
        self._old.clear()

    def __len__(self) -> int:
        return len(self._young) + len(self._old)


def digest_of(credentials: str) -> bytes:
    """By which credentials are recognised again. Fast, and as good for that as SHA-256: they have 256 random bits."""
    return hashlib.blake2b(credentials.encode("utf-8", "surrogatepass")).digest()
