"""Histories that nobody lived through: valid ones all the same, since the run's own decisions write them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import msgspec

from app.errors import IronflowError
from app.history import digest
from app.history.entry import Entry
from app.history.kinds import (
    EventEmitted,
    Fact,
    Failure,
    FunctionRegistered,
    RetryPolicy,
    RunCompleted,
    RunCreated,
    RunLogged,
    RunNoted,
    StepCarried,
    StepCompleted,
    StepFailed,
    StepInvoking,
    StepWaiting,
)
from app.runs import correcting, folding, machine, steering, steps, tags, waiting
from app.runs.state import TERMINAL, Run
from app.runs.waiting import Child
from app.runs.yields import Invoke, Sleep, WaitForEvent, Yield
from storage import history
from storage.contract import Transaction
from storage.records import EntryRecord

START_US = 1_764_000_000_000_000
ENVIRONMENT = "default"
POLICY = RetryPolicy(max_attempts=3, initial_delay_ms=1_000, on_exhausted="pause")


class Scribe:
    """Writes facts down as the committer would; time passes only when it is moved."""

    def __init__(self) -> None:
        self.now = START_US
        self.records: list[EntryRecord] = []
        self._versions: dict[str, int] = {}
        self._digest = digest.ORIGIN

    def write(self, stream: str, fact: Fact, actor: str = "") -> Entry:
        version = self._versions[stream] = self._versions.get(stream, 0) + 1
        position = len(self.records) + 1
        data = msgspec.json.encode(fact).decode()
        fields = (position, ENVIRONMENT, stream, version, fact.kind, data, "{}", actor, "", "", self.now)
        self._digest = digest.chain(self._digest, fields)
        self.records.append(EntryRecord(*fields, self._digest))
        return Entry(self.records[-1])

    def save(self, tx: Transaction) -> None:
        """All of it, into an empty history."""
        history.append(tx, self.records)


class Life:
    """One run, whose state says what can happen to it next."""

    def __init__(
        self, scribe: Scribe, run_id: str, *, function_id: str = "f", retry: RetryPolicy = POLICY, carried: int = 0
    ) -> None:
        """`carried`: how many results it has from the run that it was forked from."""
        self.scribe = scribe
        self.run: Run | None = None
        self.run_id = run_id
        self.event = scribe.write(
            f"event/evt_{run_id}",
            EventEmitted(f"evt_{run_id}", "order.placed", msgspec.Raw(b'{"id":1}'), run_ids=(run_id,)),
        )
        self.write(
            RunCreated(
                function_id=function_id,
                function_version=1,
                event_id=f"evt_{run_id}",
                event_name="order.placed",
                retry=retry,
                timeout_ms=0,
            )
        )

        for number in range(carried):
            fact = StepCarried(f"{run_id}:origin:{number}", "origin", self.event.position, output=_raw(number))
            self.write(fact)

    @property
    def state(self) -> Run:
        assert self.run is not None
        return self.run

    def write(self, *facts: Fact, actor: str = "") -> None:
        for fact in facts:
            self.run = folding.apply(self.run, self.scribe.write(f"run/{self.run_id}", fact, actor))

    def step(self, name: str, output: Any = None, *, kind: str = "invoke", error: Failure | None = None) -> None:
        """What a worker tells of a step, or of a compensation."""
        common: dict[str, Any] = {
            "step_id": f"{self.run_id}:{name}",
            "name": name.rpartition(":")[0],
            "type": kind,
            "execution_seq": self.state.execution_seq,
            "attempt": self.state.attempt,
            "duration_ms": 5,
        }
        fact: StepCompleted | StepFailed
        if error is not None:
            fact = StepFailed(error=error, **common)
        else:
            fact = StepCompleted(output=msgspec.Raw(msgspec.json.encode(output)), **common)
        self.write(*steps.decide_step(self.state, fact))

    def suspend(self, wanted: Sequence[Yield]) -> None:
        function = FunctionRegistered(id="child", name="child", version=1)
        children = {
            one.step_id: Child(f"run_child{self.state.version}", f"evt_child{self.state.version}", function)
            for one in wanted
            if isinstance(one, Invoke)
        }
        found = waiting.decide_suspend(
            self.state,
            execution_seq=self.state.execution_seq,
            yields=wanted,
            values={},
            children=children,
            now=self.scribe.now,
        )
        self.write(*found.facts)


def live(rng: random.Random, life: Life, moves: int) -> None:
    """Up to so many random things happen to the run: steps, retries, gathers of sleeps, waits and children, sagas,
    notes, pauses, resumptions, lost workers and the end, some of it more than once."""
    for _ in range(moves):
        life.scribe.now += rng.choice((0, 1, 1_500, 2_000_000))
        if rng.random() < 0.3:
            life.scribe.write(f"event/evt_other{len(life.scribe.records)}", EventEmitted("evt_o", "other", _raw(1)))
        try:
            _move(rng, life)
        except IronflowError:
            continue  # it cannot happen now


def _move(rng: random.Random, life: Life) -> None:
    run, now = life.state, life.scribe.now
    if (run.pause_requested or run.status == "paused") and rng.random() < 0.2:
        life.write(*_steered(rng, run, now), actor="user:ada")
    elif run.status == "running":
        _work(rng, life)
    elif run.status in ("paused", "failed") and rng.random() < 0.5:
        life.write(*_corrected(rng, run), actor="user:ada")
    elif run.status in TERMINAL or run.status == "paused":
        known = [*run.steps]
        from_step = rng.choice(known) if known and rng.random() < 0.5 else ""
        life.write(*steering.decide_resume(run, from_step=from_step), actor="user:ada")
    elif run.open and rng.random() < 0.6:
        _end_a_wait(rng, life)
    elif rng.random() < 0.1:
        life.write(*_steered(rng, run, now), actor="user:ada")
    else:
        life.scribe.now = max(now, run.due_at or 0)
        worker = rng.choice(("w1", "w2"))
        life.write(*machine.decide_start(run, worker_id=worker, now=life.scribe.now, unwinds=rng.random() < 0.7))


def _work(rng: random.Random, life: Life) -> None:
    run = life.state
    name = f"{rng.choice('abcdef')}:{rng.randrange(3)}"
    boom = Failure("boom", code="E", retryable=rng.random() < 0.8)
    match rng.randrange(12):
        case 0 | 1 | 2 | 3:
            life.step(name, {"n": rng.randrange(100), "at": name})
        case 4:
            life.step(name, error=boom)
        case 5:
            life.write(RunNoted(rng.choice(("progress", "total")), _raw(rng.randrange(9)), run.execution_seq))
            lines = _raw([{"at": life.scribe.now, "level": "info", "message": "said"}])
            life.write(RunLogged(lines, 1, execution_seq=run.execution_seq))
            life.write(*tags.decide_tag(run, add=[name[0], "seen"], remove=["a"]), actor="user:ada")
        case 6 | 7:
            life.suspend([_yield(rng, life, index) for index in range(rng.randrange(1, 4))])
        case 8:
            error = Failure("it broke", code="X", retryable=rng.random() < 0.7)
            life.write(*machine.decide_fail(run, execution_seq=run.execution_seq, error=error, now=life.scribe.now))
        case 9:
            life.write(*machine.decide_release(run, execution_seq=run.execution_seq, reason="worker lost"))
        case 10:
            life.write(*_steered(rng, run, life.scribe.now), actor="user:ada")
        case _ if run.unwinding is not None or rng.random() < 0.3:
            if run.unwinding is not None:
                life.step(f"compensate:{name}", kind="compensate")
            life.write(*machine.decide_complete(run, RunCompleted(run.execution_seq, _raw("done"))))
        case _:
            life.step(name, rng.randrange(1_000))


def _yield(rng: random.Random, life: Life, index: int) -> Yield:
    kind, number = rng.randrange(4), rng.randrange(3)
    step_id = f"{life.run_id}:gather:{index}:{'swid'[kind]}:{number}"
    match kind:
        case 0:
            return Sleep(step_id, "s", life.scribe.now + 1_000_000 * (1 + number))
        case 1:
            on_timeout = rng.choice(("fail", "default", "error"))
            return WaitForEvent(step_id, "w", "e.*", life.scribe.now + 5_000_000, on_timeout=on_timeout)
        case _:
            return Invoke(step_id, "child", "child", _raw(number), timeout_ms=9_000, detached=kind == 3)


def _end_a_wait(rng: random.Random, life: Life) -> None:
    run, scribe = life.state, life.scribe
    step_id = rng.choice([*run.open])
    fact = run.open[step_id].fact
    late = rng.random() < 0.3
    if isinstance(fact, StepWaiting | StepInvoking) and late:
        scribe.now = max(scribe.now, fact.deadline)
        life.write(*waiting.decide_deadline(run, step_id, now=scribe.now))
    elif isinstance(fact, StepWaiting):
        event_id = f"evt_{len(scribe.records)}"
        came = scribe.write(f"event/{event_id}", EventEmitted(event_id, "e.one", _raw({"came": True})))
        life.write(*waiting.decide_event(run, step_id, [came], lookback=False, now=scribe.now))
    elif isinstance(fact, StepInvoking):
        output = _raw([1, 2]) if rng.random() < 0.7 else None
        ended = waiting.decide_child_ended(
            run, step_id, fact.child_run_id, output=output, cause="it failed", now=scribe.now
        )
        life.write(*ended)


def _corrected(rng: random.Random, run: Run) -> list[Fact]:
    """A patch, an injection, or the end of one."""
    step = rng.choice([*run.steps, *run.open, "x"])
    match rng.randrange(3):
        case 0:
            return correcting.decide_patch(run, step=step, output=_raw("patched"), reason="it was wrong")
        case 1:
            return correcting.decide_inject(run, step=step, output=_raw("injected"), reason="nobody comes")
        case _:
            return correcting.decide_undo(run, step=step, reason="it was right")


def _steered(rng: random.Random, run: Run, now: int) -> list[Fact]:
    if run.pause_requested and rng.random() < 0.4:
        return steering.decide_resume(run)
    if rng.random() < 0.7:
        return steering.decide_pause(run, reason=rng.choice(("", "look")))
    return steering.decide_cancel(run, reason="enough", cause="user", compensate=rng.random() < 0.7, now=now)


def _raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))
