"""Whoever waits for several signals is woken by the first, and misses none."""

from __future__ import annotations

import asyncio

from app.listening import listening


async def test_the_first_signal_wakes_and_the_other_waits_are_given_up() -> None:
    one, other = asyncio.Event(), asyncio.Event()
    before = asyncio.all_tasks()

    with listening(one.wait(), other.wait()) as first:
        await asyncio.sleep(0)  # both are waited for
        other.set()
        await first(None)

    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


async def test_a_signal_that_comes_before_anybody_waits_counts() -> None:
    pulse = asyncio.Event()

    with listening(pulse.wait()) as first:
        await asyncio.sleep(0)
        pulse.set()
        pulse.clear()
        await first(None)


async def test_no_signal_is_waited_for_longer_than_was_said() -> None:
    with listening(asyncio.Event().wait()) as first:
        await first(0)
