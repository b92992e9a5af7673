"""The fold of a managed projection: batches of events in, states of partitions out; in one thread at a time."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ironflow import jsonvalue
from ironflow.errors import NonRetryableError
from ironflow.projection import ProjectedEvent, Projection

STATES_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Folded:
    """A partition's state as JSON, after `last`, which is one of `events` folded now."""

    state: bytes
    last: ProjectedEvent
    events: int


@dataclass(slots=True)
class Progress:
    """How far a batch has come: up to `done` events of it, and the error that the next one made, if any."""

    partitions: dict[str, Folded] = field(default_factory=dict)
    done: int = 0
    error: BaseException | None = None


class States:
    """The states of partitions that were used last, as JSON."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, bytes | None] = OrderedDict()

    def missing(self, partitions: Iterable[str]) -> Sequence[str]:
        """Those that are not known yet, each once."""
        return [one for one in dict.fromkeys(partitions) if one not in self._known]

    def put(self, partition: str, state: bytes | None) -> None:
        """A partition's state, None if it has none yet."""
        self._known[partition] = state
        self._known.move_to_end(partition)

    def get(self, partition: str) -> bytes | None:
        return self._known[partition]

    def trim(self) -> None:
        """Forget those that were not used for long."""
        while len(self._known) > STATES_MAX:
            self._known.popitem(last=False)


def fold(projection: Projection, states: States, events: Sequence[ProjectedEvent], skipped: frozenset[int]) -> Progress:
    """Fold events in order, without those at the positions in `skipped`, until one makes an error. A state that is no
    JSON is an error of the event that made it."""
    progress = Progress()
    current: dict[str, Any] = {}
    taken: dict[str, list[ProjectedEvent]] = {}
    for event in events:
        partition = event.partition
        folded = taken.setdefault(partition, [])
        if event.position not in skipped:
            try:
                if partition not in current:
                    current[partition] = first(projection, states.get(partition))
                current[partition] = _reduced(projection, current[partition], event)
            except BaseException as error:  # noqa: BLE001 - whatever the reducer raises is what it makes of the event
                progress.error = error
                # It may have changed the state before it raised.
                current[partition] = first(projection, states.get(partition))
                for before in folded:
                    if before.position not in skipped:
                        current[partition] = _reduced(projection, current[partition], before)
                break
        folded.append(event)
        progress.done += 1
    try:
        for partition, folded in taken.items():
            if folded:
                state = current[partition] if partition in current else first(projection, states.get(partition))
                raw = jsonvalue.encode(state, what=f"the state of {projection.name}")
                progress.partitions[partition] = Folded(raw, folded[-1], len(folded))
    except NonRetryableError as error:
        if progress.done > 1:
            return fold(projection, states, events[: progress.done // 2], skipped)
        return Progress(error=error)
    return progress


def _reduced(projection: Projection, state: Any, event: ProjectedEvent) -> Any:
    return reduced(projection, projection.function(state, projection.read(event)))


def first(projection: Projection, state: bytes | None) -> Any:
    """The state to go on from."""
    return projection.first_state() if state is None else json.loads(state)


def reduced(projection: Projection, state: Any) -> Any:
    """What a reducer returned. Raises TypeError for nothing, which is a return that was forgotten."""
    if state is None:
        raise TypeError(f"the reducer of {projection.name} returned None: return the new state")
    return state


def value_at(envelope: Mapping[str, Any], path: str) -> str | None:
    """The text of the scalar at a path, as the server sees it; None where there is none."""
    value: Any = envelope
    for segment in path.removeprefix("$.").replace("[", ".").replace("]", "").split("."):
        if isinstance(value, dict) and segment in value:
            value = value[segment]
        elif isinstance(value, list) and segment.isdecimal() and int(segment) < len(value):
            value = value[int(segment)]
        else:
            return None
    match value:
        case str():
            return value
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer() and abs(value) < 2**53:
            return str(int(value))
        case int() | float():
            return str(value)
    return None
