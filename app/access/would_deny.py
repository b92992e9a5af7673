"""How often each policy would have denied, had it been enforced for everybody: counted from what the audit recorded, so
of every node and across restarts."""

from __future__ import annotations

import msgspec

from app.access.audit_noun import DECISIONS
from app.history.entry import Entry
from app.history.kinds import AuthzSuppressed, AuthzWouldDeny
from storage import history
from storage.contract import Storage, Transaction

ENTRIES_MAX = 20_000
_PAGE = 1_000


class Counted(msgspec.Struct):
    """Of one policy, by its id: the requests, who made them, and when the last was recorded."""

    policy: str
    count: int = 0
    actors: set[str] = msgspec.field(default_factory=set)
    last_at: int = 0


class WouldDeny(msgspec.Struct, frozen=True):
    """`suppressed` decisions, of any kind, were too many to be told one by one. Not `whole`: there were more entries
    than are looked at, and the counts are of the newest."""

    policies: list[Counted]
    suppressed: int
    whole: bool


async def since(storage: Storage, environment: str, instant: int) -> WouldDeny:
    """What was recorded in the environment from an instant (µs) on, the most frequent first."""
    return await storage.read(lambda tx: _since(tx, environment, instant))


def _since(tx: Transaction, environment: str, instant: int) -> WouldDeny:
    found: dict[str, Counted] = {}
    suppressed, seen, before, within = 0, 0, history.END, True
    while within and seen < ENTRIES_MAX:
        page = history.of_stream_backwards(tx, environment, DECISIONS, before_version=before, limit=_PAGE)
        for record in page:
            within = record.recorded_at >= instant
            if not within:
                break
            if record.kind == AuthzWouldDeny.kind:
                _count(found, Entry(record))
            elif record.kind == AuthzSuppressed.kind:
                suppressed += _told(Entry(record))
        seen += len(page)
        if len(page) < _PAGE:
            within = False
        else:
            before = page[-1].version
    counted = sorted(found.values(), key=lambda one: (-one.count, one.policy))
    return WouldDeny(counted, suppressed, not within)


def _count(found: dict[str, Counted], entry: Entry) -> None:
    fact = entry.fact
    assert isinstance(fact, AuthzWouldDeny)
    one = found.setdefault(fact.policy, Counted(fact.policy))
    one.count += fact.count
    one.actors.add(entry.actor)
    one.last_at = max(one.last_at, entry.recorded_at)


def _told(entry: Entry) -> int:
    fact = entry.fact
    assert isinstance(fact, AuthzSuppressed)
    return fact.count
