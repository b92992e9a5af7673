"""Questions about the past find their way to workers, and answers back."""

from __future__ import annotations

import asyncio

import pytest

from app.errors import FailedPrecondition
from app.projections.lending import Lending

LENDER, STRANGER = ("default", "counts", 1), ("other", "counts", 1)


async def asked(lending: Lending) -> tuple[asyncio.Task[bytes], str]:
    """A question that a worker has taken, and its id."""
    taking = asyncio.create_task(lending.next(LENDER, wait_s=5))
    asking = asyncio.create_task(lending.fold(LENDER, b"1", (), skips=False))
    question = await asyncio.wait_for(taking, 5)
    assert question is not None
    assert (question.state, question.skips) == (b"1", False)
    return asking, question.id


async def test_an_answer_goes_to_who_asked() -> None:
    lending = Lending()
    asking, fold_id = await asked(lending)

    lending.answered(LENDER, fold_id, b"2", "")

    assert await asyncio.wait_for(asking, 5) == b"2"
    lending.answered(LENDER, fold_id, b"3", "")  # nobody waits for it any more


async def test_an_error_is_told_and_a_strangers_answer_is_none() -> None:
    lending = Lending()
    asking, fold_id = await asked(lending)

    lending.answered(STRANGER, fold_id, b"9", "")
    assert not asking.done()
    lending.answered(LENDER, fold_id, b"", "KeyError: 'n'")

    with pytest.raises(FailedPrecondition, match="KeyError"):
        await asyncio.wait_for(asking, 5)


async def test_a_question_that_was_given_up_is_asked_of_nobody() -> None:
    lending = Lending()
    asking = asyncio.create_task(lending.fold(LENDER, None, (), skips=False))
    await asyncio.sleep(0)

    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    assert await lending.next(LENDER, wait_s=0) is None


async def test_a_worker_that_broke_off_is_not_there_and_one_that_answers_is() -> None:
    lending = Lending()
    assert not lending.has(LENDER)

    assert await lending.next(LENDER, wait_s=0) is None
    assert lending.has(LENDER)
    holding = asyncio.create_task(lending.next(LENDER, wait_s=5))
    await asyncio.sleep(0)
    assert lending.has(LENDER)
    holding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await holding

    assert not lending.has(LENDER)
