"""`ironflow group`: consumer groups, where they are, and where they begin again."""

from __future__ import annotations

from typing import Any

import click

from app.cli.client import Session, connected
from app.cli.given import DURATION
from app.cli.output import ago

START = (
    click.option("--after", type=click.IntRange(0), help="Begin after this position; 0 is all of history."),
    click.option("--at", help="Begin at this time: RFC 3339, or such as 15m."),
)


def _settings(command: Any) -> Any:
    for option in (
        click.option(
            "--ack-wait", type=DURATION, help="How long a delivery may take before it is made again, such as 30s."
        ),
        click.option("--redeliver-delay", type=DURATION, help="Before a refused delivery is made again, such as 5s."),
        click.option("--max-redeliveries", type=click.IntRange(0), help="After so many it is a dead letter."),
        click.option("--max-inflight", type=click.IntRange(1), help="Deliveries that are not settled, at most."),
        click.option(
            "--ack-mode", type=click.Choice(["manual", "auto"]), help="auto: what was sent counts as settled."
        ),
        click.option("--filter", help="CEL: only what it is true for, such as data.total > 100."),
    ):
        command = option(command)
    return command


@click.group("group")
def command() -> None:
    """Create, follow, change and reset consumer groups."""


@command.command("create")
@click.argument("name")
@click.argument("pattern")
@_settings
@START[0]
@START[1]
@connected
def create(session: Session, name: str, pattern: str, **options: Any) -> None:
    """Create a group that gets what fits PATTERN, such as order.> or topic:alerts."""
    _show(session, session.client.groups.create(name, pattern, **_given(options)), f"group {name} is created")


@command.command("list")
@connected
def list_groups(session: Session) -> None:
    """Every group, by name."""
    output = session.output
    output.items(
        "ironflow.groups/v1",
        [{**group, "id": group["name"]} for group in session.client.groups.list()],
        {
            "name": lambda group: group["name"],
            "status": lambda group: group["status"],
            "pattern": lambda group: group["pattern"],
            "members": lambda group: str(group["member_count"]),
            "changed": lambda group: ago(group["updated_at"]),
        },
        empty="no groups: add one with `ironflow group create NAME PATTERN`",
    )


@command.command("get")
@click.argument("name")
@connected
def get(session: Session, name: str) -> None:
    """One group, with where it is."""
    group = session.client.groups.get(name)
    lag = session.client.groups.lag(name)
    if session.output.told("ironflow.group/v1", {**group, "lag": lag}):
        return
    session.output.fields([*_fields(group), *_lag_fields(lag)])


@command.command("update")
@click.argument("name")
@click.option("--pattern", help="What it gets from now on.")
@_settings
@connected
def update(session: Session, name: str, **options: Any) -> None:
    """Change a group."""
    _show(session, session.client.groups.update(name, **_given(options)), f"group {name} is changed")


@command.command("pause")
@click.argument("name")
@click.option("--reason", default="", help="Kept in history.")
@connected
def pause(session: Session, name: str, reason: str) -> None:
    """Deliver nothing until it is resumed."""
    _show(session, session.client.groups.pause(name, reason=reason), f"group {name} is paused")


@command.command("resume")
@click.argument("name")
@connected
def resume(session: Session, name: str) -> None:
    """Deliver again."""
    _show(session, session.client.groups.resume(name), f"group {name} is active")


@command.command("delete")
@click.argument("name")
@connected
def delete(session: Session, name: str) -> None:
    """Delete a group; its history stays."""
    session.client.groups.get(name)
    session.client.groups.delete(name)
    session.output.outcome("ironflow.group_deleted/v1", {"name": name}, f"group {name} is deleted")


@command.command("lag")
@click.argument("name")
@connected
def lag(session: Session, name: str) -> None:
    """Where a group is, and what it has still to do."""
    found = session.client.groups.lag(name)
    if session.output.told("ironflow.group_lag/v1", found):
        return
    session.output.fields(_lag_fields(found))


@command.command("peek")
@click.argument("name")
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1, 50), help="At most so many.")
@connected
def peek(session: Session, name: str, limit: int) -> None:
    """What a group gets next, in order. Nothing is delivered by looking."""
    session.output.items(
        "ironflow.group_messages/v1",
        [{**one, "id": one["event_id"]} for one in session.client.groups.peek(name, limit=limit)["messages"]],
        {
            "position": lambda one: str(one["position"]),
            "topic": lambda one: one["topic"],
            "event": lambda one: one["event_id"],
            "recorded": lambda one: ago(one["recorded_at"]),
            "delivered": lambda one: "yes" if one["delivered"] else "",
        },
        empty="nothing waits",
    )


@command.command("reset")
@click.argument("name")
@START[0]
@START[1]
@click.option("--now", is_flag=True, help="Begin with what is recorded from now on.")
@click.option("--preview", is_flag=True, help="Only say what it would do.")
@click.option("--reason", default="", help="Kept in history.")
@connected
def reset(
    session: Session, name: str, after: int | None, at: str | None, now: bool, preview: bool, reason: str
) -> None:
    """Begin again elsewhere: what was delivered comes once more, or what was not never does."""
    if [after is not None, at is not None, now].count(True) != 1:
        raise click.UsageError("Say one of --after, --at and --now.")
    done = session.client.groups.reset(name, after=after, at=at, preview=preview, reason=reason)
    if session.output.told("ironflow.group_reset/v1", done):
        return
    least = "" if done["exact"] else "at least "
    verb = "would begin" if preview else "begins"
    session.output.done(
        f"group {name} {verb} after position {done['start']}, from {done['position']}:"
        f" {least}{done['redelivered']} once more, {least}{done['skipped']} never"
    )


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _show(session: Session, group: dict[str, Any], fact: str) -> None:
    session.output.outcome("ironflow.group/v1", group, fact)


def _fields(group: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("group", group["name"]),
        ("status", group["status"]),
        ("pattern", group["pattern"]),
        ("filter", group["filter"]),
        ("ack mode", group["ack_mode"]),
        ("max in flight", str(group["max_inflight"])),
        ("max redeliveries", str(group["max_redeliveries"])),
        ("redeliver delay", f"{group['redeliver_delay_ms']} ms"),
        ("ack wait", f"{group['ack_wait_ms']} ms"),
        ("members", str(group["member_count"])),
    ]


def _lag_fields(lag: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("position", f"{lag['position']} of {lag['head']}"),
        ("lag", str(lag["lag"])),
        ("in flight", str(lag["inflight"])),
        ("redelivered", str(lag["redelivered"])),
        ("dead letters", str(lag["dead_letters"])),
        ("stream", lag["stream"]),
        ("consumer", lag["consumer"]),
    ]
