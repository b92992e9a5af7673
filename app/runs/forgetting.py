"""Which results a run that is resumed forgets, so that those steps are run again: one rule for all that fold them.

Of a run that had failed, compensations are forgotten and what they undid: a person wants it to go forward again. With
`from_step`, that step and what was recorded after it. An output that a person gave a step stands until that is undone.
"""

from __future__ import annotations

from collections.abc import Container, Mapping

from app.runs.state import Mark, step_name

COMPENSATION = "compensate"
_PREFIX = f"{COMPENSATION}:"


def forgotten(
    steps: Mapping[str, Mark], *, had_failed: bool, failed_step: str, from_step: str, corrected: Container[str]
) -> list[str]:
    """Ids of the steps whose results no longer count. `steps` are those that ended, in the order of their last report;
    `failed_step` is the wait whose timeout failed the run."""
    ids = [*steps]
    gone = set(ids[ids.index(from_step) :]) if from_step in steps else set()
    if failed_step in steps and steps[failed_step].status == "failed":
        gone.add(failed_step)
    compensations = {one for one, mark in steps.items() if mark.type == COMPENSATION} if had_failed else set()
    undone = {undoes(one) for one in compensations if steps[one].status == "completed"}
    gone.update(one for one in ids if step_name(one) in undone)
    return [one for one in ids if one in compensations or (one in gone and one not in corrected)]


def undoes(compensation_id: str) -> str:
    """The name of the step that a compensation undoes."""
    return step_name(compensation_id).removeprefix(_PREFIX)
