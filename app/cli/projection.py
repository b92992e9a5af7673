"""`ironflow projection`: views that are folded from events, their states, and how far they have come."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from app.cli.client import Session, connected
from app.cli.given import data_of
from app.cli.output import ago, plain


@click.group("projection")
def command() -> None:
    """Read, steer and rebuild projections."""


@command.command("list")
@click.option("--status", type=click.Choice(["active", "paused", "rebuilding", "error"]), help="Of these only.")
@click.option("--mode", type=click.Choice(["managed", "external", "declared", "sql"]), help="Of these only.")
@connected
def list_projections(session: Session, status: str | None, mode: str | None) -> None:
    """Projections, by name, with how far each has come."""
    found = session.client.projections.list(status=status, mode=mode)
    session.output.items(
        "ironflow.projections/v1",
        [{**one, "id": one["name"]} for one in found],
        {
            "projection": lambda one: one["name"],
            "mode": lambda one: one["mode"],
            "version": lambda one: str(one["version"]),
            "status": lambda one: one["status"],
            "position": lambda one: str(one["last_event_seq"]),
            "lag": _lag,
            "runner": lambda one: one["runner"],
            "changed": lambda one: ago(one["updated_at"]),
            "error": lambda one: one.get("error_message", ""),
        },
        empty="no projections: a worker registers its own, `ironflow projection register` those that the server folds",
    )


@command.command("get")
@click.argument("name")
@click.option("--partition", help="Of one value of the partition key.")
@connected
def get_projection(session: Session, name: str, partition: str | None) -> None:
    """A projection, with its state and its partitions."""
    found = session.client.projections.get(name, partition=partition)
    partitions = session.client.projections.partitions(name)
    if session.output.told("ironflow.projection/v1", {**found, "partitions": partitions}, name="format"):
        return
    fields = ("mode", "version", "status", "runner", "generation", "last_event_seq", "events_per_second", "skipped")
    rows = [[field, str(found[field])] for field in (*fields, "parked", "error_message") if field in found]
    rows += [["lag", _lag(found)], ["events", ", ".join(found["events"])]]
    rows += [["partitions", ", ".join(partitions[:10])]]
    session.output.table(["", name], rows)
    if found["state"] is not None:
        _print(session, found["state"]["state"])


def _lag(found: Mapping[str, Any]) -> str:
    """`12, 3.5 s`, or 0."""
    return f"{found['lag']}, {found['lag_seconds']:.1f} s" if found["lag"] else "0"


@command.command("state")
@click.argument("name")
@click.option("--partition", help="Of one value of the partition key.")
@click.option("--at", help="As of a position of history, or a time: RFC 3339, or such as 15m.")
@connected
def state(session: Session, name: str, partition: str | None, at: str | None) -> None:
    """The state, now or as of a position or time, as JSON."""
    found = session.client.projections.get(name, partition=partition, at=at)
    told = {"state": None, **(found["state"] or {})}
    if session.output.told("ironflow.projection_state/v1", told, name="format"):
        return
    if found["state"] is None:
        session.output.note(f"{name} has no state there")
    else:
        _print(session, found["state"]["state"])


@command.command("register")
@click.argument("name")
@click.option("--data", "-d", required=True, help="Rules, or table_sql and event_handlers: JSON, or @FILE.")
@connected
def register(session: Session, name: str, data: str) -> None:
    """Register a projection that the server folds, by rules or SQL."""
    told = data_of(data)
    if not isinstance(told, dict) or not ({"events", "rules"} <= told.keys() or "table_sql" in told):
        raise click.BadParameter(
            'such as {"events": ["order.placed"], "rules": [{"on": …, "set": {…}}]}'
            ' or {"table_sql": "create table proj_… (…)", "event_handlers": {"order.placed": "insert into …"}}'
        )
    found = session.client.request("PUT", f"/api/v1/projections/{name}", json=told, retry=True)
    if not session.output.told("ironflow.projection_registered/v1", found, name="format"):
        session.output.out.write(f"{name} is {found['result']}\n")


@command.command("rows")
@click.argument("name")
@click.option("--where", help="SQL over the columns of the table.")
@click.option("--order-by", help="SQL, such as: total desc.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=100, show_default=True, help="At most so many.")
@click.option("--offset", type=click.IntRange(0), help="How many to leave out first.")
@click.option("--at", help="As of a position or a time, such as 15m.")
@connected
def rows(session: Session, name: str, **options: Any) -> None:
    """Rows of the table of a SQL projection."""
    found = session.client.projections.rows(name, **options)
    if session.output.told("ironflow.projection_rows/v1", found, name="format"):
        return
    session.output.table(found["columns"], [[plain(_cell(value)) for value in row] for row in found["rows"]])
    if len(found["rows"]) < found["total_count"]:
        session.output.note(f"{len(found['rows'])} of {found['total_count']} rows")


@command.command("pause")
@click.argument("name")
@click.option("--reason", default="", help="Kept in history.")
@connected
def pause(session: Session, name: str, reason: str) -> None:
    """Fold no further until it is resumed."""
    session.output.note(f"{name} is {session.client.projections.pause(name, reason=reason)['status']}")


@command.command("resume")
@click.argument("name")
@click.option("--reason", default="", help="Kept in history.")
@connected
def resume(session: Session, name: str, reason: str) -> None:
    """Go on; an event that stopped it is tried again."""
    session.output.note(f"{name} is {session.client.projections.resume(name, reason=reason)['status']}")


@command.command("skip")
@click.argument("name")
@click.option("--event", "event_id", default="", metavar="ID", help="Only if it is this one that has stopped it.")
@click.option("--reason", required=True, help="Kept in history.")
@connected
def skip(session: Session, name: str, **options: str) -> None:
    """Go on after the event that stopped it, without it."""
    session.output.note(f"{name} goes on after it, and is {session.client.projections.skip(name, **options)['status']}")


@command.command("park")
@click.argument("name")
@click.option("--event", "event_id", default="", metavar="ID", help="Only if it is this one that has stopped it.")
@click.option("--reason", required=True, help="Kept in history.")
@connected
def park(session: Session, name: str, **options: str) -> None:
    """Put the event that stopped it aside, to be retried or discarded, and go on."""
    status = session.client.projections.park(name, **options)["status"]
    session.output.note(f"{name} goes on after it, and is {status}: see `ironflow projection parked {name}`")


@command.command("parked")
@click.argument("name")
@connected
def parked(session: Session, name: str) -> None:
    """The events that it has parked, the oldest first."""
    session.output.items(
        "ironflow.parked_events/v1",
        [{**one, "id": one["event_id"]} for one in session.client.projections.parked(name)],
        {
            "event": lambda one: one["event_id"],
            "position": lambda one: str(one["position"]),
            "parked": lambda one: ago(one["parked_at"]),
            "reason": lambda one: one["reason"],
            "error": lambda one: one["error"],
        },
        empty=f"{name} has parked no event",
    )


@command.command("retry-parked")
@click.argument("name")
@click.argument("event_ids", nargs=-1, metavar="[EVENT_ID]...")
@click.option("--reason", required=True, help="Kept in history.")
@connected
def retry_parked(session: Session, name: str, event_ids: tuple[str, ...], reason: str) -> None:
    """Give parked events, all if none is named, their place: its partition is folded anew, or all of it."""
    job = session.client.projections.retry_parked(name, event_ids, reason=reason)
    if session.output.told("ironflow.rebuild/v1", job, name="format"):
        return
    session.output.note(f"{name} is built with them: see `ironflow projection rebuild {name} --status`")


@command.command("discard-parked")
@click.argument("name")
@click.argument("event_ids", nargs=-1, metavar="[EVENT_ID]...")
@click.option("--reason", required=True, help="Kept in history.")
@connected
def discard_parked(session: Session, name: str, event_ids: tuple[str, ...], reason: str) -> None:
    """Discard parked events, all if none is named: it goes on without them for good."""
    session.output.note(f"{session.client.projections.discard_parked(name, event_ids, reason=reason)} discarded")


@command.command("rebuild")
@click.argument("name")
@click.option("--partition", default="", help="Of one partition only.")
@click.option("--from-event", "from_event_id", default="", metavar="ID", help="External: handle events from this on.")
@click.option("--to-event", "to_event_id", default="", metavar="ID", help="External: and none after this one again.")
@click.option("--from-position", type=click.IntRange(1), default=None, help="The same by a position of history.")
@click.option("--to-position", type=click.IntRange(1), default=None, help="The same by a position of history.")
@click.option("--dry-run", is_flag=True, help="Only tell how many events it would be.")
@click.option("--status", "only_status", is_flag=True, help="Only tell how far the one under way is.")
@click.option("--reason", default="", help="Kept in history.")
@connected
def rebuild(session: Session, name: str, dry_run: bool, only_status: bool, **options: Any) -> None:
    """Fold it from the beginning; the old state serves until the new one has caught up."""
    projections = session.client.projections
    options = {key: value for key, value in options.items() if value is not None}
    job = projections.rebuild_job(name) if only_status else projections.rebuild(name, dry_run=dry_run, **options)
    if session.output.told("ironflow.rebuild/v1", job, name="format"):
        return
    if dry_run:
        session.output.out.write(f"{name} would be folded from {job['totalEvents']} events\n")
        return
    left = job.get("estimatedRemainingMs")
    session.output.out.write(
        f"{name} {job['status']}: {job['eventsProcessed']} of {job['totalEvents']} events, {job['progress']:g} %"
        + (f", {left / 1_000:.0f} s left" if left else "")
        + "\n"
    )


@command.command("cancel-rebuild")
@click.argument("name")
@click.option("--reason", default="", help="Kept in history.")
@connected
def cancel_rebuild(session: Session, name: str, reason: str) -> None:
    """Drop the rebuild; what serves goes on."""
    session.client.projections.cancel_rebuild(name, reason=reason)
    session.output.note(f"the rebuild of {name} is cancelled")


@command.command("delete")
@click.argument("name")
@click.option("--reason", help="Kept in history.")
@connected
def delete(session: Session, name: str, reason: str | None) -> None:
    """Delete it, with its states. Its history stays."""
    session.client.projections.delete(name, reason=reason)
    session.output.note(f"{name} is deleted")


@command.command("wait")
@click.argument("name")
@click.option("--event", "event_id", help="Until this event is in the state.")
@click.option("--position", type=click.IntRange(0), help="Until it has reached this position; default: history's end.")
@click.option(
    "--timeout", "timeout_s", default=30.0, show_default=True, type=click.FloatRange(0, 3_600), help="Seconds."
)
@connected
def wait(session: Session, name: str, event_id: str | None, position: int | None, timeout_s: float) -> None:
    """Wait until it has caught up."""
    projections = session.client.projections
    caught: Any
    if event_id is not None:
        caught = projections.wait_for_event(name, event_id, timeout_s=timeout_s)
    else:
        if position is None:
            status = projections.status(name)
            position = status["lastEventSeq"] + status["lag"]
        caught = projections.wait(name, position, timeout_s=timeout_s)
    if not session.output.told("ironflow.caught_up/v1", caught, name="format"):
        session.output.note(f"{name} has reached position {caught['currentSeq']}")


@command.command("watch")
@click.argument("name")
@click.option("--partition", default="", help="Else the global one.")
@click.option("--count", type=click.IntRange(1), help="End after so many states.")
@connected
def watch(session: Session, name: str, partition: str, count: int | None) -> None:
    """Follow a state: as it is, and whenever it has changed, until Ctrl-C. One line each; with --json one object a
    line."""
    output = session.output
    for number, told in enumerate(session.client.projections.watch(name, partition=partition), 1):
        text = json.dumps(told["state"] if output.form == "table" else told, ensure_ascii=False)
        output.out.write((f"{told['last_event_seq']:>8}  {plain(text)}" if output.form == "table" else text) + "\n")
        output.out.flush()
        if number == count:
            return


def _print(session: Session, state: Any) -> None:
    text = json.dumps(state, ensure_ascii=False, indent=2)
    session.output.out.write("\n".join(plain(line) for line in text.splitlines()) + "\n")


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)
