"""A subscription that names a consumer group: it is one more member of the group, and gets what the group gets."""

from __future__ import annotations

from app.errors import InvalidArgument
from app.events.group import ACK_MODES
from app.events.subscriptions import Wanted
from app.history import channels
from app.history.kinds import GroupSettings
from app.history.live import POLICIES


def check(wanted: Wanted, settings: GroupSettings, ack_mode: str = "") -> None:
    """Raises InvalidArgument where the subscription asks for anything but what the group gets: it would get too much,
    or leave the rest to nobody."""
    starts = {"replay": wanted.replay, "startAfterSequence": wanted.after is not None, "since": wanted.since}
    if given := [name for name, value in starts.items() if value]:
        raise InvalidArgument(
            f"{given[0]} cannot be said to a consumer group: it goes on where it is",
            field=given[0],
            hint="reset the group to begin elsewhere",
        )
    group = channels.canonical(settings.pattern)
    for pattern in filter(None, wanted.patterns):
        channels.compile(pattern)
        if channels.canonical(pattern) != group:
            raise InvalidArgument(
                f"the group gets {settings.pattern}, not {pattern[:80]}",
                field="pattern",
                hint=f"subscribe to {settings.pattern}, or make a group for the other",
            )
    if wanted.filter and wanted.filter != settings.filter:
        raise InvalidArgument(
            f"the group's filter is {settings.filter or 'empty'}",
            field="filter",
            hint="leave it out, or make a group with that filter",
        )
    if wanted.policy not in POLICIES:
        raise InvalidArgument(
            f"backpressure {wanted.policy[:40]!r} is unknown",
            field="backpressure",
            hint=f"one of {', '.join(POLICIES)}",
        )
    if ack_mode and ack_mode not in ACK_MODES:
        raise InvalidArgument(f"ack mode {ack_mode[:40]!r} is unknown", field="ackMode", hint=" or ".join(ACK_MODES))
