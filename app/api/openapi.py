"""The OpenAPI 3.1 document, made from the route table and from the structs that bodies, parameters and answers are read
into and made of, so that it cannot say otherwise.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import falcon.asgi
import msgspec

from app.api.answers import answer
from app.api.caller import ENVIRONMENT_HEADERS, RUN_HEADER
from app.api.door import COOKIE, CSRF_HEADER
from app.api.services import Answer, Body, Operation, Route
from app.api.table import Table
from app.errors import ErrorResponse
from app.resources import VERSION

SCHEMAS = "#/components/schemas/{name}"
REFUSED = Answer("refused, or failed", ErrorResponse)
DESCRIPTION = (
    "Every POST, PUT and PATCH with a body says which type it has; bodies may be packed with gzip. "
    "The same operations are methods of ironflow.v1 for Connect and gRPC, see proto/ironflow/v1."
)

_PARAMETER = re.compile(r"{(\w+)(?::[^}]*)?}")
_IN_PATH = {
    "run_id": "a run's id; for GET, cancel and pause a unique beginning of it will do",
    "worker_id": "the name that the worker gave itself",
    "key": "may have slashes, escaped or not",
}
_HEADERS = {
    "Environment": (ENVIRONMENT_HEADERS[0], "the environment, by name; default if left out"),
    "Run": (RUN_HEADER, "the run within which the request is made"),
}


class Document:
    """Answers with the document of the table's routes. It is made when it is asked for: that takes a fifth of a
    second."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._making = asyncio.Lock()
        self._document: dict[str, Any] | None = None

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        async with self._making:
            if self._document is None:
                await self._table.load()
                self._document = await asyncio.to_thread(document, self._table.whole(), VERSION)
        answer(resp, self._document)


def routes(table: Table) -> Sequence[Route]:
    own = Operation(
        "This document",
        {200: Answer("OpenAPI 3.1", dict[str, Any])},
        open="it says how to ask, and is the same for everybody",
    )
    return [Route("/api/v1/openapi.json", Document(table), {"GET": own})]


def document(routes: Sequence[Route], version: str) -> dict[str, Any]:
    """The document as plain data."""
    schemas = _Schemas(routes)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Ironflow", "version": version, "description": DESCRIPTION},
        "security": [{"bearer": []}, {"session": []}],
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "an API key"},
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": COOKIE,
                    "description": f"of who signed in; with {CSRF_HEADER} for what is no GET",
                },
            },
            "schemas": schemas.components,
            "parameters": {
                name: _parameter("header", header, {"type": "string", "description": text})
                for name, (header, text) in _HEADERS.items()
            },
        },
        "paths": {
            _PARAMETER.sub(r"{\1}", route.path): {
                method.lower(): _operation(route.path, method, operation, schemas)
                for method, operation in route.operations.items()
            }
            for route in routes
        },
    }


class _Schemas:
    """The schema of each struct of the routes, by name, and how to refer to it."""

    def __init__(self, routes: Sequence[Route]) -> None:
        kinds = [ErrorResponse]
        for kind in _kinds(operation for route in routes for operation in route.operations.values()):
            if kind not in kinds:
                kinds.append(kind)
        try:
            schemas, self.components = msgspec.json.schema_components(kinds, ref_template=SCHEMAS)
        except TypeError as error:
            raise TypeError(f"{error}: see `null` in app/history/kinds/base.py for defaults that are Raw") from error
        self._schemas = list(zip(kinds, schemas, strict=True))

    def of(self, kind: Any) -> dict[str, Any]:
        if isinstance(kind, tuple):
            return {"anyOf": [self.of(one) for one in kind]}
        return next(schema for known, schema in self._schemas if known == kind)


def _kinds(operations: Iterator[Operation]) -> Iterator[Any]:
    for operation in operations:
        for told in (operation.body, *operation.answers.values()):
            if isinstance(told, Body | Answer) and told.kind is not None:
                yield from told.kind if isinstance(told.kind, tuple) else (told.kind,)


def _operation(path: str, method: str, operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    in_path = [
        _parameter("path", name, {"type": "string", **({"description": _IN_PATH[name]} if name in _IN_PATH else {})})
        for name in _PARAMETER.findall(path)
    ]
    in_headers = [
        _parameter("header", name, {"type": "string", "description": text}) for name, text in operation.headers.items()
    ]
    common = [{"$ref": f"#/components/parameters/{name}"} for name in _HEADERS] if path.startswith("/api/v1/") else []
    content: dict[str, Any] = {
        "summary": operation.summary,
        "operationId": _name(path, method),
        "parameters": [*in_path, *_in_query(operation.query), *in_headers, *common],
        "responses": {
            **{str(status): _response(status, told, schemas) for status, told in operation.answers.items()},
            "default": _response(500, REFUSED, schemas),
        },
    }
    if operation.open:
        content["security"] = []
    else:
        content["x-permission"] = operation.permission
    if operation.body is not None:
        content["requestBody"] = _request(operation.body, schemas)
    return content


def _in_query(query: type[msgspec.Struct] | None) -> list[dict[str, Any]]:
    if query is None:
        return []
    told = msgspec.json.schema(query)["$defs"][query.__name__]
    return [
        _parameter("query", name, _present(schema), required=name in told["required"])
        for name, schema in told["properties"].items()
    ]


def _present(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a parameter that is there: not null, which stands for one that is not."""
    some = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    told = {key: value for key, value in schema.items() if key != "anyOf" and not (key == "default" and not value)}
    return {**some[0], **told} if some else told


def _parameter(place: str, name: str, schema: Mapping[str, Any], *, required: bool = False) -> dict[str, Any]:
    text = {"description": schema["description"]} if "description" in schema else {}
    told = {key: value for key, value in schema.items() if key != "description"}
    needed = {"required": True} if required or place == "path" else {}
    return {"name": name, "in": place, **needed, **text, "schema": told}


def _request(body: Body, schemas: _Schemas) -> dict[str, Any]:
    told = {"schema": schemas.of(body.kind), "example": body.example}
    return {"required": body.required, "content": {body.media: told}}


def _response(status: int, told: str | Answer, schemas: _Schemas) -> dict[str, Any]:
    if isinstance(told, str):
        told = Answer(told, ErrorResponse if status >= 400 else None)
    content: dict[str, Any] = {"description": told.text}
    if told.headers:
        content["headers"] = {
            name: {"description": text, "schema": {"type": "string"}} for name, text in told.headers.items()
        }
    if told.kind is not None:
        content["content"] = {told.media: {"schema": schemas.of(told.kind)}}
    return content


def _name(path: str, method: str) -> str:
    """A name that is no other operation's: `getRunsByRunId`."""
    words = re.findall(r"\w+", _PARAMETER.sub(r"By_\1", path.removeprefix("/api/v1"))) or ["home"]
    parts = [part for word in words for part in word.split("_")]
    return method.lower() + "".join(part[:1].upper() + part[1:] for part in parts)
