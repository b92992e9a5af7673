"""/api/v1/functions: the functions that workers registered, their versions, and stopping and starting them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import falcon.asgi
import msgspec

from app import clock
from app.api.answers import answer, body_of, decoded
from app.api.caller import caller_of, environment_of
from app.api.middleware import int_param
from app.api.services import Operation, Route, Services
from app.errors import InvalidArgument
from app.history.kinds import FunctionRegistered, Trigger
from app.runs.crontab import next_tick
from app.runs.function import STATUSES, Function
from app.runs.versions import LIMIT_DEFAULT, LIMIT_MAX, Version, diff

VERSION_MAX = 2**31 - 1
OPTIONS = (
    "concurrency",
    "throttle",
    "rate_limit",
    "debounce",
    "batch",
    "singleton",
    "priority",
    "idempotency",
    "cancel_on",
    "actor_key",
    "on_failure",
    "delay_ms",
    "step_timeout_ms",
    "secrets",
)
_STATUS_OF = {"pause": "paused", "resume": "active", "archive": "archived"}


class ReasonBody(msgspec.Struct, forbid_unknown_fields=True):
    reason: str = ""


class RollbackBody(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    reason: str = ""


_reason = msgspec.json.Decoder(ReasonBody)
_rollback = msgspec.json.Decoder(RollbackBody)


class Functions:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        status = req.get_param("status") or ""
        if status and status not in STATUSES:
            raise InvalidArgument(
                f"status {status[:80]!r} is unknown", field="status", hint=f"one of {', '.join(STATUSES)}"
            )
        known = self._services.functions.list(environment_of(req))
        now = self._services.clock.now_us()
        chosen = [shown(function, now) for function in known if not status or function.status == status]
        answer(resp, {"functions": chosen, "count": len(chosen)})


class OneFunction:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, function_id: str) -> None:
        function = self._services.functions.get(environment_of(req), function_id)
        answer(resp, shown(function, self._services.clock.now_us()))

    async def on_delete(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, function_id: str) -> None:
        caller = caller_of(req)
        reason = req.get_param("reason") or ""
        await self._services.functions.delete(caller.environment, function_id, actor=caller.actor, reason=reason)
        answer(resp, {"deleted": function_id})


class Status:
    """Pauses, resumes or archives a function."""

    def __init__(self, services: Services, verb: str) -> None:
        self._services = services
        self._status = _STATUS_OF[verb]

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, function_id: str) -> None:
        caller = caller_of(req)
        body: ReasonBody = decoded(_reason, await body_of(req) or b"{}")
        function = await self._services.functions.set_status(
            caller.environment, function_id, self._status, actor=caller.actor, reason=body.reason
        )
        answer(resp, shown(function, self._services.clock.now_us()))


class Versions:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, function_id: str) -> None:
        limit = int_param(req, "limit", LIMIT_DEFAULT, low=1, high=LIMIT_MAX)
        before = int_param(req, "before", 0, low=1, high=VERSION_MAX)
        versions, more = await self._services.versions.list(
            environment_of(req), function_id, limit=limit, before=before
        )
        content: dict[str, Any] = {"versions": [_head(one) for one in versions], "has_more": more}
        if more:
            content["next_before"] = versions[-1].number
        answer(resp, content)


class OneVersion:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, function_id: str, number: str) -> None:
        found = await self._services.versions.get(environment_of(req), function_id, _number(number, "version"))
        answer(resp, {**_head(found), "function": shown(found.function, self._services.clock.now_us())})


class Diff:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, function_id: str) -> None:
        environment = environment_of(req)
        numbers = {name: int_param(req, name, 0, low=1, high=VERSION_MAX) for name in ("from", "to")}
        for name, number in numbers.items():
            if not number:
                raise InvalidArgument(f"{name} is missing", field=name, hint="the number of a version")
        before, after = [
            await self._services.versions.get(environment, function_id, number) for number in numbers.values()
        ]
        changes = [
            {"path": change.path, "before": change.before, "after": change.after}
            for change in diff(_content(before.function), _content(after.function))
        ]
        answer(resp, {"function_id": function_id, **numbers, "changes": changes})


class Rollback:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, function_id: str) -> None:
        caller = caller_of(req)
        body: RollbackBody = decoded(_rollback, await body_of(req))
        target = await self._services.versions.get(caller.environment, function_id, body.version)
        function = await self._services.functions.roll_back(
            caller.environment, target.function.fact, actor=caller.actor, reason=body.reason
        )
        answer(resp, shown(function, self._services.clock.now_us()))


def shown(function: Function, now_us: int) -> dict[str, Any]:
    """The function as it is at `now_us`."""
    content = {
        **_content(function),
        "version": function.fact.version,
        "created_at": clock.rfc3339(function.created_at),
        "updated_at": clock.rfc3339(function.updated_at),
    }
    tick = next_tick(function.fact.triggers, now_us) if function.status == "active" else None
    return {**content, "next_run": clock.rfc3339(tick)} if tick is not None else content


def _content(function: Function) -> dict[str, Any]:
    """What two versions may differ in; options that are not set are left out."""
    fact = function.fact
    retry = fact.retry
    return {
        "id": fact.id,
        "name": fact.name,
        "description": fact.description,
        "status": function.status,
        "preferred_mode": fact.preferred_mode,
        "triggers": [_trigger(trigger) for trigger in fact.triggers],
        "retry": {
            "max_attempts": retry.max_attempts,
            "initial_delay_ms": retry.initial_delay_ms,
            "backoff_factor": retry.backoff_factor,
            "max_delay_ms": retry.delay_ms_max,
            "on_exhausted": retry.on_exhausted,
        },
        "timeout_ms": fact.timeout_ms,
        **({"endpoint_url": fact.endpoint_url} if fact.endpoint_url else {}),
        **_options(fact),
        "metadata": msgspec.json.decode(fact.metadata),
    }


def _trigger(trigger: Trigger) -> dict[str, Any]:
    if not trigger.cron:
        return {"event": trigger.event, **({"expression": trigger.expression} if trigger.expression else {})}
    told: dict[str, Any] = {"cron": trigger.cron, "timezone": trigger.timezone, "missed": trigger.missed}
    if trigger.jitter_ms:
        told["jitter_ms"] = trigger.jitter_ms
    return {**told, "event": trigger.event} if trigger.event else told


def _options(fact: FunctionRegistered) -> dict[str, Any]:
    found = {name: getattr(fact, name) for name in OPTIONS}
    return {name: msgspec.to_builtins(value) for name, value in found.items() if value}


def _head(one: Version) -> dict[str, Any]:
    """A change of a function, without the function."""
    told: dict[str, Any] = {
        "version": one.number,
        "change": one.change,
        "status": one.function.status,
        "recorded_at": clock.rfc3339(one.recorded_at),
        "position": one.position,
    }
    return told | {name: value for name, value in (("reason", one.reason), ("actor", one.actor)) if value}


def _number(text: str, field: str) -> int:
    if not text.isdecimal() or len(text) > 10:
        raise InvalidArgument(f"{field} {text[:40]!r} is not a number", field=field, hint="such as 3")
    return int(text)


def routes(services: Services) -> Sequence[Route]:
    path = "/api/v1/functions/{function_id}"
    missing = {404: "there is none"}
    listing = Operation("Every function, by id", {200: "functions"}, query={"status": ", ".join(STATUSES)})
    one = Operation("One function, with its next tick", {200: "the function", **missing})
    deletion = Operation(
        "Delete a function; its runs and its history stay", {200: "deleted", **missing}, query={"reason": "why"}
    )
    versions = Operation(
        "Changes of a function, newest first",
        {200: "a page of versions", **missing},
        query={"limit": f"1 to {LIMIT_MAX}, default {LIMIT_DEFAULT}", "before": "next_before of the page before"},
    )
    version = Operation("A function as a change left it", {200: "the version", **missing})
    difference = Operation(
        "What differs between two versions",
        {200: "changes by path", **missing},
        query={"from": "the number of a version", "to": "the number of a version"},
    )
    back = Operation(
        "Register the content of an earlier version again",
        {200: "the function", 412: "it has that content already", **missing},
        body="{version, reason?}",
    )
    verbs = {
        "pause": "Stop handing out runs of a function; they wait",
        "resume": "Go on with a paused or archived function",
        "archive": "Let nothing start a function any more",
    }
    return [
        Route("/api/v1/functions", Functions(services), {"GET": listing}),
        Route(path, OneFunction(services), {"GET": one, "DELETE": deletion}),
        Route(f"{path}/versions", Versions(services), {"GET": versions}),
        Route(f"{path}/versions/{{number}}", OneVersion(services), {"GET": version}),
        Route(f"{path}/diff", Diff(services), {"GET": difference}),
        Route(f"{path}/rollback", Rollback(services), {"POST": back}),
        *(
            Route(
                f"{path}/{verb}",
                Status(services, verb),
                {"POST": Operation(summary, {200: "the function", **missing}, body="{reason?}")},
            )
            for verb, summary in verbs.items()
        ),
    ]
