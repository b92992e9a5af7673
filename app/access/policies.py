"""Policies as they are used: the guard that asks them on every request, and how they are changed.

All of them are in memory and follow history, as the register of functions does. A change counts on its own node before
it is answered, and on every other one as soon as that hears of the commit. A request is denied as well where the
deciding itself fails.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import structlog

from app import ids, texts
from app.access import authoring
from app.access import policy as pure
from app.access.actor import Actor
from app.access.authoring import Author
from app.access.decisions import Decisions, ordered
from app.access.guard import Denial, Request
from app.access.permissions import KNOWN
from app.access.policy import ACTIVE, DELETED, MONITOR, Explained, Policy, Ruling
from app.access.policy_noun import PolicyNoun, stream
from app.clock import Clock
from app.errors import AlreadyExists, InvalidArgument, PolicyNotFound, RevisionConflict
from app.history.committer import Command, Committer, Decision
from app.history.entry import Draft, Entry
from app.history.kinds import Fact, PolicyChanged, PolicyCreated, PolicyDefinition, PolicyDeleted, PolicyDisabled
from app.history.tail import Tail
from storage import history
from storage import policies as table
from storage.contract import Storage, Transaction
from storage.records import PolicyRow

log = structlog.get_logger(__name__)

POLICIES_MAX = 1_000
VERSIONS_MAX = 200
READS = frozenset(name for name in KNOWN if name.endswith(":read"))

_KINDS = frozenset((PolicyCreated.kind, PolicyChanged.kind, PolicyDisabled.kind, PolicyDeleted.kind))

Watched = Callable[[Request, Denial], None]


class Policies:
    """A guard; see app/access/guard.py. `watched` is told of each request that a policy in monitor mode would deny,
    `renewed` of every change of what is decided."""

    def __init__(self, *, storage: Storage, committer: Committer, tail: Tail, clock: Clock) -> None:
        self._storage = storage
        self._committer = committer
        self._tail = tail
        self._clock = clock
        self._rows: dict[str, PolicyRow] = {}
        self._position = 0
        self.decisions = Decisions(clock)
        self.watched: Watched = lambda request, denial: None
        self.renewed: Callable[[], None] = lambda: None
        self.would_deny: Counter[str] = Counter()

    async def start(self) -> None:
        """Fill the register from the store."""
        self._position = self._tail.head
        for row in await self._storage.read(lambda tx: list(table.everything(tx))):
            self._rows[row.id] = row
        self._renew()

    async def run(self) -> None:
        """Follow changes, of other nodes too, until cancelled."""
        noun = PolicyNoun()
        async for batch in self._tail.follow(self._position, kinds=_KINDS):
            for entry in batch:
                known = self._rows.get(entry.stream.partition("/")[2])
                if known is None or known.position < entry.position:
                    self._put(noun.apply(known, entry))

    @property
    def epoch(self) -> int:
        """Position of the last change that is known here."""
        return max((row.position for row in self._rows.values()), default=0)

    # Deciding.

    @property
    def active(self) -> bool:
        return bool(self.decisions.policies)

    def check(self, request: Request) -> Denial | None:
        """Why the request is denied; None lets it pass. Whatever fails inside denies."""
        return self._denial(request, self._watch)

    def foreseen(self, request: Request) -> Denial | None:
        """The same of a request that nobody makes: no policy counts it, and nobody is told."""
        return self._denial(request, lambda request, denial: None)

    def _denial(self, request: Request, told: Watched) -> Denial | None:
        try:
            ruling = self.decisions.ruling(request)
            for denial in ruling.monitored:
                told(request, denial)
        except Exception:
            log.exception("a request could not be decided", action=request.action, environment=request.environment)
            return Denial("the policies could not be evaluated")
        return ruling.denial

    def _watch(self, request: Request, denial: Denial) -> None:
        self.would_deny[denial.policy] += 1
        self.watched(request, denial)

    def lasts(self, request: Request) -> bool:
        """See app/access/guard.py."""
        return not self.active or self.decisions.lasts(request)

    def dry_run(
        self, request: Request, draft: PolicyDefinition | None = None, *, at: int = 0
    ) -> tuple[Ruling, Sequence[Explained]]:
        """What would be decided now, or at an instant, and how each policy there stands to it; with a draft, as if it
        had taken the place of the policy of its name. Raises InvalidArgument."""
        now = at or self._clock.now_us()
        policies = self.decisions.policies if draft is None else self.with_draft(draft, request.environment)
        there = [policy for policy in policies if policy.is_there(request.environment, request.actor.org)]
        acting = [policy for policy in there if policy.acts_on(request.action)]
        return pure.rule(acting, request, now), pure.explain(there, request, now)

    def with_draft(self, draft: PolicyDefinition, environment: str) -> Sequence[Policy]:
        """The active policies with one that is not recorded. Raises InvalidArgument."""
        home = draft.org or environment
        drafted = Policy.drafted(pure.checked(draft), id=id_of(home, draft.name), version=0, environment=home)
        return ordered([*(one for one in self.decisions.policies if one.id != drafted.id), drafted])

    def takes(self, actor: Actor, environment: str, actions: Sequence[str], types: Sequence[str]) -> bool:
        """Whether a policy in force may deny the actor any of these actions, `*:read` being all that read, on some
        resource of these types, or of any. Conditions are taken to hold."""
        known = self.decisions.seen(Request(actor, "", "", environment)).actor
        meant = {one for action in actions for one in (READS if action == "*:read" else (action,))}
        return any(
            policy.enforces(known)
            and policy.is_there(environment, actor.org)
            and policy.binds(known)
            and any(policy.acts_on(action) for action in meant)
            and policy.touches(types)
            for policy in self.decisions.policies
        )

    # Changing.

    def checked(self, environment: str, definition: PolicyDefinition, *, author: Author) -> PolicyDefinition:
        """The definition, if the author may save it. Raises InvalidArgument, PermissionDenied, PolicyLockout."""
        pure.checked(definition)
        authoring.allow_org(definition, author)
        home = definition.org or environment
        authoring.refuse_lockout(definition, home, id_of(home, definition.name), author, self._clock.now_us())
        return definition

    async def create(
        self, environment: str, definition: PolicyDefinition, *, author: Author, reason: str = ""
    ) -> PolicyRow:
        """One of an environment, or of an organization: that is recorded in the namespace that has the organization's
        id as its name. Raises InvalidArgument, AlreadyExists, PermissionDenied, PolicyLockout."""
        self.checked(environment, definition, author=author)
        environment = definition.org or environment
        id = id_of(environment, definition.name)
        living = sum(row.environment == environment and row.status != DELETED for row in self._rows.values())
        if living >= POLICIES_MAX:
            raise InvalidArgument(
                f"{environment} has {living} policies", field="name", hint="delete one, or put several into one"
            )

        def decide(known: PolicyRow | None) -> Fact:
            if known is not None and known.status != DELETED:
                raise AlreadyExists(
                    f"there is a policy {definition.name!r}", field="name", hint="change it, or take another name"
                )
            return PolicyCreated(definition, reason)

        return await self._change(environment, id, decide, author, reason)

    async def change(
        self, row: PolicyRow, definition: PolicyDefinition, *, author: Author, expected: int | None, reason: str = ""
    ) -> PolicyRow:
        """Give it a definition, and enable it. Raises InvalidArgument, PolicyNotFound, RevisionConflict, PolicyLockout,
        PermissionDenied."""
        return await self._redefine(row, PolicyChanged(definition, reason), author, expected)

    async def roll_back(
        self, row: PolicyRow, version: int, *, author: Author, expected: int | None, reason: str = ""
    ) -> PolicyRow:
        """Bring the definition of a version back, as a new version. Raises as `change` does."""
        fact = (await self.version(row, version)).fact
        if not isinstance(fact, PolicyCreated | PolicyChanged):
            raise InvalidArgument(
                f"version {version} of policy {row.name} has no definition",
                field="version",
                hint="it was disabled or deleted then: name a version that is a definition",
            )
        return await self._redefine(row, PolicyChanged(fact.definition, reason, version), author, expected)

    async def watch(self, row: PolicyRow, *, author: Author, reason: str) -> PolicyRow:
        """Let it deny nothing, and only tell, from now on, as a new version: who looks after the platform does that to
        any organization's policy, and says why. Nothing changes for one that denies nothing. Raises InvalidArgument,
        PolicyNotFound."""
        if not reason.strip():
            raise InvalidArgument("reason is missing", field="reason", hint="it is kept with the version")

        def decide(known: PolicyRow | None) -> Fact | None:
            living = _expected(known, row.name, None)
            definition = pure.definition_of(living)
            if living.status != ACTIVE or definition.mode == MONITOR:
                return None
            return PolicyChanged(msgspec.structs.replace(definition, mode=MONITOR), reason)

        return await self._change(row.environment, row.id, decide, author, reason)

    async def disable(
        self, row: PolicyRow, *, author: Author, expected: int | None = None, reason: str = ""
    ) -> PolicyRow:
        """Disabling what is disabled changes nothing. Raises PolicyNotFound, RevisionConflict, PermissionDenied."""
        authoring.allow_org(pure.definition_of(row), author)

        def decide(known: PolicyRow | None) -> Fact | None:
            living = _expected(known, row.name, expected)
            return PolicyDisabled(reason) if living.status == ACTIVE else None

        return await self._change(row.environment, row.id, decide, author, reason)

    async def delete(self, row: PolicyRow, *, author: Author, expected: int | None = None, reason: str = "") -> None:
        """Its versions stay. Raises PolicyNotFound, RevisionConflict, PermissionDenied."""
        authoring.allow_org(pure.definition_of(row), author)

        def decide(known: PolicyRow | None) -> Fact:
            _expected(known, row.name, expected)
            return PolicyDeleted(reason)

        await self._change(row.environment, row.id, decide, author, reason)

    async def _redefine(self, row: PolicyRow, fact: PolicyChanged, author: Author, expected: int | None) -> PolicyRow:
        definition = pure.checked(fact.definition)
        if definition.name != row.name:
            raise InvalidArgument(
                f"policy {row.name} cannot become {definition.name[:80]!r}",
                field="name",
                hint="a policy keeps its name: create another and delete this one",
            )
        if definition.org != pure.definition_of(row).org:
            raise InvalidArgument(
                f"policy {row.name} cannot move between an environment and an organization",
                field="org_id",
                hint="create another and delete this one",
            )
        authoring.allow_org(definition, author)
        authoring.refuse_lockout(definition, row.environment, row.id, author, self._clock.now_us())

        def decide(known: PolicyRow | None) -> Fact | None:
            living = _expected(known, row.name, expected)
            same = living.status == ACTIVE and pure.definition_of(living) == definition
            return None if same else fact

        return await self._change(row.environment, row.id, decide, author, fact.reason)

    async def _change(
        self,
        environment: str,
        id: str,
        decider: Callable[[PolicyRow | None], Fact | None],
        author: Author,
        reason: str,
    ) -> PolicyRow:
        texts.reason(reason)
        where = stream(id)

        def decide(states: Mapping[str, Any], now: int) -> Decision:
            fact = decider(states[where])
            return Decision([Draft(where, fact, actor=author.actor.id)] if fact is not None else ())

        await self._committer.commit(Command(environment, (where,), decide))
        loaded: PolicyRow | None = await self._storage.read(lambda tx: _as_of(tx, environment, id, history.END))
        assert loaded is not None, f"{id} was recorded"
        self._put(loaded)
        return self._rows[id]

    # Reading.

    def get(self, environment: str, name: str, *, org: str) -> PolicyRow:
        """The policy of an id or a name that is of the environment or of the organization. Raises PolicyNotFound."""
        row = self._known(environment, name, org)
        if row is None or row.status == DELETED:
            raise not_found(name)
        return row

    def list(self, environment: str, *, org: str) -> Sequence[PolicyRow]:
        """Those of the environment and of the organization, by name."""
        rows = [row for row in self._rows.values() if row.status != DELETED and _visible(row, environment, org)]
        return sorted(rows, key=lambda row: (row.name, row.id))

    def named(self, name: str) -> Sequence[PolicyRow]:
        """Those of an id or a name, wherever they count."""
        return [row for row in self._rows.values() if row.status != DELETED and name in (row.id, row.name)]

    async def get_as_of(self, environment: str, name: str, *, org: str, at: int) -> PolicyRow:
        """The policy as it was at a position. Raises PolicyNotFound."""
        row = self._known(environment, name, org)
        found = await self._storage.read(lambda tx: _as_of(tx, row.environment, row.id, at)) if row else None
        if found is None or found.status == DELETED:
            raise not_found(name, f" as of position {at}")
        return found

    async def list_as_of(self, environment: str, *, org: str, at: int) -> Sequence[PolicyRow]:
        """The policies that there were at a position, by name."""
        rows = [row for row in self._rows.values() if _visible(row, environment, org)]

        def load(tx: Transaction) -> Sequence[PolicyRow]:
            found = [_as_of(tx, row.environment, row.id, at) for row in rows]
            return [row for row in found if row is not None and row.status != DELETED]

        return sorted(await self._storage.read(load), key=lambda row: (row.name, row.id))

    async def version(self, row: PolicyRow, version: int) -> Entry:
        """One version. Raises PolicyNotFound."""
        record = await self._storage.read(
            lambda tx: history.version_of_stream(tx, row.environment, stream(row.id), version)
        )
        if record is None:
            raise not_found(row.name, f" at version {version}")
        return Entry(record)

    async def versions(self, row: PolicyRow, *, before: int = history.END, limit: int = 50) -> Sequence[Entry]:
        """Versions, newest first."""
        records = await self._storage.read(
            lambda tx: history.of_stream_backwards(
                tx, row.environment, stream(row.id), before_version=before, limit=limit
            )
        )
        return [Entry(record) for record in records]

    def _known(self, environment: str, name: str, org: str) -> PolicyRow | None:
        for id in (name, id_of(environment, name), id_of(org, name)):
            row = self._rows.get(id)
            if row is not None and _visible(row, environment, org):
                return row
        return None

    # The register.

    def _put(self, row: PolicyRow) -> None:
        known = self._rows.get(row.id)
        if known is None or known.position < row.position:
            self._rows[row.id] = row
            self._renew()

    def _renew(self) -> None:
        """Decide by what is active now."""
        before = {(policy.id, policy.version): policy for policy in self.decisions.policies}
        active = [row for row in self._rows.values() if row.status == ACTIVE]
        self.decisions.use([before.get((row.id, row.version)) or _compiled(row) for row in active])
        self.renewed()


def id_of(environment: str, name: str) -> str:
    """The id of the policy of that name in that environment, now and for ever."""
    return ids.keyed("pol", environment, name)


def not_found(name: str, when: str = "") -> PolicyNotFound:
    return PolicyNotFound(
        f"there is no policy {name[:100]!r}{when}", hint="`ironflow policy list` shows those there are"
    )


def _compiled(row: PolicyRow) -> Policy:
    """The policy; without its condition, so that it denies more rather than less, if that can no longer be read."""
    try:
        return Policy.of(row)
    except InvalidArgument as error:
        log.error("a policy's condition cannot be read: it denies all that fits", policy=row.name, reason=str(error))
        return Policy.of(row, condition="")


def _visible(row: PolicyRow, environment: str, org: str) -> bool:
    return row.environment in (environment, org)


def _expected(known: PolicyRow | None, name: str, expected: int | None) -> PolicyRow:
    if known is None or known.status == DELETED:
        raise not_found(name)
    if expected is not None and expected != known.version:
        raise RevisionConflict(
            f"policy {name}: expected version {expected}, found {known.version}",
            hint="read it again, then try with the version that it has",
        )
    return known


def _as_of(tx: Transaction, environment: str, id: str, at: int) -> PolicyRow | None:
    noun, state = PolicyNoun(), None
    for record in history.whole_stream(tx, environment, stream(id), until=at):
        state = noun.apply(state, Entry(record))
    return state
