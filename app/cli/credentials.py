"""What `ironflow login` remembers: the token of a session for each server, readable by the user only.

    $XDG_CONFIG_HOME/ironflow/credentials.json (~/.config)   {"version": 1, "servers": {"https://…": {"token": "…"}}}

It counts where neither IRONFLOW_API_KEY nor a discovery file says otherwise.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def folder() -> Path:
    """Where what is a user's own stands."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")) / "ironflow"


def path() -> Path:
    return folder() / "credentials.json"


def token_for(url: str) -> str:
    """The token for a server; "" if nobody signed in there."""
    return str(_servers().get(url.rstrip("/"), {}).get("token", ""))


def remember(url: str, token: str) -> None:
    """Without a token: forget."""
    servers = _servers()
    servers.pop(url.rstrip("/"), None)
    if token:
        servers[url.rstrip("/")] = {"token": token}
    file = path()
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    scratch = file.with_suffix(".tmp")
    scratch.unlink(missing_ok=True)
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as written:
        json.dump({"version": 1, "servers": servers}, written)
    scratch.replace(file)


def _servers() -> dict[str, Any]:
    try:
        told = json.loads(path().read_bytes())
    except (OSError, ValueError):
        return {}
    found = told.get("servers") if isinstance(told, dict) else None
    return {url: one for url, one in found.items() if isinstance(one, dict)} if isinstance(found, dict) else {}
