"""How the operations of the HTTP API are written, once for both clients; each noun has a module of them.

Each is a generator that yields the calls it needs and returns its result; a client sends the calls, blocking or
awaiting, and knows nothing else.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

from ironflow.errors import InvalidArgument

TIMEOUT_S = 30.0
WAIT_S_MAX = 60.0
_IDEMPOTENT = frozenset(("GET", "HEAD", "PUT", "DELETE"))

Json = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request; what is sent back into the operation is the decoded answer. `again` says whether it may be
    sent a second time when the first got no answer; statuses to `accept` are answers too. No `body` is none at all;
    `content` is one that is not JSON; `binary` says that the answer is bytes, not JSON."""

    method: str
    path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    again: bool = False
    timeout_s: float | None = None
    accept: tuple[int, ...] = ()
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    binary: bool = False


Plan = Generator[Call, Any, T]


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list. Pass `next_cursor` to get the next part; it is empty at the end."""

    items: Sequence[Json]
    next_cursor: str = ""
    total: int | None = None


def request(
    method: str,
    path: str,
    *,
    json: Any = None,
    params: Mapping[str, Any] | None = None,
    retry: bool | None = None,
    timeout_s: float | None = None,
    accept: Iterable[int] = (),
) -> Plan[Any]:
    """The decoded answer of any route. Reads are tried three times, other methods only with `retry`."""
    again = method in _IDEMPOTENT if retry is None else retry
    given = {key: value for key, value in (params or {}).items() if value not in (None, "")}
    return (yield Call(method, path, given, json, again, timeout_s, tuple(accept)))


def sent(call: Call) -> Plan[Json]:
    """The decoded answer of one call."""
    found: Json = yield call
    return found


def read(path: str, *, accept: tuple[int, ...] = ()) -> Plan[Json]:
    found: Json = yield Call("GET", path, again=True, accept=accept)
    return found


def chosen(**params: Any) -> Json:
    """Query parameters: those that are given, instants as RFC 3339."""
    told = {key: value.isoformat() if isinstance(value, datetime) else value for key, value in params.items()}
    return {key: value for key, value in told.items() if value not in (None, "")}


def quoted(id: str) -> str:
    """As a part of a path. Raises InvalidArgument for one that is a step to another path, however it is written."""
    if id in (".", ".."):
        raise InvalidArgument(
            f"{id[:80]!r} cannot stand in the path of a URL", code="INVALID_ARGUMENT", hint="nothing is called so"
        )
    return quote(id, safe="")
