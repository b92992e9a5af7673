"""The first key: made at the first start for whoever can read the data directory, which is whoever may do everything
anyway. The command line and SDKs on this machine find it through the discovery file.

A key that was revoked is not made again while its file is there; who deletes the file wants another.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import structlog

from app.access.access import Access
from app.access.actor import Actor
from app.access.platform import FIRST_ROLES as ROLES
from app.access.users import ADMIN_EMAIL
from app.errors import Unauthenticated

log = structlog.get_logger(__name__)

FILE = ".ironflow_bootstrap_key.json"
FILE_BYTES_MAX = 4_096

SYSTEM = Actor(id="system", kind="bootstrap", roles=ROLES, permissions=frozenset(("*",)))


class KeyFileUnreadable(Exception):
    """The file of the bootstrap key is there and has none in it."""

    code = "BOOTSTRAP_KEY_UNREADABLE"
    hint = "delete it, and the next start makes another key"


async def key_of(access: Access, path: Path) -> str:
    """The key of the file, which is made, and an administrator with it, if there is none; "" if the key of the file
    no longer counts. Raises KeyFileUnreadable."""
    if not path.exists():  # noqa: ASYNC240 - a moment, before anything is served
        issued = await access.keys.bootstrap(SYSTEM, ROLES)
        _write(path, {"key": issued.secret, "id": issued.key.id})
        if access.users.named(ADMIN_EMAIL) is None:
            await access.users.create(SYSTEM, ADMIN_EMAIL, "", name="Administrator", roles=ROLES)
        return issued.secret
    secret = _read(path)
    try:
        access.credentials.of_token(secret)
    except Unauthenticated:
        log.warning("the bootstrap key was revoked", file=str(path), hint="delete the file for another at next start")
        return ""
    return secret


def sign_in_link(access: Access, url: str) -> str:
    """A link that signs its bearer in as the administrator, once. The token is in the fragment, which browsers send to
    nobody, so that it is in no log."""
    user = access.users.named(ADMIN_EMAIL)
    return f"{url}/login#token={access.sessions.link(user)}" if user is not None else ""


def _read(path: Path) -> str:
    try:
        told = json.loads(path.read_bytes()[:FILE_BYTES_MAX])
        return str(told["key"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KeyFileUnreadable(f"{path} cannot be read: {error}") from None


def _write(path: Path, content: dict[str, str]) -> None:
    """Whole or not at all, and for the owner only from the first byte."""
    scratch = path.with_suffix(".tmp")
    scratch.unlink(missing_ok=True)
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
