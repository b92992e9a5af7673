"""Upcasters: how the data of an old version of an event are read as the newest one.

upcasters = Upcasters()

@upcasters.step("order.placed", 1)                  # version 1 read as version 2
def with_currency(data):
    return {**data, "currency": "EUR"}

@upcasters.step("order.placed", 2, to_version=4)
def with_lines(data):
    return {"lines": [data]}

History is never rewritten: data are upcast each time they are read. Steps must be pure. They are given to functions
(`@function(upcasters=…)`), projections (`@projection(upcasters=…)`), aggregates (`Aggregate.upcasters`) and whoever
else reads events (`Upcasters.event`).
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, overload

from ironflow.context import BATCH, Event
from ironflow.errors import NonRetryableError
from ironflow.projection import ProjectedEvent

if TYPE_CHECKING:
    from ironflow.entities import EntityEvent

UpcastStep = Callable[[Any], Any]
S = TypeVar("S", bound=UpcastStep)

REDACTED = "$redacted"
"""What was redacted is an object with this key, and stays as it is."""


class UpcastError(NonRetryableError):
    """An event cannot be read as its newest version: a step is missing, or it failed."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="UPCAST_FAILED")


class Upcast(NamedTuple):
    """Data as of `version`; `steps` are the versions that were gone through, from the first to the last, if any."""

    version: int
    data: Any
    steps: tuple[int, ...] = ()


class _Step(NamedTuple):
    to_version: int
    apply: UpcastStep


class Upcasters:
    """Steps by event and version, applied one after the other up to the newest version that one leads to."""

    def __init__(self) -> None:
        self._steps: dict[str, dict[int, _Step]] = {}

    def __iter__(self) -> Iterator[str]:
        """The names of the events that there are steps for."""
        return iter(sorted(self._steps))

    def step(self, event: str, from_version: int, *, to_version: int | None = None) -> Callable[[S], S]:
        """Register how data of a version become data of the next, or of `to_version`. Raises ValueError for a version
        that has a step already, or that does not grow."""
        target = from_version + 1 if to_version is None else to_version
        if not 1 <= from_version < target:
            raise ValueError(f"a step of {event!r} leads from version 1 or more to a later one, not {target}")
        if from_version in self._steps.get(event, {}):
            raise ValueError(f"version {from_version} of {event!r} has a step already")

        def register(fn: S) -> S:
            self._steps.setdefault(event, {})[from_version] = _Step(target, fn)
            return fn

        return register

    def newest(self, event: str) -> int:
        """The version that the event's steps lead to; 0 if it has none."""
        return max((step.to_version for step in self._steps.get(event, {}).values()), default=0)

    def upcast(self, event: str, version: int, data: Any) -> Upcast:
        """The data as of the newest version. They come back as they are if they are newer, redacted, or there are no
        steps for the event. The data given are not changed. Raises UpcastError."""
        newest = self.newest(event)
        if version >= newest or _is_redacted(data):
            return Upcast(version, data)
        data, gone = copy.deepcopy(data), [version]
        while version < newest:
            step = self._steps[event].get(version)
            if step is None:
                raise UpcastError(f"{event} version {version} cannot be read as version {newest}: no step leads on")
            try:
                data = step.apply(data)
            except Exception as error:
                raise UpcastError(
                    f"{event} version {version} cannot be read as version {step.to_version}:"
                    f" {type(error).__name__}: {error}"
                ) from error
            version = step.to_version
            gone.append(version)
        return Upcast(version, data, tuple(gone))

    @overload
    def event(self, event: Event) -> Event: ...
    @overload
    def event(self, event: EntityEvent) -> EntityEvent: ...
    @overload
    def event(self, event: ProjectedEvent) -> ProjectedEvent: ...
    def event(self, event: Any) -> Any:
        """The event with data and version as of the newest; of a batch, with all of its events so. Raises
        UpcastError."""
        if not isinstance(event, Event | ProjectedEvent):
            found = self.upcast(event.name, event.schema_version, event.data)
            return dataclasses.replace(event, data=found.data, schema_version=found.version)
        if (event.name, event.source) == BATCH:
            return dataclasses.replace(event, data=[self._listed(one) for one in event.data])
        found = self.upcast(event.name, event.version, event.data)
        return dataclasses.replace(event, data=found.data, version=found.version)

    def _listed(self, told: Mapping[str, Any]) -> Mapping[str, Any]:
        found = self.upcast(told["name"], told.get("version", 1), told["data"])
        return {**told, "data": found.data, "version": found.version}


def reader(upcasters: Upcasters | None) -> Callable[[Any], Any]:
    """What makes events as new as they are known here; whatever else it is given stays as it is."""
    if upcasters is None:
        return lambda given: given
    return lambda given: upcasters.event(given) if isinstance(given, Event) else given


def _is_redacted(data: Any) -> bool:
    return isinstance(data, dict) and data.get(REDACTED) is True
