"""A declared projection's reducer, and its states as they are stored."""

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

    def taken(self, stored: bytes | None) -> State:
        """A state as it is stored; the initial one if there is none yet."""
        return _decode(stored) if stored is not None else self.initial()

    def apply(self, state: State, delivered: Delivered) -> State:
        """Raises ReducerFailed."""
        return self._rules.apply(state, delivered.envelope)
