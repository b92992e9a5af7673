"""The statements of a SQL projection: which one an event is for, and what its parameters are.

    insert into proj_totals (customer, total) values (:data.customerId, :data.total) on conflict …

A parameter is a path into the event: `:id`, `:name`, `:source`, `:version`, `:timestamp`, `:position`, `:entity_type`,
`:entity_id`, `:entity_version`, `:data`, `:data.items.0.sku`, `:metadata.traceId`. What is not there is null; objects
and lists are their JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from app import patterns, texts
from app.errors import InvalidArgument
from app.history.kinds.entity import entity_of
from app.history.kinds.projection import TableRules
from storage import queries
from storage.contract import QueryRefused, Scalar
from storage.tables import Design, Statement, design

if TYPE_CHECKING:
    from app.projections.feed import Delivered

HANDLERS_MAX = 100
SQL_CHARS_MAX = 20_000
FIELDS = (
    "id",
    "name",
    "source",
    "version",
    "timestamp",
    "position",
    "entity_type",
    "entity_id",
    "entity_version",
    "data",
    "metadata",
)

_PATH = r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_-]+)*"
_INT64 = 2**63


class Handler:
    """A statement with its parameters named `:p0`, `:p1`, …, in the order of `paths`."""

    def __init__(self, text: str, field: str) -> None:
        self.paths: list[str] = []
        self.sql = queries.rewritten(text, self._parameter, name=_PATH).rstrip().removesuffix(";")
        for path in self.paths:
            if path.partition(".")[0] not in FIELDS:
                hint = f":{', :'.join(FIELDS[:-2])}, :data.… or :metadata.…"
                raise InvalidArgument(f"an event has no {path[:80]!r}", field=field, hint=hint)

    @property
    def names(self) -> Sequence[str]:
        return [f"p{number}" for number in range(len(self.paths))]

    def statement(self, delivered: Delivered) -> Statement:
        """What it does for an event."""
        told = _told(delivered)
        values = {name: _scalar(_at(told, path)) for name, path in zip(self.names, self.paths, strict=True)}
        return Statement(delivered.position, self.sql, values)

    def _parameter(self, path: str) -> str:
        if path not in self.paths:
            self.paths.append(path)
        return f":p{self.paths.index(path)}"


class Statements:
    """Those of one projection."""

    def __init__(self, rules: TableRules) -> None:
        self.design = table_of(rules)
        self.handlers = {on: Handler(text, f"event_handlers.{on[:80]}") for on, text in rules.handlers.items()}
        self._patterns = [
            (patterns.compile(on, field="event_handlers"), on) for on in sorted(rules.handlers, key=_rank)
        ]
        self._chosen: dict[str, Handler | None] = {}

    def of(self, batch: Sequence[Delivered]) -> Sequence[Statement]:
        """What the events do, in order; some do nothing."""
        found = [(self.handler(one.fact.name), one) for one in batch]
        return [handler.statement(one) for handler, one in found if handler is not None]

    def handler(self, name: str) -> Handler | None:
        """The one of the event's very name; else that of the longest pattern that fits."""
        if name not in self._chosen:
            if len(self._chosen) > 10_000:
                self._chosen.clear()
            on = name if name in self.handlers else next((on for one, on in self._patterns if one.matches(name)), None)
            self._chosen[name] = None if on is None else self.handlers[on]
        return self._chosen[name]


def check(rules: TableRules, events: Sequence[str]) -> None:
    """Raises InvalidArgument for what the database need not be asked about."""
    if not 1 <= len(rules.handlers) <= HANDLERS_MAX:
        raise InvalidArgument(
            f"a SQL projection has 1 to {HANDLERS_MAX} handlers, not {len(rules.handlers)}",
            field="event_handlers",
            hint='such as {"order.placed": "insert into proj_orders (id) values (:data.id)"}',
        )
    handlers = [(text, f"event_handlers.{on[:80]}") for on, text in rules.handlers.items()]
    for text, field in ((rules.create, "table_sql"), *handlers):
        texts.check(text, field=field)
        if len(text) > SQL_CHARS_MAX:
            raise InvalidArgument(f"{field} is longer than {SQL_CHARS_MAX} characters", field=field)
    chosen = [patterns.compile(pattern, field="events") for pattern in events]
    for on in rules.handlers:
        if on not in events and not any(one.matches(on) for one in chosen):
            raise InvalidArgument(
                f"no event of the projection is for the handler of {on[:80]!r}", field="events", hint="add it"
            )
    Statements(rules)


def table_of(rules: TableRules) -> Design:
    """Raises InvalidArgument."""
    try:
        return design(rules.create)
    except QueryRefused as refused:
        raise InvalidArgument(str(refused), field="table_sql", hint=refused.hint) from None


def _rank(on: str) -> tuple[int, str]:
    return -len(on), on


def _told(delivered: Delivered) -> Mapping[str, Any]:
    entry = delivered.entry
    told = {**delivered.envelope, "position": entry.position}
    entity = entity_of(entry.stream)
    if entity is not None:
        told.update(entity_type=entity[0], entity_id=entity[1], entity_version=entry.version)
    return told


def _at(told: Any, path: str) -> Any:
    for key in path.split("."):
        if isinstance(told, dict):
            told = told.get(key)
        elif isinstance(told, list) and key.isdecimal() and int(key) < len(told):
            told = told[int(key)]
        else:
            return None
    return told


def _scalar(value: Any) -> Scalar:
    if isinstance(value, int) and not -_INT64 <= value < _INT64:
        return str(value)
    if isinstance(value, str):
        return value.replace("\0", "")
    if value is None or isinstance(value, bool | int | float):
        return value
    return msgspec.json.encode(value).decode().replace("\\u0000", "")
