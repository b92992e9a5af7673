"""`ironflow dlq`: what consumer groups could not deliver."""

from __future__ import annotations

from functools import partial

import click

from app.cli import each
from app.cli.client import Session, connected
from app.cli.output import ago


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


@command.command("requeue")
@click.argument("group")
@click.argument("positions", nargs=-1, type=click.IntRange(1))
@click.option("--all", "everything", is_flag=True, help="All that there are now.")
@connected
def requeue(session: Session, group: str, positions: tuple[int, ...], everything: bool) -> int:
    """Deliver dead letters once more. Of several, each that is refused is named, the others are requeued; the exit code
    is 1 then."""
    chosen = _chosen(session, group, positions, everything)
    return _done(session, group, each.change(chosen, partial(session.client.dead_letters.requeue, group)), "requeued")


@command.command("discard")
@click.argument("group")
@click.argument("positions", nargs=-1, type=click.IntRange(1))
@click.option("--all", "everything", is_flag=True, help="All that there are now.")
@click.option("--reason", help="Kept in history.")
@connected
def discard(session: Session, group: str, positions: tuple[int, ...], everything: bool, reason: str | None) -> int:
    """Drop dead letters; history keeps them. Of several, each that is refused is named, the others are discarded; the
    exit code is 1 then."""
    chosen = _chosen(session, group, positions, everything)
    drop = partial(session.client.dead_letters.discard, group, reason=reason)
    return _done(session, group, each.change(chosen, drop), "discarded")


def _chosen(session: Session, group: str, positions: tuple[int, ...], everything: bool) -> list[int]:
    if everything == bool(positions):
        raise click.UsageError("Name positions, or say --all.")
    found, cursor = list(positions), ""
    while everything:
        page = session.client.dead_letters.list(group, limit=1_000, cursor=cursor or None)
        found += [letter["position"] for letter in page.items]
        cursor = page.next_cursor
        everything = bool(cursor)
    return found


def _done(session: Session, group: str, outcome: each.Outcome[int], what: str) -> int:
    output, positions = session.output, outcome.changed
    told = {"group": group, "positions": positions, "result": what, "refused": outcome.refused_as("position")}
    if not output.told("ironflow.dead_letters/v1", told):
        outcome.tell_refused(output)
        output.done(f"{len(positions)} dead letters of {group} are {what}")
    return outcome.exit_code
