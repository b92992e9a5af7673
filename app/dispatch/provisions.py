"""What an execution is given to begin with: the results of steps that it goes on from, and its secrets.

Both are read after its start is recorded: results as of that entry exactly, secrets as they are in that moment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from app.dispatch.jobs import Job
from app.dispatch.loader import Loader
from app.dispatch.queue import Lane
from app.history.entry import Entry
from app.runs.functions import Functions
from app.runs.memo import Memos, Wanted
from app.values.vault import Vault
from storage.contract import Storage


class Provision(NamedTuple):
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


class Provisions:
    def __init__(self, *, storage: Storage, functions: Functions, vault: Vault) -> None:
        self._loader = Loader(storage)
        self._functions = functions
        self._vault = vault

    async def run(self) -> None:
        """Read until cancelled."""
        await self._loader.run()

    def declared(self, lane: Lane) -> Sequence[str]:
        """The secrets that the function declares now: whatever version the run began with, its code is today's."""
        function = self._functions.find(*lane)
        return function.fact.secrets if function is not None else ()

    async def collect(
        self, lane: Lane, run_id: str, execution_seq: int, *, parked: Job | None = None
    ) -> Provision | None:
        """For the execution: what is new since `parked`, or all if that cannot go on. None when the execution is no
        longer the run's. Raises StorageError, and IronflowError if it cannot have its secrets."""
        environment = lane[0]
        resumes, memos = parked, None
        if parked is not None:
            memos = await self.memos(environment, run_id, execution_seq, after=parked.version)
        if memos is None:
            resumes, memos = None, await self.memos(environment, run_id, execution_seq)
        if memos is None:
            return None
        secrets = await self._secrets(lane, to_unwind=memos.unwinding is not None)
        return Provision(memos, secrets, resumes)

    async def memos(self, environment: str, run_id: str, execution_seq: int, *, after: int = 0) -> Memos | None:
        """The results of steps, those since version `after`. Raises StorageError."""
        return await self._loader.load(Wanted(environment, run_id, execution_seq, after))

    async def _secrets(self, lane: Lane, *, to_unwind: bool) -> Mapping[str, str]:
        """What the function is given. Who is to undo what a run did is given what there is, rather than left out."""
        names = self.declared(lane)
        return await self._vault.resolve(lane[0], names, all_of_them=not to_unwind) if names else {}


def give(job: Job, memos: Memos) -> None:
    """The job goes on from these."""
    job.memos, job.version, job.unwind = memos.given(job.attempt), memos.version, memos.unwinding
    job.step_sequence_base = len(memos.steps) + 1
