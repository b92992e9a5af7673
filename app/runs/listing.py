"""What can be asked of a list of runs, and what a page of it is; orders.py reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from app import texts
from app.errors import InvalidArgument
from app.runs import tags
from app.runs.progress import Progress
from app.runs.state import STATUSES
from storage import runs
from storage.records import RunRow

LIMIT_DEFAULT = 50
LIMIT_MAX = 1_000
COUNT_MAX = 10_000


class RunFilter(msgspec.Struct, frozen=True):
    """`tags`: those that have all of them; `failure`: those that failed last with this fingerprint."""

    function_id: str = ""
    event_id: str = ""
    parent_run_id: str = ""
    failure: str = ""
    statuses: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    search: str = ""
    since: int = 0
    until: int = 2**62

    def told(self) -> runs.Chosen:
        """As the store takes it."""
        return {
            "function_id": self.function_id,
            "event_id": self.event_id,
            "parent_run_id": self.parent_run_id,
            "failure": self.failure,
            "statuses": self.statuses,
            "tags": self.tags,
            "search": self.search,
            "since": self.since,
            "until": self.until,
        }


Order = Literal["newest", "oldest", "longest", "shortest", "status"]
"""`longest` and `shortest` are for runs of one function that have ended: there is an index of these. By `status` they
stand in the sections of orders.py, each newest first."""


class RunPage(msgspec.Struct, frozen=True):
    """`total` counts no further than COUNT_MAX; `total_exact` tells whether it did not have to stop. `progress` by the
    run's id, of those who asked for it."""

    rows: Sequence[RunRow]
    progress: Mapping[str, Progress]
    next_cursor: str
    total: int
    total_exact: bool


def checked(chosen: RunFilter) -> None:
    """Raises InvalidArgument naming what cannot be asked for."""
    for name in ("function_id", "event_id", "parent_run_id", "failure", "search"):
        texts.check(getattr(chosen, name), field=name)
    if len(chosen.tags) > tags.TAGS_MAX:
        raise InvalidArgument(
            f"no run has {len(chosen.tags)} tags", field="tag", hint=f"ask for at most {tags.TAGS_MAX} at once"
        )
    for tag in chosen.tags:
        texts.check(tag, field="tag")
    for status in chosen.statuses:
        if status not in STATUSES:
            raise InvalidArgument(f"status {status!r} is unknown", field="status", hint=f"one of {', '.join(STATUSES)}")
