"""Changing what happens next of a run: plan it, patch, inject, undo, pause, resume; fork and replay.

Every change takes a reason; with `key` (an idempotency key) it may be asked for again and is made once, with `version`
(of the run that was looked at) it is refused if the run has changed since.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ironflow.calls import Call, Json, Plan, quoted
from ironflow.tags import several

_EVENTS: Any = object()
"""The data of the run's event, which any other input, None too, takes the place of."""


def plan_run(
    run_id: str,
    action: str,
    *,
    step: str = "",
    output: Any = None,
    type: str = "",
    from_step: str = "",
    position: int | None = None,
    patches: Mapping[str, Any] | None = None,
    input: Any = _EVENTS,
) -> Plan[Json]:
    """What an action (patch, inject, undo, resume, fork, replay) would lead to, step by step; nothing is changed. Takes
    what the action takes."""
    body = {
        "action": action,
        "step": step,
        "output": output,
        "type": type,
        **_fork(from_step, position, patches, input),
    }
    found: Json = yield Call("POST", f"{_run(run_id)}/plan", body=body, again=True)
    return found


def patch_step(
    run_id: str,
    step: str,
    output: Any,
    *,
    reason: str,
    resume: bool = False,
    from_step: str = "",
    key: str = "",
    version: int | None = None,
) -> Plan[Json]:
    """Give a step of a paused or failed run another output; `resume` lets the run go on at once, `from_step` from
    there. The run and the step; the original output stays readable, and `undo` restores it."""
    body = {"output": output, "reason": reason, "resume": resume, "from_step": from_step}
    found: Json = yield _change(f"{_step(run_id, step)}/patch", body, key, version)
    return found


def inject_output(
    run_id: str,
    step: str,
    output: Any,
    *,
    reason: str,
    type: str = "",
    resume: bool = False,
    key: str = "",
    version: int | None = None,
) -> Plan[Json]:
    """Give a step of a paused run an output: one that ended, that waits, or that the code has not come to yet, which is
    then a step of `type` (invoke, if not given)."""
    body = {"output": output, "reason": reason, "type": type, "resume": resume}
    found: Json = yield _change(f"{_step(run_id, step)}/inject", body, key, version)
    return found


def undo_correction(
    run_id: str, step: str, *, reason: str, resume: bool = False, key: str = "", version: int | None = None
) -> Plan[Json]:
    """Undo the last patch or injection of a step."""
    body = {"reason": reason, "resume": resume}
    found: Json = yield _change(f"{_step(run_id, step)}/undo", body, key, version)
    return found


def pause_run(run_id: str, *, reason: str = "", key: str = "", version: int | None = None) -> Plan[Json]:
    """The run, paused; one that runs will be when its current step is recorded (`pause_requested`)."""
    found: Json = yield _change(f"{_run(run_id)}/pause", {"reason": reason}, key, version)
    return found


def tag_run(
    run_id: str,
    *tags: str,
    remove: Sequence[str] = (),
    reason: str = "",
    key: str = "",
    version: int | None = None,
) -> Plan[Json]:
    """The run, with the tags and without those to `remove`, whatever became of it."""
    body = {"add": list(tags), "remove": several(remove, "remove"), "reason": reason}
    found: Json = yield _change(f"{_run(run_id)}/tags", body, key, version)
    return found


def paused_state(run_id: str) -> Plan[Json]:
    """A paused run with its steps, and a hint which step comes next."""
    found: Json = yield Call("GET", f"{_run(run_id)}/paused-state", again=True)
    return found


def resume_run(
    run_id: str, *, from_step: str = "", reason: str = "", key: str = "", version: int | None = None
) -> Plan[Json]:
    """The run, going on from where it failed or was paused; with `from_step`, that step and all after it run again, but
    for those whose output was corrected."""
    found: Json = yield _change(f"{_run(run_id)}/resume", {"from_step": from_step, "reason": reason}, key, version)
    return found


def retry_run(run_id: str, *, reason: str = "", key: str = "", version: int | None = None) -> Plan[Json]:
    """The run, which waited for its next attempt and makes it now, with a fresh budget of attempts. Raises Conflict if
    it does not wait for one."""
    found: Json = yield _change(f"{_run(run_id)}/retry", {"reason": reason}, key, version)
    return found


def fork_run(
    run_id: str,
    *,
    reason: str,
    position: int | None = None,
    from_step: str = "",
    patches: Mapping[str, Any] | None = None,
    key: str = "",
    version: int | None = None,
    input: Any = _EVENTS,
) -> Plan[Json]:
    """A new run that shares this one's history up to a position, or before a step; `patches` gives steps other outputs,
    `input=` the code other data than the event's. This run is not changed."""
    body = {"reason": reason, **_fork(from_step, position, patches, input)}
    found: Json = yield _change(f"{_run(run_id)}/fork", body, key, version)
    return found


def replay_run(run_id: str, *, reason: str, key: str = "", version: int | None = None) -> Plan[Json]:
    """A new run with the same input."""
    found: Json = yield _change(f"{_run(run_id)}/replay", {"reason": reason}, key, version)
    return found


def replay_events(
    function_id: str,
    *,
    after: int,
    until: int | None = None,
    events: str = "",
    filter: str = "",
    reason: str = "",
    dry_run: bool = False,
    key: str = "",
) -> Plan[Json]:
    """Give a function the recorded events of a range of positions, a run for each; those that fit the pattern `events`
    and the CEL `filter`, or else those that trigger it. Where the answer has `next_after`, there are more."""
    body = {"function_id": function_id, "after": after, "until": until, "events": events, "filter": filter}
    call = _change("/api/v1/events/replay", {**body, "reason": reason, "dry_run": dry_run}, key, None)
    found: Json = yield call
    return found


def change_runs(verb: str, body: Json, *, key: str = "") -> Plan[Json]:
    """Cancel, pause, resume or replay (`verb`) all runs that the filter in `body` chooses; with `dry_run`, only say
    which. See `POST /api/v1/runs/bulk/{verb}`."""
    found: Json = yield _change(f"/api/v1/runs/bulk/{verb}", body, key, None)
    return found


def lineage(run_id: str) -> Plan[Json]:
    """The tree of forks and replays that the run is in."""
    found: Json = yield Call("GET", f"{_run(run_id)}/lineage", again=True)
    return found


def _fork(from_step: str, position: int | None, patches: Mapping[str, Any] | None, input: Any) -> Mapping[str, Any]:
    given = {} if input is _EVENTS else {"input": input}
    return {"from_step": from_step, "position": position, "patches": patches or {}, **given}


def _change(path: str, body: Json, key: str, version: int | None) -> Call:
    """With a key it is safe to send again."""
    headers = {"Idempotency-Key": key} if key else {}
    if version is not None:
        headers["If-Match"] = f'"{version}"'
    return Call("POST", path, body=body, again=bool(key), headers=headers)


def _run(run_id: str) -> str:
    return f"/api/v1/runs/{quoted(run_id)}"


def _step(run_id: str, step: str) -> str:
    return f"{_run(run_id)}/steps/{quoted(step)}"
