"""Consumer groups and their dead letters as REST shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app.api.shapes.base import Cursor, Instant, NextCursor, Shape
from app.bus.peeking import PEEKED_DEFAULT, PEEKED_MAX
from app.events.letters import NAMED_MAX
from app.history.kinds.base import empty

After = Annotated[int, Meta(ge=0, le=2**62, description="begin after this position; 0 is all of history")]
At = Annotated[str, Meta(description="begin at this time: RFC 3339, or such as 15m before now; not with after")]


class CreateGroupBody(msgspec.Struct, forbid_unknown_fields=True):
    """Without after and at a group begins with what is recorded from now on."""

    name: str
    pattern: str
    filter: str = ""
    ack_mode: str = "manual"
    backpressure: str = "buffer"
    max_inflight: int = 100
    max_redeliveries: int = 3
    redeliver_delay_ms: int = 5_000
    ack_wait_ms: int = 30_000
    metadata: msgspec.Raw = msgspec.field(default_factory=empty)
    after: After | None = None
    at: At = ""


class UpdateGroupBody(msgspec.Struct, forbid_unknown_fields=True):
    """What is to change; it holds for what is recorded from then on."""

    pattern: str | UnsetType = UNSET
    filter: str | UnsetType = UNSET
    ack_mode: str | UnsetType = UNSET
    backpressure: str | UnsetType = UNSET
    max_inflight: int | UnsetType = UNSET
    max_redeliveries: int | UnsetType = UNSET
    redeliver_delay_ms: int | UnsetType = UNSET
    ack_wait_ms: int | UnsetType = UNSET
    metadata: msgspec.Raw | UnsetType = UNSET


class ReasonBody(msgspec.Struct, forbid_unknown_fields=True):
    reason: str = ""


class ResetGroupBody(msgspec.Struct, forbid_unknown_fields=True):
    """Where to begin again: after a position, at a time, or, without either, with what is recorded from now on. With
    preview nothing changes."""

    after: After | None = None
    at: At = ""
    preview: bool = False
    reason: str = ""


class GroupProgress(Shape):
    """Where a group is: `lag` entries are not settled, of which `pending` wait and `inflight` are with members, who
    have not acknowledged them, `redelivered` of them not for the first time."""

    lag: int
    pending: int
    inflight: int
    redelivered: int
    dead_letters: int


class GroupResponse(Shape):
    """A consumer group. `member_count` counts the members connected to the node that answers."""

    id: str
    name: str
    status: str
    pattern: str
    filter: str
    ack_mode: str
    backpressure: str
    max_inflight: int
    max_redeliveries: int
    redeliver_delay_ms: int
    ack_wait_ms: int
    metadata: msgspec.Raw
    generation: int
    start: int
    revision: Annotated[int, Meta(description="another after each change: what If-Match expects")]
    member_count: int
    created_at: Instant
    updated_at: Instant
    progress: GroupProgress | UnsetType = UNSET


class GroupLagResponse(Shape):
    """Where a group is: everything up to `position` is settled; `lag` entries are not, of which `pending` wait,
    `inflight` are with members, `redelivered` of them not for the first time. History was looked at up to `fed_to`,
    and ends at `head`: what is between has not been counted. A stock NATS client can pull from `consumer` of
    `stream`."""

    name: str
    status: str
    position: int
    head: int
    fed_to: int
    lag: int
    pending: int
    inflight: int
    redelivered: int
    dead_letters: int
    member_count: int
    stream: str
    consumer: str


class ListGroupsResponse(Shape):
    """Every group, by name."""

    groups: list[GroupResponse]


class ResetGroupResponse(Shape):
    """From `position` to `start`: so many entries are delivered once more, or never. Where there were too many to
    count, `exact` is false, and there are at least so many."""

    name: str
    position: int
    start: int
    redelivered: int
    skipped: int
    exact: bool
    preview: bool


class DeadLetter(Shape):
    """What a group could not deliver. `position` is where it is in history."""

    position: int
    event_id: str
    topic: str
    deliveries: int
    cause: str
    reason: str
    dead_at: Instant


Cause = Annotated[str, Meta(description="redelivered, terminated or unreadable")]
Search = Annotated[str, Meta(description="part of topic, event id or reason, in either case")]


class ListDeadLettersQuery(msgspec.Struct):
    limit: Annotated[int, Meta(ge=1, le=1_000)] = 100
    cursor: Cursor = ""
    cause: Cause = ""
    search: Search = ""


class SettleBody(msgspec.Struct, forbid_unknown_fields=True):
    """Which dead letters: those at `positions`, or `all` that fit `cause` and `search`. A preview changes nothing."""

    positions: Annotated[list[Annotated[int, Meta(ge=1, le=2**62)]], Meta(description=f"at most {NAMED_MAX}")] = []
    all: bool = False
    cause: Cause = ""
    search: Search = ""
    preview: bool = False
    reason: Annotated[str, Meta(description="kept in history with each of them")] = ""


class SettledResponse(Shape):
    """What became of dead letters, or, with preview, would become. `matched` fit, of which `sample` are the first;
    `positions` are those that were settled, `gone` those that were named and are no dead letters. Where `exact` is
    false more fit than are settled at once: ask again for the others."""

    group: str
    result: Annotated[str, Meta(description="requeued or discarded")]
    matched: int
    positions: Sequence[int]
    gone: Sequence[int]
    sample: list[DeadLetter]
    exact: bool
    preview: bool


class ListGroupsQuery(msgspec.Struct):
    progress: Annotated[bool, Meta(description="where each is, as its lag tells; left out while NATS is away")] = False


class PeekQuery(msgspec.Struct):
    limit: Annotated[int, Meta(ge=1, le=PEEKED_MAX)] = PEEKED_DEFAULT


class PeekedMessage(Shape):
    """A message of a group's queue: the entry at `position`. `delivered`: it was given to a member, which may have
    settled it already; the others wait."""

    position: int
    event_id: str
    topic: str
    name: str
    recorded_at: Instant
    delivered: bool


class PeekResponse(Shape):
    """What a group gets next, in order; looking delivers nothing."""

    messages: list[PeekedMessage]


class ListDeadLettersResponse(Shape):
    """Dead letters of a group, by position."""

    dead_letters: list[DeadLetter]
    next_cursor: NextCursor = UNSET


class DiscardQuery(msgspec.Struct):
    reason: Annotated[str, Meta(description="kept in history")] = ""


class DeadLetterAction(Shape):
    """What became of a dead letter."""

    group: str
    position: int
    result: str


class OmittedEntry(Shape):
    """An entry that was published without its data, which were too large for NATS."""

    position: int
    kind: str
    size_bytes: int
    size_bytes_max: int


class OutboxResponse(Shape):
    """How far NATS has what history has. `waiting` entries are not published yet, `trouble` says why if there is a
    reason; nothing is left out. `omitted` are the last of those whose data NATS does not take: they are published
    without, and members of groups get them all the same."""

    connected: bool
    position: int
    head: int
    waiting: int
    trouble: str
    restarts: int
    omitted_total: int
    omitted: list[OmittedEntry]
    ingested_total: int
    refused_total: int


class DlqListItem(Shape):
    """A dead letter of any group, as published clients list them."""

    id: str
    event_id: str
    kind: str
    topic: str
    attempts: int
    last_error: str
    created_at: Instant
    dead_at: Instant
    environment_id: str


class DlqListQuery(msgspec.Struct):
    limit: Annotated[int, Meta(ge=1, le=1_000)] = 50
    offset: Annotated[int, Meta(ge=0, le=10_000)] = 0


class DlqListResponse(Shape):
    items: list[DlqListItem]
    limit: int
    offset: int


class DlqActionResponse(Shape):
    event_id: str
    result: str
