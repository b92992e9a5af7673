"""Gates: where an option of a function lets events through, counts or holds them; one for each of its keys.

    rate_limit    counts the runs of a window          idempotency   remembers the run of a value for a day
    singleton     remembers the last run               cron          remembers the last tick
    fork, replay  remember the run made for a key
    debounce, batch, failure   hold events until they become a run

A `gate/…` stream folds from its last few entries (app/history/kinds/gate.py). The gates at which something waits are
listed in the gates table; who makes runs of it is app/scheduler/gatekeeper.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import msgspec

from app.history.entry import Entry
from app.history.kinds import Failure, GateCancelled, GateFired, GateHeld, GatePassed, RunCreated
from storage import gates
from storage.contract import Transaction
from storage.records import GateRow

HOLDING = frozenset(("debounce", "batch", "failure"))
_COUNTING = "rate_limit"


class Held(NamedTuple):
    """An event that waits."""

    event_id: str
    size_bytes: int


class Gate(msgspec.Struct):
    """`passed` holds instants of a rate limit's window; `run_id` and `passed_at` tell of the last run that passed."""

    environment: str
    stream: str
    function_id: str
    option: str
    key: str
    run_id: str = ""
    passed_at: int = 0
    tick_at: int = 0
    passed: list[int] = msgspec.field(default_factory=list)
    held: list[Held] = msgspec.field(default_factory=list)
    armed_at: int = 0
    fires_at: int = 0
    created: RunCreated | None = None
    error: Failure | None = None
    position: int = 0

    @property
    def size_bytes(self) -> int:
        return sum(held.size_bytes for held in self.held)


def stream(option: str, function_id: str, key: str) -> str:
    """The gate's stream; a key may be anything, so its digest stands for it."""
    told = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:24]
    return f"gate/{option}/{function_id}/{told}"


def window_stream(function_id: str, key: str, *, period_ms: int, window: int) -> str:
    """The stream of one window of a rate limit: as many entries as runs were let through in it."""
    return f"{stream(_COUNTING, function_id, key)}/{period_ms}/{window}"


class GateNoun:
    prefix = "gate"
    has_payloads: Literal[True] = True

    def apply(self, state: Gate | None, entry: Entry) -> Gate:
        fact = entry.fact
        assert isinstance(fact, GatePassed | GateHeld | GateFired | GateCancelled), f"{entry} does not belong to a gate"
        gate = state or Gate(entry.environment, entry.stream, fact.function_id, fact.option, fact.key)
        match fact:
            case GatePassed():
                gate.run_id, gate.passed_at, gate.tick_at = fact.run_id, entry.recorded_at, fact.at
                if fact.option == _COUNTING:
                    gate.passed.append(entry.recorded_at)
            case GateHeld():
                arrived = Held(fact.event_id, fact.size_bytes)
                gate.held = [*gate.held, arrived] if fact.option == "batch" else [arrived]
                gate.armed_at, gate.fires_at = fact.armed_at or entry.recorded_at, fact.fires_at
                gate.created, gate.error = fact.created, fact.error
                gate.run_id = fact.run_id
            case GateFired():
                gate.held = gate.held[fact.count :] if fact.left else []
                gate.armed_at, gate.fires_at, gate.run_id = entry.recorded_at, fact.fires_at, fact.run_id
            case GateCancelled():
                gate.held = []
        gate.position = entry.position
        return gate

    def renews(self, entry: Entry) -> bool:
        match entry.fact:
            case GatePassed(option=option):
                return option != _COUNTING
            case GateHeld(option=option):
                return option != "batch"
            case GateFired(left=left):
                return not left
            case _:
                return True

    def changed_at(self, state: Gate) -> int:
        return state.position if state.option in HOLDING else 0

    def row(self, state: Gate) -> GateRow:
        return GateRow(
            environment=state.environment,
            stream=state.stream,
            function_id=state.function_id,
            option=state.option,
            key=state.key,
            event_id=state.held[-1].event_id if state.held else "",
            waiting=len(state.held),
            armed_at=state.armed_at,
            fires_at=state.fires_at,
            function_version=state.created.function_version if state.created else 0,
            position=state.position,
        )

    def keep(self, state: Gate) -> bool:
        return True

    def save(self, tx: Transaction, rows: Sequence[GateRow]) -> None:
        gates.save(tx, rows)

    def clear(self, tx: Transaction) -> None:
        gates.clear(tx)

    def rows(self, tx: Transaction) -> Iterable[GateRow]:
        return gates.everything(tx)
