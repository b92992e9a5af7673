"""A bundle for whoever helps with a server: what it is, how it is set, how it does, and what it warned of lately.

No secret is in it (settings that are secret are told as set or not, addresses without credentials, log lines as the
scrubber leaves them), and nothing of what is recorded in history.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping, Sequence

import msgspec

from app import clock, exposition, logs
from app.api.services import Services
from app.api.shapes.system import SystemResponse

README = b"""Diagnostics of an Ironflow server.

system.json      the node that answered, its store, its requests
settings.json    how it was started; secrets are told as set or not set
nodes.json       the nodes that serve the store
metrics.txt      what GET /metrics tells
migrations.json  how far the schema of the store is
warnings.txt     its last warnings and errors, oldest first

No secret is in it, and nothing of what is recorded in history. Names of functions, and addresses, may be in warnings.
"""


def name_at(now: int) -> str:
    """Of the file that is made at an instant."""
    return f"ironflow-diagnostics-{clock.rfc3339(now)[:19].replace(':', '')}Z.tar.gz"


def bundle(services: Services, about: SystemResponse, applied: Sequence[tuple[int, str]], now: int) -> bytes:
    """The bundle as a .tar.gz."""
    files: Mapping[str, bytes] = {
        "README.txt": README,
        "system.json": _json(about),
        "settings.json": _json(services.settings),
        "nodes.json": _json(
            [
                {"id": row.id, "version": row.version, "started_at": clock.rfc3339(row.started_at)}
                for row in services.nodes.listed()
            ]
        ),
        "metrics.txt": exposition.exposition(services.metrics),
        "migrations.json": _json([{"number": number, "name": name} for number, name in applied]),
        "warnings.txt": "".join(f"{line}\n" for line in logs.recent()).encode(),
    }
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(f"ironflow-diagnostics/{name}")
            info.size, info.mtime, info.mode = len(content), now // 1_000_000, 0o600
            archive.addfile(info, io.BytesIO(content))
    return written.getvalue()


def _json(content: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"
