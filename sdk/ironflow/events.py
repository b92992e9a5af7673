"""Events over the HTTP API: emitted, one or many, tried without a trace, and read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ironflow.calls import TIMEOUT_S, Call, Json, Page, Plan, chosen, quoted, read, sent
from ironflow.durations import Duration, milliseconds
from ironflow.errors import IronflowError, from_answer
from ironflow.tags import several


@dataclass(frozen=True, slots=True)
class Emitted:
    """`duplicate` tells that the idempotency key was known: the ids are those of the first time. `outcomes` tells what
    became of the event at functions that it did not simply start: it was debounced, batched, rate_limited …"""

    event_id: str
    run_ids: tuple[str, ...]
    duplicate: bool = False
    outcomes: tuple[Json, ...] = ()


def emit(
    name: str,
    data: Any = None,
    *,
    idempotency_key: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    version: int | None = None,
    at: str | datetime | None = None,
    delay: Duration | None = None,
    tags: Sequence[str] = (),
    reemitted_from: str | None = None,
) -> Plan[Emitted]:
    """Record an event and the runs it starts; durable when this returns. With a key it is safe to try again. The runs
    start at once, at an instant, or after a delay, and have the tags. `reemitted_from` is the id of an event that this
    one repeats, changed or not."""
    body = event(
        name,
        data,
        idempotency_key=idempotency_key,
        metadata=metadata,
        version=version,
        at=at,
        delay=delay,
        tags=tags,
        reemitted_from=reemitted_from,
    )
    return _emitted((yield Call("POST", "/api/v1/events", body=body, again=idempotency_key is not None)))


def dry_run(
    name: str,
    data: Any = None,
    *,
    idempotency_key: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    version: int | None = None,
) -> Plan[Json]:
    """What an event would lead to now, which nothing records: `functions` with their outcomes, `cancels`, `ends_waits`,
    `projections`, `groups`."""
    body = event(name, data, idempotency_key=idempotency_key, metadata=metadata, version=version)
    return sent(Call("POST", "/api/v1/events/dry-run", body=body, again=True))


def emit_batch(events: Sequence[Json]) -> Plan[list[Emitted | IronflowError]]:
    """Up to 1000 events (see `event`), one answer each, in order; a bad one does not stop the others."""
    again = all("idempotencyKey" in one for one in events)
    answer = yield Call("POST", "/api/v1/events", body=list(events), again=again)
    return [from_answer(400, one) if "error" in one else _emitted(one) for one in answer["results"]]


def emit_sync(
    name: str,
    data: Any = None,
    *,
    timeout_s: float = TIMEOUT_S,
    idempotency_key: str | None = None,
    tags: Sequence[str] = (),
) -> Plan[list[Json]]:
    """Emit, and wait for the runs, which have the tags: one result each, with `waitTimedOut` for those that take
    longer."""
    body: Json = {"event": name, "data": data, "timeoutMs": round(timeout_s * 1_000)}
    if tags:
        body["tags"] = several(tags)
    if idempotency_key is not None:
        body["idempotencyKey"] = idempotency_key
    path, again = "/ironflow.v1.IronflowService/TriggerSync", idempotency_key is not None
    results: list[Json] = (yield Call("POST", path, body=body, again=again, timeout_s=timeout_s + 5))["results"]
    return results


def list_events(
    *,
    name: str | None = None,
    pattern: str | None = None,
    filter: str | None = None,
    source: str | None = None,
    since: str | datetime | None = None,
    until: str | datetime | None = None,
    search: str | None = None,
    limit: int = 20,
    cursor: str | None = None,
) -> Plan[Page]:
    """Newest first. With a pattern or a filter (CEL), which no index knows, a page may be short or empty and still lead
    to a next one."""
    wanted = chosen(
        name=name,
        pattern=pattern,
        filter=filter,
        source=source,
        since=since,
        until=until,
        search=search,
        limit=limit,
        cursor=cursor,
    )
    answer = yield Call("GET", "/api/v1/events", wanted, again=True)
    return Page(answer["events"], answer.get("next_cursor", ""), answer.get("approx_total"))


def get_event(event_id: str) -> Plan[Json]:
    """The event with its data."""
    return (yield from read(f"/api/v1/events/{quoted(event_id)}"))


def event(
    name: str,
    data: Any = None,
    *,
    idempotency_key: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    version: int | None = None,
    at: str | datetime | None = None,
    delay: Duration | None = None,
    tags: Sequence[str] = (),
    reemitted_from: str | None = None,
) -> Json:
    """An event as `emit_batch` takes it."""
    body: Json = {"name": name, "data": data}
    if idempotency_key is not None:
        body["idempotencyKey"] = idempotency_key
    if metadata is not None:
        body["metadata"] = dict(metadata)
    if version is not None:
        body["version"] = version
    if at is not None:
        body["at"] = at.isoformat() if isinstance(at, datetime) else at
    if delay is not None:
        body["delay"] = f"{milliseconds(delay, what='delay')}ms"
    if tags:
        body["tags"] = several(tags)
    if reemitted_from is not None:
        body["reemitted_from"] = reemitted_from
    return body


def chunks(events: Iterable[Json], size: int) -> Iterator[list[Json]]:
    """The events in lists of at most `size`."""
    batch: list[Json] = []
    for one in events:
        batch.append(one)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _emitted(answer: Json) -> Emitted:
    return Emitted(
        answer["event_id"],
        tuple(answer["run_ids"]),
        bool(answer.get("duplicate", False)),
        tuple(answer.get("outcomes", ())),
    )
