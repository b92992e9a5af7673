"""/api/v1/functions: the functions that workers registered, their versions, and whether they start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import falcon.asgi
import msgspec
from msgspec import UNSET

from app.api.answers import answer, body_of, decoded
from app.api.caller import caller_of, environment_of
from app.api.conditions import CHANGED_TO, REVISION_TAG, STALE, tagged, version_of
from app.api.parameters import query_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.functions import (
    DeletedFunctionResponse,
    DeleteFunctionQuery,
    DiffFunctionQuery,
    DiffFunctionResponse,
    FunctionResponse,
    GetFunctionQuery,
    ListFunctionsQuery,
    ListFunctionsResponse,
    ListVersionsQuery,
    ListVersionsResponse,
    VersionResponse,
    change_shown,
    content,
    shown,
    summary_shown,
    version_shown,
)
from app.errors import InvalidArgument
from app.history import moments
from app.runs.function import Function
from app.runs.versions import diff

_STATUS_OF = {"pause": "paused", "resume": "active", "archive": "archived"}


class ReasonBody(msgspec.Struct, forbid_unknown_fields=True):
    reason: str = ""


class RollbackBody(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    reason: str = ""


class PinBody(msgspec.Struct, forbid_unknown_fields=True):
    version: int = 0
    reason: str = ""


_reason = msgspec.json.Decoder(ReasonBody)
_rollback = msgspec.json.Decoder(RollbackBody)
_pin = msgspec.json.Decoder(PinBody)


class Functions:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        query, now = query_of(req, ListFunctionsQuery), self._services.clock.now_us()
        chosen = [
            one
            for one in self._services.functions.list(environment_of(req))
            if query.status in (None, one.status) and one.fact.id > query.cursor
        ]
        page = chosen[: query.limit]
        content = ListFunctionsResponse(
            functions=[shown(one, now) for one in page],
            count=len(page),
            next_cursor=page[-1].fact.id if len(chosen) > len(page) else UNSET,
        )
        answer(resp, content)


class OneFunction:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, function_id: str) -> None:
        environment, at = environment_of(req), query_of(req, GetFunctionQuery).at
        now = self._services.clock.now_us()
        if at:
            position = await moments.position_of(self._services.storage, at, now=now)
            function, now = await self._services.versions.at(environment, function_id, position)
        else:
            function = self._services.functions.get(environment, function_id)
        _tell(resp, function, now)

    async def on_delete(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, function_id: str) -> None:
        caller, reason = caller_of(req), query_of(req, DeleteFunctionQuery).reason
        await self._services.functions.delete(
            caller.environment, function_id, actor=caller.actor, reason=reason, expected=version_of(req)
        )
        answer(resp, DeletedFunctionResponse(deleted=function_id))


class Status:
    """Pauses, resumes or archives a function."""

    def __init__(self, services: Services, verb: str) -> None:
        self._services = services
        self._status = _STATUS_OF[verb]

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, function_id: str) -> None:
        caller = caller_of(req)
        body: ReasonBody = decoded(_reason, await body_of(req) or b"{}")
        function = await self._services.functions.set_status(
            caller.environment,
            function_id,
            self._status,
            actor=caller.actor,
            reason=body.reason,
            expected=version_of(req),
        )
        _tell(resp, function, self._services.clock.now_us())


class Versions:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, function_id: str) -> None:
        query = query_of(req, ListVersionsQuery)
        versions, more = await self._services.versions.list(
            environment_of(req), function_id, limit=query.limit, before=query.before or 0
        )
        summaries = [summary_shown(one) for one in versions]
        next_before = versions[-1].number if more else UNSET
        answer(resp, ListVersionsResponse(versions=summaries, has_more=more, next_before=next_before))


class OneVersion:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, function_id: str, number: str) -> None:
        found = await self._services.versions.get(environment_of(req), function_id, _number(number, "version"))
        answer(resp, version_shown(found, self._services.clock.now_us()))


class Diff:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, function_id: str) -> None:
        environment, query = environment_of(req), query_of(req, DiffFunctionQuery)
        before, after = [
            await self._services.versions.get(environment, function_id, number) for number in (query.from_, query.to)
        ]
        changes = [change_shown(change) for change in diff(content(before.function), content(after.function))]
        answer(resp, DiffFunctionResponse(function_id=function_id, from_=query.from_, to=query.to, changes=changes))


class Rollback:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, function_id: str) -> None:
        caller = caller_of(req)
        body: RollbackBody = decoded(_rollback, await body_of(req))
        target = await self._services.versions.get(caller.environment, function_id, body.version)
        function = await self._services.functions.roll_back(
            caller.environment,
            target.function.fact,
            actor=caller.actor,
            reason=body.reason,
            expected=version_of(req),
        )
        _tell(resp, function, self._services.clock.now_us())


class Pin:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, function_id: str) -> None:
        caller, services = caller_of(req), self._services
        body: PinBody = decoded(_pin, await body_of(req) or b"{}")
        target = await services.versions.get(caller.environment, function_id, body.version) if body.version else None
        function = await services.functions.pin(
            caller.environment,
            function_id,
            target.function.fact if target is not None else None,
            actor=caller.actor,
            reason=body.reason,
            expected=version_of(req),
        )
        _tell(resp, function, services.clock.now_us())


class Unpin:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, function_id: str) -> None:
        caller = caller_of(req)
        body: ReasonBody = decoded(_reason, await body_of(req) or b"{}")
        function = await self._services.functions.unpin(
            caller.environment, function_id, actor=caller.actor, reason=body.reason, expected=version_of(req)
        )
        _tell(resp, function, self._services.clock.now_us())


def _tell(resp: falcon.asgi.Response, function: Function, now_us: int) -> None:
    tagged(resp, function.version)
    answer(resp, shown(function, now_us))


def _number(text: str, field: str) -> int:
    if not text.isdecimal() or len(text) > 10:
        raise InvalidArgument(f"{field} {text[:40]!r} is not a number", field=field, hint="such as 3")
    return int(text)


def routes(services: Services) -> Sequence[Route]:
    path = "/api/v1/functions/{function_id}"
    missing: Mapping[int, str] = {404: "there is none"}
    function = Answer("the function", FunctionResponse, headers=REVISION_TAG)
    listing = Operation(
        "Every function, by id",
        {200: Answer("functions", ListFunctionsResponse)},
        query=ListFunctionsQuery,
        permission="functions:list",
    )
    one = Operation(
        "One function, with its next tick; now, or as it was",
        {200: function, **missing},
        query=GetFunctionQuery,
        permission="functions:read",
    )
    deletion = Operation(
        "Delete a function; its runs and its history stay",
        {200: Answer("deleted", DeletedFunctionResponse), **missing, **STALE},
        query=DeleteFunctionQuery,
        headers=CHANGED_TO,
        permission="functions:manage",
    )
    versions = Operation(
        "Changes of a function, newest first",
        {200: Answer("a page of versions", ListVersionsResponse), **missing},
        query=ListVersionsQuery,
        permission="functions:read",
    )
    version = Operation(
        "A function as a change left it",
        {200: Answer("the version", VersionResponse), **missing},
        permission="functions:read",
    )
    difference = Operation(
        "What differs between two versions",
        {200: Answer("changes by path", DiffFunctionResponse), **missing},
        query=DiffFunctionQuery,
        permission="functions:read",
    )
    back = Operation(
        "Register the content of an earlier version again",
        {200: function, 412: "it has that content already, or was changed meanwhile", **missing},
        body=Body(RollbackBody, {"version": 1, "reason": "the new one loses orders"}),
        headers=CHANGED_TO,
        permission="functions:manage",
    )
    pin = Operation(
        "Keep a function at a version, whatever workers register; without one, at that of now",
        {200: function, **missing, **STALE},
        body=Body(PinBody, {"version": 1, "reason": "the new one loses orders"}, required=False),
        headers=CHANGED_TO,
        permission="functions:manage",
    )
    verbs = {
        "pause": "Stop handing out runs of a function; they wait",
        "resume": "Go on with a paused or archived function",
        "archive": "Let nothing start a function any more",
    }
    why = Body(ReasonBody, {"reason": "the warehouse is closed"}, required=False)
    unpin = Operation(
        "Let what workers register next count again",
        {200: function, **missing, **STALE},
        body=why,
        headers=CHANGED_TO,
        permission="functions:manage",
    )
    return [
        Route("/api/v1/functions", Functions(services), {"GET": listing}),
        Route(path, OneFunction(services), {"GET": one, "DELETE": deletion}),
        Route(f"{path}/versions", Versions(services), {"GET": versions}),
        Route(f"{path}/versions/{{number}}", OneVersion(services), {"GET": version}),
        Route(f"{path}/diff", Diff(services), {"GET": difference}),
        Route(f"{path}/rollback", Rollback(services), {"POST": back}),
        Route(f"{path}/pin", Pin(services), {"POST": pin}),
        Route(f"{path}/unpin", Unpin(services), {"POST": unpin}),
        *(
            Route(
                f"{path}/{verb}",
                Status(services, verb),
                {
                    "POST": Operation(
                        summary,
                        {200: function, **missing, **STALE},
                        body=why,
                        headers=CHANGED_TO,
                        permission="functions:manage",
                    )
                },
            )
            for verb, summary in verbs.items()
        ),
    ]
