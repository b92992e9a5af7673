"""Leases: which runner may write a generation of a projection, and until when unless it is heard of.

Each grant has a higher epoch, and each write of a runner is fenced with it: who has lost the lease, and does not know
it yet, changes nothing. A lease is not history.

A runner that says which version of the code it has is given a generation of that version. One that does not (published
ones) is given the newest, and loses its lease when a rebuild begins: it cannot serve one generation and build another.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Sequence
from typing import NamedTuple

from app.clock import Clock
from app.errors import InvalidArgument, LeaseLost
from app.listening import listening
from app.projections.noun import Generation, Projection
from app.projections.registry import Registry
from storage import projections
from storage.contract import Storage, Transaction
from storage.projections import Cursor, Fence

TTL_S = 10.0
WAIT_S_MAX = 30.0
RECHECK_S = 5.0

_TTL_US = int(TTL_S * 1_000_000)
_PLAIN, _VERSIONED = "p", "v"

Candidates = Callable[[Projection], Sequence[Generation]]
"""The generations that a runner could take, the best first."""


class Lease(NamedTuple):
    """The fence of a generation."""

    generation: int
    fence: Fence


class Leases:
    def __init__(self, *, storage: Storage, registry: Registry, clock: Clock) -> None:
        self._storage = storage
        self._registry = registry
        self._clock = clock
        self._released = asyncio.Event()
        self.ttl_s = TTL_S

    async def start(self) -> None:
        """On a store that no other node has, nobody holds a lease while this one starts: runners need not wait."""
        if self._storage.dialect == "sqlite":
            await self._storage.write(projections.revoke_leases)

    async def acquire(self, environment: str, name: str, *, version: int = 0, wait_s: float = 0.0) -> Lease | None:
        """A lease of a generation that nobody has; None if there is none within the time. Raises ProjectionNotFound."""
        return await self._acquire(environment, name, lambda known: _candidates(known, version), bool(version), wait_s)

    async def acquire_of(self, key: projections.Key, *, wait_s: float) -> Lease | None:
        """The same of one generation."""

        def candidates(known: Projection) -> Sequence[Generation]:
            return [one for one in known.alive if one.number == key.generation]

        return await self._acquire(key.environment, key.name, candidates, True, wait_s)

    async def _acquire(
        self, environment: str, name: str, candidates: Candidates, versioned: bool, wait_s: float
    ) -> Lease | None:
        loop = asyncio.get_running_loop()
        until = loop.time() + min(wait_s, WAIT_S_MAX)
        while True:
            with listening(self._registry.changed(), self._released.wait()) as first:
                granted = await self._try(self._registry.get(environment, name), candidates, versioned)
                if granted is not None or (left_s := until - loop.time()) <= 0:
                    return granted
                await first(min(left_s, RECHECK_S))

    async def renew(self, projection: Projection, fence: Fence) -> float:
        """Seconds until it must be renewed again. Raises LeaseLost, InvalidArgument."""
        generation = self.generation_of(projection, fence)
        until = self._clock.now_us() + _TTL_US
        key = projection.key(generation)
        if not await self._storage.write(lambda tx: projections.renew_lease(tx, key, fence, until=until)):
            raise lost(projection)
        return TTL_S

    async def release(self, projection: Projection, fence: Fence) -> None:
        """Another runner may have it now. One that was lost already is no matter."""
        with contextlib.suppress(LeaseLost):
            key = projection.key(self.generation_of(projection, fence))
            await self._storage.write(lambda tx: projections.release_lease(tx, key, fence))
        self._released.set()
        self._released = asyncio.Event()

    def generation_of(self, projection: Projection, fence: Fence) -> Generation:
        """What the lease is of; without a lease, the newest. Raises LeaseLost for a generation that the holder must
        leave, InvalidArgument for what is no lease."""
        if fence == Fence():
            return projection.newest
        number, _, rest = fence.token.partition(".")
        if not number.isdecimal() or not rest or fence.epoch < 1:
            raise InvalidArgument(
                "that is not a lease", field="lease", hint="send token and epoch as they were granted"
            )
        generation = projection.generation(int(number))
        if generation is None or (is_plain(fence.token) and generation is not projection.newest):
            raise lost(projection)
        return generation

    def check(self, projection: Projection, cursor: Cursor | None, fence: Fence) -> None:
        """Returns for who may write: the holder, or anybody while there is none. Raises LeaseLost."""
        if cursor is None or (fence.epoch == cursor.lease_epoch and _same(fence.token, cursor.lease_token)):
            return
        held = cursor.lease_token != "" and cursor.lease_until >= self._clock.now_us()
        if fence.token or held:
            raise lost(projection)

    async def _try(self, projection: Projection, candidates_of: Candidates, versioned: bool) -> Lease | None:
        now = self._clock.now_us()
        candidates = candidates_of(projection)
        if not await self._storage.read(lambda tx: any(_is_free(tx, projection, one, now) for one in candidates)):
            return None

        def take(tx: Transaction) -> Lease | None:
            for generation in candidates:
                key = projection.key(generation)
                projections.begin(tx, key, position=generation.after, now=now)
                token = f"{generation.number}.{_VERSIONED if versioned else _PLAIN}.{secrets.token_hex(8)}"
                epoch = projections.take_lease(tx, key, token=token, now=now, until=now + _TTL_US)
                if epoch:
                    return Lease(generation.number, Fence(token, epoch))
            return None

        return await self._storage.write(take)


def _same(told: str, token: str) -> bool:
    return secrets.compare_digest(told.encode("utf-8", "surrogatepass"), token.encode())


def lost(projection: Projection) -> LeaseLost:
    return LeaseLost(hint=f"another runner folds {projection.name}, or another generation is built: acquire a lease")


def is_plain(token: str) -> bool:
    """Whether it is the lease of a runner that does not know of generations."""
    return token.split(".")[1:2] == [_PLAIN]


def _candidates(projection: Projection, version: int) -> Sequence[Generation]:
    if not version:
        return (projection.newest,)
    return [one for one in projection.alive if one.definition.version == version]


def _is_free(tx: Transaction, projection: Projection, generation: Generation, now: int) -> bool:
    cursor = projections.cursor(tx, projection.key(generation))
    return cursor is None or cursor.lease_token == "" or cursor.lease_until < now
