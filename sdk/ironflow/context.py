"""What a function is given: the event that started the run, and the steps it can take."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ironflow.logger import Log
from ironflow.tagging import Tagger

if TYPE_CHECKING:
    from ironflow.blocking import SyncStep
    from ironflow.step import Step

# Set while a handler and its steps run, so that events which they emit are attributed to the run.
current_run: ContextVar[str] = ContextVar("ironflow_run", default="")


# How the event of a batch is known: its data are the events.
BATCH = ("ironflow.batch", "batch")


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it was recorded. `data` is any JSON value."""

    id: str
    name: str
    data: Any
    timestamp: datetime
    metadata: Mapping[str, Any]
    version: int = 1
    source: str = ""
    idempotency_key: str = ""


class Secrets(dict[str, str]):
    """The secrets that a function declares, by name; shown without their values."""

    def __missing__(self, name: str) -> str:
        raise KeyError(f"no secret {name!r} here: declare it with @function(secrets=[…])")

    def __repr__(self) -> str:
        return f"<secrets {', '.join(self) or 'none'}>"


@dataclass(frozen=True, slots=True)
class _Run:
    event: Event
    run_id: str
    function_id: str
    attempt: int
    max_attempts: int
    secrets: Mapping[str, str] = field(repr=False)
    _tagger: Tagger = field(default_factory=Tagger, repr=False, kw_only=True)

    @property
    def events(self) -> Sequence[Event]:
        """The events of a batch, in the order in which they came; else the one event there is."""
        if (self.event.name, self.event.source) != BATCH:
            return (self.event,)
        return tuple(_listed(one) for one in self.event.data)

    def tag(self, *tags: str) -> None:
        """Tag the run, so that lists of runs can be asked for those with a tag: at most ten, of 64 characters. Recorded
        with what the code does next, and once, however often that is replayed."""
        self._tagger.give(tags)

    @property
    def logger(self) -> logging.LoggerAdapter[logging.Logger]:
        """A logger of the standard library that carries the run. `log` is recorded at every level, and has fields."""
        told = {"run_id": self.run_id, "function_id": self.function_id, "attempt": self.attempt}
        return logging.LoggerAdapter(logging.getLogger(f"ironflow.{self.function_id}"), told)


@dataclass(frozen=True, slots=True)
class Context(_Run):
    """One execution of a run, as an async function gets it. What `log` is told is recorded with the run."""

    step: Step
    log: Log = field(default_factory=Log, repr=False)


@dataclass(frozen=True, slots=True)
class SyncContext(_Run):
    """One execution of a run, as a plain function gets it: the steps block instead of being awaited."""

    step: SyncStep
    log: Log = field(default_factory=Log, repr=False)


def _listed(told: Mapping[str, Any]) -> Event:
    """An event as it lies in the data of a batch."""
    return Event(
        id=told["id"],
        name=told["name"],
        data=told["data"],
        timestamp=datetime.fromisoformat(told["timestamp"]),
        metadata=told.get("metadata") or {},
        version=told.get("version", 1),
        source=told.get("source", ""),
    )
