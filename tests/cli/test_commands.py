"""The command line against a real server: what people see, what programs read, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.support.server import ServerProcess

Ironflow = Callable[..., subprocess.CompletedProcess[str]]


def test_one_event_is_emitted_listed_and_read(ironflow: Ironflow) -> None:
    tried = ironflow("emit", "order.placed", "-d", '{"id": 1}', "--dry-run")
    assert (tried.returncode, tried.stdout) == (0, "")
    assert "Nothing was recorded" in tried.stderr

    sent = ironflow("emit", "order.placed", "-d", '{"id": 1}')
    assert sent.returncode == 0
    assert "1 events, 0 runs started" in sent.stdout

    [event] = [
        one for one in json.loads(ironflow("event", "list", "--json").stdout)["items"] if one["data"] == {"id": 1}
    ]
    shown = ironflow("event", "get", event["id"]).stdout
    assert "order.placed" in shown
    assert '"id": 1' in shown

    said = ("--metadata", '{"tenant": "a"}', "--event-version", "2", "--reemitted-from", event["id"])
    assert ironflow("emit", "order.placed", "-d", '{"id": 2}', *said).returncode == 0
    [again] = json.loads(ironflow("event", "list", "--filter", "event.data.id == 2", "--json").stdout)["items"]
    assert (again["metadata"], again["version"], again["reemitted_from"]) == ({"tenant": "a"}, 2, event["id"])
    assert again["id"] in ironflow("event", "get", event["id"]).stdout
    assert "--metadata is an object" in ironflow("emit", "order.placed", "--metadata", "[1]").stderr


def test_a_file_is_emitted_line_by_line_and_bad_lines_are_named(ironflow: Ironflow, tmp_path: Path) -> None:
    lines = [json.dumps({"name": "f.x", "data": n}) for n in range(250)]
    lines[3] = "nonsense"
    lines[7] = '{"name": "a..b"}'
    (tmp_path / "events.ndjson").write_text("\n".join(lines))

    first = ironflow("emit", "--file", "events.ndjson", "--idempotency-prefix", "p-", "--json")
    again = ironflow("emit", "--file", "events.ndjson", "--idempotency-prefix", "p-", "--json")

    told = json.loads(first.stdout)
    assert first.returncode == 1
    assert (told["events"], told["duplicates"]) == (248, 0)
    assert sorted(failure["line"] for failure in told["failures"]) == [4, 8]
    assert json.loads(again.stdout)["duplicates"] == 248


def test_data_may_come_from_a_file_or_standard_input(ironflow: Ironflow, tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text("[1]")

    assert ironflow("emit", "a.b", "-d", "@data.json").returncode == 0
    assert ironflow("emit", "a.b", "-d", "-", stdin='{"x": 2}').returncode == 0


def test_a_stream_is_appended_to_read_and_deleted(ironflow: Ironflow) -> None:
    first = ironflow("stream", "append", "order/7", "order.placed", "-d", '{"n": 1}', "--expect", "0")
    again = ironflow("stream", "append", "order/7", "order.placed", "--expect", "0")
    ironflow("stream", "append", "order/7", "order.paid")

    assert "order/7 is at version 1" in first.stdout
    assert again.returncode == 5
    assert "order/7 is at version 1" in again.stderr
    events = json.loads(ironflow("stream", "read", "order/7", "--json").stdout)["items"]
    assert [(event["version"], event["name"], event["data"]) for event in events] == [
        (1, "order.placed", {"n": 1}),
        (2, "order.paid", None),
    ]
    assert '{"n": 1}' in ironflow("stream", "read", "order/7").stdout
    past = ironflow("stream", "info", "order/7", "--at", str(events[0]["position"]), "--json")
    assert json.loads(past.stdout)["version"] == 1
    assert "order.paid" in ironflow("stream", "history", "order/7").stdout
    assert "order/7" in ironflow("stream", "list", "--type", "order").stdout
    kept = ironflow("stream", "snapshot", "order/7", "-d", '{"n": 1}', "--json")
    assert (json.loads(kept.stdout)["version"], json.loads(kept.stdout)["state"]) == (2, {"n": 1}), kept.stderr
    assert '{"n": 1}' in ironflow("stream", "snapshot", "order/7").stdout
    assert ironflow("stream", "snapshot", "order/7", "--version", "1").returncode == 3
    assert "at version 3" in ironflow("stream", "delete", "order/7", "--yes").stdout
    assert "deleted" in ironflow("stream", "list", "--include-deleted").stdout


def test_a_stream_is_purged_when_told_to_twice(ironflow: Ironflow, server: ServerProcess) -> None:
    ironflow("stream", "append", "customer/7", "moved", "-d", '{"to": "Elm Street"}')

    refused = ironflow("stream", "delete", "customer/7", "--purge", stdin="n\n")
    kept = ironflow("stream", "read", "customer/7").stdout
    purged = ironflow("stream", "delete", "customer/7", "--purge", stdin="y\n")

    assert refused.returncode != 0
    assert "Nothing brings it back" in refused.stderr
    assert "Elm Street" in kept
    assert "customer/7 is purged, at version 2" in purged.stdout
    assert "Elm Street" not in ironflow("stream", "read", "customer/7", "--json").stdout
    again = ironflow("stream", "delete", "customer/7", "--purge", "--yes", "--json")
    assert json.loads(again.stdout) == {"schema": "ironflow.stream_deleted/v1", "version": 2, "purged": True}
    verified = ironflow("history", "verify", "--data-dir", str(server.data_dir))
    assert "1 of them redacted" in verified.stdout


def test_schemas_are_registered_enforced_and_checked(ironflow: Ironflow, tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text('{"type": "object"}')
    told = {"IRONFLOW_ENV": "schemas"}

    assert "created" in ironflow("schema", "register", "a.b", "-d", "@s.json", **told).stdout
    assert ironflow("schema", "register", "a.b", "-d", '{"type": "string"}', **told).returncode == 5
    assert ironflow("schema", "enforce", "reject", **told).returncode == 0
    refused = ironflow("emit", "a.b", "-d", "1", **told)
    assert refused.returncode == 10
    assert "is not of type 'object'" in refused.stderr
    ironflow("emit", "a.b", "-d", "{}", **told)
    assert "v1: 1" in ironflow("schema", "check", **told).stdout
    assert "a.b" in ironflow("schema", "list", **told).stdout
    assert json.loads(ironflow("schema", "get", "a.b", "--json", **told).stdout)["version"] == 1
    assert ironflow("schema", "delete", "a.b", "--version", "1", **told).returncode == 0
    assert ironflow("schema", "get", "a.b", **told).returncode == 3


def test_history_is_listed_and_says_why(ironflow: Ironflow) -> None:
    ironflow("stream", "append", "stock/sku1", "stock.counted", "-d", "3")
    ironflow("stream", "append", "stock/sku1", "stock.sold")

    entries = json.loads(ironflow("history", "list", "--stream", "entity/stock/sku1", "--json").stdout)["items"]
    shown = ironflow("history", "list", "--kind", "event.*")

    assert [entry["data"]["name"] for entry in entries] == ["stock.sold", "stock.counted"]
    assert "stock.sold" in shown.stdout
    assert "stock.sold" in ironflow("why", "entity:stock/sku1").stdout
    assert "stock.counted" in ironflow("why", "entity/stock/sku1", "--at", str(entries[1]["position"])).stdout
    why = json.loads(ironflow("why", entries[0]["data"]["id"], "--effects", "--json").stdout)
    assert (why["entry"]["position"], why["causes"], why["effects"]) == (entries[0]["position"], [], [])


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["emit", "a.b", "-d", "{"], 10, "not JSON"),
        (["emit", "a..b"], 10, "empty segment"),
        (["emit"], 2, "either NAME or --file"),
        (["run", "get", "run_nope"], 3, "no run"),
        (["run", "get", "@last"], 3, "no run"),
        (["run", "cancel", "run_nope"], 3, "no run 'run_nope'"),
        (["run", "pause", "run_nope", "--reason", "r"], 3, "no run 'run_nope'"),
        (["run", "resume", "run_nope", "--reason", "r"], 3, "no run 'run_nope'"),
        (["event", "get", "evt_nope"], 3, "no event"),
        (["event", "replay", "--function", "nope", "--after", "0", "--dry-run"], 3, "nope"),
        (["event", "replay", "--function", "nope", "--after", "0"], 2, "--reason"),
        (["function", "get", "nope"], 3, "no function"),
        (["stream", "info", "order/nope"], 3, "stream not found"),
        (["stream", "info", "nope"], 2, "TYPE/ID"),
        (["why", "run/nope"], 3, "has no entry"),
        (["history", "list", "--kind", "run.exploded"], 10, "run.created"),
        (["stream", "append", "order/1", "a..b"], 10, "empty segment"),
        (["run", "list", "--status", "exploded"], 10, "unknown"),
        (["rnu", "list"], 2, "Did you mean 'run'"),
        (["serve", "--port", "x"], 2, "--port is 'x'"),
        (["serve", "--host", "0.0.0.0"], 2, "reachable from other machines"),
        (["history", "verify", "--data-dir", "nowhere"], 1, "no database"),
        (["rebuild", "--data-dir", "nowhere"], 1, "no database"),
        (["migrate", "--database-url", "postgresql://nobody@127.0.0.1:1/x"], 1, "Try:"),
        (["health"], 2, "No such command"),
    ],
)
def test_errors_say_what_and_what_to_try(ironflow: Ironflow, arguments: list[str], code: int, text: str) -> None:
    shown = ironflow(*arguments)

    assert shown.returncode == code, shown.stderr
    assert text in shown.stderr
    assert "Traceback" not in shown.stderr


def test_an_unreachable_server_is_named(ironflow: Ironflow) -> None:
    shown = ironflow("run", "list", IRONFLOW_SERVER_URL="http://127.0.0.1:1")
    as_json = ironflow("run", "list", "--json", IRONFLOW_SERVER_URL="http://127.0.0.1:1")

    assert shown.returncode == 6
    assert "ironflow serve" in shown.stderr
    assert json.loads(as_json.stderr)["error"]["code"] == "SERVER_UNREACHABLE"


def test_an_argument_that_is_not_utf8_is_named_where_text_is_needed(ironflow: Ironflow) -> None:
    bytes_ = os.fsdecode(b"a\xff")
    wanted = [(["run", "list", "--function", bytes_], 4), (["emit", bytes_], 2), (["run", "list", "--env", bytes_], 4)]

    for arguments, at in wanted:
        shown = ironflow(*arguments)
        assert (shown.returncode, shown.stdout) == (2, "")
        assert rf"argument {at} is not UTF-8: 'a\xff'" in shown.stderr

    assert ironflow("emit", "x", IRONFLOW_ENV=bytes_).returncode == 2
    assert ironflow("kv", "put", "nowhere", "k", bytes_).returncode == 3  # a value is bytes: there is no such bucket


def test_a_port_that_is_taken_is_named_at_once(ironflow: Ironflow, server: ServerProcess) -> None:
    port = server.url.rpartition(":")[2]

    shown = ironflow("serve", "--port", port, "--data-dir", "other")

    assert shown.returncode == 1
    assert f"port {port}" in shown.stderr
    assert "--port" in shown.stderr


def test_a_grpc_port_that_is_taken_is_named(ironflow: Ironflow, server: ServerProcess) -> None:
    port = server.grpc_address.rpartition(":")[2]

    shown = ironflow("serve", "--port", "0", "--grpc-port", port, "--data-dir", "other")

    assert shown.returncode == 1
    assert f":{port}: the port is in use" in shown.stderr
    assert "--grpc-port" in shown.stderr


def test_a_data_directory_in_use_is_refused(ironflow: Ironflow, server: ServerProcess) -> None:
    shown = ironflow("serve", "--port", "0", "--grpc-port", "0", "--data-dir", str(server.data_dir))

    assert shown.returncode == 1
    assert "another ironflow server" in shown.stderr


def test_lists_and_doctor_work_on_an_empty_environment(ironflow: Ironflow) -> None:
    for noun in ("run", "function", "worker", "breaker"):
        assert json.loads(ironflow(noun, "list", "--json", IRONFLOW_ENV="empty").stdout)["items"] == []
        assert ironflow(noun, "list", IRONFLOW_ENV="empty").returncode == 0
    for verb in ("drain", "disconnect"):
        refused = ironflow("worker", verb, "nobody", "--reason", "gone", IRONFLOW_ENV="empty")
        assert (refused.returncode, "no worker 'nobody' is connected" in refused.stderr) == (3, True), refused.stderr
    doctor = ironflow("doctor", "--json")
    assert doctor.returncode == 0
    assert {finding["grade"] for finding in json.loads(doctor.stdout)["findings"]} <= {"ok", "warn"}


def test_data_cannot_drive_the_terminal(ironflow: Ironflow) -> None:
    sent = json.loads(ironflow("emit", "evil.event", "-d", '{"x": "\\u001b[31mred"}', "--json").stdout)
    event_id = json.loads(ironflow("event", "list", "--name", "evil.event", "--json").stdout)["items"][0]["id"]

    assert sent["events"] == 1
    assert "\x1b" not in ironflow("event", "get", event_id).stdout


def test_history_can_be_verified_and_rebuilt_beside_a_running_server(ironflow: Ironflow, server: ServerProcess) -> None:
    where = ["--data-dir", str(server.data_dir)]

    assert json.loads(ironflow("history", "verify", *where, "--json").stdout)["ok"]
    assert json.loads(ironflow("rebuild", "--check", *where, "--json").stdout)["differing"] == []
    assert ironflow("history", "checkpoint", *where).stdout.split()[0].isdecimal()
    assert "nothing to do" in ironflow("migrate", *where).stdout


def test_versions(ironflow: Ironflow) -> None:
    assert ironflow("version").stdout == ironflow("--version").stdout == "ironflow 0.1.0\n"


def test_versions_of_a_function_are_compared_rolled_back_and_paused(
    ironflow: Ironflow, server: ServerProcess, shell_environment: str
) -> None:
    path, headers = (
        f"{server.url}/ironflow.v1.IronflowService/RegisterFunction",
        {"X-Ironflow-Environment-ID": shell_environment},
    )
    for limit in (1, 5):
        body = {"id": "sync", "triggers": [{"cron": "0 9 * * *"}], "concurrency": {"limit": limit, "key": "k"}}
        httpx.post(path, json=body, headers=headers, timeout=30).raise_for_status()

    shown = ironflow("function", "get", "sync").stdout
    assert "0 9 * * * (UTC)" in shown
    assert "limit 5, key k" in shown
    [change] = json.loads(ironflow("function", "diff", "sync", "1", "2", "--json").stdout)["items"]
    assert (change["path"], change["before"], change["after"]) == ("concurrency.limit", 1, 5)
    back = json.loads(ironflow("function", "rollback", "sync", "1", "--reason", "too many", "--json").stdout)
    assert (back["version"], back["concurrency"]["limit"]) == (3, 1)
    assert "too many" in ironflow("function", "versions", "sync").stdout
    assert json.loads(ironflow("function", "pause", "sync", "--json").stdout)["status"] == "paused"
    assert json.loads(ironflow("function", "resume", "sync", "--json").stdout)["status"] == "active"
    assert ironflow("function", "rollback", "sync", "1").returncode == 5
    assert ironflow("function", "delete", "sync").returncode == 0
    assert ironflow("function", "get", "sync").returncode == 3


def test_the_demo_leaves_runs_worth_looking_at(ironflow: Ironflow) -> None:
    done = ironflow("demo", "--once", "--json", IRONFLOW_ENV="demo")

    assert done.returncode == 0, done.stderr
    found = {run["function_id"]: run["status"] for run in json.loads(done.stdout)["items"]}
    assert found == {
        "demo-checkout": "completed",
        "demo-import": "completed",
        "demo-invoice": "paused",
        "demo-trip": "failed",
        "demo-expense": "waiting",
        "demo-parcels": "completed",
    }
    listed = json.loads(ironflow("projection", "list", "--json", IRONFLOW_ENV="demo").stdout)["items"]
    assert [one["name"] for one in listed] == ["demo-sales"]
