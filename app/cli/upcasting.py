"""`ironflow schema test-upcast`: whether recorded events can be read as the newest version of their schema."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli.client import Session, connected
from app.cli.given import data_of

if TYPE_CHECKING:
    from app.events.validation import Validator
    from ironflow.upcasting import Upcasters

PAGE = 200
SHOWN_MAX = 20
INVALID_DATA = 10


@dataclass
class Tested:
    """Of one event name: how many events were read as `version`, and which could not be, or break its schema."""

    event: str
    version: int
    has_schema: bool
    read: int
    failures: list[Mapping[str, Any]]

    def shown(self) -> dict[str, Any]:
        return {
            "event": self.event,
            "version": self.version,
            "has_schema": self.has_schema,
            "read": self.read,
            "failed": len(self.failures),
            "failures": self.failures,
        }


@click.command("test-upcast")
@click.argument("where", metavar="MODULE:NAME")
@click.option("--event", "names", multiple=True, help="Of this event only; may be repeated.")
@click.option("--data", "-d", help="Data to upcast instead of what is recorded; @FILE reads a file, - standard input.")
@click.option("--version", default=1, show_default=True, type=click.IntRange(1), help="Of the data given.")
@click.option("--limit", default=10_000, show_default=True, type=click.IntRange(1), help="Newest events of each name.")
@connected
def command(session: Session, where: str, names: tuple[str, ...], data: str | None, version: int, limit: int) -> int:
    """Upcast every recorded event of an older version, and validate what comes of it against the newest schema.

    MODULE:NAME is where your Upcasters are, such as shop.events:upcasters. Exit code 10 if an event cannot be upcast,
    or breaks the schema of the version that the upcasters lead to.
    """
    upcasters = _loaded(where)
    unknown = set(names) - set(upcasters)
    if unknown or (data is not None and len(names) != 1):
        known = ", ".join(upcasters) or "none"
        raise click.UsageError(f"name one event with --event, that has upcasters: {known}")
    tested = []
    for name in names or list(upcasters):
        given = [{"id": "", "version": version, "data": data_of(data)}] if data is not None else None
        tested.append(
            _tested(session, upcasters, name, given or _recorded(session, name, upcasters.newest(name), limit))
        )
    _show(session, tested)
    return INVALID_DATA if any(one.failures for one in tested) else 0


def _loaded(where: str) -> Upcasters:
    """Imported as `python -m` would, from the working directory too."""
    from ironflow.upcasting import Upcasters

    module, colon, name = where.partition(":")
    if not (module and colon and name):
        raise click.UsageError(f"{where!r} is not MODULE:NAME, such as shop.events:upcasters")
    sys.path.insert(0, str(Path.cwd()))
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise click.UsageError(f"{module} cannot be imported: {error}") from None
    for part in name.split("."):
        found = getattr(found, part, None)
    if not isinstance(found, Upcasters):
        raise click.UsageError(f"{where} is no Upcasters")
    return found


def _recorded(session: Session, name: str, newest: int, limit: int) -> Iterator[Mapping[str, Any]]:
    """Recorded events of versions before the newest, newest first, out of so many."""
    cursor: str | None = None
    while limit > 0:
        page = session.client.events.list(name=name, limit=min(PAGE, limit), cursor=cursor)
        yield from (event for event in page.items if event["version"] < newest)
        limit -= len(page.items)
        cursor = page.next_cursor
        if not cursor:
            return


def _tested(session: Session, upcasters: Upcasters, name: str, events: Any) -> Tested:
    from ironflow.upcasting import UpcastError

    validator = _validator(session, name, upcasters.newest(name))
    tested = Tested(name, upcasters.newest(name), validator is not None, 0, [])
    for event in events:
        tested.read += 1
        told = {"id": event["id"], "version": event["version"]}
        try:
            data = upcasters.upcast(name, event["version"], event["data"]).data
        except UpcastError as error:
            tested.failures.append({**told, "path": "$", "reason": str(error)})
            continue
        violation = validator.violation(data) if validator else None
        if violation is not None:
            tested.failures.append({**told, "path": violation[0], "reason": violation[1]})
    return tested


def _validator(session: Session, name: str, version: int) -> Validator | None:
    """Of the schema that is registered for the version."""
    from app.events.validation import Validator
    from ironflow.errors import NotFound

    try:
        return Validator(session.client.schemas.get(name, version=version)["schema"])
    except NotFound:
        return None


_COLUMNS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "event": lambda one: one["event"],
    "read as": lambda one: f"v{one['version']}",
    "schema": lambda one: "yes" if one["has_schema"] else "none",
    "events": lambda one: str(one["read"]),
    "failed": lambda one: str(one["failed"]),
}


def _show(session: Session, tested: list[Tested]) -> None:
    output = session.output
    shown = [{**one.shown(), "id": one.event} for one in tested]
    output.items("ironflow.upcast_test/v1", shown, _COLUMNS, empty="there are no upcasters")
    if output.form != "table":
        return
    for one in tested:
        for failure in one.failures[:SHOWN_MAX]:
            which = f"{failure['id'] or 'the data'} v{failure['version']}"
            output.note(f"{one.event} {which}: {failure['reason']} (at {failure['path']})")
        if len(one.failures) > SHOWN_MAX:
            output.note(f"{one.event}: and {len(one.failures) - SHOWN_MAX} more, see --json")
