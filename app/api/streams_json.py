"""EntityStreamService's methods that carry events, as JSON: the data stay byte for byte. See connect_json."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from app.api.answers import decoded
from app.api.caller import Caller
from app.api.connect_json import ABSENT, Number, Text, message_shown, whole
from app.api.services import Services
from app.entities.reading import LIMIT_MAX, Key
from app.entities.streams import Append
from app.events.new_event import NewEvent
from app.history.entry import Entry
from app.history.kinds import EMPTY, NULL, EventEmitted
from app.rpc import streams
from storage import history


class AppendBody(msgspec.Struct, rename="camel"):
    """AppendEventRequest."""

    entity_id: Text = None
    entity_id_snake: Text = msgspec.field(default=None, name="entity_id")
    entity_type: Text = None
    entity_type_snake: Text = msgspec.field(default=None, name="entity_type")
    event_name: Text = None
    event_name_snake: Text = msgspec.field(default=None, name="event_name")
    data: msgspec.Raw = NULL
    data_value: msgspec.Raw = ABSENT
    data_value_snake: msgspec.Raw = msgspec.field(default=ABSENT, name="data_value")
    expected_version: Number = None
    expected_version_snake: Number = msgspec.field(default=None, name="expected_version")
    idempotency_key: Text = None
    idempotency_key_snake: Text = msgspec.field(default=None, name="idempotency_key")
    version: Number = None
    metadata: msgspec.Raw = EMPTY


class ReadBody(msgspec.Struct, rename="camel"):
    """ReadStreamRequest."""

    entity_id: Text = None
    entity_id_snake: Text = msgspec.field(default=None, name="entity_id")
    entity_type: Text = None
    entity_type_snake: Text = msgspec.field(default=None, name="entity_type")
    from_version: Number = None
    from_version_snake: Number = msgspec.field(default=None, name="from_version")
    limit: Number = None
    direction: Text = None
    at: Number = None


_append = msgspec.json.Decoder(AppendBody)
_read = msgspec.json.Decoder(ReadBody)


async def append_event(services: Services, caller: Caller, body: bytes) -> Any:
    request: AppendBody = decoded(_append, body)
    event = NewEvent(
        environment=caller.environment,
        name=request.event_name or request.event_name_snake or "",
        data=bytes(request.data_value) or bytes(request.data_value_snake) or bytes(request.data),
        metadata=b"{}" if request.metadata == NULL else bytes(request.metadata),
        version=whole(request.version, "version") or 1,
        source="sdk",
        actor=caller.actor,
        run_id=caller.run_id,
    )
    given = request.expected_version if request.expected_version is not None else request.expected_version_snake
    append = Append(
        request.entity_type or request.entity_type_snake or "",
        request.entity_id or request.entity_id_snake or "",
        (event,),
        whole(given, "expected_version"),
    )
    key = request.idempotency_key or request.idempotency_key_snake or ""
    appended = await services.streams.append(caller.environment, [append], idempotency_key=key)
    [part] = appended.parts
    return {
        "entityVersion": str(part.version),
        "eventId": part.event_ids[0],
        "sequence": "0",
        "runIds": appended.run_ids,
        "duplicate": appended.duplicate,
    }


async def read_stream(services: Services, caller: Caller, body: bytes) -> Any:
    request: ReadBody = decoded(_read, body)
    from_version = request.from_version if request.from_version is not None else request.from_version_snake
    key = Key(
        caller.environment,
        request.entity_id or request.entity_id_snake or "",
        request.entity_type or request.entity_type_snake or "",
        whole(request.at, "at") or history.END,
    )
    page = await services.entities.read(
        key,
        from_version=whole(from_version, "from_version"),
        limit=streams.limit_of(whole(request.limit, "limit"), LIMIT_MAX),
        direction=request.direction or "forward",
    )
    streams.about_entity(caller, page.info)
    return {"events": [_event_shown(entry) for entry in page.entries], "totalCount": page.info.version}


METHODS: dict[tuple[str, str], Callable[[Services, Caller, bytes], Awaitable[Any]]] = {
    ("EntityStreamService", "AppendEvent"): append_event,
    ("EntityStreamService", "ReadStream"): read_stream,
}


def _event_shown(entry: Entry) -> dict[str, Any]:
    content = message_shown(streams.event_head(entry))
    fact = entry.fact
    if isinstance(fact, EventEmitted):
        content["data" if bytes(fact.data).lstrip()[:1] == b"{" else "dataValue"] = fact.data
        content["metadata"] = msgspec.Raw(entry.metadata)
    return content
