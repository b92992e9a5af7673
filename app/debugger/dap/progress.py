"""Recordings that take long to come: what a client shows meanwhile, if it can."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator

from app.debugger.dap.telling import Telling
from app.debugger.recording import Around, Source
from ironflow.past import Record

AFTER_S = 1.0
EVERY_S = 0.25


class Reported(Around):
    """A source of which is told how many records have come, from a second on and a few times a second."""

    def __init__(self, source: Source, telling: Telling, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(source)
        self._telling = telling
        self._clock = clock
        self._ids = itertools.count(1)

    def records(self, run_id: str, *, after: int = 0) -> Iterator[Record]:
        began = told_at = self._clock()
        name = ""
        try:
            for count, record in enumerate(self._source.records(run_id, after=after), 1):
                now = self._clock()
                if not name and now - began >= AFTER_S:
                    name, told_at = f"history-{next(self._ids)}", now
                    self._tell("Start", name, count, title=f"History of {run_id}", cancellable=False)
                elif name and now - told_at >= EVERY_S:
                    told_at = now
                    self._tell("Update", name, count)
                yield record
        finally:
            if name:
                self._telling.event("progressEnd", {"progressId": name})

    def _tell(self, what: str, name: str, count: int, **more: object) -> None:
        self._telling.event(f"progress{what}", {"progressId": name, "message": f"{count:,} records", **more})
