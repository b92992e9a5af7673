"""Reads of one question, which need no transaction: two statements less for what looks again and again."""

from __future__ import annotations

from typing import Any, cast

from storage.contract import Row, Transaction


def single(tx: Transaction) -> Transaction:
    """The same for one question: a second would not be of one snapshot with it, and raises AssertionError."""
    return cast("Transaction", _Single(tx))


class _Single:
    def __init__(self, tx: Transaction) -> None:
        self._tx: Transaction | None = tx

    def one(self, query: str, **params: Any) -> Row | None:
        return self._take().one(query, **params)

    def many(self, query: str, **params: Any) -> list[Row]:
        return self._take().many(query, **params)

    def _take(self) -> Transaction:
        tx, self._tx = self._tx, None
        assert tx is not None, "what asks more than once needs a snapshot: use `read`"
        return tx
