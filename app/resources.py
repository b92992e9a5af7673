"""Where the product's own data lies: beside the source in a checkout, inside the executable when frozen."""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # that of `typing` takes longer to load than the version to tell
if TYPE_CHECKING:
    from pathlib import Path

VERSION = "0.1.0"

DOCUMENTATION = (
    "docs/page.css",
    "docs/**/*.md",
    "docs/images/*.png",
    "*.md",
    "benchmarks/README.md",
    "examples/*/README.md",
)
"""Files of the repository that the server shows at /docs."""


class ResourceMissing(Exception):
    """Something that ships with the product is not there."""

    code = "RESOURCE_MISSING"
    hint = "build the executable again, or run `make setup` in a checkout"


def root() -> Path:
    """The folder that holds sql/, static/ and docs/."""
    from pathlib import Path

    frozen = getattr(sys, "_MEIPASS", None)
    return Path(frozen) if frozen else Path(__file__).resolve().parents[1]


def sql_folder() -> Path:
    return root() / "sql"


def licenses() -> Path:
    """The licences of what the executable is made of; there when frozen."""
    return root() / "licenses.txt"


def dashboard_folder() -> Path:
    """What `make ui` builds; in a checkout it may not be there yet."""
    return root() / "static" / "dist"


def nats_server() -> Path:
    """The nats-server executable. Raises ResourceMissing."""
    import shutil
    import sysconfig
    from pathlib import Path

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
