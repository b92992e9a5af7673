"""Who may change a policy, and what no change of one may do: shut its author out. Pure."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from app.access import policy as pure
from app.access import policy_set
from app.access.actor import Actor
from app.access.guard import Request
from app.access.policy import ENFORCE, Policy
from app.access.policy_noun import stream
from app.errors import PermissionDenied, PolicyLockout
from app.history.kinds import PolicyDefinition

READ, WRITE = "policies:read", "policies:write"
PLATFORM_READ, PLATFORM_WRITE = "platform:policies:read", "platform:policies:write"


class Author(NamedTuple):
    """Who changes a policy, in which environment, and by what call: what the lockout check needs to know."""

    actor: Actor
    environment: str
    method: str = ""
    address: str = ""


def allow_org(definition: PolicyDefinition, author: Author) -> None:
    """A policy for a whole organization is its own members' business, and of those who are bound to no single one of
    its environments; the platform has the one set, and it is the business of who looks after that. Raises
    PermissionDenied."""
    if definition.org == policy_set.PLATFORM:
        if definition.name != policy_set.PLATFORM_NAME or not author.actor.may(PLATFORM_WRITE):
            raise PermissionDenied(
                "you may not change what counts in every organization",
                field="org_id",
                hint=f"PUT /api/v1/platform/policy-set, with the permission {PLATFORM_WRITE}",
            )
    elif definition.org and (author.actor.org != definition.org or author.actor.environment):
        raise PermissionDenied(
            f"you may not change policies of the whole of {definition.org[:80]!r}",
            field="org_id",
            hint="use a key of that organization that is bound to no environment",
        )


def refuse_lockout(definition: PolicyDefinition, home: str, id: str, author: Author, now: int) -> None:
    """Raises PolicyLockout if the policy would keep its author from reading or changing it: now, or when it begins to
    be valid; also where it is not enforced for them yet, since a share grows. What a condition says at other times, or
    to other addresses, is not foreseen. `home` is the namespace that the policy is recorded in."""
    for_all = replace(definition, enforce_percent=pure.EVERYBODY)
    policy = Policy.drafted(for_all, id=id, version=0, environment=home)
    if definition.mode != ENFORCE or not policy.is_there(author.environment, author.actor.org):
        return
    actions: tuple[str, ...] = (READ, WRITE)
    resources: tuple[str, ...] = (stream(id), "policy/*")
    if definition.org == policy_set.PLATFORM:
        actions, resources = (*actions, PLATFORM_READ, PLATFORM_WRITE), (*resources, "platform/*")
    for action in actions:
        for resource in resources:
            for at in {now, max(now, definition.valid_from)}:
                asked = Request(author.actor, action, resource, author.environment, author.method, author.address)
                if policy.acts_on(action) and pure.rule([policy], asked, at).denial is not None:
                    raise PolicyLockout(
                        f"policy {definition.name} would deny you {action} of {resource}",
                        field="condition",
                        hint="leave yourself out: name roles or actions, or try it with mode monitor first",
                    )
