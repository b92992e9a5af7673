"""`ironflow subscribe`: events as they happen, one line each."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from app.cli.client import Session, connected
from app.cli.output import plain

if TYPE_CHECKING:
    from ironflow import LiveEvent

DATA_CHARS_SHOWN = 100
MAYBE = frozenset(("source", "entity_type", "entity_id", "entity_version", "run_id", "emitted_by"))
"""What an event need not have; it is left out then."""


def following(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of commands that follow events."""
    for option in (
        click.option("--filter", "-f", help="CEL over data, event, name, topic, timestamp, metadata: data.total > 100"),
        click.option("--from", "since", help="Begin after a position or a time: 4711, 2026-01-31T12:00:00Z, 15m."),
        click.option("--count", type=click.IntRange(1), help="End after so many."),
    ):
        command = option(command)
    return command


@click.command("subscribe")
@click.argument("patterns", nargs=-1, required=True)
@click.option("--last", "replay", type=click.IntRange(0, 10_000), help="Begin with so many of the last events.")
@following
@connected
def command(session: Session, patterns: Sequence[str], **options: Any) -> None:
    """Follow what happens, until Ctrl-C: one line an event; with --json one object a line.

    PATTERNS choose: order.> (events), topic:orders.*, entity:order.42.>, system.run.*.failed. A `*` is one segment, a
    last `>` one or more. A lost connection is resumed, and nothing is missed.
    """
    follow(session, patterns, **options)


def follow(session: Session, patterns: Sequence[str], *, count: int | None, **asked: Any) -> None:
    """Show events until so many have come, or Ctrl-C."""
    if asked.get("replay") and asked.get("since"):
        raise click.UsageError("Give --last or --from: both say where to begin.")
    output = session.output
    show = _line if output.form == "table" else _object
    with session.client.subscribe(*patterns, **asked) as subscription:
        try:
            for number, event in enumerate(subscription, 1):
                output.out.write(show(event) + "\n")
                output.out.flush()
                if number == count:
                    return
        except KeyboardInterrupt:
            if output.form == "table" and subscription.position is not None:
                output.note(f"go on with --from {subscription.position}")
            raise


def _line(event: LiveEvent) -> str:
    data = json.dumps(event.data, ensure_ascii=False)
    shown = data if len(data) <= DATA_CHARS_SHOWN else data[: DATA_CHARS_SHOWN - 1] + "…"
    return plain(f"{event.position:>8}  {event.timestamp:%H:%M:%S}  {event.topic}  {shown}")


def _object(event: LiveEvent) -> str:
    told = {**dataclasses.asdict(event), "timestamp": event.timestamp.isoformat().replace("+00:00", "Z")}
    told.pop("idempotency_key")
    return json.dumps({name: value for name, value in told.items() if value or name not in MAYBE}, ensure_ascii=False)
