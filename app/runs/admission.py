"""Admission: what becomes of an event at a function that it fits: all options that act before a run starts.

`plan` reads the event once, outside of any lock: keys, priority, what will cancel the run. `admit` decides under the
append lock, from the states of gates and runs: start a run, hold the event, or let it go. Both are pure. The order is
idempotency, rate limit, singleton, then debounce or batch; a function without options costs nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from app.history.entry import Draft
from app.history.kinds import (
    CancelWhen,
    Dispatch,
    Fact,
    Failure,
    FunctionRegistered,
    GateHeld,
    GatePassed,
    Outcome,
    RunCreated,
    RunFailed,
)
from app.runs import gates, limits, steering, tags
from app.runs import noun as run_noun
from app.runs.gates import Gate
from app.runs.limits import Variables, key_of
from app.runs.state import TERMINAL, Run

IDEMPOTENCY_US = 24 * 3_600 * 1_000_000
THROTTLE_KEY_UNRESOLVED = "THROTTLE_KEY_UNRESOLVED"
_DEBOUNCED, _BATCHED = "debounced", "batched"
HELD = frozenset((_DEBOUNCED, _BATCHED))
"""Outcomes of an event that waits."""


class Arrival(msgspec.Struct, frozen=True):
    """An event as a function's options see it: `envelope` is the event as an object, `start_at` the instant before
    which no run of it may start (0: none). With `owes_nothing`, no on_failure function runs for its runs, which get the
    `tags`."""

    id: str
    name: str
    data: Any
    size_bytes: int
    envelope: Callable[[], Mapping[str, Any]]
    variables: Variables
    start_at: int = 0
    owes_nothing: bool = False
    tags: tuple[str, ...] = ()


class Plan(msgspec.Struct, frozen=True):
    """The run that an event would start. `keys` has the key of each option that has a gate."""

    function: FunctionRegistered
    run_id: str
    created: RunCreated
    keys: Mapping[str, str]
    failure: Failure | None
    size_bytes: int

    @property
    def is_plain(self) -> bool:
        """Whether the run starts whatever else happened."""
        return not self.keys and self.failure is None and not self.function.delay_ms


class Verdict(NamedTuple):
    """`run_id` is the run that belongs to the event, "" for none; `fresh` tells that it is created now."""

    run_id: str
    fresh: bool
    drafts: list[Draft]
    outcome: Outcome | None = None


Record = Callable[[str, Fact], Draft]
"""Makes a draft for a stream, with the event as its cause."""

_NOTHING: Mapping[str, str] = {}


def plan(function: FunctionRegistered, arrival: Arrival, run_id: str) -> Plan:
    """The run that the event would start, with everything computed that depends on the event alone."""
    created = RunCreated(
        function_id=function.id,
        function_version=function.version,
        event_id=arrival.id,
        event_name=arrival.name,
        retry=function.retry,
        timeout_ms=function.timeout_ms,
        dispatch=_dispatch(function, arrival),
        start_at=arrival.start_at,
        on_failure="" if arrival.owes_nothing else function.on_failure,
        tags=tags.started_with(arrival.tags, function.tags, arrival.data, arrival.variables),
    )
    failure = None
    if function.throttle and created.dispatch.throttle_key is None:
        failure = Failure(
            message=f"the throttle key {function.throttle.key!r} has no value in the event",
            code=THROTTLE_KEY_UNRESOLVED,
            retryable=False,
        )
    return Plan(function, run_id, created, _keys(function, arrival), failure, arrival.size_bytes)


def admit(plan: Plan, states: Mapping[str, Any], now: int, record: Record) -> Verdict:
    """What becomes of the event at this function."""
    if plan.failure is not None:
        return Verdict(plan.run_id, True, creation(plan, now, record))
    passed: list[Draft] = []
    if (value := plan.keys.get("idempotency")) is not None:
        where = gates.stream("idempotency", plan.function.id, value)
        gate: Gate | None = states[where]
        if gate is not None and gate.passed_at + IDEMPOTENCY_US > now:
            return Verdict(gate.run_id, False, [], Outcome(plan.function.id, "duplicate", gate.run_id))
        passed.append(record(where, _passed(plan, "idempotency", value)))
    if (limit := plan.function.rate_limit) is not None:
        key = plan.keys["rate_limit"]
        where, instants = _window(plan.function.id, key, limit.period_ms, states, now)
        fits = limits.fits_at(instants, limit=limit.limit, period_us=limit.period_ms * 1_000, now=now) <= now
        if not fits:
            return Verdict("", False, [], Outcome(plan.function.id, "rate_limited"))
        passed.append(record(where, _passed(plan, "rate_limit", key)))
    if (singleton := plan.function.singleton) is not None:
        key = plan.keys["singleton"]
        where = gates.stream("singleton", plan.function.id, key)
        running = _unfinished(states, states[where])
        if running is not None and singleton.mode == "skip":
            return Verdict("", False, [], Outcome(plan.function.id, "skipped", running.id))
        passed.append(record(where, _passed(plan, "singleton", key)))
        if running is not None:
            reason = f"replaced by {plan.run_id}"
            cancelled = steering.decide_cancel(running, reason=reason, cause="singleton")
            drafts = [record(run_noun.stream(running.id), fact) for fact in cancelled]
            outcome = Outcome(plan.function.id, "replaced", running.id)
            return Verdict(plan.run_id, True, [*drafts, *passed, *creation(plan, now, record)], outcome)
    for option in ("debounce", "batch"):
        if option in plan.keys:
            return _held(plan, option, states, now, record)
    return Verdict(plan.run_id, True, [*creation(plan, now, record), *passed])


def start(plan: Plan, record: Record) -> Verdict:
    """The verdict on a plain plan: the run starts."""
    return Verdict(plan.run_id, True, [record(run_noun.stream(plan.run_id), plan.created)])


def creation(plan: Plan, now: int, record: Record) -> list[Draft]:
    """The run's first entries; those of a failed run if its throttle key has no value."""
    where = run_noun.stream(plan.run_id)
    drafts = [record(where, delayed(plan.created, plan.function.delay_ms, now))]
    if plan.failure is not None:
        drafts.append(record(where, RunFailed(execution_seq=0, error=plan.failure)))
        held = on_failure(plan.created, plan.run_id, plan.failure, now)
        drafts += [record(stream, fact) for stream, fact in held]
    return drafts


def delayed(created: RunCreated, delay_ms: int, now: int) -> RunCreated:
    """The run with the delay of its function, counted from when it could have started."""
    if not delay_ms:
        return created
    return msgspec.structs.replace(created, start_at=max(now, created.start_at) + delay_ms * 1_000)


def on_failure(created: RunCreated | Run, run_id: str, error: Failure, now: int) -> list[tuple[str, Fact]]:
    """What is owed to the on_failure function of a run that failed for good: held at a gate, fired at once."""
    if not created.on_failure:
        return []
    held = GateHeld(
        function_id=created.on_failure,
        option="failure",
        key=run_id,
        event_id=created.event_id,
        fires_at=now,
        armed_at=now,
        run_id=run_id,
        error=error,
    )
    return [(gates.stream("failure", created.on_failure, run_id), held)]


def _dispatch(function: FunctionRegistered, arrival: Arrival) -> Dispatch:
    if not (function.concurrency or function.throttle or function.priority or function.actor_key or function.cancel_on):
        return _PLAIN
    data, variables = arrival.data, arrival.variables
    concurrency, throttle = function.concurrency, function.throttle
    return Dispatch(
        concurrency_key=_key(concurrency.key, arrival) if concurrency else "",
        throttle_key=key_of(throttle.key, data, variables) if throttle and throttle.key else "" if throttle else None,
        priority=limits.priority_of(function.priority, variables),
        actor_id=_key(function.actor_key, arrival),
        cancel_on=tuple(_cancel_when(function, arrival)),
    )


_PLAIN = Dispatch()


def _cancel_when(function: FunctionRegistered, arrival: Arrival) -> list[CancelWhen]:
    """A path that has no value in the run's own event matches nothing later."""
    found = []
    for one in function.cancel_on:
        value = ""
        if one.match:
            text = match_value(one.match, arrival.envelope())
            if text is None:
                continue
            value = text
        found.append(CancelWhen(one.event, one.match, value, one.expression))
    return found


def match_value(match: str, envelope: Mapping[str, Any]) -> str | None:
    """The scalar at a path of an event's envelope, as text."""
    return limits.key_text(limits.value_at(envelope, limits.path_of(match) or ()))


def _keys(function: FunctionRegistered, arrival: Arrival) -> Mapping[str, str]:
    keyed = {
        option: _key(given.key, arrival)
        for option in ("rate_limit", "singleton", "debounce", "batch")
        if (given := getattr(function, option)) is not None
    }
    if function.idempotency:
        value = limits.idempotency_of(function.idempotency, arrival.variables)
        if value is not None:
            keyed["idempotency"] = value
    return keyed or _NOTHING


def _key(key: str, arrival: Arrival) -> str:
    """The lane of an event: those without a value share one, as all do without a key."""
    return (key_of(key, arrival.data, arrival.variables) or "") if key else ""


def _passed(plan: Plan, option: str, key: str) -> GatePassed:
    return GatePassed(function_id=plan.function.id, option=option, key=key, run_id=plan.run_id)


def _window(function_id: str, key: str, period_ms: int, states: Mapping[str, Any], now: int) -> tuple[str, list[int]]:
    """The stream of the window that `now` lies in, and the passes of it and the one before."""
    number = now // (period_ms * 1_000)
    streams = [gates.window_stream(function_id, key, period_ms=period_ms, window=n) for n in (number - 1, number)]
    before, current = (states[stream] for stream in streams)
    return streams[1], [*(before.passed if before else ()), *(current.passed if current else ())]


def _unfinished(states: Mapping[str, Any], gate: Gate | None) -> Run | None:
    """The last run that passed the gate, if it has not ended."""
    if gate is None or not gate.run_id:
        return None
    run: Run | None = states[run_noun.stream(gate.run_id)]
    return run if run is not None and run.status not in TERMINAL else None


def _held(plan: Plan, option: str, states: Mapping[str, Any], now: int, record: Record) -> Verdict:
    function, key = plan.function, plan.keys[option]
    where = gates.stream(option, function.id, key)
    gate: Gate | None = states[where]
    waiting = gate.held if gate is not None else []
    began = max(now, plan.created.start_at)
    armed_at = gate.armed_at if gate is not None and waiting else began
    size_bytes = plan.size_bytes
    if option == "debounce":
        assert function.debounce is not None
        fires_at = limits.debounce_fires_at(function.debounce, now=began, armed_at=armed_at)
    else:
        assert function.batch is not None
        total = size_bytes + (gate.size_bytes if gate is not None else 0)
        fires_at = limits.batch_fires_at(
            function.batch, now=now, armed_at=armed_at, count=len(waiting) + 1, size_bytes=total
        )
    held = GateHeld(
        function_id=function.id,
        option=option,
        key=key,
        event_id=plan.created.event_id,
        fires_at=fires_at,
        armed_at=armed_at,
        size_bytes=size_bytes,
        created=msgspec.structs.replace(plan.created, tags=()),
    )
    outcome = Outcome(function.id, _DEBOUNCED if option == "debounce" else _BATCHED, due_at=fires_at)
    return Verdict("", False, [record(where, held)], outcome)
