"""What happens to entities beyond the events that are appended to them, and the names of their streams."""

from __future__ import annotations

from app.history.kinds.base import Fact


class EntityDeleted(Fact, frozen=True):
    """stream entity/<type>/<id>; the last entry there will be"""

    kind = "entity.deleted"
    reason: str = ""


FACTS: tuple[type[Fact], ...] = (EntityDeleted,)


def stream(type: str, id: str) -> str:
    return f"entity/{type}/{id}"


def entity_of(stream: str) -> tuple[str, str] | None:
    """Type and id of the entity whose stream it is; None for a stream of something else."""
    if not stream.startswith("entity/"):
        return None
    _, type, id = stream.split("/", 2)
    return type, id
