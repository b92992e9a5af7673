"""What a user registers: the definition of a function, and every check it has to pass.

Nothing is recorded of a definition that is refused; the error names the field and says what would do. Expressions are
compiled here, so that none fails for its syntax when an event comes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from app import expressions, patterns, texts
from app.errors import InvalidArgument
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
from app.runs.crontab import crontab
from app.runs.limits import VARIABLES, check_key, path_of
from app.runs.tags import TAGS_MAX, check_template

ATTEMPTS_MAX = 1_000
TRIGGERS_MAX = 100
LIMIT_MAX = 10_000
BATCH_SIZE_MAX = 1_000
FAILURES_MAX = 1_000
SIGNATURE = "__ironflow_signature"
SIGNATURES = ("v1", "sha256")
UNWINDS = "__ironflow_unwinds"
SECRETS_MAX = 100
CANCEL_ON_MAX = 20
DAY_MS = 24 * 3_600_000
TIMEOUT_MS_MAX = 366 * DAY_MS
PERIOD_MS_MAX = 7 * DAY_MS
DELAY_MS_MAX = 366 * DAY_MS
JITTER_MS_MAX = DAY_MS
TIMEOUT_MS_DEFAULT = 600_000
MISSED = ("skip", "once", "all")

_SECRET = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,254}")


class Definition(msgspec.Struct, frozen=True):
    """What a user registers; see FunctionRegistered for the same with its version."""

    id: str
    name: str = ""
    triggers: tuple[Trigger, ...] = ()
    description: str = ""
    retry: RetryPolicy = RetryPolicy()
    timeout_ms: int = TIMEOUT_MS_DEFAULT
    preferred_mode: str = "pull"
    metadata: msgspec.Raw = msgspec.Raw(b"{}")
    concurrency: Concurrency | None = None
    throttle: Throttle | None = None
    rate_limit: RateLimit | None = None
    debounce: Debounce | None = None
    batch: Batch | None = None
    singleton: Singleton | None = None
    priority: str = ""
    idempotency: str = ""
    cancel_on: tuple[CancelOn, ...] = ()
    actor_key: str = ""
    on_failure: str = ""
    delay_ms: int = 0
    step_timeout_ms: int = 0
    secrets: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    endpoint_url: str = ""
    circuit_breaker: CircuitBreaker = CircuitBreaker()


def checked(definition: Definition) -> Definition:
    """The definition with its defaults filled in. Raises InvalidArgument naming the field."""
    texts.segment(definition.id, field="id")
    patterns.validate_name(definition.id, field="id")  # it is the name of the event that invokes the function
    for field in ("name", "description"):
        texts.check(getattr(definition, field), field=field)
    _check_triggers(definition)
    _check_number("timeout_ms", definition.timeout_ms, low=0, high=TIMEOUT_MS_MAX)
    _check_number("step_timeout_ms", definition.step_timeout_ms, low=0, high=TIMEOUT_MS_MAX)
    _check_number("delay_ms", definition.delay_ms, low=0, high=DELAY_MS_MAX)
    _check_retry(definition.retry)
    _check_one_of("preferred_mode", definition.preferred_mode, ("pull", "push"))
    if definition.preferred_mode == "push" and not definition.endpoint_url:
        raise InvalidArgument("push mode needs an endpoint_url", field="endpoint_url", hint="where to POST executions")
    signature_style(definition.metadata)
    unwinds(definition.metadata)
    _check_circuit_breaker(definition.circuit_breaker)
    for option, check in _CHECKS.items():
        value = getattr(definition, option)
        if value is not None:
            check(value)
    _check_together(definition)
    for field in ("priority", "idempotency"):
        if text := getattr(definition, field):
            expressions.compile(text, variables=VARIABLES, field=field)
    check_key(definition.actor_key, field="actor_key")
    _check_cancel_on(definition)
    _check_on_failure(definition)
    _check_secrets(definition)
    _check_tags(definition)
    return msgspec.structs.replace(
        definition, name=definition.name or definition.id, timeout_ms=definition.timeout_ms or TIMEOUT_MS_DEFAULT
    )


# Triggers.


def _check_triggers(definition: Definition) -> None:
    if len(definition.triggers) > TRIGGERS_MAX:
        raise InvalidArgument(
            f"{len(definition.triggers)} triggers are too many", field="triggers", hint=f"at most {TRIGGERS_MAX}"
        )
    for number, trigger in enumerate(definition.triggers):
        _check_trigger(trigger, f"triggers[{number}]")


def _check_trigger(trigger: Trigger, field: str) -> None:
    if trigger.cron:
        crontab(trigger.cron, trigger.timezone, field=f"{field}.cron")
        _check_one_of(f"{field}.missed", trigger.missed, MISSED)
        _check_number(f"{field}.jitter_ms", trigger.jitter_ms, low=0, high=JITTER_MS_MAX)
        if trigger.event:
            patterns.validate_name(trigger.event, field=f"{field}.event")
        if trigger.expression:
            raise InvalidArgument(
                "a cron trigger takes no expression", field=f"{field}.expression", hint="decide in the function"
            )
        return
    if not trigger.event:
        raise InvalidArgument(
            "a trigger needs an event pattern or a cron expression", field=f"{field}.event", hint='such as "order.>"'
        )
    patterns.compile(trigger.event, field=f"{field}.event")
    if trigger.expression:
        expressions.compile(trigger.expression, variables=VARIABLES, field=f"{field}.expression")


# Retry.


def _check_retry(retry: RetryPolicy) -> None:
    _check_number("retry.max_attempts", retry.max_attempts, low=1, high=ATTEMPTS_MAX)
    _check_one_of("retry.on_exhausted", retry.on_exhausted, ("pause", "fail"))
    if retry.initial_delay_ms < 0 or retry.delay_ms_max < 0 or not 1.0 <= retry.backoff_factor <= 1000.0:
        raise InvalidArgument(
            "retry delays must not be negative and backoff_factor must lie between 1 and 1000",
            field="retry",
            hint="initial_delay_ms 1000, backoff_factor 2, max_delay_ms 300000 are the defaults",
        )


# What limits or holds runs.


def _check_concurrency(given: Concurrency) -> None:
    _check_number("concurrency.limit", given.limit, low=1, high=LIMIT_MAX)
    check_key(given.key, field="concurrency.key")


def _check_throttle(given: Throttle) -> None:
    _check_number("throttle.limit", given.limit, low=1, high=LIMIT_MAX)
    _check_number("throttle.period_ms", given.period_ms, low=1, high=PERIOD_MS_MAX)
    check_key(given.key, field="throttle.key")


def _check_rate_limit(given: RateLimit) -> None:
    _check_number("rate_limit.limit", given.limit, low=1, high=LIMIT_MAX)
    _check_number("rate_limit.period_ms", given.period_ms, low=1, high=PERIOD_MS_MAX)
    check_key(given.key, field="rate_limit.key")


def _check_debounce(given: Debounce) -> None:
    _check_number("debounce.period_ms", given.period_ms, low=1, high=PERIOD_MS_MAX)
    check_key(given.key, field="debounce.key")
    if given.max_wait_ms:
        _check_number("debounce.max_wait_ms", given.max_wait_ms, low=given.period_ms, high=PERIOD_MS_MAX)


def _check_batch(given: Batch) -> None:
    _check_number("batch.size", given.size, low=1, high=BATCH_SIZE_MAX)
    _check_number("batch.timeout_ms", given.timeout_ms, low=1, high=PERIOD_MS_MAX)
    check_key(given.key, field="batch.key")


def _check_singleton(given: Singleton) -> None:
    _check_one_of("singleton.mode", given.mode, ("skip", "replace"))
    check_key(given.key, field="singleton.key")


_CHECKS: Mapping[str, Callable[[Any], None]] = {
    "concurrency": _check_concurrency,
    "throttle": _check_throttle,
    "rate_limit": _check_rate_limit,
    "debounce": _check_debounce,
    "batch": _check_batch,
    "singleton": _check_singleton,
}

# Options that make one run of many events say nothing about single events, and the other way round.
_APART = (
    ("debounce", "batch"),
    ("debounce", "rate_limit"),
    ("debounce", "singleton"),
    ("debounce", "idempotency"),
    ("batch", "rate_limit"),
    ("batch", "singleton"),
    ("batch", "idempotency"),
)


def _check_together(definition: Definition) -> None:
    for first, second in _APART:
        if getattr(definition, first) and getattr(definition, second):
            raise InvalidArgument(
                f"{first} and {second} cannot be combined",
                field=second,
                hint=f"leave one out; with {first}, `throttle` or `concurrency` limits the runs",
            )


def _check_cancel_on(definition: Definition) -> None:
    if len(definition.cancel_on) > CANCEL_ON_MAX:
        raise InvalidArgument(
            f"{len(definition.cancel_on)} cancel_on are too many", field="cancel_on", hint=f"at most {CANCEL_ON_MAX}"
        )
    seen: set[CancelOn] = set()
    for number, one in enumerate(definition.cancel_on):
        field = f"cancel_on[{number}]"
        if not one.event:
            raise InvalidArgument(
                "cancel_on needs an event", field=f"{field}.event", hint='such as {"event": "order.cancelled"}'
            )
        patterns.compile(one.event, field=f"{field}.event")
        if not one.match and not one.expression:
            raise InvalidArgument(
                "cancel_on needs a match or an expression, else any such event would cancel every run",
                field=f"{field}.match",
                hint="a path with the same value in both events, such as data.orderId",
            )
        if one.match and path_of(one.match) is None:
            raise InvalidArgument(
                f"{field}.match {one.match[:80]!r} is not a path",
                field=f"{field}.match",
                hint="it starts at the event, such as data.orderId; use `expression` for CEL",
            )
        if one.expression:
            expressions.compile(one.expression, variables=VARIABLES, field=f"{field}.expression")
        if one in seen:
            raise InvalidArgument(f"{field} is there twice", field=field, hint="leave one out")
        seen.add(one)


def _check_on_failure(definition: Definition) -> None:
    if not definition.on_failure:
        return
    patterns.validate_name(definition.on_failure, field="on_failure")
    if definition.on_failure == definition.id:
        raise InvalidArgument(
            "a function cannot be its own on_failure", field="on_failure", hint="name another function, or use retry"
        )


def _check_secrets(definition: Definition) -> None:
    if len(definition.secrets) > SECRETS_MAX:
        raise InvalidArgument(
            f"{len(definition.secrets)} secrets are too many", field="secrets", hint=f"at most {SECRETS_MAX}"
        )
    for number, name in enumerate(definition.secrets):
        if not _SECRET.fullmatch(name) or name in definition.secrets[:number]:
            raise InvalidArgument(
                f"secrets[{number}] {name[:80]!r} is not usable",
                field=f"secrets[{number}]",
                hint="each name once: letters, digits, _ . -, beginning with a letter or _",
            )


def _check_tags(definition: Definition) -> None:
    if len(definition.tags) > TAGS_MAX:
        raise InvalidArgument(f"{len(definition.tags)} tags are too many", field="tags", hint=f"at most {TAGS_MAX}")
    for number, template in enumerate(definition.tags):
        check_template(template, field=f"tags[{number}]")


def _check_number(field: str, value: int, *, low: int, high: int) -> None:
    if not low <= value <= high:
        raise InvalidArgument(f"{field} {value} is out of range", field=field, hint=f"{low} to {high}")


def _check_one_of(field: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InvalidArgument(f"{field} {value[:80]!r} is unknown", field=field, hint=f"one of {', '.join(known)}")


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


def unwinds(metadata: msgspec.Raw) -> bool:
    """Whether the function's endpoint can be asked to undo a run that is ended from outside. Raises InvalidArgument."""
    can = msgspec.json.decode(metadata).get(UNWINDS, False)
    if not isinstance(can, bool):
        raise InvalidArgument(f"metadata.{UNWINDS} {can!r:.80} is unknown", field="metadata", hint="true or false")
    return can
