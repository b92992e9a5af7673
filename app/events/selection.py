"""What a group gets: entries whose channel fits a pattern, and whose content fits a CEL filter.

Patterns and filters are those of subscriptions. A filter that does not fit an entry's data lets it not through; one
that would take too long does, because what a group is spared is not seen by anybody.
"""

from __future__ import annotations

import msgspec

from app.events.subscriptions import Filter
from app.history import channels
from app.history.entry import Entry
from app.history.interests import Ended
from app.history.kinds import EventEmitted, TopicPublished
from app.patterns import Pattern

_KINDS = {
    channels.EVENTS: EventEmitted.kind,
    channels.ENTITY: EventEmitted.kind,
    channels.TOPIC: TopicPublished.kind,
}


class Selection(msgspec.Struct, frozen=True):
    """`kinds` are those that can be meant; None for all."""

    patterns: tuple[Pattern, ...]
    kinds: frozenset[str] | None
    filter: Filter | None = None

    def takes(self, entry: Entry) -> bool:
        """Whether the entry is meant; its environment is not looked at."""
        if self.kinds is not None and entry.kind not in self.kinds:
            return False
        channel = channels.of(entry)
        if not any(pattern.fits(channel) for pattern in self.patterns):
            return False
        try:
            return self.filter is None or self.filter(entry)
        except Ended:
            return True


def selection(pattern: str, filter: str = "") -> Selection:
    """Raises InvalidArgument naming the field."""
    compiled = channels.compile(pattern)
    prefixes = {one.segments[0] for one in compiled}
    kinds = None if channels.SYSTEM in prefixes else frozenset(_KINDS[prefix] for prefix in prefixes)
    return Selection(compiled, kinds, Filter(filter) if filter else None)
