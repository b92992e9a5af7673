"""Who is let in where: everything that can be asked, by everybody, out of the tables that the faces are made of."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import grpc
import httpx
import pytest

from app.access.permissions import SELF, SYSTEM_ROLES
from app.access.tenancy import SEE_ALL
from app.api import connect_streams
from tests.support import doors
from tests.support.connection import Connection, Told
from tests.support.history import head, recorded
from tests.support.puller import Puller, run, step
from tests.support.server import ServerProcess
from tests.support.websocket import HandshakeRefused, WebSocket

pytestmark = pytest.mark.slow

NAME, CANARY = "thing-of-a", "canary-of-a"
ROLES = ("viewer", "developer", "admin", "platform_viewer", "platform_admin")
STRANGERS = {
    "nobody": {},
    "unknown": {"Authorization": "Bearer ifkey_" + "0" * 64},
    "basic": {"Authorization": "Basic YWRtaW46YWRtaW4="},
    "empty": {"Authorization": "Bearer"},
    "cookie": {"Cookie": "ironflow_session=ifses_" + "0" * 64, "X-Ironflow-CSRF": "0" * 32},
    "twice": {"Authorization": "Bearer ifkey_x, Bearer ifkey_y"},
}
ALSO = {"/api/v1/history/verify": SEE_ALL}
"""What takes a second permission, as there are several organizations here."""


@dataclass
class House:
    """A guarded server, a key of each role, and another tenant's."""

    server: ServerProcess
    root: httpx.Client
    keys: dict[str, str] = field(default_factory=dict)
    other: str = ""
    other_environment: str = ""

    def bearer(self, role: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys[role]}"}


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    url = None if request.param == "sqlite" else request.getfixturevalue("postgres").create_database()
    server = ServerProcess(data_dir=tmp_path_factory.mktemp("doors") / "data", database_url=url, guarded=True)
    server.start()
    with httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {server.key}"}, timeout=30) as root:
        made = House(server, root)
        for role in ROLES:
            answer = root.post("/api/v1/apikeys", json={"name": role, "role_ids": [role]})
            made.keys[role] = answer.json()["key"]
        tenant = root.post("/api/v1/tenants/provision", json={"org_name": "other", "env_name": "production"}).json()
        made.other, made.other_environment = tenant["api_key"]["key"], tenant["environment"]["id"]
        yield made
    server.close()


@pytest.fixture
def anyone(house: House) -> Iterator[Connection]:
    with closing(Connection(house.server.url)) as connection:
        yield connection


def status(anyone: Connection, asked: doors.Asked, headers: dict[str, str]) -> tuple[int, str]:
    """Status and code of an answer."""
    told = anyone.ask(asked.method, asked.path, headers)
    return told.status, told.code


@pytest.mark.parametrize("stranger", STRANGERS)
def test_a_stranger_is_asked_for_credentials_wherever_it_is_not_open(
    house: House, anyone: Connection, stranger: str
) -> None:
    before = head(house.root)

    for asked in doors.operations():
        told = status(anyone, asked, STRANGERS[stranger])
        if asked.operation.open:
            assert told[0] != 403, (asked, told)
        else:
            assert told == (401, "UNAUTHENTICATED"), (asked, told)
    for call in doors.calls():
        answer = anyone.ask("POST", call.path, STRANGERS[stranger])
        if call.streams:
            continue
        assert (answer.status == 401) == bool(call.permission), (call, answer.text)

    assert recorded(house.root, after=before) == []


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_the_table_says_and_nothing_else(house: House, anyone: Connection, role: str) -> None:
    allowed = SYSTEM_ROLES[role]

    for asked in doors.operations():
        needed = asked.operation.permission
        if not needed or needed == "platform:master-key:rotate":
            continue
        code = status(anyone, asked, house.bearer(role))
        if needed == SELF or {needed, ALSO.get(asked.template, needed)} <= allowed:
            assert code[0] not in (401, 500), (asked, code)
            assert code[1] != "PERMISSION_DENIED", (asked, code)
        else:
            assert code == (403, "PERMISSION_DENIED"), (asked, code)
    for call in doors.calls():
        if call.streams:
            continue
        answer = anyone.ask("POST", call.path, house.bearer(role))
        if call.permission in allowed or not call.permission:
            assert answer.status not in (401, 403, 500), (call, answer.text)
        else:
            assert answer.status == 403, (call, answer.text)
            assert answer.json()["code"] == "permission_denied"


@pytest.mark.parametrize("role", ["nobody", "viewer", "developer", "platform_admin"])
def test_grpc_lets_in_whom_the_other_faces_let_in(house: House, role: str) -> None:
    allowed = SYSTEM_ROLES.get(role, frozenset())
    metadata = [("authorization", f"Bearer {house.keys[role]}")] if role in house.keys else []

    with grpc.insecure_channel(house.server.grpc_address) as channel:
        for call in doors.calls():
            may = call.permission in allowed or not call.permission
            if call.streams and may:
                continue
            code, text = _grpc_code(channel, call, metadata)
            if may:
                assert code not in ("UNAUTHENTICATED", "PERMISSION_DENIED", "INTERNAL", "UNKNOWN"), (call, code, text)
            else:
                assert code == ("UNAUTHENTICATED" if role == "nobody" else "PERMISSION_DENIED"), (call, code, text)


def _grpc_code(channel: grpc.Channel, call: doors.Call, metadata: list[tuple[str, str]]) -> tuple[str, str]:
    try:
        if call.streams:
            list(channel.stream_stream(call.path)(iter([b""]), metadata=metadata, timeout=10))
        else:
            channel.unary_unary(call.path)(b"", metadata=metadata, timeout=10)
    except grpc.RpcError as error:
        told: Any = error
        return told.code().name, told.details()
    return "OK", ""


@pytest.mark.parametrize("role", ["nobody", "platform_viewer"])
def test_streams_of_connect_are_refused_in_their_last_frame(house: House, role: str) -> None:
    headers = {"Content-Type": "application/connect+json"} | (house.bearer(role) if role in house.keys else {})

    for path in connect_streams.PATHS:
        body = b"\0" + struct.pack(">I", 2) + b"{}"
        answer = httpx.post(f"{house.server.url}{path}", content=body, headers=headers, timeout=30)
        flags, size = answer.content[0], struct.unpack(">I", answer.content[1:5])[0]
        assert (flags, size) == (2, len(answer.content) - 5)
        code = json.loads(answer.content[5:])["error"]["code"]
        assert code == ("unauthenticated" if role == "nobody" else "permission_denied")


@pytest.mark.parametrize("path", ["/ws", "/api/v1/kv/buckets/b/watch", "/api/v1/config/c/watch"])
def test_sockets_are_refused_by_the_status_of_the_handshake(house: House, path: str) -> None:
    for token, refused in (("", 401), ("ifkey_nope", 401), (house.keys["platform_viewer"], 403)):
        with pytest.raises(HandshakeRefused) as told:
            WebSocket(house.server.url, f"{path}?token={token}" if token else path)
        assert told.value.status == refused

    with WebSocket(house.server.url, f"/ws?token={house.keys['viewer']}"):
        pass  # the published form, for browsers


# Another tenant.


def test_another_tenants_environment_is_not_there_whatever_is_asked(house: House, anyone: Connection) -> None:
    outside = {"Authorization": f"Bearer {house.other}"}
    inside = house.bearer("admin")

    for asked in doors.operations():
        if asked.operation.open or asked.operation.permission.startswith("platform:"):
            continue
        for who, named in (
            (outside, "env_default/../default"),
            (outside, "staging"),
            (inside, house.other_environment),
        ):
            told = status(anyone, asked, {**who, "X-Ironflow-Environment-ID": named})
            assert told in ((404, "ENVIRONMENT_NOT_FOUND"), (400, "INVALID_ARGUMENT")), (asked, told)


def test_ids_of_one_tenant_find_nothing_in_another(house: House, anyone: Connection, real: dict[str, str]) -> None:
    outside = {"Authorization": f"Bearer {house.other}"}

    # What it makes itself is its own: lists are asked before what follows something of that name.
    for asked in sorted(doors.operations(), key=lambda one: (one.method != "GET", "{" in one.template)):
        if asked.operation.open or asked.method not in ("GET", "DELETE", "PATCH") or asked.path.endswith("/subscribe"):
            continue
        path = asked.template.replace("{key:path}", "{key}")
        for name, value in real.items():
            path = path.replace(f"{{{name}}}", value)
        assert "{" not in path, f"_filled makes nothing that {asked.template} could name"
        answer = anyone.ask(asked.method, path, outside)
        if answer.headers.get("Content-Type", "").startswith("text/event-stream"):
            continue
        assert CANARY not in answer.text, (asked, answer.text)
        assert "{" in asked.template or NAME not in answer.text, (asked, answer.text)
        if "{" in asked.template and asked.method == "GET":
            assert answer.status in (404, 204, 400, 403) or answer.json() in ([], {}) or _empty(answer), asked

    assert house.root.get(f"/api/v1/kv/buckets/{NAME}/keys/{NAME}").is_success  # it is all still there
    assert house.root.get(f"/api/v1/apikeys/{real['key_id']}").is_success


def _empty(answer: Told) -> bool:
    """Whether every list in the answer is."""
    return all(not value for value in answer.json().values() if isinstance(value, list))


@pytest.fixture(scope="module")
def real(house: House) -> dict[str, str]:
    return _filled(house)


def _filled(house: House) -> dict[str, str]:
    """One of everything in the default environment, all named alike."""
    root, name = house.root, NAME
    root.post("/api/v1/kv/buckets", json={"name": name})
    root.put(f"/api/v1/kv/buckets/{name}/keys/{name}", content=CANARY.encode())
    root.post(f"/api/v1/config/{name}", json={"a": CANARY})
    root.post("/api/v1/secrets", json={"name": name, "value": "x", "description": CANARY})
    root.post("/ironflow.v1.IronflowService/RegisterFunction", json={"id": name, "triggers": [{"event": name}]})
    emitted = root.post("/api/v1/events", json={"name": name, "data": CANARY}).json()
    fingerprint, job_id = _failed(root, emitted["run_ids"][0])
    held = root.post("/api/v1/breakpoints", json={"function_id": name, "step": name, "ttl_s": 600}).json()
    begun = {"verb": "tag", "add": [name], "event_id": emitted["event_id"], "reason": CANARY}
    bulk_id = root.post("/api/v1/bulk", json=begun).json()["id"]
    root.put(f"/api/v1/views/runs/{name}", json={"filter": CANARY, "shared": True})
    root.post(f"/api/v1/streams/{name}/events", json={"entityType": name, "name": name, "data": CANARY})
    root.post(f"/api/v1/topics/{name}/messages", json={"data": CANARY})
    root.post("/api/v1/groups", json={"name": name, "pattern": ">"})
    root.put(f"/api/v1/projections/{name}", json={"events": [name], "rules": [{"on": name, "set": {"a": "true"}}]})
    root.post("/api/v1/events/schemas", json={"event_name": name, "schema": {}})
    root.post("/api/v1/webhook-sources", json={"name": name, "event_prefix": name})
    nouns = ("apikeys", "roles", "projects")
    made = {noun: root.post(f"/api/v1/{noun}", json={"name": name}).json()["id"] for noun in nouns}
    user = root.post("/api/v1/users", json={"email": f"{name}@example.com"}).json()["id"]
    position = root.get("/api/v1/history").json()["entries"][-1]["position"]
    return {
        "bucket": name,
        "key": name,
        "name": name,
        "function_id": name,
        "topic": name,
        "entity_id": name,
        "source": name,
        "event_id": emitted["event_id"],
        "run_id": emitted["run_ids"][0],
        "position": str(position),
        "key_id": made["apikeys"],
        "role_id": made["roles"],
        "project_id": made["projects"],
        "user_id": user,
        "org_id": "org_default",
        "environment_id": "env_default",
        "number": "1",
        "version": "1",
        "worker_id": name,
        "job_id": job_id,
        "bulk_id": bulk_id,
        "step": "charge",
        "other": emitted["run_ids"][0],
        "fingerprint": fingerprint,
        "breakpoint_id": held["id"],
        "page": "runs",
        "policy": name,
        "delivery_id": name,
        "env": "default",
    }


def _failed(root: httpx.Client, run_id: str) -> tuple[str, str]:
    """Have the run fail with a step and lines of a log: the fingerprint of its failure, and the id of the job."""
    worker = Puller(root, name=NAME, functions=(NAME,))
    worker.register()
    job = worker.job()
    error = {"message": CANARY, "code": "E", "retryable": False}
    done = step(job, "charge", CANARY, logs={"lines": [{"at_us": 1, "level": "info", "message": CANARY}]})
    assert worker.report(job, "failed", steps=[done], error=error).status_code == 200
    assert run(root, run_id, wait=10)["status"] == "failed"
    for _ in range(15):  # it waits by itself for what is derived beside the way, but not for long
        if group := root.get(f"/api/v1/runs/{run_id}/similar").json().get("group"):
            return group["fingerprint"], job["job_id"]
    raise AssertionError("the failure has no fingerprint")


def test_two_tenants_may_have_the_same_names_and_see_their_own(house: House, anyone: Connection) -> None:
    mine, theirs = house.bearer("admin"), {"Authorization": f"Bearer {house.other}"}

    for who, value in ((mine, 1), (theirs, 2)):
        anyone.ask("POST", "/api/v1/kv/buckets", who, {"name": "same"})
        assert anyone.ask("PUT", "/api/v1/kv/buckets/same/keys/k", who, value).is_success

    for who, value in ((mine, 1), (theirs, 2)):
        assert anyone.ask("GET", "/api/v1/kv/buckets/same/keys/k", who).json()["value"] != ""
        query = {"query": "select count(*) as n from kv where key = 'k'"}
        assert anyone.ask("POST", "/api/v1/sql", who, query).json()["rows"] == [[1]], value
    own = anyone.ask("GET", "/api/v1/environments", theirs).json()
    assert [one["name"] for one in own] == ["production"]


def test_a_cursor_of_one_environment_shows_nothing_of_it_in_another(house: House, anyone: Connection) -> None:
    for number in range(3):
        house.root.post("/api/v1/events", json={"name": "paged", "data": CANARY + str(number)})
    cursor = house.root.get("/api/v1/events", params={"limit": 1}).json()["next_cursor"]

    for told in (cursor, cursor[:-2], cursor + "A", "A" * 10_000, "eyJhbGciOiJub25lIn0.e30."):
        query = urlencode({"cursor": told, "limit": 5})
        answer = anyone.ask("GET", f"/api/v1/events?{query}", {"Authorization": f"Bearer {house.other}"})
        assert answer.status in (200, 400, 414)
        assert CANARY not in answer.text


NAMING = frozenset(
    (
        *("a", "actor", "api_key_id", "b", "causation", "correlation", "event_id", "event_name", "filter", "function"),
        *("functionId", "function_id", "key", "name", "names", "org_id", "other", "partition", "project_id", "q"),
        *("run_id", "search", "source", "step", "stream", "type", "where"),
    )
)
"""Parameters of lists that name something."""
EXPRESSIONS = {("/api/v1/events", "filter"): 'event.source == "{}"'}
"""Parameters that take an expression, and how one names something."""
PAGING = ("cursor", "after", "before", "at")


def test_a_filter_that_names_another_tenants_finds_as_much_as_one_that_names_nothing(
    house: House, anyone: Connection, real: dict[str, str]
) -> None:
    fresh = house.root.post("/api/v1/tenants/provision", json={"org_name": "filters", "env_name": "production"}).json()
    outside = {"Authorization": f"Bearer {fresh['api_key']['key']}"}
    values = {**real, "stream": f"run/{real['run_id']}", "actor": real["key_id"], "api_key_id": real["key_id"]}
    values |= {"correlation": real["event_id"], "causation": f"run/{real['run_id']}", "q": real["run_id"]}
    asked_for = 0

    for asked in doors.operations():
        if asked.method != "GET" or asked.operation.query is None or asked.operation.open or _holds(asked.path):
            continue
        for parameter in NAMING & set(asked.operation.query.__struct_encode_fields__):
            theirs = values.get(parameter, NAME)
            nobodys = theirs[:-4] + "zzzz"
            said = EXPRESSIONS.get((asked.path, parameter), "{}")
            told = [
                listed(anyone, asked, outside, {parameter: said.format(value), **_further(asked, parameter)})
                for value in (theirs, nobodys)
            ]
            assert CANARY not in told[0].text, (asked, parameter)
            mine, other = (re.sub(r"[0-9]+", "0", one.text.replace(theirs, "X").replace(nobodys, "X")) for one in told)
            assert (told[0].status, mine) == (told[1].status, other), (asked, parameter)
            asked_for += 1

    assert asked_for > 40


def test_a_place_in_one_tenants_lists_is_none_in_anothers(
    house: House, anyone: Connection, real: dict[str, str]
) -> None:
    mine, outside = house.bearer("admin"), {"Authorization": f"Bearer {house.other}"}

    for asked in doors.operations():
        if asked.method != "GET" or asked.operation.query is None or asked.operation.open or _holds(asked.path):
            continue
        if "{" in asked.template or asked.operation.permission.startswith("platform:"):
            continue
        paging = [name for name in PAGING if name in asked.operation.query.__struct_encode_fields__]
        if not paging:
            continue
        first = listed(anyone, asked, mine, {"limit": "1"}).json()
        places = {real["position"], *_places(first)}
        for parameter in paging:
            for place in places:
                told = listed(anyone, asked, outside, {parameter: place, "limit": "50"})
                assert told.status in (200, 400), (asked, parameter, told.text)
                assert CANARY not in told.text, (asked, parameter)
                assert real["run_id"] not in told.text.replace(place, ""), (asked, parameter)


def listed(anyone: Connection, asked: doors.Asked, who: dict[str, str], params: dict[str, str]) -> Told:
    return anyone.ask("GET", f"{asked.path}?{urlencode(params)}", who)


def _holds(path: str) -> bool:
    """Whether it is a stream, or held until something happens."""
    return path.endswith(("/subscribe", "/watch", "/jobs", "/catchup", "/export"))


def _further(asked: doors.Asked, parameter: str) -> dict[str, str]:
    """What else has to be there, for a parameter to be looked at."""
    needed = {"q": "x", "a": "run_x", "from": "1", "to": "2", "pattern": ">"}
    names = asked.operation.query.__struct_encode_fields__ if asked.operation.query is not None else ()
    return {name: value for name, value in needed.items() if name in names and name != parameter}


def _places(content: Any) -> set[str]:
    """Cursors that a page tells."""
    if not isinstance(content, dict):
        return set()
    return {str(value) for name, value in content.items() if "cursor" in name and value}


def test_nothing_is_done_to_what_another_tenant_names_by_path_or_body(
    house: House, anyone: Connection, real: dict[str, str]
) -> None:
    outside = {"Authorization": f"Bearer {house.other}"}
    before = head(house.root)

    for asked in doors.operations():
        if asked.operation.open or asked.method not in ("POST", "PUT") or _waits(asked.path):
            continue
        path = asked.template.replace("{key:path}", "{key}")
        for name, value in real.items():
            path = path.replace(f"{{{name}}}", value)
        told = _told(anyone.ask(asked.method, path, outside, _naming(asked, real)))
        assert CANARY not in told, (asked, told)
    for call in doors.calls():
        if call.streams or _waits(call.path):
            continue
        told = _told(anyone.ask("POST", call.path, outside, doors.filled(call, real)))
        assert CANARY not in told, (call, told)

    assert recorded(house.root, after=before) == []
    assert house.root.get("/api/v1/orgs/org_default").json()["name"] == "default"
    mine = house.bearer("admin")
    assert anyone.ask("GET", f"/api/v1/users/{real['user_id']}", mine).json()["roles"] == ["viewer"]
    assert anyone.ask("GET", f"/api/v1/roles/{real['role_id']}", mine).json()["name"] == NAME


def _waits(path: str) -> bool:
    """Whether it is answered when something has happened only."""
    return any(word in path.lower() for word in ("sync", "wait", "catchup"))


def _told(answer: Told) -> str:
    assert answer.status != 500, answer.text
    return answer.text


def _naming(asked: doors.Asked, real: dict[str, str]) -> Any:
    """A body as the API's description has it, that names what is another's wherever a field is for that."""
    example = asked.operation.body.example if asked.operation.body is not None else {}
    if not isinstance(example, dict):
        return example
    named = {**real, "run_ids": [real["run_id"]], "role_ids": [real["role_id"]], "roles": [real["role_id"]]}
    named |= {"org_id": "org_default", "env_id": "env_default", "policy_id": NAME, "entityId": NAME}
    return {key: named.get(key, value) for key, value in example.items()}
