"""Functions: what users register, versioned by content, and the register that every emit looks into.

The register is in memory and follows history: a registration of this process is in it when its caller is answered,
one of another node as soon as the tail has brought it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from app import expressions, patterns, texts
from app.errors import FunctionNotFound, InvalidArgument
from app.history.committer import Command, Committer, Decision
from app.history.entry import Draft, Entry
from app.history.fold import Fold
from app.history.kinds import CircuitBreaker, FunctionRegistered, RetryPolicy, Trigger
from app.history.tail import Tail
from app.outbound import url
from app.outbound.reach import Reach
from app.patterns import PatternIndex
from app.runs.triggers import VARIABLES, Condition
from storage import functions
from storage.contract import Storage, Transaction
from storage.records import FunctionRow

ATTEMPTS_MAX = 1_000
TIMEOUT_MS_MAX = 366 * 24 * 3_600_000
TRIGGERS_MAX = 100
FAILURES_MAX = 1_000
SIGNATURE = "__ironflow_signature"
SIGNATURES = ("v1", "sha256")


class Definition(msgspec.Struct, frozen=True):
    """What a user registers; see FunctionRegistered for the same with its version."""

    id: str
    name: str = ""
    triggers: tuple[Trigger, ...] = ()
    description: str = ""
    retry: RetryPolicy = RetryPolicy()
    timeout_ms: int = 600_000
    preferred_mode: str = "pull"
    metadata: msgspec.Raw = msgspec.Raw(b"{}")
    endpoint_url: str = ""
    circuit_breaker: CircuitBreaker = CircuitBreaker()


@dataclass(slots=True)
class Function:
    """A function's state: its newest version."""

    environment: str
    fact: FunctionRegistered
    created_at: int
    updated_at: int
    position: int
    status: str = "active"


def stream(function_id: str) -> str:
    return f"function/{function_id}"


class FunctionNoun:
    prefix = "function"

    def apply(self, state: Function | None, entry: Entry) -> Function:
        fact = entry.fact
        assert isinstance(fact, FunctionRegistered), f"{entry} does not belong to a function"
        created_at = state.created_at if state else entry.recorded_at
        return Function(entry.environment, fact, created_at, entry.recorded_at, entry.position)

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


class Functions:
    def __init__(self, *, storage: Storage, committer: Committer, fold: Fold, tail: Tail, reach: Reach) -> None:
        """`reach` is where endpoints may be."""
        self._storage = storage
        self._committer = committer
        self._fold = fold
        self._tail = tail
        self._reach = reach
        self._known: dict[str, dict[str, Function]] = {}
        self._triggers: dict[str, PatternIndex[Condition]] = {}
        self._conditions: dict[tuple[str, str], list[Condition]] = {}
        self._watchers: list[Callable[[Function], None]] = []
        self._position = 0

    async def start(self) -> None:
        """Fill the register from the store."""

        def load(tx: Transaction) -> list[Function]:
            rows = list(functions.everything(tx))
            return [self._fold.load(tx, row.environment, stream(row.id)).state for row in rows]

        self._position = self._tail.head
        for function in await self._storage.read(load):
            self._put(function)

    async def run(self) -> None:
        """Follow registrations, of other nodes too, until cancelled."""
        async for batch in self._tail.follow(self._position):
            for entry in batch:
                if entry.kind == FunctionRegistered.kind:
                    self._learn(entry)

    async def register(self, environment: str, definition: Definition, *, actor: str = "") -> tuple[Function, bool]:
        """The function at its newest version, and whether it is new. Registering the same content again changes
        nothing. Raises InvalidArgument."""
        definition = checked(definition)
        if definition.endpoint_url:
            url.check(definition.endpoint_url, self._reach, field="endpoint_url")
        where = stream(definition.id)

        def decide(states: Mapping[str, Any], now: int) -> Decision:
            known: Function | None = states[where]
            version = known.fact.version + 1 if known else 1
            fact = FunctionRegistered(version=version, **_content(definition))
            if known and msgspec.structs.replace(fact, version=known.fact.version) == known.fact:
                return Decision((), (known, False))
            registered = Function(environment, fact, known.created_at if known else now, now, 0)
            return Decision((Draft(where, fact, actor=actor),), (registered, known is None))

        function, created = await self._committer.commit(Command(environment, (where,), decide))
        self._put(function)
        return function, created

    def get(self, environment: str, function_id: str) -> Function:
        """Raises FunctionNotFound."""
        function = self._known.get(environment, {}).get(function_id)
        if function is None:
            raise FunctionNotFound(
                f"no function {function_id[:80]!r} in environment {environment!r}",
                hint="start a worker that registers it, or see `ironflow function list`",
            )
        return function

    def list(self, environment: str) -> Sequence[Function]:
        """Every function of the environment, by id."""
        known = self._known.get(environment, {})
        return [known[function_id] for function_id in sorted(known)]

    def triggered(self, environment: str, event_name: str) -> Sequence[tuple[Function, Condition]]:
        """Functions with a trigger whose pattern fits the event, each with what it asks besides. A function's own id
        is an implicit trigger."""
        index = self._triggers.get(environment)
        if index is None:
            return ()
        known = self._known[environment]
        return [(known[condition.function_id], condition) for condition in index.matching(event_name)]

    def faults(self) -> int:
        """How many triggers are known to match nothing because of what is wrong with them."""
        return sum(bool(condition.fault) for conditions in self._conditions.values() for condition in conditions)

    def watch(self, told: Callable[[Function], None]) -> None:
        """Tell of every function there is, and from now on of each that comes or changes."""
        self._watchers.append(told)
        for known in list(self._known.values()):
            for function in list(known.values()):
                told(function)

    def _learn(self, entry: Entry) -> None:
        fact = entry.fact
        assert isinstance(fact, FunctionRegistered)
        known = self._known.get(entry.environment, {}).get(fact.id)
        if known is None or known.fact.version < fact.version:
            created_at = known.created_at if known else entry.recorded_at
            self._put(Function(entry.environment, fact, created_at, entry.recorded_at, entry.position))

    def _put(self, function: Function) -> None:
        known = self._known.setdefault(function.environment, {})
        before = known.get(function.fact.id)
        if before is not None and before.fact.version > function.fact.version:
            return
        index = self._triggers.setdefault(function.environment, PatternIndex())
        key = (function.environment, function.fact.id)
        for condition in self._conditions.get(key, ()):
            index.remove(condition)
        known[function.fact.id] = function
        self._conditions[key] = []
        implicit = Trigger(event=function.fact.id)
        for trigger in (implicit, *(one for one in function.fact.triggers if one.event)):
            condition = Condition(function.fact.id, trigger.expression)
            self._conditions[key].append(condition)
            try:
                index.add(trigger.event, condition)
            except InvalidArgument as error:  # a release that took it stored it
                condition.refuse(str(error))
        for told in self._watchers:
            told(function)


def checked(definition: Definition) -> Definition:
    """The definition with its defaults filled in. Raises InvalidArgument naming the field."""
    patterns.validate_name(definition.id, field="id")  # it is the name of the event that invokes the function
    for field in ("name", "description"):
        texts.check(getattr(definition, field), field=field)
    if len(definition.triggers) > TRIGGERS_MAX:
        raise InvalidArgument(
            f"{len(definition.triggers)} triggers are too many", field="triggers", hint=f"at most {TRIGGERS_MAX}"
        )
    for number, trigger in enumerate(definition.triggers):
        _check_trigger(trigger, f"triggers[{number}]")
    if not 0 <= definition.timeout_ms <= TIMEOUT_MS_MAX:
        raise InvalidArgument(
            f"timeout_ms {definition.timeout_ms} is out of range", field="timeout_ms", hint=f"0 to {TIMEOUT_MS_MAX}"
        )
    _check_retry(definition.retry)
    if definition.preferred_mode not in ("pull", "push"):
        raise InvalidArgument(
            f"preferred_mode {definition.preferred_mode!r} is unknown", field="preferred_mode", hint="pull or push"
        )
    if definition.preferred_mode == "push" and not definition.endpoint_url:
        raise InvalidArgument("push mode needs an endpoint_url", field="endpoint_url", hint="where to POST executions")
    signature_style(definition.metadata)
    _check_circuit_breaker(definition.circuit_breaker)
    return msgspec.structs.replace(
        definition, name=definition.name or definition.id, timeout_ms=definition.timeout_ms or 600_000
    )


def _check_trigger(trigger: Trigger, field: str) -> None:
    if trigger.cron:
        raise InvalidArgument("cron triggers are not supported yet", field=f"{field}.cron", hint="use an event trigger")
    if not trigger.event:
        raise InvalidArgument("a trigger needs an event pattern", field=f"{field}.event", hint='such as "order.>"')
    patterns.compile(trigger.event, field=f"{field}.event")
    if trigger.expression:
        expressions.compile(trigger.expression, variables=VARIABLES, field=f"{field}.expression")


def _check_retry(retry: RetryPolicy) -> None:
    if not 1 <= retry.max_attempts <= ATTEMPTS_MAX:
        raise InvalidArgument(
            f"retry.max_attempts {retry.max_attempts} is out of range",
            field="retry.max_attempts",
            hint=f"1 to {ATTEMPTS_MAX}",
        )
    if retry.on_exhausted not in ("pause", "fail"):
        raise InvalidArgument(
            f"retry.on_exhausted {retry.on_exhausted!r} is unknown", field="retry.on_exhausted", hint="pause or fail"
        )
    if retry.initial_delay_ms < 0 or retry.delay_ms_max < 0 or not 1.0 <= retry.backoff_factor <= 1000.0:
        raise InvalidArgument(
            "retry delays must not be negative and backoff_factor must lie between 1 and 1000",
            field="retry",
            hint="initial_delay_ms 1000, backoff_factor 2, max_delay_ms 300000 are the defaults",
        )


def _check_circuit_breaker(breaker: CircuitBreaker) -> None:
    if not 1 <= breaker.failure_threshold <= FAILURES_MAX:
        raise InvalidArgument(
            f"circuit_breaker.failure_threshold {breaker.failure_threshold} is out of range",
            field="circuit_breaker.failure_threshold",
            hint=f"1 to {FAILURES_MAX}",
        )
    if not 1 <= breaker.open_ms <= breaker.open_ms_max <= TIMEOUT_MS_MAX:
        raise InvalidArgument(
            f"circuit_breaker.open_duration_ms {breaker.open_ms} is beyond max_open_duration_ms {breaker.open_ms_max}",
            field="circuit_breaker.open_duration_ms",
            hint="1 or more, and max_open_duration_ms not less than open_duration_ms",
        )


def signature_style(metadata: msgspec.Raw) -> str:
    """How requests to the function's endpoint are signed, as its metadata wish. Raises InvalidArgument."""
    style = msgspec.json.decode(metadata).get(SIGNATURE, SIGNATURES[0])
    if style not in SIGNATURES:
        raise InvalidArgument(
            f"metadata.{SIGNATURE} {style!r:.80} is unknown", field="metadata", hint=f"one of {', '.join(SIGNATURES)}"
        )
    return str(style)


def _content(definition: Definition) -> dict[str, Any]:
    return {name: getattr(definition, name) for name in definition.__struct_fields__}
