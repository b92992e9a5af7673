"""What a policy would have changed: requests of the past, decided without it and with it.

Of each distinct request the newest decision is taken: those that the audit recorded, and those of late that this node
remembers, allowed ones too. They are decided as of the time at which they were made. What roles did not allow is left
out: no policy changes that. A draft that reads `subject.permissions` cannot be asked about recorded decisions, which do
not have them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, get_args

import msgspec

from app.access import policy as pure
from app.access.actor import Actor, Kind
from app.access.audit_noun import DECISIONS
from app.access.guard import Denial, Request
from app.access.policies import Policies
from app.access.policy import Policy
from app.clock import Clock
from app.history.entry import Entry
from app.history.kinds import AuthzAllowed, AuthzDenied, AuthzWouldDeny, PolicyDefinition
from storage import history
from storage.contract import Storage, Transaction

LIMIT_MAX = 1_000

_KINDS = (AuthzDenied.kind, AuthzAllowed.kind, AuthzWouldDeny.kind)


class Made(NamedTuple):
    """A decision of the past."""

    request: Request
    at: int
    recorded: bool


class Flip(msgspec.Struct, frozen=True):
    """A request that is decided otherwise with the draft; `before` and `after` say who denies it."""

    request: Request
    at: int
    before: Denial | None
    after: Denial | None


class Replayed(msgspec.Struct, frozen=True):
    """`skipped` could not be decided anew."""

    decisions: int
    skipped: int
    flips: Sequence[Flip]


class Replay:
    def __init__(self, storage: Storage, policies: Policies, clock: Clock) -> None:
        self._storage = storage
        self._policies = policies
        self._clock = clock

    async def of(self, environment: str, draft: PolicyDefinition, *, limit: int) -> Replayed:
        """The last decisions of the environment, at most `limit`, with a draft in force. Raises InvalidArgument."""
        after = self._policies.with_draft(draft, environment)
        before = self._policies.decisions.policies
        blind = any({"subject.permissions", "subject"} & policy.reads for policy in after)
        decisions = await self._made(environment, limit)
        flips: list[Flip] = []
        skipped = 0
        for made in decisions:
            if made.recorded and blind:
                skipped += 1
                continue
            first, second = _decided(before, made), _decided(after, made)
            if (first is None) is not (second is None):
                flips.append(Flip(made.request, made.at, first, second))
        return Replayed(len(decisions), skipped, flips)

    async def _made(self, environment: str, limit: int) -> Sequence[Made]:
        """The newest of each request first."""
        now = self._clock.now_us()
        found: dict[tuple[str, ...], Made] = {}
        for request, _ in reversed(self._policies.decisions.remembered()):
            if request.environment == environment:
                found.setdefault(_identity(request), Made(request, now, False))
        for made in await self._storage.read(lambda tx: list(_recorded(tx, environment, limit))):
            found.setdefault(_identity(made.request), made)
        return list(found.values())[:limit]


def _recorded(tx: Transaction, environment: str, limit: int) -> Iterator[Made]:
    records = history.page(tx, environment, stream=DECISIONS, kinds=_KINDS, backwards=True, limit=limit)
    for record in records:
        entry = Entry(record)
        fact = entry.fact
        assert isinstance(fact, AuthzDenied | AuthzAllowed | AuthzWouldDeny)
        if isinstance(fact, AuthzDenied) and not fact.policy:
            continue
        asked = fact.asked
        kind: Kind = asked.actor_kind if asked.actor_kind in get_args(Kind) else "key"  # type: ignore[assignment]
        actor = Actor(entry.actor, kind, asked.roles, frozenset(), asked.org, asked.bound_to)
        request = Request(actor, asked.action, asked.resource, environment, asked.method, asked.address)
        yield Made(request, entry.recorded_at, True)


def _identity(request: Request) -> tuple[str, ...]:
    actor = request.actor
    return (actor.id, *actor.roles, request.action, request.resource, request.method, request.address)


def _decided(policies: Sequence[Policy], made: Made) -> Denial | None:
    request = made.request
    acting = [
        policy
        for policy in policies
        if policy.is_there(request.environment, request.actor.org) and policy.acts_on(request.action)
    ]
    return pure.rule(acting, request, made.at).denial
