"""Plans, corrections and lineages of runs as REST shows them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app.api.shapes.base import Position, Shape, Text, given
from app.api.shapes.runs import RunResponse, RunSummary, StepResponse, row_shown, run_shown, step_shown
from app.history.kinds.base import ABSENT, null
from app.runs.forks import REPLAY, Branch, Lineage
from app.runs.forks import Wish as ForkWish
from app.runs.planning import Plan
from app.runs.reading import RunRecord
from app.runs.rewind import Corrected, Wish

Reason = Annotated[str, Meta(description="why: recorded with the change")]
Expected = Annotated[int, Meta(ge=0, description="the version of the run that was looked at")]
Step = Annotated[str, Meta(description="the id of a step, or its name where no other has it")]
FromStep = Annotated[str, Meta(description="run this step, by name or id, and all after it again")]
Patches = Annotated[dict[str, msgspec.Raw], Meta(description="outputs by id or name of a step")]
StepType = Annotated[str, Meta(description="what the code will ask for there: invoke, sleep, wait_for_event …")]
Upto = Annotated[Position, Meta(description="share history up to this position; without one, all of it")]


class PatchBody(msgspec.Struct, forbid_unknown_fields=True):
    """`resume`: the run goes on at once; with `from_step` from that step."""

    output: msgspec.Raw
    reason: Reason
    resume: bool = False
    from_step: FromStep = ""
    expected_version: Expected | None = None


class StepPatchBody(msgspec.Struct):
    """The published way to patch: the step by its id, in which the run's is."""

    step_id: str
    reason: Reason
    output: msgspec.Raw = msgspec.field(default_factory=null)


class InjectBody(msgspec.Struct, forbid_unknown_fields=True):
    output: msgspec.Raw
    reason: Reason
    type: StepType = ""
    resume: bool = False
    expected_version: Expected | None = None


class UndoBody(msgspec.Struct, forbid_unknown_fields=True):
    reason: Reason
    resume: bool = False
    expected_version: Expected | None = None


class ForkBody(msgspec.Struct, forbid_unknown_fields=True):
    """`input` is given to the code instead of the data of the run's event."""

    reason: Reason
    position: Upto | None = None
    from_step: FromStep = ""
    patches: Patches = {}
    input: msgspec.Raw | UnsetType = UNSET
    expected_version: Expected | None = None


class ReplayBody(msgspec.Struct, forbid_unknown_fields=True):
    reason: Reason
    expected_version: Expected | None = None


class ReplayEventsBody(msgspec.Struct, forbid_unknown_fields=True):
    """Events after a position, for a function. Without `events` those that trigger it."""

    function_id: str
    after: Annotated[int, Meta(ge=0, le=2**62, description="a position; 0 for all of history")]
    until: Annotated[Position, Meta(description="no event past this position")] | None = None
    events: Annotated[str, Meta(description="a pattern, such as order.>")] = ""
    filter: Annotated[str, Meta(description="CEL over data, name, topic, timestamp and metadata")] = ""
    dry_run: bool = False
    reason: str = ""


class ReplayedEvent(Shape):
    event_id: str
    run_id: str


class ReplayEventsResponse(Shape):
    """How many events matched, and the run that each was given."""

    dry_run: bool
    matched: int
    runs: list[ReplayedEvent]
    next_after: Annotated[int, Meta(description="where to go on: there are more")] | UnsetType = UNSET


class PlanBody(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be planned, with what the action itself takes."""

    action: Literal["patch", "inject", "undo", "resume", "fork", "replay"]
    step: Step = ""
    output: msgspec.Raw = msgspec.field(default_factory=null)
    type: StepType = ""
    from_step: FromStep = ""
    position: Upto | None = None
    patches: Patches = {}
    input: msgspec.Raw | UnsetType = UNSET


class PlannedStepResponse(Shape):
    """What becomes of a step when the run goes on."""

    step_id: str
    name: str
    type: str
    status: Annotated[str, Meta(description="how it ended, or waiting; empty if the code has not come to it")]
    fate: Literal["kept", "changed", "waits", "reruns"]
    repeats: Annotated[bool, Meta(description="it began before, and may have its effects outside once more")]


class PlanResponse(Shape):
    """What would come of an action. Make it with `version` as expected_version, and it is what was planned."""

    action: str
    run_id: str
    version: int
    steps: list[PlannedStepResponse]
    reruns: Annotated[list[str], Meta(description="names of recorded steps that run again")]
    kept: Annotated[list[str], Meta(description="names of steps whose results are handed to the code")]
    may_repeat: Annotated[list[str], Meta(description="names of steps whose effects outside may happen again")]
    compensations: Annotated[list[str], Meta(description="kept steps that are undone if it fails, as far as known")]
    warnings: list[str]


class CorrectionResponse(Shape):
    """The run after a correction, and the step; left out if it runs again."""

    run: RunResponse
    step: StepResponse | UnsetType = UNSET
    previous_output: msgspec.Raw | UnsetType = UNSET


class PausedStateResponse(Shape):
    """A paused run: what is recorded of it, and the step that it comes to next, as far as known."""

    run: RunResponse
    steps: list[StepResponse]
    pause_reason: str
    next_step_hint: Text = UNSET


class BranchResponse(Shape):
    """A run of a lineage. It shares the history of its origin up to `forked_at`; a replay shares nothing."""

    run: RunSummary
    relation: Literal["origin", "fork", "replay"]
    forks: list[Any]
    forked_at: int | UnsetType = UNSET


class LineageResponse(Shape):
    """The tree of forks and replays that a run is in."""

    run_id: str
    tree: BranchResponse
    more: Annotated[bool, Meta(description="there are more runs in it than are shown")]


def fork_wish(body: ForkBody | PlanBody) -> ForkWish:
    return ForkWish(
        position=body.position or 0,
        from_step=body.from_step,
        patches=body.patches,
        input=ABSENT if body.input is UNSET else body.input,
    )


def planned_wish(body: PlanBody) -> Wish | ForkWish:
    """What is to be planned: a correction, or a fork."""
    if body.action == "replay":
        return REPLAY
    if body.action == "fork":
        return fork_wish(body)
    return Wish(body.action, body.step, body.output, body.type, from_step=body.from_step)


def plan_shown(plan: Plan) -> PlanResponse:
    return PlanResponse(
        action=plan.action,
        run_id=plan.run_id,
        version=plan.version,
        steps=[
            PlannedStepResponse(
                step_id=one.step_id,
                name=one.name,
                type=one.type,
                status=one.status,
                fate=one.fate,
                repeats=one.repeats,
            )
            for one in plan.steps
        ],
        reruns=[one.name for one in plan.of("reruns")],
        kept=[one.name for one in plan.of("kept", "changed")],
        may_repeat=[one.name for one in plan.steps if one.repeats],
        compensations=plan.compensations,
        warnings=plan.warnings,
    )


def correction_shown(corrected: Corrected) -> CorrectionResponse:
    run_id = corrected.run.state.id
    return CorrectionResponse(
        run=run_shown(corrected.run),
        step=UNSET if corrected.step is None else step_shown(run_id, corrected.step),
        previous_output=UNSET if corrected.previous is None else corrected.previous,
    )


def paused_shown(run: RunRecord, hint: str) -> PausedStateResponse:
    return PausedStateResponse(
        run=run_shown(run),
        steps=[step_shown(run.state.id, step) for step in run.steps.values()],
        pause_reason=run.state.pause_reason,
        next_step_hint=given(hint),
    )


def lineage_shown(run_id: str, lineage: Lineage) -> LineageResponse:
    return LineageResponse(run_id=run_id, tree=_branch(lineage.root), more=lineage.more)


def _branch(root: Branch) -> BranchResponse:
    """The tree, without recursion: a lineage may be deep."""
    shown: dict[str, BranchResponse] = {}
    order = [root]
    for branch in order:
        row = branch.row
        relation: Literal["origin", "fork", "replay"] = "origin"
        if row.forked_from_run_id:
            relation = "fork" if row.forked_from_position else "replay"
        shown[row.id] = BranchResponse(
            run=row_shown(row), relation=relation, forked_at=given(row.forked_from_position), forks=[]
        )
        order += branch.forks
    for branch in order:
        shown[branch.row.id].forks.extend(shown[fork.row.id] for fork in branch.forks)
    return shown[root.row.id]
