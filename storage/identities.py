"""Who may come in, one row each; what passwords are checked against; when keys were last used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from storage.contract import Transaction
from storage.records import IdentityRow, KeyUse

PAGE = 500


def save(tx: Transaction, rows: Sequence[IdentityRow]) -> None:
    tx.each("save_identity", rows)


def remove(tx: Transaction, org: str, noun: str, id: str) -> None:
    tx.execute("remove_identity", org=org, noun=noun, id=id)


def clear(tx: Transaction, noun: str) -> None:
    tx.execute("clear_identities", noun=noun)


def everything(tx: Transaction) -> Iterator[IdentityRow]:
    """In the order of organization, noun and id."""
    org, noun, id = "", "", ""
    while rows := tx.many("all_identities", org=org, noun=noun, id=id, limit=PAGE):
        yield from map(IdentityRow._make, rows)
        org, noun, id = rows[-1][:3]


def of_noun(tx: Transaction, noun: str) -> Iterator[IdentityRow]:
    """In the order of organization and id."""
    org, id = "", ""
    while rows := tx.many("identities_of_noun", org=org, noun=noun, id=id, limit=PAGE):
        yield from map(IdentityRow._make, rows)
        org, _, id = rows[-1][:3]


def save_password(tx: Transaction, user_id: str, hash: str, *, set_at: int) -> None:
    tx.execute("save_password", user_id=user_id, hash=hash, set_at=set_at)


def password(tx: Transaction, user_id: str) -> str:
    """What the user's password is checked against; "" if none is set."""
    row = tx.one("password", user_id=user_id)
    return str(row[0]) if row else ""


def remove_password(tx: Transaction, user_id: str) -> None:
    tx.execute("remove_password", user_id=user_id)


def save_uses(tx: Transaction, uses: Sequence[KeyUse]) -> None:
    """An earlier use than is known changes nothing."""
    tx.each("save_key_use", uses)


def uses(tx: Transaction) -> Iterator[KeyUse]:
    """In the order of the keys' ids."""
    after = ""
    while rows := tx.many("key_uses", after=after, limit=PAGE):
        yield from map(KeyUse._make, rows)
        after = rows[-1][0]
