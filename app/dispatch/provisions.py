"""What an execution is given to begin with: the results of steps that it goes on from, and its secrets.

Both are read after its start is recorded: results as of that entry exactly, secrets as they are in that moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from app.dispatch.jobs import Job
from app.dispatch.loader import Loaded, Loader
from app.dispatch.queue import Lane
from app.errors import IronflowError
from app.history.entry import Entry
from app.runs.functions import Functions
from app.runs.memo import Memos, Wanted
from app.values.vault import Vault
from storage.contract import Storage, StorageError


class Provision(msgspec.Struct, frozen=True):
    """`resumes` is the parked job that knows all but what is in `memos`."""

    memos: Memos
    secrets: Mapping[str, str]
    resumes: Job | None

    @property
    def beginning(self) -> tuple[Any, Entry]:
        """What tells the policies of the run, and its event."""
        if self.resumes is not None:
            return self.resumes, self.resumes.event
        assert self.memos.created is not None
        assert self.memos.event is not None
        return self.memos.created, self.memos.event

    def grant(self, job: Job) -> None:
        """The job has it."""
        job.resumes = self.resumes.id if self.resumes is not None else ""
        job.entrust(self.secrets)
        give(job, self.memos)


Collected = Callable[[Provision | None, StorageError | IronflowError | None], None]


class Provisions:
    def __init__(self, *, storage: Storage, functions: Functions, vault: Vault) -> None:
        self._loader = Loader(storage)
        self._functions = functions
        self._vault = vault
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Read until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            tasks.create_task(self._loader.run(), name="dispatch-loader")

    def declared(self, lane: Lane) -> Sequence[str]:
        """The secrets that the function declares now: whatever version the run began with, its code is today's."""
        function = self._functions.find(*lane)
        return function.fact.secrets if function is not None else ()

    def collect(
        self,
        lane: Lane,
        run_id: str,
        execution_seq: int,
        *,
        then: Collected,
        parked: Job | None = None,
        news: Memos | None = None,
    ) -> None:
        """For the execution: what is new since `parked` (`news`, if that is known), or all if that cannot go on. `then`
        is told None when the execution is no longer the run's; a StorageError; or an IronflowError if it cannot have
        its secrets."""

        def loaded(memos: Memos | None, error: StorageError | None) -> None:
            if error is not None or (memos is None and parked is None):
                then(None, error)
            elif memos is None:
                self.collect(lane, run_id, execution_seq, then=then)
            elif not self.declared(lane):
                then(Provision(memos, {}, parked), None)
            else:
                assert self._tasks is not None, "what is needed was read, so it is running"
                self._tasks.create_task(self._with_secrets(lane, memos, parked, then), name="dispatch-secrets")

        if parked is not None and news is not None:
            loaded(news, None)
        else:
            after = 0 if parked is None else parked.version
            self._loader.load(Wanted(lane[0], run_id, execution_seq, after), loaded)

    def memos(self, environment: str, run_id: str, execution_seq: int, then: Loaded) -> None:
        """The results of all steps."""
        self._loader.load(Wanted(environment, run_id, execution_seq), then)

    async def _with_secrets(self, lane: Lane, memos: Memos, parked: Job | None, then: Collected) -> None:
        """Who is to undo what a run did is given what there is, rather than left out."""
        all_of_them = memos.unwinding is None
        try:
            secrets = await self._vault.resolve(lane[0], self.declared(lane), all_of_them=all_of_them)
        except (IronflowError, StorageError) as error:
            then(None, error)
        else:
            then(Provision(memos, secrets, parked), None)


def give(job: Job, memos: Memos) -> None:
    """The job goes on from these."""
    job.memos, job.version, job.unwind = memos.given(job.attempt), memos.version, memos.unwinding
    job.rested = memos.rested
    job.step_sequence_base = len(memos.steps) + 1
