"""What the code of a run tags it with: `ctx.tag("vip")`.

Recorded with what the execution reports next, as its lines are (see logger.py): in a step with its result, between
steps with the next step, wait or end, and not again by a replay. The server leaves out what there is no room for beside
the tags that people gave.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ironflow.body import current_body
from ironflow.tags import check, check_count

if TYPE_CHECKING:
    from ironflow.execution import Execution


class Tagger:
    """Tags the run of an execution; without one, as in a test that makes its own context, nothing."""

    __slots__ = ("_execution", "_given")

    def __init__(self, execution: Execution | None = None) -> None:
        self._execution = execution
        self._given: set[str] = set()

    def give(self, tags: tuple[Any, ...]) -> None:
        """Raises NonRetryableError for what is no tag, and for more than a run may have: the code would say the same
        when it is tried again."""
        check(tags)
        self._given.update(tags)
        check_count(self._given, "its run")
        execution = self._execution
        if execution is None:
            return
        body = current_body.get()
        if body is not None and body.run_id == execution.run_id:
            body.tag(tags)
        else:
            execution.tag(tags)
