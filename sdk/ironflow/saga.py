"""Sagas: what undoes the steps of a run, newest first, when the run fails for good or is ended from outside.

Each compensation is a step of its own, `compensate:{step}`: recorded, so that it is not done again when the worker dies
meanwhile; tried again by its policy; and if it fails for good, recorded as failed while the others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ironflow.assignment import Recorded
from ironflow.attempts import StepRetry, Work, perform
from ironflow.errors import StepError
from ironflow.naming import misuse
from ironflow.reports import COMPENSATION

if TYPE_CHECKING:
    from ironflow.execution import Execution

PREFIX = "compensate:"
RETRY = StepRetry()


class Saga:
    """The compensations of one execution, in the order in which they were registered."""

    def __init__(self) -> None:
        self._registered: list[Work] = []

    def register(
        self,
        execution: Execution,
        step: str,
        fn: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        retry: StepRetry | None,
        limit_s: float | None,
    ) -> None:
        if not callable(fn):
            raise misuse(f"the compensation of {step!r} must be a function, not {fn!r}")
        step_id = execution.begin(f"{PREFIX}{step}" if isinstance(step, str) and step else step)
        work = Work(
            step_id=step_id,
            name=f"{PREFIX}{step}",
            fn=fn,
            args=args,
            kwargs=kwargs,
            limit_s=limit_s,
            retry=retry or RETRY,
            kind=COMPENSATION,
            compensation_for=step,
        )
        self._registered.append(work)

    async def compensate(self, execution: Execution) -> None:
        """Undo what is not undone yet. Those that fail are recorded."""
        for work in reversed(self._registered):
            if execution.recorded(work.step_id, COMPENSATION) is not None:
                continue
            try:
                await perform(execution, work)
            except StepError:  # it is recorded; one that cannot be undone does not keep the others from it
                continue


def undone_before(steps: Iterable[Recorded]) -> bool:
    """Whether an earlier execution of the run began to undo it: there is no way forward then."""
    return any(step.kind == COMPENSATION or (not step.kind and step.name.startswith(PREFIX)) for step in steps)
