"""Who really asks, where a proxy in front of us hands requests on.

A proxy says so in `X-Forwarded-For`, `-Proto` and `-Host`, or in `Forwarded` (RFC 7239); anybody else can write these
headers too. So they are read only if the peer of the connection is a proxy that the operator trusts, and from the
right: each proxy adds whom it heard from at the end, and the first address from there that is no trusted proxy's is the
client's. What stands left of it, the client may have written itself.

`Forwarded` counts only where there is no `X-Forwarded-For`: a proxy adds to one of them, and passes the other on as it
came.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, NamedTuple, Protocol

import msgspec

from app.outbound.reach import Network

HOPS_MAX = 32
"""Of a chain of proxies, from its end."""
_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?", re.ASCII)
_PAIR = re.compile(r'(?P<name>[A-Za-z-]{1,16})\s*=\s*(?:"(?P<quoted>[^"\\]*)"|(?P<plain>[^\s;,"]*))', re.ASCII)

All = Callable[[str], Sequence[str]]
"""All values of a header, by its name in lower case, in the order in which they came."""


class Scope(Protocol):
    """A request as RSGI tells it."""

    @property
    def client(self) -> str: ...
    @property
    def headers(self) -> Any: ...


class Peer(NamedTuple):
    """Who asks, and how they called us; "" for what no proxy has said."""

    address: str
    scheme: str = ""
    host: str = ""


class Forwarded(msgspec.Struct, frozen=True):
    """A request's scope as the client sees it, before a proxy handed it on."""

    proto: str
    http_version: str
    client: str
    server: str
    scheme: str
    method: str
    path: str
    query_string: str
    headers: Any
    authority: str | None


class Proxies:
    """`trusted` has the ranges in which proxies of ours are; without any, nobody is believed."""

    def __init__(self, trusted: Sequence[Network] = ()) -> None:
        self._trusted = tuple(trusted)
        self.trusts = lru_cache(4_096)(self._trusts)

    def scope_of(self, scope: Scope) -> Any:
        """The scope as it came; as the client sent it, if a proxy that is trusted hands it on."""
        if not self._trusted or not self.trusts(address_of(scope.client)):
            return scope
        peer = self.peer(address_of(scope.client), scope.headers.get_all)
        told: Any = scope
        return Forwarded(
            proto=told.proto,
            http_version=told.http_version,
            client=f"{peer.address}:0",
            server=told.server,
            scheme=peer.scheme or told.scheme,
            method=told.method,
            path=told.path,
            query_string=told.query_string,
            headers=_Renamed(told.headers, peer.host) if peer.host else told.headers,
            authority=peer.host or told.authority,
        )

    def peer(self, address: str, all_of: All) -> Peer:
        """Who asks, given the address of the connection's other end and what the request says."""
        if not self._trusted or not self.trusts(address):
            return Peer(address)
        if listed := _listed(all_of("x-forwarded-for")):
            schemes, hosts = _listed(all_of("x-forwarded-proto")), _listed(all_of("x-forwarded-host"))
            return self._peer(address, listed, schemes, hosts)
        elements = [_pairs(element) for element in _listed(all_of("forwarded"))]
        if elements:
            fors, protos, hosts = ([one.get(name, "") for one in elements] for name in ("for", "proto", "host"))
            return self._peer(address, fors, protos, hosts)
        schemes, hosts = _listed(all_of("x-forwarded-proto")), _listed(all_of("x-forwarded-host"))
        return Peer(address, _scheme(schemes, 1), _host(hosts, 1))

    def _peer(self, address: str, hops: Sequence[str], schemes: Sequence[str], hosts: Sequence[str]) -> Peer:
        steps = 0
        for hop in reversed(hops):
            told = _hop(hop)
            if not told:
                break  # whoever said so is the last one who is known
            address, steps = told, steps + 1
            if not self.trusts(told):
                break
        return Peer(address, _scheme(schemes, steps), _host(hosts, steps))

    def _trusts(self, address: str) -> bool:
        try:
            found = _plain(ip_address(address))
        except ValueError:
            return False
        return any(found in network for network in self._trusted if network.version == found.version)


class _Renamed:
    """Headers with the host that a proxy was asked for."""

    def __init__(self, headers: Any, host: str) -> None:
        self._headers = headers
        self._host = host

    def __contains__(self, name: str) -> bool:
        return name == "host" or name in self._headers

    def keys(self) -> list[str]:
        return [name for name, _ in self.items()]

    def items(self) -> list[tuple[str, str]]:
        return [*((name, value) for name, value in self._headers.items() if name != "host"), ("host", self._host)]

    def get(self, name: str, default: Any = None) -> Any:
        return self._host if name == "host" else self._headers.get(name, default)


@lru_cache(4_096)
def address_of(client: str) -> str:
    """The address of `127.0.0.1:50000` or `[::1]:50000`; an IPv4 address in IPv6 clothes is told as such."""
    address = client.rpartition(":")[0].strip("[]")
    return str(_plain(IPv6Address(address))) if address.startswith("::ffff:") else address


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _listed(values: Sequence[str]) -> list[str]:
    """The last members of a header that may have come in several lines."""
    return [part.strip() for part in ",".join(values).rsplit(",", HOPS_MAX)[-HOPS_MAX:] if part.strip()]


def _pairs(element: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in _PAIR.finditer(element):
        found.setdefault(pair["name"].lower(), pair["quoted"] if pair["quoted"] is not None else pair["plain"])
    return found


def _hop(text: str) -> str:
    """The address that a proxy names, with or without a port; "" for one that it hides or that is none."""
    for candidate in (text, text.rpartition(":")[0]):
        try:
            return str(_plain(ip_address(candidate.strip("[]"))))
        except ValueError:
            continue
    return ""


def _said(values: Sequence[str], steps: int) -> str:
    """What the proxy said that stands `steps` from the end; the first value if there are fewer: proxies behind it may
    have left one for all."""
    return values[max(0, len(values) - max(1, steps))] if values else ""


def _scheme(values: Sequence[str], steps: int) -> str:
    said = _said(values, steps).lower()
    return said if said in ("http", "https") else ""


def _host(values: Sequence[str], steps: int) -> str:
    said = _said(values, steps)
    return said if _HOST.fullmatch(said) else ""
