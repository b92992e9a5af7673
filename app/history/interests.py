"""Interests: which entries somebody wants, and who wants them.

Subscriptions with the same interest share it: an entry is matched once for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import msgspec

from app.history import channels
from app.history.entry import Entry
from app.patterns import Pattern, PatternIndex

S = TypeVar("S")

CHANNELS_MAX = 1_000


class Ended(Exception):
    """The subscription is over; the message says why, for the subscriber. `retrying`: it can be resumed."""

    def __init__(self, message: str, *, code: str = "UNAVAILABLE", retrying: bool = True) -> None:
        super().__init__(message)
        self.code = code
        self.retrying = retrying


def anything(entry: Entry) -> bool:
    return True


class Interest(msgspec.Struct, frozen=True, eq=False, weakref=True):
    """Which entries are wanted: those of one environment, in channels that a pattern fits or, if there are no patterns,
    in streams of these nouns; of them those for which `wants` holds. It may raise Ended. Where they can only be of
    certain kinds, or of one stream, `kinds` and `stream` say so; `costly` that `wants` takes its time. `asked` and
    `filter` are what people are shown of it."""

    environment: str
    nouns: tuple[str, ...] = ()
    wants: Callable[[Entry], bool] = anything
    patterns: tuple[Pattern, ...] = ()
    kinds: tuple[str, ...] = ()
    stream: str = ""
    costly: bool = False
    asked: tuple[str, ...] = ()
    filter: str = ""
    _fitting: dict[channels.Channel, bool] = msgspec.field(default_factory=dict)

    def holds(self, entry: Entry) -> bool:
        if entry.environment != self.environment:
            return False
        if self.patterns:
            return self._fits(channels.of(entry)) and (self.wants is anything or self.wants(entry))
        return _noun(entry) in self.nouns and self.wants(entry)

    def among(self, entries: Iterable[Entry]) -> list[Entry]:
        """Those of the entries that hold: the same, for many at once."""
        if not self.patterns or self.wants is not anything:
            return [entry for entry in entries if self.holds(entry)]
        found: list[Entry] = []
        last, fits = None, False  # one after the other mostly is in the same channel
        for entry in entries:
            channel = channels.of(entry)
            if channel is not last:
                last, fits = channel, self._fits(channel)
            if fits and entry.record.environment == self.environment:
                found.append(entry)
        return found

    def _fits(self, channel: channels.Channel) -> bool:
        """Whether a pattern fits the channel; remembered, since most entries are in a channel of the entry before."""
        known = self._fitting.get(channel)
        if known is None:
            if len(self._fitting) >= CHANNELS_MAX:
                self._fitting.clear()
            known = self._fitting[channel] = any(pattern.fits(channel) for pattern in self.patterns)
        return known


class Interests(Generic[S]):
    """Who is interested in what, found by an entry's channel or noun."""

    def __init__(self) -> None:
        self._subscriptions: dict[Interest, set[S]] = {}
        self._by_channel: dict[str, PatternIndex[Interest]] = {}
        self._by_noun: dict[tuple[str, str], set[Interest]] = {}

    def fitting(self, entry: Entry) -> list[tuple[Interest, set[S]]]:
        """Interests that the entry fits, but for what they want of it, and their subscriptions."""
        found = list(self._by_noun.get((entry.environment, _noun(entry)), ())) if self._by_noun else []
        index = self._by_channel.get(entry.environment)
        if index is not None:
            found += dict.fromkeys(index.fitting(channels.of(entry)))
        return [(interest, self._subscriptions[interest]) for interest in found]

    def any_in(self, environment: str, channel: channels.Channel) -> bool:
        """Whether there is one by whose patterns the channel is wanted."""
        index = self._by_channel.get(environment)
        return index is not None and bool(index.fitting(channel))

    def beginning(self, start: channels.Channel) -> list[tuple[str, Pattern]]:
        return [
            (interest.environment, pattern)
            for interest in self._subscriptions
            for pattern in interest.patterns
            if all(wanted in ("*", ">", segment) for wanted, segment in zip(pattern.segments, start, strict=False))
        ]

    def add(self, interest: Interest, subscription: S) -> None:
        if interest not in self._subscriptions:
            self._subscriptions[interest] = set()
            for noun in () if interest.patterns else interest.nouns:
                self._by_noun.setdefault((interest.environment, noun), set()).add(interest)
            for pattern in interest.patterns:
                self._by_channel.setdefault(interest.environment, PatternIndex()).add_compiled(pattern, interest)
        self._subscriptions[interest].add(subscription)

    def remove(self, interest: Interest, subscription: S) -> None:
        subscriptions = self._subscriptions.get(interest)
        if subscriptions is None:
            return
        subscriptions.discard(subscription)
        if subscriptions:
            return
        del self._subscriptions[interest]
        for noun in () if interest.patterns else interest.nouns:
            interested = self._by_noun[interest.environment, noun]
            interested.discard(interest)
            if not interested:
                del self._by_noun[interest.environment, noun]
        if interest.patterns:
            index = self._by_channel[interest.environment]
            for pattern in interest.patterns:
                index.remove_compiled(pattern, interest)
            if not index:
                del self._by_channel[interest.environment]


def _noun(entry: Entry) -> str:
    return entry.stream.partition("/")[0]
