"""Where the product's own data lies: beside the source in a checkout, inside the executable when frozen."""

from __future__ import annotations

import shutil
import sys
import sysconfig
from pathlib import Path

VERSION = "0.1.0"


class ResourceMissing(Exception):
    """Something that ships with the product is not there."""


def root() -> Path:
    """The folder that holds sql/ and static/."""
    frozen = getattr(sys, "_MEIPASS", None)
    return Path(frozen) if frozen else Path(__file__).resolve().parents[1]


def sql_folder() -> Path:
    return root() / "sql"


def nats_server() -> Path:
    """The nats-server executable. Raises ResourceMissing."""
    if getattr(sys, "frozen", False):
        inside = root() / "bin" / "nats-server"
        if inside.exists():
            return inside
        raise ResourceMissing(f"nats-server is not in this executable ({inside}); build it again, or give --nats-url")
    beside = Path(sysconfig.get_path("scripts")) / "nats-server"
    if beside.exists():
        return beside
    found = shutil.which("nats-server")
    if found is None:
        raise ResourceMissing("nats-server is not installed; run `make setup`, or give --nats-url")
    return Path(found)
