"""URLs that users register for us to call: parsed strictly, so that what was checked is what is dialled."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

import msgspec

from app.errors import InvalidArgument
from app.outbound.reach import METADATA_NAMES, Reach

CHARS_MAX = 2_048
DEFAULT_PORTS = {"http": 80, "https": 443}

_PRINTABLE = re.compile(r"[!-~]+")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_HINT = "give an absolute URL such as https://example.com/api/ironflow"


class Url(msgspec.Struct, frozen=True):
    """`host` is lower case, without brackets; `authority` is the Host header, `target` the path and query."""

    secure: bool
    host: str
    port: int
    authority: str
    target: str

    @property
    def address(self) -> str:
        """The host, if it is an address and not a name, else ""."""
        return self.host if ":" in self.host or _NUMBER.fullmatch(self.host.rpartition(".")[2]) else ""


def parse(text: str, *, field: str) -> Url:
    """The parts of an http or https URL. Raises InvalidArgument naming the field."""

    def refused(reason: str, hint: str = _HINT) -> InvalidArgument:
        return InvalidArgument(f"{field} {text[:200]!r} {reason}", field=field, hint=hint)

    if len(text) > CHARS_MAX:
        raise refused(f"has more than {CHARS_MAX} characters")
    if not _PRINTABLE.fullmatch(text) or "\\" in text:
        raise refused(
            "has spaces, backslashes or letters beyond ASCII", "percent-encode the path, write xn-- for names"
        )
    try:
        split = urlsplit(text)
        port = split.port
    except ValueError as error:
        raise refused(f"is not a URL: {error}") from None
    if split.scheme not in DEFAULT_PORTS:
        raise refused("is neither http nor https")
    if "@" in split.netloc:
        raise refused("carries a user name or a password", "leave it out; requests are signed instead")
    if "#" in text:
        raise refused("has a fragment", "leave out what begins with #")
    host = (split.hostname or "").removesuffix(".")
    if not _is_host(host, bracketed="[" in split.netloc):
        raise refused("has no usable host", "a name, a dotted IPv4 address, or an IPv6 address in brackets")
    if port == 0 or split.netloc.endswith(":"):
        raise refused("has no usable port", "1 to 65535, or none")
    shown = f"[{host}]" if ":" in host else host
    return Url(
        secure=split.scheme == "https",
        host=host,
        port=port or DEFAULT_PORTS[split.scheme],
        authority=shown if port in (None, DEFAULT_PORTS[split.scheme]) else f"{shown}:{port}",
        target=(split.path or "/") + (f"?{split.query}" if split.query else ""),
    )


def check(text: str, reach: Reach, *, field: str) -> Url:
    """As `parse`, and refuses what can be seen to lead where it must not; names are judged when they are resolved."""
    url = parse(text, field=field)
    address = url.address or ("127.0.0.1" if url.host == "localhost" or url.host.endswith(".localhost") else "")
    reason = reach.refusal(address, url.port) if address else ""
    if url.host in METADATA_NAMES:
        reason = f"{url.host} is a metadata service"
    if reason:
        raise InvalidArgument(
            f"{field} {text[:200]!r}: {reason}",
            field=field,
            hint="the server calls public addresses; --push-allow lists ranges that it may call besides",
        )
    return url


def _is_host(host: str, *, bracketed: bool) -> bool:
    if bracketed:
        return "%" not in host and _parses(IPv6Address, host)
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):  # as browsers do: what ends in a number is an IPv4 address, or nothing
        return _parses(IPv4Address, host)
    return len(host) <= 253 and all(map(_LABEL.fullmatch, labels))


def _parses(kind: type[IPv4Address | IPv6Address], text: str) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return True
