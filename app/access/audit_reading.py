"""The audit, read from history: by action, caller, type, function, run and time, newest first, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import msgspec
from msgspec.structs import replace

from app import ids
from app.access import audit_event, irn
from app.access.audit import Audit
from app.access.audit_event import AUDITED, AuditEvent
from app.access.audit_noun import DECISIONS
from app.errors import InvalidArgument, RunNotFound
from app.history.entry import Entry
from storage import history, runs
from storage.contract import Storage, Transaction

LIMIT_MAX = 500
SCANNED_MAX = 200_000
"""Positions that one page looks at: it may be empty, and have a cursor all the same."""

_CHUNK = 500


class AuditFilter(msgspec.Struct, frozen=True):
    """Empty is anything; instants in µs. `action` is that of a decision, or a pattern of it, and leaves only decisions;
    so does `decisions`."""

    action: str = ""
    actor: str = ""
    event_type: str = ""
    function_id: str = ""
    run_id: str = ""
    since: int = 0
    until: int = 2**62
    resource: str = ""
    decisions: bool = False


class AuditPage(msgspec.Struct, frozen=True):
    """`cursor` is what to ask for the next page with, 0 if there is none."""

    events: Sequence[AuditEvent]
    cursor: int


class AuditReader:
    def __init__(self, storage: Storage, audit: Audit) -> None:
        self._storage = storage
        self._audit = audit

    async def page(self, environment: str, chosen: AuditFilter, *, cursor: int = 0, limit: int) -> AuditPage:
        """Events before the cursor, newest first, at most `limit`. Raises InvalidArgument, RunNotFound."""
        kinds = _kinds(chosen)
        if chosen.run_id and not ids.valid("run", chosen.run_id):
            raise RunNotFound(f"there is no run {chosen.run_id[:80]!r}", field="run_id")
        hidden = self._audit.settings(environment).redacted_fields
        return await self._storage.read(lambda tx: _page(tx, environment, chosen, kinds, cursor, limit, hidden))

    async def of_run(self, environment: str, run_id: str, chosen: AuditFilter, *, cursor: int, limit: int) -> AuditPage:
        """What happened to one run. Raises RunNotFound, InvalidArgument."""
        if not ids.valid("run", run_id) or not await self._storage.read(lambda tx: runs.get(tx, environment, run_id)):
            raise RunNotFound(f"there is no run {run_id[:80]!r}", hint="`ironflow run list` shows the newest")
        return await self.page(environment, replace(chosen, run_id=run_id), cursor=cursor, limit=limit)

    async def everything(self, environment: str, chosen: AuditFilter) -> AsyncIterator[AuditEvent]:
        """All of it, newest first, read page by page. Raises as `page` does."""
        cursor = 0
        while True:
            page = await self.page(environment, chosen, cursor=cursor, limit=LIMIT_MAX)
            for event in page.events:
                yield event
            if not page.cursor:
                return
            cursor = page.cursor


def _kinds(chosen: AuditFilter) -> frozenset[str]:
    if not chosen.event_type:
        return AUDITED
    kinds = audit_event.kinds_of(chosen.event_type)
    if not kinds:
        raise InvalidArgument(
            f"event_type {chosen.event_type[:80]!r} is unknown",
            field="event_type",
            hint="such as authz.denied, policy.changed, run.status_changed or step.completed",
        )
    return kinds


def _page(
    tx: Transaction,
    environment: str,
    chosen: AuditFilter,
    kinds: frozenset[str],
    cursor: int,
    limit: int,
    hidden: Sequence[str],
) -> AuditPage:
    high = history.head(tx)[0] + 1
    if chosen.until < 2**62:
        high = min(high, history.position_at(tx, chosen.until) + 1)
    first = history.position_at(tx, chosen.since - 1) + 1 if chosen.since else 1
    high = min(high, cursor) if cursor else high
    stream = f"run/{chosen.run_id}" if chosen.run_id else DECISIONS if chosen.action or chosen.decisions else ""
    low = first - 1 if stream else max(first - 1, high - 1 - SCANNED_MAX)
    functions: dict[str, str] = {}
    found: list[AuditEvent] = []
    while high > low + 1:
        records = history.page(
            tx,
            environment,
            stream=stream,
            kinds=tuple(kinds),
            actor=chosen.actor,
            after=low,
            before=high,
            backwards=True,
            limit=_CHUNK,
        )
        for record in records:
            entry = Entry(record)
            event = audit_event.told(entry, _function_of(tx, entry, functions), hidden=hidden)
            if not _fits(event, chosen):
                continue
            if len(found) == limit:
                return AuditPage(found, found[-1].position)
            found.append(event)
        if len(records) < _CHUNK:
            break
        high = records[-1].position
    return AuditPage(found, low + 1 if low >= first else 0)


def _fits(event: AuditEvent, chosen: AuditFilter) -> bool:
    return (
        (not chosen.action or fits_action(chosen.action, event.action))
        and chosen.resource in ("", event.resource)
        and chosen.function_id in ("", event.function_id)
        and chosen.event_type in ("", event.type, event.kind)
    )


def fits_action(pattern: str, action: str) -> bool:
    return irn.glob(pattern)(action)


def _function_of(tx: Transaction, entry: Entry, known: dict[str, str]) -> str:
    noun, _, run_id = entry.stream.partition("/")
    if noun != "run":
        return ""
    if run_id not in known:
        row = runs.get(tx, entry.environment, run_id)
        known[run_id] = row.function_id if row is not None else ""
    return known[run_id]
