"""`ironflow function`: what workers registered, its versions, and stopping and starting it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from app.cli.client import Session, connected
from app.cli.output import ago

OPTIONS = {
    "concurrency": "Concurrency",
    "throttle": "Throttle",
    "rate_limit": "Rate limit",
    "debounce": "Debounce",
    "batch": "Batch",
    "singleton": "Singleton",
    "priority": "Priority",
    "idempotency": "Idempotency",
    "cancel_on": "Cancelled on",
    "actor_key": "Actor",
    "on_failure": "On failure",
    "delay_ms": "Delay",
    "secrets": "Secrets",
    "tags": "Tags",
}


@click.group("function")
def command() -> None:
    """List and read functions, compare and roll back versions, pause and resume."""


@command.command("list")
@connected
def list_functions(session: Session) -> None:
    """Every function of the environment."""
    session.output.items(
        "ironflow.functions/v1",
        session.client.functions.list(),
        {
            "id": lambda function: function["id"],
            "triggers": lambda function: ", ".join(map(_trigger, function["triggers"])),
            "version": lambda function: str(function["version"]),
            "status": lambda function: function["status"],
            "next": lambda function: ago(function.get("next_run")),
            "registered": lambda function: ago(function["updated_at"]),
        },
        empty="no functions: start a worker that registers some",
    )


@command.command("get")
@click.argument("function_id", metavar="ID")
@click.option("--at", help="As of a position, or a time.")
@connected
def get_function(session: Session, function_id: str, at: str | None) -> None:
    """One function."""
    _show(session, session.client.functions.get(function_id, at=at))


@command.command("profile")
@click.argument("function_id", metavar="ID")
@click.option("--since", default="24h", show_default=True, help="Of runs that began since: RFC 3339, or such as 15m.")
@connected
def profile(session: Session, function_id: str, since: str) -> None:
    """How the steps of a function's newest runs went: how often, how often they failed, how long they took."""
    told, output = session.client.functions.profile(function_id, since=since), session.output
    if output.form == "json":
        output.json({"schema": "ironflow.function-profile/v1", **told})
        return
    output.items(
        "ironflow.function-profile/v1",
        [{"id": step["name"], **step} for step in told["steps"]],
        {
            "step": lambda step: step["name"],
            "type": lambda step: step["type"],
            "runs": lambda step: str(step["runs"]),
            "times": lambda step: str(step["count"]),
            "failed": lambda step: _share(step["failed"], step["completed"] + step["failed"]),
            "retried": lambda step: _share(step["retried"], step["count"]),
            "p50": lambda step: _took(step, "p50_ms"),
            "p95": lambda step: _took(step, "p95_ms"),
        },
        empty="no run since then has a step: widen it with --since",
    )
    output.note(
        f"Of the newest {told['sampled']} runs since {told['since']}{'' if told['whole'] else '; there are more'}."
    )


@command.command("versions")
@click.argument("function_id", metavar="ID")
@click.option("--limit", type=click.IntRange(1, 1_000), default=50, show_default=True, help="At most so many.")
@click.option("--before", type=click.IntRange(1), help="Only versions before this one.")
@connected
def versions(session: Session, function_id: str, limit: int, before: int | None) -> None:
    """Every change of a function, newest first."""
    session.output.items(
        "ironflow.function-versions/v1",
        session.client.functions.versions(function_id, limit=limit, before=before),
        {
            "version": lambda one: str(one["version"]),
            "change": lambda one: one["change"],
            "status": lambda one: one["status"],
            "when": lambda one: ago(one["recorded_at"]),
            "by": lambda one: one.get("actor", ""),
            "reason": lambda one: one.get("reason", ""),
        },
    )


@command.command("diff")
@click.argument("function_id", metavar="ID")
@click.argument("before", type=click.IntRange(1), metavar="VERSION")
@click.argument("after", type=click.IntRange(1), metavar="VERSION")
@connected
def diff(session: Session, function_id: str, before: int, after: int) -> None:
    """What differs between two versions of a function."""
    session.output.items(
        "ironflow.function-diff/v1",
        session.client.functions.diff(function_id, before, after),
        {
            "field": lambda change: change["path"],
            f"version {before}": lambda change: _value(change["before"]),
            f"version {after}": lambda change: _value(change["after"]),
        },
        empty="no difference",
    )


@command.command("rollback")
@click.argument("function_id", metavar="ID")
@click.argument("version", type=click.IntRange(1))
@click.option("--reason", default="", help="Why; it is kept with the new version.")
@connected
def rollback(session: Session, function_id: str, version: int, reason: str) -> None:
    """Register the content of an earlier VERSION again, as a new version."""
    _show(session, session.client.functions.roll_back(function_id, version, reason=reason))


@command.command("pin")
@click.argument("function_id", metavar="ID")
@click.argument("version", type=click.IntRange(1), required=False)
@click.option("--reason", default="", help="Why; it is kept with the change.")
@connected
def pin(session: Session, function_id: str, version: int | None, reason: str) -> None:
    """Keep a function at a VERSION, or at that of now, whatever workers register."""
    _show(session, session.client.functions.pin(function_id, version, reason=reason))


@command.command("unpin")
@click.argument("function_id", metavar="ID")
@click.option("--reason", default="", help="Why; it is kept with the change.")
@connected
def unpin(session: Session, function_id: str, reason: str) -> None:
    """Let what workers register next count again."""
    _show(session, session.client.functions.unpin(function_id, reason=reason))


@command.command("pause")
@click.argument("function_id", metavar="ID")
@click.option("--reason", default="", help="Why; it is kept with the change.")
@connected
def pause(session: Session, function_id: str, reason: str) -> None:
    """Stop handing out runs of a function; they wait."""
    _show(session, session.client.functions.pause(function_id, reason=reason))


@command.command("resume")
@click.argument("function_id", metavar="ID")
@click.option("--reason", default="", help="Why; it is kept with the change.")
@connected
def resume(session: Session, function_id: str, reason: str) -> None:
    """Go on with a paused or archived function."""
    _show(session, session.client.functions.resume(function_id, reason=reason))


@command.command("archive")
@click.argument("function_id", metavar="ID")
@click.option("--reason", default="", help="Why; it is kept with the change.")
@connected
def archive(session: Session, function_id: str, reason: str) -> None:
    """Let nothing start a function any more."""
    _show(session, session.client.functions.archive(function_id, reason=reason))


@command.command("delete")
@click.argument("function_id", metavar="ID")
@click.option("--reason", default="", help="Why; it is kept with the change.")
@connected
def delete(session: Session, function_id: str, reason: str) -> None:
    """Delete a function. Its runs and its history stay."""
    session.client.functions.delete(function_id, reason=reason)
    session.output.note(f"{function_id} is deleted; a worker that registers it brings it back")


def _show(session: Session, function: Mapping[str, Any]) -> None:
    output = session.output
    if output.told("ironflow.function/v1", function):
        return
    retry = function["retry"]
    output.fields(
        [
            ("Function", function["id"]),
            ("Name", function["name"]),
            ("Version", f"{function['version']}{', pinned' if function.get('pinned') else ''}"),
            ("Status", function["status"]),
            ("Triggers", ", ".join(map(_trigger, function["triggers"]))),
            ("Next run", _when(function.get("next_run"))),
            ("Endpoint", function.get("endpoint_url", "") if function["preferred_mode"] == "push" else ""),
            ("Retry", f"{retry['max_attempts']} attempts, then {retry['on_exhausted']}"),
            ("Timeout", f"{function['timeout_ms'] / 1_000:g} s"),
            *((label, _value(function.get(name))) for name, label in OPTIONS.items()),
            ("Registered", _when(function["updated_at"])),
            ("About", function["description"]),
        ]
    )


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}%" if whole else ""


def _took(step: Mapping[str, Any], which: str) -> str:
    return f"{step['took'][which]} ms" if step["took"] else ""


def _trigger(trigger: Mapping[str, Any]) -> str:
    if "cron" in trigger:
        return f"{trigger['cron']} ({trigger['timezone']})"
    condition = f" if {trigger['expression']}" if trigger.get("expression") else ""
    return f"{trigger['event']}{condition}"


def _when(instant: str | None) -> str:
    return f"{instant}  ({ago(instant)})" if instant else ""


def _value(value: Any) -> str:
    """A value as one short text: `limit 10, key customer.id`."""
    match value:
        case None | "" | []:
            return ""
        case str():
            return value
        case dict():
            return ", ".join(f"{name} {_value(inner)}" for name, inner in value.items())
        case list():
            return "; ".join(map(_value, value))
        case _:
            return json.dumps(value)
