"""/api/v1/groups: consumer groups, where they are, and what they get next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import falcon.asgi
import msgspec
from msgspec import UNSET, UnsetType

from app import clock
from app.api.answers import answer, body_of, decoded
from app.api.caller import caller_of, environment_of
from app.api.conditions import CHANGED_TO, REVISION_TAG, STALE, tagged, version_of
from app.api.parameters import instant, query_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.groups import (
    CreateGroupBody,
    GroupLagResponse,
    GroupProgress,
    GroupResponse,
    ListGroupsQuery,
    ListGroupsResponse,
    PeekedMessage,
    PeekQuery,
    PeekResponse,
    ReasonBody,
    ResetGroupBody,
    ResetGroupResponse,
    UpdateGroupBody,
)
from app.bus.peeking import Peeked
from app.errors import InvalidArgument
from app.events.deliveries import delivery
from app.events.group import NOW, Group
from app.history.kinds import GroupSettings

_create = msgspec.json.Decoder(CreateGroupBody)
_update = msgspec.json.Decoder(UpdateGroupBody)
_reset = msgspec.json.Decoder(ResetGroupBody)
_reason = msgspec.json.Decoder(ReasonBody)


class GroupList:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        found = self._services.groups.list(environment_of(req))
        asked = query_of(req, ListGroupsQuery).progress
        told = await _progress(self._services, found) if asked else {}
        groups = [shown(self._services, group, told.get(group.name, UNSET)) for group in found]
        answer(resp, ListGroupsResponse(groups=groups))

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        body: CreateGroupBody = decoded(_create, await body_of(req))
        told = msgspec.structs.asdict(body)
        name, after, at = told.pop("name"), told.pop("after"), told.pop("at")
        caller = caller_of(req)
        caller.about(f"group/{name}")
        start = await _start(self._services, after, at)
        group = await self._services.groups.create(
            caller.environment, name, GroupSettings(**told), start=start, actor=caller.actor
        )
        _tell(self._services, resp, group, 201)


class OneGroup:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        _tell(self._services, resp, self._services.groups.get(environment_of(req), name))

    async def on_patch(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        body: UpdateGroupBody = decoded(_update, await body_of(req))
        changes = {field: value for field, value in msgspec.structs.asdict(body).items() if value is not UNSET}
        caller = caller_of(req)
        group = await self._services.groups.update(
            caller.environment, name, changes, actor=caller.actor, expected=version_of(req)
        )
        _tell(self._services, resp, group)

    async def on_delete(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        caller = caller_of(req)
        await self._services.groups.delete(caller.environment, name, actor=caller.actor, expected=version_of(req))
        resp.status = 204


class Pause:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        body: ReasonBody = decoded(_reason, await body_of(req) or b"{}")
        caller = caller_of(req)
        group = await self._services.groups.pause(
            caller.environment, name, reason=body.reason, actor=caller.actor, expected=version_of(req)
        )
        _tell(self._services, resp, group)


class Resume:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        caller = caller_of(req)
        group = await self._services.groups.resume(
            caller.environment, name, actor=caller.actor, expected=version_of(req)
        )
        _tell(self._services, resp, group)


class GroupLag:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        services = self._services
        group = services.groups.get(environment_of(req), name)
        lag = await services.bus.groups.lag(group)
        content = GroupLagResponse(
            name=name,
            status=group.status,
            position=lag.position,
            head=services.tail.head,
            fed_to=lag.fed_to,
            lag=lag.pending + lag.inflight,
            pending=lag.pending,
            inflight=lag.inflight,
            redelivered=lag.redelivered,
            dead_letters=await services.groups.count_dead_letters(group),
            member_count=services.bus.groups.member_count(group),
            stream=lag.stream,
            consumer=lag.consumer,
        )
        answer(resp, content)


class Reset:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        body: ResetGroupBody = decoded(_reset, await body_of(req))
        caller, groups = caller_of(req), self._services.groups
        expected, start = version_of(req), await _start(self._services, body.after, body.at)
        preview = await groups.preview(caller.environment, name, start=start)
        if not body.preview:
            group = await groups.reset(
                caller.environment, name, start=start, reason=body.reason, actor=caller.actor, expected=expected
            )
            tagged(resp, group.position)
            start = group.start
        content = ResetGroupResponse(
            name=name,
            position=preview.position,
            start=start if start != NOW else preview.start,
            redelivered=preview.redelivered,
            skipped=preview.skipped,
            exact=preview.exact,
            preview=body.preview,
        )
        answer(resp, content)


class Peek:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        services, query = self._services, query_of(req, PeekQuery)
        group = services.groups.get(environment_of(req), name)
        messages = await services.bus.groups.peek(group, limit=query.limit)
        answer(resp, PeekResponse(messages=[peeked_shown(one) for one in messages]))


def _tell(services: Services, resp: falcon.asgi.Response, group: Group, status: int = 200) -> None:
    tagged(resp, group.position)
    answer(resp, shown(services, group), status)


def shown(services: Services, group: Group, progress: GroupProgress | UnsetType = UNSET) -> GroupResponse:
    return GroupResponse(
        id=f"{group.environment}/{group.name}",
        name=group.name,
        status=group.status,
        generation=group.generation,
        start=group.start,
        revision=group.position,
        member_count=services.bus.groups.member_count(group),
        created_at=clock.rfc3339(group.created_at),
        updated_at=clock.rfc3339(group.updated_at),
        progress=progress,
        **msgspec.structs.asdict(group.settings),
    )


def peeked_shown(message: Peeked) -> PeekedMessage:
    entry = message.entry
    told = delivery(entry)
    return PeekedMessage(
        position=entry.position,
        event_id=told.id,
        topic=told.topic,
        name=told.name,
        recorded_at=clock.rfc3339(entry.recorded_at),
        delivered=message.delivered,
    )


async def _progress(services: Services, groups: Sequence[Group]) -> Mapping[str, GroupProgress]:
    """Where each group is, by name; nothing of those of which NATS does not tell."""
    told = await services.bus.groups.lags(groups)
    dead = await services.groups.count_dead_letters_of([group for group in groups if group.name in told])
    return {
        name: GroupProgress(
            lag=lag.pending + lag.inflight,
            pending=lag.pending,
            inflight=lag.inflight,
            redelivered=lag.redelivered,
            dead_letters=dead[name],
        )
        for name, lag in told.items()
    }


async def _start(services: Services, after: int | None, at: str) -> int:
    """Raises InvalidArgument."""
    if after is not None and at:
        raise InvalidArgument("after and at exclude each other", field="after", hint="give one of them")
    if at:
        return await services.groups.position_at(instant(at, 0, now=services.clock.now_us(), field="at"))
    return NOW if after is None else after


def routes(services: Services) -> Sequence[Route]:
    missing: Mapping[int, str] = {404: "no such group"}
    one = Answer("the group", GroupResponse, headers=REVISION_TAG)
    example: dict[str, Any] = {"name": "billing", "pattern": "order.>", "max_redeliveries": 5}
    listing = {
        "GET": Operation(
            "Every consumer group, by name",
            {200: Answer("groups", ListGroupsResponse)},
            query=ListGroupsQuery,
            permission="groups:read",
        ),
        "POST": Operation(
            "Create a consumer group",
            {201: one, 400: "a setting will not do", 409: "there is one of that name"},
            body=Body(CreateGroupBody, example),
            permission="groups:manage",
        ),
    }
    single = {
        "GET": Operation("A consumer group", {200: one, **missing}, permission="groups:read"),
        "PATCH": Operation(
            "Change a consumer group",
            {200: one, **missing, **STALE},
            body=Body(UpdateGroupBody, {"max_inflight": 200}),
            headers=CHANGED_TO,
            permission="groups:manage",
        ),
        "DELETE": Operation(
            "Delete a consumer group; a missing one is no error",
            {204: "it is gone", **STALE},
            headers=CHANGED_TO,
            permission="groups:manage",
        ),
    }
    pause = {
        "POST": Operation(
            "Deliver nothing until it is resumed",
            {200: one, **missing, **STALE},
            body=Body(ReasonBody, {"reason": "the shop moves"}, required=False),
            headers=CHANGED_TO,
            permission="groups:manage",
        )
    }
    resume = {
        "POST": Operation(
            "Deliver again",
            {200: one, **missing, **STALE},
            body=Body(ReasonBody, {}, required=False),
            headers=CHANGED_TO,
            permission="groups:manage",
        )
    }
    lag = {
        "GET": Operation(
            "Where a group is",
            {200: Answer("its lag", GroupLagResponse), **missing, 503: "NATS is away"},
            permission="groups:read",
        )
    }
    reset = {
        "POST": Operation(
            "Begin again elsewhere, or see what that would do",
            {200: Answer("what was done, or would be", ResetGroupResponse, headers=REVISION_TAG), **missing, **STALE},
            body=Body(ResetGroupBody, {"after": 0, "preview": True}),
            headers=CHANGED_TO,
            permission="groups:manage",
        )
    }
    peek = {
        "GET": Operation(
            "What a group gets next; nothing is delivered by looking",
            {200: Answer("messages", PeekResponse), **missing, 503: "NATS is away"},
            query=PeekQuery,
            permission="groups:read",
        )
    }
    base = "/api/v1/groups"
    return [
        Route(base, GroupList(services), listing),
        Route(f"{base}/{{name}}", OneGroup(services), single),
        Route(f"{base}/{{name}}/pause", Pause(services), pause),
        Route(f"{base}/{{name}}/resume", Resume(services), resume),
        Route(f"{base}/{{name}}/lag", GroupLag(services), lag),
        Route(f"{base}/{{name}}/reset", Reset(services), reset),
        Route(f"{base}/{{name}}/peek", Peek(services), peek),
    ]
