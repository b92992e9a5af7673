"""Points of the past as people name them: a position of history, or a time, which is looked up to a position."""

from __future__ import annotations

from app import clock
from app.errors import InvalidArgument
from storage import history
from storage.contract import Storage

DIGITS_MAX = 18


async def position_of(storage: Storage, text: str, *, now: int, field: str = "at") -> int:
    """The position meant by one, by an RFC 3339 instant, or by one before now such as `15m`; history.END for "".
    Raises InvalidArgument."""
    if not text:
        return history.END
    if text.isdecimal() and text.isascii():
        if len(text) > DIGITS_MAX:
            raise InvalidArgument(f"{field} {text[:40]!r} is not in range", field=field, hint="a position or a time")
        position = int(text)
        head, _ = await storage.read(history.head)
        if position > head:
            raise InvalidArgument(
                f"{field} {position} has not happened yet", field=field, hint=f"history ends at position {head}"
            )
        return position
    try:
        instant = clock.parse_instant(text, now, field=field)
    except InvalidArgument as error:
        raise InvalidArgument(
            f"{error.message}, and no position", field=field, hint="such as 4711, 15m or 2026-01-31T12:00:00Z"
        ) from None
    return await storage.read(lambda tx: history.position_at(tx, instant))
