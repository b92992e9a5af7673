"""`ironflow webhook`: what people see, what programs read, exit codes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import httpx

from tests.support import signing

Ironflow = Callable[..., subprocess.CompletedProcess[str]]
BODY = b'{"action":"opened"}'


def told(shown: subprocess.CompletedProcess[str]) -> Any:
    assert shown.returncode == 0, shown.stderr
    return json.loads(shown.stdout)


def deliver(url: str, *, secret: str, delivery: str) -> int:
    headers = signing.github(secret, BODY, event="issues", delivery=delivery)
    return httpx.post(url, content=BODY, headers=headers, timeout=30).status_code


def test_a_source_from_its_making_to_its_end(ironflow: Ironflow) -> None:
    made = told(ironflow("webhook", "create", "repo", "--provider", "github", "--secret", "-", "--json", stdin="one\n"))
    url = made["url"]

    assert url.endswith(made["ingest_path"])
    assert deliver(url, secret="one", delivery="1") == 200
    assert deliver(url, secret="two", delivery="2") == 401
    shown = ironflow("webhook", "deliveries", "repo").stdout
    assert [line.split()[1:3] for line in shown.splitlines()[1:]] == [["⊘", "rejected"], ["✓", "accepted"]]
    rejected, accepted = ironflow("webhook", "deliveries", "-o", "id").stdout.split()
    page = ironflow("webhook", "delivery", rejected).stdout
    assert "- signature: hmac-sha256 of {body} in hex fits no signature" in page
    assert "x-github-event: issues" in page
    assert BODY.decode() in page
    assert told(ironflow("webhook", "delivery", accepted, "--json"))["signature_key"] == "current"
    assert ironflow("webhook", "replay", rejected).returncode == 4
    several = ironflow("webhook", "replay", rejected, accepted, "--json")
    assert (several.returncode, rejected in several.stderr) == (1, True)
    assert json.loads(several.stdout)["event_name"] == "github.issues.opened"
    rotated = told(ironflow("webhook", "rotate", "repo", "--secret", "-", "--grace", "1h", "--json", stdin="two"))
    assert rotated["verify_secret_prev_set"]
    assert f"{rejected} is github.issues.opened evt_" in ironflow("webhook", "replay", rejected).stdout
    assert "repo is paused" in ironflow("webhook", "pause", "repo").stdout
    assert deliver(url, secret="two", delivery="3") == 202
    resumed = ironflow("webhook", "resume", "repo")
    assert "--status held -o id" in resumed.stderr
    assert "Named by" in ironflow("webhook", "get", "repo").stdout
    assert told(ironflow("webhook", "update", "repo", "--prefix", "gh", "--json"))["event_prefix"] == "gh"
    assert ironflow("webhook", "update", "repo").returncode == 2
    turned = ironflow("webhook", "rotate", "repo", "--token")
    assert "/api/v1/webhooks/wh_" in turned.stdout
    assert deliver(url, secret="two", delivery="4") == 404
    [listed] = told(ironflow("webhook", "list", "--json"))["items"]
    assert (listed["name"], listed["verify_secret_set"]) == ("repo", True)
    assert ironflow("webhook", "delete", "repo").returncode == 2, "nobody can be asked"
    assert told(ironflow("webhook", "delete", "repo", "--yes", "--json"))["name"] == "repo"
    assert ironflow("webhook", "get", "repo").returncode == 3
    assert ironflow("webhook", "list").stderr.startswith("no sources")


def test_a_secret_is_no_argument_and_nothing_is_unsigned_by_mistake(ironflow: Ironflow) -> None:
    assert ironflow("webhook", "create", "a", "--provider", "github", "--secret", "s3cret").returncode == 2
    assert ironflow("webhook", "create", "a").returncode == 2
    assert ironflow("webhook", "create", "a", "--unsigned", "--provider", "github").returncode == 2
    made = told(ironflow("webhook", "create", "form", "--unsigned", "--prefix", "form.sent", "--json"))
    assert httpx.post(made["url"], data={"a": "1"}, timeout=30).status_code == 200
    verify = '{"signature_header": "X-Sig", "algorithm": "md5"}'
    refused = ironflow("webhook", "create", "own", "--verify", verify, "--secret", "-", stdin="s")
    assert refused.returncode == 10
    assert "verify_config.algorithm" in refused.stderr
