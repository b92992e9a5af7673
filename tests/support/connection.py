"""HTTP over one kept connection, for tests that ask thousands of things: a fraction of what httpx takes for each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPMessage
from typing import Any, NamedTuple
from urllib.parse import urlsplit

TIMEOUT_S = 30.0


class Told(NamedTuple):
    """An answer. What goes on, as server-sent events do, is not waited for and has no `content`."""

    status: int
    headers: HTTPMessage
    content: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        return self.content.decode()

    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def code(self) -> str:
        """Of what was refused, "" of what was not."""
        return "" if self.is_success else self.json()["code"]


class Connection:
    def __init__(self, url: str) -> None:
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT_S)

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: Any = None) -> Told:
        """`body` goes as JSON; GET has none."""
        content = None if method == "GET" else json.dumps({} if body is None else body)
        told = {"Content-Type": "application/json", **headers}
        self._connection.request(method, path, content, told)
        answer = self._connection.getresponse()
        heard = Told(answer.status, answer.headers, b"")
        if heard.is_success and answer.length is None:
            self._connection.close()
            return heard
        return heard._replace(content=answer.read())

    def close(self) -> None:
        self._connection.close()
