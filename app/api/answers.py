"""Answers as JSON, and every error in one shape: {"error": message, "code": stable code, "hint": next step}."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from app.errors import (
    InsufficientStorage,
    Internal,
    InvalidArgument,
    IronflowError,
    PayloadTooLarge,
    Unavailable,
    UnsupportedMediaType,
)
from app.jsonvalue import SIZE_BYTES_MAX
from storage.contract import StorageError, StorageFull

if TYPE_CHECKING:
    import falcon.asgi

log = structlog.get_logger(__name__)

BODY_BYTES_MAX = SIZE_BYTES_MAX
JSON = "application/json"

CURL = "; with curl: --json DATA, or -H 'Content-Type: application/json' -d DATA"

encode = msgspec.json.Encoder().encode


def answer(resp: falcon.asgi.Response, content: Any, status: int = 200) -> None:
    """`content` as the JSON body."""
    resp.status = status
    resp.content_type = JSON
    resp.data = encode(content)


async def body_of(
    req: falcon.asgi.Request, *, types: Sequence[str] = (JSON,), bytes_max: int = BODY_BYTES_MAX
) -> bytes:
    """The whole body, unpacked. Raises PayloadTooLarge before reading more than the limit, InvalidArgument, and
    UnsupportedMediaType for a body whose type is not among `types`, or not told: a page in a browser can send those
    anywhere without being asked. No types means any."""
    length = req.content_length
    if length is not None and length > bytes_max:
        raise too_large(bytes_max)
    parts: list[bytes] = []
    size = 0
    async for part in req.stream:
        if part and not parts and types:
            _check_type(req, types)
        size += len(part)
        if size > bytes_max:
            raise too_large(bytes_max)
        if part:
            parts.append(part)
    body = parts[0] if len(parts) == 1 else b"".join(parts)
    packing = (req.get_header("Content-Encoding") or "identity").strip().lower()
    if packing == "identity":
        return body
    if packing != "gzip":
        raise UnsupportedMediaType(f"Content-Encoding {packing[:40]!r} is not read", hint="gzip or none")
    return unpacked(body, bytes_max=bytes_max)


def media_type(req: falcon.asgi.Request) -> str:
    """The type that the request's body is said to have, without parameters; "" if none is told."""
    return (req.content_type or "").partition(";")[0].strip().lower()


def _check_type(req: falcon.asgi.Request, types: Sequence[str]) -> None:
    told = media_type(req)
    if told not in types:
        raise UnsupportedMediaType(
            f"a body of type {told[:80]!r} is not read here" if told else "the type of the body is not told",
            field="Content-Type",
            hint=f"send Content-Type: {' or '.join(types)}" + (CURL if JSON in types else ""),
        )


def unpacked(body: bytes, *, bytes_max: int = BODY_BYTES_MAX) -> bytes:
    """A gzip body unpacked (RFC 1952), never more than the limit. Raises InvalidArgument, PayloadTooLarge."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        content = unpacker.decompress(body, bytes_max + 1)
    except zlib.error as error:
        raise InvalidArgument(f"the body is not gzip: {error}", field="body", hint="check Content-Encoding") from None
    if len(content) > bytes_max:
        raise too_large(bytes_max)
    if not unpacker.eof or unpacker.unused_data:
        raise InvalidArgument("the body is not one whole gzip member", field="body", hint="check Content-Encoding")
    return content


def decoded(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    """The body as the decoder's type. Raises InvalidArgument that names the field."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$")
        field = place.rstrip("`").lstrip(".") or _field_named(message)
        hint = f"it has {_fields(decoder)}" if field and not place else "see /api/v1/openapi.json"
        raise InvalidArgument(
            f"{field or 'the body'}: {message[:1].lower()}{message[1:]}", field=field, hint=hint
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidArgument(f"the body is not valid JSON: {error}", field="body") from None
    except RecursionError:
        raise InvalidArgument("the body is nested too deep", field="body") from None


def error_of(error: BaseException) -> IronflowError:
    """The error as a client is told it."""
    if isinstance(error, IronflowError):
        return error
    if isinstance(error, StorageError):
        kind = InsufficientStorage if isinstance(error, StorageFull) else Unavailable
        told = kind(str(error.__doc__), hint=error.hint)
        told.code = error.code  # type: ignore[misc]
        return told
    return Internal("something broke on the server", hint="the server's log has the details under this request id")


def note(error: BaseException, **where: str | None) -> None:
    """Log an error that is not the caller's: with its inside if nobody foresaw it. That a store fails is foreseen, and
    an outage would fill the log with the places where it was noticed."""
    if isinstance(error, StorageError):
        log.warning("request failed", **where, code=error.code, reason=str(error))
    elif not isinstance(error, IronflowError):
        log.error("request failed", **where, exc_info=error)


def refusal(error: Exception, *, method: str, path: str, request_id: str | None) -> IronflowError:
    """The error as REST tells it; what nobody foresaw is logged, and told without its inside."""
    note(error, method=method, path=path, request_id=request_id)
    return error_of(error)


def too_large(bytes_max: int = BODY_BYTES_MAX) -> PayloadTooLarge:
    """What a body of more than that is refused with."""
    return PayloadTooLarge(
        f"the body is larger than {bytes_max} bytes", field="body", hint="send less at once, or a reference"
    )


def _fields(decoder: msgspec.json.Decoder[Any]) -> str:
    return ", ".join(getattr(decoder.type, "__struct_encode_fields__", ())) or "other fields"


def _field_named(message: str) -> str:
    """The field that msgspec says is unknown or missing; "" if it says something else."""
    return message.partition(" field `")[2].partition("`")[0]


def in_one(error: IronflowError) -> str:
    """Message and hint in one."""
    return f"{error.message}: {error.hint}" if error.hint else error.message
