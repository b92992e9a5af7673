"""The queue against a model that looks at every run each time."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.dispatch.queue import STARTS_KEPT_MAX, Limits, Queue, Ready
from app.history.kinds import Concurrency, Dispatch, Throttle

LANE = ("default", "f")
PERIOD_MS = 10
KEYS = st.sampled_from("abc")


@dataclass
class Waiting:
    """A run of the model."""

    run_id: str
    key: str
    throttle: str | None
    priority: int
    created_at: int


class QueueModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.queue = Queue()
        self.now = 0
        self.waiting: dict[str, Waiting] = {}
        self.running: dict[str, str] = {}
        self.starts: dict[str, list[int]] = {}
        self.number = 0
        self.limit: int | None = None
        self.throttle: int | None = None
        self.paused = False

    @initialize(limit=st.one_of(st.none(), st.integers(1, 3)), throttle=st.one_of(st.none(), st.integers(1, 3)))
    def begin(self, limit: int | None, throttle: int | None) -> None:
        self.throttle = throttle
        self.configure(limit, False)

    @rule(limit=st.one_of(st.none(), st.integers(1, 3)), paused=st.booleans())
    def configure(self, limit: int | None, paused: bool) -> None:
        self.limit, self.paused = limit, paused
        throttled = None if self.throttle is None else Throttle(self.throttle, PERIOD_MS, "t")
        concurrency = None if limit is None else Concurrency(limit, "k")
        self.queue.configure(LANE, Limits(concurrency, throttled, paused))

    @rule(key=KEYS, throttle=KEYS, priority=st.integers(-3, 3), again=st.booleans())
    def push(self, key: str, throttle: str, priority: int, again: bool) -> None:
        self.number += 1
        run_id = f"run_{self.number}"
        throttle_key = throttle if self.throttle is not None else None
        dispatch = Dispatch(concurrency_key=key, throttle_key=throttle_key, priority=priority)
        self.queue.push(LANE, Ready(run_id, dispatch=dispatch, created_at=self.now, is_first=not again))
        self.waiting[run_id] = Waiting(run_id, key, None if again else throttle_key, priority, self.now)

    @rule(us=st.sampled_from([1, 1_000, 4_000, 10_000, 3_000_000]))
    def wait(self, us: int) -> None:
        self.now += us

    @rule()
    def pop(self) -> None:
        ready = self.queue.pop(LANE, self.now)
        allowed = [run for run in self.waiting.values() if self._may_start(run)]
        if ready is None:
            assert not allowed, "something could have started"
            return
        run = self.waiting.pop(ready.run_id)
        assert run in allowed
        same = [other for other in allowed if (other.key, other.throttle) == (run.key, run.throttle)]
        assert self._rank(run) == min(map(self._rank, same)), "not the first of its lane"
        self.running[run.run_id] = run.key
        if run.throttle is not None and self.throttle is not None:
            self.starts.setdefault(run.throttle, []).append(self.now)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        run_id = data.draw(st.sampled_from(sorted(self.running)))
        del self.running[run_id]
        self.queue.release(run_id)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def discard(self, data: st.DataObject) -> None:
        run_id = data.draw(st.sampled_from(sorted(self.waiting)))
        del self.waiting[run_id]
        self.queue.discard(LANE, run_id)

    @invariant()
    def counts_agree(self) -> None:
        assert len(self.queue) == len(self.waiting)
        counted: dict[str, int] = {}
        for key in self.running.values():
            counted[key] = counted.get(key, 0) + 1
        assert self.queue.running(LANE) == counted

    def _may_start(self, run: Waiting) -> bool:
        if self.paused:
            return False
        if self.limit is not None and list(self.running.values()).count(run.key) >= self.limit:
            return False
        if self.throttle is None or run.throttle is None:
            return True
        lately = [at for at in self.starts.get(run.throttle, []) if at > self.now - PERIOD_MS * 1_000]
        return len(lately) < self.throttle

    def _rank(self, run: Waiting) -> tuple[float, int]:
        return run.created_at - run.priority * 1e6, int(run.run_id[4:])


QueueModel.TestCase.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
TestQueue = QueueModel.TestCase


def test_no_key_waits_longer_than_one_turn_of_the_others() -> None:
    queue = Queue()
    for number in range(300):
        queue.push(LANE, Ready(f"hot{number}", dispatch=Dispatch(concurrency_key="hot"), created_at=number))
    for number in range(10):
        queue.push(LANE, Ready(f"cold{number}", dispatch=Dispatch(concurrency_key=f"k{number}"), created_at=1_000))

    first = [queue.pop(LANE, 2_000) for _ in range(11)]

    assert {ready.dispatch.concurrency_key for ready in first if ready} == {"hot", *(f"k{n}" for n in range(10))}


def test_the_next_instant_is_told_when_a_throttle_makes_a_lane_wait() -> None:
    told: list[int] = []
    queue = Queue(on_throttled=lambda: told.append(1))
    queue.configure(LANE, Limits(throttle=Throttle(1, PERIOD_MS)))
    for number in range(2):
        queue.push(LANE, Ready(f"r{number}", dispatch=Dispatch(throttle_key=""), is_first=True))

    assert queue.pop(LANE, 100) is not None
    assert queue.next_at() is None
    assert queue.pop(LANE, 100) is None

    assert (queue.next_at(), told) == (100 + PERIOD_MS * 1_000, [1])
    assert queue.wake(100 + PERIOD_MS * 1_000) == [LANE]
    assert queue.pop(LANE, 100 + PERIOD_MS * 1_000) is not None


def test_it_is_told_what_a_run_waits_for() -> None:
    queue = Queue()
    queue.configure(LANE, Limits(concurrency=Concurrency(1, "k"), throttle=Throttle(1, PERIOD_MS)))
    queue.configure(("other", "f"), Limits())
    for number, (key, throttle, first) in enumerate(
        [("a", "t", True), ("a", "u", True), ("b", "t", True), ("b", "t", False)]
    ):
        dispatch = Dispatch(concurrency_key=key, throttle_key=throttle)
        queue.push(LANE, Ready(f"r{number}", dispatch=dispatch, created_at=number, is_first=first))
    queue.discard(LANE, "r3")
    again = Ready("r4", dispatch=Dispatch(concurrency_key="b", throttle_key="t"))
    queue.push(LANE, again)

    started = queue.pop(LANE, 0)  # of the others, one has to wait for its end, one for the window
    taken = queue.pop(LANE, 0)
    assert (started and started.run_id, taken) == ("r0", again)
    queue.release("r4")

    blocking = queue.blocking(LANE)
    waiting = {ready.run_id: blocking(ready) for ready in queue.waiting(LANE)}
    assert waiting == {"r1": "concurrency", "r2": "throttle"}
    assert blocking(again) == "worker"
    assert (queue.functions("default"), queue.waiting(("other", "f"))) == ([LANE], [])
    queue.configure(LANE, Limits(paused=True))
    assert queue.blocking(LANE)(again) == "paused"


def test_a_run_that_is_popped_twice_takes_up_capacity_until_it_is_released_twice() -> None:
    """It could go on again before it was known what became of its start."""
    queue = Queue()
    queue.configure(LANE, Limits(concurrency=Concurrency(3, "k")))
    for _ in range(3):
        queue.push(LANE, Ready("r"))
        assert queue.pop(LANE, 0) is not None

    counts = [queue.running(LANE)]
    for _ in range(4):
        queue.release("r")
        counts.append(queue.running(LANE))

    assert counts == [{"": 3}, {"": 2}, {"": 1}, {}, {}]
    assert (queue._busy, queue._more) == ({}, {})


def test_nothing_is_left_of_keys_whose_runs_have_ended() -> None:
    """As many different keys as events bring."""
    queue = Queue()
    queue.configure(LANE, Limits(concurrency=Concurrency(1, "k"), throttle=Throttle(1, PERIOD_MS)))

    for number in range(2 * STARTS_KEPT_MAX):
        key, now = f"k{number}", number * PERIOD_MS * 1_000
        for run_id in (f"a{number}", f"b{number}"):
            dispatch = Dispatch(concurrency_key=key, throttle_key=key, actor_id=key)
            queue.push(LANE, Ready(run_id, dispatch=dispatch, created_at=now, is_first=run_id[0] == "a"))
        for _ in range(2):
            ready = queue.pop(LANE, now)
            assert ready is not None
            assert queue.pop(LANE, now) is None, "one of a key at a time"
            queue.release(ready.run_id)

    function = queue._functions[LANE]
    assert (len(queue), len(queue._busy), len(function.turn)) == (0, 0, 0)
    assert [function.lanes, function.running, function.at_capacity, function.throttled] == [{}, {}, {}, []]
    assert len(function.starts) <= STARTS_KEPT_MAX + 1
