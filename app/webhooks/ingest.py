"""Ingestion: what is posted to a source's URL is verified, recorded, and made an event.

    token → source and its secrets → verified, byte for byte → read → one commit: delivery and event, with its runs

A delivery with an id that was accepted before is answered as then, and records nothing. One that is refused is recorded
too, with what was looked at, but not without end: whoever knows a URL, and no secret, cannot fill history.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import structlog

from app import ids, jsonvalue
from app.clock import Clock
from app.errors import IronflowError, PayloadTooLarge, SignatureRefused
from app.events.emit import Emitter
from app.events.new_event import NewEvent
from app.events.prepared import Prepared
from app.history.committer import Command, Committer, Decision
from app.history.entry import Draft
from app.history.kinds import (
    DeliveryAccepted,
    DeliveryFailed,
    DeliveryHeld,
    DeliveryRejected,
    Fact,
    Receipt,
    Verification,
)
from app.ids import Ids
from app.values.vault import Vault
from app.webhooks import content
from app.webhooks import descriptor as descriptors
from app.webhooks.content import Content
from app.webhooks.noun import ACCEPTED, HELD, PAUSED, delivery_stream, source_stream
from app.webhooks.source import existing, not_found
from app.webhooks.sources import hash_of
from app.webhooks.verification import Keys, Request, verify
from storage import secrets as values
from storage import webhooks as rows
from storage.contract import Storage, Transaction
from storage.records import SecretValueRow
from storage.webhooks import WebhookDeliveryRow, WebhookSourceRow

log = structlog.get_logger(__name__)

REJECTED_BYTES_KEPT = 64 * 2**10
REJECTED_A_MINUTE_MAX = 60
MINUTE_US = 60_000_000
HEADERS_MAX = 100
HEADER_CHARS_MAX = 2_000
REDACTED = "[redacted]"
_CREDENTIALS = frozenset(("authorization", "proxy-authorization", "cookie", "x-api-key"))


class Received(msgspec.Struct, frozen=True):
    """What became of a delivery. `challenge` is what the sender wants to be answered; nothing else is there then."""

    status: str = ""
    delivery_id: str = ""
    event_id: str = ""
    event_name: str = ""
    duplicate: bool = False
    challenge: str = ""


class Delivery(msgspec.Struct, frozen=True):
    """What is known of a delivery before it is recorded."""

    source: WebhookSourceRow
    request: Request
    verification: Verification
    external_id: str = ""

    @property
    def actor(self) -> str:
        return f"webhook:{self.source.id}"


class Ingest:
    def __init__(
        self, *, storage: Storage, committer: Committer, emitter: Emitter, vault: Vault, ids: Ids, clock: Clock
    ) -> None:
        self._storage = storage
        self._committer = committer
        self._emitter = emitter
        self._vault = vault
        self._ids = ids
        self._clock = clock
        self._rejected: dict[str, tuple[int, int]] = {}

    async def source_of(self, token: str, named: str) -> WebhookSourceRow:
        """The source with the token, which the URL names by id, name or type. Raises WebhookNotFound."""
        row = await self._storage.read(lambda tx: rows.source_of_token(tx, hash_of(token)))
        if row is None or named not in (row.id, row.name, row.source_type):
            raise not_found(named)
        return row

    async def receive(
        self, source: WebhookSourceRow, request: Request, *, verification: Verification | None = None
    ) -> Received:
        """`verification` was found before, where the request has its signature no more. Raises SignatureRefused, and
        what an emitted event is refused with; either is recorded."""
        descriptor = descriptors.read(source.descriptor)
        if verification is None:
            keys = await self.keys_of(source, now=self._clock.now_us())
            verification = verify(descriptor, keys, request, now=self._clock.now_us())
        delivery = Delivery(source, request, verification)
        if not delivery.verification.verified:
            refused = SignatureRefused(delivery.verification.reason, field=descriptor.signature_header)
            await self._reject(delivery, refused)
            raise refused
        try:
            read = content.read(request)
            if challenge := content.challenge(descriptor, read.value):
                return Received(challenge=challenge)
            delivery = _identified(delivery, content.external_id(descriptor, request.headers, read.value))
            delivery_id = self._id_of(delivery)
            prepared, name = self.prepared(delivery, read, delivery_id)
        except IronflowError as error:
            await self._fail(delivery, error)
            raise
        return await self._accept(delivery, delivery_id, read, prepared, name)

    async def refuse(self, source: WebhookSourceRow, headers: Mapping[str, str], error: PayloadTooLarge) -> None:
        """Record that something came that is too large to be read."""
        none = Verification("invalid")
        await self._reject(Delivery(source, Request(headers, b""), none), error)

    async def keys_of(self, source: WebhookSourceRow, *, now: int) -> Keys:
        """The secrets that count now. Raises FailedPrecondition without the master key."""
        previous_id = source.previous_secret_id if source.previous_until > now else ""

        def read(tx: Transaction) -> list[SecretValueRow | None]:
            return [values.value(tx, id) if id else None for id in (source.secret_id, previous_id)]

        current, previous = await self._storage.read(read)
        if source.secret_id and current is None:
            raise not_found(source.id)  # deleted, or rotated, this very moment
        return Keys(await self._key(source, current), await self._key(source, previous))

    def prepared(
        self, delivery: Delivery, read: Content, delivery_id: str, *, replayed: bool = False
    ) -> tuple[Prepared, str]:
        """The event of a delivery, and its name. Raises InvalidArgument, PayloadTooLarge, SchemaViolation."""
        source = delivery.source
        descriptor = descriptors.read(source.descriptor)
        name = content.event_name(source.event_prefix, descriptor, delivery.request.headers, read.value)
        origin = {"source": source.name, "source_id": source.id, "delivery_id": delivery_id}
        if delivery.external_id:
            origin["external_id"] = delivery.external_id
        metadata: dict[str, Any] = {**msgspec.json.decode(source.metadata), "webhook": origin}
        if replayed:
            metadata["webhook"]["replayed"] = True
        event = NewEvent(
            environment=source.environment,
            name=name or source.name,
            data=read.data,
            metadata=jsonvalue.encode(metadata, field="metadata"),
            version=source.schema_version,
            source="webhook",
            actor=delivery.actor,
        )
        return self._emitter.prepare(event), event.name

    async def _accept(
        self, delivery: Delivery, delivery_id: str, read: Content, prepared: Prepared, name: str
    ) -> Received:
        source, where = delivery.source, delivery_stream(delivery_id)
        receipt = self._receipt(delivery, kept=None if _is_data(delivery.request.body, read) else _ALL)

        def decide(states: Mapping[str, Any], now: int) -> Decision:
            there = existing(states[source_stream(source.id)], source.id)
            known: WebhookDeliveryRow | None = states[where]
            if known is not None and known.status in (ACCEPTED, HELD):
                told = Received(known.status, delivery_id, known.event_id, known.event_name, duplicate=True)
                return Decision((), told)
            if there.status == PAUSED:
                held = DeliveryHeld(self._receipt(delivery, kept=_ALL))
                return Decision([Draft(where, held, actor=delivery.actor)], Received(HELD, delivery_id))
            fact = DeliveryAccepted(receipt, prepared.event_id, name)
            drafts = together(where, fact, prepared, states, now, actor=delivery.actor)
            return Decision(drafts, Received(ACCEPTED, delivery_id, prepared.event_id, name))

        new = (prepared.stream, *prepared.runs)
        command = Command(source.environment, (source_stream(source.id), where), decide, new=new)
        received: Received = await self._committer.commit(command)
        return received

    async def _fail(self, delivery: Delivery, error: IronflowError) -> None:
        """Record why no event could be made of it; not over what was accepted before."""
        delivery_id = self._id_of(delivery)
        where = delivery_stream(delivery_id)
        fact = DeliveryFailed(self._receipt(delivery, kept=_ALL), error.code, error.message)

        def decide(states: Mapping[str, Any], now: int) -> Decision:
            known: WebhookDeliveryRow | None = states[where]
            if known is not None and known.status in (ACCEPTED, HELD):
                return Decision(())
            return Decision([Draft(where, fact, actor=delivery.actor)])

        await self._committer.commit(Command(delivery.source.environment, (where,), decide))
        error.hint = _hint(error.hint, delivery_id)

    async def _reject(self, delivery: Delivery, error: IronflowError) -> None:
        """Record that it was refused, unless that was recorded too often of late."""
        if not self._may_record(delivery.source.id):
            return
        delivery_id = self._ids.delivery()
        where = delivery_stream(delivery_id)
        fact = DeliveryRejected(self._receipt(delivery, kept=REJECTED_BYTES_KEPT), error.code, error.message)
        decision = Decision([Draft(where, fact)])
        await self._committer.commit(
            Command(delivery.source.environment, (), lambda states, now: decision, new=(where,))
        )
        error.hint = _hint(error.hint, delivery_id)

    def _may_record(self, source_id: str) -> bool:
        minute = self._clock.now_us() // MINUTE_US
        since, count = self._rejected.get(source_id, (minute, 0))
        count = count + 1 if since == minute else 1
        self._rejected[source_id] = (minute, count)
        if count == REJECTED_A_MINUTE_MAX + 1:
            log.warning("refused deliveries are not recorded for the rest of this minute", source=source_id)
        return count <= REJECTED_A_MINUTE_MAX

    def _id_of(self, delivery: Delivery) -> str:
        """The same for the same id of the same source."""
        if not delivery.external_id:
            return self._ids.delivery()
        return ids.keyed("whd", delivery.source.environment, delivery.source.id, delivery.external_id)

    def _receipt(self, delivery: Delivery, *, kept: int | None) -> Receipt:
        """What came, with so much of its body; None for: the event has it."""
        body = delivery.request.body
        told = b"" if kept is None else body[:kept]
        text, in_base64 = _text(told)
        return Receipt(
            source_id=delivery.source.id,
            verification=delivery.verification,
            external_id=delivery.external_id,
            headers=_headers(delivery.request.headers, self._vault.scrubber.text),
            body=text,
            in_base64=in_base64,
            body_bytes=len(body),
            body_kept=len(told),
        )

    async def _key(self, source: WebhookSourceRow, sealed: SecretValueRow | None) -> bytes | None:
        if sealed is None:
            return None
        return descriptors.secret_bytes(descriptors.read(source.descriptor), await self._vault.reveal(sealed))


def together(
    where: str, fact: Fact, prepared: Prepared, states: Mapping[str, Any], now: int, *, actor: str
) -> Sequence[Draft]:
    """What a delivery and the event of it record in one commit: first the delivery, which is the event's cause."""
    recorded = prepared.record(states, now)
    assert recorded is not None, "the event of a delivery claims nothing"
    emitted, *following = recorded.drafts
    delivered = Draft(where, fact, correlation=prepared.event_id, actor=actor)
    return [delivered, msgspec.structs.replace(emitted, causation=where), *following]


_ALL = 2**62


def _identified(delivery: Delivery, external_id: str) -> Delivery:
    return Delivery(delivery.source, delivery.request, delivery.verification, external_id)


def _is_data(body: bytes, read: Content) -> bool:
    """Whether the event's data are the body, byte for byte."""
    return read.data is body and body == body.strip()


def _text(body: bytes) -> tuple[str, bool]:
    """The bytes as text, or in base64 where they are none that every store holds."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return base64.b64encode(body).decode(), True
    return (base64.b64encode(body).decode(), True) if "\0" in text else (text, False)


def _headers(headers: Mapping[str, str], scrubbed: Callable[[str], str]) -> dict[str, str]:
    """Those that are kept: without credentials, and no value longer than HEADER_CHARS_MAX."""
    kept = list(headers.items())[:HEADERS_MAX]
    return {
        name[:HEADER_CHARS_MAX]: REDACTED if name in _CREDENTIALS else scrubbed(value[:HEADER_CHARS_MAX])
        for name, value in kept
    }


def _hint(hint: str, delivery_id: str) -> str:
    told = f"`ironflow webhook delivery {delivery_id}` shows what was looked at"
    return f"{hint}; {told}" if hint else told
