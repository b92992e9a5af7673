"""Jobs that do one thing to many runs: the server goes through them by itself, and says how far it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ironflow.calls import Call, Json, Page, Plan, chosen, quoted

PATH = "/api/v1/bulk"

Verb = Literal["cancel", "pause", "resume", "replay", "fork", "tag"]


def start(verb: Verb, body: Json, *, reason: str, per_second: int = 0, key: str = "") -> Plan[Json]:
    """Begin to do that to all runs that the filter in `body` chooses, or to its `run_ids`, no more than `per_second` of
    them (0: as fast as it goes); the job. With a key it is the same one if asked for again."""
    told = {"verb": verb, **body, "reason": reason, "per_second": per_second}
    headers = {"Idempotency-Key": key} if key else {}
    found: Json = yield Call("POST", PATH, body=told, headers=headers, again=bool(key))
    return found


def get(job_id: str, *, wait_s: float = 0) -> Plan[Json]:
    """How far the job is; with `wait_s` as soon as it has ended, or after that time."""
    params = chosen(wait=wait_s or None)
    found: Json = yield Call("GET", _job(job_id), params, again=True, timeout_s=wait_s + 30)
    return found


def list_jobs(*, status: str = "", limit: int = 50, cursor: str = "") -> Plan[Page]:
    """The newest first; with a status (running, completed, stopped) only those."""
    page = yield Call("GET", PATH, chosen(status=status or None, limit=limit, cursor=cursor or None), again=True)
    return Page(page["jobs"], page.get("next_cursor", ""))


def results(job_id: str, *, outcome: str = "") -> Plan[Sequence[Json]]:
    """What became of each run that the job came to; with an outcome (changed, refused) only those."""
    found: list[Json] = []
    cursor = None
    while True:
        params = chosen(outcome=outcome or None, limit=1_000, cursor=cursor)
        page = yield Call("GET", f"{_job(job_id)}/results", params, again=True)
        found += page["results"]
        cursor = page.get("next_cursor")
        if cursor is None:
            return found


def stop(job_id: str, *, reason: str = "") -> Plan[Json]:
    """The job, which goes no further; what it has done stays done."""
    found: Json = yield Call("POST", f"{_job(job_id)}/stop", body={"reason": reason}, again=True)
    return found


def _job(job_id: str) -> str:
    return f"{PATH}/{quoted(job_id)}"
