"""What a gRPC call's metadata says; its names are HTTP's header names in lower case."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from app.access.authorize import Resource
from app.api.caller import Caller
from app.api.door import Door


def admitted(door: Door, context: Any, call: str, resource: Resource = "*", *, ends: bool = False) -> Caller:
    """Who makes the call `Service/Method`, if they may; `ends` as the door takes it. Raises what the door refuses
    with."""
    metadata = context.invocation_metadata()
    peer = door.proxies.peer(address_of(context.peer()), partial(_values_of, metadata))
    return door.admit_call(partial(_value_of, metadata), call, resource, address=peer.address, ends=ends)


def recognise(door: Door, context: Any, call: str) -> None:
    """Returns if whoever calls `Service/Method` is known, or need not be. Raises Unauthenticated."""
    door.recognise_call(partial(_value_of, context.invocation_metadata()), call)


def address_of(peer: str) -> str:
    """The address out of gRPC's `ipv4:127.0.0.1:50000`, or `ipv6:%5B::1%5D:50000`."""
    _, _, rest = peer.partition(":")
    return rest.rpartition(":")[0].replace("%5B", "").replace("%5D", "").strip("[]")


def _value_of(metadata: Any, name: str) -> str | None:
    return next(iter(_values_of(metadata, name.lower())), None)


def _values_of(metadata: Any, name: str) -> Sequence[str]:
    found = [value for key, value in metadata or () if key == name]
    return [value if isinstance(value, str) else value.decode("utf-8", "replace") for value in found]
