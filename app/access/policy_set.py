"""The policy set of an organization: one document of named modules, as newer published clients keep policies.

A module is a CEL condition over the variables of policies: a request is denied where one holds, or where only the
module `decision` does, if that is named. The set is a policy like others, by the name NAME, on every action and
resource: so it has versions, is watched before it is enforced, and never locks its author out. The platform has one
too, which counts in every organization, beside the organization's own.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.access import clauses
from app.errors import InvalidArgument
from app.history.kinds import PolicyDefinition

NAME = "policy-set"
PLATFORM, PLATFORM_NAME = "org_platform", "platform-policy-set"
"""The namespace of the one set that counts in every organization, and its name."""
MODULES_MAX = 100
NAME_CHARS_MAX = 100


def defined(org: str, modules: Mapping[str, str], *, decision: str, mode: str) -> PolicyDefinition:
    """The policy that a set is. Raises InvalidArgument."""
    if not 1 <= len(modules) <= MODULES_MAX:
        raise InvalidArgument(
            f"a set has 1 to {MODULES_MAX} modules, not {len(modules)}",
            field="modules",
            hint='such as {"no-secrets": "request.action == \\"secrets:read\\""}',
        )
    for name, source in modules.items():
        if not name or len(name) > NAME_CHARS_MAX or not name.isprintable():
            raise InvalidArgument(f"{name[:40]!r} is no name of a module", field="modules")
        clauses.compile(source, field=f"modules.{name}")
    if decision and decision not in modules:
        raise InvalidArgument(
            f"there is no module {decision[:80]!r}", field="decision", hint=f"one of {', '.join(modules)}"
        )
    listed = tuple(modules.items())
    return PolicyDefinition(
        name=name_in(org),
        actions=("*",),
        condition=condition(listed, decision),
        mode=mode,
        org=org,
        modules=listed,
        decision=decision,
    )


def name_in(org: str) -> str:
    """Of the set of an organization, or of the platform."""
    return PLATFORM_NAME if org == PLATFORM else NAME


def condition(modules: tuple[tuple[str, str], ...], decision: str) -> str:
    """When the set denies."""
    sources = [source for name, source in modules if decision in ("", name)]
    return sources[0] if len(sources) == 1 else " || ".join(f"({source})" for source in sources)
