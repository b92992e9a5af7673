"""The OpenAPI document against the server that it describes: what is in it works, and what works is in it."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from app.access.actor import ORG_DEFAULT
from tests.support.puller import Puller, emit
from tests.support.puller import step as step_of
from tests.support.schemas import problems, resolved
from tests.support.server import ServerProcess

DOCUMENT = "/api/v1/openapi.json"
STEERING = (
    *("/rotate", "/reset", "/pause", "/resume", "/replay", "/logout", "/nats/credentials", "/link"),
    *("/enable", "/disable", "/rollback", "/demo"),
)
"""What is posted there says all by its name."""
IDENTITIES = {
    "key": "apikeys",
    "role": "roles",
    "user": "users",
    "org": "orgs",
    "project": "projects",
    "environment": "environments",
}
RPC = "/ironflow.v1.IronflowService"
SERVICE = "/ironflow.v1.ProjectionService"


@pytest.fixture(scope="module")
def shared_server(own_server: ServerProcess) -> ServerProcess:
    """The examples make users and policies, of all environments."""
    return own_server


@pytest.fixture
def document(http: httpx.Client) -> dict[str, Any]:
    told: dict[str, Any] = http.get(DOCUMENT).json()
    return told


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def everything(value: Any) -> Iterator[dict[str, Any]]:
    """Every object within."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from everything(inner)


def test_what_the_document_refers_to_is_there_and_used(document: dict[str, Any]) -> None:
    used = {one["$ref"] for one in everything(document) if "$ref" in one}

    for reference in used:
        assert resolved(reference, document)
    names = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert names <= used


def test_every_operation_has_a_name_of_its_own_and_its_parameters(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]

    assert len(set(names)) == len(names)
    for path, method, operation in operations(document):
        assert operation["summary"], (method, path)
        told = [one for one in operation["parameters"] if "$ref" not in one]
        assert {one["name"] for one in told if one["in"] == "path"} == set(re.findall(r"{(\w+)}", path))
        assert len({(one["name"], one["in"]) for one in told}) == len(told)


def test_bodies_answers_and_parameters_have_schemas(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        if (body := operation.get("requestBody")) is not None:
            [told] = body["content"].values()
            assert told["schema"], (method, path)
            assert "example" in told, (method, path)
        assert method in ("GET", "DELETE") or body is not None or path.endswith(STEERING), (method, path)
        for status, answer in operation["responses"].items():
            assert status == "204" or answer["content"], (method, path, status)
        for parameter in operation["parameters"]:
            assert "$ref" in parameter or {"type", "enum"} & set(parameter["schema"]), (method, path, parameter)


def test_parameters_are_typed_as_they_are_read(document: dict[str, Any]) -> None:
    told = {one["name"]: one for one in document["paths"]["/api/v1/events"]["get"]["parameters"] if "name" in one}

    assert told["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 500, "default": 20}
    assert told["before"]["schema"] == {"type": "string"}
    assert "prev_cursor" in told["before"]["description"]
    watch = document["paths"]["/api/v1/config/{name}/watch"]["get"]["parameters"]
    after, backpressure = watch[1], watch[2]
    assert (after["name"], after["schema"]["type"]) == ("after", "integer")
    assert backpressure["schema"]["enum"] == ["block", "buffer", "disconnect", "drop"]


def test_the_example_of_an_event_is_accepted_in_all_three_forms(http: httpx.Client, document: dict[str, Any]) -> None:
    told = document["paths"]["/api/v1/events"]["post"]["requestBody"]["content"]["application/json"]

    for body in (told["example"], [told["example"]], {"events": [told["example"]]}):
        assert not [*problems(body, told["schema"], document)]
        assert http.post("/api/v1/events", json=body).is_success


REWINDS = re.compile(r"/runs/\{run_id\}/(plan|resume|paused-state|fork|replay|lineage|steps/.+)$")


class Walk:
    """Sends every documented example, in the order of the document, to things that are there to be asked for."""

    def __init__(self, http: httpx.Client, document: dict[str, Any]) -> None:
        self.http = http
        self.document = document
        self.job: dict[str, Any] = {}
        self.webhook: dict[str, str] = {}
        self.asked: list[tuple[str, str]] = []

    def prepare(self) -> None:
        login = self.document["paths"]["/api/v1/auth/login"]["post"]["requestBody"]["content"]["application/json"]
        assert self.http.post("/api/v1/users", json=login["example"]).is_success
        function = {"id": "ship-order", "triggers": [{"event": "order.*"}]}
        assert self.http.post(f"{RPC}/RegisterFunction", json=function).is_success
        rules = [{"on": "a", "set": {"seen": "true"}}]
        self.http.put("/api/v1/projections/shop", json={"events": ["a"], "rules": rules})
        for name in ("stripe-key", "other"):
            self.http.post("/api/v1/secrets", json={"name": name, "value": "x"})
            self.http.delete(f"/api/v1/secrets/{name}")
        made = self.http.post("/api/v1/webhook-sources", json={"name": "hook", "event_prefix": "hook.sent"}).json()
        self.webhook = {"source": "hook", "token": made["ingest_token"]}
        self.webhook |= {"delivery_id": self.http.post(made["ingest_path"], json={}).json()["delivery_id"]}

    def run(self, *, paused: bool = False) -> str:
        emitted = self.http.post("/api/v1/events", json={"name": "order.placed"}).json()
        [run_id] = emitted["run_ids"]
        if paused:
            self.http.post(f"/api/v1/runs/{run_id}/pause")
        return str(run_id)

    def rewound(self) -> str:
        """A paused run that has the steps charge and ship."""
        run_id = self.run(paused=True)
        for step in ("charge", "ship"):
            body = {"output": 1, "reason": "so that it is there"}
            assert self.http.post(f"/api/v1/runs/{run_id}/steps/{step}/inject", json=body).is_success
        return run_id

    def poll(self) -> dict[str, Any]:
        """A job of the worker that the document's example registered."""
        jobs: list[dict[str, Any]] = []
        self.http.post("/api/v1/runs/bulk/cancel", json={})
        self.run()
        while not jobs:
            answer = self.http.get("/api/v1/workers/w1/jobs", params={"available": 1, "wait": 10})
            jobs = answer.json()["jobs"] if answer.status_code == 200 else []
        return jobs[0]

    def ask(self, path: str, method: str, operation: dict[str, Any]) -> None:
        """Raises AssertionError for an example that is refused, and for an answer that is not as documented."""
        body, media = self._example(operation)
        values, body = self._made_real(path, method, body)
        content = {} if body is None else {"content": body if isinstance(body, bytes) else json.dumps(body)}
        headers = {"Content-Type": media} if media else {}
        value = "0s" if path.endswith("/{run_id}/diff") else 1
        asked = (one for one in operation["parameters"] if one.get("required") and one["in"] == "query")
        needed = {one["name"]: one["schema"].get("enum", [value])[0] for one in asked}
        if "428" in operation["responses"]:
            headers["If-Match"] = "*"
        answer = self.http.request(method, path.format(**values), params=needed, headers=headers, **content)  # type: ignore[arg-type]
        assert answer.is_success, (method, path, answer.text)
        self._check(answer, method, path, operation)
        self.asked.append((method, path))

    def _example(self, operation: dict[str, Any]) -> tuple[Any, str]:
        if "requestBody" not in operation:
            return None, ""
        [(media, told)] = operation["requestBody"]["content"].items()
        if media == "*/*":
            return told["example"].encode(), "application/octet-stream"
        assert not [*problems(told["example"], told["schema"], self.document)]
        return told["example"], media

    def _made_real(self, path: str, method: str, body: Any) -> tuple[dict[str, str], Any]:
        """Values for the path, and the example about things that are there."""
        values = {"bucket": "carts", "key": "a/b", "name": "shop", "worker_id": "w1", "function_id": "ship-order"}
        values |= {"topic": "orders.eu", "entity_id": "o-7"}
        values |= {"policy": "no-production-secrets", "version": "1", "number": "1", "page": "runs"}
        if path.startswith("/api/v1/secrets"):
            values["name"] = "stripe-key"
        if path.startswith("/api/v1/functions/{function_id}") and method != "GET":
            values["function_id"] = "spare"
            for timeout_ms in (1_000, 2_000):
                self.http.post(f"{RPC}/RegisterFunction", json={"id": "spare", "timeoutMs": timeout_ms})
        if path.startswith("/api/v1/events/schemas"):
            values |= {"name": "order.placed", "version": "1"}
            if method == "DELETE":
                self.http.post("/api/v1/events/schemas", json={"event_name": "order.placed", "schema": {}})
        if path.startswith("/api/v1/groups"):
            values["name"] = "billing"
        if "{position}" in path:
            values["position"] = self.http.get("/api/v1/history").json()["entries"][-1]["position"]
        if "/{event_id}" in path:
            values["event_id"] = self.http.post("/api/v1/events", json={"name": "a"}).json()["event_id"]
        if "{run_id}" in path:
            recorded = "{step}" in path and not REWINDS.search(path)
            values |= self._step() if recorded else {"run_id": self.run(), "other": self.run()}
        rewound, body = self._of_rewinding(path, body)
        values |= rewound | self._failure(path)
        if path.endswith(("/merge", "/split")):
            values["fingerprint"], body = self._merged(path, values["fingerprint"], body)
        if "{job_id}" in path:
            job = self.poll()
            values["job_id"] = job["job_id"]
            body = {**body, "execution_seq": job["execution_seq"], "lease_token": job["lease_token"]}
            for step in body.get("steps", ()):
                step["id"] = f"{job['run_id']}:{step['name']}:0"
        values |= self._of_webhooks(path) | self._of_workers(path)
        made, body = self._of_access(path, body)
        values |= made
        if path.endswith("/redact") and "run_id" in values:
            self.http.post(f"/api/v1/runs/{values['run_id']}/cancel", json={})
        if path.startswith("/api/v1/projections"):
            values["name"], body = self._projection(path, method, body)
        if "/counters/" in path:
            values["key"] = "count"
        return values, body

    def _of_workers(self, path: str) -> dict[str, str]:
        """A worker that can go: not the one that the jobs are handed to."""
        if not path.endswith(("/drain", "/disconnect")):
            return {}
        told = {"worker_id": "spare", "function_ids": ["spare"]}
        assert self.http.post("/api/v1/workers/spare/register", json=told).is_success
        return {"worker_id": "spare"}

    def _step(self) -> dict[str, str]:
        """A run with a step that is recorded."""
        job = self.poll()
        fence = {"execution_seq": job["execution_seq"], "lease_token": job["lease_token"]}
        step = {"id": f"{job['run_id']}:a:0", "name": "a", "type": "invoke", "status": "completed", "output": 1}
        told = {**fence, "status": "progress", "step_offset": 0, "steps": [step]}
        assert self.http.put(f"/api/v1/workers/w1/jobs/{job['job_id']}", json=told).is_success
        return {"run_id": job["run_id"], "step": "a"}

    def _of_rewinding(self, path: str, body: Any) -> tuple[dict[str, str], Any]:
        """A run whose past can be corrected, in the path or in the body; what is done to many runs."""
        if REWINDS.search(path):
            return {"run_id": self.rewound(), "step": "charge"}, body
        if "{bulk_id}" in path:  # one that is not through before it is stopped
            wanted = {"verb": "tag", "run_ids": [self.run() for _ in range(3)], "add": ["seen"], "per_second": 1}
            made = self.http.post("/api/v1/bulk", json={**wanted, "reason": "r"}).json()
            return {"bulk_id": made["id"]}, body
        if path.endswith("/{breakpoint_id}"):
            made = self.http.post("/api/v1/breakpoints", json={"function_id": "other"}).json()
            return {"breakpoint_id": made["id"]}, body
        if path.endswith("/steps/patch"):
            return {}, {**body, "step_id": f"{self.rewound()}:charge:0"}
        if path.endswith("/runs/resume"):
            return {}, {**body, "run_id": self.run(paused=True)}
        if path.endswith("/retry") and "{run_id}" in path:
            return {"run_id": self._retrying()}, body
        if path.endswith("/apply"):
            return {}, {**body, "from_run": self._mended()}
        return {}, body

    def _failure(self, path: str, message: str = "no luck") -> dict[str, str]:
        """A run that has failed, and the group of its failure, for paths that are about those."""
        if "{fingerprint}" not in path and not path.endswith("/similar"):
            return {}
        worker = Puller(self.http, name="w-failing")
        worker.register_function(retry={"maxAttempts": 1, "onExhausted": "fail"})
        worker.register()
        run_id = emit(self.http)
        worker.report(worker.job(), "failed", error={"message": message, "code": "STEP_FAILED"})
        self.http.get(f"/api/v1/runs/{run_id}", params={"wait": 10})
        similar = self.http.get(f"/api/v1/runs/{run_id}/similar").json()
        return {"run_id": run_id, "fingerprint": similar["group"]["fingerprint"]}

    def _retrying(self) -> str:
        """A run that waits for its next attempt."""
        worker = Puller(self.http, name="w-failing")
        worker.register_function(retry={"maxAttempts": 3, "initialDelayMs": 3_600_000})
        worker.register()
        run_id = emit(self.http)
        worker.report(worker.job(), "failed", error={"message": "not yet", "code": "GONE", "retryable": True})
        return run_id

    def _mended(self) -> str:
        """A run that failed as those of `_failure` do, and went well with another output of a step."""
        worker = Puller(self.http, name="w-failing")
        worker.register_function(retry={"maxAttempts": 1, "onExhausted": "fail"})
        worker.register()
        run_id = emit(self.http)
        while (job := worker.job())["run_id"] != run_id:
            worker.report(job, "completed", output=1)
        error = {"message": "no luck", "code": "STEP_FAILED"}
        worker.report(job, "failed", steps=[step_of(job, "charge", 1)], error=error)
        told = {"output": 2, "reason": "r", "resume": True}
        assert self.http.post(f"/api/v1/runs/{run_id}/steps/charge/patch", json=told).is_success
        while (job := worker.job())["run_id"] != run_id:
            worker.report(job, "completed", output=1)
        worker.report(job, "completed", output=1)
        self.http.get(f"/api/v1/runs/{run_id}", params={"wait": 10})
        return run_id

    def _merged(self, path: str, fingerprint: str, body: Any) -> tuple[str, Any]:
        """Two groups, the one merged into the other for a split, and the example about those."""
        other = self._failure("/similar", f"no luck {path.rpartition('/')[2]}")["fingerprint"]
        if path.endswith("/merge"):
            return other, {**body, "into": fingerprint}
        merged = self.http.post(f"/api/v1/failures/{other}/merge", json={"into": fingerprint, "reason": "r"})
        assert merged.is_success, merged.text
        return fingerprint, {**body, "fingerprints": [other]}

    def _of_webhooks(self, path: str) -> dict[str, str]:
        """Those of the source that asks for no signature, or of the one that the document's example made."""
        unsigned = path.endswith(("/{token}", "/previous-secret")) or "{delivery_id}" in path
        return self.webhook if unsigned else {"source": "repo"}

    def _of_access(self, path: str, body: Any) -> tuple[dict[str, str], Any]:
        """Ids of what was made for this request alone, and the example about it."""
        if path.endswith("/orgs") and body is not None:
            body = {"name": uuid.uuid4().hex}
        if path.endswith("/auth/exchange"):
            user = self._of_access("{user_id}", None)[0]["user_id"]
            body = {"token": self.http.post(f"/api/v1/users/{user}/link").json()["token"]}
        nouns = {f"{{{name}_id}}": noun for name, noun in IDENTITIES.items()}
        found = {}
        for parameter, noun in nouns.items():
            if parameter in path:
                name = uuid.uuid4().hex
                told = {"email": f"{name}@example.com"} if noun == "users" else {"name": name}
                of_platform = f"/api/v1/platform/{noun}"
                where = of_platform if path.startswith(of_platform) else f"/api/v1/{noun}"
                found[parameter.strip("{}")] = str(self.http.post(where, json=told).json()["id"])
        if path.startswith("/api/v1/platform/orgs/") and path.endswith("/monitor"):
            found["org_id"] = ORG_DEFAULT  # whose policies the examples made
        for role in ("viewer", found.get("role_id", "")) if "{policy}" in path and "role_id" in found else ():
            self.http.post(f"/api/v1/roles/{role}/policies", json={"policy_id": "no-production-secrets"})
        return found, body

    def _projection(self, path: str, method: str, body: Any) -> tuple[str, Any]:
        """The name of a projection, and the example about an event that is there."""
        if path.endswith("/wait-for-event"):
            return "", {**body, "eventId": self.http.post("/api/v1/events", json={"name": "a"}).json()["event_id"]}
        if path.endswith("/rows"):
            handlers = {"a": "insert into proj_a (id) values (:id)"}
            table = {"table_sql": "create table proj_a (id text)", "event_handlers": handlers}
            assert self.http.put("/api/v1/projections/table", json=table).is_success
            return "table", body
        if path.endswith(("/skip", "/park")) or "/parked" in path:
            return self._stopped(path, body)
        if not path.endswith(("/rebuild", "/cancel")):
            return "shop", body
        self.http.post(f"{SERVICE}/RegisterProjection", json={"name": "managed", "events": ["a"]})
        verb = "cancel" if path.endswith("/rebuild") and method == "POST" else "rebuild"
        self.http.post(f"/api/v1/projections/managed/{verb}")
        return "managed", body

    def _stopped(self, path: str, body: Any) -> tuple[str, Any]:
        """A projection that an event has stopped, or that has parked it, and the example about that event."""
        name = f"stopped-{uuid.uuid4().hex}"
        rules = {"events": [name], "rules": [{"on": name, "set": {"n": "event.data.n"}}]}
        assert self.http.put(f"/api/v1/projections/{name}", json=rules).is_success
        event_id = self.http.post("/api/v1/events", json={"name": name}).json()["event_id"]
        waited = self.http.post(
            "/api/v1/projections/wait-for-event", json={"eventId": event_id, "projection": name, "timeoutMs": 20_000}
        )
        assert waited.status_code == 409, waited.text
        if "/parked" not in path:
            return name, {**body, "event_id": event_id}
        assert self.http.post(f"/api/v1/projections/{name}/park", json={"reason": "r"}).is_success
        return name, body and {**body, "event_ids": [event_id]}

    def _check(self, answer: httpx.Response, method: str, path: str, operation: dict[str, Any]) -> None:
        told = operation["responses"].get(str(answer.status_code))
        assert told is not None, (method, path, answer.status_code)
        if answer.status_code == 204:
            assert not answer.content
            return
        [(media, content)] = told["content"].items()
        assert answer.headers["Content-Type"].partition(";")[0] == media, (method, path)
        if media == "application/json":
            assert [*problems(answer.json(), content["schema"], self.document)] == [], (method, path)


def test_every_example_is_accepted_and_answered_as_documented(http: httpx.Client, document: dict[str, Any]) -> None:
    walk = Walk(http, document)
    walk.prepare()
    wanted = [
        (path, method, operation)
        for path, method, operation in operations(document)
        if not path.endswith(("/watch", "/subscribe", "/rotate", "/reset", "/demo"))
        and "/entries/{env}" not in path
        and not re.search(r"/dead-letters?/{", path)  # there are none to be settled
    ]
    # What is read is there only once it was written, and until it is deleted.
    phases = ({"POST", "PUT"}, {"PATCH"}, {"GET"}, {"DELETE"})

    for phase in phases:
        ordered = sorted(wanted, key=lambda one: one[0].count("{"), reverse="DELETE" in phase)
        for path, method, operation in ordered:
            if method in phase:
                walk.ask(path, method, operation)

    assert len(walk.asked) == len(wanted)


@pytest.mark.parametrize(
    ("path", "write"),
    [
        ("/api/v1/kv/buckets/carts/watch", ("PUT", "/api/v1/kv/buckets/carts/keys/k", b"1")),
        ("/api/v1/config/shop/watch", ("POST", "/api/v1/config/shop", b'{"a": 1}')),
        ("/api/v1/subscribe", ("POST", "/api/v1/events", b'{"name": "order.placed"}')),
    ],
)
def test_what_is_followed_is_as_documented(
    http: httpx.Client, document: dict[str, Any], path: str, write: tuple[str, str, bytes]
) -> None:
    template = next(one for one in document["paths"] if re.fullmatch(re.sub(r"{\w+}", r"\\w+", one), path))
    content = document["paths"][template]["get"]["responses"]["200"]["content"]
    http.post("/api/v1/kv/buckets", json={"name": "carts"})
    before = http.get("/api/v1/history/head").json()["position"]
    assert http.request(write[0], write[1], content=write[2]).is_success

    with http.stream("GET", path, params={"after": before, "pattern": ">"}) as answer:
        told = next(line for line in answer.iter_lines() if line.startswith("data: "))

    assert answer.headers["Content-Type"].partition(";")[0] in content
    schema = content["text/event-stream"]["schema"]
    assert [*problems(json.loads(told.removeprefix("data: ")), schema, document)] == []


def test_an_error_is_as_documented(http: httpx.Client, document: dict[str, Any]) -> None:
    schema = {"$ref": "#/components/schemas/ErrorResponse"}

    for answer in (http.get("/api/v1/runs/nope"), http.get("/api/v1/runs?limit=0"), http.post("/api/v1/events")):
        assert answer.is_client_error
        assert [*problems(answer.json(), schema, document)] == []
