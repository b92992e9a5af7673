"""Branches of a run that go on side by side, each with step ids of its own, a bounded number at a time.

Once a branch has failed under `fail_fast` no more are begun. Those that run a step go on until they end or wait; when
all that are left wait, they are given up; then the first failure is raised, by index. That is so at the first rest at
which it holds, whatever else the run could be given: a replay, which has more to give, comes to it in the same place.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from ironflow.body import SegmentEnded, check_not_nested, interrupted
from ironflow.naming import Scope, check_name, current_scope, escape, misuse

if TYPE_CHECKING:
    from ironflow.execution import Execution

OnError = Literal["fail_fast", "collect"]

Branch = Callable[[], Any]

THREADS_MAX = 32


class Outcomes:
    """Results and errors by index, and whether it is worth going on."""

    def __init__(self, count: int, on_error: OnError) -> None:
        self.results: list[Any] = [None] * count
        self.errors: dict[int, BaseException] = {}
        self.given_up = False
        self._collects = on_error == "collect"

    @property
    def failed(self) -> bool:
        return bool(self.errors) and not self._collects

    def final(self) -> list[Any]:
        """The results in order, errors in their places under `collect`. Raises the first error else."""
        if self.failed:
            raise self.errors[min(self.errors)]
        for index, error in self.errors.items():
            self.results[index] = error
        return self.results


def check(execution: Execution, name: str, concurrency: int | None, on_error: str) -> None:
    """Raises NonRetryableError for what makes no sense, and SegmentEnded when no step must be taken any more."""
    check_name(name)
    check_not_nested(execution.run_id, name)
    if concurrency is not None and (type(concurrency) is not int or concurrency < 1):
        raise misuse(f"{name!r}: concurrency must be 1 or more, not {concurrency!r}")
    if on_error not in ("fail_fast", "collect"):
        raise misuse(f"{name!r}: on_error is 'fail_fast' or 'collect', not {on_error!r}")
    if execution.scope.closed:
        raise SegmentEnded


def bound(branch: Any, step: Any) -> Branch:
    """The branch as something to call: it may be a coroutine, or a function that takes nothing or the steps."""
    if inspect.isawaitable(branch):
        return lambda: branch
    if not callable(branch):
        raise misuse(f"a branch is a function or a coroutine, not {branch!r}")
    try:
        inspect.signature(branch).bind()
    except TypeError:
        return applied(branch, step)
    except ValueError:  # built in, with no signature to check
        pass
    called: Branch = branch
    return called


def applied(fn: Callable[[Any], Any], item: Any) -> Branch:
    return lambda: fn(item)


async def side_by_side(
    execution: Execution, name: str, branches: Sequence[Branch], concurrency: int | None, on_error: OnError
) -> list[Any]:
    scope = execution.scope
    outcomes = Outcomes(len(branches), on_error)
    ahead = iter(enumerate(branches))
    tasks = [
        asyncio.ensure_future(_work(execution, scope, name, ahead, outcomes))
        for _ in range(min(len(branches), concurrency or len(branches)))
    ]
    inside = f"{scope.prefix}:{escape(name)}:"

    def give_up() -> bool:
        """At rest, so whatever takes no step waits. Once: what a branch cleans up with is not to be interrupted."""
        if not outcomes.failed or outcomes.given_up or any(step_id.startswith(inside) for step_id in execution.taken):
            return False
        outcomes.given_up = True
        return sum(task.cancel() for task in tasks) > 0

    execution.at_rest.append(give_up)
    try:
        if tasks:
            await asyncio.wait(tasks)
    finally:
        execution.at_rest.remove(give_up)
        left = [task for task in tasks if not task.done()]
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)
    for task in tasks:
        if not task.cancelled():
            task.result()
        elif not outcomes.failed:
            raise SegmentEnded
    return outcomes.final()


async def _work(
    execution: Execution, scope: Scope, name: str, ahead: Iterator[tuple[int, Branch]], outcomes: Outcomes
) -> None:
    for index, branch in ahead:
        current_scope.set(scope.branch(name, index))
        try:
            result = branch()
            if inspect.isawaitable(result):
                result = await result
            outcomes.results[index] = result
        except BaseException as error:
            if interrupted(error):
                raise
            outcomes.errors[index] = error
            execution.stir()
        if outcomes.failed:
            return


def side_by_side_in_threads(
    execution: Execution, name: str, branches: Sequence[Branch], concurrency: int | None, on_error: OnError
) -> list[Any]:
    """As `side_by_side`, each branch in a thread; raises SegmentEnded when all have ended or wait, and one waits."""
    scope = execution.scope
    outcomes = Outcomes(len(branches), on_error)
    ahead = iter(enumerate(branches))
    lock = threading.Lock()
    waiting: list[Scope] = []

    def work() -> None:
        while True:
            with lock:
                index, branch = (-1, None) if outcomes.failed else next(ahead, (-1, None))
            if branch is None:
                return
            inside = scope.branch(name, index)
            current_scope.set(inside)
            try:
                outcomes.results[index] = branch()
            except SegmentEnded:
                waiting.append(inside)
                return  # its place stays taken, as that of a branch that is awaited
            except BaseException as error:  # noqa: BLE001 - it is raised to the function, or given to it
                outcomes.errors[index] = error

    threads = [
        threading.Thread(target=contextvars.copy_context().run, args=(work,), name="ironflow-branch", daemon=True)
        for _ in range(min(len(branches), concurrency or THREADS_MAX))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if waiting and not outcomes.failed:
        scope.closed = True
        raise SegmentEnded
    for inside in waiting:
        execution.forget(inside)
    return outcomes.final()
