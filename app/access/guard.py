"""The seam for rules that take away: asked after roles have allowed, they can only deny."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from app.access.actor import Actor

NAMED_CHARS_MAX = 1_024
"""Of a resource, with the environment that it is named in: nothing that is there has a longer name, and what is asked
about a longer one is not remembered."""


class Request(NamedTuple):
    """Who wants to do what to which resource. `action` is a permission's name ("runs:read"); `resource` an IRN's end
    ("run/run_x", "kv/bucket/key", "secret/NAME", "entity/type/id", "event/name", "topic/name", "function/id"), or
    "run/*" where the request is for no single one; `method` is the route's or the RPC's name; `address` the peer's."""

    actor: Actor
    action: str
    resource: str
    environment: str
    method: str = ""
    address: str = ""


class Denial(NamedTuple):
    """Why not: which policy, in which version of it."""

    reason: str
    policy: str = ""
    version: int = 0


class Guard(Protocol):
    """Asked on every request, in memory and without awaiting: it is on the way of each call."""

    @property
    def active(self) -> bool:
        """Whether there is anything that could deny; else it is not asked."""

    def check(self, request: Request) -> Denial | None:
        """Why the request is denied; None lets it pass. Whatever fails inside denies."""

    def lasts(self, request: Request) -> bool:
        """Whether a request that it let pass passes again, by whatever call and at whatever time, until something is
        changed, and nobody wants to know."""
