"""The nodes that serve a store: each keeps a row, whose `beat` goes up while it lives."""

from __future__ import annotations

from collections.abc import Sequence

from storage.contract import Transaction
from storage.records import NodeRow


def save(tx: Transaction, row: NodeRow) -> None:
    tx.execute("save_node", **row._asdict())


def everything(tx: Transaction) -> Sequence[NodeRow]:
    """The oldest first."""
    return [NodeRow._make(row) for row in tx.many("all_nodes")]


def remove(tx: Transaction, node_id: str) -> None:
    tx.execute("remove_node", id=node_id)
