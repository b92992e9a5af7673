"""Who calls, in which environment, within which run. HTTP headers and gRPC metadata say it by the same names, and the
same rules hold for all faces."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from app import ids
from app.access.actor import Actor
from app.access.credentials import ANONYMOUS
from app.access.live import Grant
from app.api.answers import error_of
from app.errors import InvalidArgument

if TYPE_CHECKING:
    import falcon.asgi

ENVIRONMENT_HEADERS = ("X-Ironflow-Environment-ID", "X-Ironflow-Environment")
RUN_HEADER = "X-Ironflow-Run-ID"
_ENVIRONMENTS = tuple(name.lower() for name in ENVIRONMENT_HEADERS)

T = TypeVar("T")

Header = Callable[[str], str | None]
"""The value of a header by its name in lower case, which is how it is told; many take any case."""


class Caller(NamedTuple):
    """`actor` is the id of who asks, "" if nobody was asked who they are; `who` is all that is known of them, `grant`
    what they were admitted for. `run_id` is the run within which the call was made, or ""."""

    environment: str
    actor: str = ""
    run_id: str = ""
    who: Actor = ANONYMOUS
    grant: Grant | None = None

    def about(self, resource: str) -> None:
        """Returns if the caller may do what it was admitted for to this too, which only the body named. Raises
        PermissionDenied."""
        if self.grant is not None:
            self.grant.named.append(resource)
            if self.grant.authorizer.guarded:
                self.also(self.grant.action, resource)

    def also(self, action: str, resource: str) -> None:
        """Returns if the caller may do that as well. Raises PermissionDenied."""
        grant = self.grant
        if grant is None:
            return
        begun = grant.authorizer.allow(
            self.who,
            action,
            resource,
            self.environment,
            method=grant.method,
            address=grant.address,
            ends=grant.begun is not None,
        )
        if begun and grant.begun is not None:
            grant.begun.append(begun)

    def ended(self, outcome: str) -> None:
        """Tell the audit, if it waits for that, what came of what was asked: "" if it was carried out, else the code of
        what refused it."""
        grant = self.grant
        if grant is not None and grant.begun is not None:
            for number in grant.begun:
                grant.authorizer.ended(number, outcome)
            grant.begun.clear()

    def told(self, doing: Awaitable[T]) -> Awaitable[T]:
        """What comes of it, of which the audit is told."""
        waited_for = self.grant is not None and self.grant.begun is not None
        return self._telling(doing) if waited_for else doing

    async def _telling(self, doing: Awaitable[T]) -> T:
        try:
            done = await doing
        except Exception as error:
            self.ended(error_of(error).code)
            raise
        self.ended("")
        return done


def named_environment(header: Header) -> str:
    """The environment that the call names, by id or name; "" if it names none."""
    for name in _ENVIRONMENTS:
        named = header(name)
        if named:
            return named
    return ""


def run_of(named: str) -> str:
    """The id of the run that the call is made in. Raises InvalidArgument."""
    if not ids.valid("run", named):
        raise InvalidArgument(
            f"{named[:80]!r} is not the id of a run", field=RUN_HEADER, hint="leave it out when outside a run"
        )
    return named


def caller_of(req: falcon.asgi.Request) -> Caller:
    """Who the door admitted."""
    caller: Caller = req.context.caller
    return caller


def environment_of(req: falcon.asgi.Request) -> str:
    return caller_of(req).environment
