"""Ironflow's Python SDK: declare durable functions, run them in a worker, emit events, read runs."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ironflow.errors import InvokeError, IronflowError, NonRetryableError, RetryAfterError, StepError, WaitTimeout
from ironflow.function import Function, On, Retry, function, on
from ironflow.options import (
    Batch,
    CancelOn,
    Concurrency,
    Cron,
    Debounce,
    RateLimit,
    Singleton,
    Throttle,
    cron,
)
from ironflow.projection import ProjectedEvent, Projection, projection

if TYPE_CHECKING:
    from ironflow.aggregate import Aggregate
    from ironflow.attempts import StepRetry
    from ironflow.blocking import SyncStep
    from ironflow.body import step_key
    from ironflow.breaker import CircuitBreaker
    from ironflow.client import AsyncClient, Client
    from ironflow.consuming import Message
    from ironflow.context import Context, Event, SyncContext
    from ironflow.entities import Append, AsyncStream, EntityEvent, Stream
    from ironflow.serving import serve
    from ironflow.step import Step
    from ironflow.subscriptions import AsyncSubscription, LiveEvent, Subscription
    from ironflow.upcasting import UpcastError, Upcasters
    from ironflow.worker import Worker

__all__ = [
    "Aggregate",
    "Append",
    "AsyncClient",
    "AsyncStream",
    "AsyncSubscription",
    "Batch",
    "CancelOn",
    "CircuitBreaker",
    "Client",
    "Concurrency",
    "Context",
    "Cron",
    "Debounce",
    "EntityEvent",
    "Event",
    "Function",
    "InvokeError",
    "IronflowError",
    "LiveEvent",
    "Message",
    "NonRetryableError",
    "On",
    "ProjectedEvent",
    "Projection",
    "RateLimit",
    "Retry",
    "RetryAfterError",
    "Singleton",
    "Step",
    "StepError",
    "StepRetry",
    "Stream",
    "Subscription",
    "SyncContext",
    "SyncStep",
    "Throttle",
    "UpcastError",
    "Upcasters",
    "WaitTimeout",
    "Worker",
    "cron",
    "function",
    "on",
    "projection",
    "serve",
    "step_key",
]

# These load asyncio, HTTP and gRPC libraries, so they come when they are asked for.
_LATER = {
    "Aggregate": "aggregate",
    "Append": "entities",
    "AsyncClient": "client",
    "AsyncStream": "entities",
    "AsyncSubscription": "subscriptions",
    "CircuitBreaker": "breaker",
    "Client": "client",
    "Context": "context",
    "EntityEvent": "entities",
    "LiveEvent": "subscriptions",
    "Event": "context",
    "Message": "consuming",
    "Step": "step",
    "StepRetry": "attempts",
    "Stream": "entities",
    "Subscription": "subscriptions",
    "SyncContext": "context",
    "SyncStep": "blocking",
    "UpcastError": "upcasting",
    "Upcasters": "upcasting",
    "Worker": "worker",
    "serve": "serving",
    "step_key": "body",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'ironflow' has no attribute {name!r}")
    return getattr(importlib.import_module(f"ironflow.{_LATER[name]}"), name)
