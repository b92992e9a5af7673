"""Envelope encryption: a master key wraps a data key an environment, which encrypts the values of its secrets.

AES-256-GCM (NIST SP 800-38D) throughout, with random nonces of 96 bits. A value is bound to where it belongs: its
environment, name and revision are the associated data, so that a row moved elsewhere does not decrypt.

Master keys come from a source, the one in use first and older ones after it. Changing it re-wraps the data keys, a few
rows, and leaves every value as it is.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec
import structlog

from app.errors import FailedPrecondition, Internal
from storage.records import DataKeyRow

log = structlog.get_logger(__name__)

VARIABLE = "IRONFLOW_MASTER_KEY"
FILE = "master.key"
KEY_BYTES = 32
NONCE_BYTES = 12

_encode = msgspec.msgpack.Encoder().encode


class BadMasterKey(Exception):
    """A master key that cannot be used; never says the key."""

    code = "BAD_MASTER_KEY"

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class MasterKeys(Protocol):
    """Where master keys come from. Keys are in order: the one in use, then older ones that may still be needed."""

    def load(self, *, create: bool = False) -> Sequence[bytes]:
        """All of them; without `create` perhaps none. Raises FailedPrecondition, BadMasterKey."""
        ...

    def advance(self) -> Sequence[bytes]:
        """A new one in front, the others still there. Raises FailedPrecondition if that is for somebody else to do."""
        ...

    def retire(self) -> None:
        """Older ones are no longer needed."""
        ...


class GivenKeys:
    """Keys from the environment: whoever starts the server changes them."""

    def __init__(self, keys: Sequence[bytes], *, where: str = VARIABLE) -> None:
        self._keys = list(keys)
        self._where = where

    def load(self, *, create: bool = False) -> Sequence[bytes]:
        if create and not self._keys:
            raise FailedPrecondition("there is no master key", hint=f"set {self._where}")
        return self._keys

    def advance(self) -> Sequence[bytes]:
        if len(self._keys) < 2:
            raise FailedPrecondition(
                f"the master key comes from {self._where}, and no older one is there",
                hint=f"start the server with {self._where}=NEW,OLD and rotate then; afterwards OLD can go",
            )
        return self._keys

    def retire(self) -> None:
        log.info("older master keys are no longer needed", remove_from=self._where)


class FileKeys:
    """Keys in a file that only we may read, one a line. The first one is made when it is needed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self, *, create: bool = False) -> Sequence[bytes]:
        try:
            if self._path.stat().st_mode & 0o077:
                log.warning("others may read the master key", mend=f"chmod 600 {self._path}")
            return parse(self._path.read_text("utf-8").split(), where=str(self._path))
        except FileNotFoundError:
            if not create:
                return ()
        except OSError as error:
            raise BadMasterKey(
                f"the master key at {self._path} cannot be read: {error.strerror}", hint="check its owner and mode"
            ) from None
        made = [secrets.token_bytes(KEY_BYTES)]
        self._write(made, new=True)
        log.warning(
            "made a master key for secrets: without it they cannot be read, so keep a copy elsewhere",
            path=str(self._path),
        )
        return self.load()

    def advance(self) -> Sequence[bytes]:
        known = self.load(create=True)
        if len(known) < 2:  # with two, an interrupted rotation or a person has put the new one there
            self._write([secrets.token_bytes(KEY_BYTES), *known])
        return self.load()

    def retire(self) -> None:
        self._write(self.load()[:1])

    def _write(self, keys: Sequence[bytes], *, new: bool = False) -> None:
        """Replace the file as a whole, durably. A `new` one does not replace what another process made meanwhile."""
        scratch = self._path.with_name(f"{self._path.name}.{secrets.token_hex(4)}")
        file = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(file, "w") as opened:
                opened.write("".join(f"{key.hex()}\n" for key in keys))
                opened.flush()
                os.fsync(opened.fileno())
            if new:
                try:
                    os.link(scratch, self._path)
                except FileExistsError:
                    return
            else:
                scratch.replace(self._path)
        finally:
            scratch.unlink(missing_ok=True)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def master_keys(data_dir: Path, file: str, environment: Mapping[str, str]) -> MasterKeys:
    """The source that is set up: the environment, a named file, or one in the data directory. Raises BadMasterKey."""
    if environment.get(VARIABLE):
        return GivenKeys(parse(environment[VARIABLE].replace(",", " ").split(), where=VARIABLE))
    source = FileKeys(Path(file) if file else data_dir / FILE)
    source.load()
    return source


def parse(texts: Sequence[str], *, where: str) -> list[bytes]:
    """Keys of 32 bytes, each as 64 hexadecimal digits or in base64. Raises BadMasterKey."""
    keys = []
    for text in texts:
        try:
            key = bytes.fromhex(text) if len(text) == 2 * KEY_BYTES else base64.b64decode(text, validate=True)
        except (ValueError, binascii.Error):
            key = b""
        if len(key) != KEY_BYTES:
            raise BadMasterKey(
                f"{where} is not a master key", hint="32 bytes as 64 hexadecimal digits: openssl rand -hex 32"
            )
        keys.append(key)
    return keys


def key_id(key: bytes) -> str:
    """What tells master keys apart; says nothing about the key."""
    return hashlib.sha256(b"ironflow master key id\0" + key).hexdigest()[:16]


def seal(key: bytes, plain: bytes, *where: object) -> tuple[bytes, bytes]:
    """A nonce and the ciphertext, bound to `where` it belongs."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce, _cipher(key).encrypt(nonce, plain, _encode(where))


def unseal(key: bytes, nonce: bytes, ciphertext: bytes, *where: object) -> bytes:
    """What was sealed. Raises Internal when key, place or ciphertext are not those of then."""
    from cryptography.exceptions import InvalidTag

    try:
        plain: bytes = _cipher(key).decrypt(nonce, ciphertext, _encode(where))
    except InvalidTag:
        raise Internal(
            "a secret cannot be decrypted: it was changed, or moved from elsewhere", hint="set its value again"
        ) from None
    return plain


def wrap(master: bytes, data_key: bytes, environment: str, created_at: int) -> DataKeyRow:
    """The data key of an environment, wrapped."""
    nonce, wrapped = seal(master, data_key, "data key", environment)
    return DataKeyRow(environment, key_id(master), nonce, wrapped, created_at)


def unwrap(masters: Sequence[bytes], row: DataKeyRow) -> bytes:
    """The data key. Raises FailedPrecondition when the master key that wraps it is not there."""
    for master in masters:
        if key_id(master) == row.master_id:
            return unseal(master, row.nonce, row.wrapped, "data key", row.environment)
    raise FailedPrecondition(
        f"secrets of environment {row.environment!r} need master key {row.master_id}, which is not there",
        hint=f"give it to the server in {VARIABLE} or in the master key file",
    )


def _cipher(key: bytes) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)
