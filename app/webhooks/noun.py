"""Webhook sources and deliveries as nouns of history: `webhook/<source id>` and `delivery/<delivery id>`.

source:    active ⇄ paused, either → deleted

delivery:  rejected ─┐ (the signature was refused)
           failed ───┤ (verified, and no event could be made of it)      replayed
           held ─────┴──────────────────────────────────────► accepted ⟲ replayed
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from app.history.entry import Entry
from app.history.kinds import (
    DeliveryAccepted,
    DeliveryFailed,
    DeliveryHeld,
    DeliveryRejected,
    DeliveryReplayed,
    Receipt,
    WebhookCreated,
    WebhookDeleted,
    WebhookPaused,
    WebhookResumed,
    WebhookSecretExpired,
    WebhookSecretRotated,
    WebhookTokenRotated,
    WebhookUpdated,
)
from app.webhooks.descriptor import told
from storage import webhooks
from storage.contract import Transaction
from storage.webhooks import WebhookDeliveryRow, WebhookSourceRow

ACTIVE, PAUSED, DELETED = "active", "paused", "deleted"
ACCEPTED, HELD, FAILED, REJECTED = "accepted", "held", "failed", "rejected"
STATUSES = (ACCEPTED, HELD, FAILED, REJECTED)


def source_stream(source_id: str) -> str:
    return f"webhook/{source_id}"


def delivery_stream(delivery_id: str) -> str:
    return f"delivery/{delivery_id}"


class SourceNoun:
    """The state is the row; a deleted one has none."""

    prefix = "webhook"

    def apply(self, state: WebhookSourceRow | None, entry: Entry) -> WebhookSourceRow:
        changed: dict[str, Any]
        match entry.fact:
            case WebhookCreated() as fact:
                return _created(fact, entry)
            case WebhookUpdated() as fact:
                changed = {
                    "name": fact.name,
                    "source_type": fact.source_type,
                    "event_prefix": fact.event_prefix,
                    "descriptor": told(fact.descriptor),
                    "schema_version": fact.schema_version,
                    "metadata": bytes(fact.metadata).decode(),
                }
            case WebhookPaused():
                changed = {"status": PAUSED}
            case WebhookResumed():
                changed = {"status": ACTIVE}
            case WebhookSecretRotated() as fact:
                assert state is not None, f"{entry} is of no source"
                changed = {
                    "secret_id": fact.secret_id,
                    "secret_revision": fact.secret_revision or state.secret_revision,
                    "previous_secret_id": state.secret_id if fact.previous_until else "",
                    "previous_until": fact.previous_until,
                }
            case WebhookSecretExpired():
                changed = {"previous_secret_id": "", "previous_until": 0}
            case WebhookTokenRotated() as fact:
                changed = {"token_hash": fact.token_hash, "token_prefix": fact.token_prefix}
            case WebhookDeleted():
                changed = {"status": DELETED}
            case _:
                raise AssertionError(f"{entry} does not belong to a webhook source")
        assert state is not None, f"{entry} is of no source"
        return state._replace(**changed, updated_at=entry.recorded_at, position=entry.position)

    def changed_at(self, state: WebhookSourceRow) -> int:
        return state.position

    def row(self, state: WebhookSourceRow) -> WebhookSourceRow:
        return state

    def keep(self, state: WebhookSourceRow) -> bool:
        return state.status != DELETED

    def save(self, tx: Transaction, rows: Sequence[WebhookSourceRow]) -> None:
        for row in rows:
            if row.status == DELETED:
                webhooks.remove_source(tx, row.environment, row.id)
        webhooks.save_sources(tx, [row for row in rows if row.status != DELETED])

    def clear(self, tx: Transaction) -> None:
        webhooks.clear_sources(tx)

    def rows(self, tx: Transaction) -> Iterable[WebhookSourceRow]:
        return webhooks.all_sources(tx)


class DeliveryNoun:
    """The state is the row."""

    prefix = "delivery"

    def apply(self, state: WebhookDeliveryRow | None, entry: Entry) -> WebhookDeliveryRow:
        match entry.fact:
            case DeliveryAccepted() as fact:
                row = _received(state, entry, fact.receipt)
                return row._replace(status=ACCEPTED, event_id=fact.event_id, event_name=fact.event_name)
            case DeliveryHeld() as fact:
                return _received(state, entry, fact.receipt)._replace(status=HELD)
            case DeliveryFailed() as fact:
                return _received(state, entry, fact.receipt)._replace(status=FAILED, code=fact.code, error=fact.error)
            case DeliveryRejected() as fact:
                return _received(state, entry, fact.receipt)._replace(status=REJECTED, code=fact.code, error=fact.error)
            case DeliveryReplayed() as fact:
                assert state is not None, f"{entry} is of no delivery"
                return state._replace(
                    status=ACCEPTED,
                    signature_key=fact.verification.key if fact.verification else state.signature_key,
                    event_id=fact.event_id,
                    event_name=fact.event_name,
                    code="",
                    error="",
                    replays=state.replays + 1,
                    updated_at=entry.recorded_at,
                    position=entry.position,
                )
            case _:
                raise AssertionError(f"{entry} does not belong to a delivery")

    def changed_at(self, state: WebhookDeliveryRow) -> int:
        return state.position

    def row(self, state: WebhookDeliveryRow) -> WebhookDeliveryRow:
        return state

    def keep(self, state: WebhookDeliveryRow) -> bool:
        return False

    def save(self, tx: Transaction, rows: Sequence[WebhookDeliveryRow]) -> None:
        webhooks.save_deliveries(tx, rows)

    def clear(self, tx: Transaction) -> None:
        webhooks.clear_deliveries(tx)

    def rows(self, tx: Transaction) -> Iterable[WebhookDeliveryRow]:
        return webhooks.all_deliveries(tx)


def _created(fact: WebhookCreated, entry: Entry) -> WebhookSourceRow:
    return WebhookSourceRow(
        environment=entry.environment,
        id=entry.stream.partition("/")[2],
        name=fact.name,
        source_type=fact.source_type,
        event_prefix=fact.event_prefix,
        status=ACTIVE,
        descriptor=told(fact.descriptor),
        schema_version=fact.schema_version,
        metadata=bytes(fact.metadata).decode(),
        token_hash=fact.token_hash,
        token_prefix=fact.token_prefix,
        secret_id=fact.secret_id,
        secret_revision=fact.secret_revision,
        previous_secret_id="",
        previous_until=0,
        created_at=entry.recorded_at,
        updated_at=entry.recorded_at,
        position=entry.position,
    )


def _received(state: WebhookDeliveryRow | None, entry: Entry, receipt: Receipt) -> WebhookDeliveryRow:
    """The row of what came; where it came before, and no event was made of it, in the place of the first time."""
    return WebhookDeliveryRow(
        environment=entry.environment,
        id=entry.stream.partition("/")[2],
        source_id=receipt.source_id,
        external_id=receipt.external_id,
        status="",
        signature_key=receipt.verification.key,
        event_id="",
        event_name="",
        code="",
        error="",
        body_bytes=receipt.body_bytes,
        replays=0,
        received_at=state.received_at if state else entry.recorded_at,
        updated_at=entry.recorded_at,
        begun_at=state.begun_at if state else entry.position,
        position=entry.position,
    )
