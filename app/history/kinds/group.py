"""What happens to consumer groups, and to what they could not deliver."""

from __future__ import annotations

import msgspec

from app.history.kinds.base import Fact, empty


class GroupSettings(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a group gets and how. `ack_mode` is manual or auto, `metadata` a JSON object that is the user's own."""

    pattern: str
    filter: str = ""
    ack_mode: str = "manual"
    backpressure: str = "buffer"
    max_inflight: int = 100
    max_redeliveries: int = 3
    redeliver_delay_ms: int = 5_000
    ack_wait_ms: int = 30_000
    metadata: msgspec.Raw = msgspec.field(default_factory=empty)


class GroupCreated(Fact, frozen=True):
    """stream group/<name>, as are the next five; it gets what is recorded after position `start`, or, if that is not
    told, after this entry"""

    kind = "group.created"
    settings: GroupSettings
    start: int = -1


class GroupUpdated(Fact, frozen=True):
    """`settings` are all of them; they hold for what is recorded from here on."""

    kind = "group.updated"
    settings: GroupSettings


class GroupPaused(Fact, frozen=True):
    kind = "group.paused"
    reason: str = ""


class GroupResumed(Fact, frozen=True):
    kind = "group.resumed"


class GroupReset(Fact, frozen=True):
    """It gets what was recorded after position `start`, once more or for the first time; if that is not told, only
    what comes after this entry."""

    kind = "group.reset"
    start: int = -1
    reason: str = ""


class GroupDeleted(Fact, frozen=True):
    kind = "group.deleted"


class GroupDeadLettered(Fact, frozen=True):
    """stream deadletter/<group>/<position>, as are the next two. The entry at that position was delivered so often and
    is not delivered again; `fed` is where in history it was given to the group: its own position, or that of the
    requeue. `cause` is redelivered (too often), terminated (by a consumer) or unreadable; `reason` is what was said."""

    kind = "group.dead_lettered"
    group: str
    entry: int
    fed: int
    event_id: str
    topic: str
    deliveries: int
    cause: str = "redelivered"
    reason: str = ""


class GroupRequeued(Fact, frozen=True):
    """The group gets it once more."""

    kind = "group.requeued"
    group: str
    entry: int
    reason: str = ""


class GroupDiscarded(Fact, frozen=True):
    kind = "group.discarded"
    group: str
    entry: int
    reason: str = ""


DEFINING = (GroupCreated, GroupUpdated, GroupPaused, GroupResumed, GroupReset, GroupDeleted)

FACTS: tuple[type[Fact], ...] = (*DEFINING, GroupDeadLettered, GroupRequeued, GroupDiscarded)
