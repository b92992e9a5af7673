"""The audit of decisions: who was denied what, and what those with power did. Entries of history like all others.

Recording is no part of a request: `decided` only notes it in memory, and the entries ride along with the next commits.
It is bounded, so that nobody fills the disk by being denied:

- the same again (caller, request, decision, reason, outcome) in a minute is one more entry at its end, with a count;
- one caller gets at most 20 entries of denials a minute in an environment, all together 120, administrative acts 600;
  what goes beyond is counted, and told as `authz.suppressed`.

What was allowed is noted when it has ended, with what came of it: an act that was refused is not told as one.

A kill of the server loses what was noted and not committed: milliseconds of first times, up to a minute of counts.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import structlog

from app import texts
from app.access import irn
from app.access.audit_noun import DECISIONS, SETTINGS, AuditNoun, decode
from app.access.guard import Denial, Request
from app.clock import Clock
from app.errors import InvalidArgument
from app.history.committer import Command, Committer, Decision
from app.history.entry import Draft
from app.history.kinds import (
    AuditSettings,
    AuditSettingsChanged,
    AuthzAllowed,
    AuthzDenied,
    AuthzRequest,
    AuthzSuppressed,
    AuthzWouldDeny,
    Fact,
)
from app.history.tail import Tail
from storage import audit as table
from storage.contract import Storage

log = structlog.get_logger(__name__)

WINDOW_US = 60_000_000
OF_ONE_CALLER_MAX = 20
OF_ALL_MAX = 120
ACTS_MAX = 600
ENVIRONMENTS_MAX = 1_000
WANTED_MAX = 10_000
TEXT_CHARS_MAX = 256
UNKNOWN = "UNKNOWN"
"""The outcome of a request of which nobody told the end within a minute: its caller left, or it takes so long."""
FIELDS_MAX = 100

ADMINISTRATIVE = (
    "apikeys:manage",
    "audit:manage",
    "audit:export",
    "breakers:manage",
    "environments:manage",
    "events:redact",
    "functions:manage",
    "orgs:manage",
    "policies:write",
    "projects:manage",
    "roles:manage",
    "runs:inject",
    "runs:patch",
    "schemas:manage",
    "secrets:manage",
    "streams:delete",
    "users:manage",
    "webhooks:manage",
)
"""Allowed requests that are always recorded; and everything of the platform that is more than reading."""

_READS = (":read", ":list", ":subscribe")
_acts = frozenset(ADMINISTRATIVE)


class _Key(NamedTuple):
    environment: str
    kind: type[AuthzDenied | AuthzAllowed | AuthzWouldDeny]
    actor: str
    asked: AuthzRequest
    reason: str = ""
    policy: str = ""
    policy_version: int = 0
    outcome: str = ""


class _Begun(NamedTuple):
    request: Request
    at: int


class Audit:
    """`failed_total` counts decisions that could not be recorded, because the store refused; `renewed` is told of every
    change of what is wanted."""

    def __init__(self, *, storage: Storage, committer: Committer, tail: Tail, clock: Clock) -> None:
        self._storage = storage
        self._committer = committer
        self._tail = tail
        self._clock = clock
        self._settings: dict[str, tuple[int, AuditSettings]] = {}
        self._wanted: dict[tuple[str, str], bool] = {}
        self._position = 0
        self._since = 0
        self._again: dict[_Key, int] = {}
        self._told: Counter[tuple[str, str]] = Counter()
        self._suppressed: Counter[str] = Counter()
        self._begun: dict[int, _Begun] = {}
        self._number = 0
        self.failed_total = 0
        self.renewed: Callable[[], None] = lambda: None

    async def start(self) -> None:
        """Learn what is to be recorded."""
        self._position = self._tail.head
        for row in await self._storage.read(lambda tx: list(table.everything(tx))):
            self._settings[row.environment] = (row.position, decode(row.settings))

    async def run(self) -> None:
        """Follow the settings, and tell what came again, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow())
            tasks.create_task(self._tell())

    async def _follow(self) -> None:
        noun = AuditNoun()
        async for batch in self._tail.follow(self._position, kinds=frozenset((AuditSettingsChanged.kind,))):
            for entry in batch:
                row = noun.apply(None, entry)
                self._learn(row.environment, row.position, decode(row.settings))

    async def _tell(self) -> None:
        never = asyncio.Event()
        while True:
            await self._clock.wait_until(self._clock.now_us() + WINDOW_US, never)
            self.turn()

    # What was decided.

    def decided(self, request: Request, denial: Denial | None) -> None:
        """Note the decision on a request, if it is one that is recorded."""
        if denial is not None:
            self._note(request, AuthzDenied, denial)
        elif self.wants(request.action, request.environment):
            self._note(request, AuthzAllowed, None)

    def begun(self, request: Request) -> int:
        """Await the end of a request that was allowed, and is one that is recorded."""
        self._number += 1
        self._begun[self._number] = _Begun(request, self._clock.now_us())
        return self._number

    def ended(self, number: int, outcome: str) -> None:
        """Note the request with what came of it: "" if it was carried out, else the code of what refused it."""
        begun = self._begun.pop(number, None)
        if begun is not None:
            self._note(begun.request, AuthzAllowed, None, outcome)

    def watched(self, request: Request, denial: Denial) -> None:
        """Note what a policy in monitor mode would have denied."""
        self._note(request, AuthzWouldDeny, denial)

    def wants(self, action: str, environment: str) -> bool:
        """Whether an allowed request of that kind is recorded."""
        wanted = self._wanted.get((action, environment))
        if wanted is None:
            settings = self.settings(environment)
            by_settings = settings.reads if action.endswith(_READS) else settings.writes
            wanted = is_administrative(action) or by_settings
            if len(self._wanted) >= WANTED_MAX:
                self._wanted.clear()
            self._wanted[action, environment] = wanted
        return wanted

    def _note(
        self,
        request: Request,
        kind: type[AuthzDenied | AuthzAllowed | AuthzWouldDeny],
        denial: Denial | None,
        outcome: str = "",
    ) -> None:
        excluded = self.settings(request.environment).excluded_actions
        if any(irn.compile_action(pattern)(request.action) for pattern in excluded):
            return
        now = self._clock.now_us()
        if now >= self._since + WINDOW_US:
            self.turn()
        told = denial or Denial("")
        reason = told.reason[:TEXT_CHARS_MAX]
        key = _Key(_home(request), kind, request.actor.id, _asked(request), reason, told.policy, told.version, outcome)
        if key in self._again:
            self._again[key] += 1
        elif self._has_room(key):
            self._again[key] = 0
            self._record(key.environment, key.actor, _fact(key, 1, 0))
        elif key.environment in self._suppressed or len(self._suppressed) < ENVIRONMENTS_MAX:
            self._suppressed[key.environment] += 1

    def _has_room(self, key: _Key) -> bool:
        """Whether one more entry may be written in this minute; it is counted then."""
        if key.kind is AuthzAllowed and is_administrative(key.asked.action):
            mine, all_of_them, mine_max, all_max = ("acts", ""), ("acts", ""), ACTS_MAX, ACTS_MAX
        else:
            mine, all_of_them = (key.environment, key.actor), ("all", "")
            mine_max, all_max = OF_ONE_CALLER_MAX, OF_ALL_MAX
        if self._told[mine] >= mine_max or self._told[all_of_them] >= all_max:
            return False
        for one in {mine, all_of_them}:
            self._told[one] += 1
        return True

    def turn(self) -> None:
        """Begin another minute: record how often what was told came again, and what was not told; and note what began
        before the last one, and has not ended."""
        since, self._since = self._since, self._clock.now_us()
        again, self._again = self._again, {}
        suppressed, self._suppressed = self._suppressed, Counter()
        self._told.clear()
        for key, count in again.items():
            if count:
                self._record(key.environment, key.actor, _fact(key, count, since))
        for environment, count in suppressed.items():
            self._record(environment, "", AuthzSuppressed(count, since))
        for number in [number for number, begun in self._begun.items() if begun.at < self._since - WINDOW_US]:
            self.ended(number, UNKNOWN)

    def _record(self, environment: str, actor: str, fact: Fact) -> None:
        drafts = [Draft(DECISIONS, fact, actor=actor)]
        command = Command(environment, (DECISIONS,), lambda states, now: Decision(drafts))
        self._committer.submit(command, partial(self._recorded, fact), urgent=False)

    def _recorded(self, fact: Fact, answer: Any, error: BaseException | None) -> None:
        if error is not None:
            self.failed_total += getattr(fact, "count", 1)
            log.error("a decision is not in the audit", kind=fact.kind, reason=str(error))

    # What is recorded.

    def settings(self, environment: str) -> AuditSettings:
        return self._settings.get(environment, (0, _DEFAULT))[1]

    async def set(self, environment: str, settings: AuditSettings, *, actor: str, reason: str = "") -> AuditSettings:
        """From now on this is recorded, and shown. Raises InvalidArgument."""
        _check(settings)
        texts.reason(reason)

        def decide(states: Mapping[str, Any], now: int) -> Decision:
            known = states[SETTINGS]
            if known is not None and decode(known.settings) == settings:
                return Decision(())
            return Decision([Draft(SETTINGS, AuditSettingsChanged(settings, reason), actor=actor)])

        await self._committer.commit(Command(environment, (SETTINGS,), decide))
        self._learn(environment, self._settings.get(environment, (0, _DEFAULT))[0], settings)
        return settings

    def _learn(self, environment: str, position: int, settings: AuditSettings) -> None:
        if position >= self._settings.get(environment, (0, _DEFAULT))[0]:
            self._settings[environment] = (position, settings)
            self._wanted.clear()
            self.renewed()


_DEFAULT = AuditSettings()


def is_administrative(action: str) -> bool:
    if action.startswith("platform:"):
        return not action.endswith(":read") or action.startswith("platform:impersonate")
    return action in _acts


def _home(request: Request) -> str:
    """Where a decision is recorded: what concerns the platform in the namespace of an organization, for it is about no
    environment."""
    asked_in_one = not request.action.startswith("platform:")
    return request.environment if asked_in_one or request.environment.startswith("org_") else request.actor.org


def _asked(request: Request) -> AuthzRequest:
    actor = request.actor
    return AuthzRequest(
        request.action[:TEXT_CHARS_MAX],
        request.resource[:TEXT_CHARS_MAX],
        request.method[:TEXT_CHARS_MAX],
        request.address[:TEXT_CHARS_MAX],
        actor.kind,
        actor.roles,
        actor.org,
        actor.environment,
    )


def _fact(key: _Key, count: int, since: int) -> Fact:
    if key.kind is AuthzAllowed:
        return AuthzAllowed(key.asked, count, since, key.outcome)
    return (AuthzDenied if key.kind is AuthzDenied else AuthzWouldDeny)(
        key.asked, key.reason, key.policy, key.policy_version, count, since
    )


def _check(settings: AuditSettings) -> None:
    for field in ("excluded_actions", "redacted_fields"):
        if len(getattr(settings, field)) > FIELDS_MAX:
            raise InvalidArgument(f"{field} has more than {FIELDS_MAX}", field=field)
    for pattern in settings.excluded_actions:
        irn.compile_action(pattern, field="excluded_actions")
        _refuse_hiding(pattern)
    for name in settings.redacted_fields:
        if not name or len(name) > TEXT_CHARS_MAX or not name.isprintable() or "" in name.split("."):
            raise InvalidArgument(
                f"{name[:40]!r} is no field", field="redacted_fields", hint="such as email, or data.card.number"
            )


def _refuse_hiding(pattern: str) -> None:
    """What can take away from policies, the audit or history itself is always told of."""
    fits: Sequence[str] = [one for one in ("audit:manage", "policies:write") if irn.compile_action(pattern)(one)]
    if fits:
        raise InvalidArgument(
            f"{pattern[:40]!r} would hide {fits[0]}",
            field="excluded_actions",
            hint="name actions one by one, such as runs:read",
        )
