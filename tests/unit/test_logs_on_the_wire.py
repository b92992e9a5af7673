"""Lines and tags arrive as they were said, by whichever protocol our SDK tells them."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from app.dispatch import answers
from app.dispatch.answers import AnswerBody
from app.dispatch.jobs import Job
from app.history.kinds import RetryPolicy, RunLogged, RunTagged
from app.rpc import reports
from app.runs.lines import lines_of
from ironflow import pushing, wire
from ironflow.lines import Line, Logs
from ironflow.outbox import Outbox
from ironflow.reports import Report, RunCompleted, StepCompleted
from ironflow.v1 import worker_pb2

LINES = (
    Line(1_764_000_000_000_000, "warning", "slow é", b'{"ms":900}', "shop", "/shop.py", 7, 3),
    Line(1_764_000_000_000_001, "debug", "x"),
)
STEP = StepCompleted("run_1:a:0", "a", b"1", 5, logs=Logs(LINES, 2), logs_before=Logs(LINES[1:]))
BARE = StepCompleted("run_1:a:0", "a", b"1", 5)
END = RunCompleted(b"1", Logs(LINES))


@pytest.fixture
def job() -> Job:
    return Job("j", "default", "run_1", "f", 3, "t", 2, RetryPolicy(), None)  # type: ignore[arg-type]


def as_said(facts: object) -> list[tuple[str, int, int, int, list[Line]]]:
    told: list[RunLogged] = list(facts)  # type: ignore[call-overload]
    return [
        (
            fact.step_id,
            fact.execution_seq,
            fact.attempt,
            fact.dropped,
            [
                Line(one.at, one.level, one.message, bytes(one.fields), one.logger, one.path, one.line, one.cut)
                for one in lines_of(fact) or ()
            ],
        )
        for fact in told
    ]


def by_stream(report: Report) -> worker_pb2.WorkerMessage:
    outbox = Outbox()
    wire.JobSink(outbox, worker_pb2.JobAssignment(job_id="j")).report(report)
    return asyncio.run(outbox.take())


def test_lines_of_a_stream(job: Job) -> None:
    step = by_stream(STEP).step_completed

    assert as_said(reports.step_logged(job, step)) == [
        ("", 3, 2, 0, [LINES[1]]),
        ("run_1:a:0", 3, 2, 2, [*LINES]),
    ]
    assert as_said(reports.logged(job, by_stream(END).job_completed)) == [("", 3, 2, 0, [*LINES])]
    bare = by_stream(BARE).step_completed
    assert not bare.HasField("logs")
    assert not bare.HasField("logs_before")


def test_lines_of_a_push_endpoint(job: Job) -> None:
    said: list[bytes] = []

    class Carrier:
        def acknowledged(self, step_id: str) -> None: ...

    sink = pushing.Lines(said.append)
    sink.execution = Carrier()  # type: ignore[assignment]
    for report in (STEP, BARE, END):
        sink.report(report)

    step, bare, end = (msgspec.json.decode(one, type=AnswerBody) for one in said)
    assert step.step is not None
    assert bare.step is not None
    assert as_said(answers.step(job, step.step, "step").logged) == [
        ("", 3, 2, 0, [LINES[1]]),
        ("run_1:a:0", 3, 2, 2, [*LINES]),
    ]
    assert answers.step(job, bare.step, "step").logged == ()
    assert b"logs" not in said[1]
    outcome = answers.outcome(job, end, now=0)
    assert outcome is not None
    assert as_said(outcome.logged) == [("", 3, 2, 0, [*LINES])]


def test_tags_of_both_protocols(job: Job) -> None:
    tagged = StepCompleted(
        "run_1:a:0", "a", b"1", 5, logs=Logs((), tags=("vip",)), logs_before=Logs(LINES, tags=("eu", "de"))
    )
    answer = pushing.Answer()
    answer.report(RunCompleted(b"1", Logs((), tags=("over",))))

    _, before, own = reports.step_logged(job, by_stream(tagged).step_completed)
    outcome = answers.outcome(job, msgspec.json.decode(answer.body, type=AnswerBody), now=0)

    assert before == RunTagged(("eu", "de"), execution_seq=3)
    assert own == RunTagged(("vip",), step_id="run_1:a:0", execution_seq=3)
    assert outcome is not None
    assert [*outcome.logged] == [RunTagged(("over",), execution_seq=3)]
