"""ProjectionService's reads of states as JSON: they do not go through protobuf, so states stay as they are."""

from __future__ import annotations

from typing import Any

import msgspec

from app.api.answers import decoded
from app.api.caller import Caller
from app.api.connect_json import Method, Text, message_shown
from app.api.services import Services
from app.rpc import projections
from ironflow.v1 import projection_pb2 as pb


class GetBody(msgspec.Struct, rename="camel"):
    name: Text = None
    partition: Text = None
    as_of: Text = None
    as_of_snake: Text = msgspec.field(default=None, name="as_of")
    at: Text = None


_get = msgspec.json.Decoder(GetBody)


async def get_projection(services: Services, caller: Caller, body: bytes) -> Any:
    given: GetBody = decoded(_get, body)
    request = pb.GetProjectionRequest(
        name=given.name or "",
        partition=given.partition or "",
        at=given.at or given.as_of or given.as_of_snake or "",
        accept_json=True,
    )
    found = await projections.get(services, caller, request)
    state = bytes(found.state_json)
    found.ClearField("state_json")
    shown = message_shown(found)
    del shown["stateJson"]
    if state:
        shown["state" if state.lstrip()[:1] == b"{" else "stateValue"] = msgspec.Raw(state)
    return shown


METHODS: dict[tuple[str, str], Method] = {("ProjectionService", "GetProjection"): get_projection}
