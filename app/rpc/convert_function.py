"""Functions between protobuf and the server's own records. In a request zero and "" mean unset."""

from __future__ import annotations

import msgspec

from app.history.kinds import (
    Batch,
    CancelOn,
    CircuitBreaker,
    Concurrency,
    Debounce,
    RateLimit,
    RetryPolicy,
    Singleton,
    Throttle,
    Trigger,
)
from app.rpc import convert, structs
from app.runs.crontab import next_tick
from app.runs.definition import Definition
from app.runs.function import Function
from app.runs.versions import Version
from ironflow.v1 import ironflow_pb2, types_pb2

_MODES = {"pull": types_pb2.EXECUTION_MODE_PULL, "push": types_pb2.EXECUTION_MODE_PUSH}


def definition(request: ironflow_pb2.RegisterFunctionRequest) -> Definition:
    """What is to be registered."""
    asked = request
    return Definition(
        id=asked.id,
        name=asked.name,
        description=asked.description,
        triggers=tuple(map(_trigger, asked.triggers)),
        retry=_retry(asked.retry),
        timeout_ms=asked.timeout_ms,
        preferred_mode=_mode(asked),
        endpoint_url=asked.endpoint_url,
        circuit_breaker=_circuit_breaker(asked.circuit_breaker),
        metadata=msgspec.Raw(convert.metadata(asked)),
        concurrency=Concurrency(asked.concurrency.limit, asked.concurrency.key)
        if asked.HasField("concurrency")
        else None,
        throttle=Throttle(asked.throttle.limit, asked.throttle.period_ms, asked.throttle.key)
        if asked.HasField("throttle")
        else None,
        rate_limit=RateLimit(asked.rate_limit.limit, asked.rate_limit.period_ms, asked.rate_limit.key)
        if asked.HasField("rate_limit")
        else None,
        debounce=Debounce(asked.debounce.period_ms, asked.debounce.key, asked.debounce.max_wait_ms)
        if asked.HasField("debounce")
        else None,
        batch=Batch(asked.batch.size, asked.batch.timeout_ms, asked.batch.key) if asked.HasField("batch") else None,
        singleton=Singleton(asked.singleton.key, asked.singleton.mode or "skip")
        if asked.HasField("singleton")
        else None,
        priority=asked.priority,
        idempotency=asked.idempotency,
        cancel_on=tuple(CancelOn(one.event, one.match, one.expression) for one in asked.cancel_on),
        actor_key=asked.actor_key,
        on_failure=asked.on_failure,
        delay_ms=asked.delay_ms,
        step_timeout_ms=asked.step_timeout_ms,
        secrets=tuple(asked.secrets),
        tags=tuple(asked.tags),
    )


def function(known: Function, now_us: int) -> types_pb2.Function:
    """The function as it is at `now_us`, with its next tick."""
    fact = known.fact
    message = types_pb2.Function(
        id=fact.id,
        name=fact.name,
        description=fact.description,
        triggers=[_shown(trigger) for trigger in fact.triggers],
        retry=types_pb2.RetryConfig(
            max_attempts=fact.retry.max_attempts,
            initial_delay_ms=fact.retry.initial_delay_ms,
            backoff_factor=fact.retry.backoff_factor,
            max_delay_ms=fact.retry.delay_ms_max,
            on_exhausted=fact.retry.on_exhausted,
        ),
        timeout_ms=min(fact.timeout_ms, 2**31 - 1),
        preferred_mode=_MODES[fact.preferred_mode],
        endpoint_url=fact.endpoint_url,
        circuit_breaker=types_pb2.CircuitBreakerConfig(
            failure_threshold=fact.circuit_breaker.failure_threshold,
            open_duration_ms=fact.circuit_breaker.open_ms,
            max_open_duration_ms=fact.circuit_breaker.open_ms_max,
        ),
        status=_STATUSES.get(known.status, types_pb2.FUNCTION_STATUS_UNSPECIFIED),
        version=fact.version,
        created_at=convert.timestamp(known.created_at),
        updated_at=convert.timestamp(known.updated_at),
        priority=fact.priority,
        idempotency=fact.idempotency,
        cancel_on=[
            types_pb2.CancelOnSpec(event=one.event, match=one.match, expression=one.expression)
            for one in fact.cancel_on
        ],
        actor_key=fact.actor_key,
        on_failure=fact.on_failure,
        delay_ms=fact.delay_ms,
        step_timeout_ms=fact.step_timeout_ms,
        secrets=fact.secrets,
        tags=fact.tags,
    )
    _put_limits(message, known)
    tick = next_tick(fact.triggers, now_us) if known.status == "active" else None
    if tick is not None:
        message.next_run.FromMicroseconds(tick)
    structs.fill(message.metadata, msgspec.json.decode(fact.metadata))
    return message


def version(one: Version, now_us: int) -> ironflow_pb2.FunctionHistoryEntry:
    """A change of a function, with the function as it was then."""
    return ironflow_pb2.FunctionHistoryEntry(
        event_id=f"{one.function.fact.id}@{one.number}",
        entity_version=one.number,
        function_id=one.function.fact.id,
        function_snapshot=function(one.function, now_us),
        actor_id=one.actor,
        change_reason=one.reason,
        change_type=one.change,
        recorded_at=convert.timestamp(one.recorded_at),
    )


def status_name(value: int) -> str:
    """The status as the server calls it; "" for none."""
    return next((name for name, number in _STATUSES.items() if number == value), "")


_STATUSES = {
    "active": types_pb2.FUNCTION_STATUS_ACTIVE,
    "paused": types_pb2.FUNCTION_STATUS_PAUSED,
    "archived": types_pb2.FUNCTION_STATUS_ARCHIVED,
}


def _mode(request: ironflow_pb2.RegisterFunctionRequest) -> str:
    """What is asked for; without a wish, an endpoint means push."""
    if request.preferred_mode == types_pb2.EXECUTION_MODE_UNSPECIFIED:
        return "push" if request.endpoint_url else "pull"
    return "push" if request.preferred_mode == types_pb2.EXECUTION_MODE_PUSH else "pull"


def _circuit_breaker(asked: types_pb2.CircuitBreakerConfig) -> CircuitBreaker:
    """Zero means unset; a first duration beyond the default maximum raises the maximum."""
    defaults = CircuitBreaker()
    open_ms = asked.open_duration_ms or defaults.open_ms
    return CircuitBreaker(
        failure_threshold=asked.failure_threshold or defaults.failure_threshold,
        open_ms=open_ms,
        open_ms_max=asked.max_open_duration_ms or max(open_ms, defaults.open_ms_max),
    )


def _trigger(asked: types_pb2.Trigger) -> Trigger:
    defaults = Trigger()
    return Trigger(
        event=asked.event,
        expression=asked.expression,
        cron=asked.cron,
        timezone=asked.timezone or defaults.timezone,
        missed=asked.missed or defaults.missed,
        jitter_ms=asked.jitter_ms,
    )


def _shown(trigger: Trigger) -> types_pb2.Trigger:
    message = types_pb2.Trigger(event=trigger.event, expression=trigger.expression, cron=trigger.cron)
    if trigger.cron:
        message.timezone, message.missed, message.jitter_ms = trigger.timezone, trigger.missed, trigger.jitter_ms
    return message


def _retry(asked: types_pb2.RetryConfig) -> RetryPolicy:
    defaults = RetryPolicy()
    return RetryPolicy(
        max_attempts=asked.max_attempts or defaults.max_attempts,
        initial_delay_ms=asked.initial_delay_ms or defaults.initial_delay_ms,
        backoff_factor=asked.backoff_factor or defaults.backoff_factor,
        delay_ms_max=asked.max_delay_ms or defaults.delay_ms_max,
        on_exhausted=asked.on_exhausted or defaults.on_exhausted,
    )


def _put_limits(message: types_pb2.Function, known: Function) -> None:
    """The options that are messages: each is there, or is not."""
    for option in ("concurrency", "throttle", "rate_limit", "debounce", "batch", "singleton"):
        value = getattr(known.fact, option)
        if value is not None:
            told = getattr(message, option)
            for name in value.__struct_fields__:
                setattr(told, name, getattr(value, name))
