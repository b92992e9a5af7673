"""The parts of a client, one for each noun: `client.runs`, `client.events` and so on, blocking and awaited."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from ironflow import (
    audit,
    breakpoints,
    bulk,
    bundle,
    comparing,
    entities,
    events,
    failing,
    functions,
    groups,
    history,
    logs,
    operations,
    past,
    policies,
    projections,
    redactions,
    rewind,
    runs,
    schemas,
    topics,
)
from ironflow.calls import Json
from ironflow.lines import Level
from ironflow.logs import LogLine
from ironflow.parts import AsyncPart, Awaited, Blocking, Part
from ironflow.past import At, Record


class Runs(Part):
    list = Blocking(runs.list_runs)
    get = Blocking(runs.get_run)
    steps = Blocking(runs.run_steps)
    streams = Blocking(runs.run_streams)
    recording = Blocking(runs.recording)
    similar = Blocking(failing.similar)
    wait = Blocking(runs.wait_for_run)
    cancel = Blocking(runs.cancel_run)
    plan = Blocking(rewind.plan_run)
    tag = Blocking(rewind.tag_run)
    pause = Blocking(rewind.pause_run)
    paused_state = Blocking(rewind.paused_state)
    resume = Blocking(rewind.resume_run)
    retry = Blocking(rewind.retry_run)
    patch = Blocking(rewind.patch_step)
    inject = Blocking(rewind.inject_output)
    undo = Blocking(rewind.undo_correction)
    fork = Blocking(rewind.fork_run)
    replay = Blocking(rewind.replay_run)
    lineage = Blocking(rewind.lineage)
    bulk = Blocking(rewind.change_runs)
    redact = Blocking(redactions.redact_run)
    redact_step = Blocking(redactions.redact_step)
    timeline_page = Blocking(past.timeline_page)
    logs_page = Blocking(logs.logs_page)
    state = Blocking(past.state)
    step_output = Blocking(past.step_output)
    diff = Blocking(comparing.diff)
    compare = Blocking(comparing.compare)
    last_good = Blocking(comparing.last_good)
    export = Blocking(bundle.export)

    def timeline(
        self, run_id: str, *, after: int | None = None, at: At = None, step: str | None = None, kind: str | None = None
    ) -> Iterator[Record]:
        """What happened to the run, record by record, from its beginning or after a position; see `timeline_page`."""
        following = after
        while True:
            page = self.timeline_page(run_id, after=following, at=at, step=step, kind=kind)
            yield from page.items
            if page.after is None:
                return
            following = page.after

    def logs(
        self,
        run_id: str,
        *,
        step: str | None = None,
        level: Level | None = None,
        after: int | str | None = None,
        at: At = None,
    ) -> Iterator[LogLine]:
        """What the run logged, line by line, from its beginning or after a place; see `logs_page`."""
        following = after
        while True:
            page = self.logs_page(run_id, step=step, level=level, after=following, at=at)
            yield from page.items
            if page.after is None:
                return
            following = page.after


class AsyncRuns(AsyncPart):
    list = Awaited(runs.list_runs)
    get = Awaited(runs.get_run)
    steps = Awaited(runs.run_steps)
    streams = Awaited(runs.run_streams)
    recording = Awaited(runs.recording)
    similar = Awaited(failing.similar)
    wait = Awaited(runs.wait_for_run)
    cancel = Awaited(runs.cancel_run)
    plan = Awaited(rewind.plan_run)
    tag = Awaited(rewind.tag_run)
    pause = Awaited(rewind.pause_run)
    paused_state = Awaited(rewind.paused_state)
    resume = Awaited(rewind.resume_run)
    retry = Awaited(rewind.retry_run)
    patch = Awaited(rewind.patch_step)
    inject = Awaited(rewind.inject_output)
    undo = Awaited(rewind.undo_correction)
    fork = Awaited(rewind.fork_run)
    replay = Awaited(rewind.replay_run)
    lineage = Awaited(rewind.lineage)
    bulk = Awaited(rewind.change_runs)
    redact = Awaited(redactions.redact_run)
    redact_step = Awaited(redactions.redact_step)
    timeline_page = Awaited(past.timeline_page)
    logs_page = Awaited(logs.logs_page)
    state = Awaited(past.state)
    step_output = Awaited(past.step_output)
    diff = Awaited(comparing.diff)
    compare = Awaited(comparing.compare)
    last_good = Awaited(comparing.last_good)
    export = Awaited(bundle.export)

    async def timeline(
        self, run_id: str, *, after: int | None = None, at: At = None, step: str | None = None, kind: str | None = None
    ) -> AsyncIterator[Record]:
        """What happened to the run, record by record, from its beginning or after a position; see `timeline_page`."""
        following = after
        while True:
            page = await self.timeline_page(run_id, after=following, at=at, step=step, kind=kind)
            for record in page.items:
                yield record
            if page.after is None:
                return
            following = page.after

    async def logs(
        self,
        run_id: str,
        *,
        step: str | None = None,
        level: Level | None = None,
        after: int | str | None = None,
        at: At = None,
    ) -> AsyncIterator[LogLine]:
        """What the run logged, line by line, from its beginning or after a place; see `logs_page`."""
        following = after
        while True:
            page = await self.logs_page(run_id, step=step, level=level, after=following, at=at)
            for line in page.items:
                yield line
            if page.after is None:
                return
            following = page.after


class Events(Part):
    list = Blocking(events.list_events)
    get = Blocking(events.get_event)
    dry_run = Blocking(events.dry_run)
    replay = Blocking(rewind.replay_events)
    redact = Blocking(redactions.redact_event)


class AsyncEvents(AsyncPart):
    list = Awaited(events.list_events)
    get = Awaited(events.get_event)
    dry_run = Awaited(events.dry_run)
    replay = Awaited(rewind.replay_events)
    redact = Awaited(redactions.redact_event)


class Functions(Part):
    list = Blocking(functions.list_functions)
    get = Blocking(functions.get_function)
    invoke = Blocking(functions.invoke_function)
    pause = Blocking(functions.pause_function)
    resume = Blocking(functions.resume_function)
    archive = Blocking(functions.archive_function)
    delete = Blocking(functions.delete_function)
    versions = Blocking(functions.function_versions)
    version = Blocking(functions.function_version)
    diff = Blocking(functions.diff_function)
    roll_back = Blocking(functions.roll_back_function)
    pin = Blocking(functions.pin_function)
    unpin = Blocking(functions.unpin_function)
    figures = Blocking(functions.figures)
    profile = Blocking(functions.profile)
    debounced = Blocking(functions.debounced)
    cancel_debounced = Blocking(functions.cancel_debounced)


class AsyncFunctions(AsyncPart):
    list = Awaited(functions.list_functions)
    get = Awaited(functions.get_function)
    invoke = Awaited(functions.invoke_function)
    pause = Awaited(functions.pause_function)
    resume = Awaited(functions.resume_function)
    archive = Awaited(functions.archive_function)
    delete = Awaited(functions.delete_function)
    versions = Awaited(functions.function_versions)
    version = Awaited(functions.function_version)
    diff = Awaited(functions.diff_function)
    roll_back = Awaited(functions.roll_back_function)
    pin = Awaited(functions.pin_function)
    unpin = Awaited(functions.unpin_function)
    figures = Awaited(functions.figures)
    profile = Awaited(functions.profile)
    debounced = Awaited(functions.debounced)
    cancel_debounced = Awaited(functions.cancel_debounced)


class Streams(Part):
    list = Blocking(entities.list_streams)
    append = Blocking(entities.append)
    append_all = Blocking(entities.append_all)
    read = Blocking(entities.read)
    events = Blocking(entities.events)
    info = Blocking(entities.info)
    history = Blocking(entities.history)
    delete = Blocking(entities.delete)
    save_snapshot = Blocking(entities.save_snapshot)
    snapshot = Blocking(entities.snapshot)


class AsyncStreams(AsyncPart):
    list = Awaited(entities.list_streams)
    append = Awaited(entities.append)
    append_all = Awaited(entities.append_all)
    read = Awaited(entities.read)
    events = Awaited(entities.events)
    info = Awaited(entities.info)
    history = Awaited(entities.history)
    delete = Awaited(entities.delete)
    save_snapshot = Awaited(entities.save_snapshot)
    snapshot = Awaited(entities.snapshot)


class History(Part):
    list = Blocking(history.list_entries)
    get = Blocking(history.get_entry)
    lineage = Blocking(history.lineage)
    facets = Blocking(history.facets)


class AsyncHistory(AsyncPart):
    list = Awaited(history.list_entries)
    get = Awaited(history.get_entry)
    lineage = Awaited(history.lineage)
    facets = Awaited(history.facets)


class Schemas(Part):
    list = Blocking(schemas.list_schemas)
    register = Blocking(schemas.register)
    get = Blocking(schemas.get)
    delete = Blocking(schemas.delete)
    enforce = Blocking(schemas.enforce)
    check = Blocking(schemas.check)


class AsyncSchemas(AsyncPart):
    list = Awaited(schemas.list_schemas)
    register = Awaited(schemas.register)
    get = Awaited(schemas.get)
    delete = Awaited(schemas.delete)
    enforce = Awaited(schemas.enforce)
    check = Awaited(schemas.check)


class Projections(Part):
    list = Blocking(projections.list_projections)
    get = Blocking(projections.get)
    state = Blocking(projections.state)
    status = Blocking(projections.status)
    partitions = Blocking(projections.partitions)
    pace = Blocking(projections.pace)
    declare = Blocking(projections.declare)
    declare_table = Blocking(projections.declare_table)
    rows = Blocking(projections.rows)
    pause = Blocking(projections.pause)
    resume = Blocking(projections.resume)
    skip = Blocking(projections.skip)
    park = Blocking(projections.park)
    parked = Blocking(projections.parked)
    retry_parked = Blocking(projections.retry_parked)
    discard_parked = Blocking(projections.discard_parked)
    rebuild = Blocking(projections.rebuild)
    rebuild_job = Blocking(projections.rebuild_job)
    cancel_rebuild = Blocking(projections.cancel_rebuild)
    delete = Blocking(projections.delete)
    wait = Blocking(projections.wait)
    wait_for_event = Blocking(projections.wait_for_event)

    def watch(self, name: str, *, partition: str = "") -> Iterator[Json]:
        """The state of a partition with what it is of (`state`, `last_event_seq`, `version`), as it is and again
        whenever it has changed, for ever; changes that come quickly are told as one. Raises NotFound."""
        return self._client.watch(projections.watch_path(name), {"partition": partition}, None)


class AsyncProjections(AsyncPart):
    list = Awaited(projections.list_projections)
    get = Awaited(projections.get)
    state = Awaited(projections.state)
    status = Awaited(projections.status)
    partitions = Awaited(projections.partitions)
    pace = Awaited(projections.pace)
    declare = Awaited(projections.declare)
    declare_table = Awaited(projections.declare_table)
    rows = Awaited(projections.rows)
    pause = Awaited(projections.pause)
    resume = Awaited(projections.resume)
    skip = Awaited(projections.skip)
    park = Awaited(projections.park)
    parked = Awaited(projections.parked)
    retry_parked = Awaited(projections.retry_parked)
    discard_parked = Awaited(projections.discard_parked)
    rebuild = Awaited(projections.rebuild)
    rebuild_job = Awaited(projections.rebuild_job)
    cancel_rebuild = Awaited(projections.cancel_rebuild)
    delete = Awaited(projections.delete)
    wait = Awaited(projections.wait)
    wait_for_event = Awaited(projections.wait_for_event)

    def watch(self, name: str, *, partition: str = "") -> AsyncIterator[Json]:
        """The state of a partition with what it is of (`state`, `last_event_seq`, `version`), as it is and again
        whenever it has changed, for ever; changes that come quickly are told as one. Raises NotFound."""
        return self._client.watch(projections.watch_path(name), {"partition": partition}, None)


class Breakers(Part):
    list = Blocking(operations.list_breakers)
    reset = Blocking(operations.reset_breaker)


class AsyncBreakers(AsyncPart):
    list = Awaited(operations.list_breakers)
    reset = Awaited(operations.reset_breaker)


class Breakpoints(Part):
    create = Blocking(breakpoints.create)
    renew = Blocking(breakpoints.renew)
    delete = Blocking(breakpoints.delete)
    list = Blocking(breakpoints.list_all)


class AsyncBreakpoints(AsyncPart):
    create = Awaited(breakpoints.create)
    renew = Awaited(breakpoints.renew)
    delete = Awaited(breakpoints.delete)
    list = Awaited(breakpoints.list_all)


class Topics(Part):
    publish = Blocking(topics.publish)
    list = Blocking(topics.list_topics)
    stats = Blocking(topics.stats)


class AsyncTopics(AsyncPart):
    publish = Awaited(topics.publish)
    list = Awaited(topics.list_topics)
    stats = Awaited(topics.stats)


class Groups(Part):
    list = Blocking(groups.list_groups)
    create = Blocking(groups.create)
    get = Blocking(groups.get)
    update = Blocking(groups.update)
    pause = Blocking(groups.pause)
    resume = Blocking(groups.resume)
    delete = Blocking(groups.delete)
    lag = Blocking(groups.lag)
    reset = Blocking(groups.reset)
    peek = Blocking(groups.peek)


class AsyncGroups(AsyncPart):
    list = Awaited(groups.list_groups)
    create = Awaited(groups.create)
    get = Awaited(groups.get)
    update = Awaited(groups.update)
    pause = Awaited(groups.pause)
    resume = Awaited(groups.resume)
    delete = Awaited(groups.delete)
    lag = Awaited(groups.lag)
    reset = Awaited(groups.reset)
    peek = Awaited(groups.peek)


class DeadLetters(Part):
    list = Blocking(groups.dead_letters)
    requeue = Blocking(groups.requeue)
    discard = Blocking(groups.discard)
    requeue_all = Blocking(groups.requeue_all)
    discard_all = Blocking(groups.discard_all)


class AsyncDeadLetters(AsyncPart):
    list = Awaited(groups.dead_letters)
    requeue = Awaited(groups.requeue)
    discard = Awaited(groups.discard)
    requeue_all = Awaited(groups.requeue_all)
    discard_all = Awaited(groups.discard_all)


class Policies(Part):
    list = Blocking(policies.list_policies)
    get = Blocking(policies.get)
    create = Blocking(policies.create)
    replace = Blocking(policies.replace)
    change = Blocking(policies.change)
    disable = Blocking(policies.disable)
    enable = Blocking(policies.enable)
    delete = Blocking(policies.delete)
    versions = Blocking(policies.versions)
    version = Blocking(policies.version)
    roll_back = Blocking(policies.roll_back)
    validate = Blocking(policies.validate)
    dry_run = Blocking(policies.dry_run)
    would_deny = Blocking(policies.would_deny)
    replay = Blocking(audit.replay)


class AsyncPolicies(AsyncPart):
    list = Awaited(policies.list_policies)
    get = Awaited(policies.get)
    create = Awaited(policies.create)
    replace = Awaited(policies.replace)
    change = Awaited(policies.change)
    disable = Awaited(policies.disable)
    enable = Awaited(policies.enable)
    delete = Awaited(policies.delete)
    versions = Awaited(policies.versions)
    version = Awaited(policies.version)
    roll_back = Awaited(policies.roll_back)
    validate = Awaited(policies.validate)
    dry_run = Awaited(policies.dry_run)
    would_deny = Awaited(policies.would_deny)
    replay = Awaited(audit.replay)


class Audit(Part):
    list = Blocking(audit.list_events)
    of_run = Blocking(audit.of_run)
    export = Blocking(audit.export)
    settings = Blocking(audit.settings)
    set_settings = Blocking(audit.set_settings)


class AsyncAudit(AsyncPart):
    list = Awaited(audit.list_events)
    of_run = Awaited(audit.of_run)
    export = Awaited(audit.export)
    settings = Awaited(audit.settings)
    set_settings = Awaited(audit.set_settings)


class Failures(Part):
    list = Blocking(failing.list_failures)
    get = Blocking(failing.get_failure)
    resolve = Blocking(failing.resolve)
    mute = Blocking(failing.mute)
    reopen = Blocking(failing.reopen)
    assign = Blocking(failing.assign)
    merge = Blocking(failing.merge)
    split = Blocking(failing.split)
    apply_patch = Blocking(failing.apply_patch)


class AsyncFailures(AsyncPart):
    list = Awaited(failing.list_failures)
    get = Awaited(failing.get_failure)
    resolve = Awaited(failing.resolve)
    mute = Awaited(failing.mute)
    reopen = Awaited(failing.reopen)
    assign = Awaited(failing.assign)
    merge = Awaited(failing.merge)
    split = Awaited(failing.split)
    apply_patch = Awaited(failing.apply_patch)


class BulkJobs(Part):
    start = Blocking(bulk.start)
    get = Blocking(bulk.get)
    list = Blocking(bulk.list_jobs)
    results = Blocking(bulk.results)
    stop = Blocking(bulk.stop)


class AsyncBulkJobs(AsyncPart):
    start = Awaited(bulk.start)
    get = Awaited(bulk.get)
    list = Awaited(bulk.list_jobs)
    results = Awaited(bulk.results)
    stop = Awaited(bulk.stop)
