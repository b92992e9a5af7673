"""What an entity may be called: its type is one word of a subject, its id any short text without spaces or slashes."""

from __future__ import annotations

from app import patterns, texts
from app.errors import InvalidArgument

ID_BYTES_MAX = 255


def check_type(type: str, *, field: str = "entity_type") -> None:
    """Raises InvalidArgument."""
    if "." in type or "/" in type:
        raise InvalidArgument(f"{field} {type[:80]!r} has a dot or a slash", field=field, hint='such as "order"')
    patterns.validate_name(type, field=field)


def check_id(id: str, *, field: str = "entity_id") -> None:
    """Raises InvalidArgument."""
    if not 1 <= len(id.encode("utf-8", "surrogatepass")) <= ID_BYTES_MAX:
        raise InvalidArgument(f"{field} {id[:80]!r} must have 1 to {ID_BYTES_MAX} bytes", field=field)
    if not id.isprintable() or " " in id:
        raise InvalidArgument(
            f"{field} {id[:80]!r} has a space or a control character", field=field, hint='such as "order-42"'
        )


def check_new_id(id: str, *, field: str = "entity_id") -> None:
    """For what is appended to: one that was made when this was not refused can be read and deleted. Raises
    InvalidArgument."""
    check_id(id, field=field)
    texts.segment(id, field=field)
