"""Finding the server: what is given, else the environment, else a local server's file, else the default."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from ironflow.errors import InvalidArgument

log = logging.getLogger("ironflow")

DEFAULT_URL = "http://127.0.0.1:9123"
DEFAULT_GRPC_PORT = 9124
DISCOVERY_FILE = Path(".ironflow") / "engine.json"
DISCOVERY_BYTES_MAX = 64 * 1024
LOOPBACK = frozenset(("127.0.0.1", "localhost", "::1"))


@dataclass(frozen=True, slots=True)
class Server:
    """Where the server is. An empty `grpc_address` has to be asked of it."""

    url: str
    grpc_address: str = ""
    api_key: str = field(default="", repr=False)
    environment: str = "default"

    @property
    def is_local(self) -> bool:
        return urlsplit(self.url).hostname in LOOPBACK


def find(
    url: str | None = None,
    *,
    api_key: str | None = None,
    environment: str | None = None,
    grpc_address: str | None = None,
) -> Server:
    """The server to talk to. The discovery file counts only when neither url nor key is set anywhere else.

    Raises InvalidArgument for an address, a key or an environment that cannot be one.
    """
    env = os.environ
    url = url or env.get("IRONFLOW_SERVER_URL")
    api_key = api_key or env.get("IRONFLOW_API_KEY", "")
    grpc_address = grpc_address or env.get("IRONFLOW_GRPC_ADDRESS", "")
    environment = environment or env.get("IRONFLOW_ENV", "")
    if not (url or api_key) and env.get("IRONFLOW_NO_DISCOVERY", "") in ("", "0", "false"):
        found = _discovered()
        if found is not None:
            environment = _environment(environment or found.environment)
            return Server(found.url, grpc_address or found.grpc_address, _key(found.api_key), environment)
    return Server(_address(url or DEFAULT_URL), grpc_address, _key(api_key), _environment(environment))


def _address(url: str) -> str:
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise InvalidArgument(
            f"{url!r} is not a server's address", code="INVALID_ARGUMENT", hint=f"write it as {DEFAULT_URL}"
        )
    return url.rstrip("/")


def _key(api_key: str) -> str:
    """Checked here, because the libraries below would show a key that they cannot send."""
    if not api_key.isascii() or not api_key.isprintable() or " " in api_key:
        raise InvalidArgument(
            "the API key has characters that no key has", code="INVALID_ARGUMENT", hint="was it cut and pasted whole?"
        )
    return api_key


def _environment(name: str) -> str:
    """It travels in a header."""
    try:
        name.encode("ascii")
    except UnicodeEncodeError as error:
        raise InvalidArgument(
            f"there can be no environment {name!r}",
            code="INVALID_ARGUMENT",
            hint="`ironflow env list` names those there are",
        ) from error
    return name or "default"


def _discovered() -> Server | None:
    """What the discovery file in IRONFLOW_DATA_DIR says, else the nearest one from the working directory upwards; None
    if it is not usable."""
    if data_dir := os.environ.get("IRONFLOW_DATA_DIR"):
        path = Path(data_dir) / DISCOVERY_FILE.name
        return _read(path) if path.is_file() else None
    try:
        here = Path.cwd()
    except OSError:  # the directory is gone
        return None
    for folder in (here, *here.parents):
        path = folder / DISCOVERY_FILE
        if path.is_file():
            return _read(path)
    return None


def _read(path: Path) -> Server | None:
    try:
        with path.open("rb") as file:
            raw = file.read(DISCOVERY_BYTES_MAX + 1)
        if len(raw) > DISCOVERY_BYTES_MAX:
            raise ValueError("it is too large")
        told = json.loads(raw)
        url, grpc_address = str(told["url"]).rstrip("/"), str(told.get("grpc_address") or "")
        if told["version"] != 1:
            raise ValueError(f"version {told['version']!r} is not known")
        if urlsplit(url).scheme not in ("http", "https") or urlsplit(url).hostname not in LOOPBACK:
            raise ValueError(f"{url!r} is not on this machine")
        if grpc_address and urlsplit(f"//{grpc_address}").hostname not in LOOPBACK:
            raise ValueError(f"{grpc_address!r} is not on this machine")
        return Server(url, grpc_address, str(told.get("api_key") or ""), str(told.get("environment") or ""))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        log.warning("%s is not used: %s", path, error)
        return None
