"""`ironflow audit`: what happened and what was decided, by whom."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from app.cli.client import Session, connected, run_id
from app.cli.output import ago

_COLUMNS: dict[str, Callable[[Any], str]] = {
    "position": lambda one: one["id"],
    "when": lambda one: ago(one["created_at"]),
    "what": lambda one: one["event_type"] + (f" {one['count']} times" if one.get("count", 1) > 1 else ""),
    "who": lambda one: one["actor"] + (f" via {one['via']}" if one.get("via") else ""),
    "action": lambda one: one.get("action", ""),
    "resource": lambda one: one["resource"],
    "why": lambda one: one.get("reason", "") or one.get("outcome", ""),
}


@click.group("audit")
def command() -> None:
    """What happened and what was decided, by whom; what is recorded of it."""


def _chosen(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that choose events."""
    for option in (
        click.option("--org", is_flag=True, help="Of the organization's keys, users and roles."),
        click.option("--until", help="RFC 3339, or such as 15m before now."),
        click.option("--since", help="RFC 3339, or such as 15m before now."),
        click.option("--run", "run", help="Of one run; @last is the newest."),
        click.option("--function", "function_id", help="Of one function and its runs."),
        click.option("--type", "event_type", help="Such as authz.denied, policy.changed or run.status_changed."),
        click.option("--actor", help="By one caller's id."),
        click.option("--action", help="Decisions on one action, such as secrets:read."),
    ):
        command = option(command)
    return command


@command.command("list")
@_chosen
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 500), help="At most so many.")
@click.option("--cursor", help="Where the page before ended.")
@connected
def list_events(session: Session, limit: int, cursor: str | None, org: bool, run: str | None, **chosen: Any) -> None:
    """Events, newest first."""
    page = session.client.audit.list(**_asked(session, org, run, chosen), limit=limit, cursor=cursor)
    session.output.items(
        "ironflow.audit/v1", page.items, _COLUMNS, next_cursor=page.next_cursor, empty="nothing was recorded"
    )


@command.command("export")
@_chosen
@click.option(
    "--format",
    "form_of",
    default="jsonl",
    show_default=True,
    type=click.Choice(["jsonl", "csv"]),
    help="Lines of JSON, or CSV.",
)
@click.option("--file", "-f", type=click.Path(dir_okay=False, path_type=Path), help="Default standard output.")
@connected
def export(session: Session, form_of: Any, file: Path | None, org: bool, run: str | None, **chosen: Any) -> None:
    """All that fits, newest first, as lines of JSON or as CSV."""
    content = session.client.audit.export(form_of, **_asked(session, org, run, chosen))
    if file is None:
        sys.stdout.buffer.write(content)
        return
    file.write_bytes(content)
    session.output.note(f"{len(content):,} bytes are in {file}")


@command.command("settings")
@click.option("--reads/--no-reads", default=None, help="Record allowed reads.")
@click.option("--writes/--no-writes", default=None, help="Record other allowed requests.")
@click.option("--exclude", "excluded", multiple=True, help="Record no decision on these actions; '' for none.")
@click.option("--redact", "redacted", multiple=True, help="Do not show these fields, such as email; '' for none.")
@click.option("--reason", default="", help="Kept in history.")
@connected
def settings(
    session: Session,
    reads: bool | None,
    writes: bool | None,
    excluded: tuple[str, ...],
    redacted: tuple[str, ...],
    reason: str,
) -> None:
    """Show what is recorded of decisions; with options, change that."""
    found = session.client.audit.settings()
    if reads is not None or writes is not None or excluded or redacted:
        found = session.client.audit.set_settings(
            reads=found["authz_successful_reads"] if reads is None else reads,
            writes=found["authz_successful_writes"] if writes is None else writes,
            excluded_actions=[one for one in excluded if one] if excluded else found["authz_excluded_actions"],
            redacted_fields=[one for one in redacted if one] if redacted else found["payload_redaction_fields"],
            reason=reason,
        )
    if session.output.told("ironflow.audit_settings/v1", found):
        return
    session.output.fields(
        [
            ("allowed reads", "recorded" if found["authz_successful_reads"] else "not recorded"),
            ("other allowed requests", "recorded" if found["authz_successful_writes"] else "not recorded"),
            ("denials, administrative acts", "recorded"),
            ("except on", ", ".join(found["authz_excluded_actions"])),
            ("fields not shown", ", ".join(found["payload_redaction_fields"])),
            ("could not be recorded", str(found["delivery_failure_count"] or "")),
        ]
    )


def _asked(session: Session, org: bool, run: str | None, chosen: dict[str, Any]) -> dict[str, Any]:
    found = run_id(session.client, run) if run else None
    return {**chosen, "run_id": found, "scope": "org" if org else "environment"}
