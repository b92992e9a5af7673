"""The documentation at `/docs`: for everybody, without a key, as it came with this server.

A page is made on a thread when it is first asked for, one at a time, and kept; in a checkout, until its file changes.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import falcon
import falcon.asgi

from app import resources
from app.api.dashboard import MEDIA, File, send
from app.api.docs_pages import INDEX, ROOT, Documentation


class Pages:
    def __init__(self, documentation: Documentation, folder: Path) -> None:
        self._documentation = documentation
        self._folder = folder
        self._made: dict[str, tuple[int, File]] = {}
        self._making = asyncio.Lock()

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, path: str = "") -> None:
        async with self._making:
            media, file = await asyncio.to_thread(self._file, f"{ROOT}/{path}".rstrip("/"))
        if file is None:
            resp.status = 404
            file = File.of(self._documentation.not_found())
        send(req, resp, file, media, "no-cache")

    def _file(self, asked: str) -> tuple[str, File | None]:
        """What is there, and its type."""
        path = self._documentation.files().get(asked.removesuffix(".md"))
        if path is None:
            return MEDIA[".html"], None
        changed_at = (self._folder / path).stat().st_mtime_ns + (self._folder / INDEX).stat().st_mtime_ns
        before = self._made.get(path)
        if before is None or before[0] != changed_at:
            before = self._made[path] = changed_at, File.of(self._documentation.read(path))
        return MEDIA.get(Path(path).suffix, MEDIA[".html"]), before[1]


def add(app: Any, version: str, folder: Path | None = None) -> None:
    """Let the application serve the documentation, at paths that are none of the API's."""
    root = resources.root() if folder is None else folder
    pages = Pages(Documentation(root, version), root)
    app.add_route(ROOT, pages)
    app.add_route(f"{ROOT}/{{path:path}}", pages)
