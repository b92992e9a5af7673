"""Everything that can be asked of a server, from the tables that its faces are made of."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple
from unittest.mock import MagicMock

from app.access.permissions import RPC, RPC_OPEN
from app.api.services import Operation, Route
from app.api.table import Table
from app.rpc.tables import TABLES
from ironflow import v1

PROTOS: list[Any] = [
    importlib.import_module(f"ironflow.v1.{module.name}")
    for module in pkgutil.iter_modules(v1.__path__)
    if module.name.endswith("_pb2")
]


class Asked(NamedTuple):
    """One REST operation, at a path that names nothing that is there."""

    method: str
    template: str
    path: str
    operation: Operation


class Call(NamedTuple):
    """One method of a service; `permission` is "" where nobody is asked."""

    service: str
    method: str
    permission: str
    streams: bool

    @property
    def path(self) -> str:
        return f"/ironflow.v1.{self.service}/{self.method}"


def filled(call: Call, real: Mapping[str, str]) -> dict[str, Any]:
    """A message of the call that names what is there wherever a field is for that. `id` is a run's where the call is
    about one."""
    fields = next(
        described.methods_by_name[call.method].input_type.fields_by_name
        for proto in PROTOS
        if (described := proto.DESCRIPTOR.services_by_name.get(call.service)) is not None
    )
    named = {**real, "id": real["run_id"] if "Run" in call.method else real["name"]}
    named |= dict.fromkeys(
        ("group_name", "projection", "source_id", "event_name", "event", "entity_type"), real["name"]
    )
    return {name: named[name] for name in named if name in fields and fields[name].type == fields[name].TYPE_STRING}


def routes() -> Sequence[Route]:
    services: Any = MagicMock(version="test")
    return Table(services).whole()


@cache
def operations() -> Sequence[Asked]:
    return tuple(
        Asked(method, route.path, re.sub(r"{[^}]+}", "nothing", route.path), operation)
        for route in routes()
        for method, operation in route.operations.items()
    )


@cache
def calls() -> Sequence[Call]:
    """Every method that there is: implemented, or only in the descriptors."""
    found = []
    for proto in PROTOS:
        for service, described in proto.DESCRIPTOR.services_by_name.items():
            for name, method in described.methods_by_name.items():
                streams = method.client_streaming or method.server_streaming
                if name in TABLES.get(service, {}) or streams:
                    call = f"{service}/{name}"
                    found.append(Call(service, name, "" if call in RPC_OPEN else RPC.get(call, "?"), streams))
    return tuple(found)
