"""Secrets as they are used: values go in, and come out only for the functions that declare them (`resolve`).

A value is encrypted and stored first, then the entry that refers to it is recorded; what no entry refers to is removed.
So history never holds a value, and never refers to one that is not there.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import structlog

from app.clock import Clock
from app.errors import Conflict, FailedPrecondition, InvalidArgument, IronflowError
from app.history.committer import Command, Committer, Decision
from app.history.entry import Draft, Entry
from app.history.kinds import Fact, SecretCreated, SecretDeleted, SecretUpdated
from app.values import keyring, secrets
from app.values.keyring import MasterKeys
from app.values.scrub import Scrubber
from app.values.secrets import Secret
from storage import history
from storage import secrets as rows
from storage.contract import Storage, Transaction
from storage.records import SecretRow, SecretValueRow

log = structlog.get_logger(__name__)

ATTEMPTS = 10
RESOLVED_MAX = 200
ORPHAN_AGE_US = 3_600_000_000


class Rotation(msgspec.Struct, frozen=True):
    """Which master key is in use from then on, and how many environments' keys it wraps."""

    master_id: str
    environments: int


class _Moved(Conflict):
    """Somebody else changed the secret since it was looked at."""


class Vault:
    def __init__(self, *, storage: Storage, committer: Committer, clock: Clock, master_keys: MasterKeys) -> None:
        self.scrubber = Scrubber()
        self._storage = storage
        self._committer = committer
        self._clock = clock
        self._master_keys = master_keys
        self._data_keys: dict[str, bytes] = {}

    async def start(self) -> None:
        """Remove values that an interrupted change left behind."""
        now = self._clock.now_us()
        await self._storage.write(lambda tx: rows.sweep_values(tx, before=now - ORPHAN_AGE_US, now=now))

    # For people and programs: nothing of this gives a value.

    async def create(
        self, environment: str, name: str, value: str, *, description: str = "", actor: str = ""
    ) -> SecretRow:
        """Raises AlreadyExists, InvalidArgument, PayloadTooLarge."""
        _check(name, value, description)

        def facts(known: Secret | None, value_id: str, revision: int) -> Sequence[Fact]:
            secrets.absent(known, name)
            return [SecretCreated(value_id, revision, description)]

        return await self._store(environment, name, value, facts, actor)

    async def update(
        self, environment: str, name: str, value: str, *, description: str | None = None, actor: str = ""
    ) -> SecretRow:
        """A new value, and a new description if one is given. Raises SecretNotFound, InvalidArgument."""
        _check(name, value, description or "")

        def facts(known: Secret | None, value_id: str, revision: int) -> Sequence[Fact]:
            there = secrets.existing(known, name)
            told = there.description if description is None else description
            return [SecretUpdated(value_id, revision, there.created_at, told)]

        return await self._store(environment, name, value, facts, actor)

    async def describe(self, environment: str, name: str, description: str, *, actor: str = "") -> SecretRow:
        """Raises SecretNotFound, InvalidArgument."""
        secrets.check_name(name)
        secrets.check_description(description)

        def decide(states: Mapping[str, Any], now: int) -> Decision:
            there = secrets.existing(states[secrets.stream(name)], name)
            fact = SecretUpdated(there.value_id, there.revision, there.created_at, description)
            return Decision([Draft(secrets.stream(name), fact, actor=actor)])

        await self._committer.commit(Command(environment, (secrets.stream(name),), decide))
        return await self.get(environment, name)

    async def rename(
        self, environment: str, name: str, to: str, *, description: str | None = None, actor: str = ""
    ) -> SecretRow:
        """The value under another name, encrypted anew for it. Raises SecretNotFound, AlreadyExists."""
        secrets.check_name(name)
        before = await self.get(environment, name)
        value = (await self.resolve(environment, [name]))[name]
        told = before.description if description is None else description
        _check(to, value, told)

        def facts(known: Secret | None, value_id: str, revision: int) -> Sequence[Fact]:
            secrets.absent(known, to)
            return [SecretCreated(value_id, revision, told, renamed_from=name)]

        return await self._store(environment, to, value, facts, actor, leaving=before)

    async def delete(self, environment: str, name: str, *, actor: str = "") -> None:
        """The value is destroyed. Raises SecretNotFound."""
        secrets.check_name(name)

        def decide(states: Mapping[str, Any], now: int) -> Decision:
            there = secrets.existing(states[secrets.stream(name)], name)
            return Decision([Draft(secrets.stream(name), SecretDeleted(there.revision), actor=actor)], there.value_id)

        value_id: str = await self._committer.commit(Command(environment, (secrets.stream(name),), decide))
        await self._storage.write(lambda tx: rows.remove_value(tx, value_id))

    async def get(self, environment: str, name: str) -> SecretRow:
        """Raises SecretNotFound."""
        secrets.check_name(name)
        row = await self._storage.read(lambda tx: rows.get(tx, environment, name))
        if row is None:
            raise secrets.not_found(name)
        return row

    async def list(self, environment: str) -> Sequence[SecretRow]:
        """By name."""
        return await self._storage.read(lambda tx: list(rows.of_environment(tx, environment)))

    async def rotate_key(self) -> Rotation:
        """Wrap every environment's key with a new master key; values and readers are not touched. Raises
        FailedPrecondition when the master key is not ours to change, or one that is needed is not there."""
        masters = await asyncio.to_thread(self._master_keys.advance)

        def rewrap(tx: Transaction) -> int:
            known = rows.data_keys(tx)
            for row in known:
                data_key = keyring.unwrap(masters, row)
                rows.rewrap(tx, keyring.wrap(masters[0], data_key, row.environment, row.created_at))
            return len(known)

        count = await self._storage.write(rewrap)
        await asyncio.to_thread(self._master_keys.retire)
        rotation = Rotation(keyring.key_id(masters[0]), count)
        log.info("master key rotated", master_key=rotation.master_id, environments=count)
        return rotation

    # For dispatch.

    async def resolve(self, environment: str, names: Sequence[str], *, all_of_them: bool = True) -> Mapping[str, str]:
        """The values of the named secrets, all of one moment, for the job of a function that declares them. The
        scrubber knows them from then on. Raises SecretNotFound naming those that are missing, unless not
        `all_of_them` are needed; InvalidArgument for what is no name, FailedPrecondition without the master key."""
        if len(names) > RESOLVED_MAX:
            raise InvalidArgument(f"{len(names)} secrets are too many", field="secrets", hint=f"at most {RESOLVED_MAX}")

        for name in names:
            secrets.check_name(name)

        def read(tx: Transaction) -> list[SecretValueRow | None]:
            found = (rows.get(tx, environment, name) for name in names)
            return [rows.value(tx, row.value_id) if row else None for row in found]

        sealed = await self._storage.read(read)
        missing = [name for name, row in zip(names, sealed, strict=True) if row is None]
        if missing and all_of_them:
            raise secrets.not_found(*missing)
        resolved: dict[str, str] = {}
        for row in sealed:
            if row is None:
                continue
            data_key = await self._data_key(environment)
            plain = keyring.unseal(data_key, row.nonce, row.ciphertext, environment, row.name, row.revision).decode()
            resolved[row.name] = plain
            self.scrubber.learn(row.name, plain)
        return resolved

    # For other nouns, whose entries refer to values of their own: their names have a slash, as no secret's has.

    async def keep(self, environment: str, name: str, revision: int, value: str) -> str:
        """Encrypt and store a value; the id that an entry has to refer to within an hour."""
        self.scrubber.learn(name, value)
        data_key = await self._data_key(environment, create=True)
        nonce, ciphertext = keyring.seal(data_key, value.encode(), environment, name, revision)
        row = SecretValueRow(os.urandom(16).hex(), environment, name, revision, nonce, ciphertext, self._clock.now_us())
        await self._storage.write(lambda tx: rows.add_value(tx, row))
        return row.id

    async def reveal(self, sealed: SecretValueRow) -> str:
        """The value. Raises FailedPrecondition without the master key."""
        data_key = await self._data_key(sealed.environment)
        where = (sealed.environment, sealed.name, sealed.revision)
        plain = keyring.unseal(data_key, sealed.nonce, sealed.ciphertext, *where).decode()
        self.scrubber.learn(sealed.name, plain)
        return plain

    async def destroy(self, *value_ids: str) -> None:
        """Remove values that no entry refers to any more; ids that are empty are passed over."""
        await self._forget(*filter(None, value_ids))

    async def _store(
        self,
        environment: str,
        name: str,
        value: str,
        facts: Callable[[Secret | None, str, int], Sequence[Fact]],
        actor: str,
        *,
        leaving: SecretRow | None = None,
    ) -> SecretRow:
        """Encrypt and store the value, then record it; again, if the secret changed in between. `leaving` is the
        secret that becomes this one."""
        self.scrubber.learn(name, value)
        data_key = await self._data_key(environment, create=True)
        for _ in range(ATTEMPTS):
            known = await self._known(environment, name)
            value_id, revision = os.urandom(16).hex(), secrets.next_revision(known)
            facts(known, value_id, revision)  # refused before anything is stored
            nonce, ciphertext = keyring.seal(data_key, value.encode(), environment, name, revision)
            row = SecretValueRow(value_id, environment, name, revision, nonce, ciphertext, self._clock.now_us())
            await self._storage.write(lambda tx, row=row: rows.add_value(tx, row))  # type: ignore[misc]
            command = _command(environment, name, facts, row, known, leaving, actor)
            try:
                await self._committer.commit(command)
            except IronflowError as refused:
                await self._forget(value_id)
                if isinstance(refused, _Moved):
                    continue
                raise
            await self._forget(*(old.value_id for old in (known, leaving) if old and old.value_id))
            return await self._storage.read(lambda tx, row=row: _recorded(tx, row))  # type: ignore[misc]
        raise Conflict(f"secret {name!r} is changed by too many at once", hint="try again")

    async def _known(self, environment: str, name: str) -> Secret | None:
        last = await self._storage.read(lambda tx: history.last_of_stream(tx, environment, secrets.stream(name)))
        return secrets.SecretNoun().apply(None, Entry(last)) if last else None

    async def _forget(self, *value_ids: str) -> None:
        def remove(tx: Transaction) -> None:
            for value_id in value_ids:
                rows.remove_value(tx, value_id)

        if value_ids:
            await self._storage.write(remove)

    async def _data_key(self, environment: str, *, create: bool = False) -> bytes:
        """The key of an environment's values. Raises FailedPrecondition."""
        known = self._data_keys.get(environment)
        if known is not None:
            return known
        row = await self._storage.read(lambda tx: rows.data_key(tx, environment))
        masters = await asyncio.to_thread(lambda: self._master_keys.load(create=create and row is None))
        if row is None:
            if not create:
                raise FailedPrecondition(f"environment {environment!r} has no key for secrets", hint="set one first")
            made = keyring.wrap(masters[0], os.urandom(keyring.KEY_BYTES), environment, self._clock.now_us())
            await self._storage.write(lambda tx: rows.add_data_key(tx, made))
            row = await self._storage.read(lambda tx: rows.data_key(tx, environment))
            assert row is not None
        self._data_keys[environment] = keyring.unwrap(masters, row)
        return self._data_keys[environment]


def _command(
    environment: str,
    name: str,
    facts: Callable[[Secret | None, str, int], Sequence[Fact]],
    value: SecretValueRow,
    seen: Secret | None,
    leaving: SecretRow | None,
    actor: str,
) -> Command:
    where = secrets.stream(name)
    left = secrets.stream(leaving.name) if leaving else ""

    def decide(states: Mapping[str, Any], now: int) -> Decision:
        known: Secret | None = states[where]
        if (known.position if known else 0) != (seen.position if seen else 0):
            raise _Moved(f"secret {name!r} was changed at the same time")
        drafts = [Draft(where, fact, actor=actor) for fact in facts(known, value.id, value.revision)]
        if leaving is not None:
            there = secrets.existing(states[left], leaving.name)
            if there.value_id != leaving.value_id:
                raise Conflict(f"secret {leaving.name!r} was changed at the same time", hint="try again")
            drafts.append(Draft(left, SecretDeleted(there.revision, renamed_to=name), actor=actor))
        return Decision(drafts)

    return Command(environment, (where, left) if left else (where,), decide)


def _check(name: str, value: str, description: str) -> None:
    secrets.check_name(name)
    secrets.check_value(value)
    secrets.check_description(description)


def _recorded(tx: Transaction, value: SecretValueRow) -> SecretRow:
    """The secret as it was with that value, which another change may have replaced already."""
    row = rows.get(tx, value.environment, value.name)
    if row is not None and row.value_id == value.id:
        return row
    noun = secrets.SecretNoun()
    for record in history.whole_stream(tx, value.environment, secrets.stream(value.name)):
        known = noun.apply(None, Entry(record))
        if known.value_id == value.id:
            return secrets.row_of(known)
    raise AssertionError(f"the change of {value.name!r} that was committed is not in history")
