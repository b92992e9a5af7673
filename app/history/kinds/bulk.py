"""One thing that is done to many runs, bit by bit."""

from __future__ import annotations

import msgspec

from app.history.kinds.base import Fact
from app.history.kinds.run import Asked


class BulkFilter(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which runs, as a list of runs is filtered; instants in µs."""

    function_id: str = ""
    event_id: str = ""
    parent_run_id: str = ""
    failure: str = ""
    statuses: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    search: str = ""
    since: int = 0
    until: int = 2**62


class BulkStarted(Fact, frozen=True):
    """stream bulk/<id>, as are all that follow. The runs that fit the filter, or those named, from the newest to the
    oldest; `total` is how many there were. Of the rest each verb takes what concerns it. `per_second`: no more than so
    many, 0 for as fast as it goes. `org`: the organization that whoever started it acted in."""

    kind = "bulk.started"
    verb: str
    total: int
    filter: BulkFilter | None = None
    run_ids: tuple[str, ...] = ()
    reason: str = ""
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    compensate: bool = False
    detached: bool = False
    per_second: int = 0
    org: str = ""
    asked: Asked | None = None


class BulkRefusal(msgspec.Struct, frozen=True):
    """Why it was not done to a run."""

    run_id: str
    code: str
    message: str


class BulkAdvanced(Fact, frozen=True):
    """Recorded together with what was done to these runs. `until` is the last one that was looked at, the oldest;
    `made` has the new runs, by the id of that which they were made of."""

    kind = "bulk.advanced"
    until: str
    changed: tuple[str, ...] = ()
    refused: tuple[BulkRefusal, ...] = ()
    made: dict[str, str] = msgspec.field(default_factory=dict)


class BulkCompleted(Fact, frozen=True):
    """There are no more."""

    kind = "bulk.completed"


class BulkStopped(Fact, frozen=True):
    """The rest stay as they are."""

    kind = "bulk.stopped"
    reason: str = ""


FACTS: tuple[type[Fact], ...] = (BulkStarted, BulkAdvanced, BulkCompleted, BulkStopped)
