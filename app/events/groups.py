"""Consumer groups as they are administered: created, changed, reset; and what they could not deliver.

The register is in memory and follows history, as that of functions does; who delivers is told of every change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from app import texts
from app.errors import DeadLetterNotFound, InvalidArgument
from app.events import dead_letter, group
from app.events.dead_letter import DeadLetter
from app.events.group import NOW, Group
from app.events.selection import Selection, selection
from app.history import revisions
from app.history.committer import Command, Committer, Decision, Done
from app.history.entry import Draft, Entry
from app.history.fold import Fold
from app.history.kinds import Fact, GroupDeadLettered, GroupSettings
from app.history.kinds.group import DEFINING
from app.history.tail import Tail
from storage import dead_letters, history
from storage import groups as rows
from storage.contract import Storage, Transaction
from storage.records import DeadLetterRow

PREVIEW_ENTRIES_MAX = 100_000
DEAD_LETTERS_MAX = 1_000

_KINDS = frozenset(fact.kind for fact in DEFINING)

Decider = Callable[[Group | None], Sequence[Fact]]
LetterDecider = Callable[[DeadLetter | None], Sequence[Fact]]


class Preview(msgspec.Struct, frozen=True):
    """What a reset would do: where the group is, where it would begin, and the entries that it would get once more or
    never. `exact` is False where there was too much to count; then there are at least so many."""

    position: int
    start: int
    redelivered: int
    skipped: int
    exact: bool


class Groups:
    def __init__(self, *, storage: Storage, committer: Committer, fold: Fold, tail: Tail) -> None:
        self._storage = storage
        self._committer = committer
        self._fold = fold
        self._tail = tail
        self._known: dict[tuple[str, str], Group] = {}
        self._watchers: list[Callable[[Group], None]] = []
        self._position = 0

    async def start(self) -> None:
        """Fill the register from the store."""
        self._position = self._tail.head
        for row in await self._storage.read(lambda tx: list(rows.everything(tx))):
            self._put(group.of_row(row))

    async def run(self) -> None:
        """Follow changes, of other nodes too, until cancelled."""
        noun = group.GroupNoun()
        async for batch in self._tail.follow(self._position, kinds=_KINDS):
            for entry in batch:
                known = self._known.get((entry.environment, entry.stream.partition("/")[2]))
                if known is None or known.position < entry.position:
                    self._put(noun.apply(known, entry))

    def watch(self, watcher: Callable[[Group], None]) -> None:
        """`watcher` is told of every group there is, and of each change from now on; of deletions too."""
        self._watchers.append(watcher)
        for known in list(self._known.values()):
            watcher(known)

    async def learn(self, environment: str, name: str) -> None:
        """Know the group if there is one: another node may have created it just now."""
        if (known := self._known.get((environment, name))) is not None and known.exists:
            return
        found = (await self._storage.read(lambda tx: self._fold.load(tx, environment, group.stream(name)))).state
        known = self._known.get((environment, name))
        if found is not None and (known is None or known.position < found.position):
            self._put(found)

    # Writes: each gives the group as it is from then on.

    async def create(
        self, environment: str, name: str, settings: GroupSettings, *, start: int = NOW, actor: str = ""
    ) -> Group:
        """Raises AlreadyExists, InvalidArgument."""
        group.checked(settings)
        self._check_start(start)
        return await self._changed(
            environment, name, lambda known: group.decide_create(name, known, settings, start), actor
        )

    async def update(
        self, environment: str, name: str, changes: Mapping[str, Any], *, actor: str = "", expected: int | None = None
    ) -> Group:
        """`changes` are fields of GroupSettings. Raises GroupNotFound, InvalidArgument, RevisionConflict."""

        def decide(known: Group | None) -> Sequence[Fact]:
            settings = group.existing(name, known).settings
            return group.decide_update(name, known, group.checked(msgspec.structs.replace(settings, **changes)))

        return await self._changed(environment, name, decide, actor, expected)

    async def pause(
        self, environment: str, name: str, *, reason: str = "", actor: str = "", expected: int | None = None
    ) -> Group:
        """Nothing is delivered until it is resumed; what is delivered already can be settled. Raises GroupNotFound,
        InvalidArgument, RevisionConflict."""
        texts.reason(reason)
        return await self._changed(
            environment, name, lambda known: group.decide_status(name, known, "paused", reason), actor, expected
        )

    async def resume(self, environment: str, name: str, *, actor: str = "", expected: int | None = None) -> Group:
        """Raises GroupNotFound, RevisionConflict."""
        return await self._changed(
            environment, name, lambda known: group.decide_status(name, known, "active"), actor, expected
        )

    async def reset(
        self,
        environment: str,
        name: str,
        *,
        start: int,
        reason: str = "",
        actor: str = "",
        expected: int | None = None,
    ) -> Group:
        """Begin again after the position `start`, or with what comes from NOW on. Raises GroupNotFound,
        RevisionConflict, InvalidArgument for a position that is not there yet."""
        texts.reason(reason)
        self._check_start(start)
        return await self._changed(
            environment, name, lambda known: group.decide_reset(name, known, start, reason), actor, expected
        )

    async def delete(self, environment: str, name: str, *, actor: str = "", expected: int | None = None) -> None:
        """Deleting what is not there changes nothing. Raises RevisionConflict."""
        group.check_name(name)
        await self._change(environment, name, lambda known: group.decide_delete(name, known), actor, expected)

    # Reads.

    def get(self, environment: str, name: str) -> Group:
        """Raises GroupNotFound."""
        return group.existing(name, self._known.get((environment, name)))

    def list(self, environment: str) -> Sequence[Group]:
        """By name."""
        found = [one for one in self._known.values() if one.environment == environment and one.exists]
        return sorted(found, key=lambda one: one.name)

    def taking(self, entry: Entry) -> Sequence[Group]:
        """The groups of its environment that get an entry, by name."""
        return [
            one
            for one in self.list(entry.environment)
            if selection(one.settings.pattern, one.settings.filter).takes(entry)
        ]

    def known(self, environment: str, name: str) -> Group | None:
        """The group, a deleted one too."""
        return self._known.get((environment, name))

    async def position(self, wanted: Group) -> int:
        """Up to where everything that the group gets is settled, as it was last saved."""
        return await self._storage.read(lambda tx: saved_position(tx, wanted))

    async def position_at(self, instant: int) -> int:
        """The position that a start at this instant (µs) means."""
        return await self._storage.read(lambda tx: history.position_at(tx, instant))

    async def preview(self, environment: str, name: str, *, start: int) -> Preview:
        """What a reset to this start would do. Raises GroupNotFound, InvalidArgument."""
        wanted = self.get(environment, name)
        self._check_start(start)
        start = self._tail.head if start == NOW else start
        position = await self.position(wanted)
        chosen = selection(wanted.settings.pattern, wanted.settings.filter)
        low, high = sorted((start, position))
        count, exact = await self._count(environment, chosen, low, high)
        return Preview(
            position,
            start,
            redelivered=count if start < position else 0,
            skipped=count if start > position else 0,
            exact=exact,
        )

    # Dead letters.

    async def dead_letters(
        self, environment: str, name: str, *, after: int = 0, limit: int = DEAD_LETTERS_MAX
    ) -> Sequence[DeadLetterRow]:
        """By position of the entry, after the given one. Raises GroupNotFound."""
        born = self.get(environment, name).born
        return await self._storage.read(
            lambda tx: dead_letters.page(tx, environment, name, since=born, after=after, limit=limit)
        )

    async def dead_letters_at(self, environment: str, name: str, entries: Sequence[int]) -> Sequence[DeadLetterRow]:
        """Those of the entries at these positions that are dead letters, by position. Raises GroupNotFound."""
        born = self.get(environment, name).born
        return await self._storage.read(lambda tx: dead_letters.at(tx, environment, name, entries, since=born))

    async def settle_together(
        self,
        environment: str,
        name: str,
        entries: Sequence[int],
        decider: Callable[[DeadLetter | None, int], Sequence[Fact]],
        *,
        actor: str = "",
    ) -> Sequence[int]:
        """Settle dead letters in one commit; the entries of those that were there still."""
        streams = tuple(dead_letter.stream(name, entry) for entry in entries)

        def decide(states: Mapping[str, Any], now: int) -> Decision:
            drafts: list[Draft] = []
            done: list[int] = []
            for entry, where in zip(entries, streams, strict=True):
                try:
                    facts = decider(states[where], entry)
                except DeadLetterNotFound:
                    continue
                drafts += [Draft(where, fact, actor=actor) for fact in facts]
                done.append(entry)
            return Decision(drafts, done)

        done: Sequence[int] = await self._committer.commit(Command(environment, streams, decide))
        return done

    async def count_dead_letters(self, wanted: Group) -> int:
        return await self._storage.read(
            lambda tx: dead_letters.count(tx, wanted.environment, wanted.name, since=wanted.born)
        )

    async def count_dead_letters_of(self, groups: Sequence[Group]) -> Mapping[str, int]:
        """How many each has, by name."""

        def read(tx: Transaction) -> Mapping[str, int]:
            return {one.name: dead_letters.count(tx, one.environment, one.name, since=one.born) for one in groups}

        return await self._storage.read(read)

    async def requeue(self, environment: str, name: str, entry: int, *, reason: str = "", actor: str = "") -> None:
        """The group gets the entry at that position once more. Raises GroupNotFound, DeadLetterNotFound,
        InvalidArgument."""
        texts.reason(reason)
        self.get(environment, name)
        await self._settle(
            environment,
            name,
            entry,
            lambda letter: dead_letter.decide_requeue(letter, name, entry, reason),
            actor,
        )

    async def discard(self, environment: str, name: str, entry: int, *, reason: str = "", actor: str = "") -> None:
        """Raises GroupNotFound, DeadLetterNotFound, InvalidArgument."""
        texts.reason(reason)
        self.get(environment, name)
        await self._settle(
            environment,
            name,
            entry,
            lambda letter: dead_letter.decide_discard(letter, name, entry, reason),
            actor,
        )

    def bury(self, environment: str, fact: GroupDeadLettered, done: Done) -> None:
        """Record that the group could not deliver an entry."""
        fact = msgspec.structs.replace(fact, reason=_short(fact.reason))
        self._committer.submit(
            _of_letter(environment, fact.group, fact.entry, lambda letter: dead_letter.decide_bury(letter, fact)), done
        )

    async def _changed(
        self, environment: str, name: str, decider: Decider, actor: str, expected: int | None = None
    ) -> Group:
        known = await self._change(environment, name, decider, actor, expected)
        assert known is not None, f"{name} was decided and is not there"
        return known

    async def _settle(self, environment: str, name: str, entry: int, decider: LetterDecider, actor: str) -> None:
        await self._committer.commit(_of_letter(environment, name, entry, decider, actor))

    async def _change(
        self, environment: str, name: str, decider: Decider, actor: str, expected: int | None
    ) -> Group | None:
        """The group after the change, made to what it is at the position `expected`; None if it never was."""
        group.check_name(name)
        where = group.stream(name)

        def decide(states: Mapping[str, Any], now: int) -> Decision:
            group.check_expected(states[where], expected)
            return Decision([Draft(where, fact, actor=actor) for fact in decider(states[where])])

        async with revisions.telling(self._storage, environment, where, position=expected):
            await self._committer.commit(Command(environment, (where,), decide))
        known: Group | None = await self._tail.read(  # it is durable
            lambda tx: self._fold.load(tx, environment, where).state
        )
        if known is not None:
            self._put(known)
        return known

    def _put(self, changed: Group) -> None:
        key = (changed.environment, changed.name)
        before = self._known.get(key)
        if before is not None and before.position >= changed.position:
            return
        self._known[key] = changed
        for watcher in self._watchers:
            watcher(changed)

    def _check_start(self, start: int) -> None:
        if start > self._tail.head:
            raise InvalidArgument(
                f"position {start} has not happened yet", field="after", hint=f"history ends at {self._tail.head}"
            )

    async def _count(self, environment: str, chosen: Selection, after: int, until: int) -> tuple[int, bool]:
        """Entries after one position and up to another that are chosen, and whether that is all of them."""
        count, looked = 0, 0
        while after < until and looked < PREVIEW_ENTRIES_MAX:
            at = after
            page = await self._storage.read(lambda tx, at=at: history.after(tx, at))  # type: ignore[misc]
            for record in page:
                if record.position <= until and record.environment == environment and chosen.takes(Entry(record)):
                    count += 1
            looked += len(page)
            after = page[-1].position if page else until
        return count, after >= until


def saved_position(tx: Transaction, wanted: Group) -> int:
    """Up to where everything that the group gets is settled."""
    generation, position = rows.position(tx, wanted.environment, wanted.name)
    return max(position, wanted.start) if generation == wanted.generation else wanted.start


def _of_letter(environment: str, name: str, entry: int, decider: LetterDecider, actor: str = "") -> Command:
    where = dead_letter.stream(name, entry)

    def decide(states: Mapping[str, Any], now: int) -> Decision:
        return Decision([Draft(where, fact, actor=actor) for fact in decider(states[where])])

    return Command(environment, (where,), decide)


def _short(told: str) -> str:
    """What a program told of why, cut where it is long."""
    return told[: texts.REASON_CHARS_MAX]
