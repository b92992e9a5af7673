"""Event schemas: what the data of an event of a name and version look like, and what happens to those that do not.

The register is in memory and follows history, as that of functions does. A version that is registered again must accept
everything that it accepted before; what breaks with it gets the next version.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import structlog

from app import jsonvalue, patterns, texts
from app.errors import FailedPrecondition, InvalidArgument, SchemaIncompatible, SchemaNotFound, SchemaViolation
from app.events import schema_noun, validation
from app.events.schema_noun import ENFORCEMENT
from app.events.schema_revisions import SchemaRevisions
from app.events.validation import BYTES_MAX, Validator
from app.history.committer import Command, Committer, Decision
from app.history.entry import Draft, Entry
from app.history.kinds import EnforcementSet, EventEmitted, SchemaDeleted, SchemaRegistered
from app.history.tail import Tail
from storage import events, history, schemas
from storage.contract import Storage, Transaction
from storage.events import EventChoice
from storage.records import EnforcementRow, SchemaRow

log = structlog.get_logger(__name__)

MODES = ("off", "warn", "reject")
VERSION_MAX = 2**31 - 1
TRAFFIC_MAX = 2_000
TRAFFIC_HOURS_MAX = 24 * 366
REPORT_NAMES_MAX = 100


class Registered(msgspec.Struct, frozen=True):
    """`status` is created, updated or unchanged; `problems` tell what the version refuses that the one before took."""

    row: SchemaRow
    status: str
    problems: Sequence[str]


class Check(msgspec.Struct, frozen=True):
    """How a schema does: whether it refuses anything at all, and how many events of each version were seen."""

    row: SchemaRow
    asserts: bool
    traffic: Mapping[int, int]
    traffic_truncated: bool


_KINDS = frozenset((SchemaRegistered.kind, SchemaDeleted.kind, EnforcementSet.kind))


class Verdict(NamedTuple):
    """What the schema of a version says of data: where they break it, and how; "" where they fit."""

    version: int
    path: str
    problem: str


class Schemas:
    def __init__(self, *, storage: Storage, committer: Committer, tail: Tail) -> None:
        self._storage = storage
        self._committer = committer
        self._tail = tail
        self._known: dict[str, dict[tuple[str, int], SchemaRow]] = {}
        self._validators: dict[tuple[str, str, int], tuple[str, Validator]] = {}
        self._modes: dict[str, str] = {}
        self._position = 0
        self.revisions = SchemaRevisions(storage, self.versions)

    async def start(self) -> None:
        """Fill the register from the store."""

        def load(tx: Transaction) -> tuple[list[SchemaRow], list[EnforcementRow]]:
            return list(schemas.everything(tx)), list(schemas.enforcement(tx))

        self._position = self._tail.head
        rows, modes = await self._storage.read(load)
        for row in rows:
            self._put(row)
        self._modes = {row.environment: row.mode for row in modes}

    async def run(self) -> None:
        """Follow registrations, of other nodes too, until cancelled."""
        noun = schema_noun.SchemaNoun()
        async for batch in self._tail.follow(self._position, kinds=_KINDS):
            for entry in batch:
                match entry.kind:
                    case SchemaRegistered.kind | SchemaDeleted.kind:
                        fact: Any = entry.fact
                        known = self._known.get(entry.environment, {}).get((fact.event_name, fact.version))
                        if known is None or known.position < entry.position:
                            self._put(noun.apply(known, entry))
                    case EnforcementSet.kind:
                        self._learn_mode(entry)
                    case _:
                        pass

    def check(self, environment: str, name: str, version: int, data: Any) -> None:
        """Returns if the data fit, if there is no schema for them, or if they are let through with a warning. Raises
        SchemaViolation."""
        mode = self._modes.get(environment, "off")
        if mode == "off":
            return
        told = self._violation(environment, name, version, data)
        if told is None:
            return
        path, reason = told
        message = f"data of {name} version {version} break its schema at {path}: {reason}"
        if mode == "warn":
            log.warning("schema violated", environment=environment, name=name, version=version, path=path)
            return
        raise SchemaViolation(message, field="data" + path[1:], hint=f"see `ironflow schema get {name}`")

    def verdicts(self, environment: str, name: str, version: int, data: Any) -> Sequence[Verdict]:
        """What the schema of a version, and the newest one, say of data, enforced or not; without those that there are
        not."""
        newest = [row.version for row in self.list(environment, name)][-1:]
        found: list[Verdict] = []
        for number in dict.fromkeys((version, *newest)):
            if (row := self._known.get(environment, {}).get((name, number))) and row.deleted_at is None:
                path, problem = self._violation(environment, name, number, data) or ("", "")
                found.append(Verdict(number, path, problem))
        return found

    def try_upcast(self, environment: str, event_name: str, from_version: int, to_version: int, data: Any) -> Any:
        """The data, if they fit the schema of a later version (0: the newest) as they are. Upcasters are code of the
        SDK, which is not here: for what they would have to change, FailedPrecondition is raised and says what that is.
        Raises InvalidArgument for data that break the schema which they come from, SchemaNotFound."""
        target = self.get(environment, event_name, to_version).version
        if not 1 <= from_version <= target:
            raise InvalidArgument(
                f"from_version {from_version} is out of range", field="from_version", hint=f"1 to {target}"
            )
        if told := self._violation(environment, event_name, from_version, data):
            raise SchemaViolation(
                f"data of {event_name} version {from_version} break its schema at {told[0]}: {told[1]}",
                field="data" + told[0][1:],
            )
        if told := self._violation(environment, event_name, target, data):
            raise FailedPrecondition(
                f"data of version {from_version} do not fit version {target} at {told[0]}: {told[1]}",
                field="data" + told[0][1:],
                hint="that takes an upcaster: `ironflow schema test-upcast MODULE:NAME` tries yours",
            )
        return data

    async def register(
        self,
        environment: str,
        event_name: str,
        version: int,
        schema_json: str,
        *,
        description: str = "",
        reason: str = "",
        actor: str = "",
    ) -> Registered:
        """Raises InvalidArgument, SchemaIncompatible."""
        schema = self._checked(event_name, version, schema_json, description, reason)
        where = schema_noun.stream(event_name, version)
        fact = SchemaRegistered(event_name, version, schema_json, description, reason)
        before = self._before(environment, event_name, version)
        problems = validation.narrowed(msgspec.json.decode(before.schema), schema) if before else []

        def decide(states: Mapping[str, Any], now: int) -> Decision:
            known: SchemaRow | None = states[where]
            row = SchemaRow(environment, event_name, version, schema_json, description, now, now, None, 0)
            if known is None or known.deleted_at is not None:
                return Decision([Draft(where, fact, actor=actor)], (row, "created"))
            if (known.schema, known.description) == (schema_json, description):
                return Decision((), (known, "unchanged"))
            lost = validation.narrowed(msgspec.json.decode(known.schema), schema)
            if lost:
                raise SchemaIncompatible(
                    f"version {version} of {event_name} would refuse what it accepts: {'; '.join(lost[:5])}",
                    field="schema_json",
                    hint=f"register it as version {version + 1}, or delete this version first",
                )
            return Decision([Draft(where, fact, actor=actor)], (row._replace(created_at=known.created_at), "updated"))

        row, status = await self._committer.commit(Command(environment, (where,), decide))
        self._put(row)
        return Registered(row, status, problems)

    async def delete(
        self, environment: str, event_name: str, version: int, *, reason: str = "", actor: str = ""
    ) -> None:
        """Raises SchemaNotFound."""
        self.get(environment, event_name, version)
        texts.reason(reason, field="change_reason")
        where = schema_noun.stream(event_name, version)

        def decide(states: Mapping[str, Any], now: int) -> Decision:
            known: SchemaRow | None = states[where]
            if known is None or known.deleted_at is not None:
                raise _not_found(event_name, version)
            draft = Draft(where, SchemaDeleted(event_name, version, reason), actor=actor)
            return Decision([draft], known._replace(deleted_at=now))

        self._put(await self._committer.commit(Command(environment, (where,), decide)))

    async def enforce(self, environment: str, mode: str, *, actor: str = "") -> None:
        """From now on: nothing is checked (off), violations are logged (warn) or refused (reject)."""
        if mode not in MODES:
            raise InvalidArgument(f"mode {mode[:40]!r} is unknown", field="mode", hint=", ".join(MODES))

        def decide(states: Mapping[str, Any], now: int) -> Decision:
            known: EnforcementRow | None = states[ENFORCEMENT]
            if (known.mode if known else "off") == mode:
                return Decision(())
            return Decision([Draft(ENFORCEMENT, EnforcementSet(mode), actor=actor)])

        await self._committer.commit(Command(environment, (ENFORCEMENT,), decide))
        self._modes[environment] = mode

    def mode(self, environment: str) -> str:
        return self._modes.get(environment, "off")

    def get(self, environment: str, event_name: str, version: int = 0) -> SchemaRow:
        """The version, or the newest. Raises SchemaNotFound."""
        found = [row for row in self.list(environment, event_name) if version in (0, row.version)]
        if not found:
            raise _not_found(event_name, version)
        return found[-1]

    def versions(self, environment: str, event_name: str) -> Sequence[int]:
        """Those that an event ever had a schema of, deleted ones too, in order."""
        return sorted(version for name, version in self._known.get(environment, {}) if name == event_name)

    def list(self, environment: str, event_name: str = "") -> Sequence[SchemaRow]:
        """By name and version."""
        known = self._known.get(environment, {})
        rows = [known[key] for key in sorted(known) if event_name in ("", key[0])]
        return [row for row in rows if row.deleted_at is None]

    async def report(self, environment: str, event_name: str, *, since: int) -> Sequence[Check]:
        """Each schema, with the versions of its event among the newest TRAFFIC_MAX since an instant (µs).
        Raises InvalidArgument for more than REPORT_NAMES_MAX events."""
        rows = self.list(environment, event_name)
        names = dict.fromkeys(row.event_name for row in rows)
        if len(names) > REPORT_NAMES_MAX:
            raise InvalidArgument(
                f"{len(names)} events have a schema",
                field="event_name",
                hint=f"name one: at most {REPORT_NAMES_MAX} at once",
            )

        def work(tx: Transaction) -> dict[str, tuple[dict[int, int], bool]]:
            return {name: _traffic(tx, environment, name, since) for name in names}

        seen = await self._storage.read(work)
        return [Check(row, validation.asserts(msgspec.json.decode(row.schema)), *seen[row.event_name]) for row in rows]

    def _violation(self, environment: str, name: str, version: int, data: Any) -> tuple[str, str] | None:
        """Where data break the schema of a version, and how; None if they do not, or if there is none."""
        row = self._known.get(environment, {}).get((name, version))
        if row is None or row.deleted_at is not None:
            return None
        return self._validator(row).violation(data)

    def _checked(self, event_name: str, version: int, schema_json: str, description: str, reason: str) -> Any:
        patterns.validate_name(event_name, field="event_name")
        texts.check(description, field="description")
        texts.reason(reason, field="change_reason")
        if not 1 <= version <= VERSION_MAX:
            raise InvalidArgument(f"version {version} is out of range", field="version", hint="1 or more")
        schema = jsonvalue.check(schema_json.encode("utf-8", "surrogatepass"), field="schema_json", size_max=BYTES_MAX)
        Validator(schema)
        return schema

    def _before(self, environment: str, event_name: str, version: int) -> SchemaRow | None:
        rows = [row for row in self.list(environment, event_name) if row.version < version]
        return rows[-1] if rows else None

    def _validator(self, row: SchemaRow) -> Validator:
        key = (row.environment, row.event_name, row.version)
        known = self._validators.get(key)
        if known is None or known[0] != row.schema:
            known = self._validators[key] = (row.schema, Validator(msgspec.json.decode(row.schema)))
        return known[1]

    def _put(self, row: SchemaRow) -> None:
        self._known.setdefault(row.environment, {})[row.event_name, row.version] = row

    def _learn_mode(self, entry: Entry) -> None:
        fact = entry.fact
        assert isinstance(fact, EnforcementSet)
        self._modes[entry.environment] = fact.mode


def hash_of(row: SchemaRow) -> str:
    """What tells two schemas apart: SHA-256 of the text, in hexadecimal."""
    return hashlib.sha256(row.schema.encode()).hexdigest()


def _traffic(tx: Transaction, environment: str, name: str, since: int) -> tuple[dict[int, int], bool]:
    choice = EventChoice(name, "", "", since, history.END)
    rows = events.before(tx, environment, history.END, choice, limit=TRAFFIC_MAX + 1)
    counts: dict[int, int] = {}
    for row in rows[:TRAFFIC_MAX]:
        record = history.at(tx, row.position)
        fact = Entry(record).fact if record else None
        if isinstance(fact, EventEmitted):
            counts[fact.version] = counts.get(fact.version, 0) + 1
    return dict(sorted(counts.items())), len(rows) > TRAFFIC_MAX


def _not_found(event_name: str, version: int) -> SchemaNotFound:
    which = f"version {version} of {event_name[:80]!r}" if version else repr(event_name[:80])
    return SchemaNotFound(f"there is no schema for {which}", hint="`ironflow schema list` shows those there are")
