"""Streams of events (HTML Standard §9.2) from the server: read, and resumed at the last position when they break."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from typing import Any

import httpx

from ironflow.calls import Json
from ironflow.errors import IronflowError

SILENCE_S_MAX = 45.0
"""The server says something every 15 s; longer silence means that the connection is dead."""
ATTEMPTS = 10
BACKOFF_S = (0.1, 5.0)

Refused = Callable[[int, Any], IronflowError]
Lost = Callable[[httpx.HTTPError], IronflowError]


class Frames:
    """Puts lines together to frames; `position` is the id of the last whole one."""

    def __init__(self) -> None:
        self.position: int | None = None
        self._id: int | None = None
        self._data: list[str] = []

    def line(self, line: str) -> Json | None:
        """The frame that the line ends, if it ends one that says something."""
        if line.startswith("data:"):
            self._data.append(line[5:].removeprefix(" "))
        elif line.startswith("id:") and line[3:].strip().isdecimal():
            self._id = int(line[3:])
        elif not line:
            self.position = self._id
            if self._data:
                content: Json = json.loads("\n".join(self._data))
                self._data = []
                return content
        return None


class _Following:
    """What both forms share: where to go on, and how long to wait before."""

    def __init__(
        self,
        http: Any,
        path: str,
        params: Mapping[str, Any],
        after: int | None,
        *,
        begin: Mapping[str, Any],
        refused: Refused,
        lost: Lost,
    ) -> None:
        """`begin` are parameters that say where to begin; they count until a position is known."""
        self._http = http
        self._path = path
        self._params = {name: value for name, value in params.items() if value not in (None, "")}
        self._begin = {name: value for name, value in begin.items() if value not in (None, "")}
        self._after = after
        self._refused = refused
        self._lost = lost
        self._failures = 0

    @property
    def position(self) -> int | None:
        """The last position seen: `after` it, another can go on."""
        return self._after

    def _options(self) -> dict[str, Any]:
        position = self._begin if self._after is None else {"after": self._after}
        timeout = httpx.Timeout(SILENCE_S_MAX, connect=10.0)
        return {"params": {**self._params, **position}, "timeout": timeout}

    def _told(self, frames: Frames, line: str) -> Json | None:
        self._failures = 0
        found = frames.line(line)
        if frames.position is not None:
            self._after = frames.position
        if found is None or found.get("type") != "error":
            return found
        if not found.get("retrying", True):
            raise self._refused(400, {"error": found["message"], "code": found["code"]})
        return None

    def _pause_s(self, error: httpx.HTTPError | None) -> float:
        """How long to wait before connecting again. Raises the error when that was tried often enough."""
        self._failures += 1
        if self._failures > ATTEMPTS and error is not None:
            raise self._lost(error) from error
        return float(min(BACKOFF_S[0] * 2 ** (self._failures - 1), BACKOFF_S[1]))


class Watch(_Following):
    """Iterates over what a stream brings, for ever."""

    def __iter__(self) -> Generator[Json, None, None]:
        while True:
            broken: httpx.HTTPError | None = None
            try:
                with self._http.stream("GET", self._path, **self._options()) as response:
                    if not response.is_success:
                        raise self._refused(response.status_code, _body(response.read()))
                    frames = Frames()
                    for line in response.iter_lines():
                        found = self._told(frames, line)
                        if found is not None:
                            yield found
            except httpx.HTTPError as error:
                broken = error
            time.sleep(self._pause_s(broken))


class AsyncWatch(_Following):
    """As `Watch`, awaited."""

    async def __aiter__(self) -> AsyncGenerator[Json, None]:
        while True:
            broken: httpx.HTTPError | None = None
            try:
                async with self._http.stream("GET", self._path, **self._options()) as response:
                    if not response.is_success:
                        raise self._refused(response.status_code, _body(await response.aread()))
                    frames = Frames()
                    async for line in response.aiter_lines():
                        found = self._told(frames, line)
                        if found is not None:
                            yield found
            except httpx.HTTPError as error:
                broken = error
            await asyncio.sleep(self._pause_s(broken))


def _body(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return {"error": raw[:200].decode(errors="replace")}
