"""The Connect protocol, unary (connectrpc.com/docs/protocol): POST /ironflow.v1.<Service>/<Method>, JSON or protobuf.

JSON that carries users' data is answered by `connect_json`; everything else goes through the messages that gRPC has.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

import falcon
import falcon.asgi
import msgspec
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import DecodeError, Message

from app.api import connect_json, projections_json, rewind_json, streams_json, subject
from app.api.answers import JSON, answer, body_of, decoded, error_of, media_type, note
from app.api.caller import Caller
from app.api.services import Services
from app.errors import InvalidArgument, MethodNotAllowed, Unimplemented
from app.rpc.tables import TABLES

PROTO = "application/proto"

M = TypeVar("M", bound=Message)

JSON_METHODS = {**connect_json.METHODS, **streams_json.METHODS, **projections_json.METHODS, **rewind_json.METHODS}
SNAKE_CASE = frozenset(("WebhookService",))
"""Services whose JSON has the fields' own names, as published clients expect."""

_object = msgspec.json.Decoder(dict[str, Any])


def sink(services: Services) -> Callable[..., Awaitable[None]]:
    """A Falcon sink for every Connect path."""

    async def connect(req: falcon.asgi.Request, resp: falcon.asgi.Response, service: str, method: str) -> None:
        try:
            if req.method != "POST":
                raise MethodNotAllowed(f"{req.path} takes POST only")
            call = f"{service}/{method}"
            about = subject.of_call(call)
            caller = services.door.admit_call(req.get_header, call, about, address=req.remote_addr, ends=True)
            req.context.caller = caller
            body = await body_of(req, types=(JSON, PROTO))
            binary = media_type(req) == PROTO
            if not binary and (operation := JSON_METHODS.get((service, method))) is not None:
                subject.check_body(caller, body)
                answer(resp, await operation(services, caller, body or b"{}"))
                return
            await _by_message(services, caller, service, method, body, binary, resp)
        except falcon.HTTPError:
            raise
        except Exception as error:  # noqa: BLE001 - Connect tells errors in its own shape
            status, content = refusal(error, f"{service}/{method}", resp.get_header("X-Request-ID"))
            req.context.refused = content["ironflowCode"]
            answer(resp, content, status)

    return connect


async def _by_message(
    services: Services,
    caller: Caller,
    service: str,
    method: str,
    body: bytes,
    binary: bool,
    resp: falcon.asgi.Response,
) -> None:
    table = TABLES.get(service, {})
    if method not in table:
        raise Unimplemented(f"{service}/{method} is not implemented", hint="see /api/v1/capabilities")
    kind, operation = table[method]
    request = _parsed_proto(kind, body) if binary else _parsed_json(kind, body)
    subject.check_message(caller, f"{service}/{method}", request)
    reply = await operation(services, caller, request)
    if binary:
        resp.content_type = PROTO
        resp.data = reply.SerializeToString()
    else:
        answer(resp, connect_json.message_shown(reply, snake=service in SNAKE_CASE))


def refusal(error: Exception, called: str, request_id: str | None) -> tuple[int, Mapping[str, Any]]:
    """Status and content of the error as Connect tells it: always JSON, with our stable code and hint beside."""
    told = error_of(error)
    note(error, method=called, request_id=request_id)
    status = 400 if told.connect == "failed_precondition" else told.status
    content: dict[str, Any] = {"code": told.connect, "message": str(told), "details": [], "ironflowCode": told.code}
    if told.hint:
        content["hint"] = told.hint
    return status, content


def parsed(kind: type[M], raw: bytes, *, json: bool) -> M:
    """The message that was sent. Raises InvalidArgument."""
    message: Any = _parsed_json(kind, raw) if json else _parsed_proto(kind, raw)
    return cast("M", message)


def _parsed_proto(kind: type[Message], body: bytes) -> Message:
    try:
        return kind.FromString(body)
    except DecodeError as error:
        raise InvalidArgument(f"the body is not a {kind.__name__}: {error}", field="body") from None


def _parsed_json(kind: type[Message], body: bytes) -> Message:
    content: dict[str, Any] = decoded(_object, body or b"{}")
    _spell_enums(kind.DESCRIPTOR, content)
    try:
        message: Message = ParseDict(content, kind(), ignore_unknown_fields=True)
    except (ParseError, RecursionError, TypeError, ValueError, AttributeError) as error:
        raise InvalidArgument(f"the body is not a {kind.__name__}: {error}", field="body") from None
    return message


def _spell_enums(kind: Any, content: dict[str, Any]) -> None:
    """Write the names of enum values in full, by the message's descriptor: `pull` and `FAILED` are published too. The
    parser would skip one that it does not know, and with it what was asked for. Raises InvalidArgument naming the
    field."""
    for field in kind.fields:
        if field.message_type is not None:
            for name in {field.name, field.json_name} & content.keys():
                if isinstance(content[name], dict) and field.message_type.file.package == kind.file.package:
                    _spell_enums(field.message_type, content[name])
        if field.enum_type is None:
            continue
        for name in {field.name, field.json_name} & content.keys():
            value = content[name]
            if isinstance(value, list):
                content[name] = [_spelled(list(field.enum_type.values_by_name), one, name) for one in value]
            else:
                content[name] = _spelled(list(field.enum_type.values_by_name), value, name)


def _spelled(names: Sequence[str], value: Any, field: str) -> Any:
    if not isinstance(value, str):
        return value
    prefix = names[0].removesuffix("UNSPECIFIED")
    for name in (value.upper(), prefix + value.upper()):
        if name in names:
            return name
    known = ", ".join(name.removeprefix(prefix).lower() for name in names[1:])
    raise InvalidArgument(f"{field} {value[:40]!r} is unknown", field=field, hint=f"one of {known}")
