"""A policy: what its definition may be, how it is compiled, and what a set of them says to a request. Pure.

Policies only take away: roles allow, a policy denies. A request is denied by the first policy in enforce mode, by name,
that applies to it and whose condition holds; a condition that cannot be evaluated, or costs too much, denies. Those in
monitor mode are asked too, and only tell. One that is enforced for a share of the callers denies these, and tells of
the rest: a caller's place is a hash of the policy's id and their own, so that who is in stays in as the share grows.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from app import texts
from app.access import clauses, irn, policy_set
from app.access.actor import Actor
from app.access.clauses import Clause, Condition, Meter
from app.access.guard import Denial, Request
from app.access.irn import Glob, Pattern, Resource
from app.access.quick import Variables
from app.errors import InvalidArgument
from app.expressions import EvaluationFailed
from app.history.kinds import PolicyDefinition
from storage.records import PolicyRow

ENFORCE, MONITOR = "enforce", "monitor"
MODES = (ENFORCE, MONITOR)
ACTIVE, DISABLED, DELETED = "active", "disabled", "deleted"
PATTERNS_MAX = 50
EVERYBODY = 100
"""The percentage of callers that a policy is enforced for, unless it says less."""
DESCRIPTION_CHARS_MAX = 2_000
FOREVER = 2**62

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}", re.ASCII)
_decode = msgspec.json.Decoder(PolicyDefinition).decode


def checked(definition: PolicyDefinition) -> PolicyDefinition:
    """The definition, if it can be one: names, patterns, condition and times. Raises InvalidArgument."""
    check_name(definition.name)
    if definition.mode not in MODES:
        raise InvalidArgument(f"mode {definition.mode[:40]!r} is unknown", field="mode", hint=" or ".join(MODES))
    if not 1 <= definition.enforce_percent <= EVERYBODY:
        raise InvalidArgument(
            f"enforce_percent {definition.enforce_percent} is out of range",
            field="enforce_percent",
            hint="1 to 100; mode monitor enforces nothing",
        )
    if not definition.actions:
        raise InvalidArgument("actions are missing", field="actions", hint='such as ["secrets:read"], or ["*"] for all')
    if not definition.resources:
        raise InvalidArgument("resources are missing", field="resources", hint='leave it out, or ["*"], for all')
    for field in ("actions", "resources", "roles", "environments"):
        if len(getattr(definition, field)) > PATTERNS_MAX:
            raise InvalidArgument(f"{field} has more than {PATTERNS_MAX}", field=field, hint="use a wildcard")
    for role in (*definition.roles, *definition.environments):
        if not role or len(role) > 255 or not role.isprintable():
            raise InvalidArgument(
                f"{role[:40]!r} is no name", field="roles" if role in definition.roles else "environments"
            )
    if definition.environments and not definition.org:
        raise InvalidArgument(
            "a policy of one environment cannot choose among environments",
            field="environments",
            hint="give org_id, so that it counts in all of the organization's, or leave them out",
        )
    if len(definition.description) > DESCRIPTION_CHARS_MAX:
        raise InvalidArgument(f"description is longer than {DESCRIPTION_CHARS_MAX}", field="description")
    texts.check(definition.description, field="description")
    texts.check(definition.org, field="org_id")
    if definition.modules and definition.condition != policy_set.condition(definition.modules, definition.decision):
        raise InvalidArgument(
            "the condition of a policy set is made of its modules", field="condition", hint="PUT /api/v1/policy-set"
        )
    if definition.valid_until and definition.valid_until <= definition.valid_from:
        raise InvalidArgument("valid_until is not after valid_from", field="valid_until")
    _compiled(definition)
    return definition


def check_name(name: str) -> None:
    """Raises InvalidArgument."""
    if not _NAME.fullmatch(name):
        raise InvalidArgument(
            f"name {name[:80]!r} is not usable",
            field="name",
            hint="1 to 100 letters, digits, dots, colons, dashes and underscores, a letter or digit first",
        )


def place_of(policy_id: str, actor_id: str) -> int:
    """0 to 99: where a caller is among the callers of a policy, always the same."""
    digest = hashlib.blake2b(f"{policy_id}/{actor_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % EVERYBODY


def definition_of(row: PolicyRow) -> PolicyDefinition:
    return _decode(row.definition)


class _Compiled(NamedTuple):
    actions: tuple[Glob, ...]
    resources: tuple[Pattern, ...]
    environments: tuple[Glob, ...]
    condition: Condition | None


@lru_cache(1_024)
def _compiled(definition: PolicyDefinition) -> _Compiled:
    return _Compiled(
        tuple(irn.compile_action(pattern) for pattern in definition.actions),
        tuple(irn.compile(pattern) for pattern in definition.resources),
        tuple(irn.glob(pattern) for pattern in definition.environments),
        clauses.compile(definition.condition) if definition.condition else None,
    )


class Policy(msgspec.Struct, frozen=True):
    """A policy that is compiled."""

    id: str
    version: int
    environment: str
    definition: PolicyDefinition
    roles: frozenset[str]
    compiled: _Compiled

    @classmethod
    def of(cls, row: PolicyRow, **replaced: Any) -> Policy:
        """Raises InvalidArgument for a definition that this release no longer takes."""
        definition = msgspec.structs.replace(definition_of(row), **replaced)
        return cls.drafted(definition, id=row.id, version=row.version, environment=row.environment)

    @classmethod
    def drafted(cls, definition: PolicyDefinition, *, id: str, version: int, environment: str) -> Policy:
        """Raises InvalidArgument."""
        return cls(id, version, environment, definition, frozenset(definition.roles), _compiled(definition))

    @property
    def reads(self) -> frozenset[str]:
        condition = self.compiled.condition
        return condition.reads if condition else frozenset()

    def lasts(self, now: int) -> tuple[bool, int]:
        """Whether it is valid at an instant, and until when that stays so."""
        starts, ends = self.definition.valid_from, self.definition.valid_until or FOREVER
        if now < starts:
            return False, starts
        return (True, ends) if now < ends else (False, FOREVER)

    def acts_on(self, action: str) -> bool:
        return any(fits(action) for fits in self.compiled.actions)

    def is_there(self, environment: str, org: str) -> bool:
        """Whether it can apply to anything that callers of an organization ask in an environment."""
        if not self.definition.org:
            return environment == self.environment
        if self.definition.org == policy_set.PLATFORM:
            return True
        chosen = self.compiled.environments
        return org == self.definition.org and (not chosen or any(fits(environment) for fits in chosen))

    def concerns(self, request: Request, resource: Resource) -> bool:
        """Whether it is about who asks and for what; place, action, time and condition aside."""
        return self.binds(request.actor) and self.covers(resource)

    def covers(self, resource: Resource) -> bool:
        return any(pattern.matches(resource) for pattern in self.compiled.resources)

    def touches(self, types: Sequence[str]) -> bool:
        """Whether it may be about a resource of these types, or of any if there are none."""
        return not types or any(
            pattern.type is None or pattern.type(type) for pattern in self.compiled.resources for type in types
        )

    def binds(self, actor: Actor) -> bool:
        return not self.roles or not self.roles.isdisjoint(actor.roles)

    def enforces(self, actor: Actor) -> bool:
        """Whether it denies the actor what it is about; else it only tells."""
        if self.definition.mode != ENFORCE:
            return False
        share = self.definition.enforce_percent
        return share >= EVERYBODY or place_of(self.id, actor.id) < share

    def denies(self, variables: Variables, meter: Meter) -> Denial | None:
        """Why, if its condition holds or cannot be evaluated."""
        condition = self.compiled.condition
        if condition is None:
            return self._denial(f"policy {self.definition.name} denies it")
        try:
            if not condition.holds(variables, meter):
                return None
        except EvaluationFailed as error:
            return self._denial(f"the condition of policy {self.definition.name} cannot be evaluated: {error}"[:400])
        return self._denial(f"policy {self.definition.name} denies it")

    def why_not(self, request: Request, resource: Resource, now: int) -> str:
        """What keeps it from applying to the request; "" if nothing does."""
        for applies, reason in (
            (self.is_there(request.environment, request.actor.org), "it does not count in this environment"),
            (self.acts_on(request.action), "no pattern of its actions fits"),
            (self.covers(resource), "no pattern of its resources fits"),
            (self.binds(request.actor), "the caller has none of its roles"),
            (self.lasts(now)[0], "it is not valid at this time"),
        ):
            if not applies:
                return reason
        return ""

    def _denial(self, reason: str) -> Denial:
        return Denial(reason, self.id, self.version)


class Ruling(NamedTuple):
    """What policies say to a request: who denies it, and who would, were it enforced. It holds for the same request
    until an instant; one that must not be kept has passed already."""

    denial: Denial | None
    monitored: tuple[Denial, ...]
    until: int


def rule(policies: Iterable[Policy], request: Request, now: int) -> Ruling:
    """What policies, in order, say, of those that are there and act on what is asked."""
    resource = clauses.resource_of(request)
    variables: Variables | None = None
    meters = {ENFORCE: Meter(), MONITOR: Meter()}  # what is only watched must not use up what decides
    until = FOREVER
    monitored: list[Denial] = []
    for policy in policies:
        if not policy.concerns(request, resource):
            continue
        valid, lasting = policy.lasts(now)
        until = min(until, lasting)
        if not valid:
            continue
        if "now" in policy.reads:
            until = now
        if variables is None:
            variables = clauses.variables(request, resource, now)
        enforced = policy.enforces(request.actor)
        denial = policy.denies(variables, meters[ENFORCE if enforced else MONITOR])
        if denial is None:
            continue
        if enforced:
            return Ruling(denial, tuple(monitored), until)
        monitored.append(denial)
    return Ruling(None, tuple(monitored), until)


class Explained(NamedTuple):
    """How one policy stands to a request: `applies` or `why_not`, and, if it applies, what it says clause by clause,
    and whether what it says counts for this caller."""

    policy: Policy
    why_not: str
    denial: Denial | None
    clauses: tuple[Clause, ...]
    enforced: bool = False


def explain(policies: Iterable[Policy], request: Request, now: int) -> Sequence[Explained]:
    """Each policy for itself, those too that do not apply."""
    resource = clauses.resource_of(request)
    variables = clauses.variables(request, resource, now)
    found: list[Explained] = []
    for policy in policies:
        why_not = policy.why_not(request, resource, now)
        if why_not:
            found.append(Explained(policy, why_not, None, ()))
            continue
        condition = policy.compiled.condition
        told = tuple(condition.clauses(variables)) if condition else ()
        found.append(Explained(policy, "", policy.denies(variables, Meter()), told, policy.enforces(request.actor)))
    return found
