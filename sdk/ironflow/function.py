"""Durable functions: what users declare with `@function`."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ironflow.durations import Duration, seconds

if TYPE_CHECKING:
    from ironflow.context import Context

Handler = Callable[["Context"], Any]


@dataclass(frozen=True, slots=True)
class Retry:
    """How a failed run is tried again: delays grow by `backoff_factor` up to `max_delay`. When `max_attempts` are used
    up, the run is paused for a person or fails (`on_exhausted`: pause or fail)."""

    max_attempts: int = 25
    initial_delay: Duration = 1.0
    backoff_factor: float = 2.0
    max_delay: Duration = 300.0
    on_exhausted: str = "pause"

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise ValueError(f"max_attempts must be 1 or more, not {self.max_attempts}")
        if self.on_exhausted not in ("pause", "fail"):
            raise ValueError(f"on_exhausted must be 'pause' or 'fail', not {self.on_exhausted!r}")
        if self.backoff_factor < 1:
            raise ValueError(f"backoff_factor must be 1 or more, not {self.backoff_factor}")
        for name in ("initial_delay", "max_delay"):
            if seconds(getattr(self, name)) < 0:
                raise ValueError(f"{name} must not be negative")


@dataclass(frozen=True, slots=True)
class On:
    """A trigger: an event pattern and, if given, a CEL expression that must hold."""

    event: str
    expression: str = ""


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
    triggers: tuple[On, ...] = ()
    retry: Retry = field(default_factory=Retry)
    timeout_s: float = 600.0
    step_timeout_s: float | None = None

    def __call__(self, ctx: Context) -> Any:
        return self.handler(ctx)

    @property
    def is_async(self) -> bool:
        return inspect.iscoroutinefunction(self.handler)

    @property
    def code_hash(self) -> str:
        """16 hexadecimal digits of the handler's source, so that an edit makes a new version."""
        try:
            source = inspect.getsource(self.handler)
        except (OSError, TypeError):
            source = repr(getattr(self.handler, "__qualname__", self.handler))
        return hashlib.sha256(source.encode()).hexdigest()[:16]


def function(
    id: str,
    *,
    triggers: Sequence[str | On] = (),
    name: str = "",
    description: str = "",
    retry: Retry | None = None,
    timeout: Duration = 600.0,
    step_timeout: Duration | None = None,
) -> Callable[[Handler], Function]:
    """Declare a durable function. `timeout` bounds the time a run executes, sleeps not counted; `step_timeout` each
    `step.run`. Raises ValueError and TypeError for options that make no sense."""
    if not isinstance(id, str) or not id:
        raise TypeError('give the function an id: @function("order-paid", triggers=["order.paid"])')
    if isinstance(triggers, str):
        raise TypeError(f"triggers must be a list, such as [{triggers!r}]")
    limit_s, step_limit_s = seconds(timeout), None if step_timeout is None else seconds(step_timeout)
    if limit_s <= 0 or (step_limit_s is not None and step_limit_s <= 0):
        raise ValueError("timeouts must be greater than zero")

    def declare(handler: Handler) -> Function:
        return Function(
            id=id,
            handler=handler,
            name=name or id,
            description=description or inspect.getdoc(handler) or "",
            triggers=tuple(on(trigger) if isinstance(trigger, str) else trigger for trigger in triggers),
            retry=retry or Retry(),
            timeout_s=limit_s,
            step_timeout_s=step_limit_s,
        )

    return declare
