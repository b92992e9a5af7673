"""Threads of the store: how many there are, and who does what."""

from __future__ import annotations

import asyncio
import threading

import pytest

from storage.thread import WorkThread


async def test_a_thread_more_is_begun_only_while_all_others_work() -> None:
    threads = WorkThread("test", 3)
    release = threading.Event()

    one_after_the_other = [await threads.run(threading.get_ident) for _ in range(10)]
    together = [asyncio.ensure_future(threads.run(lambda: _held(release))) for _ in range(5)]
    await asyncio.sleep(0)
    release.set()

    assert len(set(one_after_the_other)) == 1
    assert len(set(await asyncio.gather(*together))) <= 3
    assert len(threads._threads) == 3
    await threads.stop()
    assert not any(thread.is_alive() for thread in threads._threads)


async def test_what_is_raised_is_the_callers_and_the_thread_goes_on() -> None:
    thread = WorkThread("test")

    with pytest.raises(ZeroDivisionError):
        await thread.run(lambda: 1 // 0)

    assert await thread.run(lambda: 2) == 2
    await thread.stop()
    with pytest.raises(RuntimeError, match="test was stopped"):
        await thread.run(lambda: 3)


async def test_work_that_nobody_waits_for_any_more_is_left_out() -> None:
    thread = WorkThread("test")
    release, done = threading.Event(), []
    first = asyncio.ensure_future(thread.run(lambda: _held(release)))
    left = asyncio.ensure_future(thread.run(lambda: done.append("left")))
    await asyncio.sleep(0)

    left.cancel()
    await asyncio.gather(left, return_exceptions=True)
    release.set()
    await first
    await thread.run(lambda: done.append("next"))

    assert done == ["next"]
    await thread.stop()


def _held(release: threading.Event) -> int:
    assert release.wait(30)
    return threading.get_ident()
