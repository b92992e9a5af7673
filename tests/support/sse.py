"""Server-sent events as a client gets them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import httpx


def frames(http: httpx.Client, path: str, count: int, **options: Any) -> list[dict[str, Any]]:
    """So many frames of a stream, each with its id as `frame`."""
    found: list[dict[str, Any]] = []
    with http.stream("GET", path, **options) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        for frame in read(answer.iter_lines()):
            found.append(frame)
            if len(found) == count:
                break
    return found


def read(lines: Iterable[str]) -> Iterable[dict[str, Any]]:
    position = 0
    for line in lines:
        if line.startswith("id: "):
            position = int(line[4:])
        elif line.startswith("data: "):
            yield {**json.loads(line[6:]), "frame": position}
