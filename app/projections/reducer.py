"""A declared projection's reducer on states as they are stored: JSON in, JSON out."""

from __future__ import annotations

import msgspec

from app.history.kinds import ProjectionDefinition
from app.projections.feed import Delivered
from app.projections.rules import Rules, State

_decode = msgspec.json.Decoder(dict).decode


class Reducer:
    def __init__(self, definition: ProjectionDefinition) -> None:
        self._rules = Rules(definition.rules)
        self._initial = bytes(definition.initial)

    def initial(self) -> State:
        return _decode(self._initial)

    def apply(self, state: State, delivered: Delivered) -> State:
        """Raises ReducerFailed."""
        return self._rules.apply(state, delivered.envelope)

    def applied(self, state: bytes | None, delivered: Delivered) -> bytes:
        """The same, of a state that there may not be yet. Raises ReducerFailed."""
        before = _decode(state) if state is not None else self.initial()
        return msgspec.json.encode(self.apply(before, delivered))
