"""Ironflow's Python SDK: declare durable functions, run them in a worker, emit events, read runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ironflow.context import Context, Event
from ironflow.errors import IronflowError, NonRetryableError, RetryAfterError, StepError
from ironflow.function import Function, On, Retry, function, on
from ironflow.step import Step, step_key

if TYPE_CHECKING:
    from ironflow.client import Client
    from ironflow.worker import Worker

__all__ = [
    "Client",
    "Context",
    "Event",
    "Function",
    "IronflowError",
    "NonRetryableError",
    "On",
    "Retry",
    "RetryAfterError",
    "Step",
    "StepError",
    "Worker",
    "function",
    "on",
    "step_key",
]


def __getattr__(name: str) -> Any:
    """The client and the worker load HTTP and gRPC libraries, so they come when they are asked for."""
    if name == "Client":
        from ironflow.client import Client

        return Client
    if name == "Worker":
        from ironflow.worker import Worker

        return Worker
    raise AttributeError(f"module 'ironflow' has no attribute {name!r}")
