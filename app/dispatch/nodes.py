"""Which nodes serve this store, and which of them are gone.

Each node keeps a row that beats. A node whose row is not there, or has not changed for a while by the clock of whoever
looks, is gone: every survivor gives its runs back, and history lets one be first. Clocks of different machines are
never compared, and time in which nobody could look counts for nobody's silence. A node that was only slow, and comes
back, finds its fences refused: that costs work done twice, never a wrong record.

One node leads: the oldest alive. It does what is to be done once for all (publishing to the NATS that they share). Two
that believe that they lead, for a moment, must do no harm.

A node that knows of no other only looks whether there is one, and announces nothing, since nobody listens. One that
comes and finds it announces itself, so that it looks at once. A store of one process (SQLite) has one node, which
leads; nothing beats there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

import structlog

from app.clock import Clock
from storage import nodes
from storage.contract import Storage, StorageError, Transaction
from storage.records import NodeRow

log = structlog.get_logger(__name__)

BEAT_US = 1_500_000
ALONE_US = 2_000_000
"""Between two looks of a node that knows of no other, and need not beat."""
SILENCE_US = 2 * BEAT_US
"""Of a node that ended without a word; one that says goodbye is not waited for."""
GAP_US = 2 * BEAT_US
"""Between two looks: when more has passed, it was this node that was slow, or the store."""


class _Sign(NamedTuple):
    """A node's row, and since when it has been so. `beats`: it was seen to change; a node that believes itself alone
    does not yet."""

    row: NodeRow
    since: int
    beats: bool


class Nodes:
    """`predecessor` is a node that this one takes the place of, and that is surely gone: the last one in the same data
    directory, which is locked. `shared_bus`: this node has no NATS server of its own. `sole`: it is certain
    that no other node serves the store, as it is of SQLite's."""

    def __init__(
        self,
        *,
        storage: Storage,
        clock: Clock,
        node_id: str,
        predecessor: str = "",
        shared_bus: bool = False,
        version: str = "",
        sole: bool = False,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._sole = sole or storage.dialect == "sqlite"
        self._predecessor = predecessor
        self._own = NodeRow(node_id, "", int(shared_bus), version, clock.now_us(), 0)
        self._others: dict[str, _Sign] = {}
        self._looked_at = 0
        self._lost: Callable[[str], None] = lambda node_id: None
        self._leading = asyncio.Event()
        self._wake = asyncio.Event()

    @property
    def id(self) -> str:
        return self._own.id

    @property
    def address(self) -> str:
        """Where this node is found, "" before it has said so."""
        return self._own.address

    @property
    def alone(self) -> bool:
        """Whether no other node is known to serve the store."""
        return not self._others

    @property
    def leads(self) -> bool:
        return self._leading.is_set()

    async def lead(self) -> None:
        """Wait until this node leads."""
        await self._leading.wait()

    def alive(self, node_id: str) -> bool:
        """Whether another node of that id is known to serve the store."""
        return node_id in self._others

    def listed(self) -> Sequence[NodeRow]:
        """Those that serve the store, this one included; the oldest first."""
        return sorted((self._own, *(sign.row for sign in self._others.values())), key=_age)

    @property
    def problem(self) -> str:
        """Why this node and another cannot serve one store together, or ""."""
        for node_id, (row, _, _) in self._others.items():
            if not (row.shared_bus and self._own.shared_bus):
                who = row.address or node_id
                return f"{who} serves this store too, and nodes need a NATS in common: start each with --nats-url"
        return ""

    def when_lost(self, lost: Callable[[str], None]) -> None:
        """Whom to tell the id of a node that is gone."""
        self._lost = lost

    async def start(self) -> None:
        """Announce this node and learn of others; who has a row counts as alive until it has been silent."""
        if self._sole:
            self._leading.set()
        else:
            self._storage.heed(others=False)
            self._learn(await self._storage.write(self._begin))

    def heard(self) -> None:
        """Somebody announced something: if no other node is known, there is one now."""
        if self.alone:
            self._wake.set()

    async def run(self) -> None:
        """Beat, and look at the others, until cancelled."""
        if self._sole:
            return
        while True:
            await self._clock.wait_until(self._looked_at + (ALONE_US if self.alone else BEAT_US), self._wake)
            moved = self._wake.is_set()
            self._wake.clear()
            try:
                self._learn(await self._look(tell=moved))
            except StorageError as error:
                log.warning("this node cannot tell others that it lives, trying again", reason=str(error))
                await self._clock.wait_until(self._clock.now_us() + BEAT_US, asyncio.Event())

    def move(self, address: str) -> None:
        """Its HTTP face is reached there."""
        self._own = self._own._replace(address=address)
        self._wake.set()

    async def leave(self) -> None:
        """Say goodbye, so that others need not wait for silence. Best effort: they would notice."""
        if not self._sole:
            try:
                await self._storage.write(lambda tx: nodes.remove(tx, self._own.id))
            except StorageError as error:
                log.warning("this node could not say goodbye", reason=str(error))

    async def _look(self, *, tell: bool) -> Sequence[NodeRow]:
        """The rows of all nodes; this one's beats first, if others look at it, or if there is something to tell."""
        if self.alone and not tell:
            rows = await self._storage.read_once(nodes.everything)
            if [row.id for row in rows] == [self._own.id]:
                return rows
        return await self._storage.write(self._beat)

    def _begin(self, tx: Transaction) -> Sequence[NodeRow]:
        if self._predecessor:
            nodes.remove(tx, self._predecessor)
        return self._beat(tx)

    def _beat(self, tx: Transaction) -> Sequence[NodeRow]:
        self._own = self._own._replace(beat=self._own.beat + 1)
        nodes.save(tx, self._own)
        rows = nodes.everything(tx)
        if not self._blind():
            for row in rows:
                sign = self._others.get(row.id)
                if sign is not None and sign.row == row and self._silent(sign):
                    nodes.remove(tx, row.id)
        return rows

    def _blind(self) -> bool:
        """Whether this node could not look for a while."""
        return self._clock.now_us() - self._looked_at > GAP_US

    def _silent(self, sign: _Sign) -> bool:
        return self._clock.now_us() - sign.since >= (SILENCE_US if sign.beats else SILENCE_US + ALONE_US)

    def _learn(self, rows: Sequence[NodeRow]) -> None:
        blind, now = self._blind(), self._clock.now_us()
        self._looked_at = now
        before, self._others = self._others, {}
        for row in rows:
            known = before.get(row.id)
            if known is None:
                sign = _Sign(row, now, beats=False)
            elif blind or known.row != row:
                sign = _Sign(row, now, beats=known.beats or known.row.beat != row.beat)
            else:
                sign = known
            if row.id != self._own.id and not self._silent(sign):
                self._others[row.id] = sign
                if known is None:
                    log.info("another node serves this store", node=row.id, address=row.address)
        self._storage.heed(others=not self.alone)
        self._elect()
        for node_id in before.keys() - self._others.keys():
            log.warning("a node is gone, its runs go to others", node=node_id)
            self._lost(node_id)

    def _elect(self) -> None:
        if self.listed()[0].id == self._own.id:
            self._leading.set()
        else:
            self._leading.clear()


def _age(row: NodeRow) -> tuple[int, str]:
    return row.started_at, row.id
