"""What pages in a browser may ask of us. Any page that somebody visits can send requests to a server on their machine.

- What a page of another origin asks for is refused, unless that origin is allowed. A link that is followed is no such
  request: it only shows what we answer to the person who followed it.
- While we listen on this machine only, we answer to its own names only. A page whose name is made to point here (DNS
  rebinding) looks like one of ours, but for that name.
- Webhooks are let through under any name, since they come through tunnels: who delivers has the token of a source.
- An allowed origin is told so, as the CORS protocol wants it (Fetch Standard §3.3).

Programs send neither Origin nor Sec-Fetch-Site, and are asked nothing.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from app.api.caller import Header
from app.errors import PermissionDenied

if TYPE_CHECKING:
    import falcon.asgi

HINT = "let an origin in with --allow-origin (IRONFLOW_ALLOW_ORIGIN), such as https://app.example.com"
PREFLIGHT_AGE_S = "600"
WEBHOOKS = "/api/v1/webhooks/"
METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
EXPOSED = "ETag, Ironflow-Poll-Wait, Retry-After, X-Request-ID"


class Browsers:
    """Refuses what no page should ask for. `allowed` has origins; in `dev`, those of this machine are allowed too."""

    def __init__(self, *, allowed: Sequence[str] = (), dev: bool = False, local_only: bool = False) -> None:
        self._allowed = frozenset(allowed)
        self._dev = dev
        self._local_only = local_only
        self._names = frozenset(urlsplit(origin).hostname or "" for origin in allowed)

    async def process_request(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        origin = self.check(req.get_header, path=req.path, follows_a_link=_follows_a_link(req))
        if origin:
            _permit(req, resp, origin)

    def check(self, header: Header, *, path: str, follows_a_link: bool = False) -> str:
        """The allowed origin that asks, "" for one of ours and for programs. Raises PermissionDenied."""
        host = header("Host") or ""
        named = is_ours(host) or _name(host) in self._names or path.startswith(WEBHOOKS)
        if self._local_only and not named:
            raise PermissionDenied(f"this server is not called {host[:80]!r}", field="Host", hint=HINT)
        origin = header("Origin") or ""
        site = header("Sec-Fetch-Site") or ""
        if not origin and not site:
            return ""
        if self._allows(origin):
            return origin
        if not _of_ours(origin, site, host) and not follows_a_link:
            raise PermissionDenied(
                f"the request comes from a page of {origin[:80] or 'another site'}", field="Origin", hint=HINT
            )
        return ""

    def _allows(self, origin: str) -> bool:
        return origin in self._allowed or (self._dev and is_loopback(origin.partition("://")[2]))


def _of_ours(origin: str, site: str, host: str) -> bool:
    """Whether the page is one of this server, by what the browser says of it, or by its origin."""
    if site:
        return site in ("same-origin", "none")
    return origin.partition("://")[2].lower() == host.lower()


def _follows_a_link(req: falcon.asgi.Request) -> bool:
    return (
        req.method == "GET"
        and req.get_header("Sec-Fetch-Mode") == "navigate"
        and req.get_header("Sec-Fetch-Dest") == "document"
    )


def _permit(req: falcon.asgi.Request, resp: falcon.asgi.Response, origin: str) -> None:
    resp.set_header("Access-Control-Allow-Origin", origin)
    resp.append_header("Vary", "Origin")
    if req.method == "OPTIONS" and req.get_header("Access-Control-Request-Method"):
        resp.set_header("Access-Control-Allow-Methods", METHODS)
        resp.set_header("Access-Control-Allow-Headers", req.get_header("Access-Control-Request-Headers") or "*")
        resp.set_header("Access-Control-Max-Age", PREFLIGHT_AGE_S)
        resp.status = 204
        resp.complete = True
    else:
        resp.set_header("Access-Control-Expose-Headers", EXPOSED)


@lru_cache(256)
def is_ours(host: str) -> bool:
    """Whether a host, with or without a port, may be this machine's: localhost, an address, or a single word, none of
    which somebody else can have pointed here."""
    name = _name(host)
    return "." not in name or name.endswith(".localhost") or _address(name) is not None


@lru_cache(256)
def is_loopback(host: str) -> bool:
    """Whether a host, with or without a port, is this machine for certain."""
    name = _name(host)
    address = _address(name)
    return name == "localhost" or name.endswith(".localhost") or (address is not None and address.is_loopback)


def _name(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return "no.name"


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None
