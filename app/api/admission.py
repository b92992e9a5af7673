"""The door of REST: each request is admitted by what its route's table says that it needs; of a run that its path names
by the beginning of an id, the whole id is what everybody behind sees."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any

import falcon.asgi

from app.api import subject
from app.api.answers import encode
from app.api.caller import Caller
from app.api.door import SAFE, Door
from app.api.live import Frames
from app.api.services import Operation
from app.errors import IronflowError, PermissionDenied
from app.runs.reading import RunReader


class Admission:
    """Refuses what has no permission in the tables, rather than letting it pass. Streams of events are looked after
    for as long as they last. `operations` are by template and method."""

    def __init__(self, door: Door, runs: RunReader, operations: Mapping[tuple[str, str], Operation]) -> None:
        self._door = door
        self._runs = runs
        self._operations = operations

    async def process_resource(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, resource: object, params: dict[str, Any]
    ) -> None:
        template = req.uri_template or ""
        operation = self._operations.get((template, req.method))
        if operation is None or operation.open:  # a method that the route does not have is refused as such
            return
        if not operation.permission:
            raise PermissionDenied(f"nobody has said who may {req.method} {template}")
        req.context.caller = self._door.admit(
            req.get_header,
            operation.permission,
            partial(subject.of_path, operation.permission, params, req.get_param("type") or ""),
            method=f"{req.method} {template}",
            address=req.remote_addr,
            safe=req.method in SAFE,
            ends=True,
        )
        if "run_id" in params:
            await self._name_whole(req.context.caller, operation.permission, params)

    async def _name_whole(self, caller: Caller, permission: str, params: dict[str, Any]) -> None:
        """A run may be named by the beginning of its id: replace it by the whole, and ask about that. Raises
        RunNotFound, AmbiguousId, PermissionDenied."""
        named = subject.of_path(permission, params, "")
        params["run_id"] = run_id = await self._runs.whole_id(caller.environment, params["run_id"])
        for resource in {subject.of_path(permission, params, ""), f"run/{run_id}"} - {named}:
            caller.about(resource)

    async def process_response(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, resource: object, succeeded: bool
    ) -> None:
        if "caller" not in req.context:
            return
        caller: Caller = req.context.caller
        refused = str(resp.status_code) if resp.status_code >= HTTPStatus.BAD_REQUEST else ""
        caller.ended(req.context.refused if "refused" in req.context else refused)
        if resp.sse is not None:
            resp.sse = self._looked_after(caller, resp.sse)

    async def _looked_after(self, caller: Caller, events: AsyncIterator[Any]) -> AsyncIterator[Any]:
        try:
            with self._door.live.going(caller.grant):
                async for event in events:
                    yield event
        except IronflowError as cut:
            told = {"type": "error", "message": cut.message, "code": cut.code, "retrying": False}
            yield Frames(b"data: " + encode(told) + b"\n\n")
