"""How a change of a run is asked for: why, by whom, once, and of which version of the run.

A change that is asked for again under its idempotency key changes nothing. One that expects a version is refused when
the run has changed since it was looked at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec

from app import texts
from app.errors import IdempotencyConflict, InvalidArgument, RunChanged
from app.history.kinds import Asked, Fact
from app.runs.state import Run, known

KEY_CHARS_MAX = 255


class Request(msgspec.Struct, frozen=True):
    """`expected` is the version of the run that the caller saw, None for any. `via` is what the caller acts through,
    such as `dap/vscode`; "" tells nothing."""

    reason: str = ""
    actor: str = ""
    key: str = ""
    expected: int | None = None
    via: str = ""

    def checked(self, *, needs_reason: bool = False) -> Request:
        """The request, if it can be recorded. Raises InvalidArgument naming the field."""
        texts.reason(self.reason)
        texts.check(self.key, field="Idempotency-Key")
        if needs_reason and not self.reason.strip():
            raise InvalidArgument(
                "a reason is needed", field="reason", hint="say why: it is recorded with the change, for whoever asks"
            )
        if len(self.key) > KEY_CHARS_MAX:
            raise InvalidArgument(
                f"the idempotency key has {len(self.key)} characters",
                field="Idempotency-Key",
                hint=f"at most {KEY_CHARS_MAX}",
            )
        return self


Decide = Callable[[Run], list[Fact]]


def guarded(run: Run | None, request: Request, wanted: bytes, decide: Decide) -> list[Fact]:
    """What `decide` decides, the first of it marked with the request's key; nothing if that was asked for already.
    `wanted` tells one request from another. Raises RunNotFound, RunChanged, IdempotencyConflict."""
    run = known(run)
    told = fingerprint(wanted)
    if request.key in run.asked:
        if run.asked[request.key] not in (told, ""):  # nobody knows what it was, once it was redacted
            raise IdempotencyConflict(
                f"idempotency key {request.key!r} was used for another change of {run.id}",
                field="Idempotency-Key",
                hint="use a new key for a new change",
            )
        return []
    if request.expected is not None and request.expected != run.version:
        raise RunChanged(
            f"{run.id} is at version {run.version}, not {request.expected}",
            hint="read the run again: something happened since",
        )
    facts = decide(run)
    if not request.key or not facts:
        return facts
    marked: Any = facts[0]
    return [msgspec.structs.replace(marked, asked=Asked(request.key, told)), *facts[1:]]


def fingerprint(wanted: bytes) -> str:
    """What tells one request from another under the same key."""
    return hashlib.sha256(wanted).hexdigest()[:16]
