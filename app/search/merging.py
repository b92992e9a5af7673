"""Merging groups of failures and splitting them again.

A group is a set of fingerprints, named by one of them. Merged, all fingerprints of a group belong to another one, with
the failures that they had and will have; split, a fingerprint is a group of its own again. Each is one entry of the
stream of the fingerprint that moves, and is undone by the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from app.errors import Conflict, FailedPrecondition, InvalidArgument
from app.history.committer import Command, Committer, Decision
from app.history.entry import Draft
from app.history.kinds import FailureMerged, FailureSplit
from app.search.collect import Collector
from app.search.groups import current, found
from app.search.mark_noun import MERGED, stream
from app.search.marks import check_unmerged, checked
from storage import failures
from storage.contract import Storage, Transaction

CATCH_UP_S = 2.0
"""How long the answer waits for the follower that counts groups: it is a moment behind."""
CAUSES_MAX = 1_000


class Merging:
    def __init__(self, storage: Storage, committer: Committer, collector: Collector) -> None:
        self._storage = storage
        self._committer = committer
        self._collector = collector

    async def merge(self, environment: str, fingerprint: str, *, into: str, reason: str, actor: str = "") -> None:
        """A group of the same function takes the failures of another one; asked again, it changes nothing. Raises
        GroupNotFound, InvalidArgument, Conflict."""
        told = checked(reason)

        def check(tx: Transaction) -> bool:
            target = found(tx, environment, into)
            if current(tx, environment, fingerprint) == into != fingerprint:
                return True  # they are there already
            group = found(tx, environment, fingerprint)
            if group.fingerprint == target.fingerprint:
                raise InvalidArgument("a group cannot be merged into itself", field="into", hint="name another one")
            if group.function_id != target.function_id:
                raise InvalidArgument(
                    f"{fingerprint} is of {group.function_id}, {into} of {target.function_id}",
                    field="into",
                    hint="groups of one function can be merged: versions are compared",
                )
            return False

        if await self._storage.read(check):
            return
        where, target = stream(fingerprint), stream(into)

        def decide(states: Mapping[str, Any], now: int) -> Decision:
            check_unmerged(states[where], fingerprint)
            check_unmerged(states[target], into)
            return Decision([Draft(where, FailureMerged(into, told), actor=actor)])

        await self._committer.commit(Command(environment, (where, target), decide))
        await self._counted(environment, fingerprint)

    async def split(
        self, environment: str, fingerprint: str, causes: Sequence[str] = (), *, reason: str, actor: str = ""
    ) -> int:
        """How many fingerprints that were merged into a group are groups of their own again: those named, or all.
        Raises GroupNotFound, InvalidArgument, FailedPrecondition if nothing was merged into it, Conflict."""
        told = checked(reason)

        def merged(tx: Transaction) -> list[str]:
            found(tx, environment, fingerprint)
            known = [one.fingerprint for one in failures.causes(tx, environment, fingerprint, limit=CAUSES_MAX)]
            return [one for one in known if one != fingerprint]

        inside = await self._storage.read(merged)
        chosen = list(dict.fromkeys(causes)) or inside
        if not chosen:
            raise FailedPrecondition(
                f"nothing was merged into {fingerprint}", hint=f"`ironflow failures get {fingerprint}` tells what was"
            )
        for one in chosen:
            if one not in inside:
                raise InvalidArgument(
                    f"{one[:80]} was not merged into {fingerprint}",
                    field="fingerprints",
                    hint=f"one of {', '.join(inside[:5])}" if inside else "nothing was merged into it",
                )
        streams = {stream(one): one for one in chosen}

        def decide(states: Mapping[str, Any], now: int) -> Decision:
            for where, one in streams.items():
                if states[where] is None or states[where].status != MERGED:
                    raise Conflict(f"{one} was split from {fingerprint} just now", hint="look again")
            return Decision([Draft(where, FailureSplit(fingerprint, told), actor=actor) for where in streams])

        await self._committer.commit(Command(environment, tuple(streams), decide))
        await self._counted(environment, chosen[-1])
        return len(chosen)

    async def _counted(self, environment: str, fingerprint: str) -> None:
        """Returns when the groups are as was decided last of a fingerprint, or that takes too long."""
        marks = await self._storage.read(lambda tx: failures.marks(tx, environment, [fingerprint]))
        with suppress(TimeoutError):  # what is known by now will have to do
            async with asyncio.timeout(CATCH_UP_S):
                await self._collector.reached(marks[fingerprint][0].position)
