"""Runs as the command line shows them to people: in lists, one by one, with their steps."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.cli.output import Output, ago, duration, plain

PAYLOAD_CHARS_SHOWN = 2_000
STACK_LINES_SHOWN = 12


def columns(output: Output, runs: Sequence[Mapping[str, Any]]) -> Mapping[str, Callable[[Mapping[str, Any]], str]]:
    """What a list shows of a run: its marks and its tags, if any of them has some."""
    columns: dict[str, Callable[[Mapping[str, Any]], str]] = {
        "id": lambda run: run["id"],
        "function": lambda run: run["function_id"],
        "status": lambda run: output.status(run["status"]),
        "event": lambda run: run["event_name"],
        "attempt": lambda run: f"{run['attempt']}",
        "steps": _far,
        "created": lambda run: ago(run["created_at"]),
        "took": lambda run: duration(run["started_at"], run["ended_at"]),
    }
    if any(_marks(run) for run in runs):
        columns["marks"] = lambda run: ", ".join(_marks(run))
    if any(run.get("tags") for run in runs):
        columns["tags"] = lambda run: ", ".join(run.get("tags", ()))
    return columns


def _far(run: Mapping[str, Any]) -> str:
    """The steps that completed, and of how many where that is known."""
    told = run.get("progress")
    if told is None:
        return ""
    of = f"/{told['expected']}" if told.get("expected") else ""
    return f"{told['completed']}{'+' if told.get('at_least') else ''}{of}"


def _marks(run: Mapping[str, Any]) -> list[str]:
    """What is special about a run."""
    origin = run.get("forked_from")
    return [
        *(["patched"] if run.get("patched") else []),
        *(["fork" if origin["position"] else "replay"] if origin else []),
        *(["pausing"] if run.get("pause_requested") else []),
        *(["compensating"] if run.get("compensating") else []),
    ]


def show_groups(output: Output, told: Mapping[str, Any], by: str) -> None:
    """How many runs there are of each kind."""
    if output.told("ironflow.run-groups/v1", told):
        return
    output.items(
        "ironflow.run-groups/v1",
        told["groups"],
        {
            by: lambda group: group["key"] or "(none)",
            "runs": lambda group: f"{group['runs']}",
            "failed": lambda group: f"{group['counts'].get('failed', 0)}",
            "newest": lambda group: group["newest_run_id"],
            **({"title": lambda group: plain(group.get("title", ""))} if by in ("failure", "parent") else {}),
        },
        empty="no run matches",
    )
    if len(told["groups"]) < told["groups_total"]:
        output.note(f"The largest {len(told['groups'])} of {told['groups_total']}.")
    if not told["exact"]:
        output.note(f"Counted are the newest {told['counted']:,} that match: there are more. Narrow it with --since.")


def changed(output: Output, run: Mapping[str, Any], verb: str) -> None:
    """A run, and what was done to it."""
    if output.told("ironflow.run/v1", run):
        return
    output.done(f"{verb} {run['id']}")
    output.note(f"  See it with: ironflow run get {run['id']}")


def show(output: Output, run: Mapping[str, Any]) -> None:
    """All of a run but its steps, input and output."""
    took = duration(run["started_at"], run["ended_at"])
    output.fields(
        [
            ("Run", run["id"]),
            ("Function", f"{run['function_id']} (version {run['function_version']})"),
            ("Status", output.status(run["status"])),
            ("Tags", ", ".join(run.get("tags", ()))),
            ("Event", f"{run['event_name']}  {run['event_id']}"),
            ("Attempt", f"{run['attempt']} of {run['max_attempts']}"),
            ("Created", f"{run['created_at']}  ({ago(run['created_at'])})"),
            ("Ended", f"{run['ended_at']}  after {took}" if run["ended_at"] else ""),
            ("Goes on", f"{run['due_at']}  ({ago(run['due_at'])})" if run.get("due_at") else ""),
            ("Worker", run["worker_id"]),
            ("Paused", run.get("pause_reason", "") or ("requested" if run.get("pause_requested") else "")),
            ("Cancelled", run.get("cancellation_cause", "")),
            ("Parent", run.get("parent_run_id", "")),
            ("Undoing", _unwinding(run)),
            ("Not undone", run.get("not_undone", "")),
        ]
    )
    _show_divergence(output, run)
    for name, note in run.get("notes", {}).items():
        output.out.write(f"{output.paint(plain(name), '2')}  {plain(json.dumps(note['value'], ensure_ascii=False))}\n")
    error = run.get("error")
    if error:
        output.out.write(f"\n{output.paint('ERROR', '1;31')}  {plain(error['code'])}: {plain(error['message'])}\n")
        for line in (error.get("stack") or "").strip().splitlines()[-STACK_LINES_SHOWN:]:
            output.out.write(f"  {plain(line)}\n")
    if run["status"] in ("failed", "paused"):
        output.note(f"  Mend the cause, then: ironflow run resume {run['id']} --reason …")


def _unwinding(run: Mapping[str, Any]) -> str:
    unwinding = run.get("unwinding")
    return f"before it is {unwinding['cause']}, until {unwinding['until']} at most" if unwinding else ""


def _show_divergence(output: Output, run: Mapping[str, Any]) -> None:
    divergence = run.get("divergence")
    if not divergence:
        return
    output.out.write(f"\n{output.paint('DIVERGED', '1;31')}  {plain(divergence['step_id'])}\n")
    output.fields(
        [
            ("History has", divergence["recorded"]),
            ("The code asked for", divergence["requested"]),
            ("At", divergence.get("location", "")),
        ]
    )
    output.note("  Put the code back, or run from before that step: ironflow run resume ID --from-step NAME --reason …")


def show_steps(output: Output, steps: Sequence[Mapping[str, Any]]) -> None:
    """As a table; nothing for none."""
    if not steps:
        return
    output.out.write("\n")
    output.table(
        ["#", "step", "status", "type", "attempt", "took", "at", "detail"],
        [
            [
                str(step["sequence"]),
                step["name"],
                output.status(step["status"]),
                step["type"],
                str(step["attempt"]),
                f"{step['duration_ms']} ms",
                (step["ended_at"] or step["started_at"] or "")[11:23],
                (step["error"] or {}).get("message", "")[:60] or _corrected(step) or _waits_for(step),
            ]
            for step in steps
        ],
    )


def _corrected(step: Mapping[str, Any]) -> str:
    """Who gave the step its output, if no worker of this run did."""
    if step.get("patched") or step.get("injected"):
        by = f" by {step['patched_by']}" if step.get("patched_by") else ""
        return plain(f"{'patched' if step.get('patched') else 'injected'}{by}: {step['patch_reason']}")[:60]
    return "from the run it was forked from" if step.get("carried_from") else ""


def _waits_for(step: Mapping[str, Any]) -> str:
    """What a step waits for, or waited for."""
    until = f" until {step['wait_timeout'][:19]}Z" if step["status"] == "waiting" and step.get("wait_timeout") else ""
    if step.get("wait_event_name"):
        return f"event {step['wait_event_name']}{until}"
    if step.get("child_run_id"):
        return f"run {step['child_run_id']}{until}"
    if step["status"] == "sleeping":
        return f"until {step['sleep_until'][:19]}Z"
    return f"undoes {step['compensation_for']}" if step.get("compensation_for") else ""


def pretty(value: Any) -> str:
    """JSON over several lines, cut where it is long."""
    text = "\n".join(plain(line) for line in json.dumps(value, ensure_ascii=False, indent=2).splitlines())
    if len(text) > PAYLOAD_CHARS_SHOWN:
        return text[:PAYLOAD_CHARS_SHOWN] + f"\n… {len(text) - PAYLOAD_CHARS_SHOWN} more characters: --json shows all"
    return text
