"""Child runs: what an invocation creates, and what its parent is told of its end.

A child is started by an event of its own, named by the function's id as if that had been triggered, and recorded in the
commit in which its parent begins to wait: there is no child without a parent that knows it, and no wait without child.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from app.errors import FunctionNotFound, InvalidArgument
from app.history.entry import Draft, Entry
from app.history.kinds import (
    EventEmitted,
    FunctionRegistered,
    RunCancelled,
    RunCompleted,
    RunCreated,
    RunFailed,
)
from app.ids import Ids
from app.runs import admission, matching, tags
from app.runs.admission import Arrival
from app.runs.functions import Functions
from app.runs.matching import Candidate
from app.runs.noun import stream
from app.runs.state import Run
from app.runs.waiting import Child
from app.runs.yields import Invoke, WaitForEvent, Yield

SOURCE = "invoke"


def child(wanted: Invoke, environment: str, functions: Functions, ids: Ids) -> Child:
    """The child that the invocation would create; with a refusal if the function cannot be invoked."""
    try:
        function = functions.get(environment, wanted.function_id).fact
    except FunctionNotFound as unknown:
        return Child("", "", None, str(unknown))
    if function.triggers:
        refusal = f"function {wanted.function_id!r} has triggers of its own: only one without can be invoked"
        return Child("", "", None, refusal)
    return Child(ids.run(), ids.event(), function)


def drafts(parent: Run, wanted: Invoke, made: Child) -> list[Draft]:
    """The child's event and the child, caused by its parent."""
    function = made.function
    assert function is not None, "an invocation that was refused creates nothing"
    emitted = EventEmitted(
        id=made.event_id,
        name=wanted.function_id,
        data=wanted.input,
        source=SOURCE,
        run_id=parent.id,
        run_ids=(made.run_id,),
    )
    created = msgspec.structs.replace(
        _planned(wanted, made, function),
        parent_run_id=parent.id,
        parent_step_id=wanted.step_id,
        depth=parent.depth + 1,
        detached=wanted.detached,
    )
    where = f"event/{made.event_id}"
    return [
        Draft(where, emitted, stream(parent.id), made.event_id),
        Draft(stream(made.run_id), created, where, made.event_id),
    ]


def _planned(wanted: Invoke, made: Child, function: FunctionRegistered) -> RunCreated:
    """The run that the function's options make of the invocation. It is wanted by its parent, so nothing holds it back
    or lets it go; capacity counts as for every run."""
    data = msgspec.json.decode(wanted.input)
    envelope = {"id": made.event_id, "name": wanted.function_id, "data": data, "metadata": {}, "source": SOURCE}
    variables = {**envelope, "event": envelope, "topic": wanted.function_id}
    given, _ = tags.fitting(wanted.tags)
    arrival = Arrival(
        made.event_id, wanted.function_id, data, len(wanted.input), lambda: envelope, lambda: variables, tags=given
    )
    return admission.plan(function, arrival, made.run_id).created


def outcome(ended: Entry) -> tuple[msgspec.Raw | None, str]:
    """The output of a child run that ended by this entry; or None, and why there is none."""
    match ended.fact:
        case RunCompleted(output=output):
            return output, ""
        case RunFailed(error=error):
            return None, f"{error.code}: {error.message}" if error.code else error.message
        case RunCancelled(reason=reason):
            return None, f"cancelled: {reason}" if reason else "cancelled"
        case _:
            raise AssertionError(f"{ended} does not end a run")


def compared(wanted: Sequence[Yield], event: Entry) -> Mapping[str, str]:
    """By step id, the value that each wait with a path compares with: its own, or that in the run's event. Raises
    InvalidArgument where that has none, since no event could ever match."""
    values: dict[str, str] = {}
    candidate = Candidate(event)
    for one in wanted:
        if not isinstance(one, WaitForEvent) or not one.match or not matching.is_path(one.match):
            continue
        value = one.match_value or candidate.value_at(one.match)
        if value is None:
            raise InvalidArgument(
                f"step {one.name}: the run's own event has no single value at {one.match!r} to compare with",
                field="match",
                hint="give match_value, or the path of a text, number or boolean",
            )
        values[one.step_id] = value
    return values
