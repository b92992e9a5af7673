"""`ironflow stream`: entities and the events that were appended to them."""

from __future__ import annotations

import json
from typing import Any

import click

from app.cli.client import Session, connected
from app.cli.given import data_of
from app.cli.output import ago, plain


class StreamName(click.ParamType[tuple[str, str]]):
    """`TYPE/ID`, such as order/42."""

    name = "stream"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        type, slash, id = str(value).partition("/")
        if not (type and slash and id):
            self.fail(f"{value!r} is not TYPE/ID, such as order/42", param, ctx)
        return type, id


STREAM = StreamName()
at_option = click.option("--at", help="What was there at a position of history, or at a time.")


@click.group("stream")
def command() -> None:
    """Read and append to entity streams."""


@command.command("list")
@click.option("--type", help="Of the entities.")
@click.option("--search", help="Part of the id.")
@click.option("--include-deleted", is_flag=True, help="Deleted ones, too.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1_000), help="At most so many.")
@click.option("--cursor", help="Where the page before ended.")
@connected
def list_streams(session: Session, **chosen: Any) -> None:
    """Entities, by id."""
    page = session.client.streams.list(**chosen)
    session.output.items(
        "ironflow.streams/v1",
        [{**stream, "id": f"{stream['entityType']}/{stream['entityId']}"} for stream in page.items],
        {
            "stream": lambda stream: stream["id"],
            "version": lambda stream: str(stream["version"]),
            "changed": lambda stream: ago(stream["updatedAt"]),
            "state": lambda stream: "deleted" if stream["deleted"] else "",
        },
        next_cursor=page.next_cursor,
        total=page.total,
        empty="no streams: append with `ironflow stream append TYPE/ID NAME -d JSON`",
    )


@command.command("info")
@click.argument("stream", type=STREAM)
@at_option
@connected
def show_info(session: Session, stream: tuple[str, str], at: str | None) -> None:
    """What is known of an entity."""
    info = session.client.streams.info(*stream, at=at)
    if session.output.told("ironflow.stream/v1", info):
        return
    session.output.fields(
        [
            ("Stream", f"{info['entityType']}/{info['entityId']}"),
            ("Version", str(info["version"])),
            ("Events", str(info["eventCount"])),
            ("Created", f"{info['createdAt']}  ({ago(info['createdAt'])})"),
            ("Changed", f"{info['updatedAt']}  ({ago(info['updatedAt'])})"),
            ("Deleted", info.get("deletedAt", "")),
            ("Position", str(info["position"])),
        ]
    )


@command.command("read")
@click.argument("stream", type=STREAM)
@click.option("--from", "from_version", default=0, type=click.IntRange(0), help="The first version to show.")
@click.option("--backward", is_flag=True, help="Newest first.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1_000), help="At most so many.")
@at_option
@connected
def read_stream(session: Session, stream: tuple[str, str], backward: bool, **chosen: Any) -> None:
    """The events of an entity."""
    page = session.client.streams.read(*stream, direction="backward" if backward else "forward", **chosen)
    session.output.items(
        "ironflow.stream_events/v1",
        page.items,
        {
            "version": lambda event: str(event["version"]),
            "position": lambda event: str(event["position"]),
            "name": lambda event: event["name"],
            "recorded": lambda event: ago(event["timestamp"]),
            "data": lambda event: shortened(event["data"]),
        },
        total=page.total,
        empty="no events in that range",
    )
    if page.next_cursor and session.output.form == "table":
        session.output.note(f"more: --from {page.next_cursor}")


@command.command("history")
@click.argument("stream", type=STREAM)
@click.option("--from", "from_version", default=0, type=click.IntRange(0), help="The first version to show.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1_000), help="At most so many.")
@connected
def show_history(session: Session, stream: tuple[str, str], **chosen: Any) -> None:
    """The events of an entity, with the runs that each started and their steps."""
    page = session.client.streams.history(*stream, **chosen)
    output = session.output
    if output.told("ironflow.stream_history/v1", {"items": list(page.items)}):
        return
    for event in page.items:
        output.out.write(plain(f"{event['version']:>4}  {event['name']}  {shortened(event['data'])}") + "\n")
        for run in event["runs"]:
            output.out.write(
                plain(f"      → {run['functionId']}  {output.status(run['status'])}  {run['runId']}") + "\n"
            )
            for step in run["steps"]:
                output.out.write(plain(f"          {output.status(step['status'])}  {step['name']}") + "\n")


@command.command("append")
@click.argument("stream", type=STREAM)
@click.argument("name")
@click.option("--data", "-d", help="JSON; @FILE reads a file, - standard input.")
@click.option("--expect", "expected_version", type=click.IntRange(0), help="The version it must have; 0: none yet.")
@click.option("--key", "idempotency_key", help="A repeat with the same key records nothing.")
@connected
def append_event(session: Session, stream: tuple[str, str], name: str, data: str | None, **options: Any) -> None:
    """Append one event. Exit code 5 if the version is not the expected one."""
    from ironflow import EntityEvent

    appended = session.client.streams.append(*stream, EntityEvent(name, data_of(data)), **options)
    told = {"version": appended.version, "event_ids": appended.event_ids, "run_ids": appended.run_ids}
    if session.output.told("ironflow.appended/v1", {**told, "duplicate": appended.duplicate}):
        return
    said = "was there already" if appended.duplicate else f"{len(appended.run_ids)} runs started"
    session.output.out.write(f"{'/'.join(stream)} is at version {appended.version}   {said}\n")


@command.command("snapshot")
@click.argument("stream", type=STREAM)
@click.option("--version", type=click.IntRange(1), help="The newest not of a later version; with -d, that it is of.")
@click.option("--data", "-d", help="A state to keep: JSON; @FILE reads a file, - standard input.")
@connected
def snapshot_stream(session: Session, stream: tuple[str, str], version: int | None, data: str | None) -> None:
    """Show the state that a client kept of an entity, or keep one with -d."""
    streams = session.client.streams
    if data is None:
        found = streams.snapshot(*stream, version=version)
    else:
        as_of = version or streams.info(*stream)["version"]
        found = streams.save_snapshot(*stream, version=as_of, state=data_of(data))
    if session.output.told("ironflow.snapshot/v1", found):
        return
    session.output.fields(
        [
            ("Stream", "/".join(stream)),
            ("Version", str(found["version"])),
            ("Kept", f"{found['createdAt']}  ({ago(found['createdAt'])})"),
            ("State", json.dumps(found["state"], ensure_ascii=False)),
        ]
    )


@command.command("delete")
@click.argument("stream", type=STREAM)
@click.option("--expect", "expected_version", type=click.IntRange(1), help="The version it must have.")
@click.option("--reason", help="Kept in history.")
@click.option("--purge", is_flag=True, help="Erase what its events said, also if it is deleted already.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@connected
def delete_stream(session: Session, stream: tuple[str, str], yes: bool, purge: bool, **options: Any) -> None:
    """Delete an entity: its past stays readable, nothing can be appended any more.

    With --purge, what its events said is replaced by placeholders. Nothing brings it back.
    """
    name = "/".join(stream)
    if not yes:
        asked = f"Delete {name} and erase the data of its events? Nothing brings it back." if purge else ""
        click.confirm(asked or f"Delete {name} for good?", abort=True, err=True)
    version = session.client.streams.delete(*stream, purge=purge, **options)
    if session.output.told("ironflow.stream_deleted/v1", {"version": version, "purged": purge}):
        return
    session.output.out.write(f"{name} is {'purged' if purge else 'deleted'}, at version {version}\n")


def shortened(data: Any, *, chars_max: int = 60) -> str:
    """The data in one short line."""
    text = json.dumps(data, ensure_ascii=False)
    return text if len(text) <= chars_max else text[: chars_max - 1] + "…"
