"""A network of one's own: a loopback and nothing else (Linux)."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from pathlib import Path

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914
IFF_UP = 0x1


def leave() -> None:
    """From now on this thread, and all that it starts, reaches its own loopback only. Call it before there are threads.

    Raises OSError where neither root's rights nor a user namespace are to be had.
    """
    user, group = os.geteuid(), os.getegid()
    _unshare(CLONE_NEWNET if user == 0 else CLONE_NEWUSER | CLONE_NEWNET)
    if user != 0:
        # In a namespace of its own a user keeps the same number, and the right to switch the loopback on.
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def _unshare(flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)  # os.unshare came with Python 3.12
    if libc.unshare(flags) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"no network of its own: {os.strerror(number)}")
