"""What a bulk job does: the command for one run, and the one for a part of its runs.

A part is one command: what is decided of each run, or why it was refused, and how far the job is by then. All of it is
recorded or nothing, and nothing if the job is elsewhere by now.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.errors import IronflowError
from app.history.committer import Command, Decision
from app.history.entry import Draft
from app.history.kinds import BulkAdvanced, BulkRefusal, Fact
from app.runs import bulk_job, commands, steering, tags
from app.runs.asking import Request
from app.runs.bulk import FROM_FAILURE
from app.runs.bulk_job import BulkJob
from app.runs.forks import REPLAY, Forks
from app.runs.reading import not_found
from app.runs.state import Run

MESSAGE_CHARS_MAX = 500

Attempt = Command | IronflowError
"""What is to be recorded of a run, or why it cannot be."""


async def attempt(forks: Forks, job: BulkJob, run_id: str) -> Attempt:
    """What the job does to the run."""
    asked, environment = job.asked, job.environment
    via = bulk_job.stream(job.id)
    request = Request(asked.reason, job.started_by, via=via)
    try:
        match asked.verb:
            case "replay":
                return await forks.command(environment, run_id, REPLAY, request)
            case "fork":
                return await forks.command(environment, run_id, FROM_FAILURE, request)
            case _:
                if "\0" in run_id:  # no id has one, and Postgres cannot be asked
                    raise not_found(environment, run_id)
                return commands.command(environment, run_id, _decider(job, run_id), job.started_by, via=via)
    except IronflowError as refused:
        return refused


def _decider(job: BulkJob, run_id: str) -> commands.Decider:
    asked = job.asked

    def decide(run: Run | None, now: int) -> list[Fact]:
        if run is None:
            raise not_found(job.environment, run_id)
        match asked.verb:
            case "cancel":
                return steering.decide_cancel(
                    run,
                    reason=asked.reason,
                    cause="request",
                    detached=asked.detached,
                    compensate=asked.compensate,
                    now=now,
                )
            case "pause":
                return steering.decide_pause(run, reason=asked.reason)
            case "resume":
                return steering.decide_resume(run, reason=asked.reason)
            case verb:
                assert verb == "tag", f"{verb} is none of the verbs"
                return tags.decide_tag(run, add=asked.add, remove=asked.remove, reason=asked.reason)

    return decide


def part(job: BulkJob, attempts: Mapping[str, Attempt], *, last: bool) -> Command:
    """The command for the next runs of a job, from the newest to the oldest; with `last` there are no more. Answers
    with what it recorded of them. It is refused with Conflict if the job is elsewhere by now."""
    where = bulk_job.stream(job.id)
    whole = [one for one in attempts.values() if isinstance(one, Command)]

    def decide(states: Mapping[str, Any], now: int) -> Decision:
        bulk_job.decide_advance(states[where], job, None, last=last)
        drafts: list[Draft] = []
        changed: list[str] = []
        refused: list[BulkRefusal] = []
        made: dict[str, str] = {}
        for run_id, wanted in attempts.items():
            try:
                decision = _decided(wanted, states, now)
            except IronflowError as error:
                refused.append(BulkRefusal(run_id, error.code, error.message[:MESSAGE_CHARS_MAX]))
                continue
            drafts += decision.drafts
            changed.append(run_id)
            if isinstance(decision.answer, str):
                made[run_id] = decision.answer
        fact = BulkAdvanced(min(attempts), tuple(changed), tuple(refused), made) if attempts else None
        facts = bulk_job.decide_advance(states[where], job, fact, last=last)
        return Decision([*drafts, *(Draft(where, one) for one in facts)], fact)

    streams = dict.fromkeys((where, *(stream for one in whole for stream in one.streams)))
    new = tuple(stream for one in whole for stream in one.new)
    return Command(job.environment, tuple(streams), decide, new, weight=1 + len(attempts))


def _decided(wanted: Attempt, states: Mapping[str, Any], now: int) -> Decision:
    if isinstance(wanted, IronflowError):
        raise wanted
    return wanted.decide(states, now)
