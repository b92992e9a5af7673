"""Waits, pauses and ends of a run, decided without a store: random interleavings keep what they must."""

from __future__ import annotations

import random

import msgspec
import pytest

from app.errors import IronflowError
from app.history.entry import Entry
from app.history.kinds import (
    EventEmitted,
    Fact,
    Failure,
    RunCompleted,
    RunFailed,
    RunResumed,
    RunSuspended,
    RunWoken,
    StepCompleted,
    StepFailed,
    encode,
)
from app.runs import ending, machine, steering, steps, waiting
from app.runs.state import TERMINAL
from app.runs.waiting import Child
from app.runs.yields import Invoke, Sleep, WaitForEvent
from storage.records import EntryRecord
from tests.unit.test_machine import SECOND, Story

CHILD = Child("run_child", "evt_child", None)


def event(number: int) -> Entry:
    fact = EventEmitted(id=f"evt_{number}", name="e", data=msgspec.Raw(b"1"))
    return Entry(
        EntryRecord(number, "default", "event/x", 1, fact.kind, encode(fact).decode(), "{}", "", "", "", 0, b"")
    )


def wait(step_id: str, story: Story, seconds: float = 10, on_timeout: str = "fail") -> WaitForEvent:
    return WaitForEvent(step_id, step_id, "e", story.now + int(seconds * SECOND), on_timeout=on_timeout)


def arrive(story: Story, step_id: str, number: int = 1) -> list[Fact]:
    return story.record(waiting.decide_event(story.run, step_id, [event(number)], lookback=False, now=story.now))


def test_of_an_event_and_a_deadline_the_one_decided_first_counts() -> None:
    story = Story()
    story.start()
    story.suspend(wait("w", story))
    story.now += 10 * SECOND

    resolved = arrive(story, "w")

    assert [type(fact) for fact in resolved] == [StepCompleted, RunWoken]
    assert waiting.decide_deadline(story.run, "w", now=story.now) == []
    assert waiting.decide_event(story.run, "w", [event(2)], lookback=False, now=story.now) == []


def test_a_cancelled_run_takes_no_event_and_has_no_deadline() -> None:
    story = Story()
    story.start()
    story.suspend(wait("w", story))
    story.record(steering.decide_cancel(story.run, reason="", cause="request"))
    story.now += 20 * SECOND

    assert arrive(story, "w") == []
    assert waiting.decide_deadline(story.run, "w", now=story.now) == []


def test_a_deadline_that_has_not_come_does_nothing() -> None:
    story = Story()
    story.start()
    story.suspend(wait("w", story), Invoke("i", "i", "child", timeout_ms=10_000), children={"i": CHILD})

    for step_id in ("w", "i", "unknown", ""):
        assert waiting.decide_deadline(story.run, step_id, now=story.now + 10 * SECOND - 1) == []
    assert waiting.decide_deadline(story.run, "i", now=story.now + 10 * SECOND)


def test_the_end_of_another_child_does_not_end_the_step() -> None:
    story = Story()
    story.start()
    story.suspend(Invoke("i", "i", "child"), children={"i": CHILD})

    for step_id, child in (("i", "run_other"), ("x", "run_child")):
        ended = waiting.decide_child_ended(story.run, step_id, child, output=None, cause="", now=story.now)
        assert ended == []


def test_an_awaited_step_that_failed_is_not_asked_for_again() -> None:
    story = Story()
    story.start()
    story.suspend(wait("w", story, 1, "error"), Sleep("s", "s", story.now + SECOND))
    story.now += SECOND
    story.record(waiting.decide_deadline(story.run, "w", now=story.now))
    story.start()

    facts = story.suspend(wait("w", story))

    assert [fact.kind for fact in facts] == ["run.paused"]
    assert story.state.divergence is not None
    assert story.state.divergence.recorded == "wait_for_event, failed"


def test_resuming_from_a_step_keeps_what_was_recorded_before_it() -> None:
    story = Story()
    story.start()
    for step_id in ("a", "b", "c"):
        story.complete_step(step_id)
    story.record(steering.decide_pause(story.run))
    story.complete_step("d")
    assert story.state.status == "paused"

    story.record(steering.decide_resume(story.run, from_step="b"))

    assert list(story.state.steps) == ["a"]


def test_every_interleaving_ends_each_wait_once_and_leaves_no_run_without_a_next_step(seed: int) -> None:
    """Whatever comes in whatever order: a wait ends at most once, a suspended run waits for something, an ended run
    stays ended, and a worker without the fence is refused."""
    choose = random.Random(seed)
    for _ in range(300):
        story = Story(timeout_ms=0)
        asked: dict[str, WaitForEvent | Sleep] = {}
        for number in range(40):
            story.now += choose.randrange(3) * SECOND
            _act(story, choose, asked, number)
            _check(story)


def _act(story: Story, choose: random.Random, asked: dict[str, WaitForEvent | Sleep], number: int) -> None:
    state = story.state
    unfinished = state.status not in TERMINAL
    match choose.randrange(10):
        case 0 | 1 if state.status in ("waiting", "waiting_for_capacity"):
            if state.status == "waiting_for_capacity" or (state.due_at and state.due_at <= story.now):
                story.record(
                    machine.decide_start(story.run, worker_id="w", now=story.now, unwinds=choose.random() < 0.7)
                )
        case 2 if state.status == "running":
            story.record(
                steps.decide_step(story.run, StepCompleted(f"s{number}", "s", execution_seq=state.execution_seq))
            )
        case 3 | 4 if state.status == "running":
            for step_id in (f"w{number}", f"n{number}")[: choose.randrange(1, 3)]:
                on_timeout = choose.choice(["fail", "default", "error"])
                asked[step_id] = (
                    wait(step_id, story, choose.randrange(1, 6), on_timeout)
                    if step_id.startswith("w")
                    else Sleep(step_id, step_id, story.now + choose.randrange(4) * SECOND)
                )
            pending = [one for step_id, one in asked.items() if step_id not in state.steps]
            if pending:
                story.suspend(*pending)
        case 5 if state.open:
            arrive(story, choose.choice(list(state.open)), number)
        case 6:
            story.record(waiting.decide_deadline(story.run, choose.choice([*asked, ""]), now=story.now))
        case 7 if unfinished and state.unwinding is None:
            story.record(steering.decide_pause(story.run))
        case 8 if state.status in ("paused", "failed"):
            story.record(steering.decide_resume(story.run))
            if state.status == "failed":
                asked.clear()
        case 9 if unfinished and choose.random() < 0.3:
            compensate = choose.random() < 0.5
            story.record(
                steering.decide_cancel(story.run, reason="", cause="request", compensate=compensate, now=story.now)
            )
        case _ if state.status == "running" and choose.random() < 0.2:
            if choose.random() < 0.5:
                story.fail(Failure("x", retryable=choose.random() < 0.5))
            else:
                story.record(machine.decide_complete(story.run, RunCompleted(execution_seq=state.execution_seq)))


def _check(story: Story) -> None:
    state = story.state
    ends: dict[str, int] = {}
    failed_step = ""
    for fact in story.facts:
        if isinstance(fact, RunFailed):
            failed_step = fact.step_id
        elif isinstance(fact, RunResumed):
            ends.pop(failed_step, None)  # it waits anew
        elif isinstance(fact, StepCompleted | StepFailed) and fact.type in ("sleep", "wait_for_event"):
            ends[fact.step_id] = ends.get(fact.step_id, 0) + 1
    assert not any(count > 1 for count in ends.values())
    if state.status == "waiting" and state.suspended:
        assert state.open
        sleeps = [one.fact.until for one in state.open.values() if hasattr(one.fact, "until")]
        assert state.due_at == (min(sleeps) if sleeps else None)
    if state.status in TERMINAL:
        assert not state.open
        assert state.unwinding is None
    if state.unwinding is not None:
        assert state.status in ("waiting_for_capacity", "running", "waiting")
        assert state.unwinding.deadline <= story.now + ending.UNWIND_US_MAX
    with pytest.raises(IronflowError):
        machine.decide_complete(story.run, RunCompleted(execution_seq=state.execution_seq + 1))
    if state.status != "running":
        assert not isinstance(story.facts[-1], RunSuspended) or state.suspended or state.status != "waiting"
