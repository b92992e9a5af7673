"""What happens to event schemas, and to how they are enforced."""

from __future__ import annotations

from app.history.kinds.base import Fact


class SchemaRegistered(Fact, frozen=True):
    """stream schema/<event name>/<version>; `schema` is the JSON text as it came"""

    kind = "schema.registered"
    event_name: str
    version: int
    schema: str
    description: str = ""
    reason: str = ""


class SchemaDeleted(Fact, frozen=True):
    """The version may be registered again, with another schema."""

    kind = "schema.deleted"
    event_name: str
    version: int
    reason: str = ""


class EnforcementSet(Fact, frozen=True):
    """stream enforcement/events; mode is off, warn or reject"""

    kind = "enforcement.set"
    mode: str


FACTS: tuple[type[Fact], ...] = (SchemaRegistered, SchemaDeleted, EnforcementSet)
