"""Failures of runs by their cause, what resembles them, and search over everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from ironflow.calls import Call, Json, Page, Plan, chosen, quoted


def list_failures(
    *,
    function_id: str | None = None,
    step: str | None = None,
    error_type: str | None = None,
    search: str | None = None,
    status: str | None = None,
    assignee: str | None = None,
    since: str | datetime | None = None,
    until: str | datetime | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Plan[Page]:
    """Groups of failures that are most likely of one cause, those that failed last first; of those that are open,
    resolved or muted, if a status is given, and that somebody looks after, if an assignee is."""
    params = chosen(
        function_id=function_id,
        step=step,
        error_type=error_type,
        search=search,
        status=status,
        assignee=assignee,
        since=since,
        until=until,
        limit=limit,
        cursor=cursor,
    )
    answer = yield Call("GET", "/api/v1/failures", params, again=True)
    return Page(answer["failures"], answer.get("next_cursor", ""))


def get_failure(fingerprint: str) -> Plan[Json]:
    """One group: its newest error, versions, samples, what its inputs have that those of successes have not
    (`differences`), and what helped (`repairs`). Raises NotFound."""
    found: Json = yield Call("GET", f"/api/v1/failures/{quoted(fingerprint)}", again=True)
    return found


def resolve(fingerprint: str, *, reason: str) -> Plan[Json]:
    """The group, resolved until a newer version of the function than those that had failed so does. Raises NotFound."""
    return (yield from _decide(fingerprint, "resolve", {"reason": reason}))


def mute(fingerprint: str, *, reason: str, duration: str = "") -> Plan[Json]:
    """The group, muted for so long (`7d`), or for good. Raises NotFound."""
    return (yield from _decide(fingerprint, "mute", {"reason": reason, "duration": duration}))


def reopen(fingerprint: str, *, reason: str) -> Plan[Json]:
    """The group, neither resolved nor muted any more. Raises NotFound."""
    return (yield from _decide(fingerprint, "reopen", {"reason": reason}))


def assign(fingerprint: str, *, to: str, reason: str = "") -> Plan[Json]:
    """The group, which somebody looks after from now on: `me` is who asks, "" nobody. Raises NotFound."""
    return (yield from _decide(fingerprint, "assign", {"assignee": to, "reason": reason}))


def merge(fingerprint: str, *, into: str, reason: str) -> Plan[Json]:
    """The group `into`, which has the failures of the other one now, and those to come. Raises NotFound, and
    InvalidArgument for groups of two functions."""
    return (yield from _decide(fingerprint, "merge", {"into": into, "reason": reason}))


def split(fingerprint: str, fingerprints: Sequence[str] = (), *, reason: str) -> Plan[Json]:
    """The group, without fingerprints that were merged into it, those named or all: they are groups of their own again.
    Raises NotFound, InvalidArgument, FailedPrecondition if nothing was merged into it."""
    return (yield from _decide(fingerprint, "split", {"fingerprints": list(fingerprints), "reason": reason}))


def apply_patch(
    fingerprint: str,
    *,
    from_run: str,
    step: str = "",
    run_ids: Sequence[str] = (),
    expected_versions: Mapping[str, int] | None = None,
    dry_run: bool = False,
    reason: str = "",
) -> Plan[Json]:
    """Give what a step of `from_run` was given, with which it went well, to the runs of the group that rest failed or
    paused, and resume them. In `runs` what comes of each: a `plan` with `dry_run`, an `error` where it was refused.
    Raises NotFound, InvalidArgument, Conflict if that run has not gone well so."""
    body = {
        "from_run": from_run,
        "step": step,
        "run_ids": list(run_ids),
        "expected_versions": dict(expected_versions or {}),
        "dry_run": dry_run,
        "reason": reason,
    }
    path = f"/api/v1/failures/{quoted(fingerprint)}/apply"
    found: Json = yield Call("POST", path, body=body, again=dry_run)
    return found


def _decide(fingerprint: str, verb: str, body: Json) -> Plan[Json]:
    found: Json = yield Call("POST", f"/api/v1/failures/{quoted(fingerprint)}/{verb}", body=body, again=True)
    return found


def similar(run_id: str, *, limit: int = 10) -> Plan[Json]:
    """What the run's last failure resembles: its `group`, the nearest failures of other runs (`neighbours`), and what
    helped then (`repairs`). Raises NotFound, also for a run that has not failed."""
    found: Json = yield Call("GET", f"/api/v1/runs/{quoted(run_id)}/similar", {"limit": limit}, again=True)
    return found


def search(text: str, *, limit: int = 10) -> Plan[Sequence[Json]]:
    """Runs, events, functions and failures by id or its beginning, by text and by nearness; at most `limit` of each."""
    found: Sequence[Json] = (yield Call("GET", "/api/v1/search", {"q": text, "limit": limit}, again=True))["items"]
    return found
