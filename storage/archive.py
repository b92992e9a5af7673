"""A backup as one file: a zip archive of parts, and a manifest, written last, that says what each of them has to be.

`unzip -l` lists it. What a part's bytes mean is the business of the store that wrote them.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

FORMAT = 1
MANIFEST = "manifest.json"
CHUNK_BYTES = 1 << 20
DEFLATE_LEVEL = 1

Write = Callable[[bytes], None]


class BackupDamaged(Exception):
    """A backup that is not what was written, or not one."""

    code = "BACKUP_DAMAGED"
    hint = "take another backup: nothing of this one was restored"


class BackupTooNew(Exception):
    """A backup of a later release."""

    code = "BACKUP_TOO_NEW"
    hint = "restore it with the release that it was made with, or a later one"


class NotEmpty(Exception):
    """There is data where a backup was to be restored."""

    code = "STORE_NOT_EMPTY"
    hint = "restore into a new --data-dir, or into a new, empty Postgres database"


class Manifest(NamedTuple):
    """What was backed up: history up to `position`, whose chain had `digest` there. `parts` are (bytes, SHA-256)."""

    dialect: str
    schema: int
    position: int
    digest: str
    version: str
    taken_at: str
    parts: dict[str, tuple[int, str]]


class Writer:
    """Use it within `writing`; `manifest` comes last."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.parts: dict[str, tuple[int, str]] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[Write]:
        """Takes the part's bytes, in order."""
        digest, size = hashlib.sha256(), 0
        with self._archive.open(name, "w", force_zip64=True) as file:

            def write(data: bytes) -> None:
                nonlocal size
                digest.update(data)
                size += len(data)
                file.write(data)

            yield write
        self.parts[name] = (size, digest.hexdigest())

    def manifest(self, content: Manifest) -> None:
        told = {"format": FORMAT, **content._asdict()}
        self._archive.writestr(MANIFEST, json.dumps(told, indent=1) + "\n")


@contextmanager
def writing(path: Path) -> Iterator[Writer]:
    """A new archive that only its owner can read; at `path` once it is complete and on disk, else nowhere.
    Raises FileExistsError."""
    if path.exists():
        raise FileExistsError(path)
    scratch = path.with_name(f".{path.name}.part")
    file = os.fdopen(os.open(scratch, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w+b")
    try:
        with file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=DEFLATE_LEVEL) as archive:
                yield Writer(archive)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


class Reader:
    def __init__(self, archive: zipfile.ZipFile, manifest: Manifest) -> None:
        self._archive = archive
        self.manifest = manifest

    def part(self, name: str) -> Iterator[bytes]:
        """Its bytes. Raises BackupDamaged at the end, or before, if they are not what the manifest says."""
        size, expected = self.manifest.parts[name]
        digest, seen = hashlib.sha256(), 0
        try:
            with self._archive.open(name) as file:
                for chunk in _chunks(file):
                    digest.update(chunk)
                    seen += len(chunk)
                    yield chunk
        except (zipfile.BadZipFile, KeyError, EOFError, OSError) as error:
            raise BackupDamaged(f"{name} cannot be read: {error}") from None
        if (seen, digest.hexdigest()) != (size, expected):
            raise BackupDamaged(f"{name} is not what was backed up")

    def check(self) -> None:
        """Reads everything. Raises BackupDamaged."""
        for name in self.manifest.parts:
            for _ in self.part(name):
                pass


@contextmanager
def reading(path: Path) -> Iterator[Reader]:
    """Raises BackupDamaged, BackupTooNew, OSError."""
    try:
        archive = zipfile.ZipFile(path)
        manifest = _manifest(json.loads(archive.read(MANIFEST)))
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, EOFError) as error:
        raise BackupDamaged(f"{path} is not a backup, or not all of it: {error}") from None
    with archive:
        yield Reader(archive, manifest)


def _manifest(told: Any) -> Manifest:
    if told.pop("format") > FORMAT:
        raise BackupTooNew(f"it was made by ironflow {told.get('version')}")
    parts = {str(name): (int(size), str(digest)) for name, (size, digest) in told.pop("parts").items()}
    return Manifest(**told, parts=parts)


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_BYTES):
        yield chunk
