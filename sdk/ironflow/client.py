"""The client: emit events, read runs, events and functions over HTTP. Methods block; use a thread from async code."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

import httpx

from ironflow import discovery
from ironflow.errors import IronflowError, ServerUnavailable, Timeout, from_answer

SDK = "python/0.1.0"
TIMEOUT_S = 30.0
ATTEMPTS = 3
BACKOFF_S = 0.1
BACKOFF_S_MAX = 10.0
WAIT_S_MAX = 60.0
_IDEMPOTENT = frozenset(("GET", "HEAD", "PUT", "DELETE"))
_WORTH_RETRYING = frozenset((408, 429, 500, 502, 503, 504))

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Emitted:
    """`duplicate` tells that the idempotency key was known: the ids are those of the first time."""

    event_id: str
    run_ids: tuple[str, ...]
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list. Pass `next_cursor` to get the next part; it is empty at the end."""

    items: Sequence[Json]
    next_cursor: str = ""
    total: int | None = None


class Client:
    """Talks to one server in one environment. Objects come as the dicts of the REST reference.

    The server is `server`, else `IRONFLOW_SERVER_URL`, else that of the discovery file `.ironflow/engine.json`, else
    http://127.0.0.1:9123. All methods raise IronflowError or one of its subclasses.
    """

    def __init__(
        self,
        server: str | None = None,
        *,
        api_key: str | None = None,
        environment: str | None = None,
        timeout_s: float = TIMEOUT_S,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        found = discovery.find(server, api_key=api_key, environment=environment)
        headers = {"X-Ironflow-SDK": SDK, "X-Ironflow-Environment-ID": found.environment}
        if found.api_key:
            headers["Authorization"] = f"Bearer {found.api_key}"
        self.url = found.url
        self._http = httpx.Client(
            base_url=found.url, headers=headers, timeout=timeout_s, transport=transport, follow_redirects=False
        )
        self.runs = Runs(self)
        self.events = Events(self)
        self.functions = Functions(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def emit(
        self,
        name: str,
        data: Any = None,
        *,
        idempotency_key: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        version: int | None = None,
    ) -> Emitted:
        """Record an event and the runs it starts; durable when this returns. With a key it is safe to try again."""
        body = event(name, data, idempotency_key=idempotency_key, metadata=metadata, version=version)
        return _emitted(self.request("POST", "/api/v1/events", json=body, retry=idempotency_key is not None))

    def emit_batch(self, events: Sequence[Json]) -> list[Emitted | IronflowError]:
        """Up to 1000 events (see `event`), one answer each, in order; a bad one does not stop the others."""
        safe = all("idempotencyKey" in one for one in events)
        answer = self.request("POST", "/api/v1/events", json=list(events), retry=safe)
        return [from_answer(400, one) if "error" in one else _emitted(one) for one in answer["results"]]

    def emit_sync(self, name: str, data: Any = None, *, timeout_s: float = TIMEOUT_S) -> list[Json]:
        """Emit, and wait for the runs: one result each, with `waitTimedOut` for those that take longer."""
        body = {"event": name, "data": data, "timeoutMs": round(timeout_s * 1_000)}
        path = "/ironflow.v1.IronflowService/TriggerSync"
        results: list[Json] = self.request("POST", path, json=body, timeout_s=timeout_s + 5)["results"]
        return results

    def health(self) -> Json:
        return self._object("GET", "/health")

    def ready(self) -> Json:
        """The server's state and what keeps it from being ready; also when it is not."""
        return self._object("GET", "/ready", accept=(503,))

    def capabilities(self) -> Json:
        return self._object("GET", "/api/v1/capabilities")

    def workers(self) -> Sequence[Json]:
        found: Sequence[Json] = self._object("GET", "/api/v1/workers")["workers"]
        return found

    def _object(self, method: str, path: str, **options: Any) -> Json:
        answer: Json = self.request(method, path, **options)
        return answer

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        retry: bool | None = None,
        timeout_s: float | None = None,
        accept: Iterable[int] = (),
    ) -> Any:
        """The decoded answer of any route. Reads are tried three times, other methods only with `retry`."""
        given = {key: value for key, value in (params or {}).items() if value not in (None, "")}
        attempts = ATTEMPTS if (method in _IDEMPOTENT if retry is None else retry) else 1
        options: dict[str, Any] = {"params": given}
        if json is not None:
            options["json"] = json
        if timeout_s is not None:
            options["timeout"] = timeout_s
        for attempt in range(1, attempts + 1):
            try:
                answer = self._http.request(method, path, **options)
            except httpx.TimeoutException:
                error: IronflowError = Timeout(f"{self.url} did not answer in time", code="TIMEOUT", retryable=True)
            except httpx.TransportError as broken:
                error = ServerUnavailable(
                    f"{self.url} cannot be reached: {broken or type(broken).__name__}",
                    code="SERVER_UNREACHABLE",
                    hint="is the server running? `ironflow serve` starts one",
                    retryable=True,
                )
            else:
                if answer.is_success or answer.status_code in accept:
                    return answer.json() if answer.content else {}
                error = _error(answer)
                if answer.status_code not in _WORTH_RETRYING:
                    raise error
            if attempt == attempts:
                raise error
            time.sleep(min(BACKOFF_S * 2**attempt, BACKOFF_S_MAX))
        raise AssertionError("unreachable")


class Runs:
    def __init__(self, client: Client) -> None:
        self._client = client

    def list(
        self,
        *,
        function_id: str | None = None,
        status: str | None = None,
        event_id: str | None = None,
        since: str | None = None,
        until: str | None = None,
        search: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page:
        """Newest first, without payloads. `status` may be several, with commas; instants RFC 3339 or such as `15m`."""
        params = {
            "function_id": function_id,
            "status": status,
            "event_id": event_id,
            "since": since,
            "until": until,
            "search": search,
            "limit": limit,
            "cursor": cursor,
        }
        answer = self._client.request("GET", "/api/v1/runs", params=params)
        return Page(answer["runs"], answer.get("next_cursor", ""), answer.get("total"))

    def get(self, run_id: str) -> Json:
        """The run with input and output. A unique beginning of the id will do."""
        found: Json = self._client.request("GET", f"/api/v1/runs/{quote(run_id)}")
        return found

    def steps(self, run_id: str) -> Sequence[Json]:
        found: Sequence[Json] = self._client.request("GET", f"/api/v1/runs/{quote(run_id)}/steps")["steps"]
        return found

    def wait(self, run_id: str, *, timeout_s: float = TIMEOUT_S) -> Json:
        """The run, once it is completed, failed, cancelled or paused. Raises Timeout."""
        until = time.monotonic() + timeout_s
        while True:
            left_s = max(0.0, until - time.monotonic())
            path, hold_s = f"/api/v1/runs/{quote(run_id)}", min(left_s, WAIT_S_MAX)
            run: Json = self._client.request(
                "GET", path, params={"wait": f"{hold_s:.3f}"}, timeout_s=hold_s + TIMEOUT_S
            )
            if run["status"] in ("completed", "failed", "cancelled", "paused"):
                return run
            if time.monotonic() >= until:
                raise Timeout(f"{run_id} is {run['status']} after {timeout_s:g} s", code="TIMEOUT")

    def cancel(self, run_id: str, *, reason: str = "") -> Json:
        path = f"/api/v1/runs/{quote(run_id)}/cancel"
        run: Json = self._client.request("POST", path, json={"reason": reason}, retry=True)
        return run

    def resume(self, run_id: str) -> Json:
        run: Json = self._client.request("POST", "/api/v1/runs/resume", json={"run_id": run_id})
        return run


class Events:
    def __init__(self, client: Client) -> None:
        self._client = client

    def list(
        self,
        *,
        name: str | None = None,
        source: str | None = None,
        since: str | None = None,
        until: str | None = None,
        search: str | None = None,
        limit: int = 20,
        cursor: str | None = None,
    ) -> Page:
        """Newest first."""
        params = {
            "name": name,
            "source": source,
            "since": since,
            "until": until,
            "search": search,
            "limit": limit,
            "cursor": cursor,
        }
        answer = self._client.request("GET", "/api/v1/events", params=params)
        return Page(answer["events"], answer.get("next_cursor", ""), answer.get("approx_total"))

    def get(self, event_id: str) -> Json:
        found: Json = self._client.request("GET", f"/api/v1/events/{quote(event_id)}")
        return found


class Functions:
    def __init__(self, client: Client) -> None:
        self._client = client

    def list(self) -> Sequence[Json]:
        found: Sequence[Json] = self._client.request("GET", "/api/v1/functions")["functions"]
        return found

    def get(self, function_id: str) -> Json:
        found: Json = self._client.request("GET", f"/api/v1/functions/{quote(function_id, safe='')}")
        return found


def event(
    name: str,
    data: Any = None,
    *,
    idempotency_key: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    version: int | None = None,
) -> Json:
    """An event as `emit_batch` takes it."""
    body: Json = {"name": name, "data": data}
    if idempotency_key is not None:
        body["idempotencyKey"] = idempotency_key
    if metadata is not None:
        body["metadata"] = dict(metadata)
    if version is not None:
        body["version"] = version
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
    return Emitted(answer["event_id"], tuple(answer["run_ids"]), bool(answer.get("duplicate", False)))


def _error(answer: httpx.Response) -> IronflowError:
    try:
        body = answer.json()
    except ValueError:
        body = {"error": f"the server answered {answer.status_code}: {answer.text[:200]}"}
    return from_answer(answer.status_code, body)
