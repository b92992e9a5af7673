"""The OpenAPI 3.1 document, made from the route table itself so that it cannot say otherwise."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import falcon.asgi

from app.api.answers import answer
from app.api.services import Operation, Route

_PARAMETER = re.compile(r"{(\w+)(?::[^}]*)?}")

_ERROR = {
    "type": "object",
    "required": ["error", "code"],
    "properties": {
        "error": {"type": "string", "description": "what happened, with the values"},
        "code": {"type": "string", "description": "stable, for programs"},
        "hint": {"type": "string", "description": "what to do next"},
        "field": {"type": "string", "description": "the field or parameter that is wrong"},
        "retryable": {"type": "boolean"},
    },
}


class Document:
    """Answers with the document of the given routes."""

    def __init__(self, routes: Sequence[Route], version: str) -> None:
        self._document = document(routes, version)

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        answer(resp, self._document)


def document(routes: Sequence[Route], version: str) -> dict[str, Any]:
    """The document as plain data."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Ironflow", "version": version},
        "components": {"schemas": {"Error": _ERROR}},
        "paths": {
            _PARAMETER.sub(r"{\1}", route.path): {
                method.lower(): _operation(route.path, operation) for method, operation in route.operations.items()
            }
            for route in routes
        },
    }


def _operation(path: str, operation: Operation) -> dict[str, Any]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(path)
    ]
    in_query = [
        {"name": name, "in": "query", "description": text, "schema": {"type": "string"}}
        for name, text in operation.query.items()
    ]
    content: dict[str, Any] = {
        "summary": operation.summary,
        "parameters": in_path + in_query,
        "responses": {
            **{str(status): _response(status, text) for status, text in operation.answers.items()},
            "default": _response(500, "an error"),
        },
    }
    if operation.body:
        content["requestBody"] = {
            "description": operation.body,
            "content": {"application/json": {"schema": {"type": ["object", "array"]}}},
        }
    return content


def _response(status: int, text: str) -> dict[str, Any]:
    if status < 400:
        return {"description": text}
    return {
        "description": text,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
