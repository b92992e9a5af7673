"""Commands that nobody else will submit again: they are insisted on until they are decided."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from app.errors import IronflowError
from app.history.committer import Command, Committer, Decision, Done

RETRY_STORE_S = 1.0


def insist(submit: Callable[[Done], None], then: Done) -> None:
    """Submit a command with `submit(done)`, again and again while the store fails or too many wait; `then` is told once
    it is recorded or refused for good."""

    def done(answer: Any, error: BaseException | None) -> None:
        if error is not None and passing(error):
            asyncio.get_running_loop().call_later(RETRY_STORE_S, insist, submit, then)
        else:
            then(answer, error)

    submit(done)


def after_all(committer: Committer, then: Done) -> None:
    """`then` is told once all that was submitted so far is recorded, or refused."""
    insist(partial(committer.submit, Command("", (), lambda states, now: Decision(()))), then)


def unheeded(answer: Any, error: BaseException | None) -> None:
    """Nobody waits for the answer."""


def passing(error: BaseException) -> bool:
    """Whether the same command may be recorded later: it was not refused, or only because too many waited."""
    return not isinstance(error, IronflowError) or error.retryable
