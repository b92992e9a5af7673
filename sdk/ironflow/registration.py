"""A declared function as the server is told of it."""

from __future__ import annotations

from typing import Any

from ironflow.durations import milliseconds, seconds
from ironflow.function import Function, On
from ironflow.options import Cron
from ironflow.v1 import ironflow_pb2, types_pb2


def registration(declared: Function) -> ironflow_pb2.RegisterFunctionRequest:
    """The function as the server is told of it."""
    retry, options = declared.retry, declared.options
    request = ironflow_pb2.RegisterFunctionRequest(
        id=declared.id,
        name=declared.name,
        description=declared.description,
        triggers=[_trigger(one) for one in declared.triggers],
        retry=types_pb2.RetryConfig(
            max_attempts=retry.max_attempts,
            initial_delay_ms=round(seconds(retry.initial_delay) * 1_000),
            backoff_factor=retry.backoff_factor,
            max_delay_ms=round(seconds(retry.max_delay) * 1_000),
            on_exhausted=retry.on_exhausted,
        ),
        timeout_ms=milliseconds(declared.timeout_s, what="timeout"),
        step_timeout_ms=_whole_ms(declared.step_timeout_s, "step_timeout"),
        preferred_mode=types_pb2.EXECUTION_MODE_PULL,
        priority=options.priority,
        idempotency=options.idempotency,
        cancel_on=[
            types_pb2.CancelOnSpec(event=one.event, match=one.match, expression=one.expression)
            for one in options.cancel_on
        ],
        actor_key=options.actor_key,
        on_failure=options.on_failure_id,
        delay_ms=_whole_ms(options.delay, "delay"),
        secrets=options.secrets,
        tags=options.tags,
    )
    if one := options.concurrency:
        request.concurrency.limit, request.concurrency.key = one.limit, one.key
    for name in ("throttle", "rate_limit"):
        if limit := getattr(options, name):
            told = getattr(request, name)
            told.limit, told.period_ms, told.key = limit.limit, milliseconds(limit.period, what="period"), limit.key
    if debounce := options.debounce:
        request.debounce.period_ms = milliseconds(debounce.period, what="period")
        request.debounce.max_wait_ms = _whole_ms(debounce.max_wait, "max_wait")
        request.debounce.key = debounce.key
    if batch := options.batch:
        request.batch.size, request.batch.key = batch.size, batch.key
        request.batch.timeout_ms = milliseconds(batch.timeout, what="timeout")
    if singleton := options.singleton:
        request.singleton.key, request.singleton.mode = singleton.key, singleton.mode
    request.metadata.update({"__ironflow_code_hash": declared.code_hash})
    return request


def _trigger(trigger: On | Cron) -> types_pb2.Trigger:
    if isinstance(trigger, On):
        return types_pb2.Trigger(event=trigger.event, expression=trigger.expression)
    return types_pb2.Trigger(
        event=trigger.event,
        cron=trigger.expression,
        timezone=trigger.timezone,
        missed=trigger.missed,
        jitter_ms=_whole_ms(trigger.jitter, "jitter"),
    )


def _whole_ms(duration: Any, what: str) -> int:
    """Milliseconds; 0 for none."""
    return milliseconds(duration, what=what) if duration else 0
