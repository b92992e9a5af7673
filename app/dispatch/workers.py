"""Workers as dispatch sees them: a session for each one connected, whatever its transport."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from app import patterns, texts
from app.dispatch.jobs import Job
from app.dispatch.queue import Lane
from app.errors import InvalidArgument

ID_CHARS_MAX = 255
FUNCTIONS_MAX = 1_000
CONCURRENT_JOBS_MAX = 10_000
DEPARTED_MAX = 200
SKEW_US_MIN = 100_000
"""By how much more than can be told clocks have to differ before it is said that they do."""
DEPARTED_KEPT_US = 3_600_000_000

PUSH_WORKER = "push:"
"""Begins the ids of the workers that push endpoints are to the dispatcher, and of no others."""


class WorkerInfo(msgspec.Struct, frozen=True):
    """What a worker tells of itself when it registers."""

    id: str
    environment: str
    function_ids: frozenset[str]
    max_concurrent_jobs: int
    hostname: str = ""
    labels: Mapping[str, str] = msgspec.field(default_factory=dict)
    sdk: str = ""
    runtime: str = ""


def is_usable(worker_id: str) -> bool:
    """Whether a worker may be called so."""
    return 1 <= len(worker_id) <= ID_CHARS_MAX and worker_id.isprintable() and not worker_id.startswith(PUSH_WORKER)


def check(info: WorkerInfo) -> None:
    """Returns if a worker may be like that. Raises InvalidArgument naming the field."""
    if info.id.startswith(PUSH_WORKER):
        raise InvalidArgument(
            f"worker id {info.id[:80]!r} begins with {PUSH_WORKER!r}", field="worker_id", hint="choose another id"
        )
    texts.segment(info.id, field="worker_id")
    if not is_usable(info.id):
        raise InvalidArgument(
            f"worker id {info.id[:80]!r} is not usable",
            field="worker_id",
            hint=f"1 to {ID_CHARS_MAX} printable characters",
        )
    if not 1 <= len(info.function_ids) <= FUNCTIONS_MAX:
        raise InvalidArgument(
            f"a worker serves 1 to {FUNCTIONS_MAX} functions, not {len(info.function_ids)}", field="function_ids"
        )
    for function_id in info.function_ids:
        patterns.validate_name(function_id, field="function_ids")
    if not 1 <= info.max_concurrent_jobs <= CONCURRENT_JOBS_MAX:
        raise InvalidArgument(
            f"max_concurrent_jobs {info.max_concurrent_jobs} is out of range",
            field="max_concurrent_jobs",
            hint=f"1 to {CONCURRENT_JOBS_MAX}",
        )


class Session(msgspec.Struct, eq=False):
    """One connected worker. `assign`, `cancel`, `drain` and `disconnect` are its transport's: they only queue a
    message, or end the conversation; the last two are told why.

    `credit` is how many more jobs the worker wants now; a stream grants its free slots once and for all, a polling
    worker with each poll. `starting` is how many of its slots are taken by runs whose start is being recorded, and
    which are no jobs of it yet. `lease_ttl_us` is how long it may be silent. `unwinds`: it can run the compensations
    of a run that is ended from outside. `rtt_us`: how long it took the last time to the worker and back; `asked_at` is
    when something went out that it answers at once, 0 if nothing did. `skew_us`: how far its clock was ahead of ours,
    give or take half of `rtt_us`; None if it did not say what time it is. `announce` asks it to announce the steps of
    a job from now on, before it runs them.
    """

    info: WorkerInfo
    transport: str
    lease_ttl_us: int
    assign: Callable[[Job], None]
    cancel: Callable[[Job, str], None]
    drain: Callable[[str], None]
    disconnect: Callable[[str], None]
    credit: int
    registered_at: int
    last_seen_at: int
    starting: int = 0
    asked_at: int = 0
    rtt_us: int | None = None
    skew_us: int | None = None
    jobs: dict[str, Job] = msgspec.field(default_factory=dict)
    draining: bool = False
    closed: bool = False
    turn: int = 0
    unwinds: bool = False
    announce: Callable[[Job], None] | None = None
    _lanes: Sequence[Lane] = ()
    _answer: tuple[str, int] = ("", 0)
    """The job that the worker acknowledged when it was measured, and the middle of the time that this took."""

    def __post_init__(self) -> None:
        self._lanes = [(self.info.environment, name) for name in sorted(self.info.function_ids)]

    @property
    def standing(self) -> bool:
        """Whether the credit of a job comes back when it ends: a polling worker grants it anew with each poll."""
        return self.transport != "rest"

    def grant(self, slots: int) -> None:
        """The worker has so many slots: it wants a job for each that has none, and is about to get none."""
        self.credit = max(0, slots - len(self.jobs) - self.starting)

    @property
    def free(self) -> bool:
        return self.credit > 0 and not self.draining and not self.closed

    @property
    def skewed(self) -> bool:
        """Whether its clock is another than ours, as far as can be told."""
        return self.skew_us is not None and abs(self.skew_us) > SKEW_US_MIN + (self.rtt_us or 0) // 2

    def answered(self, now_us: int, job_id: str) -> None:
        """The worker acknowledged a job; only the first answer counts, the others had to wait for it."""
        if self.asked_at:
            self.rtt_us = max(0, now_us - self.asked_at)
            self._answer = job_id, self.asked_at + self.rtt_us // 2
            self.asked_at = 0

    def began(self, job_id: str, worker_us: int) -> None:
        """By its own clock, the worker began the job then: soon after it had it."""
        measured, middle_us = self._answer
        if measured and job_id == measured:
            self.skew_us = worker_us - middle_us

    def echoed(self, sent_at: int, now_us: int, worker_us: int) -> None:
        """The worker answered at once what was sent then; by its own clock, if it is not 0, at `worker_us`."""
        self.rtt_us = max(0, now_us - sent_at)
        if worker_us:
            self.skew_us = worker_us - sent_at - self.rtt_us // 2

    def part(self) -> None:
        """The worker is gone, and told no more. What its transport holds, perhaps much that was never sent, may go,
        whoever keeps the session."""
        self.assign = self.cancel = self.drain = self.disconnect = _unheard
        self.announce = None

    def lanes(self) -> Sequence[Lane]:
        """The lanes the worker serves, beginning where the last turn ended, so that no function starves another."""
        lanes = self._lanes
        self.turn = (self.turn + 1) % max(1, len(lanes))
        return [*lanes[self.turn :], *lanes[: self.turn]]


def _unheard(*told: object) -> None:
    """Nobody is there to be told."""


def new_session(
    info: WorkerInfo,
    *,
    transport: str,
    lease_ttl_s: float,
    credit: int,
    now_us: int,
    assign: Callable[[Job], None],
    cancel: Callable[[Job, str], None],
    drain: Callable[[str], None] = _unheard,
    disconnect: Callable[[str], None] = _unheard,
    unwinds: bool = False,
    announce: Callable[[Job], None] | None = None,
) -> Session:
    """A session for a worker that just registered. Raises InvalidArgument for one that cannot be."""
    if transport != "push":
        check(info)
    return Session(
        info=info,
        transport=transport,
        lease_ttl_us=int(lease_ttl_s * 1_000_000),
        assign=assign,
        cancel=cancel,
        drain=drain,
        disconnect=disconnect,
        credit=credit,
        registered_at=now_us,
        last_seen_at=now_us,
        unwinds=unwinds,
        announce=announce,
    )


def seen(session: Session, job_ids: Sequence[str], *, now_us: int) -> tuple[Sequence[str], Sequence[str]]:
    """A heartbeat: leases of the listed jobs begin anew. The jobs it still holds, and those it does not."""
    session.last_seen_at = now_us
    held = [job_id for job_id in job_ids if job_id in session.jobs]
    for job_id in held:
        session.jobs[job_id].lease_expires_at = now_us + session.lease_ttl_us
    return held, [job_id for job_id in job_ids if job_id not in session.jobs]


class Departed(NamedTuple):
    """A worker that was connected to this node, until when, and why no longer."""

    session: Session
    left_at: int
    reason: str


class Sessions:
    """Every session of this node, by worker and by lane. A push function's lane is its endpoint's alone."""

    def __init__(self) -> None:
        self._departed: dict[tuple[str, str], Departed] = {}
        self._pushed: dict[Lane, Session] = {}
        self._by_worker: dict[tuple[str, str], Session] = {}
        self._by_lane: dict[Lane, list[Session]] = {}

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._by_worker.values()))

    def __len__(self) -> int:
        return len(self._by_worker)

    def get(self, environment: str, worker_id: str) -> Session | None:
        return self._by_worker.get((environment, worker_id))

    def add(self, session: Session) -> None:
        info = session.info
        self._departed.pop((info.environment, info.id), None)
        self._by_worker[info.environment, info.id] = session
        for function_id in info.function_ids:
            self._by_lane.setdefault((info.environment, function_id), []).append(session)
            if session.transport == "push":
                self._pushed[info.environment, function_id] = session

    def remove(self, session: Session) -> None:
        info = session.info
        if self._by_worker.get((info.environment, info.id)) is session:
            del self._by_worker[info.environment, info.id]
        for function_id in info.function_ids:
            serving = self._by_lane.get((info.environment, function_id), [])
            if session in serving:
                serving.remove(session)
            if self._pushed.get((info.environment, function_id)) is session:
                del self._pushed[info.environment, function_id]
            if not serving:
                self._by_lane.pop((info.environment, function_id), None)

    def depart(self, session: Session, *, now_us: int, reason: str) -> None:
        """The worker is told no more. That it was here is remembered for a while; of those that left last, at most
        DEPARTED_MAX."""
        session.part()
        if session.transport == "push":
            return
        key = session.info.environment, session.info.id
        self._departed.pop(key, None)
        self._departed[key] = Departed(session, now_us, reason)
        if len(self._departed) > DEPARTED_MAX:
            del self._departed[next(iter(self._departed))]

    def departed(self, environment: str, *, now_us: int) -> Sequence[Departed]:
        """Those that left the environment of late and did not come back, the last first."""
        since = now_us - DEPARTED_KEPT_US
        self._departed = {key: one for key, one in self._departed.items() if one.left_at > since}
        return [one for key, one in reversed(self._departed.items()) if key[0] == environment]

    def serving(self, lane: Lane) -> Sequence[Session]:
        """The sessions that may be handed runs of the lane."""
        pushed = self._pushed.get(lane)
        return (pushed,) if pushed is not None else tuple(self._by_lane.get(lane, ()))

    def serves(self, session: Session, lane: Lane) -> bool:
        return self._pushed.get(lane, session) is session

    def with_credit(self, lane: Lane) -> list[Session]:
        """The sessions of the lane that can take a run, first those that can take most."""
        free = [session for session in self.serving(lane) if session.free]
        return sorted(free, key=lambda session: -session.credit) if len(free) > 1 else free
