"""What can be asked of a run, each one a command to the committer. Transports and dispatch go through here.

Reports of workers are answered by callback in the event loop, so that a message of many reports makes no tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import msgspec

from app import texts
from app.clock import Clock
from app.errors import RunChanged
from app.history import revisions
from app.history.committer import Command, Committer, Decision, Done
from app.history.entry import Draft, Entry
from app.history.kinds import (
    Divergence,
    Fact,
    Failure,
    RunCompleted,
    RunNoted,
    RunPaused,
    RunSuspended,
    Said,
    StepCompleted,
    StepFailed,
)
from app.ids import Ids
from app.runs import children, commands, holding, machine, steering, steps, tags, waiting, writing, yields
from app.runs.asking import Request, guarded
from app.runs.breakpoints import Breakpoints
from app.runs.commands import Decider, Diverged, Started
from app.runs.functions import Functions
from app.runs.noun import stream
from app.runs.reading import not_found
from app.runs.state import Run
from app.runs.yields import Invoke, Yield
from app.values import kv
from app.values.keyspace import Keyspace
from storage import runs
from storage.contract import Storage
from storage.records import RunRow

__all__ = ["Diverged", "Engine"]


class Engine:
    def __init__(
        self,
        *,
        storage: Storage,
        committer: Committer,
        functions: Functions,
        keyspace: Keyspace,
        breakpoints: Breakpoints,
        ids: Ids,
        clock: Clock,
    ) -> None:
        self._storage = storage
        self._breakpoints = breakpoints
        self._committer = committer
        self._functions = functions
        self._keyspace = keyspace
        self._ids = ids
        self._clock = clock

    # For dispatch and transports of workers.

    def start(
        self, environment: str, run_id: str, *, worker_id: str, done: Done, unwinds: bool = False, node: str = ""
    ) -> None:
        """Hand the run to a worker of a node; that rides along with the next commit. `done` is given what has Begun, or
        RunNotRunning; or None, if the run was to be unwound and has ended, because the worker cannot do that."""
        command = commands.start(environment, run_id, worker_id=worker_id, unwinds=unwinds, node=node)
        self._committer.submit(command, done, urgent=False)

    def start_all(
        self,
        environment: str,
        run_ids: Sequence[str],
        *,
        worker_id: str,
        done: Callable[[Sequence[Started] | None, BaseException | None], None],
        unwinds: bool = False,
        node: str = "",
    ) -> None:
        """Hand runs to a worker of a node, in one command. `done` is told in their order what became of each, as
        `start` tells it: one that cannot be started keeps no other from it. They go before what others have to record,
        unless too many wait: free slots wait for them."""
        command = commands.start_all(environment, run_ids, worker_id=worker_id, unwinds=unwinds, node=node)
        self._committer.submit(command, done, first=True)

    def step(
        self,
        environment: str,
        run_id: str,
        fact: StepCompleted | StepFailed,
        done: Done,
        *,
        emissions: Sequence[Command] = (),
        writes: Sequence[kv.Write] = (),
        logged: Sequence[Said] = (),
    ) -> None:
        """Record the result of a step, and what it emits, writes and logged in the same commit. Refused with
        StaleExecution when another execution holds the run, with Diverged when history has another kind of step there,
        and with WriteRefused where the step is recorded as failed."""
        decide = self._at_breakpoints(environment, run_id, lambda run, now: steps.decide_step(run, fact))
        command = commands.command(environment, run_id, commands.behind(decide, logged), "")
        if emissions:
            command = commands.together(command, emissions)
        if isinstance(fact, StepCompleted) and writes:
            self._write(command, fact, writes, commands.telling(done))
        else:
            self._committer.submit(command, commands.telling(done))

    def _write(self, command: Command, fact: StepCompleted, writes: Sequence[kv.Write], done: Done) -> None:
        def measured(writes: Sequence[kv.Write] | None, error: BaseException | None) -> None:
            if writes is None:
                done(None, error)
            else:
                self._write(command, fact, writes, done)

        def told(answer: Any, error: BaseException | None) -> None:
            if isinstance(error, kv.UsageUnknown):
                self._keyspace.measure(command.environment, writes, measured)
            else:
                done(answer, error)

        self._committer.submit(writing.with_writes(command, fact, writes), told)

    def begin_step(
        self, environment: str, run_id: str, *, execution_seq: int, step_id: str, name: str, kind: str, done: Done
    ) -> None:
        """A worker is about to run a step: `done` is given the RunPaused that holds the run before it, or None. Refused
        with StaleExecution."""

        def decide(run: Run | None, now: int) -> list[Fact]:
            found = self._breakpoints.of(environment, run_id, run.function_id) if run is not None else ()
            return holding.decide_begin(run, found, execution_seq=execution_seq, step_id=step_id, name=name, kind=kind)

        self._submit(environment, run_id, decide, done)

    def may_hold(self, environment: str, run_id: str, function_id: str) -> bool:
        """Whether a breakpoint may hold the run, so that each step has to be announced with begin_step."""
        return self._breakpoints.holds(environment, run_id, function_id)

    def let_go(self, environment: str, run_id: str, alive: frozenset[str], done: Done) -> None:
        """Resume the run if a breakpoint holds it that is not alive any more."""
        self._submit(environment, run_id, lambda run, now: steering.decide_let_go(run, alive=alive), done)

    def together(self) -> AbstractContextManager[None]:
        """What is submitted within shares a transaction (see Committer.together)."""
        return self._committer.together()

    def note(self, environment: str, run_id: str, fact: RunNoted, done: Done) -> None:
        self._submit(environment, run_id, lambda run, now: steps.decide_note(run, fact), done)

    def suspend(
        self,
        environment: str,
        run_id: str,
        wanted: Sequence[Yield],
        *,
        execution_seq: int,
        event: Entry,
        logged: Sequence[Said] = (),
    ) -> Callable[[Done], None]:
        """What records the end of an execution whose code waits; `event` is the run's own. Child runs are created in
        the same commit. Raises InvalidArgument for what cannot be waited for."""
        for one in wanted:
            yields.check(one)
        values = children.compared(wanted, event)
        made = {
            one.step_id: children.child(one, environment, self._functions, self._ids)
            for one in wanted
            if isinstance(one, Invoke)
        }
        where = stream(run_id)

        def decide(states: Mapping[str, Any], now: int) -> Decision:
            run: Run | None = states[where]
            suspension = waiting.decide_suspend(
                run, execution_seq=execution_seq, yields=wanted, values=values, children=made, now=now
            )
            assert run is not None
            found = self._breakpoints.of(environment, run_id, run.function_id)
            if found and isinstance(suspension.facts[-1], RunSuspended):
                stopped = holding.before(run, found, [(one.step_id, one.name, one.type) for one in wanted])
                suspension = waiting.Suspension(stopped, []) if stopped else suspension
            # One that is held instead comes this far anew when it goes on, and says its lines again.
            held = not suspension.facts or isinstance(suspension.facts[-1], RunPaused)
            said = () if held else commands.new_of(run, logged)
            drafts = [Draft(where, fact, correlation=run.correlation) for fact in (*said, *suspension.facts)]
            new: list[str] = []
            for invoke in suspension.invoked:
                begun = children.drafts(run, invoke, made[invoke.step_id])
                drafts += begun
                new += [draft.stream for draft in begun]
            return Decision(drafts, commands.told(suspension.facts), new)

        command = Command(environment, (where,), decide)
        return lambda done: self._committer.submit(command, commands.telling(done))

    def complete(
        self, environment: str, run_id: str, fact: RunCompleted, done: Done, *, logged: Sequence[Said] = ()
    ) -> None:
        def decide(run: Run | None, now: int) -> list[Fact]:
            return machine.decide_complete(run, fact)

        self._submit(environment, run_id, commands.behind(decide, logged), done)

    def fail(
        self,
        environment: str,
        run_id: str,
        *,
        execution_seq: int,
        error: Failure,
        done: Done,
        logged: Sequence[Said] = (),
    ) -> None:
        def decide(run: Run | None, now: int) -> list[Fact]:
            return machine.decide_fail(run, execution_seq=execution_seq, error=error, now=now)

        self._submit(environment, run_id, commands.behind(decide, logged), done)

    def diverge(
        self,
        environment: str,
        run_id: str,
        *,
        execution_seq: int,
        divergence: Divergence,
        done: Done,
        logged: Sequence[Said] = (),
    ) -> None:
        """Stop the run, with what history has and what the code asked for."""

        def decide(run: Run | None, now: int) -> list[Fact]:
            return machine.decide_diverge(run, execution_seq=execution_seq, divergence=divergence)

        self._submit(environment, run_id, commands.behind(decide, logged), done)

    def release(self, environment: str, run_id: str, *, execution_seq: int, reason: str, done: Done) -> None:
        """Give the run back to the queue, at no cost of an attempt."""

        def decide(run: Run | None, now: int) -> list[Fact]:
            return machine.decide_release(run, execution_seq=execution_seq, reason=reason)

        self._submit(environment, run_id, decide, done)

    # For those who follow history and time: what no longer holds when it is decided changes nothing.

    def time_out(self, environment: str, run_id: str, done: Done) -> None:
        """End the run if it has executed for longer than it may."""
        self._submit(environment, run_id, lambda run, now: machine.decide_time_out(run, now=now), done)

    def resolve_event(
        self,
        environment: str,
        run_id: str,
        step_id: str,
        candidates: Sequence[Entry],
        done: Done,
        *,
        lookback: bool,
    ) -> None:
        """The wait has its event, the first of the candidates that it may take."""

        def decide(run: Run | None, now: int) -> list[Fact]:
            return waiting.decide_event(run, step_id, candidates, lookback=lookback, now=now)

        cause = candidates[0].stream
        decider = self._at_breakpoints(environment, run_id, decide)
        self._committer.submit(commands.command(environment, run_id, decider, "", causation=cause), done)

    def resolve_child(self, environment: str, run_id: str, step_id: str, child: Entry, done: Done) -> None:
        """The child run that the step waits for has ended, by the entry `child`."""
        output, cause = children.outcome(child)

        def decide(run: Run | None, now: int) -> list[Fact]:
            child_run_id = child.stream.partition("/")[2]
            return waiting.decide_child_ended(run, step_id, child_run_id, output=output, cause=cause, now=now)

        decider = self._at_breakpoints(environment, run_id, decide)
        self._committer.submit(commands.command(environment, run_id, decider, "", causation=child.stream), done)

    def resolve_deadline(self, environment: str, run_id: str, step_id: str, done: Done) -> None:
        """The time of a wait may be over, or (step id "") of unwinding."""
        decider = self._at_breakpoints(
            environment, run_id, lambda run, now: waiting.decide_deadline(run, step_id, now=now)
        )
        self._submit(environment, run_id, decider, done)

    def cancel_child(self, environment: str, run_id: str, *, cause: str, detached: bool, done: Done) -> None:
        """Its parent has ended. RunNotRunning if it has ended itself meanwhile."""

        def decide(run: Run | None, now: int) -> list[Fact]:
            return steering.decide_cancel(run, reason="", cause=cause, detached=detached)

        self._submit(environment, run_id, decide, done)

    # For people and programs.

    async def tag(
        self, environment: str, run_id: str, request: Request, *, add: Sequence[str] = (), remove: Sequence[str] = ()
    ) -> None:
        """Give the run tags and take some, whatever became of it. Raises as `change` does, and InvalidArgument for what
        is no tag, for too many, and for none at all."""
        request = request.checked()
        add, remove = tags.check_change(add, remove)
        await self._change(
            environment,
            run_id,
            request,
            msgspec.json.encode(("tag", add, remove)),
            lambda run: tags.decide_tag(run, add=add, remove=remove, reason=request.reason),
        )

    async def cancel(
        self,
        environment: str,
        run_id: str,
        *,
        reason: str,
        actor: str = "",
        via: str = "",
        detached: bool = False,
        compensate: bool = False,
    ) -> None:
        """Children that the run waits for are cancelled with it, and `detached` ones if wanted. With `compensate` a
        worker first runs its compensations. Cancelling a cancelled run changes nothing.
        Raises InvalidArgument for the reason, RunNotFound, and RunNotRunning for one that has ended."""
        texts.reason(reason)

        def decide(run: Run | None, now: int) -> list[Fact]:
            return steering.decide_cancel(
                run, reason=reason, cause="request", detached=detached, compensate=compensate, now=now
            )

        await self._ask(environment, run_id, decide, actor, via)

    async def pause(
        self,
        environment: str,
        run_id: str,
        *,
        reason: str = "",
        actor: str = "",
        key: str = "",
        expected: int | None = None,
        via: str = "",
    ) -> bool:
        """Whether the run is paused already; a running one will be when its current step is recorded. Raises as
        `change` does, and RunNotRunning for one that has ended."""
        request = Request(reason, actor, key, expected, via).checked()
        run = await self.change(
            environment,
            run_id,
            request,
            b"pause",
            lambda run: steering.decide_pause(run, reason=request.reason),
        )
        return run.status == "paused"

    async def resume(
        self,
        environment: str,
        run_id: str,
        *,
        from_step: str = "",
        reason: str = "",
        actor: str = "",
        key: str = "",
        expected: int | None = None,
        via: str = "",
    ) -> None:
        """With `from_step`, that step and those recorded after it are run again, but for outputs that a person gave.
        Raises as `change` does, InvalidArgument for an unknown step, FailedPrecondition if it is neither paused nor
        failed."""
        request = Request(reason, actor, key, expected, via).checked()
        await self._change(
            environment,
            run_id,
            request,
            f"resume {from_step}".encode(),
            lambda run: steering.decide_resume(run, from_step=from_step, reason=request.reason),
        )

    async def retry(self, environment: str, run_id: str, request: Request) -> None:
        """Have a run that waits for its next attempt make it now. Raises as `change` does, and FailedPrecondition for
        one that does not."""
        request = request.checked()
        await self._change(
            environment, run_id, request, b"retry", lambda run: steering.decide_retry(run, reason=request.reason)
        )

    async def change(
        self, environment: str, run_id: str, request: Request, wanted: bytes, decide: Callable[[Run], list[Fact]]
    ) -> RunRow:
        """Record what `decide` decides of the run, once for the request's key; the run's row after it. Raises
        RunNotFound, RunChanged, IdempotencyConflict, and as `decide` does."""
        await self._change(environment, run_id, request, wanted, decide)
        row = await self._storage.read_once(lambda tx: runs.get(tx, environment, run_id))
        assert row is not None, "a run that was changed is there"
        return row

    async def _change(
        self, environment: str, run_id: str, request: Request, wanted: bytes, decide: Callable[[Run], list[Fact]]
    ) -> None:
        def decider(run: Run | None, now: int) -> list[Fact]:
            return guarded(run, request, wanted, decide)

        where = stream(run_id)
        async with revisions.telling(self._storage, environment, where, version=request.expected, conflict=RunChanged):
            await self._ask(environment, run_id, decider, request.actor, request.via)

    def _at_breakpoints(self, environment: str, run_id: str, decide: Decider) -> Decider:
        """The decision, and what holds the run after a step that ends by it."""
        if not len(self._breakpoints):
            return decide

        def held(run: Run | None, now: int) -> list[Fact]:
            facts = decide(run, now)
            found = self._breakpoints.of(environment, run_id, run.function_id) if run is not None else ()
            return holding.after(run, found, facts) if run is not None and found else facts

        return held

    async def _ask(self, environment: str, run_id: str, decider: Decider, actor: str, via: str) -> None:
        if "\0" in run_id:  # no id has one, and Postgres cannot be asked
            raise not_found(environment, run_id)

        def decide(run: Run | None, now: int) -> list[Fact]:
            if run is None:
                raise not_found(environment, run_id)
            return decider(run, now)

        await self._committer.commit(commands.command(environment, run_id, decide, actor, via=via))

    def _submit(self, environment: str, run_id: str, decider: Decider, done: Done, *, urgent: bool = True) -> None:
        self._committer.submit(commands.command(environment, run_id, decider, ""), done, urgent=urgent)
