"""`ironflow schema`: what the data of events look like, and whether that is enforced."""

from __future__ import annotations

import json
from typing import Any

import click

from app.cli import upcasting
from app.cli.client import Session, connected
from app.cli.given import data_of
from app.cli.output import ago, plain


@click.group("schema")
def command() -> None:
    """Register and enforce schemas of events."""


command.add_command(upcasting.command)


@command.command("list")
@click.option("--event", "event_name", help="Of one event.")
@connected
def list_schemas(session: Session, event_name: str | None) -> None:
    """Schemas, by event and version."""
    found = session.client.schemas.list(event_name=event_name)
    session.output.items(
        "ironflow.schemas/v1",
        [{**schema, "id": f"{schema['event_name']}/{schema['version']}"} for schema in found],
        {
            "event": lambda schema: schema["event_name"],
            "version": lambda schema: str(schema["version"]),
            "changed": lambda schema: ago(schema["updated_at"]),
            "description": lambda schema: schema["description"],
        },
        empty="no schemas: add one with `ironflow schema register EVENT -d @FILE`",
    )


@command.command("get")
@click.argument("event_name", metavar="EVENT")
@click.option("--version", type=click.IntRange(1), help="Default the newest.")
@connected
def get_schema(session: Session, event_name: str, version: int | None) -> None:
    """One schema, as JSON."""
    schema = session.client.schemas.get(event_name, version=version)
    if session.output.told("ironflow.schema/v1", schema, name="format"):
        return
    text = json.dumps(schema["schema"], ensure_ascii=False, indent=2)
    session.output.out.write("\n".join(plain(line) for line in text.splitlines()) + "\n")


@command.command("register")
@click.argument("event_name", metavar="EVENT")
@click.option("--data", "-d", required=True, help="The JSON Schema; @FILE reads a file, - standard input.")
@click.option("--version", default=1, show_default=True, type=click.IntRange(1), help="Version of the schema.")
@click.option("--description", default="", help="For people.")
@click.option("--reason", "change_reason", default="", help="Kept in history.")
@connected
def register_schema(session: Session, event_name: str, data: str, **options: Any) -> None:
    """Register the schema of a version. Exit code 5 if it refuses what the version accepts now."""
    registered = session.client.schemas.register(event_name, data_of(data), **options)
    if session.output.told("ironflow.schema_registered/v1", registered, name="format"):
        return
    session.output.out.write(f"{event_name} version {registered['version']} is {registered['status']}\n")
    if registered["problems"]:
        session.output.note("it refuses what the version before takes:")
        for problem in registered["problems"]:
            session.output.note(f"  {problem}")


@command.command("delete")
@click.argument("event_name", metavar="EVENT")
@click.option("--version", required=True, type=click.IntRange(1), help="Which one.")
@click.option("--reason", help="Kept in history.")
@connected
def delete_schema(session: Session, event_name: str, version: int, reason: str | None) -> None:
    """Delete one version of the schema of EVENT."""
    session.client.schemas.delete(event_name, version=version, reason=reason)
    session.output.note(f"{event_name} version {version} is deleted")


@command.command("enforce")
@click.argument("mode", type=click.Choice(["off", "warn", "reject"]))
@connected
def enforce(session: Session, mode: str) -> None:
    """Let violations through, log them, or refuse them, in this environment."""
    session.client.schemas.enforce(mode)
    session.output.note(f"schemas: {mode}")


@command.command("check")
@click.option("--event", "event_name", help="Of one event.")
@click.option("--hours", default=24, show_default=True, type=click.IntRange(1, 8_784), help="How far to look back.")
@connected
def check(session: Session, event_name: str | None, hours: int) -> None:
    """Whether schemas are enforced, and which versions of their events were seen."""
    report = session.client.schemas.check(event_name=event_name, hours=hours)
    if session.output.told("ironflow.schema_check/v1", report, name="format"):
        return
    session.output.note(f"schemas: {report['mode']}")
    session.output.items(
        "ironflow.schema_check/v1",
        report["schemas"],
        {
            "event": lambda one: one["event_name"],
            "version": lambda one: str(one["version"]),
            "asserts": lambda one: "yes" if one["asserts"] else "nothing",
            "seen": lambda one: ", ".join(f"v{seen['version']}: {seen['count']}" for seen in one["traffic"]),
        },
        empty="no schemas",
    )
