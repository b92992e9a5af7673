"""Corrections of a run's past by people: pure decisions. What was recorded stays; what counts is another output.

patch    a step of a paused or failed run, that completed or failed, has another output from here on
inject   a step of a paused run has an output: also one that waits, or that the code has not come to yet
undo     the last of these, of one step, counts no longer
"""

from __future__ import annotations

import re

import msgspec

from app.errors import FailedPrecondition, InvalidArgument, StepNotFound
from app.history.kinds import Fact, StepInjected, StepPatched, StepRestored
from app.runs.forgetting import COMPENSATION
from app.runs.state import AWAITED, TERMINAL, Run, known, step_name
from app.runs.steering import spellings

STEP_ID_CHARS_MAX = 1_024
TYPES = ("invoke", *sorted(AWAITED), "publish", "emit")

_ESCAPED = re.compile(r"[\\:]")
_RAW_PREFIXES = ("publish:", "compensate:")
_SHOWN_MAX = 5


def decide_patch(run: Run | None, *, step: str, output: msgspec.Raw, reason: str) -> list[Fact]:
    """`step` is the id or name of one that has ended. Raises StepNotFound, FailedPrecondition, InvalidArgument."""
    run = known(run)
    if run.status not in ("paused", "failed"):
        raise FailedPrecondition(
            f"{run.id} is {run.status}; only a paused or failed run can be patched", hint=_instead(run)
        )
    step_id = _meant(run, step)
    if step_id in run.open:
        raise FailedPrecondition(
            f"step {step_name(step_id)} of {run.id} has not ended: it waits",
            hint="`ironflow run inject` gives a paused run the output that it waits for",
        )
    if not step_id:
        raise _unknown(run, step)
    kind = _correctable(run, step_id)
    return [StepPatched(step_id=step_id, name=step_name(step_id), output=output, reason=reason, type=kind)]


def decide_inject(run: Run | None, *, step: str, output: msgspec.Raw, reason: str, type: str = "") -> list[Fact]:
    """`step` is the id or name of one that has ended or waits; any other is what the code will come to, as a step of
    that type (invoke, if none is given). Raises FailedPrecondition, InvalidArgument."""
    run = known(run)
    if run.status != "paused":
        raise FailedPrecondition(f"{run.id} is {run.status}, not paused", hint=_instead(run))
    step_id = _meant(run, step)
    if not step_id:
        step_id, kind = _next(run, step), type or "invoke"
        if kind not in TYPES:
            raise InvalidArgument(f"type {kind[:40]!r} is unknown", field="type", hint=f"one of {', '.join(TYPES)}")
    else:
        kind = run.open[step_id].fact.type if step_id in run.open else _correctable(run, step_id)
        if type and type != kind:
            raise InvalidArgument(f"step {step_name(step_id)} is {kind}, not {type[:40]}", field="type")
    return [StepInjected(step_id=step_id, name=step_name(step_id), output=output, reason=reason, type=kind)]


def decide_undo(run: Run | None, *, step: str, reason: str) -> list[Fact]:
    """Raises StepNotFound, FailedPrecondition."""
    run = known(run)
    if run.status not in ("paused", "failed"):
        raise FailedPrecondition(
            f"{run.id} is {run.status}; only of a paused or failed run can a patch be undone", hint=_instead(run)
        )
    step_id = _meant(run, step)
    if not step_id:
        raise _unknown(run, step)
    if step_id not in run.corrected:
        raise FailedPrecondition(f"the output of step {step_name(step_id)} of {run.id} was not corrected")
    return [StepRestored(step_id=step_id, name=step_name(step_id), reason=reason)]


def _meant(run: Run, given: str) -> str:
    """The id of the one step that is meant, "" for none. Raises InvalidArgument if it may be several."""
    found = [one for one in (*run.steps, *run.open) if given in spellings(one)]
    if len(found) > 1 and given not in found:
        ids = ", ".join(found[:_SHOWN_MAX])
        raise InvalidArgument(
            f"{run.id} has {len(found)} steps {given[:80]!r}", field="step", hint=f"give an id: {ids}"
        )
    return given if given in found else found[0] if found else ""


def _correctable(run: Run, step_id: str) -> str:
    """The type of a step that ended."""
    kind = run.steps[step_id].type
    if kind == COMPENSATION:
        raise FailedPrecondition(
            f"step {step_name(step_id)} is a compensation", hint="correct the step that it undoes, or fork the run"
        )
    return kind


def _next(run: Run, given: str) -> str:
    """The id that the code's next step of that name will have; an id is taken as it is."""
    if not given or "\0" in given or len(given) > STEP_ID_CHARS_MAX:
        raise InvalidArgument(
            f"{given[:80]!r} is not a step", field="step", hint="the id or name of a step, up to 1024 characters"
        )
    if given.startswith(f"{run.id}:"):
        return given
    prefix = next((raw for raw in _RAW_PREFIXES if given.startswith(raw)), "")
    return f"{run.id}:{prefix}{_ESCAPED.sub(_escape, given[len(prefix) :])}:0"


def _escape(found: re.Match[str]) -> str:
    return f"\\{found[0]}"


def _unknown(run: Run, step: str) -> StepNotFound:
    return StepNotFound(
        f"{run.id} has no step {step[:80]!r} that ended", field="step", hint="`ironflow run steps` lists names and ids"
    )


def _instead(run: Run) -> str:
    if run.status == "failed":
        return "`ironflow run patch` corrects a failed run"
    if run.status in TERMINAL:
        return "`ironflow run fork` tries it on a new run"
    return "`ironflow run pause` holds it at its next step"
