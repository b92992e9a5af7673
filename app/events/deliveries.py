"""What subscribers are told of an entry: the same on every face."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from app.history import channels
from app.history.channels import Channel
from app.history.entry import Entry
from app.history.kinds import (
    EMPTY,
    EventEmitted,
    Fact,
    FunctionRegistered,
    RunCancelled,
    RunCompleted,
    RunCreated,
    RunFailed,
    RunLogged,
    RunNoted,
    RunPauseExplained,
    RunRetrying,
    RunTagged,
    SecretCreated,
    SecretDeleted,
    SecretUpdated,
    StepCarried,
    StepCompleted,
    StepFailed,
    StepInjected,
    StepInvoking,
    StepPatched,
    StepRestored,
    StepSleeping,
    StepWaiting,
    TopicPublished,
)
from app.history.kinds.projection import ProjectionUpdated

SYSTEM_SOURCE = "system"

_encode = msgspec.json.Encoder().encode

# The status of a run after an entry.
_STATUS = {
    "run.started": "running",
    "run.suspended": "waiting",
    "run.woken": "waiting_for_capacity",
    "run.released": "waiting_for_capacity",
    "run.retrying": "waiting",
    "run.completed": "completed",
    "run.failed": "failed",
    "run.pause_requested": "running",
    "run.pause_withdrawn": "running",
    "run.paused": "paused",
    "run.resumed": "waiting_for_capacity",
    "run.unwinding": "waiting_for_capacity",
    "run.cancelled": "cancelled",
    "run.noted": "running",
}


class Delivery(NamedTuple):
    """`id` tells it from others, `topic` is the channel, `data` JSON as it came, `metadata` a JSON object, `run_id` the
    run that emitted it."""

    id: str
    topic: str
    name: str
    data: msgspec.Raw
    metadata: msgspec.Raw
    source: str
    version: int = 1
    run_id: str = ""


def delivery(entry: Entry) -> Delivery:
    """What is told of the entry."""
    channel = channels.of(entry)
    fact = entry.fact
    topic = channels.text(channel)
    metadata = EMPTY if entry.record.metadata == "{}" else msgspec.Raw(entry.metadata)
    if isinstance(fact, EventEmitted):
        return Delivery(fact.id, topic, fact.name, fact.data, metadata, fact.source, fact.version, fact.run_id)
    if isinstance(fact, TopicPublished):
        return Delivery(fact.id, topic, fact.topic, fact.data, metadata, "topic", 1, fact.run_id)
    name = channels.name(channel)
    data = msgspec.Raw(_encode(_system(entry, channel)))
    if isinstance(fact, ProjectionUpdated):
        return Delivery(fact.id, topic, name, data, metadata, SYSTEM_SOURCE)
    return Delivery(f"sys_{entry.position}", topic, name, data, metadata, SYSTEM_SOURCE)


def _system(entry: Entry, channel: Channel) -> Any:
    """The data of an entry of the system: what it is about, what it has become, and what a reader would ask next."""
    noun, identity, verb = channel[1], channel[2], channel[-1]
    match entry.fact:
        case RunCreated() as created:
            return {"runId": identity, **_created(entry, created)}
        case (
            StepCompleted()
            | StepFailed()
            | StepSleeping()
            | StepWaiting()
            | StepInvoking()
            | StepPatched()
            | StepInjected()
            | StepCarried() as step
        ):
            return {
                "runId": identity,
                "stepId": step.step_id,
                "name": step.name,
                "type": step.type,
                **_ended(step, verb),
            }
        case StepRestored() as step:
            told = {"stepId": step.step_id, "name": step.name, "status": verb, "reason": step.reason}
            return {"runId": identity, **told}
        case FunctionRegistered() as function:
            return {"functionId": function.id, "name": function.name, "version": function.version}
        case ProjectionUpdated() as update:
            last = {"last_event_id": update.last_event_id, "last_event_name": update.last_event_name}
            return {"name": identity, "partition": update.partition, "state": update.state, **last}
        case SecretCreated() | SecretUpdated() | SecretDeleted() as secret:
            return {"name": identity, "revision": secret.revision}
        case RunLogged() as said:  # which comes of a paused run, too, and leaves it what it is
            return {"runId": identity, "change": "logged", "stepId": said.step_id, "lines": said.count}
        case RunTagged() as tagged:
            return {
                "runId": identity,
                "change": "tagged",
                "stepId": tagged.step_id,
                "added": tagged.added,
                "removed": tagged.removed,
            }
        case RunPauseExplained() as why:  # which comes of a run that is held, and of one that is to be
            return {"runId": identity, "change": "pause_explained", "reason": why.reason}
        case fact if noun == "run":
            change = entry.kind.partition(".")[2]
            return {"runId": identity, "status": _STATUS[entry.kind], "change": change, **_become(fact)}
        case _ if noun == "config":
            return {"name": identity, "revision": entry.version, "operation": verb}
        case _ if noun == "kv":
            bucket, _, key = identity.partition("/")
            return {"bucket": bucket, "key": key, "revision": entry.version, "operation": verb}
        case _:
            return {"id": identity, "version": entry.version, "fact": msgspec.Raw(entry.data)}


def _created(entry: Entry, created: RunCreated) -> dict[str, Any]:
    return {
        "status": "waiting" if created.start_at > entry.recorded_at else "waiting_for_capacity",
        "change": "created",
        "functionId": created.function_id,
        "eventId": created.event_id,
        "eventName": created.event_name,
        "parentRunId": created.parent_run_id,
    }


def _become(fact: Fact) -> dict[str, Any]:
    """What a run ended with, or why it did not."""
    match fact:
        case RunCompleted():
            return {"output": fact.output}
        case RunFailed():
            return {"error": fact.error.told()}
        case RunRetrying():
            return {"error": fact.error.told(), "attempt": fact.attempt}
        case RunCancelled():
            return {"cause": fact.cause, "reason": fact.reason}
        case RunNoted():
            return {"name": fact.name, "value": fact.value}
        case _:
            return {}


def _ended(step: Fact, status: str) -> dict[str, Any]:
    match step:
        case StepCompleted():
            return {"status": status, "output": step.output, "durationMs": step.duration_ms, "attempt": step.attempt}
        case StepFailed():
            told = {"error": step.error.told(), "durationMs": step.duration_ms, "attempt": step.attempt}
            return {"status": status, **told}
        case StepPatched() | StepInjected():
            return {"status": status, "output": step.output, "reason": step.reason}
        case _:
            return {"status": status}
