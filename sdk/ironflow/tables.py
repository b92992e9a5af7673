"""Queries in SQL, and the tables that they answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ironflow.calls import TIMEOUT_S, Call, Json, Plan


@dataclass(frozen=True, slots=True)
class Table:
    """What a query answered; iterating gives each row as a dict. `truncated`: there was more than `max_rows`."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    truncated: bool = False

    def __iter__(self) -> Iterator[Json]:
        return (dict(zip(self.columns, row, strict=True)) for row in self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def sql(
    query: str, params: Mapping[str, Any] | None = None, *, timeout_ms: int = 5_000, max_rows: int = 1_000
) -> Plan[Table]:
    """What one SELECT over the views of `ironflow sql` answers: read-only, within this environment. `:name` in it
    stands for the parameter of that name. Raises InvalidArgument for what is refused, Timeout."""
    body = {"query": query, "params": dict(params or {}), "timeout_ms": timeout_ms, "max_rows": max_rows}
    answer = yield Call("POST", "/api/v1/sql", body=body, timeout_s=timeout_ms / 1000 + TIMEOUT_S)
    return Table(answer["columns"], answer["rows"], answer["truncated"])


def views() -> Plan[Sequence[Json]]:
    """What `sql` can be asked: `name`, `about` and `columns` of each view."""
    found: Sequence[Json] = (yield Call("GET", "/api/v1/sql", again=True))["views"]
    return found
