"""`ironflow run`: what became of the runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from app.cli import each, logs, past, rewind, why
from app.cli.client import Session, connected, run_id
from app.cli.given import DURATION
from app.cli.output import Output, ago, duration, plain
from app.cli.recordings import export_test, recordings, similar

PAYLOAD_CHARS_SHOWN = 2_000
STACK_LINES_SHOWN = 12
GROUPED_BY = ("function", "failure", "parent", "day")


@click.group("run")
def command() -> None:
    """List, read and wait for runs, read their past, and change what happens next of them.

    An id may be its unique beginning, @last or @last-failed.
    """


for one in (*past.COMMANDS, *rewind.COMMANDS):
    command.add_command(one)


command.add_command(recordings)
command.add_command(export_test)
command.add_command(similar)
command.add_command(logs.command)
command.add_command(why.command)


@command.command("list")
@click.option("--status", help="One or several with commas: completed, failed, paused, running, waiting …")
@click.option("--function", "function_id", help="Of one function.")
@click.option("--event", "event_id", help="Started by one event.")
@click.option("--parent", "parent_run_id", help="Started by a step of one run.")
@click.option("--failure", help="That failed last with the fingerprint of a group of failures.")
@click.option("--tag", help="With a tag, or with all of several with commas.")
@click.option("--since", help="Created since: RFC 3339, or such as 15m.")
@click.option("--until", help="Created until: RFC 3339, or such as 15m.")
@click.option("--search", help="Part of id, function, event name or error.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1_000), help="At most so many.")
@click.option("--cursor", help="Where the page before ended.")
@click.option("--group-by", "by", type=click.Choice(GROUPED_BY), help="How many there are of each, instead.")
@connected
def list_runs(session: Session, by: str | None, **chosen: Any) -> None:
    """Runs, newest first; or how many there are, of the newest 10,000, by what they have in common."""
    output = session.output
    if by:
        _show_groups(session, by, {name: value for name, value in chosen.items() if name not in ("limit", "cursor")})
        return
    page = session.client.runs.list(**chosen)
    output.items(
        "ironflow.runs/v1",
        page.items,
        _columns(output, page.items),
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
    if output.told("ironflow.run/v1", {**run, "steps": list(steps)}):
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
@click.option("--timeout", type=DURATION, default="60s", show_default=True, help="How long to wait.")
@connected
def wait_for_run(session: Session, given: str, timeout: str) -> int:
    """Wait until a run has ended. Exit code 8 if it failed or was paused, 9 if cancelled, 7 if it takes longer."""
    from ironflow.durations import seconds

    run = session.client.runs.wait(run_id(session.client, given), timeout_s=seconds(timeout))
    if not session.output.told("ironflow.run/v1", run):
        _show(session.output, run)
    return {"completed": 0, "cancelled": 9}.get(run["status"], 8)


def _chooses(verb: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Gives a command either one run's id, or the options that choose many."""

    def decorate(run: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(
            [
                click.argument("given", metavar="[ID]", required=False),
                click.option("--function", "function_id", help="All runs of a function."),
                click.option("--event", "event_id", help="All runs started by an event."),
                click.option("--status", help="All runs with this status, or several with commas."),
                click.option("--tag", help="All with a tag, or with all of several with commas."),
                click.option("--since", help="All created since: RFC 3339, or such as 15m."),
                click.option("--until", help="All created until: RFC 3339, or such as 15m."),
                click.option("--search", help="All with this in id, function, event name or error."),
                click.option("--dry-run", is_flag=True, help=f"Only show which runs it would {verb}."),
            ]
        ):
            run = option(run)
        return run

    return decorate


@command.command("cancel")
@_chooses("cancel")
@click.option("--reason", default="", help="Recorded with it.")
@click.option("--compensate", is_flag=True, help="Let a worker first undo what the run did.")
@click.option("--detached", is_flag=True, help="Cancel children too that would outlive it.")
@connected
def cancel_run(
    session: Session, given: str | None, dry_run: bool, reason: str, compensate: bool, detached: bool, **chosen: Any
) -> int:
    """Cancel one run, or all that the options choose, and the children they wait for. What steps did stays done.
    Exit code 1 if any of many is refused; the others are changed."""
    wanted = {"reason": reason, "compensate": compensate, "detached": detached}
    _check_meant(given, chosen)
    if not given or dry_run:
        return _many(session, "cancel", given, chosen, dry_run, wanted)
    found = run_id(session.client, given)
    run = session.client.request("POST", f"/api/v1/runs/{found}/cancel", json=wanted)
    ending = run["status"] != "cancelled"
    _changed(session.output, run, "Undoing, then cancelling" if ending else "Cancelled")
    return 0


@command.command("pause")
@_chooses("pause")
@click.option("--reason", default="", help="Recorded with it. Needed but for --dry-run.")
@connected
def pause_run(session: Session, given: str | None, dry_run: bool, reason: str, **chosen: Any) -> int:
    """Pause one run, or all that the options choose; a running one when its current step is recorded.
    Exit code 1 if any of many is refused; the others are changed."""
    _check_meant(given, chosen)
    _check_reason(reason, dry_run)
    if not given or dry_run:
        return _many(session, "pause", given, chosen, dry_run, {"reason": reason})
    found = run_id(session.client, given)
    run = session.client.runs.pause(found, reason=reason)
    _changed(session.output, run, "Paused" if run["status"] == "paused" else "Pausing after its step")
    return 0


@command.command("resume")
@_chooses("resume")
@click.option("--from-step", default="", help="Run this step, by name or id, and all after it again.")
@rewind.asked
@connected
def resume_run(session: Session, given: str | None, dry_run: bool, from_step: str, **options: Any) -> int:
    """Let a paused or failed run go on, or all that the options choose, with a fresh budget of attempts. Completed
    steps are not run again, and neither are those whose output was corrected.
    Exit code 1 if any of many is refused; the others are changed."""
    how = {name: options.pop(name) for name in ("reason", "only_plan", "key", "version")}
    _check_meant(given, options)
    if not given or dry_run:
        if from_step or how["only_plan"]:
            raise click.UsageError("--from-step and --plan go with one run, and without --dry-run")
        _check_reason(how["reason"], dry_run)
        return _many(session, "resume", given, options, dry_run, {"reason": how["reason"]})
    found = run_id(session.client, given)
    if not rewind.planned(session, found, how, "resume", from_step=from_step):
        _changed(session.output, session.client.runs.resume(found, from_step=from_step, **how), "Resumed")
    return 0


@command.command("tag")
@click.argument("given", metavar="ID")
@click.argument("tags", nargs=-1)
@click.option("--remove", "-r", multiple=True, metavar="TAG", help="A tag that it is to have no more; may be repeated.")
@click.option("--reason", default="", help="Recorded with it.")
@connected
def tag_run(session: Session, given: str, tags: tuple[str, ...], remove: tuple[str, ...], reason: str) -> None:
    """Give a run TAGS, by which `run list --tag` finds it, and take some with --remove."""
    if not tags and not remove:
        raise click.UsageError("give tags, or --remove TAG")
    found = run_id(session.client, given)
    run = session.client.runs.tag(found, *tags, remove=remove, reason=reason)
    _changed(session.output, run, "Tagged")


@command.command("replay")
@_chooses("replay")
@rewind.asked
@connected
def replay_run(session: Session, given: str | None, dry_run: bool, **options: Any) -> int:
    """A new run with the same input, of one run or of all that the options choose. The old ones are not changed.
    Exit code 1 if any of many is refused; the others are changed."""
    how = {name: options.pop(name) for name in ("reason", "only_plan", "key", "version")}
    _check_meant(given, options)
    if not given or dry_run:
        _check_reason(how["reason"], dry_run or how["only_plan"])
        return _many(
            session, "replay", given, options, dry_run or how["only_plan"], {"reason": how["reason"]}, how["key"]
        )
    found = run_id(session.client, given)
    if not rewind.planned(session, found, how, "replay"):
        rewind.begun(session.output, session.client.runs.replay(found, **how), "Replayed", found)
    return 0


def _check_reason(reason: str, dry_run: bool) -> None:
    if not dry_run and not reason.strip():
        raise click.UsageError('give --reason "…": it is recorded with the change')


def _check_meant(given: str | None, chosen: Mapping[str, Any]) -> None:
    if given and any(chosen.values()):
        raise click.UsageError("give either the id of a run, or options that choose many")


def _many(
    session: Session,
    verb: str,
    given: str | None,
    chosen: Mapping[str, Any],
    dry_run: bool,
    wanted: Mapping[str, Any],
    key: str = "",
) -> int:
    """Change the runs that were chosen, or only show them. The exit code: 1 if one of them was refused."""
    body = {name: value for name, value in chosen.items() if value}
    if given:
        body = {"search": run_id(session.client, given)}
    if not body:
        raise click.UsageError(f"give the id of a run to {verb}, or options such as --function or --status")
    told = session.client.runs.bulk(verb, {**body, **wanted, "dry_run": dry_run}, key=key)
    output, refused = session.output, told["refused"]
    if output.told("ironflow.bulk/v1", told):
        return int(bool(refused))
    output.items("ironflow.runs/v1", told["runs"], _columns(output, told["runs"]), empty="no run matches")
    if dry_run:
        output.note(f"Would {verb} {told['matched']} of them{', and there are more' if told['more'] else ''}.")
    else:
        output.note(f"Asked {told['changed']} of {told['matched']} to {verb}.")
    each.tell_refused(output, [(one["run_id"], one["error"], one.get("hint", "")) for one in refused])
    if told["more"] and not dry_run:
        output.note(f"There are more: run the same command again, until it finds none to {verb}.")
    return int(bool(refused))


def _columns(output: Output, runs: Sequence[Mapping[str, Any]]) -> Mapping[str, Callable[[Mapping[str, Any]], str]]:
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


def _show_groups(session: Session, by: str, chosen: Mapping[str, Any]) -> None:
    """How many of the runs that were chosen there are of each kind."""
    output = session.output
    told = session.client.request("GET", "/api/v1/stats/runs/groups", params={"by": by, **chosen})
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


def _changed(output: Output, run: Mapping[str, Any], verb: str) -> None:
    if output.told("ironflow.run/v1", run):
        return
    output.done(f"{verb} {run['id']}")
    output.note(f"  See it with: ironflow run get {run['id']}")


def _show(output: Output, run: Mapping[str, Any]) -> None:
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


def _show_steps(output: Output, steps: Any) -> None:
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


def _pretty(value: Any) -> str:
    text = "\n".join(plain(line) for line in json.dumps(value, ensure_ascii=False, indent=2).splitlines())
    if len(text) > PAYLOAD_CHARS_SHOWN:
        return text[:PAYLOAD_CHARS_SHOWN] + f"\n… {len(text) - PAYLOAD_CHARS_SHOWN} more characters: --json shows all"
    return text
