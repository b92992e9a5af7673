"""What a fork begins with: pure decisions.

A fork is a run of its own, for the same event and the same function as it is now. Its first entries carry over what its
origin had recorded up to a position, re-keyed, in the order in which the origin's code was told; its state is folded
from its own stream alone, and the origin is only read. What the origin waited for then, the fork asks for anew. Steps
that were undone by then are run again. A replay is a fork at position 0: it begins with nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from app.errors import StepNotFound
from app.history.entry import Entry
from app.history.kinds import (
    Fact,
    StepCarried,
    StepCompleted,
    StepFailed,
    StepInjected,
    StepPatched,
)
from app.runs import planning
from app.runs.forgetting import COMPENSATION
from app.runs.memo import Memo
from app.runs.state import Run, step_name
from app.runs.steering import spellings


class Prefix(NamedTuple):
    """What is carried over, with ids of the origin, and the position up to which that is. `types` are of all steps that
    the origin came to, by then or later; `tags` are those that it had then."""

    origin_id: str
    position: int
    steps: Sequence[StepCarried]
    types: Mapping[str, str]
    tags: tuple[str, ...]


def prefix(entries: Sequence[Entry], *, origin: Run, from_step: str = "") -> Prefix:
    """What a fork takes over of these entries of its origin, the steps before `from_step` only; `origin` is what the
    origin has become since. Raises StepNotFound."""
    run, memos = planning.folded(entries)
    memos.tell()
    memos.had_failed = True  # what was undone is to be done again, and nothing goes on undoing
    found = next((one for one in memos.steps if from_step in spellings(one)), "") if from_step else ""
    if from_step and not found:
        raise StepNotFound(
            f"{run.id} has no step {from_step[:80]!r} up to position {entries[-1].position}",
            field="from_step",
            hint="`ironflow run steps` lists names and ids",
        )
    memos.resume(found)
    origins = _origins(entries)
    steps = [_carried(memo, origins[memo.step_id]) for memo in memos.given(1) if memo.type != COMPENSATION]
    return Prefix(run.id, entries[-1].position, steps, {**_types(run), **_types(origin)}, run.tags)


def begun(prefix: Prefix, run_id: str, patches: Mapping[str, msgspec.Raw], reason: str) -> list[Fact]:
    """The fork's first facts after its creation: what it takes over, then the outputs that it is given instead.
    `patches` are by id or name of a step. Raises StepNotFound."""
    facts: list[Fact] = [
        msgspec.structs.replace(one, step_id=_rekeyed(one.step_id, prefix.origin_id, run_id)) for one in prefix.steps
    ]
    for given, output in patches.items():
        found = next((one for one in prefix.types if given in spellings(one)), "")
        if not found:
            raise StepNotFound(
                f"{prefix.origin_id} has no step {given[:80]!r}",
                field="patches",
                hint="`ironflow run steps` lists names and ids",
            )
        step_id = _rekeyed(found, prefix.origin_id, run_id)
        facts.append(StepPatched(step_id, step_name(step_id), output, reason, type=prefix.types[found]))
    return facts


def _types(run: Run) -> Mapping[str, str]:
    types = {one: mark.type for one, mark in run.steps.items() if mark.type != COMPENSATION}
    types.update((one, waits.fact.type) for one, waits in run.open.items())
    return types


def _rekeyed(step_id: str, origin_id: str, run_id: str) -> str:
    return f"{run_id}{step_id.removeprefix(origin_id)}"


class _At(NamedTuple):
    """The entry that has a step's result, as far as a fork shows it."""

    position: int
    duration_ms: int = 0
    started_at: int = 0
    event_id: str = ""
    child_run_id: str = ""


def _origins(entries: Sequence[Entry]) -> dict[str, _At]:
    found: dict[str, _At] = {}
    for entry in entries:
        match entry.fact:
            case StepCompleted() as fact:
                found[fact.step_id] = _At(
                    entry.position, fact.duration_ms, fact.started_at, fact.event_id, fact.child_run_id
                )
            case StepFailed() as fact:
                found[fact.step_id] = _At(entry.position, fact.duration_ms, fact.started_at)
            case StepCarried() as fact:
                found[fact.step_id] = _At(
                    fact.position, fact.duration_ms, fact.started_at, fact.event_id, fact.child_run_id
                )
            case StepPatched() | StepInjected() as fact:
                found[fact.step_id] = _At(entry.position)
            case _:
                pass
    return found


def _carried(memo: Memo, at: _At) -> StepCarried:
    common = {"step_id": memo.step_id, "name": memo.name, "type": memo.type, "attempt": memo.attempt or 1}
    if memo.error is not None:
        return StepCarried(**common, **at._asdict(), error=memo.error)  # type: ignore[arg-type]
    assert memo.output is not None, "what did not fail has an output"
    return StepCarried(**common, **at._asdict(), output=memo.output)  # type: ignore[arg-type]
