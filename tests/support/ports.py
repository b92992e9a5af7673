"""Ports that stay free while the server that had them is being started again.

Not those that the system gives out (port 0): they are also what it gives to outgoing connections, so that while a
server is down another test's client may take its port, or the client that tries to reach it again connects to itself.
"""

from __future__ import annotations

import itertools
import os
import random
import socket
from pathlib import Path

_LOWEST = 10_000
_GIVEN_BY_SYSTEM = Path("/proc/sys/net/ipv4/ip_local_port_range")
_USUALLY_GIVEN = 32_768
_PROCESSES = 8  # of tests at once, each with ports of its own


def free_port() -> int:
    """One of 127.0.0.1 that nobody listens on, and that this process was not given before."""
    for port in _ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise AssertionError("unreachable: the ports go round")


def _own_range() -> range:
    """Of this process among those of pytest-xdist."""
    end = int(_GIVEN_BY_SYSTEM.read_text().split()[0]) if _GIVEN_BY_SYSTEM.exists() else _USUALLY_GIVEN
    size = (end - _LOWEST) // _PROCESSES
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _PROCESSES
    return range(_LOWEST + number * size, _LOWEST + (number + 1) * size)


_own = _own_range()
_ports = itertools.islice(itertools.cycle(_own), random.randrange(len(_own)), None)
