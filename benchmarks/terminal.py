"""The terminal debugger over a long run: from a key to what is painted.

    python -m benchmarks.terminal [--records N] [--keys N] [--size 120x40]

A run of so many records, half of them steps of which one in a hundred failed, in memory: neither a server nor a
terminal is in the figures. A key is timed until the screen has been drawn, with its tab, and nothing is left to do;
"processor" is this process's own time of it, which counts where the machine is shared.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from textual.pilot import Pilot
from textual.worker import WorkerCancelled

from app.debugger.tui.app import Inspector
from benchmarks import machine
from ironflow.logs import LogLine
from ironflow.past import Place, Record, RunState, StepState

RUN = "run_00000000000000000000000001"
BEGAN = datetime(2026, 1, 31, 12, tzinfo=UTC)
KEYS: Mapping[str, Sequence[str]] = {
    "n: next step": ["n"],
    "right: next record": ["right"],
    "G g: to the end, to the beginning": ["G", "g"],
    "5 0 0 0 0 g: to a position": ["5", "0", "0", "0", "0", "g"],
    "c: on to the next failure": ["c"],
    "3 1: the state, the output": ["3", "1"],
    "6 9: the log, the record": ["6", "9"],
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.terminal")
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--keys", type=int, default=40, help="presses of each kind")
    parser.add_argument("--size", default="120x40")
    options = parser.parse_args()
    width, _, height = options.size.partition("x")
    print("\n".join(machine.describe()), flush=True)
    asyncio.run(_measure(_Recorded(options.records), options.keys, (int(width), int(height))))


class _Recorded:
    """A run that needs no server. Steps are asked for one by one, as of a server's."""

    def __init__(self, count: int) -> None:
        self._all = list(_lived(count))

    def records(self, run_id: str, *, after: int = 0) -> Sequence[Record]:
        return self._all[after:]

    def state(self, run_id: str, at: int) -> RunState:
        last, newest = self._all[at - 1], self._all[-1]
        place = Place(newest.position, newest.version, newest.at)
        known: dict[str, Any] = {"record": last, "newest": place, "input": {"order": 7}}
        return RunState(RUN, "import", 1, "running", at, last.version, last.at, **known)

    def head(self, run_id: str, at: int) -> RunState:
        return self.state(run_id, at)

    def step(self, run_id: str, step_id: str, at: int) -> StepState:
        record = self._all[at - 1]
        return StepState(
            step_id, record.path, record.name, "invoke", record.status, output={"amount": at, "currency": "EUR"}
        )

    def lines(self, run_id: str, *, after: int, at: int) -> Sequence[LogLine]:
        return ()


def _lived(count: int) -> Iterator[Record]:
    yield Record(1, 1, "run.created", BEGAN, function_id="import", status="waiting_for_capacity", summary="created")
    for number in range(2, count):
        at, path = BEGAN + timedelta(seconds=number), f"item-{number // 2 % 50}:{number // 100}"
        known: dict[str, Any] = {"step_id": f"{RUN}:{path}", "path": path, "name": path.partition(":")[0], "attempt": 1}
        if number % 200 == 0:
            yield Record(number, number, "step.failed", at, status="failed", code="E", message="declined", **known)
        elif number % 2:
            yield Record(
                number, number, "step.completed", at, status="completed", duration_ms=12, summary="done", **known
            )
        else:
            yield Record(number, number, "run.progressed", at, summary="a batch was handed out")
    yield Record(
        count, count, "run.completed", BEGAN + timedelta(seconds=count), status="completed", summary="completed"
    )


async def _measure(source: _Recorded, presses: int, size: tuple[int, int]) -> None:
    began, began_cpu = time.perf_counter(), time.process_time()
    app = Inspector(source, None, RUN)
    async with app.run_test(size=size) as pilot:
        await _drawn(pilot)
        spent_s, busy_s = time.perf_counter() - began, time.process_time() - began_cpu
        count = len(source.records(RUN))
        print(f"\na run of {count:,} records at {size[0]}x{size[1]}, {presses} presses of each")
        print(f"  {'opened':<36} {spent_s * 1_000:8.0f} ms   processor {busy_s * 1_000:8.0f} ms", flush=True)
        for title, keys in KEYS.items():
            await pilot.press("g")
            await _drawn(pilot)
            latencies, busy = [], []
            for number in range(presses):
                began, began_cpu = time.perf_counter(), time.process_time()
                await _pressed(pilot, keys[number % len(keys)])
                latencies.append(time.perf_counter() - began)
                busy.append(time.process_time() - began_cpu)
            p50, p99, cpu50, cpu99 = (
                machine.percentile(values, share) * 1_000 for values in (latencies, busy) for share in (0.5, 0.99)
            )
            told = f"p50 {p50:6.1f} ms  p99 {p99:6.1f} ms   processor p50 {cpu50:6.1f} ms  p99 {cpu99:6.1f} ms"
            print(f"  {title:<36} {told}", flush=True)


async def _pressed(pilot: Pilot[None], key: str) -> None:
    """A key, as the terminal's driver hands it over, until all that it began is done."""
    from textual import events

    driver = pilot.app._driver
    assert driver is not None
    event = events.Key(key, key if len(key) == 1 else None)
    event.set_sender(pilot.app)
    driver.send_message(event)
    await _drawn(pilot)


async def _drawn(pilot: Pilot[None]) -> None:
    """Until no message waits, no tab is being asked for and nothing is left to be painted."""
    app = pilot.app
    await pilot._wait_for_screen()
    while going := [one for one in app.workers if one.group in ("open", "tell") and not one.is_finished]:
        for worker in going:
            with contextlib.suppress(WorkerCancelled):  # another one took its place
                await app.workers.wait_for_complete([worker])
        await pilot._wait_for_screen()
    app.screen._on_timer_update()
    await pilot._wait_for_screen()


if __name__ == "__main__":
    main()
