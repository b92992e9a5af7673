"""Workers lend their reducers: the past of a managed projection is folded by the code that folds its present.

A worker that has the projection holds a call open, which is answered with a state and events once somebody asks, and
says with its next call what they make of it. That takes no lease: nothing is written, and any worker of the version
will do. It must be connected to this node; where none is, the past is what was kept.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter, defaultdict, deque
from collections.abc import Sequence

import msgspec

from app.errors import FailedPrecondition
from app.listening import listening
from app.projections.feed import Delivered

ANSWER_S = 10.0
"""How long a worker may take for a page of events."""
HOLD_S_MAX = 30.0
AWAY_S = 5.0
"""How long a worker that does not hold a call is believed to come back: it may be answering."""

LENDERS_MAX = 10_000

Lender = tuple[str, str, int]
"""Environment, name and version of the code."""


class Question(msgspec.Struct, frozen=True, eq=False):
    """What do the events make of the state (JSON, None for the initial one)? With `skips`, events that the reducer
    cannot take are left out."""

    id: str
    state: bytes | None
    events: Sequence[Delivered]
    skips: bool


class Lending:
    def __init__(self) -> None:
        self._waiting: Counter[Lender] = Counter()
        self._seen: dict[Lender, float] = {}
        self._asked: dict[Lender, deque[Question]] = defaultdict(deque)
        self._answers: dict[tuple[Lender, str], asyncio.Future[bytes]] = {}
        self._moved = asyncio.Event()
        self._numbers = itertools.count(1)

    def has(self, lender: Lender) -> bool:
        """Whether a worker is there to be asked."""
        now = asyncio.get_running_loop().time()
        return self._waiting[lender] > 0 or self._seen.get(lender, -AWAY_S) + AWAY_S > now

    async def fold(self, lender: Lender, state: bytes | None, events: Sequence[Delivered], *, skips: bool) -> bytes:
        """The state after the events, as JSON. Raises FailedPrecondition if the reducer cannot take them, or nobody
        answers in time."""
        question = Question(f"fold-{next(self._numbers)}", state, events, skips)
        answer = self._answers[lender, question.id] = asyncio.get_running_loop().create_future()
        self._asked[lender].append(question)
        self._move()
        try:
            return await asyncio.wait_for(answer, ANSWER_S)
        except TimeoutError:
            raise FailedPrecondition(
                f"the worker of {lender[1]} took more than {ANSWER_S:g} s", field="at", hint="ask again"
            ) from None
        finally:
            del self._answers[lender, question.id]
            self._drop(lender, question)

    async def next(self, lender: Lender, *, wait_s: float) -> Question | None:
        """The next question for a worker, None if there is none within the time."""
        loop = asyncio.get_running_loop()
        until = loop.time() + min(wait_s, HOLD_S_MAX)
        self._waiting[lender] += 1
        self._seen.pop(lender, None)  # should the call be broken off, the worker is gone
        try:
            question = await self._next(lender, until)
        finally:
            self._waiting[lender] -= 1
        self._seen[lender] = loop.time()
        if len(self._seen) > LENDERS_MAX:
            self._seen = {one: at for one, at in self._seen.items() if at + AWAY_S > loop.time()}
            self._waiting = +self._waiting
        return question

    async def _next(self, lender: Lender, until: float) -> Question | None:
        loop = asyncio.get_running_loop()
        while True:
            with listening(self._moved.wait()) as first:
                if lender in self._asked:
                    question = self._asked[lender][0]
                    self._drop(lender, question)
                    return question
                if (left_s := until - loop.time()) <= 0:
                    return None
                await first(left_s)

    def answered(self, lender: Lender, fold_id: str, state: bytes, error: str) -> None:
        """What became of a question; one that nobody waits for any more is no matter."""
        answer = self._answers.get((lender, fold_id))
        if answer is None or answer.done():
            return
        if error:
            answer.set_exception(FailedPrecondition(f"its reducer cannot take an event: {error}", field="at"))
        else:
            answer.set_result(state)

    def _drop(self, lender: Lender, question: Question) -> None:
        """Nobody is to be asked that any more, if somebody was."""
        asked = self._asked.get(lender)
        if asked is not None and question in asked:
            asked.remove(question)
        if not asked:
            self._asked.pop(lender, None)

    def _move(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()
