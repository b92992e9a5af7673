"""A declared projection's reducer on states as they are stored: JSON in, JSON out."""

from __future__ import annotations

import msgspec

from app.history.kinds import ProjectionDefinition
from app.projections.feed import Delivered
from app.projections.rules import ReducerFailed, Rules, State

_decode = msgspec.json.Decoder(dict).decode


class Reducer:
    def __init__(self, definition: ProjectionDefinition) -> None:
        self._rules = Rules(definition.rules)
        self._initial = bytes(definition.initial)
        self._skips = definition.on_error == "skip"

    def initial(self) -> State:
        return _decode(self._initial)

    def apply(self, state: State, delivered: Delivered) -> State:
        """Raises ReducerFailed."""
        return self._rules.apply(state, delivered.envelope)

    def skipping(self, state: bytes | None, delivered: Delivered) -> bytes:
        """The state after an event, or as it was where the event was skipped, as it then was."""
        before = _decode(state) if state is not None else self.initial()
        try:
            return msgspec.json.encode(self.apply(before, delivered))
        except ReducerFailed:
            return msgspec.json.encode(before)
