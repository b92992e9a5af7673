"""Finding the server: what is given, else the environment, else a local server's file, else the default."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

DEFAULT_URL = "http://127.0.0.1:9123"
DISCOVERY_FILE = Path(".ironflow") / "engine.json"
DISCOVERY_BYTES_MAX = 64 * 1024
LOOPBACK = frozenset(("127.0.0.1", "localhost", "::1"))


@dataclass(frozen=True, slots=True)
class Server:
    """Where the server is. An empty `grpc_address` has to be asked of it."""

    url: str
    grpc_address: str = ""
    api_key: str = ""
    environment: str = "default"


def find(
    url: str | None = None,
    *,
    api_key: str | None = None,
    environment: str | None = None,
    grpc_address: str | None = None,
) -> Server:
    """The server to talk to. The discovery file counts only when neither url nor key is set anywhere else."""
    env = os.environ
    url = url or env.get("IRONFLOW_SERVER_URL")
    api_key = api_key or env.get("IRONFLOW_API_KEY", "")
    grpc_address = grpc_address or env.get("IRONFLOW_GRPC_ADDRESS", "")
    environment = environment or env.get("IRONFLOW_ENV") or ""
    found = None if url or api_key or env.get("IRONFLOW_NO_DISCOVERY") else _discovered()
    if found is not None:
        return Server(
            found.url, grpc_address or found.grpc_address, found.api_key, environment or found.environment or "default"
        )
    return Server((url or DEFAULT_URL).rstrip("/"), grpc_address, api_key, environment or "default")


def _discovered() -> Server | None:
    """What the nearest discovery file says, from the working directory upwards; None if it is not usable."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        path = folder / DISCOVERY_FILE
        if path.is_file():
            return _read(path)
    return None


def _read(path: Path) -> Server | None:
    try:
        if path.stat().st_size > DISCOVERY_BYTES_MAX:
            return None
        told = json.loads(path.read_text("utf-8"))
        split = urlsplit(told["url"])
        if told["version"] != 1 or split.scheme != "http" or split.hostname not in LOOPBACK:
            return None
        return Server(
            str(told["url"]).rstrip("/"),
            str(told.get("grpc_address", "")),
            str(told.get("api_key", "")),
            str(told.get("environment", "")),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
