"""`ironflow dlq`: what consumer groups could not deliver."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import click

from app.cli import each
from app.cli.client import Session, connected
from app.cli.output import ago

CAUSES = ("redelivered", "terminated", "unreadable")


@click.group("dlq")
def command() -> None:
    """List, requeue and discard what groups could not deliver."""


@command.command("list")
@click.argument("group")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1_000), help="At most so many.")
@click.option("--cursor", help="Where the page before ended.")
@connected
def list_letters(session: Session, group: str, limit: int, cursor: str | None) -> None:
    """Dead letters of a group, by position."""
    page = session.client.dead_letters.list(group, limit=limit, cursor=cursor)
    session.output.items(
        "ironflow.dead_letters/v1",
        [{**letter, "id": letter["position"]} for letter in page.items],
        {
            "position": lambda letter: str(letter["position"]),
            "event": lambda letter: letter["event_id"],
            "topic": lambda letter: letter["topic"],
            "deliveries": lambda letter: str(letter["deliveries"]),
            "cause": lambda letter: letter["cause"],
            "dead": lambda letter: ago(letter["dead_at"]),
            "reason": lambda letter: letter["reason"],
        },
        next_cursor=page.next_cursor,
        empty="no dead letters",
    )


def _filters(command: Any) -> Any:
    for option in (
        click.option("--reason", default="", help="Kept in history."),
        click.option("--search", default="", help="With --all: only with this in topic, event or reason."),
        click.option("--cause", type=click.Choice(CAUSES), help="With --all: only those that died of this."),
        click.option("--all", "everything", is_flag=True, help="All that there are now, in one request."),
    ):
        command = option(command)
    return command


@command.command("requeue")
@click.argument("group")
@click.argument("positions", nargs=-1, type=click.IntRange(1))
@_filters
@connected
def requeue(session: Session, group: str, positions: tuple[int, ...], reason: str, **chosen: Any) -> int:
    """Deliver dead letters once more. Of several, each that is refused is named, the others are requeued; the exit code
    is 1 then."""
    letters = session.client.dead_letters
    one = partial(letters.requeue, group, reason=reason)
    every = partial(letters.requeue_all, group, reason=reason)
    return _settle(session, group, positions, one, every, "requeued", **chosen)


@command.command("discard")
@click.argument("group")
@click.argument("positions", nargs=-1, type=click.IntRange(1))
@_filters
@connected
def discard(session: Session, group: str, positions: tuple[int, ...], reason: str, **chosen: Any) -> int:
    """Drop dead letters; history keeps them. Of several, each that is refused is named, the others are discarded; the
    exit code is 1 then."""
    letters = session.client.dead_letters
    one = partial(letters.discard, group, reason=reason)
    every = partial(letters.discard_all, group, reason=reason)
    return _settle(session, group, positions, one, every, "discarded", **chosen)


def _settle(
    session: Session,
    group: str,
    positions: tuple[int, ...],
    one: Callable[[int], object],
    every: Callable[..., dict[str, Any]],
    what: str,
    *,
    everything: bool,
    cause: str | None,
    search: str,
) -> int:
    if everything == bool(positions) or (positions and (cause or search)):
        raise click.UsageError("Name positions, or say --all, which --cause and --search narrow.")
    if not everything:
        return _done(session, group, each.change(positions, one), what)
    told = every(cause=cause or "", search=search)
    if not told["exact"]:
        session.output.note("there are more than are settled at once: say it again for the others")
    return _done(session, group, each.Outcome(list(told["positions"]), []), what)


def _done(session: Session, group: str, outcome: each.Outcome[int], what: str) -> int:
    output, positions = session.output, outcome.changed
    told = {"group": group, "positions": positions, "result": what, "refused": outcome.refused_as("position")}
    if not output.told("ironflow.dead_letters/v1", told):
        outcome.tell_refused(output)
        output.done(f"{len(positions)} dead letters of {group} are {what}")
    return outcome.exit_code
