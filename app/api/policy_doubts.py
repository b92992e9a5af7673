"""What of a policy, or of a request that is tried on policies, is likely a mistake: it fits nothing that can be asked.
It is told and not refused, since what a policy names may be another release's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches

from app.access import irn
from app.access.permissions import KNOWN
from app.api.subject import NOUNS
from app.history.kinds import PolicyDefinition


def of_policy(definition: PolicyDefinition, roles: Collection[str]) -> list[str]:
    """Of one that can be saved; `roles` are the ids and names of those that there are."""
    missing = (f"there is no role {one[:80]}" for one in definition.roles if one not in roles)
    return _told([*map(_of_action, definition.actions), *map(_of_pattern, definition.resources), *missing])


def of_request(action: str, resource: str) -> list[str]:
    return _told([_of_action(action), _of_pattern(resource)])


def _of_action(pattern: str) -> str:
    fits = irn.glob(pattern)
    if any(fits(name) for name in KNOWN):
        return ""
    near = get_close_matches(pattern[:80], KNOWN, n=1)
    hint = f": is {near[0]} meant?" if near else "; `ironflow role get admin` tells which there are"
    return f"action {pattern[:80]} is no permission{hint}"


def _of_pattern(pattern: str) -> str:
    """Resources are called by the singular of what permissions are called."""
    parts = pattern.removeprefix(irn.PREFIX).split(":", irn.PARTS - 1)
    short = not pattern.startswith(irn.PREFIX)
    type = pattern.partition("/")[0] if short else "".join(parts[2:3])
    return f"resource {pattern[:80]} fits nothing: its type is {NOUNS[type]}" if type in NOUNS else ""


def _told(found: Iterable[str]) -> list[str]:
    return [one for one in found if one]
