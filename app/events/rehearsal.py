"""A rehearsal: what would become of an event, told by the code that decides it when it is emitted, from the same states
under the same lock. Nothing is recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from app.events.emit import Emitter
from app.events.new_event import NewEvent
from app.events.prepared import Emitted
from app.history import kinds
from app.history.committer import Command, Committer, Decision
from app.history.entry import Draft, Entry
from app.history.kinds import EventEmitted
from app.runs import noun as run_noun
from storage import history
from storage.records import EntryRecord


class Rehearsal(NamedTuple):
    """`emitted` is what the emitter would be answered; the ids in it are of nothing. `entry` is the event as history
    would have it, after all there is; None for a repeat, which is not recorded again. `cancelled` are the runs that it
    would cancel."""

    emitted: Emitted
    entry: Entry | None
    cancelled: tuple[str, ...]


async def rehearse(emitter: Emitter, committer: Committer, event: NewEvent) -> Rehearsal:
    """What `emitter.emit` would do now. Raises what it would."""
    command = emitter.command(event)

    def decide(states: Mapping[str, Any], now: int) -> Decision:
        decision = command.decide(states, now)
        return Decision((), _told(command, decision.drafts, decision.answer, now))

    told: Rehearsal = await committer.commit(msgspec.structs.replace(command, decide=decide))
    return told


def _told(command: Command, drafts: Sequence[Draft], emitted: Emitted, now: int) -> Rehearsal:
    fresh = {run_noun.stream(run_id) for run_id in emitted.run_ids}
    prefix = run_noun.stream("")
    others = dict.fromkeys(draft.stream for draft in drafts if draft.stream.startswith(prefix))
    cancelled = tuple(stream.removeprefix(prefix) for stream in others if stream not in fresh)
    event = next((draft for draft in drafts if isinstance(draft.fact, EventEmitted)), None)
    return Rehearsal(emitted, None if event is None else _entry(command.environment, event, now), cancelled)


def _entry(environment: str, draft: Draft, now: int) -> Entry:
    data = kinds.encode(draft.fact)
    record = EntryRecord(
        position=history.END,
        environment=environment,
        stream=draft.stream,
        version=1,
        kind=draft.fact.kind,
        data=data.decode(),
        metadata=draft.metadata,
        actor=draft.actor,
        correlation=draft.correlation,
        causation=draft.causation,
        recorded_at=now,
        digest=b"",
    )
    return Entry(record, draft.fact, data)
