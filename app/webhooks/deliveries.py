"""Deliveries as they are read, and made an event again."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from app import texts
from app.clock import Clock
from app.errors import DeliveryNotFound, FailedPrecondition, InvalidArgument, SignatureRefused
from app.events import noun as event_noun
from app.history.committer import Command, Committer, Decision
from app.history.entry import Entry
from app.history.kinds import (
    DeliveryAccepted,
    DeliveryFailed,
    DeliveryHeld,
    DeliveryRejected,
    DeliveryReplayed,
    EventEmitted,
    Receipt,
    Verification,
)
from app.webhooks import content
from app.webhooks import descriptor as descriptors
from app.webhooks.ingest import Delivery, Ingest, Received, together
from app.webhooks.noun import ACCEPTED, REJECTED, STATUSES, delivery_stream, source_stream
from app.webhooks.source import existing
from app.webhooks.verification import Request, verify
from storage import history
from storage import webhooks as rows
from storage.contract import Storage, Transaction
from storage.webhooks import WebhookDeliveryRow, WebhookSourceRow

LIMIT_DEFAULT = 20
LIMIT_MAX = 200
DAY_US = 86_400_000_000
COUNTED_MAX = 10_000
"""Pages that show sources ask every few seconds."""


class Captured(msgspec.Struct, frozen=True):
    """A delivery with what it came with, the last time that it came. `cut` tells that the body is not all there."""

    row: WebhookDeliveryRow
    receipt: Receipt
    body: bytes
    cut: bool


class Activity(msgspec.Struct, frozen=True):
    """What came to a source of late: `failed` were refused, or no event could be made of them; unless `exact`, not all
    were counted. `last` is the newest delivery ever."""

    deliveries: int
    failed: int
    exact: bool
    last: WebhookDeliveryRow | None


class DeliveryPage(msgspec.Struct, frozen=True):
    """Newest first; `next_cursor` is empty at the end."""

    rows: Sequence[WebhookDeliveryRow]
    next_cursor: str


class Deliveries:
    def __init__(self, *, storage: Storage, committer: Committer, ingest: Ingest, clock: Clock) -> None:
        self._storage = storage
        self._committer = committer
        self._ingest = ingest
        self._clock = clock

    async def list(
        self,
        environment: str,
        *,
        source_id: str = "",
        status: str = "",
        limit: int = LIMIT_DEFAULT,
        cursor: str = "",
        offset: int = 0,
    ) -> DeliveryPage:
        """Raises InvalidArgument."""
        texts.check(source_id, field="source")
        if status and status not in STATUSES:
            raise InvalidArgument(f"status {status[:40]!r} is unknown", field="status", hint=", ".join(STATUSES))
        if not 1 <= limit <= LIMIT_MAX:
            raise InvalidArgument(f"limit {limit} is out of range", field="limit", hint=f"1 to {LIMIT_MAX}")
        if cursor and not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= 18):
            raise InvalidArgument(f"cursor {cursor[:40]!r} is not one that a list returned", field="cursor")
        before = int(cursor) if cursor else history.END

        def read(tx: Transaction) -> DeliveryPage:
            found = rows.deliveries(
                tx,
                environment,
                source_id=source_id,
                status=status,
                before=before,
                limit=limit + 1,
                offset=offset,
            )
            return DeliveryPage(found[:limit], str(found[limit - 1].begun_at) if len(found) > limit else "")

        return await self._storage.read(read)

    async def activity(self, environment: str, source_ids: Sequence[str]) -> Mapping[str, Activity]:
        """Of the last 24 hours, by source."""
        since = self._clock.now_us() - DAY_US

        def read(tx: Transaction) -> Mapping[str, Activity]:
            after = history.position_at(tx, since)
            counts = rows.delivery_counts(tx, environment, after=after, limit=COUNTED_MAX)
            exact = sum(count for count, _ in counts.values()) < COUNTED_MAX
            told = {}
            for id in source_ids:
                newest = rows.deliveries(tx, environment, source_id=id, limit=1)
                told[id] = Activity(*counts.get(id, (0, 0)), exact, newest[0] if newest else None)
            return told

        return await self._storage.read(read)

    async def count(self, environment: str, *, source_id: str = "", status: str = "") -> int:
        return await self._storage.read(
            lambda tx: rows.count_deliveries(tx, environment, source_id=source_id, status=status)
        )

    async def get(self, environment: str, delivery_id: str) -> Captured:
        """Raises DeliveryNotFound."""
        texts.check(delivery_id, field="delivery")
        found = await self._storage.read(lambda tx: _captured(tx, environment, delivery_id))
        if found is None:
            raise DeliveryNotFound(
                f"there is no delivery {delivery_id[:80]!r}",
                field="delivery",
                hint="`ironflow webhook deliveries` shows the newest",
            )
        return found

    async def replay(self, environment: str, delivery_id: str, *, actor: str = "") -> Received:
        """Make an event of what was delivered, as the source describes it now. What was refused then is verified again,
        as of when it came. Raises DeliveryNotFound, WebhookNotFound, FailedPrecondition where the body was not kept,
        SignatureRefused, and what an event is refused with."""
        captured = await self.get(environment, delivery_id)
        row = captured.row
        if captured.cut:
            raise FailedPrecondition(
                f"{delivery_id} cannot be replayed: {len(captured.body)} of its {row.body_bytes} bytes were kept",
                hint="have the sender deliver it again",
            )
        source = existing(await self._source(environment, row.source_id), row.source_id)
        request = Request(captured.receipt.headers, captured.body)
        verification = await self._verified(source, request, row) if row.status == REJECTED else None
        descriptor = descriptors.read(source.descriptor)
        read = content.read(request)
        external_id = content.external_id(descriptor, request.headers, read.value)
        delivery = Delivery(source, request, verification or captured.receipt.verification, external_id)
        prepared, name = self._ingest.prepared(delivery, read, delivery_id, replayed=True)
        where = delivery_stream(delivery_id)

        def decide(states: Mapping[str, Any], now: int) -> Decision:
            existing(states[source_stream(source.id)], source.id)
            fact = DeliveryReplayed(prepared.event_id, name, verification)
            drafts = together(where, fact, prepared, states, now, actor=actor)
            return Decision(drafts, Received(ACCEPTED, delivery_id, prepared.event_id, name))

        new = (prepared.stream, *prepared.runs)
        command = Command(environment, (source_stream(source.id), where), decide, new=new)
        received: Received = await self._committer.commit(command)
        return received

    async def _source(self, environment: str, source_id: str) -> WebhookSourceRow | None:
        return await self._storage.read(lambda tx: rows.source(tx, environment, source_id))

    async def _verified(self, source: WebhookSourceRow, request: Request, row: WebhookDeliveryRow) -> Verification:
        keys = await self._ingest.keys_of(source, now=self._clock.now_us())
        verification = verify(descriptors.read(source.descriptor), keys, request, now=row.received_at)
        if not verification.verified:
            raise SignatureRefused(f"{row.id} is refused still: {verification.reason}", hint="see the source's secret")
        return verification


def _captured(tx: Transaction, environment: str, delivery_id: str) -> Captured | None:
    row = rows.delivery(tx, environment, delivery_id)
    if row is None:
        return None
    for record in history.stream_backwards(tx, environment, delivery_stream(delivery_id)):
        fact = Entry(record).fact
        if isinstance(fact, DeliveryAccepted | DeliveryHeld | DeliveryFailed | DeliveryRejected):
            break
    else:
        raise AssertionError(f"delivery {delivery_id} has no entry that tells of its receipt")
    receipt = fact.receipt
    body = base64.b64decode(receipt.body) if receipt.in_base64 else receipt.body.encode()
    if isinstance(fact, DeliveryAccepted) and not receipt.body_kept:
        [event] = history.of_stream(tx, environment, event_noun.stream(fact.event_id), limit=1)
        emitted = Entry(event).fact
        assert isinstance(emitted, EventEmitted), f"{fact.event_id} is no event"
        body = bytes(emitted.data)
    return Captured(row, receipt, body, cut=len(body) < receipt.body_bytes)
