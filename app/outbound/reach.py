"""Which addresses may be dialled for a user (SSRF): the public ones, and what the operator allows besides.

    metadata services, "this host", multicast, reserved      never
    loopback, private, link-local, shared, documentation …   if a range that the operator allows holds them
    everything else                                          yes

The address that is dialled is judged, not the name it came from. An IPv4 address in IPv6 clothes (mapped, compatible,
NAT64, 6to4) is judged as the IPv4 address it leads to. The lists are those of the IANA special-purpose address
registries, written out so that they do not depend on the Python that runs us.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
METADATA_NAMES = frozenset(("metadata.google.internal", "instance-data.ec2.internal"))


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


_METADATA = _networks(
    "169.254.169.254/32",  # nearly every cloud
    "169.254.169.253/32",  # AWS, its resolver
    "169.254.170.2/32",  # AWS, credentials of containers
    "169.254.170.23/32",  # AWS, the same for EKS
    "100.100.100.200/32",  # Alibaba
    "168.63.129.16/32",  # Azure
    "192.0.0.192/32",  # Oracle
    "fd00:ec2::/32",
    "fd20:ce::254/128",  # Google
)
_NEVER = _networks("0.0.0.0/8", "224.0.0.0/4", "240.0.0.0/4", "::/128", "ff00::/8")
_LOCAL = _networks(
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "2001::/23",
    "2001:db8::/32",
    "3fff::/20",
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_MAPPED = IPv6Network("::ffff:0:0/96")
_COMPATIBLE = IPv6Network("::/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_6TO4 = IPv6Network("2002::/16")


class Reach:
    """What may be dialled: public addresses, and those in `allow`. `own_ports` of this machine are the server's own and
    are never dialled, though loopback be allowed; more may be added to it."""

    def __init__(self, allow: Iterable[Network] = (), *, own_ports: Container[int] = ()) -> None:
        self._allow = tuple(allow)
        self._own_ports = own_ports

    def refusal(self, address: str, port: int) -> str:
        """Why the address must not be dialled, "" if it may be."""
        try:
            dialled = ip_address(address)
        except ValueError:
            return f"{address!r} is not an address"
        meant = _meant(dialled)
        if _within(meant, _METADATA) or _within(dialled, _METADATA):
            return f"{address} is a metadata service"
        if _within(meant, _NEVER):
            return f"{address} is no address of one machine"
        if port in self._own_ports and _within(meant, LOOPBACK):
            return f"{address}:{port} is this server itself"
        if _within(meant, self._allow):
            return ""
        if _within(meant, _LOCAL) or (isinstance(meant, IPv6Address) and meant not in _GLOBAL_UNICAST):
            return f"{address} is not a public address"
        return ""


def networks(text: str) -> tuple[Network, ...]:
    """The ranges of a list such as `10.0.0.0/8, ::1`. Raises ValueError saying which is none."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def _meant(address: Address) -> Address:
    """The IPv4 address that an IPv6 one leads to, or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    number = int(address)
    if address in _6TO4:
        return IPv4Address(number >> 80 & 0xFFFF_FFFF)
    if address in _MAPPED or address in _NAT64 or (address in _COMPATIBLE and number > 1):
        return IPv4Address(number & 0xFFFF_FFFF)
    return address


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks if network.version == address.version)
