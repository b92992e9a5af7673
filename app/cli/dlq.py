"""`ironflow dlq`: what consumer groups could not deliver."""

from __future__ import annotations

import click

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
def requeue(session: Session, group: str, positions: tuple[int, ...], everything: bool) -> None:
    """Deliver dead letters once more."""
    chosen = _chosen(session, group, positions, everything)
    for position in chosen:
        session.client.dead_letters.requeue(group, position)
    _done(session, group, chosen, "requeued")


@command.command("discard")
@click.argument("group")
@click.argument("positions", nargs=-1, type=click.IntRange(1))
@click.option("--all", "everything", is_flag=True, help="All that there are now.")
@click.option("--reason", help="Kept in history.")
@connected
def discard(session: Session, group: str, positions: tuple[int, ...], everything: bool, reason: str | None) -> None:
    """Drop dead letters; history keeps them."""
    chosen = _chosen(session, group, positions, everything)
    for position in chosen:
        session.client.dead_letters.discard(group, position, reason=reason)
    _done(session, group, chosen, "discarded")


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


def _done(session: Session, group: str, positions: list[int], what: str) -> None:
    if session.output.form != "table":
        session.output.json(
            {"schema": "ironflow.dead_letters/v1", "group": group, "positions": positions, "result": what}
        )
    session.output.done(f"{len(positions)} dead letters of {group} are {what}")
