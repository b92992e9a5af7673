"""`ironflow run`: what became of the runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from app.cli.client import Session, connected, run_id
from app.cli.output import Output, ago, duration, plain

PAYLOAD_CHARS_SHOWN = 2_000
STACK_LINES_SHOWN = 12


@click.group("run")
def command() -> None:
    """List, read, wait for, cancel and resume runs. An id may be its unique beginning, @last or @last-failed."""


@command.command("list")
@click.option("--status", help="One or several with commas: completed, failed, paused, running, waiting …")
@click.option("--function", "function_id", help="Of one function.")
@click.option("--event", "event_id", help="Started by one event.")
@click.option("--since", help="Created since: RFC 3339, or such as 15m.")
@click.option("--until", help="Created until: RFC 3339, or such as 15m.")
@click.option("--search", help="Part of id, function, event name or error.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1_000))
@click.option("--cursor", help="Where the page before ended.")
@connected
def list_runs(session: Session, **chosen: Any) -> None:
    """Runs, newest first."""
    output = session.output
    page = session.client.runs.list(**chosen)
    output.items(
        "ironflow.runs/v1",
        page.items,
        {
            "id": lambda run: run["id"],
            "function": lambda run: run["function_id"],
            "status": lambda run: output.status(run["status"]),
            "event": lambda run: run["event_name"],
            "attempt": lambda run: f"{run['attempt']}",
            "created": lambda run: ago(run["created_at"]),
            "took": lambda run: duration(run["started_at"], run["ended_at"]),
        },
        next_cursor=page.next_cursor,
        total=page.total,
        empty="no runs: emit an event that a function is triggered by",
    )


@command.command("get")
@click.argument("given", metavar="ID")
@connected
def get_run(session: Session, given: str) -> None:
    """One run with its steps, input and output."""
    found = run_id(session.client, given)
    run = session.client.runs.get(found)
    steps = session.client.runs.steps(run["id"])
    output = session.output
    if output.form != "table":
        output.json({"schema": "ironflow.run/v1", **run, "steps": list(steps)})
        return
    _show(output, run)
    _show_steps(output, steps)
    for name in ("input", "output"):
        if run.get(name) is not None:
            output.out.write(f"\n{output.paint(name.upper(), '1')}\n{_pretty(run[name])}\n")


@command.command("steps")
@click.argument("given", metavar="ID")
@connected
def list_steps(session: Session, given: str) -> None:
    """The steps of a run, in order."""
    steps = session.client.runs.steps(run_id(session.client, given))
    if session.output.form == "table":
        _show_steps(session.output, steps)
    else:
        session.output.items("ironflow.steps/v1", steps, {})


@command.command("wait")
@click.argument("given", metavar="ID")
@click.option("--timeout", default="60s", show_default=True)
@connected
def wait_for_run(session: Session, given: str, timeout: str) -> int:
    """Wait until a run has ended. Exit code 8 if it failed or was paused, 9 if cancelled, 7 if it takes longer."""
    from ironflow.durations import seconds

    run = session.client.runs.wait(run_id(session.client, given), timeout_s=seconds(timeout))
    if session.output.form == "table":
        _show(session.output, run)
    else:
        session.output.json({"schema": "ironflow.run/v1", **run})
    return {"completed": 0, "cancelled": 9}.get(run["status"], 8)


@command.command("cancel")
@click.argument("given", metavar="ID")
@click.option("--reason", default="", help="Recorded with it.")
@connected
def cancel_run(session: Session, given: str, reason: str) -> None:
    """Cancel a run. Its worker is told; what its steps did stays done."""
    run = session.client.runs.cancel(run_id(session.client, given), reason=reason)
    _changed(session.output, run, "Cancelled")


@command.command("resume")
@click.argument("given", metavar="ID")
@connected
def resume_run(session: Session, given: str) -> None:
    """Let a paused or failed run go on, with a fresh budget of attempts. Completed steps are not run again."""
    run = session.client.runs.resume(run_id(session.client, given))
    _changed(session.output, run, "Resumed")


def _changed(output: Output, run: Mapping[str, Any], verb: str) -> None:
    if output.form != "table":
        output.json({"schema": "ironflow.run/v1", **run})
        return
    output.out.write(f"{'✓' if output.unicode else '[ok]'} {verb} {run['id']}\n")
    output.note(f"  See it with: ironflow run get {run['id']}")


def _show(output: Output, run: Mapping[str, Any]) -> None:
    took = duration(run["started_at"], run["ended_at"])
    output.fields(
        [
            ("Run", run["id"]),
            ("Function", f"{run['function_id']} (version {run['function_version']})"),
            ("Status", output.status(run["status"])),
            ("Event", f"{run['event_name']}  {run['event_id']}"),
            ("Attempt", f"{run['attempt']} of {run['max_attempts']}"),
            ("Created", f"{run['created_at']}  ({ago(run['created_at'])})"),
            ("Ended", f"{run['ended_at']}  after {took}" if run["ended_at"] else ""),
            ("Goes on", f"{run['due_at']}  ({ago(run['due_at'])})" if run.get("due_at") else ""),
            ("Worker", run["worker_id"]),
            ("Paused", run.get("pause_reason", "")),
            ("Cancelled", run.get("cancellation_cause", "")),
        ]
    )
    error = run.get("error")
    if error:
        output.out.write(f"\n{output.paint('ERROR', '1;31')}  {plain(error['code'])}: {plain(error['message'])}\n")
        for line in (error.get("stack") or "").strip().splitlines()[-STACK_LINES_SHOWN:]:
            output.out.write(f"  {plain(line)}\n")
    if run["status"] in ("failed", "paused"):
        output.note(f"  Mend the cause, then: ironflow run resume {run['id']}")


def _show_steps(output: Output, steps: Any) -> None:
    if not steps:
        return
    output.out.write("\n")
    output.table(
        ["#", "step", "status", "type", "attempt", "took", "at", "error"],
        [
            [
                str(step["sequence"]),
                step["name"],
                output.status(step["status"]),
                step["type"],
                str(step["attempt"]),
                f"{step['duration_ms']} ms",
                (step["ended_at"] or step["started_at"] or "")[11:23],
                (step["error"] or {}).get("message", "")[:60],
            ]
            for step in steps
        ],
    )


def _pretty(value: Any) -> str:
    text = "\n".join(plain(line) for line in json.dumps(value, ensure_ascii=False, indent=2).splitlines())
    if len(text) > PAYLOAD_CHARS_SHOWN:
        return text[:PAYLOAD_CHARS_SHOWN] + f"\n… {len(text) - PAYLOAD_CHARS_SHOWN} more characters: --json shows all"
    return text
