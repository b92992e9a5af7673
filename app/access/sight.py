"""What somebody who follows may be told of: each entry by itself, since a wide pattern has in it what a policy denies.

Roles were asked when the following began; policies are asked for each entry, of following it and of reading what it is
about. What they deny is left out. Whoever is given entries to settle, as a member of a group is, is refused instead:
what was left out would be nobody's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from app.access.actor import Actor
from app.access.guard import Denial, Request
from app.access.live import Grant, LiveGrants
from app.errors import IronflowError
from app.history import channels
from app.history.channels import Channel
from app.history.entry import Entry

SUBSCRIBE = "events:subscribe"

Question = tuple[str, str]
"""An action and a resource."""
About = Callable[[Channel], Sequence[Question]]

_READS = {
    "bulk": "runs",
    "kv": "kv",
    "config": "config",
    "entity": "entities",
    "history": "history",
    "policy": "policies",
}


@lru_cache(4_096)
def following(channel: Channel) -> Sequence[Question]:
    """What a subscriber is asked about an entry: by the ways in which a policy may call it."""
    name = channels.name(channel)
    match channel:
        case (channels.EVENTS, *_):
            return ((SUBSCRIBE, f"event/{name}"), ("events:read", f"event/{name}"))
        case (channels.TOPIC, *_):
            return ((SUBSCRIBE, f"event/topic:{name}"), (SUBSCRIBE, f"topic/{name}"), ("topics:read", f"topic/{name}"))
        case (channels.ENTITY, type, id, *_):
            entity = f"entity/{type}/{id}"
            named = ((SUBSCRIBE, f"event/{name}"), ("events:read", f"event/{name}"))
            return (
                *named,
                (SUBSCRIBE, f"event/{channels.text(channel)}"),
                (SUBSCRIBE, entity),
                ("entities:read", entity),
            )
        case _:
            return ((SUBSCRIBE, f"event/{name}"), *reading(channel))


@lru_cache(4_096)
def reading(channel: Channel) -> Sequence[Question]:
    """What whoever watches a noun is asked about one of it."""
    noun, id = channel[1:3]
    return ((f"{_READS.get(noun, f'{noun}s')}:read", f"{noun}/{id}"),)


class Sight:
    """Of one who was granted to follow; whoever it is by now. `about` says what is asked."""

    def __init__(self, grant: Grant, actor: Actor, live: LiveGrants, about: About = following) -> None:
        self._grant = grant
        self._actor: Actor | None = actor
        self._live = live
        self._about = about
        self._changes = live.changes

    def __call__(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Those of the entries that they may be told of."""
        if not self._grant.authorizer.guarded:
            return entries
        return [entry for entry in entries if self._denied(channels.of(entry)) is None]

    def check(self, channel: Channel) -> None:
        """Returns if they may be told of an entry of the channel. Raises PermissionDenied, and the audit knows."""
        if self._grant.authorizer.guarded and (found := self._denied(channel)) is not None:
            self._grant.authorizer.refuse(*found)

    def _denied(self, channel: Channel) -> tuple[Request, Denial] | None:
        if self._changes != self._live.changes:
            self._changes = self._live.changes
            self._actor = self._known_now()
        grant, actor = self._grant, self._actor
        for action, resource in self._about(channel):
            asker = actor or _GONE
            request = Request(asker, action, resource, grant.environment, grant.method, grant.address)
            denial = grant.authorizer.denial(request) if actor is not None else Denial("the credentials are gone")
            if denial is not None:
                return request, denial
        return None

    def _known_now(self) -> Actor | None:
        """Who follows; None if the credentials no longer count."""
        try:
            return self._live.actor_of(self._grant) if self._grant.proof is not None else self._actor
        except IronflowError:
            return None


_GONE = Actor("", "anonymous")
