"""Configuration documents as they are used: set, patched, restored, compared, read now and in the past."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from app.errors import InvalidArgument
from app.history.committer import Command, Committer, Decision
from app.history.entry import Draft, Entry
from app.history.kinds import Fact
from app.values import config
from app.values.config import Config
from storage import configs as rows
from storage import history
from storage.contract import Storage, Transaction
from storage.records import ConfigRow

LIST_MAX = 1_000
HISTORY_MAX = 100

Decider = Callable[[Config | None], Sequence[Fact]]


class Configs:
    def __init__(self, *, storage: Storage, committer: Committer) -> None:
        self._storage = storage
        self._committer = committer

    # Writes: each gives the document's revision from then on.

    async def set(
        self, environment: str, name: str, data: bytes, *, expected: int | None = None, actor: str = ""
    ) -> int:
        """Replace the document, or make it. Raises RevisionConflict, InvalidArgument, PayloadTooLarge."""
        document = config.checked(data, field="the document")
        return await self._change(
            environment, name, lambda known: config.decide_set(name, known, document, expected), actor
        )

    async def patch(
        self, environment: str, name: str, patch: bytes, *, expected: int | None = None, actor: str = ""
    ) -> int:
        """Merge members into the document, or make it. Raises RevisionConflict, InvalidArgument, PayloadTooLarge."""
        members = config.checked(patch, field="the patch")
        return await self._change(
            environment, name, lambda known: config.decide_patch(name, known, members, expected), actor
        )

    async def restore(
        self, environment: str, name: str, revision: int, *, expected: int | None = None, actor: str = ""
    ) -> int:
        """Bring an earlier revision back, as a new one. Raises ConfigNotFound, RevisionConflict."""
        document = (await self.revision(environment, name, revision)).data
        assert document is not None
        return await self._change(
            environment, name, lambda known: config.decide_restore(name, known, document, revision, expected), actor
        )

    async def delete(self, environment: str, name: str, *, expected: int | None = None, actor: str = "") -> None:
        """Deleting what is not there changes nothing. Raises RevisionConflict."""
        await self._change(environment, name, lambda known: config.decide_delete(name, known, expected), actor)

    # Reads.

    async def list(self, environment: str, *, after: str = "", limit: int = LIST_MAX) -> Sequence[ConfigRow]:
        """By name, after the given one."""
        return await self._storage.read(lambda tx: rows.page(tx, environment, after=after, limit=limit))

    async def get(self, environment: str, name: str, *, at: int | None = None) -> Config:
        """The document now, or as of a position. Raises ConfigNotFound, InvalidArgument for the future."""
        config.check_name(name)

        def read(tx: Transaction) -> Config:
            if at is not None and at > (head := history.head(tx)[0]):
                raise InvalidArgument(
                    f"at {at} has not happened yet", field="at", hint=f"history ends at position {head}"
                )
            last = history.last_of_stream(tx, environment, config.stream(name), until=history.END if at is None else at)
            state = config.ConfigNoun().apply(None, Entry(last)) if last else None
            if state is None or state.data is None:
                raise config.not_found(name, "" if at is None else f" as of position {at}")
            return state

        return await self._storage.read(read)

    async def revision(self, environment: str, name: str, revision: int) -> Config:
        """One revision of the document. Raises ConfigNotFound."""
        config.check_name(name)
        where = config.stream(name)
        record = await self._storage.read(lambda tx: history.version_of_stream(tx, environment, where, revision))
        state = config.ConfigNoun().apply(None, Entry(record)) if record else None
        if state is None or state.data is None:
            raise config.not_found(name, f" at revision {revision}")
        return state

    async def history(
        self, environment: str, name: str, *, before: int | None = None, limit: int = 50
    ) -> Sequence[Entry]:
        """Revisions, newest first, those before revision `before`. Raises ConfigNotFound if there never was any."""
        config.check_name(name)

        def read(tx: Transaction) -> Sequence[Entry]:
            last = history.last_of_stream(tx, environment, config.stream(name))
            if last is None:
                raise config.not_found(name)
            end = min(last.version + 1, before or history.END)
            start = max(1, end - limit)
            if start >= end:
                return []
            found = history.of_stream(tx, environment, config.stream(name), after_version=start - 1, limit=end - start)
            return [Entry(record) for record in reversed(found)]

        return await self._storage.read(read)

    async def diff(self, environment: str, name: str, before: int, after: int) -> Sequence[Mapping[str, Any]]:
        """What leads from one revision to the other. Raises ConfigNotFound."""
        first = await self.revision(environment, name, before)
        second = await self.revision(environment, name, after)
        decode = msgspec.json.decode
        return list(config.changes(decode(first.data or b"{}"), decode(second.data or b"{}")))

    async def _change(self, environment: str, name: str, decider: Decider, actor: str) -> int:
        config.check_name(name)
        where = config.stream(name)

        def decide(states: Mapping[str, Any], now: int) -> Decision:
            known: Config | None = states[where]
            facts = decider(known)
            revision = (known.revision if known else 0) + len(facts)
            return Decision([Draft(where, fact, actor=actor) for fact in facts], revision)

        revision: int = await self._committer.commit(Command(environment, (where,), decide))
        return revision
