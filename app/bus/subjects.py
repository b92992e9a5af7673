"""NATS subjects of history's entries.

    ironflow.<environment>.events.<name>                        what users emitted
    ironflow.<environment>.topics.<topic>                       what was published to topics
    ironflow.<environment>.entities.<type>.<id>.<name>          what users appended to entities
    ironflow.<environment>.system.run.<run id>.<verb>           created, updated, completed, failed, …
    ironflow.<environment>.system.run.<run id>.step.<step id>.<verb>
    ironflow.<environment>.system.<noun>.<id>.<verb>            everything else

They are the channels of app/history/channels.py. Dots of event names separate tokens. In ids and environments,
characters that a token cannot hold (dots, spaces, wildcards, controls, non-ASCII, `%`) are written as %XX of their
UTF-8 bytes.

And inward, which is in no stream: who publishes here emits an event, app/bus/ingest.py.

    ironflow.<project>.<environment>.events.ingest.<name>
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from app.bus.roots import ALL as ALL
from app.bus.roots import INGEST as INGEST
from app.bus.roots import OUTWARD as OUTWARD
from app.bus.roots import ROOT as ROOT
from app.history import channels
from app.history.entry import Entry

_PLURAL = {
    channels.EVENTS: "events",
    channels.TOPIC: "topics",
    channels.ENTITY: "entities",
    channels.SYSTEM: "system",
}

_UNSAFE = re.compile(r"[^A-Za-z0-9_\-:/@+=,~]")
_safe = re.compile(r"[A-Za-z0-9_\-:/@+=,~]+").fullmatch


def token(text: str) -> str:
    """The text as one subject token."""
    return text if _safe(text) else _written(text)


@lru_cache(4_096)
def _written(text: str) -> str:
    return _UNSAFE.sub(lambda char: "".join(f"%{byte:02X}" for byte in char[0].encode()), text) or "%"


def text(token: str) -> str:
    """What `token` made a token of."""
    return unquote(token)


def family(channel: channels.Channel) -> str:
    """Which of the families of subjects a channel is in."""
    return _PLURAL[channel[0]]


def of(entry: Entry) -> str:
    """The subject that an entry is published under."""
    environment = entry.record[1]
    noun, _, identity = entry.record[2].partition("/")
    shape = _shape(environment, noun, entry.kind)
    if shape is None:
        prefix, *segments = channels.of(entry)
        return f"{_root(environment, prefix)}.{'.'.join(map(token, segments))}"
    before, of_step, verb = shape
    about = identity if identity.isidentifier() and identity.isascii() else token(identity)
    if not of_step:
        return f"{before}{about}.{verb}"
    step: Any = entry.fact
    return f"{before}{about}.step.{_of_step(step.step_id, identity, about)}.{verb}"


def _of_step(step_id: str, run_id: str, about: str) -> str:
    """The token of a step, most of which is that of its run: few are the names that follow it."""
    own = step_id.removeprefix(run_id)
    return token(step_id) if own == step_id or not own else about + _name(own)


_name = lru_cache(4_096)(token)


@lru_cache(4_096)
def _shape(environment: str, noun: str, kind: str) -> tuple[str, bool, str] | None:
    """What is before the id in the subject of a system channel, whether a step is after it, and the verb. None for
    other channels."""
    said = channels.said(kind)
    if said is None:
        return None
    return f"{_root(environment, channels.SYSTEM)}.{token(noun)}.", said.of_step, token(said.verb)


@lru_cache(1_024)
def _root(environment: str, prefix: str) -> str:
    return f"{ROOT}.{token(environment)}.{_PLURAL[prefix]}"


def filters(environment: str, pattern: str) -> list[str]:
    """The subjects, with NATS's wildcards, that a pattern of channels means in an environment; none of them covers
    another. Raises InvalidArgument."""
    found: list[str] = []
    for compiled in channels.compile(pattern):
        prefix, *segments = compiled.segments
        tokens = [segment if segment in ("*", ">") else token(segment) for segment in segments]
        found.append(f"{ROOT}.{token(environment)}.{_PLURAL[prefix]}.{'.'.join(tokens)}")
    return found
