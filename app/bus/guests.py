"""Guests of our own NATS: users that callers were given there, each confined to one environment and to what its caller
may do in it.

    subscribe   ironflow.<environment>.{events,topics,entities,system}.>    what it may follow, as a whole
    publish     ironflow.<guest>.<environment>.events.ingest.>              if it may emit events
                ironflow-desks.<guest>.<environment>.>                  if it may take from groups: app/bus/desks.py
    both        _INBOX_<guest>.>                                            its own inbox

A guest's name is in the subject that it publishes on, so that whoever takes the event knows who asks, and can ask
policies about it. NATS cannot ask about single events: where a policy takes any of a family from the caller, the guest
does not follow that family. It has no JetStream but what we play: who may ask that for messages can have them delivered
on any subject, another environment's too.

What a guest may is looked at again whenever somebody may have become somebody else: nats-server is told, and cuts who
is no guest any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import structlog

from app.access.access import Access
from app.access.actor import Actor
from app.access.credentials import ANONYMOUS, Proof
from app.access.policies import Policies
from app.access.records import Key
from app.bus import subjects
from app.bus.members import Sees
from app.bus.nats_server import NatsServer
from app.clock import Clock
from app.errors import FailedPrecondition, IronflowError, PermissionDenied, ResourceExhausted, Unavailable
from app.history import channels
from app.history.channels import Channel
from app.history.subscriber import Subscriber

log = structlog.get_logger(__name__)

PREFIX = "guest_"
GUESTS_MAX = 1_000
OF_A_KEY_MAX = 20
"""Environments in which one key is a guest: none shall take the place of all others."""
FILE = "guests.json"
TAKEN_TIMEOUT_S = 10.0
TRY_EVERY_S = 0.02

SUBSCRIBE, EMIT, CONSUME = "events:subscribe", "events:emit", "groups:consume"
DESKS = "ironflow-desks"

FAMILIES: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "events": ((SUBSCRIBE, "events:read"), ("event",)),
    "topics": ((SUBSCRIBE, "topics:read"), ("event", "topic")),
    "entities": ((SUBSCRIBE, "events:read", "entities:read"), ("event", "entity")),
    "system": ((SUBSCRIBE, "*:read"), ()),
}
"""What each family of subjects tells of: the actions that follow or read it, and the types of resources; none: all."""


class Guest(msgspec.Struct, frozen=True):
    """Whoever knows the `password` acts for a key, in an organization and in the environment of a namespace."""

    name: str
    password: str
    org: str
    environment: str
    key: str = ""
    hash: str = ""


class Rights(NamedTuple):
    """The families that it follows, whether it emits, and whether it takes from groups."""

    follows: tuple[str, ...] = ()
    emits: bool = False
    consumes: bool = False


class Credentials(NamedTuple):
    """With which a NATS client connects, and the subjects that it may use. With `jetstream_prefix` a JetStream client
    takes from groups; "" for who may not."""

    url: str
    user: str
    password: str
    inbox_prefix: str
    jetstream_prefix: str
    subscribe: Sequence[str]
    publish: Sequence[str]


class Guests:
    """`server` is our own child, or None for a NATS that somebody else gives credentials of."""

    def __init__(self, *, server: NatsServer | None, access: Access, policies: Policies, clock: Clock) -> None:
        self._server = server
        self._access = access
        self._policies = policies
        self._clock = clock
        self._guests: dict[str, Guest] = {}
        self._rights: dict[str, Rights] = {}
        self._moved = asyncio.Event()
        self._telling = asyncio.Lock()
        access.live.watch(self._moved.set)

    async def run(self) -> None:
        """Keep nats-server told of who may do what, until cancelled."""
        if self._server is None:
            return
        self._guests = {one.name: one for one in _read(self._server.folder / FILE)} | self._guests
        while True:
            self._moved.clear()
            await self._tell(self._server)
            proofs = [found.until for one in self._guests.values() if (found := self._proof(one)) is not None]
            await self._clock.wait_until(min(proofs, default=None), self._moved)

    async def invite(self, actor: Actor, proof: Proof | None, environment: str) -> Credentials:
        """Credentials for a caller; the same again for one who has some. Raises PermissionDenied, FailedPrecondition,
        ResourceExhausted, Unavailable."""
        server = self._server
        if server is None:
            raise FailedPrecondition(
                "this server uses a NATS elsewhere", hint="ask whoever runs it; docs/guides/nats.md has the subjects"
            )
        if proof is not None and proof.noun is not Key:
            raise PermissionDenied("only keys can be guests of NATS", hint="make a key: `ironflow apikey create`")
        guest = self._guest_of(actor, proof, environment)
        rights = self._rights_of(guest)
        if rights == Rights():
            raise PermissionDenied("you may neither follow nor emit events here", hint="ask whoever keeps the policies")
        if guest.name not in self._guests:
            self._refuse_more(guest.key)
        self._guests[guest.name] = guest
        await self._tell(server)
        url = await _taken(server, guest)
        return Credentials(
            url,
            guest.name,
            guest.password,
            inbox_of(guest.name),
            _desks(guest) if rights.consumes else "",
            [_family(guest, family) for family in rights.follows],
            [_ingest(guest)] if rights.emits else [],
        )

    def asker(self, name: str, environment: str) -> Actor:
        """Who asks as the guest of that name, to emit something in an environment. Raises PermissionDenied for one who
        is no guest there."""
        guest = self._guests.get(name)
        actor = self._actor_of(guest) if guest is not None and guest.environment == environment else None
        if actor is None:
            raise PermissionDenied(f"{name[:80]} is no guest here", hint="`ironflow nats creds` gives new credentials")
        return actor

    def allow(self, actor: Actor, event: str, environment: str) -> None:
        """Returns if the actor may emit the event. Raises PermissionDenied."""
        self._access.authorizer.allow(actor, EMIT, f"event/{event}", environment, method="NATS")

    def consumes(self, name: str, group: str, environment: str) -> None:
        """Returns if the guest may take from the group. Raises PermissionDenied."""
        actor = self.asker(name, environment)
        self._access.authorizer.allow(actor, CONSUME, f"group/{group}", environment, method="NATS")

    def subscriber(self, name: str, id: str) -> Subscriber:
        """The guest as a member of a group, from now on."""
        guest = self._guests.get(name)
        return Subscriber(id, guest.key if guest is not None else "", "", "nats", self._clock.now_us())

    def sees(self, name: str) -> Sees:
        """What raises PermissionDenied for a channel that the guest may not follow, or may no longer."""

        def check(channel: Channel) -> None:
            if subjects.family(channel) not in self._rights.get(name, Rights()).follows:
                raise PermissionDenied(
                    f"{name[:80]} may not follow {channels.text(channel)[:80]!r}",
                    hint="subscribe through the server, which can ask policies about each",
                )

        return check

    def _guest_of(self, actor: Actor, proof: Proof | None, environment: str) -> Guest:
        """The one that the caller is or would be; of a key that was rotated, a new one."""
        key, hash = (proof.id, proof.hash) if proof is not None else ("", "")
        name = PREFIX + hashlib.sha256(f"{key} {actor.org} {environment}".encode()).hexdigest()[:20]
        known = self._guests.get(name)
        if known is not None and hmac.compare_digest(known.hash, hash):
            return known
        return Guest(name, secrets.token_hex(24), actor.org, environment, key, hash)

    def _refuse_more(self, key: str) -> None:
        """Raises ResourceExhausted if there is no place for one more guest, or none for one of the key."""
        if key and sum(one.key == key for one in self._guests.values()) >= OF_A_KEY_MAX:
            raise ResourceExhausted(
                f"this key is a guest in {OF_A_KEY_MAX} environments", hint="take another key for further ones"
            )
        if len(self._guests) >= GUESTS_MAX:
            raise ResourceExhausted(f"NATS has {GUESTS_MAX} guests", hint="revoke keys that are not used")

    # What they may.

    def _proof(self, guest: Guest) -> Proof | None:
        found = self._access.credentials.still(Proof(Key, guest.key, guest.hash)) if guest.key else None
        return found.proof if found is not None else None

    def _actor_of(self, guest: Guest) -> Actor | None:
        """Who it acts for now; None if that is over."""
        if not guest.key:
            return ANONYMOUS
        access = self._access
        try:
            if (found := access.credentials.still(Proof(Key, guest.key, guest.hash))) is None:
                return None
            actor = access.credentials.within(found.actor, guest.org)
            meant = access.tenancy.namespace(actor, access.tenancy.shown(guest.environment))
        except IronflowError:
            return None
        return actor if meant == guest.environment else None

    def _rights_of(self, guest: Guest) -> Rights:
        actor = self._actor_of(guest)
        if actor is None:
            return Rights()
        follows: list[str] = []
        for family, (actions, types) in FAMILIES.items() if actor.may(SUBSCRIBE) else ():
            if not self._policies.takes(actor, guest.environment, actions, types):
                follows.append(family)
        return Rights(tuple(follows), actor.may(EMIT), bool(follows) and actor.may(CONSUME))

    async def _tell(self, server: NatsServer) -> None:
        """Let nats-server know what has changed, and remember those who are still guests."""
        async with self._telling:
            rights = {name: found for name, one in self._guests.items() if (found := self._rights_of(one)) != Rights()}
            if rights == self._rights and {one["user"]: one["password"] for one in server.guests} == {
                name: self._guests[name].password for name in rights
            }:
                return
            self._rights = rights
            self._guests = {name: one for name, one in self._guests.items() if name in rights}
            kept = [one for one in self._guests.values() if one.key]
            await asyncio.to_thread(_write, server.folder / FILE, kept)
            await server.admit([_user(self._guests[name], found) for name, found in rights.items()])


def inbox_of(name: str) -> str:
    return f"_INBOX_{name}"


INBOX_OF_GUESTS = inbox_of(PREFIX)


def _family(guest: Guest, family: str) -> str:
    return f"{subjects.ROOT}.{subjects.token(guest.environment)}.{family}.>"


def _ingest(guest: Guest) -> str:
    return f"{subjects.ROOT}.{guest.name}.{subjects.token(guest.environment)}.events.ingest.>"


def _desks(guest: Guest) -> str:
    return f"{DESKS}.{guest.name}.{subjects.token(guest.environment)}"


def _user(guest: Guest, rights: Rights) -> dict[str, Any]:
    """As nats-server's settings have it. What others publish inward is nobody's to follow, whatever the environments
    are called."""
    follows = [_family(guest, family) for family in rights.follows]
    publishes = [_ingest(guest)] if rights.emits else []
    if rights.consumes:
        publishes.append(f"{_desks(guest)}.>")
    permissions = {
        "publish": {"allow": publishes} if publishes else {"deny": [">"]},
        "subscribe": {"allow": [*follows, f"{inbox_of(guest.name)}.>"], "deny": [subjects.INGEST]},
    }
    return {"user": guest.name, "password": guest.password, "permissions": permissions}


async def _taken(server: NatsServer, guest: Guest) -> str:
    """The server's URL, once it takes the guest. Raises Unavailable."""
    import nats
    from nats.errors import Error

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(TAKEN_TIMEOUT_S):
            while True:
                url = await server.ready()
                try:
                    client = await nats.connect(
                        url, user=guest.name, password=guest.password, allow_reconnect=False, error_cb=_ignore
                    )
                except (OSError, TimeoutError, Error):
                    await asyncio.sleep(TRY_EVERY_S)  # nats-server tells nobody when it has read its settings
                    continue
                await client.close()
                return url
    raise Unavailable("nats-server does not take new users", hint="try again")


async def _ignore(error: Exception) -> None:
    """It is tried again."""


def _read(path: Path) -> list[Guest]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Guest])
    except FileNotFoundError:
        return []
    except msgspec.DecodeError as error:
        log.warning("guests of NATS have to ask for credentials again", file=str(path), reason=str(error))
        return []


def _write(path: Path, guests: Sequence[Guest]) -> None:
    scratch = path.with_suffix(".tmp")
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.encode(guests))
    scratch.replace(path)
