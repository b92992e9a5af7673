"""`ironflow bulk`: jobs of the server that do one thing to many runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from app.cli.client import Session, connected
from app.cli.output import Output, ago, plain

VERBS = ("cancel", "pause", "resume", "replay", "fork", "tag")
LOOK_S = 5.0


@click.group("bulk")
def command() -> None:
    """Do one thing to many runs: the server goes through them by itself, whoever looks, and after a restart too."""


@command.command("start")
@click.argument("verb", type=click.Choice(VERBS))
@click.option("--function", "function_id", help="All runs of a function.")
@click.option("--event", "event_id", help="All runs started by an event.")
@click.option("--parent", "parent_run_id", help="All started by a step of one run.")
@click.option("--failure", help="All that failed last with the fingerprint of a group of failures.")
@click.option("--status", help="All runs with this status, or several with commas.")
@click.option("--tag", help="All with a tag, or with all of several with commas.")
@click.option("--since", help="All created since: RFC 3339, or such as 15m.")
@click.option("--until", help="All created until: RFC 3339, or such as 15m.")
@click.option("--search", help="All with this in id, function, event name or error.")
@click.option("--run", "run_ids", multiple=True, metavar="ID", help="These runs instead; may be repeated.")
@click.option("--add", multiple=True, metavar="TAG", help="With tag: one to be given; may be repeated.")
@click.option("--remove", multiple=True, metavar="TAG", help="With tag: one to be taken; may be repeated.")
@click.option("--compensate", is_flag=True, help="With cancel: let workers first undo what the runs did.")
@click.option("--detached", is_flag=True, help="With cancel: children too that would outlive them.")
@click.option("--reason", required=True, help="Recorded with each run.")
@click.option("--per-second", default=0, type=click.IntRange(0, 1_000), help="No more runs than so many a second.")
@click.option("--key", default="", help="Idempotency key: the same one never begins a second job.")
@click.option("--wait", is_flag=True, help="Until it has ended. Ctrl-C ends the waiting, not the job.")
@connected
def start(session: Session, verb: Any, reason: str, per_second: int, key: str, wait: bool, **chosen: Any) -> int:
    """Begin to CANCEL, PAUSE, RESUME, REPLAY, FORK (from where they failed) or TAG all runs that the options choose."""
    body = {name: list(value) if isinstance(value, tuple) else value for name, value in chosen.items() if value}
    job = session.client.bulk.start(verb, body, reason=reason, per_second=per_second, key=key)
    if not wait:
        _show(session.output, job)
        session.output.note(f"  It goes on by itself: ironflow bulk get {job['id']}")
        return 0
    return _wait(session, job)


@command.command("list")
@click.option("--status", type=click.Choice(["running", "completed", "stopped"]), help="Only those.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1_000), help="At most so many.")
@click.option("--cursor", default="", help="Where the page before ended.")
@connected
def list_jobs(session: Session, status: str | None, limit: int, cursor: str) -> None:
    """Jobs, the newest first."""
    page = session.client.bulk.list(status=status or "", limit=limit, cursor=cursor)
    session.output.items(
        "ironflow.bulk-jobs/v1",
        page.items,
        {
            "id": lambda job: job["id"],
            "verb": lambda job: job["verb"],
            "status": lambda job: job["status"],
            "runs": lambda job: str(job["total"]),
            "changed": lambda job: str(job["changed"]),
            "refused": lambda job: str(job["refused"]),
            "started": lambda job: ago(job["started_at"]),
            "reason": lambda job: job["reason"],
        },
        next_cursor=page.next_cursor,
        empty="no bulk jobs: `ironflow bulk start` begins one",
    )


@command.command("get")
@click.argument("job_id", metavar="ID")
@click.option("--wait", is_flag=True, help="Until it has ended. Ctrl-C ends the waiting, not the job.")
@connected
def get(session: Session, job_id: str, wait: bool) -> int:
    """How far a job is."""
    job = session.client.bulk.get(job_id)
    if wait:
        return _wait(session, job)
    _show(session.output, job)
    return 0


@command.command("results")
@click.argument("job_id", metavar="ID")
@click.option("--refused", is_flag=True, help="Only runs that could not be changed.")
@connected
def results(session: Session, job_id: str, refused: bool) -> None:
    """What became of each run that a job came to."""
    session.output.items(
        "ironflow.bulk-results/v1",
        [
            {"id": one["run_id"], **one}
            for one in session.client.bulk.results(job_id, outcome="refused" if refused else "")
        ],
        {
            "run": lambda one: one["run_id"],
            "outcome": lambda one: one["outcome"],
            "made": lambda one: one.get("made", ""),
            "why": lambda one: one.get("error", ""),
        },
        empty="it has come to none",
    )


@command.command("stop")
@click.argument("job_id", metavar="ID")
@click.option("--reason", default="", help="Recorded with it.")
@connected
def stop(session: Session, job_id: str, reason: str) -> None:
    """Let a job go no further. What it has done stays done."""
    _show(session.output, session.client.bulk.stop(job_id, reason=reason))


def _wait(session: Session, job: Mapping[str, Any]) -> int:
    """The exit code: 0 if all was done, 1 if some was refused, or it was stopped."""
    while job["status"] == "running":
        session.output.note(_far(job))
        job = session.client.bulk.get(job["id"], wait_s=LOOK_S)
    _show(session.output, job)
    return 0 if job["status"] == "completed" and not job["refused"] else 1


def _far(job: Mapping[str, Any]) -> str:
    return f"{job['verb']}: {job['changed'] + job['refused']:,} of {job['total']:,}"


def _show(output: Output, job: Mapping[str, Any]) -> None:
    if output.told("ironflow.bulk-job/v1", job):
        return
    output.fields(
        [
            ("Job", job["id"]),
            ("Verb", job["verb"]),
            ("Status", job["status"]),
            ("Which", ", ".join(f"{name} {value}" for name, value in job.get("filter", {}).items())),
            ("Runs", f"{job['total']:,}"),
            ("Changed", f"{job['changed']:,}"),
            ("Refused", f"{job['refused']:,}" if job["refused"] else ""),
            ("Reason", plain(job["reason"])),
            ("Started", f"{job['started_at']}  ({ago(job['started_at'])})"),
            ("By", job["started_by"]),
            ("Ended", f"{job['ended_at']}  ({ago(job['ended_at'])})" if job.get("ended_at") else ""),
            ("Stopped", plain(job.get("stop_reason", ""))),
        ]
    )
    if job["refused"]:
        output.note(f"  Why not: ironflow bulk results {job['id']} --refused")
