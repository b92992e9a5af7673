"""Topics: messages that are recorded and delivered, and start no function. A `message/<id>` stream holds one entry.

A message with an idempotency key has an id derived from topic and key, as events have: a repeat finds the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from app import ids, jsonvalue, patterns
from app.errors import IdempotencyConflict, InvalidArgument, TopicNotFound
from app.events.keys import check_key
from app.events.noun import fingerprint
from app.history.committer import Command, Committer, Decision
from app.history.entry import Draft, Entry
from app.history.kinds import TopicPublished
from app.ids import Ids
from app.runs import noun as run_noun
from storage import history, messages
from storage.contract import Storage, Transaction
from storage.records import MessageRow

TOPICS_MAX = 10_000
RESERVED = ("events:", "system.", "entity:", "public.")


def stream(message_id: str) -> str:
    return f"message/{message_id}"


class NewMessage(msgspec.Struct, frozen=True):
    """A message as it came in: `data` is a JSON text, not yet checked."""

    environment: str
    topic: str
    data: bytes
    idempotency_key: str = ""
    actor: str = ""
    run_id: str = ""


class Published(msgspec.Struct, frozen=True):
    """`sequence` is the position in history."""

    message_id: str
    sequence: int
    duplicate: bool = False


class TopicStats(msgspec.Struct, frozen=True):
    """`lag` is how many messages the slowest consumer has not seen; `first` and `last` are positions, 0 for none."""

    name: str
    messages: int
    consumers: int
    lag: int
    first: int
    last: int


class Message(msgspec.Struct):
    row: MessageRow
    fingerprint: bytes


class MessageNoun:
    prefix = "message"

    def apply(self, state: Message | None, entry: Entry) -> Message:
        fact = entry.fact
        assert isinstance(fact, TopicPublished), f"{entry} does not belong to a message"
        row = MessageRow(
            position=entry.position,
            id=fact.id,
            environment=entry.environment,
            topic=fact.topic,
            idempotency_key=fact.idempotency_key,
            run_id=fact.run_id,
            recorded_at=entry.recorded_at,
        )
        return Message(row, fingerprint(fact.topic, bytes(fact.data)) if fact.idempotency_key else b"")

    def changed_at(self, state: Message) -> int:
        return state.row.position

    def row(self, state: Message) -> MessageRow:
        return state.row

    def keep(self, state: Message) -> bool:
        return False

    def save(self, tx: Transaction, rows: Sequence[MessageRow]) -> None:
        messages.save(tx, rows)

    def clear(self, tx: Transaction) -> None:
        messages.clear(tx)

    def rows(self, tx: Transaction) -> Iterable[MessageRow]:
        return messages.everything(tx)


class Topics:
    def __init__(self, *, storage: Storage, committer: Committer, ids: Ids) -> None:
        self._storage = storage
        self._committer = committer
        self._ids = ids

    async def publish(self, message: NewMessage) -> Published:
        """Durable when it returns. Raises InvalidArgument, PayloadTooLarge, IdempotencyConflict."""
        command = self.command(message)
        known: MessageRow | None = await self._committer.commit(command)
        if known is not None:
            return Published(known.id, known.position, duplicate=True)
        [where] = command.streams or command.new
        [recorded] = await self._storage.read(lambda tx: history.of_stream(tx, message.environment, where, limit=1))
        return Published(where.partition("/")[2], recorded.position)

    async def list(self, environment: str) -> Sequence[tuple[str, int, int, int]]:
        """Topics by name, at most TOPICS_MAX: name, messages, instants (µs) of the first and the last."""
        return await self._storage.read(lambda tx: messages.topics(tx, environment, limit=TOPICS_MAX))

    async def stats(self, environment: str, topic: str, followed_to: Sequence[int]) -> TopicStats:
        """What a topic holds; `followed_to` are the positions of those who follow it. Raises InvalidArgument,
        TopicNotFound."""
        check_topic(topic)
        slowest = min(followed_to, default=history.END)
        count, first, last, behind = await self._storage.read(
            lambda tx: messages.stats(tx, environment, topic, after=slowest)
        )
        if not count and not followed_to:
            raise TopicNotFound(
                f"no topic {topic!r} in environment {environment!r}", hint="publish to it, or subscribe to it"
            )
        return TopicStats(topic, count, len(followed_to), behind, first, last)

    def command(self, message: NewMessage) -> Command:
        """What records the message; its answer is the row of the message that had the key before, or None. Raises as
        `publish` does."""
        check_topic(message.topic)
        jsonvalue.check(message.data, field="data")
        check_key(message.idempotency_key)
        key = message.idempotency_key
        message_id = ids.keyed("evt", message.environment, "topic", message.topic, key) if key else self._ids.event()
        where = stream(message_id)
        fact = TopicPublished(
            id=message_id,
            topic=message.topic,
            data=msgspec.Raw(message.data),
            idempotency_key=key,
            run_id=message.run_id,
        )
        cause = run_noun.stream(message.run_id) if message.run_id else ""
        draft = Draft(where, fact, cause, message_id, message.actor)

        def decide(states: Mapping[str, Any], now: int) -> Decision:
            known: Message | None = states[where] if key else None
            if known is None:
                return Decision((draft,))
            if known.fingerprint != fingerprint(message.topic, message.data):
                raise IdempotencyConflict(
                    f"idempotency key {key!r} was used for another message of topic {message.topic}",
                    field="idempotency_key",
                    hint="use a new key for new data, or send the same data again",
                )
            return Decision((), known.row)

        if key:
            return Command(message.environment, (where,), decide)
        return Command(message.environment, (), decide, new=(where,))


def check_topic(topic: str) -> None:
    """Returns for the bare name of a topic. Raises InvalidArgument."""
    for prefix in RESERVED:
        if topic.startswith(prefix):
            raise InvalidArgument(
                f"topic {topic[:80]!r} begins with {prefix}", field="topic", hint="such names belong to the system"
            )
    patterns.validate_name(topic, field="topic")
