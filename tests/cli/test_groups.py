"""`ironflow group`, `dlq`, `outbox` and `nats creds`: what people see, what programs read, exit codes."""

from __future__ import annotations

import json
import subprocess
import time
from typing import Any

from ironflow import Client
from tests.cli.conftest import Ironflow
from tests.support.server import ServerProcess


def told(shown: subprocess.CompletedProcess[str], schema: str) -> Any:
    assert shown.returncode == 0, shown.stderr
    content = json.loads(shown.stdout)
    assert content["schema"] == schema
    return content


def fields(shown: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """What `name  value` lines say."""
    assert shown.returncode == 0, shown.stderr
    return {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition("  ") for line in shown.stdout.splitlines())
    }


def test_a_group_from_its_making_to_its_end(ironflow: Ironflow) -> None:
    made = ironflow("group", "create", "billing", "order.>", "--filter", "data.total > 0", "--ack-wait", "10s")
    assert "group billing is created" in made.stdout
    again = ironflow("group", "create", "billing", "order.>")
    assert (again.returncode, "billing" in again.stderr) == (5, True)
    assert ironflow("group", "create", "x", "order..y").returncode == 10

    listed = told(ironflow("group", "list", "--json"), "ironflow.groups/v1")["items"]
    assert [(one["name"], one["pattern"], one["status"]) for one in listed] == [("billing", "order.>", "active")]
    assert ironflow("group", "list").stdout.splitlines()[1].split()[:3] == ["billing", "active", "order.>"]
    assert ironflow("group", "list", "-o", "id").stdout == "billing\n"

    shown = fields(ironflow("group", "get", "billing"))
    assert (shown["filter"], shown["ack wait"], shown["lag"]) == ("data.total > 0", "10000 ms", "0")
    got = told(ironflow("group", "get", "billing", "--json"), "ironflow.group/v1")
    assert (got["ack_wait_ms"], got["lag"]["dead_letters"]) == (10_000, 0)

    changed = ironflow("group", "update", "billing", "--max-redeliveries", "0", "--json")
    assert told(changed, "ironflow.group/v1")["max_redeliveries"] == 0
    assert "is paused" in ironflow("group", "pause", "billing", "--reason", "holidays").stdout
    assert told(ironflow("group", "get", "billing", "--json"), "ironflow.group/v1")["status"] == "paused"
    assert "is active" in ironflow("group", "resume", "billing").stdout

    assert told(ironflow("group", "delete", "billing", "--json"), "ironflow.group_deleted/v1")["name"] == "billing"
    gone = ironflow("group", "get", "billing")
    assert (gone.returncode, "billing" in gone.stderr) == (3, True)
    assert ironflow("group", "delete", "billing").returncode == 3
    assert "no groups" in ironflow("group", "list").stderr


def test_where_a_group_is_and_where_it_begins_again(ironflow: Ironflow) -> None:
    where = {"IRONFLOW_ENV": "lagging"}
    ironflow("group", "create", "billing", "order.>", **where)
    for total in ("1", "2", "3"):
        ironflow("emit", "order.placed", "-d", total, **where)

    lag = told(ironflow("group", "lag", "billing", "--json", **where), "ironflow.group_lag/v1")
    assert (lag["lag"], lag["inflight"], lag["dead_letters"]) == (3, 0, 0)
    assert fields(ironflow("group", "lag", "billing", **where))["lag"] == "3"

    preview = ironflow("group", "reset", "billing", "--now", "--preview", "--json", **where)
    found = told(preview, "ironflow.group_reset/v1")
    assert (found["skipped"], found["redelivered"], found["exact"]) == (3, 0, True)
    assert told(ironflow("group", "lag", "billing", "--json", **where), "ironflow.group_lag/v1")["lag"] == 3
    done = ironflow("group", "reset", "billing", "--now", "--reason", "skip", **where)
    assert "group billing begins after position" in done.stdout
    assert told(ironflow("group", "lag", "billing", "--json", **where), "ironflow.group_lag/v1")["lag"] == 0
    assert ironflow("group", "reset", "billing", **where).returncode == 2
    assert ironflow("group", "reset", "billing", "--after", "999999", **where).returncode == 10
    assert ironflow("group", "lag", "nobody", **where).returncode == 3


def test_dead_letters_are_listed_requeued_and_discarded(ironflow: Ironflow, server: ServerProcess) -> None:
    where = {"IRONFLOW_ENV": "dead"}
    with Client(server.url, environment="dead") as client:
        client.groups.create("billing", "order.>")
        for number in range(2):
            client.emit("order.placed", number)
        with client.consume("billing") as messages:
            for _, message in zip(range(2), messages, strict=False):
                assert message.term(reason="no such order").result(20)
        deadline = time.monotonic() + 20
        while len(client.dead_letters.list("billing").items) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)

    listed = told(ironflow("dlq", "list", "billing", "--json", **where), "ironflow.dead_letters/v1")["items"]
    assert [(one["cause"], one["reason"]) for one in listed] == [("terminated", "no such order")] * 2
    first, second = (str(one["position"]) for one in listed)
    row = ironflow("dlq", "list", "billing", **where).stdout.splitlines()[1]
    assert row.split()[0] == first
    assert row.endswith("no such order")
    assert ironflow("dlq", "list", "billing", "-o", "id", **where).stdout.split() == [first, second]

    requeued = told(ironflow("dlq", "requeue", "billing", first, "--json", **where), "ironflow.dead_letters/v1")
    assert (requeued["positions"], requeued["result"]) == ([int(first)], "requeued")
    assert ironflow("dlq", "requeue", "billing", first, **where).returncode == 3
    some = ironflow("dlq", "discard", "billing", first, second, "--reason", "tests", **where)
    assert (some.returncode, f"✕ {first}: " in some.stderr) == (1, True)
    assert "1 dead letters of billing are discarded" in some.stdout
    none = ironflow("dlq", "requeue", "billing", first, second, "--json", **where)
    found = json.loads(none.stdout)
    assert (none.returncode, found["positions"]) == (1, [])
    refused = [(one["position"], one["code"]) for one in found["refused"]]
    assert refused == [(int(first), "DEAD_LETTER_NOT_FOUND"), (int(second), "DEAD_LETTER_NOT_FOUND")]
    assert ironflow("dlq", "discard", "billing", "1", "--cause", "terminated", **where).returncode == 2
    discarded = ironflow("dlq", "discard", "billing", "--all", "--search", "order", **where)
    assert "0 dead letters of billing are discarded" in discarded.stdout
    assert "no dead letters" in ironflow("dlq", "list", "billing", **where).stderr
    assert ironflow("dlq", "discard", "billing", **where).returncode == 2
    assert ironflow("dlq", "discard", "billing", "1", "--all", **where).returncode == 2


def test_the_outbox_says_what_nats_has(ironflow: Ironflow) -> None:
    ironflow("emit", "order.placed", "-d", "1")
    deadline = time.monotonic() + 20
    while True:
        found = told(ironflow("outbox", "--json"), "ironflow.outbox/v1")
        if not found["waiting"] or time.monotonic() > deadline:
            break

    assert (found["connected"], found["waiting"], found["trouble"]) == (True, 0, "")
    assert found["position"] == found["head"] > 0
    shown = fields(ironflow("outbox"))
    assert (shown["connected"], shown["waiting"]) == ("yes", "0")


def test_credentials_of_nats_are_printed_for_the_environment(ironflow: Ironflow) -> None:
    found = told(ironflow("nats", "creds", "--json"), "ironflow.nats_creds/v1")

    assert found["url"].startswith("nats://127.0.0.1:")
    assert found["subscribe"][0] == f"ironflow.{found['environment'].removeprefix('env_')}.events.>"
    shown = fields(ironflow("nats", "creds"))
    assert (shown["user"], shown["password"]) == (found["user"], found["password"])
    assert shown["publish"] == found["publish"][0]


def test_credentials_of_the_operator_are_in_the_servers_folder(ironflow: Ironflow, server: ServerProcess) -> None:
    folder = ("--data-dir", str(server.data_dir))

    found = told(ironflow("nats", "operator", *folder, "--json"), "ironflow.nats_operator/v1")

    assert found["url"].startswith("nats://127.0.0.1:")
    assert found["user"]
    assert found["password"]
    assert found["stream"] == "IRONFLOW"
    assert fields(ironflow("nats", "operator", *folder))["password"] == found["password"]
    none = ironflow("nats", "operator", "--data-dir", "nowhere")
    assert (none.returncode != 0, "ironflow serve" in none.stderr) == (True, True)
