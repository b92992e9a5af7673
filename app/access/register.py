"""Every identity and tenant, in memory, following history: what is changed here counts at once, what another node
changes as soon as its commit is heard of. Whoever derives something from it is told of every change.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from app.access import nouns, records
from app.access.actor import ORG_DEFAULT
from app.access.permissions import SYSTEM_ROLES
from app.access.records import Environment, Identity, Key, Org, Project, Role, Session
from app.history import revisions
from app.history.committer import Command, Committer, Decision
from app.history.entry import Draft
from app.history.fold import Fold
from app.history.kinds import Fact
from app.history.kinds.access import FACTS
from app.history.tail import Tail
from storage import history, identities
from storage.contract import Storage

PROJECT_DEFAULT = "proj_default_default"
ENVIRONMENT_DEFAULT = "env_default"
NAMESPACE_DEFAULT = "default"

_KINDS = frozenset(fact.kind for fact in FACTS)
_NOUNS = {kind: noun for noun, kind in records.KINDS.items()}

One = TypeVar("One", bound=Identity)

Decider = Callable[[Any], Sequence[Fact]]


class Register:
    def __init__(self, *, storage: Storage, committer: Committer, fold: Fold, tail: Tail) -> None:
        self._storage = storage
        self._committer = committer
        self._fold = fold
        self._tail = tail
        self._known: dict[tuple[str, str], Identity] = {}
        self._newest: dict[tuple[str, str], int] = {}
        self._gone: deque[tuple[int, tuple[str, str]]] = deque()
        self._by_prefix: dict[str, dict[str, Key]] = {}
        self._by_session: dict[str, Session] = {}
        self._namespaces: dict[str, Environment] = {}
        self._named: dict[tuple[str, str], str] = {}
        self._watchers: list[Callable[[], None]] = []
        self._position = 0
        self._writing = asyncio.Lock()
        for seed in _seeds():
            self._put(seed)

    async def start(self) -> None:
        """Fill it from the store."""
        self._position = self._tail.head
        for row in await self._storage.read(lambda tx: list(identities.everything(tx))):
            self._put(nouns.of_row(row))

    async def run(self) -> None:
        """Follow changes, of other nodes too, until cancelled."""
        async for batch in self._tail.follow(self._position, kinds=_KINDS):
            for entry in batch:
                noun, _, id = entry.stream.partition("/")
                if self._newest.get((noun, id), 0) < entry.position:
                    known = self._known.get((noun, id))
                    folding = nouns.IdentityNoun(noun)
                    if known is not None or folding.begins(entry):
                        self._put(folding.apply(known, entry))
            self._forget_gone(until=batch[-1].position)

    def watch(self, watcher: Callable[[], None]) -> None:
        """`watcher` is called after every change from now on."""
        self._watchers.append(watcher)

    async def record(
        self, org: str, kind: type[One], id: str, decide: Decider, *, actor: str, expected: int | None = None
    ) -> One:
        """Record what `decide` makes of the record (None: there is none yet); the record from then on, which may be
        gone. What `decide` raises is raised. Within this node one is decided after the other, so that `decide` can see
        in the register what must not be there twice. `expected`: the position of its last change that was seen; raises
        RevisionConflict."""
        stream = nouns.stream(_NOUNS[kind], id)

        def decided(states: Mapping[str, Any], now: int) -> Decision:
            state = states[stream]
            if state is not None and not state.gone:
                revisions.check(stream, found=state.position, expected=expected)
            facts = decide(None if state is None or state.gone else state)
            return Decision([Draft(stream, fact, actor=actor) for fact in facts])

        async with self._writing:
            async with revisions.telling(self._storage, org, stream, position=expected):
                await self._committer.commit(Command(org, (stream,), decided))
            changed = await self._tail.read(lambda tx: self._fold.load(tx, org, stream).state)
            assert isinstance(changed, kind), f"{stream} was decided and is not there"
            self._put(changed)
        return changed

    async def makers(self, kind: type[One], ones: Sequence[One]) -> Mapping[str, str]:
        """Who made each of them, by its id: the id of an actor, "" for the server."""
        wanted = [(one.org, nouns.stream(_NOUNS[kind], one.id), 0) for one in ones]
        found = await self._storage.read(lambda tx: history.pages(tx, wanted, size=1))
        return {one.id: page[0].actor if page else "" for one, page in zip(ones, found, strict=True)}

    # What there is.

    def find(self, kind: type[One], id: str) -> One | None:
        found = self._known.get((_NOUNS[kind], id))
        return found if isinstance(found, kind) else None

    def all(self, kind: type[One]) -> list[One]:
        """In the order in which they were made."""
        found = [one for one in self._known.values() if isinstance(one, kind)]
        return sorted(found, key=lambda one: (one.created_at, one.id))

    def of(self, org: str, kind: type[One]) -> list[One]:
        """Those of an organization, in the order in which they were made."""
        return [one for one in self.all(kind) if one.org == org]

    def keys_beginning(self, prefix: str) -> Sequence[Key]:
        """Those whose secret, or the one before, begins like that."""
        return list(self._by_prefix.get(prefix, {}).values())

    def session_of(self, hash: str) -> Session | None:
        return self._by_session.get(hash)

    def namespace(self, org: str, named: str) -> str | None:
        """What an environment's id or name means in an organization; None if it has none such."""
        return self._named.get((org, named))

    def environment_of(self, namespace: str) -> Environment | None:
        return self._namespaces.get(namespace)

    def permissions(self, org: str, roles: Sequence[str]) -> frozenset[str]:
        """What the roles allow; one that is no longer there allows nothing."""
        allowed: set[str] = set()
        for id in roles:
            role = self.find(Role, id)
            if id in SYSTEM_ROLES:
                allowed |= SYSTEM_ROLES[id]
            elif role is not None and role.org == org:
                allowed.update(role.permissions)
        return frozenset(allowed)

    # Upkeep.

    def _put(self, changed: Identity) -> None:
        key = (_NOUNS[type(changed)], changed.id)
        if self._newest.get(key, -1) >= changed.position:
            return
        self._newest[key] = changed.position
        before = self._known.pop(key, None)
        if before is not None:
            self._unlist(before)
        if changed.gone:
            self._gone.append((changed.position, key))
        else:
            self._known[key] = changed
            self._list(changed)
        for watcher in self._watchers:
            watcher()

    def _forget_gone(self, *, until: int) -> None:
        """Of what has ended by then nothing older can be heard any more."""
        while self._gone and self._gone[0][0] <= until:
            position, key = self._gone.popleft()
            if self._newest.get(key) == position:
                del self._newest[key]

    def _list(self, one: Identity) -> None:
        match one:
            case Key():
                for prefix in {one.prefix, one.previous_prefix} - {""}:
                    self._by_prefix.setdefault(prefix, {})[one.id] = one
            case Session():
                self._by_session[one.hash] = one
            case Environment():
                self._namespaces[one.namespace] = one
                self._named[one.org, one.id] = one.namespace
                self._named[one.org, one.name] = one.namespace

    def _unlist(self, one: Identity) -> None:
        match one:
            case Key():
                for prefix in {one.prefix, one.previous_prefix} - {""}:
                    listed = self._by_prefix[prefix]
                    del listed[one.id]
                    if not listed:
                        del self._by_prefix[prefix]
            case Session():
                del self._by_session[one.hash]
            case Environment():
                for key in ((one.org, one.id), (one.org, one.name)):
                    self._named.pop(key, None)
                self._namespaces.pop(one.namespace, None)


def _seeds() -> Sequence[Identity]:
    """What is there without having been made."""
    return (
        Org(id=ORG_DEFAULT, org=ORG_DEFAULT, name="default"),
        Project(id=PROJECT_DEFAULT, org=ORG_DEFAULT, name="default"),
        Environment(
            id=ENVIRONMENT_DEFAULT,
            org=ORG_DEFAULT,
            name="default",
            project=PROJECT_DEFAULT,
            namespace=NAMESPACE_DEFAULT,
        ),
    )
