"""Threads as a client knows them: which there are, which begin and end, and where they stop."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from app.debugger.dap.attaching import Attached
from app.debugger.dap.telling import Telling
from app.debugger.threads import Stop


class Threads:
    """Of one attached session. All that is told comes after the answer to the request that led to it."""

    def __init__(self, telling: Telling, attached: Callable[[], Attached]) -> None:
        self._telling = telling
        self._attached = attached
        self._branches: set[int] = set()

    def listed(self) -> Any:
        return {"threads": [{"id": one.id, "name": one.title} for one in self._attached().session.under_way()]}

    def began(self, number: int) -> None:
        self._tell("started", number)

    def stop(self, stop: Stop, *, own_sessions: bool) -> None:
        """One thread has come to rest. A fork is a session of its own, for clients that can have several."""
        attached = self._attached()
        if stop.forked and own_sessions:
            self._hand_over(attached, stop)
            return
        attached.thread = stop.thread
        attached.looking.forget()
        body = {
            "reason": stop.reason,
            "threadId": stop.thread.id,
            "allThreadsStopped": attached.present is None,
            "description": stop.text,
            **({"text": stop.text} if stop.reason == "exception" else {}),
            **({"hitBreakpointIds": list(stop.hits)} if stop.hits else {}),
        }
        if stop.thread.parent is not None and stop.thread.index == 0:
            self.began(stop.thread.id)
        self._tell_branches(attached)
        self._telling.later(lambda: self._telling.event("stopped", body))

    def _tell_branches(self, attached: Attached) -> None:
        """Those that are under way here and were not where one was before, and the other way round."""
        now = {one.id for one in attached.session.under_way() if one.branch}
        for number in sorted(self._branches - now):
            self._tell("exited", number)
        for number in sorted(now - self._branches):
            self.began(number)
        self._branches = now

    def _tell(self, reason: str, number: int) -> None:
        self._telling.later(partial(self._telling.event, "thread", {"reason": reason, "threadId": number}))

    def _hand_over(self, attached: Attached, stop: Stop) -> None:
        run_id = stop.thread.recording.run_id
        attached.session.forget(run_id)
        fork = {**attached.arguments, "runId": run_id, "at": "end", "name": stop.text}
        wanted = {"request": "attach", "configuration": {**fork, "type": "ironflow", "request": "attach"}}
        self._telling.later(lambda: self._telling.request("startDebugging", wanted))
