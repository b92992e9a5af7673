"""Random programs are run in place, replayed at each wait, and with workers that die; all must agree, and with a model
of what the program returns."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import hypothesis.strategies as st
from hypothesis import given, settings

from ironflow import Context, NonRetryableError, Retry, function
from ironflow.execution import Execution
from ironflow.reports import Report, RunCompleted, RunFailed, Wait, Waiting
from ironflow.testing.bench import Bench, event_of
from ironflow.testing.result import START, Incoming, Result
from tests.support.programs import Program, agrees, follow, model, programs

EXAMPLES = 150


class Watched(Bench):
    """A bench that keeps what it is told. `deaths` are the numbers of those step results that come to be recorded, but
    whose worker does not live to hear of it."""

    def __init__(self, *given: Any, deaths: Sequence[int] = (), **options: Any) -> None:
        super().__init__(*given, **options)
        self.ends: list[Any] = []
        self._deaths = deaths
        self._results = 0
        self._batch: list[str] = []

    def report(self, report: Report) -> None:
        match report:
            case Waiting():
                self.ends.append([(wait.kind, wait.step_id) for wait in report.waits])
            case RunCompleted() | RunFailed():
                self.ends.append(report)
            case _:
                pass
        super().report(report)

    def _acknowledge(self, step_id: str) -> None:
        self._results += 1
        if self._results in self._deaths:
            assert self._execution is not None
            assert self._said is not None
            self._batch.clear()
            self._batch = []  # the one that died may be flushed yet
            self._execution.abandon()
            self._said.set_result(Waiting([]))
            return
        # Results that become durable in one commit are acknowledged in one message.
        self._batch.append(step_id)
        if len(self._batch) == 1:
            self._flush(self._execution, self._batch, turns=6)

    def _flush(self, execution: Execution | None, batch: list[str], turns: int) -> None:
        if turns:
            asyncio.get_running_loop().call_soon(self._flush, execution, batch, turns - 1)
            return
        assert execution is not None
        if batch is self._batch:
            self._batch = []
        for step_id in batch:
            execution.acknowledged(step_id)

    async def _wait(self, waits: Sequence[Wait]) -> None:
        if waits:
            await super()._wait(waits)


def outcome(program: Program, *, fails: bool, replay: bool, deaths: Sequence[int] = ()) -> tuple[Result, Any]:
    @function("f", retry=Retry(max_attempts=1, on_exhausted="fail"))
    async def f(ctx: Context) -> Any:
        found = await follow(ctx, program, unit_s=1)
        if fails:
            raise NonRetryableError("in the end")
        return found

    bench = Watched(
        f,
        event_of(f, None, START),
        steps={},
        events=[Incoming("e.one", after=2), Incoming("e.two", after=1), Incoming("e.two", after=4)],
        functions={"child": lambda path: path, "other": lambda path: path},
        secrets={},
        cancel_at="",
        replay=replay,
        now=START,
        deaths=deaths,
    )
    return asyncio.run(asyncio.wait_for(bench.run(), 30)), bench.ends


@settings(max_examples=EXAMPLES)
@given(programs(2), st.booleans(), st.sets(st.integers(1, 8), max_size=3))
def test_a_program_does_the_same_in_place_and_replayed_and_with_workers_that_die(
    program: Program, fails: bool, deaths: set[int]
) -> None:
    in_place, told = outcome(program, fails=fails, replay=False)
    replayed, told_replayed = outcome(program, fails=fails, replay=True)
    survived, _ = outcome(program, fails=fails, replay=False, deaths=sorted(deaths))

    assert told_replayed == told
    assert replayed == in_place
    assert (survived.status, survived.elapsed) == (in_place.status, in_place.elapsed)
    assert sorted(step.id for step in survived.steps) == sorted(step.id for step in in_place.steps)
    if not fails:
        assert agrees(in_place.output, model(program))
        assert agrees(survived.output, model(program))
