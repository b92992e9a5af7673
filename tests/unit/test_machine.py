"""The life of a run, decided and folded without a store."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest

from app.errors import FailedPrecondition, IronflowError, RunNotFound, RunNotRunning, StaleExecution
from app.history import kinds
from app.history.entry import Entry
from app.history.kinds import (
    AppendedPart,
    Check,
    Descriptor,
    Fact,
    Failure,
    GroupSettings,
    ProjectionDefinition,
    Receipt,
    RetryPolicy,
    RunCompleted,
    RunCreated,
    RunFailed,
    RunPaused,
    RunRetrying,
    RunSuspended,
    StepCompleted,
    StepFailed,
    Verification,
)
from app.history.kinds.audit import AuditSettings, AuthzRequest
from app.history.kinds.policy import PolicyDefinition
from app.history.kinds.redaction import Voucher
from app.runs import folding, machine, steering, steps, waiting
from app.runs.state import Run, mark
from app.runs.yields import Sleep, Yield
from storage.records import EntryRecord

SECOND = 1_000_000


class Story:
    """A run and a clock: decisions are folded as the committer would."""

    def __init__(self, retry: RetryPolicy | None = None, timeout_ms: int = 60_000) -> None:
        self.now = 1_000 * SECOND
        self.run: Run | None = None
        self.facts: list[Fact] = []
        policy = retry or RetryPolicy(max_attempts=3, initial_delay_ms=1_000, on_exhausted="fail")
        created = RunCreated(
            function_id="f", function_version=1, event_id="evt_1", event_name="e", retry=policy, timeout_ms=timeout_ms
        )
        self.record([created])

    def record(self, facts: list[Fact]) -> list[Fact]:
        for fact in facts:
            version = len(self.facts) + 1
            data = kinds.encode(fact).decode()
            record = EntryRecord(
                version, "default", "run/run_1", version, fact.kind, data, "{}", "", "", "", self.now, b""
            )
            self.facts.append(fact)
            self.run = folding.apply(self.run, Entry(record))
        return facts

    @property
    def state(self) -> Run:
        assert self.run is not None
        return self.run

    @property
    def seq(self) -> int:
        return self.state.execution_seq

    def start(self, worker_id: str = "w") -> list[Fact]:
        return self.record(machine.decide_start(self.run, worker_id=worker_id, now=self.now))

    def fail(self, error: Failure | None = None) -> list[Fact]:
        failure = error or Failure("boom")
        return self.record(machine.decide_fail(self.run, execution_seq=self.seq, error=failure, now=self.now))

    def complete_step(self, step_id: str, seq: int | None = None) -> list[Fact]:
        fact = StepCompleted(step_id=step_id, name=step_id, execution_seq=self.seq if seq is None else seq)
        return self.record(steps.decide_step(self.run, fact))

    def sleep(self, step_id: str, seconds: float) -> list[Fact]:
        until = self.now + int(seconds * SECOND)
        return self.suspend(Sleep(step_id, step_id, until))

    def suspend(self, *wanted: Yield, children: Mapping[str, waiting.Child] | None = None) -> list[Fact]:
        suspension = waiting.decide_suspend(
            self.run,
            execution_seq=self.seq,
            yields=wanted,
            values={},
            children=children or {},
            now=self.now,
        )
        return self.record(suspension.facts)

    def complete(self) -> list[Fact]:
        return self.record(machine.decide_complete(self.run, RunCompleted(execution_seq=self.seq)))


def test_a_run_goes_from_created_to_completed() -> None:
    story = Story()
    assert story.state.status == "waiting_for_capacity"

    story.start()
    story.complete_step("a")
    story.complete()

    assert story.state.status == "completed"
    assert story.state.ended_at == story.now
    assert [fact.kind for fact in story.facts] == ["run.created", "run.started", "step.completed", "run.completed"]


def test_a_step_reported_twice_is_recorded_once() -> None:
    story = Story()
    story.start()

    assert len(story.complete_step("a")) == 1
    assert story.complete_step("a") == []


def test_a_failed_step_may_complete_later() -> None:
    story = Story()
    story.start()
    story.record(steps.decide_step(story.run, StepFailed("a", "a", Failure("x"), execution_seq=1)))

    assert len(story.complete_step("a")) == 1
    assert story.state.steps == {"a": mark("completed", "invoke")}


def test_a_late_report_from_a_lost_lease_is_refused() -> None:
    story = Story()
    story.start()
    story.record(machine.decide_release(story.run, execution_seq=1, reason="lost"))
    story.start("other")

    for seq in (0, 1, 3):
        with pytest.raises(StaleExecution):
            story.complete_step("a", seq=seq)
        with pytest.raises(StaleExecution):
            machine.decide_complete(story.run, RunCompleted(execution_seq=seq))
        with pytest.raises(StaleExecution):
            machine.decide_fail(story.run, execution_seq=seq, error=Failure("x"), now=story.now)
        with pytest.raises(StaleExecution):
            machine.decide_release(story.run, execution_seq=seq, reason="x")
    assert story.complete_step("a", seq=2)


def test_a_run_that_another_worker_holds_cannot_be_started() -> None:
    story = Story()
    story.start()

    with pytest.raises(RunNotRunning):
        story.start("other")


def test_a_retryable_failure_waits_longer_each_time_and_then_fails() -> None:
    story = Story()
    delays = []
    for _ in range(2):
        story.start()
        [retrying] = story.fail()
        assert isinstance(retrying, RunRetrying)
        delays.append((retrying.due_at - story.now) // SECOND)
        with pytest.raises(RunNotRunning):
            story.start()
        story.now = retrying.due_at
    story.start()
    [failed] = story.fail()

    assert delays == [1, 2]
    assert isinstance(failed, RunFailed)
    assert story.state.status == "failed"
    assert story.state.attempt == 3


def test_an_exhausted_run_pauses_where_the_policy_says_so_and_can_be_resumed() -> None:
    story = Story(RetryPolicy(max_attempts=1, on_exhausted="pause"))
    story.start()
    story.complete_step("a")
    [paused] = story.fail()
    assert isinstance(paused, RunPaused)

    story.record(steering.decide_resume(story.run))
    story.start()

    assert story.state.status == "running"
    assert story.state.attempt == 1
    assert story.state.steps == {"a": mark("completed", "invoke")}


def test_a_failure_that_is_not_retryable_ends_the_run_at_once() -> None:
    story = Story()
    story.start()

    [failed] = story.fail(Failure("no", retryable=False))

    assert isinstance(failed, RunFailed)


@pytest.mark.parametrize(
    ("attempt", "retry_after_ms", "expected"),
    [
        (1, 0, 1_000),
        (2, 0, 2_000),
        (4, 0, 8_000),
        (60, 0, 300_000),
        (5_000, 0, 300_000),
        (1, 7_000, 7_000),
        (1, 10**9, 300_000),
    ],
)
def test_retry_delays(attempt: int, retry_after_ms: int, expected: int) -> None:
    assert machine.retry_delay_ms(RetryPolicy(), attempt=attempt, retry_after_ms=retry_after_ms) == expected


def test_a_sleep_is_over_only_when_its_time_has_come() -> None:
    story = Story()
    story.start()
    story.sleep("nap", 5)
    assert story.state.status == "waiting"

    story.now += 5 * SECOND - 1
    with pytest.raises(RunNotRunning):
        story.start()
    story.now += 1
    woken, started = story.start()

    assert isinstance(woken, StepCompleted)
    assert woken.type == "sleep"
    assert woken.duration_ms == 5_000
    assert started.kind == "run.started"
    assert story.state.steps == {"nap": mark("completed", "sleep")}


def test_a_sleep_asked_for_again_keeps_its_first_end() -> None:
    story = Story()
    story.start()
    story.sleep("a", 10)
    first = story.state.due_at
    story.record([kinds.RunReleased(execution_seq=1, reason="test")])
    story.now += SECOND
    story.start()

    [suspended] = story.sleep("a", 10)

    assert isinstance(suspended, RunSuspended)
    assert suspended.due_at == first


def test_time_asleep_does_not_count_towards_the_timeout() -> None:
    story = Story(timeout_ms=10_000)
    story.start()
    story.now += 4 * SECOND
    story.sleep("nap", 3_600)
    story.now += 3_600 * SECOND
    story.start()

    assert story.state.timeout_at == story.now + 6 * SECOND
    assert machine.decide_time_out(story.run, now=story.now + 6 * SECOND - 1) == []
    [failed] = machine.decide_time_out(story.run, now=story.now + 6 * SECOND)
    assert isinstance(failed, RunFailed)
    assert failed.error.code == "RUN_TIMEOUT"
    assert not failed.error.retryable


def test_cancelling_is_idempotent_and_refused_once_the_run_has_ended() -> None:
    story = Story()
    story.record(steering.decide_cancel(story.run, reason="why", cause="request"))
    assert steering.decide_cancel(story.run, reason="why", cause="request") == []

    done = Story()
    done.start()
    done.complete()
    with pytest.raises(RunNotRunning):
        steering.decide_cancel(done.run, reason="", cause="request")


@pytest.mark.parametrize("status", ["waiting_for_capacity", "running", "completed", "cancelled", "waiting"])
def test_only_a_paused_or_failed_run_can_be_resumed(status: str) -> None:
    story = Story()
    story.state.status = status  # type: ignore[assignment]

    with pytest.raises(FailedPrecondition):
        steering.decide_resume(story.run)


def test_nothing_can_be_decided_of_a_run_that_does_not_exist() -> None:
    decisions = [
        lambda: machine.decide_start(None, worker_id="w", now=0),
        lambda: steering.decide_cancel(None, reason="", cause=""),
        lambda: steering.decide_resume(None),
        lambda: machine.decide_time_out(None, now=0),
        lambda: machine.decide_complete(None, RunCompleted(execution_seq=1)),
    ]
    for decide in decisions:
        with pytest.raises(RunNotFound):
            decide()


def test_a_refusal_changes_nothing() -> None:
    story = Story()
    story.start()
    before = repr(story.state)

    with pytest.raises(IronflowError):
        story.complete_step("a", seq=9)

    assert repr(story.state) == before


@pytest.mark.parametrize("fact", sorted(kinds.KINDS))
def test_every_fact_survives_encoding(fact: str) -> None:
    """Fields are only ever added, with defaults: a fact written with its required fields alone still decodes."""
    kind = kinds.KINDS[fact]
    samples = {
        str: "x",
        int: 1,
        msgspec.Raw: msgspec.Raw(b'{"a":1}'),
        Failure: Failure("m"),
        RetryPolicy: RetryPolicy(),
        tuple[str, ...]: ("x",),
        tuple[int, ...]: (1,),
        AuditSettings: AuditSettings(reads=True),
        AuthzRequest: AuthzRequest("runs:read", "run/x"),
        PolicyDefinition: PolicyDefinition("p", ("runs:*",)),
        tuple[AppendedPart, ...]: (AppendedPart("t", "i", 1, ("e",)),),
        tuple[Voucher, ...]: (Voucher(1, "a", "b", "c"),),
        Descriptor: Descriptor(signature_header="X-Sig"),
        GroupSettings: GroupSettings("order.>"),
        ProjectionDefinition: ProjectionDefinition("managed", ("order.>",)),
        Receipt: Receipt("wh", Verification("current", (Check("signature", True),)), headers={"a": "b"}, body="{}"),
    }
    required = {field.name: samples[field.type] for field in msgspec.structs.fields(kind) if field.required}
    made = kind(**required)

    assert kinds.decode(fact, kinds.encode(made)) == made
