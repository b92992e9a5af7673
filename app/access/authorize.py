"""The one question of every face: may this actor do this to that?

Roles allow, guards (policies) take away. What is refused is refused by PermissionDenied, never silently.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn, Protocol

from app.access.actor import Actor
from app.access.guard import Denial, Guard, Request
from app.access.permissions import SELF
from app.errors import PermissionDenied

NOT_ALLOWED = Denial("none of the roles has the permission")

Resource = str | Callable[[], str]
"""The end of an IRN, or what makes it: it is made only if somebody asks."""


class Listener(Protocol):
    """Is told what was decided: the audit."""

    def wants(self, action: str, environment: str) -> bool:
        """Whether it wants to know of an allowed request; of denied ones it is told anyway."""

    def decided(self, request: Request, denial: Denial | None) -> None: ...

    def begun(self, request: Request) -> int:
        """A request was allowed, and is told of when it has ended: the number to name it by then, which is not 0."""

    def ended(self, number: int, outcome: str) -> None:
        """What came of it: "" if it was carried out, else the code of what refused it."""


class Authorizer:
    """`guards` are asked in their order once a role has allowed; the first denial counts."""

    def __init__(self) -> None:
        self.guards: list[Guard] = []
        self.listener: Listener | None = None

    @property
    def guarded(self) -> bool:
        """Whether it matters which resource is asked for."""
        for guard in self.guards:  # noqa: SIM110 - `any` of a generator costs as much as all the rest, on each call
            if guard.active:
                return True
        return False

    def allow(
        self,
        actor: Actor,
        action: str,
        resource: Resource,
        environment: str,
        *,
        method: str = "",
        address: str = "",
        ends: bool = False,
    ) -> int:
        """Returns if it may. With `ends` the caller promises to tell of the end: the number to name it by to `ended`, 0
        if nobody waits for that. Raises PermissionDenied."""
        if not actor.may(action) and action != SELF:
            self._tell(_request(actor, action, resource, environment, method, address), NOT_ALLOWED)
            roles = ", ".join(actor.roles) or "none"
            raise PermissionDenied(
                f"this needs the permission {action}, which none of your roles has",
                hint=f"your roles: {roles}; `ironflow role list` shows what each allows",
            )
        listener = self.listener
        if self.guarded or (listener is not None and listener.wants(action, environment)):
            return self._ask(_request(actor, action, resource, environment, method, address), ends=ends)
        return 0

    def _ask(self, request: Request, *, ends: bool) -> int:
        denial = self.denial(request)
        if denial is not None:
            self.refuse(request, denial)
        listener = self.listener
        if listener is None or not listener.wants(request.action, request.environment):
            return 0
        if ends:
            return listener.begun(request)
        listener.decided(request, None)
        return 0

    def lasts(self, actor: Actor, action: str, resource: str, environment: str) -> bool:
        """Whether what was allowed now will be, until something changes, and nobody wants to know of each time."""
        if self.listener is not None and self.listener.wants(action, environment):
            return False
        request = Request(actor, action, resource, environment)
        return all(guard.lasts(request) for guard in self.guards)

    def ended(self, number: int, outcome: str) -> None:
        """What came of a request that was allowed."""
        if self.listener is not None:
            self.listener.ended(number, outcome)

    def tell(self, request: Request) -> None:
        """That it was allowed, to be known in the request's environment as well."""
        if self.listener is not None and self.listener.wants(request.action, request.environment):
            self._tell(request, None)

    def denial(self, request: Request) -> Denial | None:
        """Why a guard denies it; nobody is told."""
        for guard in self.guards:
            denial = guard.check(request)
            if denial is not None:
                return denial
        return None

    def refuse(self, request: Request, denial: Denial) -> NoReturn:
        """Tell of the denial. Raises PermissionDenied."""
        self._tell(request, denial)
        policy = f" (policy {denial.policy} v{denial.version})" if denial.policy else ""
        raise PermissionDenied(
            f"{request.action} on {request.resource} is denied: {denial.reason}{policy}",
            hint="ask whoever keeps the policies",
        )

    def _tell(self, request: Request, denial: Denial | None) -> None:
        if self.listener is not None:
            self.listener.decided(request, denial)


def _request(actor: Actor, action: str, resource: Resource, environment: str, method: str, address: str) -> Request:
    named = resource if isinstance(resource, str) else resource()
    return Request(actor, action, named, environment, method, address)
