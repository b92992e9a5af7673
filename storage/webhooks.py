"""Sources of webhooks and their deliveries, for lists; what a delivery came with is in history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from storage import history
from storage.contract import Transaction

PAGE = 500
NAMESAKES_MAX = 10


class WebhookSourceRow(NamedTuple):
    """`descriptor` and `metadata` are JSON texts; the ids of secrets are those of secret_values, "" for none."""

    environment: str
    id: str
    name: str
    source_type: str
    event_prefix: str
    status: str
    descriptor: str
    schema_version: int
    metadata: str
    token_hash: str
    token_prefix: str
    secret_id: str
    secret_revision: int
    previous_secret_id: str
    previous_until: int
    created_at: int
    updated_at: int
    position: int


class WebhookDeliveryRow(NamedTuple):
    """`begun_at` is the position of its first entry, by which deliveries are listed."""

    environment: str
    id: str
    source_id: str
    external_id: str
    status: str
    signature_key: str
    event_id: str
    event_name: str
    code: str
    error: str
    body_bytes: int
    replays: int
    received_at: int
    updated_at: int
    begun_at: int
    position: int


def save_sources(tx: Transaction, rows: Sequence[WebhookSourceRow]) -> None:
    tx.each("save_webhook_source", rows)


def remove_source(tx: Transaction, environment: str, id: str) -> None:
    tx.execute("remove_webhook_source", environment=environment, id=id)


def source(tx: Transaction, environment: str, id: str) -> WebhookSourceRow | None:
    row = tx.one("webhook_source", environment=environment, id=id)
    return WebhookSourceRow._make(row) if row else None


def source_of_token(tx: Transaction, token_hash: str) -> WebhookSourceRow | None:
    """Of any environment."""
    row = tx.one("webhook_source_of_token", token_hash=token_hash)
    return WebhookSourceRow._make(row) if row else None


def sources_named(tx: Transaction, environment: str, name: str) -> list[WebhookSourceRow]:
    """In the order in which they were made, at most NAMESAKES_MAX."""
    rows = tx.many("webhook_sources_named", environment=environment, name=name, limit=NAMESAKES_MAX)
    return [WebhookSourceRow._make(row) for row in rows]


def sources_of(tx: Transaction, environment: str) -> Iterator[WebhookSourceRow]:
    """In the order in which they were made."""
    after = ""
    while rows := tx.many("webhook_sources_of", environment=environment, after=after, limit=PAGE):
        yield from map(WebhookSourceRow._make, rows)
        after = rows[-1][1]


def clear_sources(tx: Transaction) -> None:
    tx.execute("clear_webhook_sources")


def all_sources(tx: Transaction) -> Iterator[WebhookSourceRow]:
    environment, id = "", ""
    while rows := tx.many("all_webhook_sources", environment=environment, id=id, limit=PAGE):
        yield from map(WebhookSourceRow._make, rows)
        environment, id = rows[-1][:2]


def save_deliveries(tx: Transaction, rows: Sequence[WebhookDeliveryRow]) -> None:
    tx.each("save_webhook_delivery", rows)


def delivery(tx: Transaction, environment: str, id: str) -> WebhookDeliveryRow | None:
    row = tx.one("webhook_delivery", environment=environment, id=id)
    return WebhookDeliveryRow._make(row) if row else None


def deliveries(
    tx: Transaction,
    environment: str,
    *,
    source_id: str = "",
    status: str = "",
    before: int = history.END,
    limit: int,
    offset: int = 0,
) -> list[WebhookDeliveryRow]:
    """Newest first: those begun before a position; of any source and in any status unless one is given."""
    query = "webhook_deliveries_of" if source_id else "webhook_deliveries"
    rows = tx.many(
        query,
        environment=environment,
        status=status,
        before=before,
        limit=limit,
        offset=offset,
        **({"source_id": source_id} if source_id else {}),
    )
    return [WebhookDeliveryRow._make(row) for row in rows]


def delivery_counts(tx: Transaction, environment: str, *, after: int, limit: int) -> dict[str, tuple[int, int]]:
    """By source, of the newest `limit` deliveries begun after a position: how many, and of how many no event came."""
    rows = tx.many("webhook_delivery_counts", environment=environment, after=after, limit=limit)
    return {row[0]: (int(row[1]), int(row[2])) for row in rows}


def count_deliveries(tx: Transaction, environment: str, *, source_id: str = "", status: str = "") -> int:
    row = tx.one("count_webhook_deliveries", environment=environment, source_id=source_id, status=status)
    return int(row[0]) if row else 0


def clear_deliveries(tx: Transaction) -> None:
    tx.execute("clear_webhook_deliveries")


def all_deliveries(tx: Transaction) -> Iterator[WebhookDeliveryRow]:
    environment, id = "", ""
    while rows := tx.many("all_webhook_deliveries", environment=environment, id=id, limit=PAGE):
        yield from map(WebhookDeliveryRow._make, rows)
        environment, id = rows[-1][:2]
