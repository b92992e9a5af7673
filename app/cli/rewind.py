"""`ironflow run patch|inject|undo|fork|lineage|paused-state`: change what happens next of a run, planned first."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import click

from app.cli.client import Session, connected, run_id
from app.cli.given import raw
from app.cli.output import Output, ago, plain

VALUE_CHARS_SHOWN = 200

_reason = click.option("--reason", default="", help="Why: recorded with the change. Needed but for --plan.")
_plan = click.option("--plan", "only_plan", is_flag=True, help="Only show what would come of it.")
_key = click.option("--key", default="", help="Idempotency key: asked for again, nothing is done twice.")
_version = click.option("--version", type=click.IntRange(0), help="Only if the run is at this version (see --plan).")
_data = click.option("--data", "-d", required=True, help="The output as JSON, @FILE, or - for standard input.")


def asked(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command what every change is asked with."""
    return _reason(_plan(_key(_version(command))))


@click.command("patch")
@click.argument("given", metavar="ID")
@click.argument("step")
@_data
@click.option("--resume", is_flag=True, help="Let the run go on at once.")
@click.option("--from-step", default="", help="Let it go on from this step: all after it is run again.")
@asked
@connected
def patch(session: Session, given: str, step: str, data: str, resume: bool, from_step: str, **how: Any) -> None:
    """Give a STEP of a paused or failed run another output. What it was stays readable: undo restores it."""
    run, output = run_id(session.client, given), value(data)
    if planned(session, run, how, "patch", step=step, output=output, from_step=from_step):
        return
    told = session.client.runs.patch(run, step, output, resume=resume, from_step=from_step, **how)
    _corrected(session.output, told, step, "Patched", resumed=resume or bool(from_step))


@click.command("inject")
@click.argument("given", metavar="ID")
@click.argument("step")
@_data
@click.option("--type", default="", help="What the code asks for there, if it has not come to it: invoke, sleep …")
@click.option("--resume", is_flag=True, help="Let the run go on at once.")
@asked
@connected
def inject(session: Session, given: str, step: str, data: str, type: str, resume: bool, **how: Any) -> None:
    """Give a STEP of a paused run an output: one that ended, that waits, or that comes next."""
    run, output = run_id(session.client, given), value(data)
    if planned(session, run, how, "inject", step=step, output=output, type=type):
        return
    told = session.client.runs.inject(run, step, output, type=type, resume=resume, **how)
    _corrected(session.output, told, step, "Injected", resumed=resume)


@click.command("undo")
@click.argument("given", metavar="ID")
@click.argument("step")
@click.option("--resume", is_flag=True, help="Let the run go on at once.")
@asked
@connected
def undo(session: Session, given: str, step: str, resume: bool, **how: Any) -> None:
    """Undo the last patch or injection of a STEP."""
    run = run_id(session.client, given)
    if planned(session, run, how, "undo", step=step):
        return
    told = session.client.runs.undo(run, step, resume=resume, **how)
    _corrected(session.output, told, step, "Restored", resumed=resume)


@click.command("fork")
@click.argument("given", metavar="ID")
@click.option("--at", "position", type=click.IntRange(1), help="Share history up to this position; else all of it.")
@click.option("--from-step", default="", help="Share what was before this step, by name or id.")
@click.option("--patch", "patches", multiple=True, metavar="STEP=JSON", help="Give a step another output. Repeatable.")
@click.option("--input", "input", help="Give the code this JSON (or @FILE) instead of its event's data.")
@asked
@connected
def fork(
    session: Session,
    given: str,
    position: int | None,
    from_step: str,
    patches: tuple[str, ...],
    input: str | None,
    **how: Any,
) -> None:
    """A new run that shares a part of this one's history. This one is not changed."""
    run = run_id(session.client, given)
    wanted: dict[str, Any] = {"position": position, "from_step": from_step, "patches": dict(map(_pair, patches))}
    if input is not None:
        wanted["input"] = value(input)
    if planned(session, run, how, "fork", **wanted):
        return
    begun(session.output, session.client.runs.fork(run, **wanted, **how), "Forked", run)


@click.command("lineage")
@click.argument("given", metavar="ID")
@connected
def lineage(session: Session, given: str) -> None:
    """The tree of forks and replays that a run is in."""
    told = session.client.runs.lineage(run_id(session.client, given))
    output = session.output
    if output.told("ironflow.lineage/v1", told):
        return
    left = [(told["tree"], 0)]
    while left:
        branch, depth = left.pop()
        run = branch["run"]
        how = {"origin": "", "replay": "replay"}.get(branch["relation"], f"fork at {branch.get('forked_at')}")
        here = " ◄" if run["id"] == told["run_id"] and output.unicode else ""
        line = f"{'  ' * depth}{run['id']}  {output.status(run['status'])}  {how}  {ago(run['created_at'])}{here}"
        output.out.write(f"{line}\n")
        left += [(one, depth + 1) for one in reversed(branch["forks"])]
    if told["more"]:
        output.note("There are more than are shown.")


@click.command("paused-state")
@click.argument("given", metavar="ID")
@connected
def paused_state(session: Session, given: str) -> None:
    """What is recorded of a paused run, and what it comes to next."""
    told = session.client.runs.paused_state(run_id(session.client, given))
    output = session.output
    if output.told("ironflow.paused-state/v1", told):
        return
    output.fields(
        [("Run", told["run"]["id"]), ("Paused", told["pause_reason"]), ("Next", told.get("next_step_hint", ""))]
    )
    output.out.write("\n")
    output.table(
        ["step", "status", "type", "output"],
        [[one["name"], output.status(one["status"]), one["type"], _short(one["output"])] for one in told["steps"]],
    )


COMMANDS = (patch, inject, undo, fork, lineage, paused_state)


def planned(session: Session, run: str, how: dict[str, Any], action: str, **wanted: Any) -> bool:
    """Whether only the plan was wanted, which is then shown. Takes that wish from `how`. Raises UsageError where a
    change has no reason."""
    if not how.pop("only_plan"):
        if not how["reason"].strip():
            raise click.UsageError('give --reason "…": it is recorded with the change')
        return False
    plan = session.client.runs.plan(run, action, **wanted)
    output = session.output
    if output.told("ironflow.plan/v1", plan):
        return True
    output.table(
        ["step", "type", "was", "then", ""],
        [
            [one["name"], one["type"], one["status"], one["fate"], "may repeat its effects" if one["repeats"] else ""]
            for one in plan["steps"]
        ],
    )
    for warning in plan["warnings"]:
        output.note(f"  ! {warning}")
    if plan["compensations"]:
        output.note(f"  Undone if it fails for good: {', '.join(plan['compensations'])}")
    output.note(f"  Nothing was changed. Of this version only: --version {plan['version']}")
    return True


def value(text: str) -> Any:
    """JSON, given as `raw` says. Raises InvalidArgument."""
    from ironflow.errors import InvalidArgument

    try:
        return json.loads(raw(text))
    except ValueError as error:
        raise InvalidArgument(
            f"this is not JSON: {error}", code="INVALID_ARGUMENT", hint="a text is written '\"so\"'"
        ) from None


def _pair(text: str) -> tuple[str, Any]:
    step, equals, output = text.partition("=")
    if not equals or not step:
        raise click.UsageError(f"--patch {text} is not STEP=JSON")
    return step, value(output)


def _corrected(output: Output, told: Mapping[str, Any], step: str, verb: str, *, resumed: bool) -> None:
    if output.told("ironflow.correction/v1", told):
        return
    run = told["run"]
    output.done(f"{verb} {step} of {run['id']}  version {run['version']}")
    if resumed:
        output.note(f"  It goes on: ironflow run wait {run['id']}")
        return
    output.note(f'  Resume with: ironflow run resume {run["id"]} --reason "…"')
    if verb != "Restored":
        output.note(f'  Undo with: ironflow run undo {run["id"]} {plain(step)} --reason "…"')


def begun(output: Output, run: Mapping[str, Any], verb: str, origin: str) -> None:
    if output.told("ironflow.run/v1", run):
        return
    output.done(f"{verb} {origin}: {run['id']}")
    output.note(f"  See it with: ironflow run get {run['id']}, and all of them: ironflow run lineage {run['id']}")


def _short(output: Any) -> str:
    text = plain(json.dumps(output, ensure_ascii=False))
    return text if len(text) <= VALUE_CHARS_SHOWN else f"{text[:VALUE_CHARS_SHOWN]}…"
