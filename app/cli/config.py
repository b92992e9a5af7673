"""`ironflow config`: configuration documents and their revisions."""

from __future__ import annotations

import json
from typing import Any

import click

from app.cli.client import Session, connected
from app.cli.given import confirm, document, yes_option
from app.cli.output import ago, plain

_DATA = "DATA is a JSON object, @FILE, or - for standard input."
_MARKS = {"add": ("+", "32"), "remove": ("-", "31"), "replace": ("~", "33")}


@click.group("config")
def command() -> None:
    """Read and change configuration documents; compare and restore their revisions; follow them."""


@command.command("list")
@connected
def list_configs(session: Session) -> None:
    """Every document, by name."""
    session.output.items(
        "ironflow.configs/v1",
        [{"id": one["name"], **one} for one in session.client.config.list()],
        {
            "name": lambda one: one["name"],
            "revision": lambda one: str(one["revision"]),
            "updated": lambda one: ago(one["updatedAt"]),
        },
        empty="no documents: make one with `ironflow config set NAME DATA`",
    )


@command.command("get")
@click.argument("name")
@click.option("--at", help="As of a position of history, or of a time, such as 15m before now.")
@click.option("--revision", type=click.IntRange(1), help="One of its revisions.")
@connected
def get(session: Session, name: str, at: str | None, revision: int | None) -> None:
    """The document NAME, and nothing else; with --json also its revision."""
    found = session.client.config.get(name, at=at, revision=revision)
    if not session.output.told("ironflow.config/v1", found):
        session.output.out.write(_pretty(found["data"]) + "\n")


@command.command("set", epilog=_DATA)
@click.argument("name")
@click.argument("data")
@click.option("--revision", type=click.IntRange(0), help="Only if it is still at this one; 0: only if there is none.")
@connected
def set_config(session: Session, name: str, data: str, revision: int | None) -> None:
    """Replace the document NAME, or make it."""
    _changed(session, name, session.client.config.set(name, document(data), revision=revision))


@command.command("patch", epilog=_DATA)
@click.argument("name")
@click.argument("data")
@click.option("--revision", type=click.IntRange(0), help="Only if it is still at this one; 0: only if there is none.")
@connected
def patch(session: Session, name: str, data: str, revision: int | None) -> None:
    """Replace members of the document NAME, or make it. Members are replaced whole."""
    _changed(session, name, session.client.config.patch(name, document(data), revision=revision))


@command.command("delete")
@click.argument("name")
@click.option("--revision", type=click.IntRange(1), help="Only if it is still at this one.")
@yes_option
@connected
def delete(session: Session, name: str, revision: int | None, yes: bool) -> None:
    """Delete the document NAME. Its revisions stay, and can be restored."""
    confirm(session.output, name, f"This deletes the document {name}; `config restore` brings it back.", yes=yes)
    session.client.config.delete(name, revision=revision)
    session.output.outcome("ironflow.config_deleted/v1", {"name": name}, f"{name} is deleted")


@command.command("history")
@click.argument("name")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 100), help="At most so many.")
@click.option("--before", type=click.IntRange(1), help="Only those before this revision.")
@connected
def history(session: Session, name: str, limit: int, before: int | None) -> None:
    """Revisions of NAME, newest first."""
    session.output.items(
        "ironflow.config_history/v1",
        [
            {"id": str(one["revision"]), **one}
            for one in session.client.config.history(name, limit=limit, before=before)
        ],
        {
            "revision": lambda one: str(one["revision"]),
            "operation": lambda one: (
                one["operation"] + (f" of {one['restored_from']}" if "restored_from" in one else "")
            ),
            "when": lambda one: ago(one["updatedAt"]),
            "position": lambda one: str(one["position"]),
        },
    )


@command.command("diff")
@click.argument("name")
@click.option("--from", "before", type=click.IntRange(1), help="A revision; default the one before.")
@click.option("--to", "after", type=click.IntRange(1), help="A revision; default the newest.")
@connected
def diff(session: Session, name: str, before: int | None, after: int | None) -> None:
    """What changed between two revisions of NAME."""
    found = session.client.config.diff(name, before=before, after=after)
    output = session.output
    if output.told("ironflow.config_diff/v1", found):
        return
    output.note(f"{name}: revision {found['from']} → {found['to']}")
    for change in found["changes"]:
        mark, color = _MARKS[change["op"]]
        sides = [json.dumps(change[side], ensure_ascii=False) for side in ("before", "after") if side in change]
        output.out.write(output.paint(plain(f"{mark} {change['path']}  {' → '.join(sides)}"), color) + "\n")
    if not found["changes"]:
        output.note("nothing")


@command.command("restore")
@click.argument("name")
@click.argument("revision", type=click.IntRange(1))
@connected
def restore(session: Session, name: str, revision: int) -> None:
    """Bring REVISION of NAME back, as a new one."""
    _changed(session, name, session.client.config.restore(name, revision))


@command.command("watch")
@click.argument("name", default="*")
@click.option("--after", type=click.IntRange(0), help="A position of history; else from now on.")
@click.option("--count", type=click.IntRange(1), help="End after so many.")
@connected
def watch(session: Session, name: str, after: int | None, count: int | None) -> None:
    """Follow the document NAME, or all of them: every revision in order, until Ctrl-C."""
    output = session.output
    for number, told in enumerate(session.client.config.watch(name, after=after), 1):
        if output.form == "table":
            data = "" if told["data"] is None else json.dumps(told["data"], ensure_ascii=False)
            line = f"{told['position']:>8}  {told['operation']:<7}  {told['name']}  #{told['revision']}  {data}"
            output.out.write(plain(line).rstrip() + "\n")
        else:
            output.out.write(json.dumps(told, ensure_ascii=False) + "\n")
        output.out.flush()
        if number == count:
            return


def _pretty(data: Any) -> str:
    """Indented, with control characters escaped as JSON does it."""
    return "\n".join(plain(line) for line in json.dumps(data, ensure_ascii=False, indent=2).split("\n"))


def _changed(session: Session, name: str, revision: int) -> None:
    session.output.outcome(
        "ironflow.config_set/v1", {"name": name, "revision": revision}, f"{name} is at revision {revision}"
    )
