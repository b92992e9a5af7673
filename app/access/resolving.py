"""What a key may: its roles, what they give together, which policies are asked about it, and what decides of a request
of its. Nothing is recorded, and no policy counts what is only asked here."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Literal

import msgspec

from app.access.access import Access
from app.access.actor import Actor
from app.access.guard import Denial, Request
from app.access.permissions import KNOWN
from app.access.policies import Policies
from app.access.policy import Policy
from app.access.records import Key, Role
from app.errors import InvalidArgument


class Held(msgspec.Struct, frozen=True):
    """Of a key: `withheld` is what a role gives and its binding to an environment takes away."""

    actor: Actor
    roles: Sequence[Role]
    withheld: Sequence[str]
    policies: Sequence[Policy]


class Decided(msgspec.Struct, frozen=True):
    """`by` is what decides: the key itself, which counts no more, its roles, or a policy."""

    allowed: bool
    by: Literal["key", "role", "policy"]
    reason: str
    roles: Sequence[Role] = ()
    denial: Denial | None = None
    would_deny: Sequence[Denial] = ()


class Resolving:
    def __init__(self, access: Access, policies: Policies) -> None:
        self._access = access
        self._policies = policies

    def held(self, key: Key, environment: str) -> Held:
        """What the key has, and the policies that are about it in an environment."""
        actor = self._access.credentials.actor_of(key)
        known = {role.id: role for role in self._access.roles.list(key.org)}
        roles = [known.get(id) or Role(id=id, org=key.org, name=id) for id in key.roles]
        given = {one for role in roles for one in role.permissions}
        withheld = sorted(given - actor.permissions)
        seen = self._policies.decisions.seen(Request(actor, "", "", environment)).actor
        there = [
            policy
            for policy in self._policies.decisions.policies
            if policy.is_there(environment, key.org) and policy.binds(seen)
        ]
        return Held(actor, roles, withheld, there)

    def decided(self, key: Key, action: str, resource: str, environment: str, now: int) -> Decided:
        """What would be decided were the key used for that now. Raises InvalidArgument for what is no permission."""
        if action not in KNOWN:
            near = get_close_matches(action[:80], KNOWN, n=1)
            raise InvalidArgument(
                f"{action[:80]!r} is no permission",
                field="action",
                hint=f"is {near[0]} meant?" if near else "`ironflow role get admin` shows them",
            )
        held = self.held(key, environment)
        giving = [role for role in held.roles if action in role.permissions]
        if not key.counts(now):
            return Decided(False, "key", "it has expired", giving)
        if not held.actor.may(action):
            bound = "a key that is bound to one environment never has it"
            return Decided(False, "role", bound if action in held.withheld else "none of its roles gives it", giving)
        request = self._policies.decisions.seen(Request(held.actor, action, resource, environment))
        ruling, _ = self._policies.dry_run(request, at=now)
        if ruling.denial is not None:
            return Decided(False, "policy", ruling.denial.reason, giving, ruling.denial, ruling.monitored)
        names = ", ".join(role.name for role in giving)
        return Decided(True, "role", f"{names} gives it, and no policy denies it", giving, None, ruling.monitored)
