"""/api/v1/debounce and /api/v1/batches: events that wait to become a run; they can be looked at and dropped."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

import falcon.asgi
from msgspec import UNSET

from app import clock
from app.api.answers import answer
from app.api.caller import caller_of, environment_of
from app.api.parameters import query_of
from app.api.services import Answer, Operation, Route, Services
from app.api.shapes.gates import DropEntryQuery, DroppedResponse, GateEntry
from app.errors import InvalidArgument
from storage.records import GateRow

KEY_CHARS_MAX = 2_048


class Entries:
    def __init__(self, services: Services, option: str) -> None:
        self._services = services
        self._option = option

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        rows = await self._services.gatekeeper.waiting(environment_of(req), self._option)
        answer(resp, [self._shown(row) for row in rows])

    def _shown(self, row: GateRow) -> GateEntry:
        debounces = self._option == "debounce"
        known = self._services.functions.find(row.environment, row.function_id) if debounces else None
        debounce = known.fact.debounce if known else None
        return GateEntry(
            environment_id=row.environment,
            function_id=row.function_id,
            event_id=row.event_id,
            count=row.waiting,
            armed_at=clock.rfc3339(row.armed_at),
            fires_at=clock.rfc3339(row.fires_at),
            function_version=row.function_version,
            debounce_key=row.key if debounces else UNSET,
            batch_key=UNSET if debounces else row.key,
            period_ms=debounce.period_ms if debounce else UNSET,
        )


class Entry:
    """One gate; the key is base64url without padding, "-" for none."""

    def __init__(self, services: Services, option: str) -> None:
        self._services = services
        self._option = option

    async def on_delete(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, env: str, function_id: str, key: str
    ) -> None:
        caller = caller_of(req)
        if env not in (caller.environment, f"env_{caller.environment}"):
            raise InvalidArgument(
                f"{env[:80]!r} is not the environment of this call", field="env", hint=f"it is {caller.environment!r}"
            )
        dropped = await self._services.gatekeeper.cancel(
            caller.environment,
            self._option,
            function_id,
            _key(key),
            actor=caller.actor,
            reason=query_of(req, DropEntryQuery).reason,
        )
        answer(resp, DroppedResponse(cancelled=dropped))


def _key(text: str) -> str:
    if text == "-":
        return ""
    if len(text) > KEY_CHARS_MAX:
        raise InvalidArgument("the key is too long", field="key", hint=f"at most {KEY_CHARS_MAX} characters")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidArgument(
            f"the key {text[:40]!r} is not base64url", field="key", hint="the raw key, encoded without padding"
        ) from None


def routes(services: Services) -> Sequence[Route]:
    made: list[Route] = []
    for option, path, what in (("debounce", "debounce", "Debounced events"), ("batch", "batches", "Batches")):
        listing = Operation(
            f"{what} that wait, next to fire first",
            {200: Answer("a list", list[GateEntry])},
            permission="functions:read",
        )
        drop = Operation(
            f"{what}: drop what waits at a key (base64url without padding, - for none)",
            {200: Answer("how many events were dropped", DroppedResponse), 404: "nothing waits there"},
            query=DropEntryQuery,
            permission="functions:manage",
        )
        made += [
            Route(f"/api/v1/{path}/entries", Entries(services, option), {"GET": listing}),
            Route(f"/api/v1/{path}/entries/{{env}}/{{function_id}}/{{key}}", Entry(services, option), {"DELETE": drop}),
        ]
    return made
