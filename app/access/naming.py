"""What callers are called, for those who read their ids in history: one answer for a page's worth of them.

Nobody is told of another organization's, as of whoever looks after the platform; nor of keys and users that they may
not read. Those keep the id. Who is gone is called what history called them last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from app import ids
from app.access import nouns
from app.access.actor import Actor
from app.access.keys import sees
from app.access.records import KEY, USER, Identity, Key, User
from app.access.register import Register
from app.history.entry import Entry
from storage import history
from storage.contract import Storage
from storage.records import EntryRecord

NAMED_MAX = 100
"""Ids that are asked about at once."""

_NOUNS = {"ak": KEY, "usr": USER}
_PERMISSIONS = {KEY: "apikeys:read", USER: "users:read"}
_CHANGES_MAX = 64
"""Entries that are read of one that is gone: what it was called in the end, unless it was changed more often."""


class Named(msgspec.Struct, frozen=True):
    """`noun` is apikey or user; `name` a key's, or a user's own or else their address; `prefix` how a key's secret
    begins; `email` a user's."""

    id: str
    noun: str
    name: str
    prefix: str = ""
    email: str = ""
    gone: bool = False


class Names:
    def __init__(self, register: Register, storage: Storage) -> None:
        self._register = register
        self._storage = storage

    async def of(
        self, actor: Actor, wanted: Sequence[str], denied: Callable[[str, str], bool] = lambda action, resource: False
    ) -> Mapping[str, Named]:
        """By id, those that the actor may be told of; `denied` says of an action and a resource whether a policy denies
        it. Whoever is not there, never was, or is no key or user, is left out."""
        told = {id: noun for id in wanted if (noun := _noun(id)) and _may(actor, noun, id, denied)}
        found = {id: self._register.find(Key if noun == KEY else User, id) for id, noun in told.items()}
        missing = [id for id, known in found.items() if known is None]
        known: dict[str, Identity | None] = {**found, **(await self._gone(actor.org, missing, told))}
        return {id: _named(one) for id, one in known.items() if one is not None and _sees(actor, one)}

    async def _gone(self, org: str, missing: Sequence[str], told: Mapping[str, str]) -> Mapping[str, Identity]:
        """What history of the organization says of those that are in no register, all read with one query."""
        if not missing:
            return {}
        streams = [(org, nouns.stream(told[id], id), 0) for id in missing]
        found = await self._storage.read(lambda tx: history.pages(tx, streams, size=_CHANGES_MAX))
        return {id: _folded(told[id], page) for id, page in zip(missing, found, strict=True) if page}


def _noun(id: str) -> str:
    prefix = id.partition("_")[0]
    return _NOUNS.get(prefix, "") if ids.valid(prefix, id) else ""


def _may(actor: Actor, noun: str, id: str, denied: Callable[[str, str], bool]) -> bool:
    """Everybody knows who they are themselves."""
    permission = _PERMISSIONS[noun]
    return id == actor.id or (actor.may(permission) and not denied(permission, nouns.stream(noun, id)))


def _sees(actor: Actor, one: Identity) -> bool:
    return one.org == actor.org and (not isinstance(one, Key) or one.id == actor.id or sees(actor, one))


def _folded(noun: str, page: Sequence[EntryRecord]) -> Identity:
    folding, state = nouns.IdentityNoun(noun), None
    for record in page:
        state = folding.apply(state, Entry(record))
    assert state is not None
    return msgspec.structs.replace(state, gone=True) if len(page) == _CHANGES_MAX else state


def _named(one: Identity) -> Named:
    if isinstance(one, Key):
        return Named(one.id, KEY, one.name, prefix=one.prefix, gone=one.gone)
    assert isinstance(one, User)
    return Named(one.id, USER, one.name or one.email, email=one.email, gone=one.gone)
