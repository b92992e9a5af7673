"""Who looks after us, and whom we look after: systemd is told how far we are, as its sd_notify(3) does, and nothing
where nobody listens; processes that we start as another of ours end when we do, however we end.
"""

from __future__ import annotations

import os
import signal
import socket
import sys

READY = "READY=1"
STOPPING = "STOPPING=1"

CHILD_ARGUMENT = "__child"
"""`ironflow __child PARENT ARGUMENTS` is `ironflow ARGUMENTS`, and ends with the process PARENT."""
PR_SET_PDEATHSIG = 1


def tell(state: str) -> None:
    """Best effort: who started us may have gone."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sending:
        try:
            sending.sendto(state.encode(), address.replace("@", "\0", 1) if address[0] == "@" else address)
        except OSError:
            return


def command() -> list[str]:
    """What `ironflow` is to a process that starts another, in a checkout and in the executable."""
    return [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "app"]


def variables() -> dict[str, str]:
    """The environment in which `command` finds what we found."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def end_with(parent: int) -> bool:
    """Have the kernel send us SIGTERM when that process, which started us, is gone; False if it is gone already."""
    import ctypes

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    return os.getppid() == parent
