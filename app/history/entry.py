"""An entry of history, and a draft of one. Between them lies the committer."""

from __future__ import annotations

from typing import Any

import msgspec

from app.history import kinds
from app.history.kinds import Fact
from storage.records import EntryRecord


class Draft(msgspec.Struct, frozen=True):
    """A fact that `decide` wants recorded in a stream. Empty correlation means the stream's own cause begins here."""

    stream: str
    fact: Fact
    causation: str = ""
    correlation: str = ""
    actor: str = ""
    metadata: str = "{}"


def through(via: str) -> str:
    """The metadata of a draft whose actor acts through something, such as `dap/vscode`."""
    return msgspec.json.encode({"via": via}).decode() if via else "{}"


class Entry:
    """One recorded fact, with its place in history. `data` is its JSON, `fact` the same, decoded when asked for.
    `channel` is kept here by app/history/channels.py once it was asked for."""

    __slots__ = ("_data", "_fact", "channel", "kind", "record")

    def __init__(self, record: EntryRecord, fact: Fact | None = None, data: bytes | None = None) -> None:
        self.record = record
        self.kind = record.kind  # every follower asks for it
        self.channel: tuple[str, ...] | None = None
        self._fact = fact
        self._data = data

    @property
    def position(self) -> int:
        return self.record.position

    @property
    def environment(self) -> str:
        return self.record.environment

    @property
    def stream(self) -> str:
        return self.record.stream

    @property
    def version(self) -> int:
        return self.record.version

    @property
    def data(self) -> bytes:
        return self.record.data.encode() if self._data is None else self._data

    @property
    def metadata(self) -> bytes:
        return self.record.metadata.encode()

    @property
    def via(self) -> str:
        """What its actor acted through, "" if that is not told."""
        if self.record.metadata == "{}":
            return ""
        told: Any = msgspec.json.decode(self.record.metadata)
        return str(told.get("via", "")) if isinstance(told, dict) else ""

    @property
    def actor(self) -> str:
        return self.record.actor

    @property
    def correlation(self) -> str:
        return self.record.correlation

    @property
    def causation(self) -> str:
        return self.record.causation

    @property
    def recorded_at(self) -> int:
        return self.record.recorded_at

    @property
    def fact(self) -> Fact:
        if self._fact is None:
            self._fact = kinds.decode(self.record.kind, self.record.data)
        return self._fact

    def __repr__(self) -> str:
        return f"<entry {self.position} {self.environment} {self.stream}#{self.version} {self.kind}>"
