"""The dashboard: `/`, `/assets/…` and the paths of its own pages, out of static/dist.

What is served is the same for everybody and holds no data: the page asks the API like any other client, and only the
API knows who may see what. Names of assets have a hash of their content, so they are kept for ever; the page itself is
asked for each time. The page may run scripts, styles and connections of this origin only, and no text becomes markup.

Whoever opens a path in a browser at which nothing is gets the page too, which says so, under the status of what it is:
404. Everybody else is told in JSON, and so is whoever asks below `/api`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import falcon
import falcon.asgi

from app import resources
from app.errors import NotFound

PACKED = {"br": ".br", "gzip": ".gz"}
"""Encodings that the build has packed files in, the smallest first."""

MEDIA = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types ironflow"
)

HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Ironflow</title>
<h1>Ironflow {version}</h1>
<p>The server is running. Its dashboard is not built: run <code>make ui</code> (it needs Node 20), and load this page
again.
<p>The API does not need it: <a href="/api/v1/openapi.json">the OpenAPI document</a>, <a href="/docs">the
documentation</a>, <a href="/ready">readiness</a>, <a href="/metrics">metrics</a>.
"""

NO_PAGE_BELOW = ("api", "ws", "assets")
"""First segments of paths at which nobody expects a page, besides the services of Connect."""

_NAME = re.compile(r"\w[\w.-]*\.\w+")


class File(NamedTuple):
    content: bytes
    encoding: str
    tag: str

    @classmethod
    def of(cls, content: bytes, encoding: str = "") -> File:
        return cls(content, encoding, f'"{hashlib.sha256(content).hexdigest()[:32]}"')


class Dashboard:
    """The files of the build. `folder` is read as files are asked for, so that a new build shows at once."""

    def __init__(self, folder: Path, version: str) -> None:
        self._folder = folder
        self._not_built = NOT_BUILT.format(version=version).encode()

    def pages(self) -> list[str]:
        """Paths of the pages, without their first slash; one that ends in `/:id` stands for all below it."""
        try:
            found: list[str] = json.loads((self._folder / "routes.json").read_text("utf-8"))
        except FileNotFoundError:
            return []
        return found

    def page(self, accepted: str) -> File:
        """The page; one that says how to build it, if it is not there."""
        found = self._file("index.html", accepted)
        return found or File(self._not_built, "", "")

    def asset(self, name: str, accepted: str) -> File | None:
        return self._file(f"assets/{name}", accepted) if _NAME.fullmatch(name) else None

    def _file(self, name: str, accepted: str) -> File | None:
        for encoding, suffix in (*PACKED.items(), ("", "")):
            if encoding and not re.search(rf"\b{encoding}\b(?!\s*;\s*q=0(?:\.0*)?\b)", accepted):
                continue
            try:
                content = (self._folder / f"{name}{suffix}").read_bytes()
            except FileNotFoundError:
                continue
            return File.of(content, encoding)
        return None


class Page:
    def __init__(self, dashboard: Dashboard) -> None:
        self._dashboard = dashboard

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, **_: str) -> None:
        send(req, resp, self._dashboard.page(req.get_header("Accept-Encoding") or ""), MEDIA[".html"], "no-cache")


class Lost:
    """What is answered where no route is. `pages` are the paths of those that have one."""

    def __init__(self, dashboard: Dashboard, pages: Sequence[str]) -> None:
        self._dashboard = dashboard
        self._pages = frozenset(pages)

    async def __call__(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        asked = req.path.strip("/")
        if not _wants_page(req) or asked.split("/")[0] in NO_PAGE_BELOW or asked.startswith("ironflow.v1."):
            raise falcon.HTTPRouteNotFound(headers={"Vary": "Accept"})
        found = self._dashboard.page(req.get_header("Accept-Encoding") or "")
        if asked in self._pages:  # with a slash more
            send(req, resp, found, MEDIA[".html"], "no-cache")
        else:
            resp.status = falcon.HTTP_404
            req.context.refused = NotFound.code
            unnamed = found._replace(tag="")  # no 304: that would say that it is there
            send(req, resp, unnamed, MEDIA[".html"], "no-cache")
        resp.append_header("Vary", "Accept")


def _wants_page(req: falcon.asgi.Request) -> bool:
    """Whether it comes from a browser's address bar, rather than from a client that takes anything."""
    return req.method == "GET" and req.client_prefers(("application/json", MEDIA[".html"])) == MEDIA[".html"]


class Asset:
    def __init__(self, dashboard: Dashboard) -> None:
        self._dashboard = dashboard

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        found = self._dashboard.asset(name, req.get_header("Accept-Encoding") or "")
        media = MEDIA.get(Path(name).suffix)
        if found is None or media is None:
            raise falcon.HTTPNotFound
        send(req, resp, found, media, "public, max-age=31536000, immutable")


def send(req: falcon.asgi.Request, resp: falcon.asgi.Response, file: File, media: str, caching: str) -> None:
    """Answer with the file, or that whoever asks has it already."""
    for name, value in HEADERS.items():
        resp.set_header(name, value)
    resp.set_header("Cache-Control", caching)
    resp.set_header("Vary", "Accept-Encoding")
    if file.tag:
        resp.set_header("ETag", file.tag)
        if file.tag in (req.get_header("If-None-Match") or ""):
            resp.status = falcon.HTTP_304
            return
    resp.content_type = media
    if file.encoding:
        resp.set_header("Content-Encoding", file.encoding)
    resp.data = file.content


def add(app: Any, version: str, folder: Path | None = None) -> None:
    """Let the application serve the dashboard, at paths that are none of the API's."""
    dashboard = Dashboard(resources.dashboard_folder() if folder is None else folder, version)
    page = Page(dashboard)
    app.add_route("/", page)
    app.add_route("/assets/{name}", Asset(dashboard))
    pages = dashboard.pages()
    for path in pages:
        app.add_route(f"/{path.removesuffix(':id')}{{rest:path}}" if path.endswith("/:id") else f"/{path}", page)
    app.add_sink(Lost(dashboard, pages), r"^/")
