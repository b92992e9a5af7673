"""NATS subjects of history's entries.

    ironflow.<environment>.events.<name>                        what users emitted
    ironflow.<environment>.topics.<topic>                       what was published to topics
    ironflow.<environment>.entities.<type>.<id>.<name>          what users appended to entities
    ironflow.<environment>.system.run.<run id>.<verb>           created, started, completed, failed, …
    ironflow.<environment>.system.run.<run id>.step.<verb>      completed, failed, sleeping, waiting, …
    ironflow.<environment>.system.<noun>.<id>.<verb>            everything else

Dots of event names separate tokens. In ids and environments, characters that a token cannot hold (dots, spaces,
wildcards, controls, non-ASCII, `%`) are written as %XX of their UTF-8 bytes.
"""

from __future__ import annotations

import re

from app.history.entry import Entry
from app.history.kinds import EventEmitted, TopicPublished
from app.history.kinds.entity import entity_of

ROOT = "ironflow"
ALL = f"{ROOT}.>"

_UNSAFE = re.compile(r"[^A-Za-z0-9_\-:/@+=,~]")


def token(text: str) -> str:
    """The text as one subject token."""
    if text.isascii() and text.isidentifier():
        return text  # ids and plain names, the usual case
    return _UNSAFE.sub(lambda char: "".join(f"%{byte:02X}" for byte in char[0].encode()), text) or "%"


def of(entry: Entry) -> str:
    """The subject that an entry is published under."""
    environment = token(entry.environment)
    if entry.kind == EventEmitted.kind:
        fact = entry.fact
        assert isinstance(fact, EventEmitted)
        name = ".".join(map(token, fact.name.split(".")))
        entity = entity_of(entry.stream)
        if entity is not None:
            return f"{ROOT}.{environment}.entities.{token(entity[0])}.{token(entity[1])}.{name}"
        return f"{ROOT}.{environment}.events.{name}"
    if entry.kind == TopicPublished.kind:
        message = entry.fact
        assert isinstance(message, TopicPublished)
        return f"{ROOT}.{environment}.topics.{'.'.join(map(token, message.topic.split('.')))}"
    noun, _, identity = entry.stream.partition("/")
    about, _, verb = entry.kind.partition(".")
    middle = f"{token(identity)}.step" if about == "step" else token(identity)
    return f"{ROOT}.{environment}.system.{noun}.{middle}.{verb}"
