"""What happens to policies."""

from __future__ import annotations

import msgspec

from app.history.kinds.base import Fact


class PolicyDefinition(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a policy denies: the actions and resources that fit one of the patterns, where the CEL condition holds
    ("": always). It counts for callers who have one of the roles (none: for all), in its own environment, or, with an
    organization, in those of its environments that fit one of the patterns (none: all). In monitor mode it only tells
    what it would deny; in enforce mode it denies `enforce_percent` of the callers, and tells of the rest. Instants in
    µs, 0: open. Of a policy set, `modules` are names and conditions, of which its own is made: of all of them, or of
    `decision` alone."""

    name: str
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ("*",)
    condition: str = ""
    mode: str = "enforce"
    roles: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    org: str = ""
    valid_from: int = 0
    valid_until: int = 0
    description: str = ""
    modules: tuple[tuple[str, str], ...] = ()
    decision: str = ""
    enforce_percent: int = 100


class PolicyCreated(Fact, frozen=True):
    """stream policy/<id>, as are all that follow"""

    kind = "policy.created"
    definition: PolicyDefinition
    reason: str = ""


class PolicyChanged(Fact, frozen=True):
    """It has this definition from now on, and is enabled. `restored_from` is the version that was brought back."""

    kind = "policy.changed"
    definition: PolicyDefinition
    reason: str = ""
    restored_from: int = 0


class PolicyDisabled(Fact, frozen=True):
    """It is kept, and denies nothing."""

    kind = "policy.disabled"
    reason: str = ""


class PolicyDeleted(Fact, frozen=True):
    kind = "policy.deleted"
    reason: str = ""


FACTS: tuple[type[Fact], ...] = (PolicyCreated, PolicyChanged, PolicyDisabled, PolicyDeleted)
