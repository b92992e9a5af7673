"""/api/v1/breakpoints: leases that hold runs before or after steps, and let them go when they are over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import falcon.asgi
import msgspec

from app.api.answers import answer, body_of, decoded
from app.api.caller import Caller, caller_of, environment_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.breakpoints import (
    BreakpointResponse,
    CreateBreakpointBody,
    ListBreakpointsResponse,
    RenewBreakpointBody,
    breakpoint_shown,
)
from app.errors import PermissionDenied, ProductionRefused
from app.production import is_production

READ, PERMISSION = "runs:read", "runs:breakpoints"
IN_PRODUCTION = "runs:breakpoints:production"

_create = msgspec.json.Decoder(CreateBreakpointBody)
_renew = msgspec.json.Decoder(RenewBreakpointBody)


class Breakpoints:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        found = await self._services.breakpoints.list(environment_of(req))
        answer(resp, ListBreakpointsResponse(breakpoints=[breakpoint_shown(one) for one in found]))

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        caller = caller_of(req)
        _check_environment(self._services, caller)
        body: CreateBreakpointBody = decoded(_create, await body_of(req))
        run_id = body.run_id and await self._services.runs.whole_id(caller.environment, body.run_id)
        if run_id:
            caller.about(f"run/{run_id}")
            await self._services.runs.row(caller.environment, run_id)  # one that is not there would never be held
        made = await self._services.breakpoints.create(
            caller.environment,
            run_id=run_id,
            function_id=body.function_id,
            step=body.step,
            place=body.place,
            condition=body.condition,
            owner=body.owner or caller.actor,
            ttl_s=body.ttl_s,
        )
        answer(resp, breakpoint_shown(made), status=201)


class Breakpoint:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_put(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, breakpoint_id: str) -> None:
        _check_environment(self._services, caller_of(req))
        body: RenewBreakpointBody = decoded(_renew, await body_of(req) or b"{}")
        renewed = await self._services.breakpoints.renew(environment_of(req), breakpoint_id, ttl_s=body.ttl_s)
        answer(resp, breakpoint_shown(renewed))

    async def on_delete(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, breakpoint_id: str) -> None:
        await self._services.breakpoints.delete(environment_of(req), breakpoint_id)
        resp.status = 204


def _check_environment(services: Services, caller: Caller) -> None:
    """Returns if the caller may hold runs in this environment. Raises ProductionRefused."""
    name = services.access.tenancy.name(caller.environment)
    if not is_production(name):
        return
    try:
        caller.also(IN_PRODUCTION, "run/*")
    except PermissionDenied as refused:
        raise ProductionRefused(
            f"breakpoints would hold runs of {name!r}, a production environment: {refused.message}", hint=refused.hint
        ) from None


def routes(services: Services) -> Sequence[Route]:
    one = Answer("the breakpoint", BreakpointResponse)
    denied: Mapping[int, str] = {403: f"refused; in a production environment it takes {IN_PRODUCTION} too"}
    listing = Operation(
        "Breakpoints that are alive",
        {200: Answer("the breakpoints", ListBreakpointsResponse)},
        permission=READ,
    )
    create = Operation(
        "Hold runs before or after a step, for as long as the lease is renewed",
        {
            201: one,
            **denied,
            404: "there is no such run",
        },
        body=Body(
            CreateBreakpointBody,
            {"function_id": "ship-order", "step": "charge*", "condition": "step.output.total > 100", "ttl_s": 60},
        ),
        permission=PERMISSION,
    )
    renew = Operation(
        "Renew a lease",
        {200: one, **denied, 404: "it is over"},
        body=Body(RenewBreakpointBody, {"ttl_s": 60}, required=False),
        permission=PERMISSION,
    )
    delete = Operation("Let go the runs that it holds", {204: "it is gone", 404: "it is over"}, permission=PERMISSION)
    return [
        Route("/api/v1/breakpoints", Breakpoints(services), {"GET": listing, "POST": create}),
        Route("/api/v1/breakpoints/{breakpoint_id}", Breakpoint(services), {"PUT": renew, "DELETE": delete}),
    ]
