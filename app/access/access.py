"""Who may do what, assembled: what a node has of it, and what its faces ask."""

from __future__ import annotations

import asyncio

import structlog
from msgspec.structs import replace

from app.access.authorize import Authorizer
from app.access.credentials import Credentials, Origin
from app.access.guard import Request
from app.access.keys import Keys
from app.access.live import LiveGrants
from app.access.passes import Passes
from app.access.platform import Platform
from app.access.proving import Proving
from app.access.records import Key, Role
from app.access.register import Register
from app.access.roles import Roles
from app.access.sessions import Sessions
from app.access.tenancy import Tenancy
from app.access.turned_away import Refusals
from app.access.users import Users
from app.clock import Clock
from app.history.committer import Committer
from app.history.fold import Fold
from app.history.tail import Tail
from app.ids import Ids
from storage import identities
from storage.contract import Storage, StorageError
from storage.records import KeyUse

log = structlog.get_logger(__name__)

USES_WRITTEN_EVERY_S = 60
NOWHERE = Origin(0)


class Access:
    def __init__(
        self, *, storage: Storage, committer: Committer, fold: Fold, tail: Tail, ids: Ids, clock: Clock
    ) -> None:
        self._storage = storage
        self.clock = clock
        self._written: dict[str, int] = {}
        self.register = Register(storage=storage, committer=committer, fold=fold, tail=tail)
        self.credentials = Credentials(self.register, clock)
        self.passes = Passes()
        self.refusals = Refusals(clock)
        self.register.watch(self.passes.forget)
        self.roles = Roles(self.register, ids)
        self.keys = Keys(register=self.register, credentials=self.credentials, roles=self.roles, ids=ids, clock=clock)
        proving = Proving(clock)
        self.users = Users(
            register=self.register, roles=self.roles, storage=storage, proving=proving, ids=ids, clock=clock
        )
        self.sessions = Sessions(register=self.register, users=self.users, proving=proving, ids=ids, clock=clock)
        self.platform = Platform(users=self.users, roles=self.roles)
        self.tenancy = Tenancy(register=self.register, keys=self.keys, ids=ids)
        self.authorizer = Authorizer()
        self.live = LiveGrants(credentials=self.credentials, clock=clock)
        self.register.watch(self.live.recheck)

    async def start(self) -> None:
        await self.register.start()
        for use in await self._storage.read(lambda tx: list(identities.uses(tx))):
            self.credentials.used[use.key_id] = use.used_at
            self.credentials.origins[use.key_id] = Origin(use.used_at, use.address, use.agent)
        self._written = dict(self.credentials.used)

    async def run(self) -> None:
        """Follow changes, cut what has expired, and write down now and then when keys were used, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.register.run())
            tasks.create_task(self.live.run())
            tasks.create_task(self._write_uses())

    def renewed(self) -> None:
        """The policies are others now: forget what was let in by those before, and ask again about what goes on."""
        self.passes.forget()
        self.live.recheck()

    def named(self, request: Request) -> Request:
        """The request with its roles by their names too, which people write into conditions of policies."""
        actor = request.actor
        known = [self.register.find(Role, id) for id in actor.roles]
        names = [role.name for role in known if role is not None and role.name not in actor.roles]
        return request._replace(actor=replace(actor, roles=(*actor.roles, *names))) if names else request

    async def _write_uses(self) -> None:
        never = asyncio.Event()
        while True:
            await self.clock.wait_until(self.clock.now_us() + USES_WRITTEN_EVERY_S * 1_000_000, never)
            await self.write_uses()

    async def write_uses(self) -> None:
        """Those that are not written yet: a key that is used all the time costs a row a minute, not one a call. Those
        of keys that are gone are forgotten."""
        used, origins = self.credentials.used, self.credentials.origins
        for id in [id for id in used if self.register.find(Key, id) is None]:
            del used[id]
            origins.pop(id, None)
            self._written.pop(id, None)
        uses = [KeyUse(id, at, *origins.get(id, NOWHERE)[1:]) for id, at in used.items() if self._written.get(id) != at]
        if uses:
            try:
                await self._storage.write(lambda tx: identities.save_uses(tx, uses))
            except StorageError as error:
                log.warning("when keys were used is not written down yet", reason=str(error))
            else:
                self._written.update((use.key_id, use.used_at) for use in uses)
