"""`ironflow run cancel|pause|resume|retry|tag|replay`: change what happens next of a run, or of all that fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

from app.cli import each, rewind, run_lines
from app.cli.client import Session, connected, run_id


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


@click.command("cancel")
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
    run_lines.changed(session.output, run, "Undoing, then cancelling" if ending else "Cancelled")
    return 0


@click.command("pause")
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
    run_lines.changed(session.output, run, "Paused" if run["status"] == "paused" else "Pausing after its step")
    return 0


@click.command("resume")
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
        run_lines.changed(session.output, session.client.runs.resume(found, from_step=from_step, **how), "Resumed")
    return 0


@click.command("retry")
@click.argument("given", metavar="ID")
@click.option("--reason", default="", help="Recorded with it.")
@connected
def retry_run(session: Session, given: str, reason: str) -> None:
    """Have a run that waits for its next attempt make it now, with a fresh budget of attempts."""
    found = run_id(session.client, given)
    run_lines.changed(session.output, session.client.runs.retry(found, reason=reason), "Tried again now")


@click.command("tag")
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
    run_lines.changed(session.output, run, "Tagged")


@click.command("replay")
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
    output.items("ironflow.runs/v1", told["runs"], run_lines.columns(output, told["runs"]), empty="no run matches")
    if dry_run:
        output.note(f"Would {verb} {told['matched']} of them{', and there are more' if told['more'] else ''}.")
    else:
        output.note(f"Asked {told['changed']} of {told['matched']} to {verb}.")
    each.tell_refused(output, [(one["run_id"], one["error"], one["code"], one.get("hint", "")) for one in refused])
    if told["more"] and not dry_run:
        output.note(f"There are more: run the same command again, or `ironflow bulk start {verb}` for all of them.")
    return int(bool(refused))


COMMANDS = (cancel_run, pause_run, resume_run, retry_run, tag_run, replay_run)
