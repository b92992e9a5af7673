"""`ironflow topic`: publish messages, list topics, count what they hold."""

from __future__ import annotations

from typing import Any

import click

from app.cli.client import Session, connected
from app.cli.given import data_of
from app.cli.output import ago


@click.group("topic")
def command() -> None:
    """Publish to topics; list and count their messages. To follow one: ironflow subscribe topic:NAME."""


@command.command("publish")
@click.argument("topic")
@click.option("--data", "-d", help="JSON; @FILE reads a file, - standard input.")
@click.option("--key", "idempotency_key", help="A repeat with the same key records nothing.")
@connected
def publish(session: Session, topic: str, data: str | None, idempotency_key: str | None) -> None:
    """Publish one message to TOPIC. It starts no function."""
    published = session.client.topics.publish(topic, data_of(data), idempotency_key=idempotency_key)
    told = {"event_id": published.event_id, "position": published.position, "duplicate": published.duplicate}
    said = "was there already" if published.duplicate else "is published"
    fact = f"{published.event_id} {said}, at position {published.position}"
    session.output.outcome("ironflow.published/v1", told, fact)


@command.command("list")
@connected
def list_topics(session: Session) -> None:
    """Topics by name."""
    session.output.items(
        "ironflow.topics/v1",
        [{**topic, "id": topic["name"]} for topic in session.client.topics.list()],
        {
            "topic": lambda topic: topic["name"],
            "messages": lambda topic: str(topic["message_count"]),
            "followers": lambda topic: str(topic["consumer_count"]),
            "last": lambda topic: ago(topic["last_message_at"]),
        },
        empty="no topics: publish with `ironflow topic publish TOPIC -d JSON`",
    )


@command.command("stats")
@click.argument("topic")
@connected
def show_stats(session: Session, topic: str) -> None:
    """How many messages TOPIC has, and who follows it."""
    stats: dict[str, Any] = session.client.topics.stats(topic)
    if session.output.told("ironflow.topic/v1", stats):
        return
    session.output.fields(
        [
            ("Topic", stats["name"]),
            ("Messages", str(stats["message_count"])),
            ("Followers", str(stats["consumer_count"])),
            ("Lag", str(stats["lag"])),
            ("First", str(stats["first_seq"])),
            ("Last", str(stats["last_seq"])),
        ]
    )
