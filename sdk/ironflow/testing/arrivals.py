"""Events that come while a run under test waits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from ironflow import jsonvalue
from ironflow.context import Event
from ironflow.divergence import fits
from ironflow.durations import seconds
from ironflow.reports import EventWait
from ironflow.testing.result import Incoming

Events = Sequence[Incoming | tuple[str, Any] | str]


class Arrival(NamedTuple):
    at: datetime
    event: Incoming


class Arrivals:
    """The events that were given, in virtual time from `now`, of a run that the event `of` started."""

    def __init__(self, events: Events, now: datetime, *, of: Event) -> None:
        told = map(_incoming, events)
        self._coming = [Arrival(now + timedelta(seconds=seconds(one.after)), one) for one in told]
        self._of = of

    def first(self, wait: EventWait) -> Arrival | None:
        """The first that ends the wait, if any will."""
        fitting = [one for one in self._coming if fits(wait.event, one.event.name) and self._matches(wait, one.event)]
        return min(fitting, key=lambda one: one.at) if fitting else None

    def take(self, arrival: Arrival) -> None:
        """An event ends one wait."""
        self._coming.remove(arrival)

    def _matches(self, wait: EventWait, incoming: Incoming) -> bool:
        """Expressions are not evaluated here: give the events that fit."""
        if not wait.match or any(sign in wait.match for sign in "=<>!&|("):
            return True
        wanted = wait.match_value or _text(_at({"data": self._of.data}, wait.match))
        return _text(_at({"data": incoming.data}, wait.match)) == wanted


def _incoming(given: Incoming | tuple[str, Any] | str) -> Incoming:
    match given:
        case Incoming():
            return given
        case str():
            return Incoming(given)
        case (name, data):
            return Incoming(name, data)
    raise TypeError(f'events are ("order.paid", data) or Incoming, not {given!r}')


def _at(envelope: Any, path: str) -> Any:
    value = envelope
    for segment in path.removeprefix("$.").split("."):
        value = value.get(segment) if isinstance(value, dict) else None
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else jsonvalue.encode(value).decode()
