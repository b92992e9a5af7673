"""The operations of the HTTP API, once for both clients.

Each is a generator that yields the calls it needs and returns its result; a client sends the calls, blocking or
awaiting, and knows nothing else.
"""

from __future__ import annotations

import time
from base64 import urlsafe_b64encode
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

from ironflow.durations import Duration, milliseconds
from ironflow.errors import IronflowError, Timeout, from_answer
from ironflow.tags import several

TIMEOUT_S = 30.0
WAIT_S_MAX = 60.0
_ENDED = frozenset(("completed", "failed", "cancelled", "paused"))
_IDEMPOTENT = frozenset(("GET", "HEAD", "PUT", "DELETE"))

Json = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request; what is sent back into the operation is the decoded answer. `again` says whether it may be
    sent a second time when the first got no answer; statuses to `accept` are answers too. No `body` is none at all;
    `content` is one that is not JSON; `binary` says that the answer is bytes, not JSON."""

    method: str
    path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    again: bool = False
    timeout_s: float | None = None
    accept: tuple[int, ...] = ()
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    binary: bool = False


Plan = Generator[Call, Any, T]


@dataclass(frozen=True, slots=True)
class Emitted:
    """`duplicate` tells that the idempotency key was known: the ids are those of the first time. `outcomes` tells what
    became of the event at functions that it did not simply start: it was debounced, batched, rate_limited …"""

    event_id: str
    run_ids: tuple[str, ...]
    duplicate: bool = False
    outcomes: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list. Pass `next_cursor` to get the next part; it is empty at the end."""

    items: Sequence[Json]
    next_cursor: str = ""
    total: int | None = None


def request(
    method: str,
    path: str,
    *,
    json: Any = None,
    params: Mapping[str, Any] | None = None,
    retry: bool | None = None,
    timeout_s: float | None = None,
    accept: Iterable[int] = (),
) -> Plan[Any]:
    """The decoded answer of any route. Reads are tried three times, other methods only with `retry`."""
    again = method in _IDEMPOTENT if retry is None else retry
    given = {key: value for key, value in (params or {}).items() if value not in (None, "")}
    return (yield Call(method, path, given, json, again, timeout_s, tuple(accept)))


def sent(call: Call) -> Plan[Json]:
    """The decoded answer of one call."""
    found: Json = yield call
    return found


def _read(path: str, *, accept: tuple[int, ...] = ()) -> Plan[Json]:
    found: Json = yield Call("GET", path, again=True, accept=accept)
    return found


# Events.


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
) -> Plan[Emitted]:
    """Record an event and the runs it starts; durable when this returns. With a key it is safe to try again. The runs
    start at once, at an instant, or after a delay, and have the tags."""
    body = event(
        name,
        data,
        idempotency_key=idempotency_key,
        metadata=metadata,
        version=version,
        at=at,
        delay=delay,
        tags=tags,
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
    name: str, data: Any = None, *, timeout_s: float = TIMEOUT_S, idempotency_key: str | None = None
) -> Plan[list[Json]]:
    """Emit, and wait for the runs: one result each, with `waitTimedOut` for those that take longer."""
    body: Json = {"event": name, "data": data, "timeoutMs": round(timeout_s * 1_000)}
    if idempotency_key is not None:
        body["idempotencyKey"] = idempotency_key
    path, again = "/ironflow.v1.IronflowService/TriggerSync", idempotency_key is not None
    results: list[Json] = (yield Call("POST", path, body=body, again=again, timeout_s=timeout_s + 5))["results"]
    return results


def list_events(
    *,
    name: str | None = None,
    source: str | None = None,
    since: str | datetime | None = None,
    until: str | datetime | None = None,
    search: str | None = None,
    limit: int = 20,
    cursor: str | None = None,
) -> Plan[Page]:
    """Newest first."""
    wanted = chosen(name=name, source=source, since=since, until=until, search=search, limit=limit, cursor=cursor)
    answer = yield Call("GET", "/api/v1/events", wanted, again=True)
    return Page(answer["events"], answer.get("next_cursor", ""), answer.get("approx_total"))


def get_event(event_id: str) -> Plan[Json]:
    """The event with its data."""
    return (yield from _read(f"/api/v1/events/{quoted(event_id)}"))


# Runs.


def list_runs(
    *,
    function_id: str | None = None,
    status: str | None = None,
    event_id: str | None = None,
    tag: str | None = None,
    since: str | datetime | None = None,
    until: str | datetime | None = None,
    search: str | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Plan[Page]:
    """Newest first, without payloads. `status` may be several, with commas; so may `tag`, all of which they have then.
    Instants are datetimes, RFC 3339 or such as `15m`."""
    wanted = chosen(
        function_id=function_id,
        status=status,
        event_id=event_id,
        tag=tag,
        since=since,
        until=until,
        search=search,
        limit=limit,
        cursor=cursor,
    )
    answer = yield Call("GET", "/api/v1/runs", wanted, again=True)
    return Page(answer["runs"], answer.get("next_cursor", ""), answer.get("total"))


def get_run(run_id: str) -> Plan[Json]:
    """The run with input and output. A unique beginning of the id will do."""
    return (yield from _read(_run_path(run_id)))


def run_steps(run_id: str) -> Plan[Sequence[Json]]:
    """The run's steps, in the order they were first reported."""
    steps: Sequence[Json] = (yield Call("GET", f"{_run_path(run_id)}/steps", again=True))["steps"]
    return steps


def run_streams(run_id: str) -> Plan[Sequence[Json]]:
    """`entityType` and `entityId` of each entity that the run appended to, in no order."""
    streams: Sequence[Json] = (yield Call("GET", f"{_run_path(run_id)}/streams", again=True))["streams"]
    return streams


def recording(run_id: str) -> Plan[Json]:
    """The run as `ironflow.testing.check` replays it: its event, the results of its steps, and how it ended."""
    return (yield from _read(f"{_run_path(run_id)}/recording"))


def wait_for_run(run_id: str, *, timeout_s: float = TIMEOUT_S) -> Plan[Json]:
    """The run, once it is completed, failed, cancelled or paused. Raises Timeout; the run goes on then."""
    until = time.monotonic() + timeout_s
    while True:
        hold_s = min(max(0.0, until - time.monotonic()), WAIT_S_MAX)
        held = {"wait": f"{hold_s:.3f}"}
        run: Json = yield Call("GET", _run_path(run_id), held, again=True, timeout_s=hold_s + TIMEOUT_S)
        if run["status"] in _ENDED:
            return run
        if time.monotonic() >= until:
            raise Timeout(f"{run_id} is {run['status']} after {timeout_s:g} s", code="TIMEOUT")


def cancel_run(run_id: str, *, reason: str = "", compensate: bool = False, detached: bool = False) -> Plan[Json]:
    """The run, cancelled; with `compensate` it may still be undoing what it did, and `wait` tells when that is done.
    With `detached`, child runs that would outlive it end too. One that has ended already is refused (Conflict)."""
    body = {"reason": reason, "compensate": compensate, "detached": detached}
    run: Json = yield Call("POST", f"{_run_path(run_id)}/cancel", body=body, again=True)
    return run


# Functions, workers, the server.


def list_functions() -> Plan[Sequence[Json]]:
    """All functions of the environment."""
    found: list[Json] = []
    cursor = None
    while True:
        page = yield Call("GET", "/api/v1/functions", chosen(cursor=cursor), again=True)
        found += page["functions"]
        cursor = page.get("next_cursor")
        if cursor is None:
            return found


def get_function(function_id: str, *, at: int | str | None = None) -> Plan[Json]:
    """The function as it is registered now, or was as of a position of history or a time."""
    found: Json = yield Call("GET", _function_path(function_id), chosen(at=at), again=True)
    return found


def invoke_function(
    function_id: str, data: Any = None, *, idempotency_key: str = "", tags: Sequence[str] = ()
) -> Plan[Json]:
    """Start a run of the function, with tags, whether or not an event triggers it: `run_id`, and `event_id` of what it
    is given. With a key it is safe to try again."""
    body = {"functionId": function_id, "dataValue": data, **chosen(idempotencyKey=idempotency_key or None)}
    if tags:
        body["tags"] = several(tags)
    call = Call("POST", "/ironflow.v1.IronflowService/InvokeFunction", body=body, again=bool(idempotency_key))
    started: Json = yield call
    return {"run_id": started["runId"], "event_id": started["eventId"]}


def pause_function(function_id: str, *, reason: str = "") -> Plan[Json]:
    """The function, paused: its runs wait until it is resumed."""
    return (yield from _steer(function_id, "pause", reason))


def resume_function(function_id: str, *, reason: str = "") -> Plan[Json]:
    """The function, going on: active again if it was paused or archived."""
    return (yield from _steer(function_id, "resume", reason))


def archive_function(function_id: str, *, reason: str = "") -> Plan[Json]:
    """The function, archived: nothing starts it any more."""
    return (yield from _steer(function_id, "archive", reason))


def delete_function(function_id: str, *, reason: str = "") -> Plan[None]:
    """Nothing starts the function any more, and lists do not show it. Its runs and its history stay."""
    yield Call("DELETE", _function_path(function_id), chosen(reason=reason))


def function_versions(function_id: str, *, limit: int = 50, before: int | None = None) -> Plan[Sequence[Json]]:
    """The changes of a function, newest first, those before a number if it is given."""
    params = chosen(limit=limit, before=before)
    found = yield Call("GET", f"{_function_path(function_id)}/versions", params, again=True)
    versions: Sequence[Json] = found["versions"]
    return versions


def function_version(function_id: str, number: int) -> Plan[Json]:
    """The function as a change left it."""
    return (yield from _read(f"{_function_path(function_id)}/versions/{number:d}"))


def diff_function(function_id: str, before: int, after: int) -> Plan[Sequence[Json]]:
    """What differs between two versions: path, before and after of each change."""
    path = f"{_function_path(function_id)}/diff"
    changes: Sequence[Json] = (yield Call("GET", path, {"from": before, "to": after}, again=True))["changes"]
    return changes


def roll_back_function(function_id: str, number: int, *, reason: str = "") -> Plan[Json]:
    """The function with the content of an earlier version, as a new one. A worker that registers its own content
    again makes that the newest."""
    body = {"version": number, "reason": reason}
    function: Json = yield Call("POST", f"{_function_path(function_id)}/rollback", body=body)
    return function


def debounced(*, timeout_s: float | None = None) -> Plan[Sequence[Json]]:
    """Debounced events that wait to become a run, next to fire first."""
    found: Sequence[Json] = yield Call("GET", "/api/v1/debounce/entries", again=True, timeout_s=timeout_s)
    return found


def cancel_debounced(function_id: str, key: str = "", *, environment: str = "default", reason: str = "") -> Plan[Json]:
    """Drop what a debounce of the function holds for a key."""
    coded = urlsafe_b64encode(key.encode()).decode().rstrip("=") or "-"
    path = f"/api/v1/debounce/entries/{quoted(environment)}/{quoted(function_id)}/{coded}"
    dropped: Json = yield Call("DELETE", path, chosen(reason=reason))
    return dropped


def workers() -> Plan[Sequence[Json]]:
    """The workers that are connected."""
    found: Sequence[Json] = (yield Call("GET", "/api/v1/workers", again=True))["workers"]
    return found


def list_breakers() -> Plan[Sequence[Json]]:
    """The endpoints of push functions, each with its circuit breaker."""
    found: Sequence[Json] = yield Call("GET", "/api/v1/circuit-breakers", again=True)
    return found


def reset_breaker(key: str) -> Plan[Json]:
    """The circuit breaker, closed: its endpoint is called again at once."""
    reset: Json = yield Call("POST", f"/api/v1/circuit-breakers/{quoted(key)}/reset", again=True)
    return reset


def health() -> Plan[Json]:
    """That the server lives."""
    return (yield from _read("/health"))


def ready() -> Plan[Json]:
    """The server's state and what keeps it from being ready; also when it is not."""
    return (yield from _read("/ready", accept=(503,)))


def capabilities() -> Plan[Json]:
    """What the server can do and where its faces are."""
    return (yield from _read("/api/v1/capabilities"))


# Values.


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


def chosen(**params: Any) -> Json:
    """Query parameters: those that are given, instants as RFC 3339."""
    told = {key: value.isoformat() if isinstance(value, datetime) else value for key, value in params.items()}
    return {key: value for key, value in told.items() if value not in (None, "")}


def _steer(function_id: str, verb: str, reason: str) -> Plan[Json]:
    function: Json = yield Call("POST", f"{_function_path(function_id)}/{verb}", body={"reason": reason}, again=True)
    return function


def _function_path(function_id: str) -> str:
    return f"/api/v1/functions/{quoted(function_id)}"


def _run_path(run_id: str) -> str:
    return f"/api/v1/runs/{quoted(run_id)}"


def quoted(id: str) -> str:
    return quote(id, safe="")
