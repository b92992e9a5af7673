"""Results of steps that a worker ran, and what it notes: pure decisions."""

from __future__ import annotations

from app.history.kinds import Divergence, Fact, RunNoted, StepCompleted, StepFailed
from app.runs import machine
from app.runs.state import Run, held


def decide_step(run: Run | None, fact: StepCompleted | StepFailed) -> list[Fact]:
    """The result of a step. One that is recorded already is not recorded again: the first report stands. A type that
    contradicts the recorded one stops the run. What an execution did before it knew that the run was paused counts: it
    would be done again otherwise."""
    if run is not None and run.status == "paused" and run.execution_seq == fact.execution_seq and run.error is None:
        unknown = run.settled(fact.step_id) is None and fact.step_id not in run.open
        return [fact] if unknown else []
    run = held(run, fact.execution_seq)
    recorded = run.settled(fact.step_id)
    if recorded is not None:
        return [] if recorded.type == fact.type else contradicted(run, fact.step_id, recorded.type, fact.type)
    if fact.step_id in run.open:
        return contradicted(run, fact.step_id, run.open[fact.step_id].fact.type, fact.type)
    if run.pause_requested:
        return [fact, machine.paused(run)]
    return [fact]


def decide_note(run: Run | None, fact: RunNoted) -> list[Fact]:
    held(run, fact.execution_seq)
    return [fact]


def contradicted(run: Run, step_id: str, recorded: str, requested: str) -> list[Fact]:
    """The run stops, since the code asks for another kind of step than history has."""
    divergence = Divergence(step_id=step_id, recorded=recorded, requested=requested)
    return machine.decide_diverge(run, execution_seq=run.execution_seq, divergence=divergence)
