"""A network of its own, behind one cable that can be cut: what is inside meets what a partition is made of, silence.

It takes Linux, iproute2, and the right to make network namespaces, which root in most containers does not have.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Self, TypeVar

T = TypeVar("T")

CLONE_NEWNET = 0x40000000
PATIENCE_S = 120.0
CABLE = "cable"
"""The end inside."""


class NotPermitted(Exception):
    """No networks can be made here; the message says why."""


class Island:
    """`outside` is the address at which what is on this side is reached from inside."""

    def __init__(self) -> None:
        self.name = f"ifl{os.getpid()}"
        block = os.getpid() % 16_000 * 4  # four addresses for each process that tests
        self.outside, self._inside = (f"10.213.{block // 256}.{block % 256 + one}" for one in (1, 2))
        self.command = ("ip", "netns", "exec", self.name)
        self._thread = ThreadPoolExecutor(1, initializer=self._enter)
        self._made = ExitStack()

    def __enter__(self) -> Self:
        """Raises NotPermitted."""
        if not (shutil.which("ip") and shutil.which("tc")):
            raise NotPermitted("there is no `ip` and `tc` (Debian: iproute2)")
        with self._made:
            _run("ip", "netns", "add", self.name)
            self._made.callback(_run, "ip", "netns", "delete", self.name)
            _run("ip", "link", "add", self.name, "type", "veth", "peer", "name", CABLE, "netns", self.name)
            self._made.callback(_run, "ip", "link", "delete", self.name)
            _run("ip", "address", "add", f"{self.outside}/30", "dev", self.name)
            _run("ip", "link", "set", self.name, "up")
            _run("ip", "-n", self.name, "address", "add", f"{self._inside}/30", "dev", CABLE)
            for one in ("lo", CABLE):
                _run("ip", "-n", self.name, "link", "set", one, "up")
            self._made = self._made.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()
        self._made.close()

    def cut(self) -> None:
        """From now on every packet is dropped, and nobody is told; of a link that is down, the kernel would tell."""
        for end in self._ends():
            _run(*end[0], "replace", *end[1], "root", "pfifo", "limit", "0")

    def mend(self) -> None:
        for end in self._ends():
            _run(*end[0], "delete", *end[1], "root")

    def inside(self, call: Callable[[], T]) -> T:
        """What it returns when it is called in there, by a thread."""
        return self._thread.submit(call).result(PATIENCE_S)

    def _ends(self) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
        return [(("tc", "qdisc"), ("dev", self.name)), (("tc", "-n", self.name, "qdisc"), ("dev", CABLE))]

    def _enter(self) -> None:
        with Path("/run/netns", self.name).open() as namespace:
            if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")


def _run(*command: str) -> None:
    shown = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    if shown.returncode:
        raise NotPermitted(f"{' '.join(command)}: {shown.stderr.strip()}")
