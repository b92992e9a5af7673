"""`ironflow failures`: what fails, grouped by its most likely cause; what it has in common, and what helped before."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from app.cli import each
from app.cli.client import Session, connected
from app.cli.output import Output, ago, plain

STACK_LINES_SHOWN = 12
_BARS = " ▁▂▃▄▅▆▇█"
_BARS_ASCII = " .:-=+*#@"


@click.group("failures")
def command() -> None:
    """Failures by their cause: what fails, what it has in common, and what helped before."""


@command.command("list")
@click.option("--function", "function_id", help="Of one function.")
@click.option("--step", help="Of one step.")
@click.option("--type", "error_type", help="Of one type of error.")
@click.option("--search", help="Part of message, type, step, function or fingerprint.")
@click.option(
    "--status",
    default="open",
    show_default=True,
    type=click.Choice(["open", "resolved", "muted", "all"]),
    help="Of these.",
)
@click.option("--assignee", help="That somebody looks after.")
@click.option("--since", help="Failed since: RFC 3339, or such as 15m.")
@click.option("--until", help="Failed until: RFC 3339, or such as 15m.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 200), help="At most so many.")
@click.option("--cursor", help="Where the page before ended.")
@connected
def list_failures(session: Session, status: str, **chosen: Any) -> None:
    """Groups of failures, those that failed last first."""
    output = session.output
    page = session.client.failures.list(status=None if status == "all" else status, **chosen)
    output.items(
        "ironflow.failures/v1",
        [{**group, "id": group["fingerprint"]} for group in page.items],
        {
            "id": lambda group: group["fingerprint"],
            "failure": lambda group: group["title"][:60],
            "function": lambda group: group["function_id"],
            "step": lambda group: group["step"],
            "failures": lambda group: str(group["failures"]),
            "runs": lambda group: str(group["runs"]),
            "open": lambda group: str(group["open"]),
            "status": lambda group: group["status"],
            "last": lambda group: ago(group["last_seen"]),
            "over time": lambda group: _bars(output, group["series"]["counts"]),
        },
        next_cursor=page.next_cursor,
        empty="nothing failed" + (" like this" if any(value for value in chosen.values() if value != 50) else ""),
    )


@command.command("get")
@click.argument("fingerprint")
@connected
def get_failure(session: Session, fingerprint: str) -> None:
    """One group of failures: its error, affected versions, what its inputs have in common, and past repairs."""
    group = session.client.failures.get(fingerprint)
    output = session.output
    if output.told("ironflow.failure/v1", group):
        return
    versions = ", ".join(f"{one['version']} ({one['failures']})" for one in group["versions"])
    output.fields(
        [
            ("Failure", group["title"]),
            ("Function", group["function_id"]),
            ("Step", group["step"]),
            ("At", group["top_frame"]),
            ("Fingerprint", group["fingerprint"]),
            ("First", f"{group['first_seen']}  ({ago(group['first_seen'])})"),
            ("Last", f"{group['last_seen']}  ({ago(group['last_seen'])})"),
            ("Failures", f"{group['failures']} of {group['runs']} runs, {group['open']} of them still open"),
            ("Status", _decided(group)),
            ("Assignee", group["assigned"]["assignee"] if "assigned" in group else ""),
            ("Versions", versions),
            ("Over time", _bars(output, group["series"]["counts"])),
        ]
    )
    _show_error(output, group.get("error"))
    _show_differences(output, group)
    show_repairs(output, group["repairs"])
    _show_merged(output, group["merged"])
    output.out.write("\n")
    output.table(
        ["run", "status", "version", "failed", "message"],
        [
            [
                one["run_id"],
                output.status(one["run_status"]),
                str(one["function_version"]),
                ago(one["at"]),
                one["message"][:60],
            ]
            for one in group["samples"]
        ],
    )


@command.command("resolve")
@click.argument("fingerprint")
@click.option("--reason", required=True, help="Why; kept in history.")
@connected
def resolve(session: Session, fingerprint: str, reason: str) -> None:
    """It is mended: open it again only if a newer version of the function fails so."""
    _told(session, session.client.failures.resolve(fingerprint, reason=reason))


@command.command("mute")
@click.argument("fingerprint")
@click.option(
    "--for", "duration", default="", metavar="DURATION", help="For so long, such as 7d; for good if left out."
)
@click.option("--reason", required=True, help="Why; kept in history.")
@connected
def mute(session: Session, fingerprint: str, duration: str, reason: str) -> None:
    """Leave it out of the list, for a while or for good."""
    _told(session, session.client.failures.mute(fingerprint, reason=reason, duration=duration))


@command.command("reopen")
@click.argument("fingerprint")
@click.option("--reason", required=True, help="Why; kept in history.")
@connected
def reopen(session: Session, fingerprint: str, reason: str) -> None:
    """It is neither resolved nor muted any more."""
    _told(session, session.client.failures.reopen(fingerprint, reason=reason))


@command.command("assign")
@click.argument("fingerprint")
@click.option("--to", default="", metavar="WHO", help="Who looks after it; me, or nobody if left out.")
@click.option("--reason", default="", help="Why; kept in history.")
@connected
def assign(session: Session, fingerprint: str, to: str, reason: str) -> None:
    """Say who looks after it, whatever was decided of it."""
    group = session.client.failures.assign(fingerprint, to=to, reason=reason)
    if session.output.told("ironflow.failure_group/v1", group):
        return
    who = group["assigned"]["assignee"] if "assigned" in group else "nobody"
    session.output.note(f"{fingerprint} is looked after by {who}")


@command.command("merge")
@click.argument("fingerprints", nargs=-1, required=True, metavar="FINGERPRINT...")
@click.option("--into", required=True, metavar="FINGERPRINT", help="The group that takes their failures.")
@click.option("--reason", required=True, help="Why; kept in history.")
@connected
def merge(session: Session, fingerprints: tuple[str, ...], into: str, reason: str) -> int:
    """Count failures of several groups of one function as one, those to come too. Of several, each that is refused is
    named, the others are merged; the exit code is 1 then."""
    group: Mapping[str, Any] = {}

    def merge_one(fingerprint: str) -> None:
        nonlocal group
        group = session.client.failures.merge(fingerprint, into=into, reason=reason)

    merged, refused = outcome = each.change(fingerprints, merge_one)
    output = session.output
    told = {**group, "merged": merged, "refused": outcome.refused_as("fingerprint")}
    if output.told("ironflow.failure_group/v1", told):
        return outcome.exit_code
    for fingerprint in merged if refused else ():
        output.note(f"{fingerprint} is merged into {into}")
    outcome.tell_refused(output)
    if merged:
        output.note(f"{into} has {group['failures']} failures of {group['runs']} runs now")
    return outcome.exit_code


@command.command("split")
@click.argument("fingerprint")
@click.argument("fingerprints", nargs=-1, metavar="[MERGED]...")
@click.option("--reason", required=True, help="Why; kept in history.")
@connected
def split(session: Session, fingerprint: str, fingerprints: tuple[str, ...], reason: str) -> None:
    """Make groups of what was merged into one again: of those named, or of all."""
    group = session.client.failures.split(fingerprint, fingerprints, reason=reason)
    if session.output.told("ironflow.failure_group/v1", group):
        return
    session.output.note(f"{fingerprint} has {group['failures']} failures of {group['runs']} runs now")


@command.command("apply")
@click.argument("fingerprint")
@click.option("--from", "from_run", required=True, metavar="RUN", help="The run that went well, patched; or its fork.")
@click.option("--step", default="", help="Which of its steps, if several were given another output.")
@click.option("--run", "run_ids", multiple=True, metavar="RUN", help="Only to these; else to all that rest.")
@click.option("--dry-run", is_flag=True, help="Only tell what would come of each.")
@click.option("--reason", default="", help="Why; kept in history. Needed unless it is a dry run.")
@connected
def apply(session: Session, fingerprint: str, **asked: Any) -> int:
    """Give the output that mended one run of the group to the others, and resume them. Each that is refused is named;
    the exit code is 1 then."""
    told = session.client.failures.apply_patch(fingerprint, **asked)
    output, refused = session.output, [one for one in told["runs"] if "error" in one]
    if output.told("ironflow.failure_patch/v1", told):
        return int(bool(refused))
    output.table(
        ["run", "what comes of it"],
        [[one["run_id"], _comes(one, done=not told["dry_run"])] for one in told["runs"]],
    )
    verb = "would get" if told["dry_run"] else "got"
    many = len(told["runs"]) - len(refused)
    output.note(f"{many} of {len(told['runs'])} runs {verb} the output of {told['step']} in {told['from_run']}")
    if told["more"]:
        output.note("there are more: call it again")
    return int(bool(refused))


def _comes(one: Mapping[str, Any], *, done: bool) -> str:
    if "error" in one:
        return f"refused: {one['error']['error']}"
    if done:
        return "patched, and resumed"
    plan = one["plan"]
    told = [f"runs again: {', '.join(plan['reruns'])}" if plan["reruns"] else "nothing recorded runs again"]
    return "; ".join([*told, *plan["warnings"]])


def _told(session: Session, group: Mapping[str, Any]) -> None:
    if session.output.told("ironflow.failure_group/v1", group):
        return
    session.output.note(f"{group['fingerprint']} is {_decided(group)}")


def _decided(group: Mapping[str, Any]) -> str:
    """What it is, and what was decided of it."""
    told, decided = [group["status"]], group.get("decided")
    if decided is None:
        return str(group["status"])
    if decided.get("reopened_position"):
        told.append(f"again: a version newer than {decided['version']} failed so at position")
        told.append(str(decided["reopened_position"]))
    elif group["status"] == "resolved":
        told.append(f"unless a version newer than {decided['version']} fails so")
    elif group["status"] == "muted" and "muted_until" in decided:
        told.append(f"until {decided['muted_until']}")
    return " ".join(told) + f"  ({decided['reason']}, {ago(decided['at'])})"


def show_repairs(output: Output, repairs: Sequence[Mapping[str, Any]]) -> None:
    """What helped before, and how one does it again."""
    if not repairs:
        return
    output.out.write(f"\n{output.paint('PAST REPAIRS', '1')}\n")
    for kind in repairs:
        runs = "run" if kind["runs"] == 1 else "runs"
        output.out.write(f"  {kind['how']}  {kind['runs']} {runs}\n")
        for one in kind["examples"]:
            told = [one["run_id"], f"by {one['repaired_by']}" if one["repaired_by"] != one["run_id"] else ""]
            told += [f"step {one['step']}" if one.get("step") else "", one.get("reason", ""), one.get("actor", "")]
            if "output" in one:
                told.append(json.dumps(one["output"], ensure_ascii=False)[:80])
            output.out.write(f"    {plain('  '.join(part for part in told if part))}\n")


def _show_error(output: Output, error: Mapping[str, Any] | None) -> None:
    if not error:
        return
    output.out.write(f"\n{output.paint('NEWEST ERROR', '1;31')}  {plain(error['code'])}: {plain(error['message'])}\n")
    for line in (error.get("stack") or "").strip().splitlines()[-STACK_LINES_SHOWN:]:
        output.out.write(f"  {plain(line)}\n")


def _show_differences(output: Output, group: Mapping[str, Any]) -> None:
    if not group["differences"]:
        return
    compared = group["compared"]
    of = f"{compared['failed']} failed, {compared['succeeded']} successful inputs"
    output.out.write(f"\n{output.paint('WHAT DIFFERS FROM SUCCESSES', '1')}  {of}\n")
    output.table(
        ["input", "is", "failed", "succeeded"],
        [[one["path"], one["fact"], f"{one['failed']:.0%}", f"{one['succeeded']:.0%}"] for one in group["differences"]],
    )


def _show_merged(output: Output, merged: Sequence[Mapping[str, Any]]) -> None:
    if not merged:
        return
    output.out.write(f"\n{output.paint('MERGED INTO IT', '1')}\n")
    output.table(
        ["fingerprint", "failure", "failures", "last"],
        [[one["fingerprint"], one["title"][:60], str(one["failures"]), ago(one["last_seen"])] for one in merged],
    )


def _bars(output: Output, counts: Sequence[int]) -> str:
    """The counts as a line of little bars."""
    bars, most = (_BARS if output.unicode else _BARS_ASCII), max(counts, default=0)
    if not most:
        return ""
    return "".join(bars[-(-count * (len(bars) - 1) // most)] for count in counts).rstrip() or ""
