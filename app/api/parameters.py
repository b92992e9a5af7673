"""Parameters of the query, read as the fields of a struct; those that it does not have are passed over."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import falcon.asgi
import msgspec
from msgspec import inspect

from app import clock
from app.errors import InvalidArgument

INSTANT_CHARS_MAX = 64
INSTANT_MAX = 2**62

_NAME = re.compile(r"`(?:\$\.)?(\w+)`")

Q = TypeVar("Q", bound=msgspec.Struct)


def query_of(req: falcon.asgi.Request, kind: type[Q]) -> Q:
    """Raises InvalidArgument naming the parameter."""
    names = kind.__struct_encode_fields__
    return read({name: text for name in names if (text := req.get_param(name)) is not None}, kind)


def read(query: Mapping[str, str], kind: type[Q]) -> Q:
    """The same, of a query that was taken apart already. Raises InvalidArgument naming the parameter."""
    given = {name: query[name] for name in kind.__struct_encode_fields__ if name in query}
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        name = _NAME.findall(str(error))[-1]  # "… required field `x`", or "Expected `int` … - at `$.x`"
        wrong = f"{given[name][:40]!r} is not in range" if name in given else "is missing"
        raise InvalidArgument(f"{name} {wrong}", field=name, hint=_expected(kind, name)) from None


def instant(text: str, default: int, *, now: int, field: str) -> int:
    """An instant in µs: RFC 3339, or such as `15m` before now; the default for no text. Raises InvalidArgument."""
    if not text:
        return default
    found = clock.parse_instant(text, now, field=field) if len(text) <= INSTANT_CHARS_MAX else INSTANT_MAX + 1
    if abs(found) > INSTANT_MAX:
        raise InvalidArgument(f"{field} {text[:40]!r} is not in range", field=field, hint="RFC 3339, or such as 15m")
    return found


def _expected(kind: type[msgspec.Struct], name: str) -> str:
    """What the parameter may be."""
    info: Any = inspect.type_info(kind)
    wanted: Any = next(field.type for field in info.fields if field.encode_name == name)
    while isinstance(wanted, inspect.Metadata):
        wanted = wanted.type
    if isinstance(wanted, inspect.IntType | inspect.FloatType) and wanted.le is not None:
        return f"{wanted.ge:g} to {wanted.le:g}" if wanted.le < 10**6 else f"a whole number from {wanted.ge}"
    if isinstance(wanted, inspect.LiteralType):
        return " or ".join(filter(None, map(str, wanted.values)))
    return "true or false" if isinstance(wanted, inspect.BoolType) else "see /api/v1/openapi.json"
