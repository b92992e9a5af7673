"""Push mode: for each push function a session in the dispatcher, whose jobs are POSTed to the function's endpoint.

What holds for workers holds here: steps are recorded before the outcome counts, every report carries the fence, and a
slot is credit. An execution whose request was never heard goes back to the queue at no cost of an attempt, as if no
worker were there; one that was heard and came to nothing has failed, to be tried again as the function's retry policy
says. Both count for the endpoint's circuit breaker, which takes the credit away while it is open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from app import ids
from app.clock import Clock
from app.dispatch.answers import Told
from app.dispatch.breaker import Breaker
from app.dispatch.dispatcher import Dispatcher
from app.dispatch.jobs import Job
from app.dispatch.recording import Recording
from app.dispatch.reporting import Reporting, redacted
from app.dispatch.reports import Reported, Unrecordable, bad_report
from app.dispatch.workers import PUSH_WORKER, Session, WorkerInfo, new_session
from app.errors import BreakerNotFound, IdempotencyConflict, IronflowError, StaleExecution
from app.events.emit import Emitter
from app.events.topics import Topics
from app.history.committer import Done
from app.history.kinds import Failure, FunctionRegistered
from app.outbound import url
from app.outbound.reach import Reach
from app.runs.definition import signature_style, unwinds
from app.runs.engine import Diverged, Engine
from app.runs.function import Function
from app.runs.functions import Functions
from app.runs.writing import WriteRefused

if TYPE_CHECKING:
    from app.dispatch.exchange import Asked
    from app.outbound.client import Client

log = structlog.get_logger(__name__)

REASON_CHARS_MAX = 1_000
LEASE_TTL_S = 10 * 366 * 86_400.0
"""A push job is in our own hands: its request ends, one way or the other, so its lease never has to."""


class PushOptions(msgspec.Struct, frozen=True):
    """How endpoints are called: where they may be, how long one may be silent, how many requests at a time each
    function's endpoint gets, and the key that signs them ("" signs nothing)."""

    reach: Reach = msgspec.field(default_factory=Reach)
    timeout_s: float = 10.0
    concurrency: int = 100
    signing_key: str = ""


class Endpoint(msgspec.Struct, eq=False):
    """One push function at one URL. `allowed` is the credit that its breaker grants, jobs under way included."""

    environment: str
    function: FunctionRegistered
    key: str
    breaker: Breaker
    client: Client
    session: Session
    allowed: int
    requests: dict[str, asyncio.Task[None]] = msgspec.field(default_factory=dict)


class PushWorkers:
    def __init__(
        self,
        *,
        dispatcher: Dispatcher,
        engine: Engine,
        functions: Functions,
        emitter: Emitter,
        topics: Topics,
        clock: Clock,
        options: PushOptions,
    ) -> None:
        self._dispatcher = dispatcher
        self._reporting = Reporting(engine=engine, emitter=emitter, topics=topics)
        self._functions = functions
        self._clock = clock
        self._options = options
        self._endpoints: dict[tuple[str, str], Endpoint] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()

    async def run(self) -> None:
        """Serve every push function until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            self._functions.watch(self._learn)
            await self._wake_breakers()

    async def drain(self, timeout_s: float) -> None:
        """Send no more requests; returns when those under way have ended, or the time is over."""
        for endpoint in self._endpoints.values():
            endpoint.session.draining = True
        try:
            async with asyncio.timeout(timeout_s):
                while any(endpoint.requests for endpoint in self._endpoints.values()):
                    self._idle.clear()
                    await self._idle.wait()
        except TimeoutError:
            log.info("requests to push endpoints are cut off; their runs go on at the next start")

    def breakers(self, environment: str) -> Sequence[Endpoint]:
        """The endpoints of the environment, by function, with their breakers."""
        return [self._endpoints[place] for place in sorted(self._endpoints) if place[0] == environment]

    def reset(self, environment: str, key: str) -> Endpoint:
        """Close the breaker of that key, or of the function of that id, as if its endpoint had never failed. Raises
        BreakerNotFound."""
        for endpoint in self.breakers(environment):
            if key in (endpoint.key, endpoint.function.id):
                endpoint.breaker.reset()
                self._allow(endpoint)
                self._dispatcher.fill(endpoint.session)
                return endpoint
        raise BreakerNotFound(f"no circuit breaker {key[:80]!r}", hint="`ironflow breaker list` shows those there are")

    # Functions come, change and go.

    def _learn(self, function: Function) -> None:
        """Serve the function as it is now. What is under way at an endpoint it no longer has may end there."""
        fact = function.fact
        place = (function.environment, fact.id)
        served = self._endpoints.get(place)
        if served is not None and served.function == fact:
            return
        breaker = None
        if served is not None:
            if served.function.endpoint_url == fact.endpoint_url:
                breaker = served.breaker
                breaker.policy = fact.circuit_breaker
            self._retire(place, served)
        if fact.preferred_mode == "push":
            self._endpoints[place] = endpoint = self._opened(function.environment, fact, breaker)
            self._dispatcher.join(endpoint.session)

    def _opened(self, environment: str, fact: FunctionRegistered, breaker: Breaker | None) -> Endpoint:
        from app.outbound.client import Client

        where = url.parse(fact.endpoint_url, field="endpoint_url")
        breaker = breaker or Breaker(fact.circuit_breaker)
        allowed = breaker.admits(self._options.concurrency)
        info = WorkerInfo(
            id=f"{PUSH_WORKER}{fact.id}",
            environment=environment,
            function_ids=frozenset((fact.id,)),
            max_concurrent_jobs=self._options.concurrency,
            hostname=where.authority,
        )
        endpoint: Endpoint
        session = new_session(
            info,
            transport="push",
            lease_ttl_s=LEASE_TTL_S,
            credit=allowed,
            now_us=self._clock.now_us(),
            assign=lambda job: self._assign(endpoint, job),
            cancel=lambda job, reason: self._cancel(endpoint, job),
            unwinds=unwinds(fact.metadata),
        )
        client = Client(where, self._options.reach)
        key = ids.keyed("cb", environment, fact.id, fact.endpoint_url)
        endpoint = Endpoint(environment, fact, key, breaker, client, session, allowed)
        return endpoint

    def _retire(self, place: tuple[str, str], endpoint: Endpoint) -> None:
        del self._endpoints[place]
        self._dispatcher.retire(endpoint.session)
        if not endpoint.requests:
            endpoint.client.close()

    # Jobs.

    def _assign(self, endpoint: Endpoint, job: Job) -> None:
        assert self._tasks is not None, "push mode is not running"
        if not endpoint.breaker.admits(1):  # it opened while the run's start was being recorded
            self._give_back(endpoint, job, "the endpoint's circuit breaker is open")
            return
        endpoint.requests[job.id] = request = self._tasks.create_task(self._execute(endpoint, job))
        request.add_done_callback(lambda _: self._ended(endpoint, job))

    def _cancel(self, endpoint: Endpoint, job: Job) -> None:
        request = endpoint.requests.get(job.id)
        if request is not None:
            request.cancel()

    def _ended(self, endpoint: Endpoint, job: Job) -> None:
        endpoint.requests.pop(job.id, None)
        if endpoint.session.draining and not endpoint.requests:
            endpoint.client.close()
            self._idle.set()

    async def _execute(self, endpoint: Endpoint, job: Job) -> None:
        from app.dispatch.exchange import EndpointFailed, exchange
        from app.outbound.client import Unreached

        era = endpoint.breaker.era
        recording = Recording(partial(self._record, endpoint, job))
        try:
            outcome = await exchange(
                endpoint.client, self._asked(endpoint, job), record=lambda told: recording.add(redacted(job, told))
            )
            await recording.settled()
            record = self._reporting.end(job, outcome.ending, outcome.logged)
            last = [redacted(job, told) for told in outcome.told]
            if any(isinstance(told, Reported) and (told.emissions or told.writes) for told in last):
                for told in last:
                    await recording.add(told)
                await recording.settled()  # an event or a write may be refused, and then the run does not go on
            else:
                record = self._reporting.together(job, last, record)
        except Unreached as error:
            self._failed(endpoint, era, str(error), reached=False)
            self._give_back(endpoint, job, str(error))
        except EndpointFailed as error:
            failure = Failure(message=str(error), code=error.code, retry_after_ms=error.retry_after_ms)
            self._failed(endpoint, era, job.redacted(failure).message, reached=True)  # it may repeat what it was sent
            self._end(endpoint, job, self._reporting.end(job, failure))
        except (IronflowError, Unrecordable) as error:
            self._answered(endpoint, era)
            reason = error.reason if isinstance(error, Unrecordable) else error
            self._end(endpoint, job, self._reporting.end(job, bad_report(reason)))
        except Exception:
            log.exception("a push request broke", run_id=job.run_id)  # ours, and no reason to end the server
            failure = Failure(message="something broke on the server", code="INTERNAL")
            self._end(endpoint, job, self._reporting.end(job, failure))
        else:
            self._answered(endpoint, era)
            self._end(endpoint, job, record)

    def _asked(self, endpoint: Endpoint, job: Job) -> Asked:
        from app.dispatch.exchange import Asked, body_of

        body = body_of(job, to_ours=endpoint.session.unwinds)
        silence_s = min(self._options.timeout_s, endpoint.function.timeout_ms / 1_000)
        return Asked(job, body, self._headers(endpoint, job, body), silence_s, self._clock.now_us)

    def _headers(self, endpoint: Endpoint, job: Job, body: bytes) -> list[tuple[str, str]]:
        from app.dispatch.exchange import signature

        headers = [("x-ironflow-run-id", job.run_id)]
        key = self._options.signing_key
        if key:
            style = signature_style(endpoint.function.metadata)
            now_s = self._clock.now_us() // 1_000_000
            headers.append(("x-ironflow-signature", signature(key, body, style=style, now_s=now_s)))
        return headers

    # What requests come to.

    def _record(self, endpoint: Endpoint, job: Job, told: Told, done: Callable[[], None]) -> None:
        """Record what an execution tells before its end. If that fails the execution is interrupted: another has the
        run, or it ended or diverged, or what goes with a step is refused, or the store is away. An endpoint cannot be
        told that a write was refused: its execution has failed of that, to be tried again."""

        def recorded(answer: Any, error: BaseException | None) -> None:
            done()
            if error is None or endpoint.session.jobs.get(job.id) is not job or isinstance(error, Diverged):
                return
            if isinstance(error, IdempotencyConflict):
                self._end(endpoint, job, self._reporting.end(job, bad_report(error)))
            elif isinstance(error, WriteRefused):
                self._end(endpoint, job, self._reporting.end(job, error.failure))
            else:
                stale = isinstance(error, StaleExecution)
                reason = "superseded" if stale else "the result of a step could not be recorded"
                self._give_back(endpoint, job, reason)
            self._cancel(endpoint, job)

        self._reporting.submit(job, told, recorded)

    def _end(self, endpoint: Endpoint, job: Job, record: Callable[[Done], None]) -> None:
        """Record the end, unless the run was taken from us meanwhile."""
        if endpoint.session.jobs.get(job.id) is job:
            self._dispatcher.finish(endpoint.session, job, record)
        else:
            log.debug("late answer refused", run_id=job.run_id, execution_seq=job.execution_seq)

    def _give_back(self, endpoint: Endpoint, job: Job, reason: str) -> None:
        session = endpoint.session
        if session.jobs.get(job.id) is job:
            self._dispatcher.give_back(session, job, reason=reason[:REASON_CHARS_MAX])
            session.credit += 1
            self._dispatcher.fill(session)

    # The breaker.

    def _answered(self, endpoint: Endpoint, era: int) -> None:
        endpoint.session.last_seen_at = self._clock.now_us()
        endpoint.breaker.succeeded(era)
        self._allow(endpoint)

    def _failed(self, endpoint: Endpoint, era: int, reason: str, *, reached: bool) -> None:
        breaker = endpoint.breaker
        breaker.failed(era, now=self._clock.now_us(), reason=reason[:REASON_CHARS_MAX], reached=reached)
        if breaker.state == "open" and breaker.era != era:
            log.warning("circuit breaker open", function_id=endpoint.function.id, reason=reason)
        self._allow(endpoint)
        self._wake.set()

    def _allow(self, endpoint: Endpoint) -> None:
        """Grant the credit that the breaker allows, to the endpoint that has this breaker now."""
        endpoint = self._endpoints.get((endpoint.environment, endpoint.function.id), endpoint)
        allowed = endpoint.breaker.admits(self._options.concurrency)
        endpoint.session.credit += allowed - endpoint.allowed
        endpoint.allowed = allowed

    async def _wake_breakers(self) -> None:
        """Let breakers go on when their time has come."""
        while True:
            self._wake.clear()
            now = self._clock.now_us()
            for endpoint in list(self._endpoints.values()):
                if endpoint.breaker.wake_at is not None:
                    endpoint.breaker.wake(now)
                    self._allow(endpoint)
                    self._dispatcher.fill(endpoint.session)
            instants = [endpoint.breaker.wake_at for endpoint in self._endpoints.values()]
            await self._clock.wait_until(min((at for at in instants if at is not None), default=None), self._wake)
