"""What mended one run, given to the others of its group: as REST shows it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app.api.shapes.base import Shape, given
from app.api.shapes.rewind import Expected, PlanResponse, plan_shown
from app.errors import ErrorResponse
from app.search.applying import TARGETS_MAX, Applied, Outcome


class ApplyPatchBody(msgspec.Struct, forbid_unknown_fields=True):
    """`expected_versions` are those of the plans that were looked at, by run: a run that has another by now is
    refused."""

    from_run: Annotated[str, Meta(description="the run that went well with another output of a step, or a fork of one")]
    step: Annotated[str, Meta(description="which of its steps, by id or name, if several were given one")] = ""
    run_ids: Annotated[
        list[str], Meta(description=f"at most {TARGETS_MAX}; without them the newest that rest failed or paused")
    ] = []
    expected_versions: dict[str, Expected] = {}
    dry_run: Annotated[bool, Meta(description="only tell what would come of each")] = False
    reason: Annotated[str, Meta(description="why: recorded with each change; needed unless it is a dry run")] = ""


class AppliedRun(Shape, kw_only=True):
    """A run, and what comes of it: `plan` with a dry run, `error` where it is refused."""

    run_id: str
    step_id: str | UnsetType = UNSET
    plan: PlanResponse | UnsetType = UNSET
    error: ErrorResponse | UnsetType = UNSET


class ApplyPatchResponse(Shape, kw_only=True):
    """`output` is what the step `step` of `from_run` was given. `more`: further runs of the group rest."""

    dry_run: bool
    from_run: str
    step: str
    output: msgspec.Raw
    runs: list[AppliedRun]
    changed: int
    refused: int
    more: bool


def applied_shown(outcome: Outcome, *, dry_run: bool) -> ApplyPatchResponse:
    return ApplyPatchResponse(
        dry_run=dry_run,
        from_run=outcome.patch.run_id,
        step=outcome.patch.name,
        output=outcome.patch.output,
        runs=[_run(one) for one in outcome.runs],
        changed=outcome.changed,
        refused=sum(one.error is not None for one in outcome.runs),
        more=outcome.more,
    )


def _run(one: Applied) -> AppliedRun:
    return AppliedRun(
        run_id=one.run_id,
        step_id=given(one.step_id),
        plan=UNSET if one.plan is None else plan_shown(one.plan),
        error=UNSET if one.error is None else msgspec.convert(one.error.body(), ErrorResponse),
    )
