"""The oracle of the storm notices each sort of broken promise."""

from __future__ import annotations

import msgspec

from app.history.kinds import EventEmitted, RetryPolicy, RunCompleted, RunCreated, StepCompleted
from ironflow.body import key_of
from tests.support.storm.clients import Acked
from tests.support.storm.faults import Fault
from tests.support.storm.ledger import Line
from tests.support.storm.oracle import Story, Told, judge

KEY = key_of("r:grow:0")
ACKED = Acked("k", "storm.child", {"n": "1"}, "e", ("r",))


def told(*, emitted: int = 1, successes: int = 1, ends: int = 1) -> Story:
    """A story of one event and its run, whose step was recorded at 100."""
    event = EventEmitted("e", "storm.child", msgspec.Raw(b'{"n":"1"}'), idempotency_key="k", run_ids=("r",))
    run = Told(RunCreated("storm-child", 1, "e", "storm.child", RetryPolicy(), 0))
    run.successes = [(StepCompleted("r:grow:0", "grow"), 100)] * successes
    run.ends = [RunCompleted(1, msgspec.Raw(b'"grew 1"'))] * ends
    story = Story(runs={"r": run})
    story.events["e"] = [(event, 10)] * emitted
    return story


def broken(story: Story, *at: int, faults: tuple[Fault, ...] = (), acked: tuple[Acked, ...] = (ACKED,)) -> list[str]:
    """The promises that were broken, given executions of the step at those instants."""
    lines = [Line(KEY, one, False) for one in at]
    verdict = judge(story, acked=acked, cancelled=(), executed={KEY: lines} if lines else {}, faults=faults)
    return [sentence.partition(":")[0] for sentence in verdict.broken]


def test_a_story_as_it_should_be_breaks_nothing() -> None:
    assert broken(told(), 50) == []


def test_an_emit_that_is_there_twice_or_unknown_is_noticed() -> None:
    lost = Acked("k2", "storm.child", {"n": "2"}, "e2", ())

    assert set(broken(told(emitted=2), 50)) == {"I1"}
    assert broken(told(), 50, acked=(ACKED, lost)) == ["I1"]
    assert broken(told(), 50, acked=()) == ["I1"]


def test_a_second_success_is_noticed() -> None:
    assert broken(told(successes=2), 50) == ["I2"]


def test_executions_that_are_missing_late_or_without_reason_are_noticed() -> None:
    between = Fault("server", 20, 30, 45)
    elsewhere = Fault("server", 5, 6, 7)

    assert broken(told()) == ["I3"]
    assert broken(told(), 40, 60, faults=(between,)) == []
    assert broken(told(), 40, 60, faults=(elsewhere,)) == ["I3"]
    assert broken(told(), 40, 160, faults=(between,)) == ["I3"]


def test_a_run_that_does_not_end_or_ends_twice_is_noticed() -> None:
    assert broken(told(ends=0), 50) == ["I4"]
    assert broken(told(ends=2), 50) == ["I4"]
