"""`ironflow subscribe`, `tail` and `topic`, as a person or a script uses them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.cli.conftest import Ironflow
from tests.support.server import ServerProcess


def test_events_are_followed_from_where_one_says(ironflow: Ironflow) -> None:
    for total in ("5", "50", "500"):
        ironflow("emit", "order.placed", "-d", f'{{"total": {total}}}', IRONFLOW_ENV="follow")
    follow = ("subscribe", "order.>", "--count", "2")

    shown = ironflow(*follow, "--from", "0", IRONFLOW_ENV="follow").stdout.splitlines()
    told = ironflow(*follow, "--last", "2", "--json", IRONFLOW_ENV="follow").stdout.splitlines()
    some = ironflow(*follow, "--from", "1h", "--filter", "data.total > 5", IRONFLOW_ENV="follow").stdout

    assert [line.split("  ")[-1] for line in shown] == ['{"total": 5}', '{"total": 50}']
    assert "events:order.placed" in shown[0]
    assert [json.loads(line)["data"]["total"] for line in told] == [50, 500]
    assert json.loads(told[0])["position"] > 0
    assert '{"total": 500}' in some
    refused = ironflow("subscribe", "order..x")
    assert (refused.returncode, "empty segment" in refused.stderr) == (10, True)
    assert ironflow("subscribe", "order.>", "--filter", "data.").returncode == 10


def test_tail_shows_the_last_and_ends_cleanly(ironflow: Ironflow, server: ServerProcess, tmp_path: Path) -> None:
    ironflow("emit", "cart.filled", "-d", "7", IRONFLOW_ENV="tail")
    told = {**os.environ, "IRONFLOW_SERVER_URL": server.url, "IRONFLOW_ENV": "tail"}
    command = [sys.executable, "-m", "app", "tail"]
    with subprocess.Popen(
        command, env=told, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as tail:
        assert tail.stdout is not None
        line = tail.stdout.readline()
        tail.send_signal(signal.SIGINT)
        rest, said = tail.communicate(timeout=30)

    assert line.split()[2:] == ["events:cart.filled", "7"]
    assert (tail.returncode, rest) == (130, "")
    assert said.split() == ["go", "on", "with", "--from", line.split()[0]]


def test_topics(ironflow: Ironflow) -> None:
    first = ironflow("topic", "publish", "orders.eu", "-d", '{"n": 1}', "--key", "k1")
    again = json.loads(ironflow("topic", "publish", "orders.eu", "-d", '{"n": 1}', "--key", "k1", "--json").stdout)

    assert (first.returncode, again["duplicate"]) == (0, True)
    assert ironflow("topic", "list").stdout.splitlines()[1].split()[:3] == ["orders.eu", "1", "0"]
    stats = json.loads(ironflow("topic", "stats", "orders.eu", "--json").stdout)
    assert (stats["message_count"], stats["lag"]) == (1, 0)
    assert stats["first_seq"] == stats["last_seq"] == again["position"]
    assert "Messages" in ironflow("topic", "stats", "orders.eu").stdout
    assert ironflow("topic", "stats", "nope").returncode == 3
    assert ironflow("topic", "publish", "system.x", "-d", "1").returncode == 10
    assert ironflow("subscribe", "topic:orders.*", "--last", "1", "--count", "1").stdout.endswith('{"n": 1}\n')
