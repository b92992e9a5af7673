"""A function as a noun of history: its newest content, its status, and what may be decided of it.

    register ──► active ◄──► paused (its runs wait) ──► archived (nothing starts it) ──► deleted ── register ─► active

While it is pinned, what workers register changes nothing: people alone change it then.

A `function/<id>` stream has an entry for each change; a version is the stream's version at that entry. What a run knows
as its version is that of the content it was created under.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from app import texts
from app.errors import FailedPrecondition, FunctionNotFound, InvalidArgument
from app.history import revisions
from app.history.entry import Entry
from app.history.kinds import Fact, FunctionPinned, FunctionRegistered, FunctionStatusChanged, FunctionUnpinned
from app.runs.definition import Definition
from storage import functions
from storage.contract import Transaction
from storage.records import FunctionRow

STATUSES = ("active", "paused", "archived")


class Function(msgspec.Struct):
    """`fact` is the content, at its own version; `version` that of the last change of any sort."""

    environment: str
    fact: FunctionRegistered
    created_at: int
    updated_at: int
    position: int
    status: str = "active"
    version: int = 1
    pinned: bool = False

    @property
    def is_triggered(self) -> bool:
        """Whether events start runs of it."""
        return self.status in ("active", "paused")


def stream(function_id: str) -> str:
    return f"function/{function_id}"


# Decisions.


def decide_register(known: Function | None, definition: Definition, *, reason: str = "") -> list[Fact]:
    """Nothing if the content is that of now, whoever registers it again, or if the function is pinned."""
    if known and known.pinned and known.status != "deleted":
        return []
    fact = FunctionRegistered(
        version=known.version + 1 if known else 1,
        change="update" if known else "create",
        reason=texts.reason(reason),
        **{name: getattr(definition, name) for name in definition.__struct_fields__},
    )
    if known and known.status != "deleted" and _content(fact) == _content(known.fact):
        return []
    return [fact]


def decide_rollback(known: Function | None, target: FunctionRegistered, *, reason: str) -> list[Fact]:
    """The content of an earlier version, as a new one."""
    known = _there(known, target.id)
    if _content(known.fact) == _content(target):
        raise FailedPrecondition(
            f"{target.id} has the content of version {target.version} already",
            hint=f"`ironflow function versions {target.id}` lists those there were",
        )
    told = texts.reason(reason) or f"back to version {target.version}"
    return [msgspec.structs.replace(target, version=known.version + 1, change="rollback", reason=told)]


def decide_pin(
    known: Function | None, function_id: str, target: FunctionRegistered | None, *, reason: str
) -> list[Fact]:
    """The content of that version, if it has another, and the pin; nothing if it is pinned with it already, but for a
    reason that is told later."""
    known = _there(known, function_id)
    why = texts.reason(reason)
    facts: list[Fact] = []
    if target is not None and _content(known.fact) != _content(target):
        facts += decide_rollback(known, target, reason=why)
    if why or not known.pinned:
        facts.append(FunctionPinned(reason=why))
    return facts


def decide_unpin(known: Function | None, function_id: str, *, reason: str) -> list[Fact]:
    """Nothing if it is not pinned."""
    known = _there(known, function_id)
    return [FunctionUnpinned(reason=texts.reason(reason))] if known.pinned else []


def decide_status(known: Function | None, function_id: str, status: str, *, reason: str) -> list[Fact]:
    """Nothing if it is in that status already, but for a reason that is told later why it is paused."""
    known = _there(known, function_id)
    if status != "deleted" and status not in STATUSES:
        raise InvalidArgument(
            f"status {status[:80]!r} is unknown", field="status", hint=f"one of {', '.join(STATUSES)}"
        )
    if status == known.status and not (status == "paused" and reason):
        return []
    return [FunctionStatusChanged(status=status, reason=texts.reason(reason))]


def check_expected(known: Function | None, expected: int | None) -> None:
    """Returns if the function is at that version, or is not there, which is for who decides. Raises
    RevisionConflict."""
    if known is not None and known.status != "deleted":
        revisions.check(f"function {known.fact.id}", found=known.version, expected=expected)


def _there(known: Function | None, function_id: str) -> Function:
    if known is None or known.status == "deleted":
        raise not_found(known.environment if known else "", function_id)
    return known


def not_found(environment: str, function_id: str) -> FunctionNotFound:
    where = f" in environment {environment!r}" if environment else ""
    return FunctionNotFound(
        f"no function {function_id[:80]!r}{where}",
        hint="start a worker that registers it, or see `ironflow function list`",
    )


def _content(fact: FunctionRegistered) -> FunctionRegistered:
    """What makes two versions different: everything but the version, and how it came."""
    return msgspec.structs.replace(fact, version=0, change="", reason="")


# Folding.


def apply(state: Function | None, entry: Entry) -> Function:
    """The function after `entry`; leaves `state` as it is."""
    fact: Any = entry.fact
    if isinstance(fact, FunctionRegistered):
        created_at = state.created_at if state else entry.recorded_at
        status, pinned = "active", False
        if state is not None and state.status != "deleted":
            status, pinned = state.status, state.pinned
    else:
        assert state is not None, f"{entry}: a function begins with {FunctionRegistered.kind}"
        created_at, status, pinned = state.created_at, state.status, state.pinned
        match fact:
            case FunctionStatusChanged():
                status = fact.status
            case FunctionPinned():
                pinned = True
            case FunctionUnpinned():
                pinned = False
            case _:
                raise AssertionError(f"{entry} does not belong to a function")
        fact = state.fact
    return Function(
        environment=entry.environment,
        fact=fact,
        created_at=created_at,
        updated_at=entry.recorded_at,
        position=entry.position,
        status=status,
        version=entry.version,
        pinned=pinned,
    )


class FunctionNoun:
    prefix = "function"

    def apply(self, state: Function | None, entry: Entry) -> Function:
        return apply(state, entry)

    def changed_at(self, state: Function) -> int:
        return state.position

    def row(self, state: Function) -> FunctionRow:
        return FunctionRow(
            environment=state.environment,
            id=state.fact.id,
            name=state.fact.name,
            status=state.status,
            version=state.fact.version,
            preferred_mode=state.fact.preferred_mode,
            created_at=state.created_at,
            updated_at=state.updated_at,
            position=state.position,
        )

    def keep(self, state: Function) -> bool:
        return True

    def save(self, tx: Transaction, rows: Sequence[FunctionRow]) -> None:
        functions.save(tx, rows)

    def clear(self, tx: Transaction) -> None:
        functions.clear(tx)

    def rows(self, tx: Transaction) -> Iterable[FunctionRow]:
        return functions.everything(tx)
