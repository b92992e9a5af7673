"""Sources of webhooks: made, read, changed, paused and deleted; their secrets and tokens rotated.

A secret goes in and never comes out: it lies encrypted where secrets do, and only ingestion reads it. It is stored
before the entry that refers to it is recorded, and removed once no entry does. A token is told once, when it is made.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from app import clock as clocks
from app import texts
from app.clock import Clock
from app.errors import AlreadyExists, Conflict, FailedPrecondition, InvalidArgument, IronflowError
from app.history.committer import Command, Committer, Decision
from app.history.entry import Draft
from app.history.kinds import (
    Fact,
    WebhookCreated,
    WebhookDeleted,
    WebhookPaused,
    WebhookResumed,
    WebhookSecretExpired,
    WebhookSecretRotated,
    WebhookTokenRotated,
)
from app.ids import Ids
from app.values.vault import Vault
from app.webhooks import descriptor as descriptors
from app.webhooks.noun import ACTIVE, PAUSED, source_stream
from app.webhooks.source import GENERIC, Change, NewSource, check_secret, completed, decide_update, existing, not_found
from storage import webhooks as rows
from storage.contract import Storage, Transaction
from storage.webhooks import WebhookSourceRow

TOKEN_PREFIX = "ifwh_"
TOKEN_CHARS_TOLD = 9
GRACE_S_DEFAULT = 24 * 3_600
GRACE_S_MAX = 7 * 24 * 3_600


class Opened(msgspec.Struct, frozen=True):
    """A source and the token that was made for it now."""

    row: WebhookSourceRow
    token: str


class Sources:
    """`expected` is when a source must have been changed last (µs), or 0 for whenever: else Conflict."""

    def __init__(
        self,
        *,
        storage: Storage,
        committer: Committer,
        vault: Vault,
        ids: Ids,
        clock: Clock,
        grace_s: int = GRACE_S_DEFAULT,
    ) -> None:
        self._storage = storage
        self._committer = committer
        self._vault = vault
        self._ids = ids
        self._clock = clock
        self._grace_s = grace_s

    async def create(self, environment: str, new: NewSource, *, actor: str = "") -> Opened:
        """Raises InvalidArgument, AlreadyExists."""
        new = completed(new)
        await self._refuse_taken(environment, new.name)
        source_id, token = self._ids.webhook(), _token()
        secret_id = await self._kept(environment, source_id, 1, new.secret) if new.secret else ""
        fact = WebhookCreated(
            name=new.name,
            source_type=new.provider or GENERIC,
            event_prefix=new.event_prefix,
            descriptor=new.descriptor,
            token_hash=hash_of(token),
            token_prefix=token[:TOKEN_CHARS_TOLD],
            secret_id=secret_id,
            secret_revision=1 if secret_id else 0,
            schema_version=new.schema_version,
            metadata=msgspec.Raw(new.metadata),
        )
        where = source_stream(source_id)
        decision = Decision([Draft(where, fact, actor=actor)])
        try:
            await self._committer.commit(Command(environment, (), lambda states, now: decision, new=(where,)))
        except IronflowError:
            await self._vault.destroy(secret_id)
            raise
        return Opened(await self.get(environment, source_id), token)

    async def get(self, environment: str, source: str) -> WebhookSourceRow:
        """By id, or by a name that no other has. Raises WebhookNotFound, InvalidArgument."""
        texts.check(source, field="source")

        def read(tx: Transaction) -> Sequence[WebhookSourceRow]:
            found = rows.source(tx, environment, source)
            return [found] if found else rows.sources_named(tx, environment, source)

        found = await self._storage.read(read)
        if not found:
            raise not_found(source)
        if len(found) > 1:
            raise InvalidArgument(
                f"{len(found)} sources are called {source!r}",
                field="source",
                hint=f"give an id: {', '.join(row.id for row in found)}",
            )
        return found[0]

    async def list(self, environment: str) -> Sequence[WebhookSourceRow]:
        """In the order in which they were made."""
        return await self._storage.read(lambda tx: list(rows.sources_of(tx, environment)))

    async def update(
        self, environment: str, source: str, change: Change, *, expected: int = 0, actor: str = ""
    ) -> WebhookSourceRow:
        """Raises WebhookNotFound, InvalidArgument, AlreadyExists, Conflict."""
        row = await self.get(environment, source)
        if change.name not in (None, row.name):
            await self._refuse_taken(environment, str(change.name))

        def facts(known: WebhookSourceRow) -> Sequence[Fact]:
            return decide_update(known, change)

        return await self._change(environment, row.id, facts, expected, actor)

    async def pause(self, environment: str, source: str, *, reason: str = "", actor: str = "") -> WebhookSourceRow:
        """From now on deliveries are verified and held. A reason may be told later, when it is paused already. Raises
        WebhookNotFound, InvalidArgument."""
        return await self._steer(
            environment, source, PAUSED, WebhookPaused(texts.reason(reason)), actor, again=reason != ""
        )

    async def resume(self, environment: str, source: str, *, actor: str = "") -> WebhookSourceRow:
        """From now on deliveries are events again; those that were held wait to be replayed. Raises WebhookNotFound."""
        return await self._steer(environment, source, ACTIVE, WebhookResumed(), actor)

    async def delete(self, environment: str, source: str, *, actor: str = "") -> None:
        """Its URL is gone at once, its deliveries can still be read. Raises WebhookNotFound."""
        row = await self.get(environment, source)
        gone = await self._change(environment, row.id, lambda known: [WebhookDeleted()], 0, actor)
        await self._vault.destroy(gone.secret_id, gone.previous_secret_id)

    async def rotate_secret(
        self,
        environment: str,
        source: str,
        secret: str,
        *,
        grace_s: int | None = None,
        expected: int = 0,
        actor: str = "",
    ) -> WebhookSourceRow:
        """A new secret, beside which the one before counts for a while. Raises WebhookNotFound, InvalidArgument,
        Conflict, FailedPrecondition for a source that describes no signature."""
        row = await self.get(environment, source)
        descriptor = descriptors.read(row.descriptor)
        if not descriptor.signature_header:
            raise FailedPrecondition(
                f"source {row.name!r} describes no signature", hint="say how deliveries are signed with verify_config"
            )
        check_secret(descriptor, secret)
        secret_id = await self._kept(environment, row.id, row.secret_revision + 1, secret)
        try:
            return await self._replace_secret(environment, row, secret_id, grace_s, expected, actor)
        except IronflowError:
            await self._vault.destroy(secret_id)
            raise

    async def disable_verification(
        self, environment: str, source: str, *, grace_s: int | None = None, expected: int = 0, actor: str = ""
    ) -> WebhookSourceRow:
        """From now on deliveries need no signature; for a while the trace still tells whether the old secret fits.
        Raises WebhookNotFound, InvalidArgument, Conflict."""
        row = await self.get(environment, source)
        return await self._replace_secret(environment, row, "", grace_s, expected, actor)

    async def expire_previous(
        self, environment: str, source: str, *, expected: int = 0, actor: str = ""
    ) -> WebhookSourceRow:
        """The secret before the one in use no longer counts. Raises WebhookNotFound, Conflict."""
        row = await self.get(environment, source)

        def facts(known: WebhookSourceRow) -> Sequence[Fact]:
            return [WebhookSecretExpired()] if known.previous_secret_id else []

        changed = await self._change(environment, row.id, facts, expected, actor)
        await self._vault.destroy(row.previous_secret_id)
        return changed

    async def rotate_token(self, environment: str, source: str, *, expected: int = 0, actor: str = "") -> Opened:
        """A new URL; the old one is gone at once. Raises WebhookNotFound, Conflict."""
        row, token = await self.get(environment, source), _token()
        fact = WebhookTokenRotated(hash_of(token), token[:TOKEN_CHARS_TOLD])
        return Opened(await self._change(environment, row.id, lambda known: [fact], expected, actor), token)

    async def _replace_secret(
        self, environment: str, row: WebhookSourceRow, secret_id: str, grace_s: int | None, expected: int, actor: str
    ) -> WebhookSourceRow:
        grace_s = self._grace_s if grace_s is None else grace_s
        if not 0 <= grace_s <= GRACE_S_MAX:
            raise InvalidArgument(
                f"grace_seconds {grace_s} is out of range", field="grace_seconds", hint=f"0 to {GRACE_S_MAX}"
            )

        def decide(states: Mapping[str, Any], now: int) -> Decision:
            known = existing(states[source_stream(row.id)], row.id)
            _expect(known, expected)
            if known.secret_id != row.secret_id or known.secret_revision != row.secret_revision:
                raise Conflict(f"the secret of {row.name!r} was changed at the same time", hint="try again")
            until = now + grace_s * 1_000_000 if known.secret_id and grace_s else 0
            revision = known.secret_revision + 1 if secret_id else 0
            fact = WebhookSecretRotated(secret_id, revision, until)
            return Decision([Draft(source_stream(row.id), fact, actor=actor)], known)

        command = Command(environment, (source_stream(row.id),), decide)
        before: WebhookSourceRow = await self._committer.commit(command)
        after = await self.get(environment, row.id)
        gone = {before.secret_id, before.previous_secret_id} - {after.secret_id, after.previous_secret_id}
        await self._vault.destroy(*gone)
        return after

    async def _steer(
        self, environment: str, source: str, status: str, fact: Fact, actor: str, *, again: bool = False
    ) -> WebhookSourceRow:
        row = await self.get(environment, source)

        def facts(known: WebhookSourceRow) -> Sequence[Fact]:
            return [fact] if again or known.status != status else []

        return await self._change(environment, row.id, facts, 0, actor)

    async def _change(
        self,
        environment: str,
        source_id: str,
        facts: Callable[[WebhookSourceRow], Sequence[Fact]],
        expected: int,
        actor: str,
    ) -> WebhookSourceRow:
        """The source from then on; one that is deleted, as it was."""
        where = source_stream(source_id)

        def decide(states: Mapping[str, Any], now: int) -> Decision:
            known = existing(states[where], source_id)
            _expect(known, expected)
            decided = facts(known)
            gone = any(isinstance(fact, WebhookDeleted) for fact in decided)
            return Decision([Draft(where, fact, actor=actor) for fact in decided], known if gone else None)

        before: WebhookSourceRow | None = await self._committer.commit(Command(environment, (where,), decide))
        return before or await self.get(environment, source_id)

    async def _kept(self, environment: str, source_id: str, revision: int, secret: str) -> str:
        return await self._vault.keep(environment, source_stream(source_id), revision, secret)

    async def _refuse_taken(self, environment: str, name: str) -> None:
        """Raises AlreadyExists. Two that are made at the same instant may share a name; ids tell them apart."""
        if await self._storage.read(lambda tx: rows.sources_named(tx, environment, name)):
            raise AlreadyExists(
                f"there is a source {name!r}", field="name", hint="take another name, or update that one"
            )


def hash_of(token: str) -> str:
    """By which a token is known; it has 128 random bits, so that nobody can guess it from there."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _token() -> str:
    return TOKEN_PREFIX + os.urandom(16).hex()


def _expect(known: WebhookSourceRow, expected: int) -> None:
    if expected and known.updated_at != expected:
        raise Conflict(
            f"source {known.name!r} was changed at {clocks.rfc3339(known.updated_at)}",
            field="expected_updated_at",
            hint="read it again, and decide again",
        )
