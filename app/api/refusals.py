"""Whatever a resource raised, or Falcon itself, as an answer of REST."""

from __future__ import annotations

import falcon
import falcon.asgi

from app.api.answers import JSON, answer, refusal, too_large
from app.errors import (
    Internal,
    InvalidArgument,
    IronflowError,
    MethodNotAllowed,
    NotFound,
    UnsupportedMediaType,
)


async def on_error(
    req: falcon.asgi.Request, resp: falcon.asgi.Response, error: Exception, params: object, **_: object
) -> None:
    """The error as an answer; no stack traces."""
    if isinstance(error, falcon.HTTPError):
        told: IronflowError = _of_falcon(req, error)
    else:
        told = refusal(error, method=req.method, path=req.path, request_id=resp.get_header("X-Request-ID"))
    req.context.refused = told.code
    answer(resp, told.body(), told.status)
    if isinstance(error, falcon.HTTPError) and error.headers:
        resp.set_headers(error.headers)  # Allow, with 405
    if told.status == 429:
        resp.set_header("Retry-After", str(getattr(told, "retry_after_s", 1)))


def _of_falcon(req: falcon.asgi.Request, error: falcon.HTTPError) -> IronflowError:
    match error.status_code:
        case 404:
            return NotFound(f"there is nothing at {req.path[:200]}", hint="see /api/v1/openapi.json")
        case 405:
            return MethodNotAllowed(f"{req.path[:200]} does not know {req.method}", hint="see /api/v1/openapi.json")
        case 413:
            return too_large()
        case 415:
            return UnsupportedMediaType("the body's type is not read here", hint=f"send {JSON}")
        case status if status < 500:
            return InvalidArgument(error.description or error.title or "the request is not well-formed")
        case _:
            return Internal("something broke on the server")
