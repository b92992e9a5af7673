"""What a gRPC call's metadata says; its names are HTTP's header names in lower case."""

from __future__ import annotations

from functools import partial
from typing import Any

from app.access.authorize import Resource
from app.api.caller import Caller
from app.api.door import Door


def admitted(door: Door, context: Any, call: str, resource: Resource = "*") -> Caller:
    """Who makes the call `Service/Method`, if they may. Raises what the door refuses with."""
    header = partial(_value_of, context.invocation_metadata())
    return door.admit_call(header, call, resource, address=address_of(context.peer()))


def address_of(peer: str) -> str:
    """The address out of gRPC's `ipv4:127.0.0.1:50000`, or `ipv6:%5B::1%5D:50000`."""
    _, _, rest = peer.partition(":")
    return rest.rpartition(":")[0].replace("%5B", "").replace("%5D", "").strip("[]")


def _value_of(metadata: Any, name: str) -> str | None:
    wanted = name.lower()
    for key, value in metadata or ():
        if key == wanted:
            return value if isinstance(value, str) else value.decode("utf-8", "replace")
    return None
