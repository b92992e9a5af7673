"""What mended one run of a group of failures, given to the others that rest failed or paused.

One run is mended by a person, in place or on a fork, and seen to complete. What its step was given then is the patch of
the group: each of the others is planned first, and changed by a command of its own, so that one that is refused keeps
none of the others from it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from app import texts
from app.errors import FailedPrecondition, InvalidArgument, IronflowError
from app.history.entry import Entry
from app.history.kinds import StepInjected, StepPatched, StepRestored
from app.history.redaction import is_placeholder
from app.runs.asking import Request
from app.runs.planning import Plan
from app.runs.reading import row_of
from app.runs.rewind import Rewind, Wish
from app.runs.state import step_name
from app.search.failure import step_of
from app.search.groups import current, found
from app.search.repairs import mended_elsewhere, standing
from storage import failures, history, runs
from storage.contract import Storage, Transaction
from storage.failures import FailureRow

TARGETS_MAX = 100
"""How many runs are changed by one call; the next one takes the next."""
RESTING_MAX = 2_000
"""Among so many, the newest that rest, those that can be changed are looked for."""
STEERING_MAX = 100
AT_ONCE = 20
_GIVEN = (StepPatched.kind, StepInjected.kind, StepRestored.kind)


class Patch(NamedTuple):
    """What a step of `run_id` was given there: `local` is the step's id without that of the run, `failed` whether it is
    the step that had failed."""

    run_id: str
    local: str
    output: msgspec.Raw
    failed: bool

    @property
    def name(self) -> str:
        return step_name(f"{self.run_id}:{self.local}")


class Target(NamedTuple):
    """A run of the group; `step_id` is the one that is given the output there."""

    run_id: str
    step_id: str
    from_step: str

    def wish(self, patch: Patch) -> Wish:
        return Wish("patch", self.step_id, patch.output, resume=True, from_step=self.from_step)


class Applied(msgspec.Struct, frozen=True):
    """What a run comes to: its plan, or that it is done; `error` says why it cannot be."""

    run_id: str
    step_id: str
    plan: Plan | None = None
    error: IronflowError | None = None


class Outcome(msgspec.Struct, frozen=True):
    """`changed` counts runs, none with a dry run. `more`: there are more runs than one call takes."""

    patch: Patch
    runs: Sequence[Applied]
    changed: int
    more: bool


class Mended(FailedPrecondition):
    """A fork or a replay of the run has completed already."""

    code = "RUN_MENDED"


Ask = Callable[[str], None]


class Applying:
    def __init__(self, storage: Storage, rewind: Rewind) -> None:
        self._storage = storage
        self._rewind = rewind

    async def apply(
        self,
        environment: str,
        fingerprint: str,
        *,
        from_run: str,
        step: str = "",
        run_ids: Sequence[str] = (),
        expected: Mapping[str, int],
        dry_run: bool,
        request: Request,
        asks: Ask,
    ) -> Outcome:
        """Give what a step of a run was given, to the runs of the group that rest failed or paused, or to those named,
        the newest first, and resume them; each as it was `expected`, if a version is. Of those that rest, what a fork
        or a replay has mended is left out. With `dry_run` it is only told what would come of each. `asks` raises
        PermissionDenied for a run that whoever asks may not change. Raises GroupNotFound, RunNotFound,
        FailedPrecondition if that run has not gone well with another output, InvalidArgument."""
        for given in (from_run, step, *run_ids, *expected):
            texts.check(given, field="run_ids" if given in run_ids or given in expected else "from_run")
        if len(run_ids) > TARGETS_MAX:
            raise InvalidArgument(
                f"{len(run_ids)} runs are named", field="run_ids", hint=f"at most {TARGETS_MAX}; call it again"
            )
        request = request.checked(needs_reason=not dry_run)

        def look(tx: Transaction) -> tuple[Patch, list[Target | Applied], bool]:
            group = current(tx, environment, fingerprint)
            found(tx, environment, group)
            patch, origin = _patch(tx, environment, group, from_run, step)
            if run_ids:
                named = [(run_id, _resting(tx, environment, group, run_id)) for run_id in dict.fromkeys(run_ids)]
                return patch, [_named(tx, row, patch) if row else _unfit(run_id) for run_id, row in named], False
            targets, more = _others(tx, environment, group, patch, origin)
            return patch, [*targets], more

        patch, targets, more = await self._storage.read(look)
        done: list[Applied] = []
        for start in range(0, len(targets), AT_ONCE):
            part = targets[start : start + AT_ONCE]
            done += await asyncio.gather(
                *(self._one(environment, one, patch, expected, dry_run, request, asks) for one in part)
            )
        changed = 0 if dry_run else sum(one.error is None for one in done)
        return Outcome(patch, done, changed, more)

    async def _one(
        self,
        environment: str,
        target: Target | Applied,
        patch: Patch,
        expected: Mapping[str, int],
        dry_run: bool,
        request: Request,
        asks: Ask,
    ) -> Applied:
        if isinstance(target, Applied):
            return target
        run_id, step_id = target.run_id, target.step_id
        try:
            asks(run_id)
            if dry_run:
                plan = await self._rewind.plan(environment, run_id, target.wish(patch))
                return Applied(run_id, step_id, plan)
            seen = msgspec.structs.replace(request, expected=expected.get(run_id))
            await self._rewind.correct(environment, run_id, target.wish(patch), seen)
            return Applied(run_id, step_id)
        except IronflowError as error:
            return Applied(run_id, step_id, error=error)


def _patch(tx: Transaction, environment: str, group: str, run_id: str, step: str) -> tuple[Patch, str]:
    """What the run was given that completed with it, and the run of the group that it is, or is a fork of."""
    run = row_of(tx, environment, run_id)
    origin = run.forked_from_run_id or run_id
    failure = next((row for row in _failures(tx, environment, (run_id, origin)) if row.fingerprint == group), None)
    if failure is None:
        raise InvalidArgument(
            f"{run_id} has not failed like this, and is no fork of one that has",
            field="from_run",
            hint="name a run of the group that was patched, or a fork of one",
        )
    if run.status != "completed":
        raise FailedPrecondition(
            f"{run_id} is {run.status}: whether it goes well with another output is not known yet",
            field="from_run",
            hint="patch one run of the group, and wait until it has completed",
        )
    after = failure.position if failure.run_id == run_id else 0
    given = _given(tx, environment, run_id, after)
    fitting = {local: fact for local, fact in given.items() if step in ("", local, fact.name, f"{run_id}:{local}")}
    if not fitting:
        raise FailedPrecondition(
            f"no step {step} of {run_id} was given another output"
            if step
            else f"no step of {run_id} was given another output",
            field="step" if step else "from_run",
            hint="patch one run of the group first: its output is what the others get",
        )
    if len(fitting) > 1:
        raise InvalidArgument(
            f"{len(fitting)} steps of {run_id} were given other outputs",
            field="step",
            hint=f"name one: {', '.join(fitting)}",
        )
    [(local, fact)] = fitting.items()
    if is_placeholder(fact.output):
        raise FailedPrecondition(
            f"what {fact.name} of {run_id} was given is redacted",
            field="from_run",
            hint="patch another run of the group, and wait until it has completed",
        )
    failed = _local(_failed_step(tx, failure)) == local
    return Patch(run_id, local, fact.output, failed), failure.run_id


def _failures(tx: Transaction, environment: str, run_ids: Sequence[str]) -> list[FailureRow]:
    return [row for run_id in dict.fromkeys(run_ids) for row in failures.of_run(tx, environment, run_id, limit=50)]


def _given(tx: Transaction, environment: str, run_id: str, after: int) -> dict[str, StepPatched | StepInjected]:
    """Outputs that people gave, and that were not taken back, by the steps' ids without that of the run."""
    records = history.page(
        tx, environment, stream=f"run/{run_id}", kinds=_GIVEN, after=after, backwards=True, limit=STEERING_MAX
    )
    kept: dict[str, StepPatched | StepInjected] = {}
    for entry in standing(map(Entry, records)):
        if isinstance(fact := entry.fact, StepPatched | StepInjected):
            kept.setdefault(_local(fact.step_id), fact)
    return kept


def _resting(tx: Transaction, environment: str, group: str, run_id: str) -> FailureRow | None:
    """The failure of the group by which the run rests, if it does."""
    run = runs.get(tx, environment, run_id)
    last = failures.of_run(tx, environment, run_id, limit=1)
    rests = run is not None and run.status in ("failed", "paused")
    return last[0] if rests and last and last[0].fingerprint == group else None


def _others(tx: Transaction, environment: str, group: str, patch: Patch, origin: str) -> tuple[list[Target], bool]:
    """The newest that rest and were not mended elsewhere, which would rest in the way of the others for ever; and
    whether there are more."""
    resting = failures.resting(tx, environment, group, limit=RESTING_MAX)
    targets: list[Target] = []
    for row in resting:
        if row.run_id in (patch.run_id, origin) or mended_elsewhere(tx, row):
            continue
        if len(targets) == TARGETS_MAX:
            return targets, True
        targets.append(_target(tx, row, patch))
    return targets, bool(targets) and len(resting) == RESTING_MAX


def _named(tx: Transaction, row: FailureRow, patch: Patch) -> Target | Applied:
    """What is to be done to a run that was asked for by its id."""
    target, other = _target(tx, row, patch), mended_elsewhere(tx, row)
    if not other:
        return target
    error = Mended(f"{other}, for the same event, has completed already", hint="there is nothing left to mend")
    return Applied(target.run_id, target.step_id, error=error)


def _target(tx: Transaction, row: FailureRow, patch: Patch) -> Target:
    """The step there that is the same: the one that failed, or the one that has the same id."""
    step_id = _failed_step(tx, row) if patch.failed else ""
    step_id = step_id or f"{row.run_id}:{patch.local}"
    return Target(row.run_id, step_id, "" if patch.failed else step_id)


def _unfit(run_id: str) -> Applied:
    error = FailedPrecondition(
        f"{run_id} does not rest failed or paused by a failure of this group",
        hint="it has gone on meanwhile, or failed otherwise",
    )
    return Applied(run_id, "", error=error)


def _failed_step(tx: Transaction, row: FailureRow) -> str:
    """Its id, "" if the function itself failed."""
    record = history.at(tx, row.position)
    return step_of(tx, Entry(record)) if record is not None else ""


def _local(step_id: str) -> str:
    return step_id.partition(":")[2]
