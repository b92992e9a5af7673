"""Subscriptions: what somebody wants to be told of as it happens, from where on, and what to do when they are slow.

Patterns choose channels (app/history/channels.py), a CEL filter chooses among their entries. Delivery is at least once
and in order: whoever resumes from the last position seen misses nothing. How it is delivered: app/history/live.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import msgspec

from app import clock, expressions
from app.clock import Clock
from app.errors import InvalidArgument
from app.events.deliveries import delivery
from app.expressions import EvaluationFailed, EvaluationTooCostly, Expression
from app.history import channels, live, moments, pages
from app.history.entry import Entry
from app.history.interests import Ended, Interest, anything
from app.history.kinds import EventEmitted, TopicPublished
from app.history.live import POLICIES, Live, Sees, Subscription
from app.history.subscriber import Subscriber
from app.patterns import Pattern
from app.runs.matching import Candidate
from storage import history
from storage.contract import Storage
from storage.records import EntryRecord

if TYPE_CHECKING:
    from app.cel import Budget

VARIABLES = frozenset(("data", "topic", "name", "timestamp", "metadata", "event"))
PATTERNS_MAX = 100
REPLAY_MAX = 10_000
REPLAY_SCANNED_MAX = 200_000
"""Positions looked at for the last events, at most: history has no index by channel."""
PAGE = 1_000

_KINDS = {
    channels.EVENTS: EventEmitted.kind,
    channels.ENTITY: EventEmitted.kind,
    channels.TOPIC: TopicPublished.kind,
}
_decode = msgspec.json.Decoder().decode


class Wanted(msgspec.Struct, frozen=True):
    """What a subscriber asks for. It begins after a position (`after`), or after a time or position (`since`: RFC 3339,
    `15m`), or with the last `replay` events; with none of them, now."""

    environment: str
    patterns: tuple[str, ...]
    filter: str = ""
    after: int | None = None
    since: str = ""
    replay: int = 0
    policy: str = "buffer"
    namespace: str = ""


class Subscriptions:
    def __init__(self, *, live: Live, storage: Storage, clock: Clock) -> None:
        self._live = live
        self._storage = storage
        self._clock = clock
        self._interests: WeakValueDictionary[tuple[str, tuple[str, ...], str], Interest] = WeakValueDictionary()

    async def open(self, wanted: Wanted, sees: Sees | None = None, *, by: Subscriber | None = None) -> Subscription:
        """To be closed when done with; without what `sees` is false for. `by` None is the server itself. Raises
        InvalidArgument, ResourceExhausted, StorageError."""
        _check(wanted)
        interest = self._interest(wanted)
        after = wanted.after
        if wanted.since:
            now = self._clock.now_us()
            after = await moments.position_of(self._storage, wanted.since, now=now, field="since")
        elif wanted.replay:
            try:
                after = await self._before_last(interest, wanted.replay)
            except Ended as ended:
                raise InvalidArgument(str(ended), field="filter", hint="make it simpler, or the data smaller") from None
        return self._live.subscribe(interest, after=after, policy=POLICIES[wanted.policy], sees=sees, by=by)

    def consumers(self, environment: str, topic: str) -> Sequence[Subscription]:
        """Subscriptions, on this node, that a message of the topic goes to; filters aside."""
        channel = (channels.TOPIC, *topic.split("."))
        return [one for one in self._live if one.interest.environment == environment and _lets(one.interest, channel)]

    def _interest(self, wanted: Wanted) -> Interest:
        """The same one for all who want the same."""
        key = (wanted.environment, tuple(sorted(map(channels.canonical, wanted.patterns))), wanted.filter)
        known = self._interests.get(key)
        if known is None:
            known = self._interests[key] = interest_of(wanted)
        return known

    async def _before_last(self, interest: Interest, count: int) -> int:
        """The position before the last `count` entries that hold, or before as many as were found."""
        before = self._live.head + 1
        lowest = 0 if interest.stream else max(0, before - REPLAY_SCANNED_MAX)
        start, left = before - 1, count
        while left > 0 and before > lowest + 1:
            after = lowest if interest.stream else max(lowest, before - pages.SPAN[1])
            page = await self._newest(interest, after=after, before=before)
            for entry in await live.matching(interest, map(Entry, page)):
                start, left = entry.position - 1, left - 1
                if not left:
                    break
            before = page[-1].position if len(page) == PAGE else after + 1
        return start

    async def _newest(self, interest: Interest, *, after: int, before: int) -> Sequence[EntryRecord]:
        return await self._storage.read(
            lambda tx: history.page(
                tx,
                interest.environment,
                stream=interest.stream,
                kinds=interest.kinds,
                after=after,
                before=before,
                backwards=True,
                limit=PAGE,
            )
        )


def interest_of(wanted: Wanted) -> Interest:
    """Raises InvalidArgument naming the pattern or the filter."""
    patterns = tuple(one for pattern in wanted.patterns for one in channels.compile(pattern))
    prefixes = {pattern.segments[0] for pattern in patterns}
    kinds = () if channels.SYSTEM in prefixes else tuple(sorted({_KINDS[prefix] for prefix in prefixes}))
    wants = Filter(wanted.filter) if wanted.filter else anything
    return Interest(
        wanted.environment,
        patterns=patterns,
        wants=wants,
        kinds=kinds,
        stream=_stream(patterns),
        costly=bool(wanted.filter),
        asked=wanted.patterns,
        filter=wanted.filter,
    )


class Filter:
    """A CEL expression over an entry. One that does not fit an entry's data lets it not through."""

    def __init__(self, text: str) -> None:
        """Raises InvalidArgument."""
        self._expression: Expression = expressions.compile(text, variables=VARIABLES, field="filter")
        self._needed = [(name, _VALUES[name]) for name in self._expression.reads]

    def __call__(self, entry: Entry) -> bool:
        """Raises Ended where it would take too long."""
        try:
            return self.lets(entry)
        except EvaluationTooCostly as error:
            raise Ended(
                f"the filter {error}, at position {entry.position}", code="INVALID_ARGUMENT", retrying=False
            ) from None

    def lets(self, entry: Entry, budget: Budget | None = None) -> bool:
        """The same, within a budget that tells what it cost. Raises EvaluationTooCostly."""
        try:
            values = {name: value(entry) for name, value in self._needed}
            return bool(self._expression.evaluate(values, budget=budget))
        except EvaluationTooCostly:
            raise
        except EvaluationFailed:
            return False


def _event(entry: Entry) -> Mapping[str, Any]:
    """The event as triggers see it. Raises EvaluationFailed for what is none."""
    if entry.kind != EventEmitted.kind:
        raise EvaluationFailed("that is no event")
    return Candidate(entry).envelope


_VALUES: dict[str, Callable[[Entry], Any]] = {
    "data": lambda entry: _decode(delivery(entry).data),
    "topic": lambda entry: channels.text(channels.of(entry)),
    "name": lambda entry: channels.name(channels.of(entry)),
    "timestamp": lambda entry: clock.rfc3339(entry.recorded_at),
    "metadata": lambda entry: _decode(entry.metadata),
    "event": _event,
}


def _check(wanted: Wanted) -> None:
    if not 1 <= len(wanted.patterns) <= PATTERNS_MAX:
        raise InvalidArgument(
            f"{len(wanted.patterns)} patterns are too {'many' if wanted.patterns else 'few'}",
            field="pattern",
            hint=f'1 to {PATTERNS_MAX}, such as "order.>"',
        )
    if wanted.namespace not in ("", "default"):
        raise InvalidArgument(
            f"namespace {wanted.namespace[:80]!r} is not there", field="namespace", hint="use an environment instead"
        )
    if not 0 <= wanted.replay <= REPLAY_MAX:
        raise InvalidArgument(
            f"replay {wanted.replay} is out of range", field="replay", hint=f"0 to {REPLAY_MAX}; for more, say since"
        )
    if wanted.after is not None and wanted.after < 0:
        raise InvalidArgument(f"after {wanted.after} is out of range", field="after", hint="a position; 0 is all")
    if wanted.policy not in POLICIES:
        raise InvalidArgument(
            f"backpressure {wanted.policy[:40]!r} is unknown",
            field="backpressure",
            hint=f"one of {', '.join(POLICIES)}",
        )
    starts = {"replay": wanted.replay, "after": wanted.after is not None, "since": wanted.since}
    given = [name for name, value in starts.items() if value]
    if len(given) > 1:
        raise InvalidArgument(f"{' and '.join(given)} exclude each other", field=given[0], hint="give one of them")


def _stream(patterns: Sequence[Pattern]) -> str:
    """The one stream that all such entries are in, where that is plain from the patterns; or ""."""
    if len(patterns) != 1:
        return ""
    prefix, *segments = patterns[0].segments
    if len(segments) < 3 or not {"*", ">"}.isdisjoint(segments[:2]):
        return ""
    if prefix == channels.ENTITY:
        return f"entity/{segments[0]}/{segments[1]}"
    return f"run/{segments[1]}" if (prefix, segments[0]) == (channels.SYSTEM, "run") else ""


def _lets(interest: Interest, channel: channels.Channel) -> bool:
    return any(pattern.fits(channel) for pattern in interest.patterns)
