"""`ironflow kv`, `config` and `secret`: what people see, what programs read, exit codes."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.server import ServerProcess

Ironflow = Callable[..., subprocess.CompletedProcess[str]]


def test_key_values(ironflow: Ironflow, tmp_path: Path) -> None:
    assert "bucket carts is there" in ironflow("kv", "bucket", "create", "carts", "--ttl", "1h").stdout
    assert ironflow("kv", "put", "carts", "c.1", '{"items": [1]}').stdout == "✓ carts/c.1 is at revision 1\n"
    assert ironflow("kv", "get", "carts", "c.1").stdout == '{"items": [1]}'
    entry = json.loads(ironflow("kv", "get", "carts", "c.1", "--json").stdout)
    assert (entry["value"], entry["revision"], entry["schema"]) == ({"items": [1]}, 1, "ironflow.kv/v1")
    assert ironflow("kv", "create", "carts", "c.1", "x").returncode == 5
    assert ironflow("kv", "cas", "carts", "c.1", "plain text", "--revision", "1").returncode == 0
    refused = ironflow("kv", "cas", "carts", "c.1", "y", "--revision", "1")
    assert refused.returncode == 5
    assert "expected revision 1, found revision 2" in refused.stderr
    assert "Try: read the key again" in refused.stderr
    assert ironflow("kv", "get", "carts", "c.1", "--at", str(entry["position"])).stdout == '{"items": [1]}'
    assert ironflow("kv", "get", "carts", "c.1", "--at", entry["created_at"]).stdout == '{"items": [1]}'
    assert ironflow("kv", "get", "carts", "c.1", "--at", "soon").returncode == 10
    (tmp_path / "value").write_bytes(b"from file")
    ironflow("kv", "put", "carts", "f", "@value")
    ironflow("kv", "put", "carts", "s", "-", stdin="from stdin")
    assert ironflow("kv", "get", "carts", "f").stdout + ironflow("kv", "get", "carts", "s").stdout == (
        "from filefrom stdin"
    )
    assert ironflow("kv", "incr", "carts", "n", "--by", "41").stdout == "41\n"
    assert ironflow("kv", "list", "carts", "c.*").stdout.split() == ["KEY", "c.1"]
    assert json.loads(ironflow("kv", "delete", "carts", "c.1", "--json").stdout)["key"] == "c.1"
    assert ironflow("kv", "get", "carts", "c.1").returncode == 3
    shown = ironflow("kv", "history", "carts", "c.1").stdout
    assert [line.split()[:2] for line in shown.splitlines()[1:]] == [["3", "delete"], ["2", "put"], ["1", "put"]]
    assert "plain text" in shown
    told = json.loads(ironflow("kv", "history", "carts", "c.1", "--json").stdout)["items"]
    assert told[1]["base64"] == "cGxhaW4gdGV4dA=="
    buckets = json.loads(ironflow("kv", "bucket", "list", "--json").stdout)["items"]
    assert [(one["name"], one["values"], one["ttl_seconds"]) for one in buckets] == [("carts", 3, 3600)]
    assert "3600 s" in ironflow("kv", "bucket", "get", "carts").stdout
    assert ironflow("kv", "bucket", "delete", "carts").returncode == 2, "nobody can be asked"
    assert ironflow("kv", "bucket", "delete", "carts", "--yes").returncode == 0
    assert ironflow("kv", "bucket", "list").stderr.startswith("no buckets")


def test_a_bucket_is_followed(ironflow: Ironflow) -> None:
    ironflow("kv", "bucket", "create", "w")
    for value in ("1", "2"):
        ironflow("kv", "put", "w", "k", value)
    ironflow("kv", "delete", "w", "k")

    shown = ironflow("kv", "watch", "w", "--after", "0", "--count", "3").stdout.splitlines()
    told = ironflow("kv", "watch", "w", "k", "--after", "0", "--count", "3", "-o", "jsonl").stdout.splitlines()

    assert [line.split()[1:4] for line in shown] == [["put", "k", "#1"], ["put", "k", "#2"], ["delete", "k", "#3"]]
    assert [(json.loads(line)["revision"], json.loads(line)["value"]) for line in told] == [(1, 1), (2, 2), (3, None)]
    assert ironflow("kv", "watch", "nope").returncode == 3


def test_documents(ironflow: Ironflow, tmp_path: Path) -> None:
    (tmp_path / "limits.json").write_text('{"a": 1, "b": {"x": 1}}')
    assert ironflow("config", "set", "limits", "@limits.json").stdout == "✓ limits is at revision 1\n"
    assert ironflow("config", "patch", "limits", '{"a": 2, "c": true}').returncode == 0
    assert json.loads(ironflow("config", "get", "limits").stdout) == {"a": 2, "b": {"x": 1}, "c": True}
    assert json.loads(ironflow("config", "get", "limits", "--revision", "1", "--json").stdout)["revision"] == 1
    assert ironflow("config", "diff", "limits").stdout.splitlines() == ["~ /a  1 → 2", "+ /c  true"]
    assert ironflow("config", "set", "limits", "{}", "--revision", "1").returncode == 5
    assert ironflow("config", "restore", "limits", "1").stdout == "✓ limits is at revision 3\n"
    shown = ironflow("config", "history", "limits").stdout
    assert [line.split()[:2] for line in shown.splitlines()[1:]] == [["3", "restore"], ["2", "patch"], ["1", "set"]]
    assert "restore of 1" in shown
    assert ironflow("config", "delete", "limits").returncode == 2
    assert json.loads(ironflow("config", "delete", "limits", "--yes", "--json").stdout)["name"] == "limits"
    assert ironflow("config", "get", "limits").returncode == 3
    followed = ironflow("config", "watch", "limits", "--after", "0", "--count", "4", "--json").stdout.splitlines()
    assert [json.loads(line)["operation"] for line in followed] == ["set", "patch", "restore", "delete"]


def test_secrets(ironflow: Ironflow, tmp_path: Path, server: ServerProcess) -> None:
    (tmp_path / "key").write_text("hunter22\n")
    made = ironflow("secret", "set", "API_KEY", "@key", "-d", "of the shop")
    again = ironflow("secret", "set", "API_KEY", "-", stdin="hunter33")
    argument = ironflow("secret", "set", "API_KEY", "hunter44")

    assert made.stdout == "✓ API_KEY is at revision 1\n"
    assert again.stdout == "✓ API_KEY is at revision 2\n"
    assert argument.returncode == 2
    assert "not given as an argument" in argument.stderr
    shown = [
        ironflow("secret", "get", "API_KEY"),
        ironflow("secret", "get", "API_KEY", "--json"),
        ironflow("secret", "list"),
        ironflow("secret", "list", "--json"),
    ]
    assert all(one.returncode == 0 and "of the shop" in one.stdout for one in shown)
    before = (server.data_dir / "master.key").read_text()
    rotated = re.search(r"for (\d+) environments", ironflow("secret", "rotate-key").stdout)
    assert rotated is not None
    assert int(rotated[1]) >= 1  # others' tests on the server have secrets too
    assert (server.data_dir / "master.key").read_text() != before
    assert ironflow("secret", "rename", "API_KEY", "SHOP_KEY").returncode == 0
    assert json.loads(ironflow("secret", "describe", "SHOP_KEY", "new", "--json").stdout)["description"] == "new"
    assert ironflow("secret", "delete", "SHOP_KEY").returncode == 2
    assert ironflow("secret", "delete", "SHOP_KEY", "--yes").returncode == 0
    assert ironflow("secret", "get", "SHOP_KEY").returncode == 3
    everything = "".join(one.stdout + one.stderr for one in [made, again, *shown])
    assert "hunter" not in everything + server.log()


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["kv", "get", "nope", "k"], 3, "ironflow kv bucket create nope"),
        (["kv", "put", "nope", "a*", "1"], 10, "wildcards"),
        (["kv", "put", "nope", "k", "@missing"], 2, "missing"),
        (["kv", "bucket", "create", "a/b"], 10, "not usable"),
        (["kv", "bucket", "create", "a", "--ttl", "soon"], 2, "not a duration"),
        (["kv", "list", "nope", "a..b"], 10, "empty segment"),
        (["config", "set", "x", "[]"], 10, "not a JSON object"),
        (["config", "set", "x", "{"], 10, "not JSON"),
        (["config", "get", "nope"], 3, "ironflow config list"),
        (["config", "diff", "nope"], 3, "no config"),
        (["secret", "set", "a b", "-"], 10, "not usable"),
        (["secret", "get", "NOPE"], 3, "ironflow secret list"),
    ],
)
def test_errors_say_what_and_what_to_try(ironflow: Ironflow, arguments: list[str], code: int, text: str) -> None:
    shown = ironflow(*arguments, stdin="value")

    assert shown.returncode == code, shown.stderr
    assert text in shown.stderr
    assert "Traceback" not in shown.stderr


def test_states_of_projections(ironflow: Ironflow, tmp_path: Path) -> None:
    rules = {"events": ["n"], "initial": {"count": 7}, "rules": [{"on": "n", "set": {"count": "state.count + 1"}}]}
    (tmp_path / "rules.json").write_text(json.dumps(rules))
    ironflow("projection", "register", "counts", "-d", "@rules.json")
    ironflow("emit", "n")
    ironflow("projection", "wait", "counts")

    shown = ironflow("projection", "watch", "counts", "--count", "1").stdout
    told = json.loads(ironflow("projection", "watch", "counts", "--count", "1", "--json").stdout)

    assert shown.split(maxsplit=1)[1] == '{"count": 8}\n'
    assert (told["state"], told["partition_key"]) == ({"count": 8}, "__global__")
    assert ironflow("projection", "watch", "nope").returncode == 3


def test_an_event_that_stops_a_projection_is_parked_and_retried(ironflow: Ironflow, tmp_path: Path) -> None:
    rules = {"events": ["odd"], "initial": {}, "rules": [{"on": "odd", "set": {"n": "event.data.n"}}]}
    (tmp_path / "rules.json").write_text(json.dumps(rules))
    ironflow("projection", "register", "odd", "-d", "@rules.json")
    ironflow("emit", "odd")
    assert ironflow("projection", "wait", "odd").returncode == 5

    assert ironflow("projection", "park", "odd", "--reason", "look").returncode == 0
    [parked] = json.loads(ironflow("projection", "parked", "odd", "--json").stdout)["items"]
    retried = ironflow("projection", "retry-parked", "odd", parked["id"], "--reason", "again")

    assert (parked["reason"], retried.returncode) == ("look", 0), retried.stderr
    refused = ironflow("projection", "discard-parked", "odd", "--reason", "no")
    assert (refused.returncode, "cancel-rebuild" in refused.stderr) == (5, True)
    assert ironflow("projection", "cancel-rebuild", "odd").returncode == 0
    assert ironflow("projection", "discard-parked", "odd", "--reason", "no").stderr == "1 discarded\n"
    assert ironflow("projection", "skip", "odd", "--event", "evt_no", "--reason", "x").returncode == 3


def test_tables_of_projections(ironflow: Ironflow, tmp_path: Path) -> None:
    insert = "insert into proj_seen (n, told) values (:data.n, :data.told)"
    table = {"table_sql": "create table proj_seen (n integer, told text)", "event_handlers": {"seen": insert}}
    (tmp_path / "table.json").write_text(json.dumps(table))
    assert ironflow("projection", "register", "seen", "-d", "@table.json").stdout == "seen is registered\n"
    for n in (7, 8):
        ironflow("emit", "seen", "-d", json.dumps({"n": n, "told": None if n == 8 else "x"}))
    ironflow("projection", "wait", "seen")

    shown = ironflow("projection", "rows", "seen", "--where", "n > 6", "--order-by", "n desc", "--limit", "1")
    told = json.loads(ironflow("projection", "rows", "seen", "--order-by", "n", "--json").stdout)

    assert [line.split() for line in shown.stdout.splitlines()] == [["N", "TOLD"], ["8"]]
    assert shown.stderr == "1 of 2 rows\n"
    assert (told["rows"], told["total_count"]) == ([[7, "x"], [8, None]], 2)
    refused = ironflow("projection", "rows", "seen", "--where", "nosuch = 1")
    assert (refused.returncode, "nosuch" in refused.stderr) == (10, True)
