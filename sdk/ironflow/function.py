"""Durable functions: what users declare with `@function`. What makes no sense is refused where it is written."""

from __future__ import annotations

import hashlib
import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ironflow.durations import Duration, milliseconds, seconds
from ironflow.options import (
    Batch,
    CancelOn,
    Concurrency,
    Cron,
    Debounce,
    Options,
    RateLimit,
    Singleton,
    Throttle,
)
from ironflow.patterns import check_pattern

if TYPE_CHECKING:
    from ironflow.upcasting import Upcasters

# Given a Context if it is async, else a SyncContext.
Handler = Callable[[Any], Any]

_ID_CHARS_MAX = 255
_INT32_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Retry:
    """How a failed run is tried again: delays grow by `backoff_factor` up to `max_delay`. When `max_attempts` (the
    first one included) are used up, the run is paused for a person or fails (`on_exhausted`)."""

    max_attempts: int = 25
    initial_delay: Duration = 1.0
    backoff_factor: float = 2.0
    max_delay: Duration = 300.0
    on_exhausted: Literal["pause", "fail"] = "pause"

    def __post_init__(self) -> None:
        if type(self.max_attempts) is not int or not 1 <= self.max_attempts <= _INT32_MAX:
            raise ValueError(f"max_attempts must be 1 or more, not {self.max_attempts!r}")
        if self.on_exhausted not in ("pause", "fail"):
            raise ValueError(f"on_exhausted must be 'pause' or 'fail', not {self.on_exhausted!r}")
        if not math.isfinite(self.backoff_factor) or self.backoff_factor < 1:
            raise ValueError(f"backoff_factor must be 1 or more, not {self.backoff_factor!r}")
        for name in ("initial_delay", "max_delay"):
            milliseconds(getattr(self, name), what=name)
        if seconds(self.initial_delay) > seconds(self.max_delay):
            raise ValueError(f"initial_delay {self.initial_delay!r} is longer than max_delay {self.max_delay!r}")


@dataclass(frozen=True, slots=True)
class On:
    """A trigger: an event pattern and, if given, a CEL expression that must hold."""

    event: str
    expression: str = ""

    def __post_init__(self) -> None:
        check_pattern(self.event)


def on(event: str, *, expression: str = "") -> On:
    """Run for events whose name fits the pattern (`order.*`, `order.>`) and for which the CEL expression holds, such
    as `event.data.total > 100`."""
    return On(event, expression)


@dataclass(frozen=True, slots=True)
class Function:
    """A declared function. Calling it calls the handler, as in a unit test of your own."""

    id: str
    handler: Handler
    name: str = ""
    description: str = ""
    triggers: tuple[On | Cron, ...] = ()
    retry: Retry = field(default_factory=Retry)
    timeout_s: float = 600.0
    step_timeout_s: float | None = None
    options: Options = field(default_factory=Options)
    upcasters: Upcasters | None = None
    capture_logging: bool = True

    def __call__(self, ctx: Any) -> Any:
        return self.handler(ctx)

    @property
    def is_async(self) -> bool:
        return is_async(self.handler)

    @property
    def code_hash(self) -> str:
        """16 hexadecimal digits of the handler's source, so that an edit makes a new version."""
        try:
            source = inspect.getsource(self.handler).encode()
        except (OSError, TypeError):  # typed into an interpreter, or without source files
            code = getattr(self.handler, "__code__", None)
            source = code.co_code + repr(code.co_names).encode() if code else repr(type(self.handler)).encode()
        return hashlib.sha256(source).hexdigest()[:16]


def function(
    id: str,
    *,
    triggers: Sequence[str | On | Cron] = (),
    name: str = "",
    description: str = "",
    retry: Retry | None = None,
    timeout: Duration = 600.0,
    step_timeout: Duration | None = None,
    concurrency: Concurrency | None = None,
    throttle: Throttle | None = None,
    rate_limit: RateLimit | None = None,
    debounce: Debounce | None = None,
    batch: Batch | None = None,
    singleton: Singleton | None = None,
    priority: str = "",
    idempotency: str = "",
    cancel_on: Sequence[CancelOn] = (),
    actor_key: str = "",
    on_failure: Function | str | None = None,
    delay: Duration = 0,
    secrets: Sequence[str] = (),
    tags: Sequence[str] = (),
    upcasters: Upcasters | None = None,
    capture_logging: bool = True,
) -> Callable[[Handler], Function]:
    """Declare a durable function. `timeout` bounds the time a run executes, sleeps not counted; `step_timeout` each
    `step.run`. The other options are told in docs/options.md. Raises ValueError and TypeError for what makes no sense.

    `priority` is a CEL expression that gives a number: seconds of waiting by which a run goes before others.
    Events with the same value of the CEL expression `idempotency` within a day are the same run. `on_failure` runs when
    a run has failed for good, with the error and the event. Runs start `delay` after their event. Runs with the same
    value at `actor_key` stick to one worker. A run gets the `secrets` that are named, and no others; and the `tags`,
    in which `{customer.id}`, a path or a CEL expression, stands for what the event has there. With `upcasters` the
    function sees events, also those that it waits for, as of their newest version. What its code logs with the
    standard library is recorded with the run, unless `capture_logging` is False; `ctx.log` always is."""
    if not isinstance(id, str) or not id:
        raise TypeError('give the function an id: @function("order-paid", triggers=["order.paid"])')
    if len(id) > _ID_CHARS_MAX or not id.isprintable() or " " in id:
        raise ValueError(f"{id[:80]!r} cannot be the id of a function: use up to {_ID_CHARS_MAX} characters, no spaces")
    if isinstance(triggers, str | On | Cron):
        raise TypeError(f"triggers must be a list, such as [{triggers!r}]")
    if retry is not None and not isinstance(retry, Retry):
        raise TypeError(f"retry must be a Retry, such as Retry(max_attempts=3), not {retry!r}")
    limit_ms = milliseconds(timeout, what="timeout")
    step_limit_ms = None if step_timeout is None else milliseconds(step_timeout, what="step_timeout")
    chosen = tuple(_trigger(trigger) for trigger in triggers)
    for name_of, given in (("cancel_on", cancel_on), ("secrets", secrets), ("tags", tags)):
        if isinstance(given, str | CancelOn):
            raise TypeError(f"{name_of} must be a list, such as [{given!r}]")
    options = Options(
        concurrency=concurrency,
        throttle=throttle,
        rate_limit=rate_limit,
        debounce=debounce,
        batch=batch,
        singleton=singleton,
        priority=priority,
        idempotency=idempotency,
        cancel_on=tuple(cancel_on),
        actor_key=actor_key,
        on_failure=_failure_function(id, on_failure),
        delay=delay,
        secrets=tuple(secrets),
        tags=tuple(tags),
    )

    def declare(handler: Handler) -> Function:
        _check_handler(id, handler)
        return Function(
            id=id,
            handler=handler,
            name=name or id,
            description=description or inspect.getdoc(handler) or "",
            triggers=chosen,
            retry=retry or Retry(),
            timeout_s=limit_ms / 1_000,
            step_timeout_s=None if step_limit_ms is None else step_limit_ms / 1_000,
            options=options,
            upcasters=upcasters,
            capture_logging=capture_logging,
        )

    return declare


def is_async(fn: Callable[..., Any]) -> bool:
    """Whether calling it gives a coroutine. The flag of its code is looked at first: `inspect` is ten times slower."""
    code = getattr(fn, "__code__", None)
    if code is not None:
        return bool(code.co_flags & inspect.CO_COROUTINE)
    return inspect.iscoroutinefunction(fn) or inspect.iscoroutinefunction(getattr(fn, "__call__", None))  # noqa: B004


def _trigger(trigger: str | On | Cron) -> On | Cron:
    match trigger:
        case On() | Cron():
            return trigger
        case str():
            return on(trigger)
    raise TypeError(f"a trigger is a pattern, on(pattern, expression=…) or cron('0 9 * * *'), not {trigger!r}")


def _failure_function(id: str, given: Function | str | None) -> Function | str | None:
    named = given.id if isinstance(given, Function) else given
    if named is not None and not isinstance(named, str):
        raise TypeError(f"on_failure must be a function of ironflow or its id, not {given!r}")
    if named == id:
        raise ValueError(f"function {id!r} cannot be its own on_failure: name another, or use retry")
    return given


def _check_handler(id: str, handler: object) -> None:
    if not callable(handler):
        raise TypeError(f"function {id!r}: {handler!r} cannot be called")
    if inspect.isasyncgenfunction(handler) or inspect.isgeneratorfunction(handler):
        raise TypeError(f"function {id!r}: the handler must return its result, not yield")
    try:
        inspect.signature(handler).bind(None)
    except TypeError as error:
        raise TypeError(
            f"function {id!r}: the handler must take one argument, the context: "
            f"async def {getattr(handler, '__name__', 'handler')}(ctx) ({error})"
        ) from None
    except ValueError:  # built in, with no signature to check
        return
