"""The secrets table, derived from history; beside it encrypted values, and the wrapped keys that encrypt them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from storage.contract import Row, Transaction
from storage.records import DataKeyRow, SecretRow, SecretValueRow

PAGE = 1_000


def save(tx: Transaction, rows: Sequence[SecretRow]) -> None:
    tx.each("save_secret", rows)


def remove(tx: Transaction, environment: str, name: str) -> None:
    tx.execute("remove_secret", environment=environment, name=name)


def get(tx: Transaction, environment: str, name: str) -> SecretRow | None:
    row = tx.one("secret_row", environment=environment, name=name)
    return SecretRow._make(row) if row else None


def of_environment(tx: Transaction, environment: str) -> Iterator[SecretRow]:
    """By name."""
    last = ""
    while rows := tx.many("secrets_of", environment=environment, after=last, limit=PAGE):
        yield from map(SecretRow._make, rows)
        last = rows[-1][1]


def clear(tx: Transaction) -> None:
    tx.execute("clear_secrets")


def everything(tx: Transaction) -> Iterator[SecretRow]:
    environment, last = "", ""
    while rows := tx.many("all_secrets", environment=environment, name=last, limit=PAGE):
        yield from map(SecretRow._make, rows)
        environment, last = rows[-1][0], rows[-1][1]


def add_value(tx: Transaction, row: SecretValueRow) -> None:
    tx.each("add_secret_value", [row])


def value(tx: Transaction, value_id: str) -> SecretValueRow | None:
    row = tx.one("secret_value", id=value_id)
    if row is None:
        return None
    value_id, environment, name, revision, nonce, ciphertext, created_at = row
    return SecretValueRow(value_id, environment, name, revision, bytes(nonce), bytes(ciphertext), created_at)


def remove_value(tx: Transaction, value_id: str) -> None:
    tx.execute("remove_secret_value", id=value_id)


def sweep_values(tx: Transaction, *, before: int, now: int) -> int:
    """Remove values older than `before` that no secret and no webhook source refers to, and those that stopped counting
    by `now`; how many there were."""
    return tx.execute("sweep_secret_values", before=before, now=now)


def add_data_key(tx: Transaction, row: DataKeyRow) -> None:
    """Nothing happens if the environment has one."""
    tx.each("add_data_key", [row])


def data_key(tx: Transaction, environment: str) -> DataKeyRow | None:
    row = tx.one("data_key", environment=environment)
    return _data_key(row) if row else None


def data_keys(tx: Transaction) -> list[DataKeyRow]:
    """Of every environment."""
    return [_data_key(row) for row in tx.many("all_data_keys")]


def rewrap(tx: Transaction, row: DataKeyRow) -> None:
    tx.execute(
        "rewrap_data_key", environment=row.environment, master_id=row.master_id, nonce=row.nonce, wrapped=row.wrapped
    )


def _data_key(row: Row) -> DataKeyRow:
    environment, master_id, nonce, wrapped, created_at = row
    return DataKeyRow(environment, master_id, bytes(nonce), bytes(wrapped), created_at)
