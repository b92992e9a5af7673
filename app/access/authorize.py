"""The one question of every face: may this actor do this to that?

Roles allow, guards (policies) take away. What is refused is refused by PermissionDenied, never silently.
"""

from __future__ import annotations

from collections.abc import Callable

from app.access.actor import Actor
from app.access.guard import Guard, Request
from app.access.permissions import SELF
from app.errors import PermissionDenied

Resource = str | Callable[[], str]
"""The end of an IRN, or what makes it: it is made only if somebody asks."""


class Authorizer:
    """`guards` are asked in their order once a role has allowed; the first denial counts."""

    def __init__(self) -> None:
        self.guards: list[Guard] = []

    def allow(
        self,
        actor: Actor,
        action: str,
        resource: Resource,
        environment: str,
        *,
        method: str = "",
        address: str = "",
    ) -> None:
        """Returns if it may. Raises PermissionDenied."""
        if not actor.may(action) and action != SELF:
            roles = ", ".join(actor.roles) or "none"
            raise PermissionDenied(
                f"this needs the permission {action}, which none of your roles has",
                hint=f"your roles: {roles}; `ironflow role list` shows what each allows",
            )
        if self.guards:
            self._ask(actor, action, resource, environment, method, address)

    def _ask(self, actor: Actor, action: str, resource: Resource, environment: str, method: str, address: str) -> None:
        named = resource if isinstance(resource, str) else resource()
        request = Request(actor, action, named, environment, method, address)
        for guard in self.guards:
            denial = guard.check(request)
            if denial is not None:
                policy = f" (policy {denial.policy} v{denial.version})" if denial.policy else ""
                raise PermissionDenied(
                    f"{action} on {named} is denied: {denial.reason}{policy}", hint="ask whoever keeps the policies"
                )
