"""What a run's code waits for is handed to it one by one, and only when it has come to rest after the one before.

    ask ──► asked ─┐
                   ├─ the code is at rest ──► what is given up, or one delivery ──► the code goes on, and comes to rest
    done ─► ready ─┘

A function with branches side by side (`asyncio.gather`) is thereby a function of the order in which results were
recorded: a replay, which delivers in the recorded order, takes the same steps under the same ids as the first
execution, and as one that stayed in memory. Recorded results go before new ones.

At rest means that no step was asked for during some turns of the event loop; code that waits for something else than
steps is taken to be at rest.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Iterable

from ironflow.assignment import Recorded
from ironflow.failures import Failure

# A branch needs two or three turns for each gather or task group that it hands its result through.
TURNS_AT_REST = 10
# While only the function's own task takes steps: a task that it just made has begun by then.
TURNS_ALONE = 3


class Deliveries:
    """`give_up` is called whenever the code is at rest, before anything is delivered, and says whether it gave up some
    of what the code waits for, which then goes on. `on_rest` is called when there is nothing to deliver either.

    The code is `replaying` until it is as far as an earlier execution is known to have come: until all steps are
    delivered that are no news, and, if it had `rested` then, the first of those that are; or, where there are none,
    until it is `beyond` that."""

    def __init__(
        self,
        steps: Iterable[Recorded],
        *,
        on_rest: Callable[[], None],
        give_up: Callable[[], bool] = lambda: False,
        rested: bool = False,
    ) -> None:
        self.alone = True
        self.stopped = False
        self._loop = asyncio.get_running_loop()
        self._steps: dict[str, tuple[int, Recorded]] = {}
        self._asked: list[tuple[int, Recorded, asyncio.Future[Recorded]]] = []
        self._ready: deque[tuple[asyncio.Future[Failure | None], Failure | None]] = deque()
        self._on_rest = on_rest
        self._give_up = give_up
        self._turns = 0
        self._watching = False
        self.add(steps)
        self._news = {step_id for step_id, (_, step) in self._steps.items() if step.news}
        self._undelivered = self._steps.keys() - self._news
        self.beyond = not rested

    def add(self, steps: Iterable[Recorded]) -> None:
        """These have been recorded since, in this order."""
        for step in steps:
            if step.step_id not in self._steps:
                self._steps[step.step_id] = (len(self._steps), step)

    @property
    def replaying(self) -> bool:
        """Whether the code does what an earlier execution did, and told."""
        return bool(self._undelivered) or not self.beyond

    def get(self, step_id: str) -> Recorded | None:
        found = self._steps.get(step_id)
        return found[1] if found is not None else None

    def take(self, step_id: str) -> Recorded | None:
        """As `get`, for code that is not to wait for its turn."""
        self._reached(step_id)
        return self.get(step_id)

    def _reached(self, step_id: str) -> None:
        self._undelivered.discard(step_id)
        if step_id in self._news:
            self.beyond = True

    def ask(self, step_id: str) -> asyncio.Future[Recorded]:
        """Done when it is this recorded step's turn."""
        future: asyncio.Future[Recorded] = self._loop.create_future()
        self.answer(step_id, future)
        return future

    def answer(self, step_id: str, future: asyncio.Future[Recorded], *, only: bool = False) -> None:
        """Give the future the recorded step when it is its turn: now, if the code is at rest and this is the `only`
        thing that it can be waiting for."""
        index, step = self._steps[step_id]
        if only and not self._watching and not self._asked and not self._ready and not self.stopped:
            self._hand(step, future)
            return
        heapq.heappush(self._asked, (index, step, future))  # no two have the same index
        self.stir()

    def done(self, future: asyncio.Future[Failure | None], refused: Failure | None, *, only: bool) -> None:
        """A result has become durable, or why it was refused. If it is the `only` thing that the code can be waiting
        for, it is at rest."""
        if only and not self._watching and not self._ready:
            future.set_result(refused)
        else:
            self._ready.append((future, refused))
            self.stir()

    def touch(self) -> None:
        """The code did something."""
        self._turns = 0

    def stir(self) -> None:
        """The code did something, or there is something for it: look when it comes to rest."""
        self._turns = 0
        if not self._watching and not self.stopped:
            self._watching = True
            self._loop.call_soon(self._turn)

    def stop(self) -> None:
        """Deliver nothing any more, and forget who was to be called."""
        self.stopped = True
        self._on_rest, self._give_up = _nothing, _nobody
        for _, _, future in self._asked:
            future.cancel()
        for ready, _ in self._ready:
            ready.cancel()
        self._asked.clear()
        self._ready.clear()

    def _turn(self) -> None:
        if self.stopped:
            return
        self._turns += 1
        waiting = self._asked or self._ready
        if self._turns < (TURNS_ALONE if waiting and self.alone else TURNS_AT_REST):
            self._loop.call_soon(self._turn)
        elif self._give_up():
            self._turns = 0
            self._loop.call_soon(self._turn)
        elif waiting:
            self._turns = 0
            self._deliver()
            self._loop.call_soon(self._turn)
        else:
            self._watching = False
            self._on_rest()

    def _deliver(self) -> None:
        """Of what is asked for the first that was recorded, else the first that became durable."""
        if self._asked:
            _, step, future = heapq.heappop(self._asked)
            self._hand(step, future)
        else:
            ready, refused = self._ready.popleft()
            if not ready.done():
                ready.set_result(refused)

    def _hand(self, step: Recorded, future: asyncio.Future[Recorded]) -> None:
        self._reached(step.step_id)
        if not future.done():
            future.set_result(step)


def _nothing() -> None:
    """Nobody is to be told any more."""


def _nobody() -> bool:
    """Nothing is to be given up any more."""
    return False
