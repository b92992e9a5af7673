"""The past of a long run: how long a page of its timeline takes, and its state at any position.

    python -m benchmarks.run_past [--steps N] [--reads N] [--stores sqlite,postgres]

One run of so many steps, each with an output of about a hundred bytes, and as many entries of other streams between
them. What is timed is what a request costs without the network: reading, folding, and the answer as JSON, one after
the other, at random positions. The first look at the end of the run has nothing in memory.
"""

from __future__ import annotations

import msgspec

from app.api.answers import encode
from app.api.shapes.comparing import diff_shown
from app.api.shapes.past import StateQuery, state_shown, timeline_shown
from app.history.kinds import EventEmitted, RunCompleted
from app.runs import machine as run_machine
from app.runs.comparing import Comparing
from app.runs.past import Past
from app.runs.timeline import Timelines
from benchmarks import reads
from storage.contract import Storage
from tests.support.histories import ENVIRONMENT, Life, Scribe

RUN = "run_00000000000000000000000001"
OUTPUT = {"charge": "ch_0123456789", "amount": 4_200, "currency": "EUR", "note": "about a hundred bytes of output"}
PAGE = 1_000


def main() -> None:
    reads.main("run_past", _measure, of="steps", size=10_000, reads=500)


async def _measure(store: str, storage: Storage, steps: int, count: int) -> None:
    scribe = _lived(steps)
    await storage.write(scribe.save)
    head = len(scribe.records)
    del scribe
    print(f"\n{store}: a run of {steps:,} steps, {head:,} entries of history, {count} reads of each kind")
    for title, read in _reads(storage).items():
        await reads.timed(title, read, between=(3, head), reads=count)


def _reads(storage: Storage) -> dict[str, reads.Read]:
    timelines, past = Timelines(storage), Past(storage)
    comparing = Comparing(storage, past)

    async def page(position: int) -> object:
        return encode(timeline_shown(RUN, await timelines.page(ENVIRONMENT, RUN, after=position, limit=PAGE)))

    async def state(position: int) -> object:
        return encode(state_shown(await past.at(ENVIRONMENT, RUN, position), StateQuery(limit=PAGE)))

    async def light(position: int) -> object:
        query = StateQuery(limit=PAGE, outputs=False)
        return encode(state_shown(await past.at(ENVIRONMENT, RUN, position), query))

    async def everything(position: int) -> object:
        return encode(state_shown(await past.at(ENVIRONMENT, RUN, position), StateQuery(limit=10_000)))

    async def diff(position: int) -> object:
        found = await comparing.diff(ENVIRONMENT, RUN, max(3, position - 200), position)
        return encode(diff_shown(found, limit=PAGE, after=0))

    return {
        f"timeline, a page of {PAGE:,} records": page,
        f"state, with {PAGE:,} of its steps": state,
        "state, the same without outputs": light,
        "state, with all of its steps": everything,
        "diff over 200 positions": diff,
    }


def _lived(steps: int) -> Scribe:
    scribe = Scribe()
    life = Life(scribe, RUN)
    life.write(*run_machine.decide_start(life.state, worker_id="w1", now=scribe.now))
    other = EventEmitted("evt_other", "other", msgspec.Raw(b"1"))
    for number in range(steps):
        scribe.now += 1_000
        scribe.write(f"event/evt_{number}", other)
        life.step(f"step-{number % 50}:{number // 50}", OUTPUT)
    life.write(RunCompleted(life.state.execution_seq))
    return scribe


if __name__ == "__main__":
    main()
