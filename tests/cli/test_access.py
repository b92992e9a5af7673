"""The command line against a server that asks who calls: keys, roles, users, tenants, signing in."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import forked
from tests.support.server import ServerProcess

Ironflow = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Its data lie where a client looks for them."""
    made = ServerProcess(data_dir=tmp_path_factory.mktemp("access") / ".ironflow", guarded=True)
    made.start()
    yield made
    made.close()


@pytest.fixture
def ironflow(server: ServerProcess, tmp_path: Path) -> Ironflow:
    def run(*arguments: str, stdin: str = "", near: bool = True, **environment: str) -> Any:
        plain = {name: value for name, value in os.environ.items() if not name.startswith("IRONFLOW_")}
        told = {**plain, "XDG_CONFIG_HOME": str(tmp_path), **environment}
        if not near:
            told["IRONFLOW_SERVER_URL"] = server.url
        where = server.data_dir.parent if near else tmp_path
        return forked.run(arguments, env=told, cwd=where, stdin=stdin)

    return run


def told(shown: subprocess.CompletedProcess[str]) -> Any:
    assert shown.returncode == 0, shown.stderr
    return json.loads(shown.stdout)


def test_who_is_on_the_servers_machine_needs_no_configuration(ironflow: Ironflow) -> None:
    me = told(ironflow("whoami", "--json"))

    assert (me["kind"], me["roles"]) == ("bootstrap", ["admin", "platform_admin"])
    refused = ironflow("run", "list", near=False)
    assert refused.returncode == 4
    assert "IRONFLOW_API_KEY" in refused.stderr


def test_a_key_from_its_making_to_its_end(ironflow: Ironflow) -> None:
    made = told(
        ironflow("apikey", "create", "ci", "-r", "developer", "--bind", "staging", "--expires", "90d", "--json")
    )

    as_ci = {"near": False, "IRONFLOW_API_KEY": made["key"]}
    assert told(ironflow("whoami", "--json", **as_ci))["environment_id"] == "staging"
    assert ironflow("emit", "order.placed", "-d", "{}", **as_ci).returncode == 0
    assert ironflow("run", "list", "--env", "production", **as_ci).returncode == 3
    assert ironflow("user", "list", **as_ci).returncode == 4
    assert "ci" in ironflow("apikey", "list").stdout
    assert made["created_by_name"] == "bootstrap"
    may = ironflow("apikey", "access", made["id"], "--action", "events:emit", "--resource", "event/order.placed")
    assert (may.returncode, may.stdout) == (0, "yes: developer gives it, and no policy denies it\n")
    assert ironflow("apikey", "access", made["id"], "--action", "users:manage").returncode == 4
    assert made["key"] not in ironflow("apikey", "list", "--json").stdout
    rotated = told(ironflow("apikey", "rotate", made["id"], "--overlap", "0", "--json"))
    assert ironflow("run", "list", **as_ci).returncode == 4
    as_ci["IRONFLOW_API_KEY"] = rotated["key"]
    assert "ci has viewer" in ironflow("apikey", "roles", made["id"], "viewer").stdout
    assert ironflow("emit", "order.placed", "-d", "{}", **as_ci).returncode == 4
    assert ironflow("apikey", "delete", made["id"]).returncode == 2  # nobody can be asked
    assert "revoked" in ironflow("apikey", "delete", made["id"], "--yes").stdout
    assert ironflow("run", "list", **as_ci).returncode == 4


def test_signing_in_and_out(ironflow: Ironflow, tmp_path: Path) -> None:
    password = "correct horse battery\n"
    assert ironflow("user", "create", "ada@example.com", "-", "-r", "developer", stdin=password).returncode == 0

    assert ironflow("login", "--email", "ada@example.com", "--password", "-", stdin="no", near=False).returncode == 4
    shown = ironflow("login", "--email", "ada@example.com", "--password", "-", stdin=password, near=False)

    assert "signed in" in shown.stdout, shown.stderr
    assert (tmp_path / "ironflow" / "credentials.json").stat().st_mode & 0o777 == 0o600
    assert told(ironflow("whoami", "--json", near=False))["user"]["email"] == "ada@example.com"
    assert "signed out" in ironflow("logout", near=False).stdout
    assert ironflow("whoami", near=False).returncode == 4
    assert "/login#token=iflink_" in ironflow("login", "--link", "ada@example.com").stdout
    assert "another password" in ironflow("user", "password", "ada@example.com", "-", stdin="ten quiet owls").stdout
    assert "viewer" in ironflow("user", "roles", "ada@example.com", "viewer").stdout
    assert "deleted" in ironflow("user", "delete", "ada@example.com", "-y").stdout


def test_roles(ironflow: Ironflow) -> None:
    made = told(ironflow("role", "create", "emitter", "events:emit", "--json"))

    assert made["permissions"] == ["events:emit"]
    assert "secrets:manage" in ironflow("role", "get", "admin").stdout
    assert "runs:read" in ironflow("role", "update", "emitter", "runs:read").stdout
    assert ironflow("role", "create", "x", "runs:fly").returncode == 10
    assert "deleted" in ironflow("role", "delete", "emitter", "-y").stdout


def test_tenants(ironflow: Ironflow) -> None:
    made = told(ironflow("org", "provision", "Acme", "--environment", "production", "--json"))

    theirs = {"near": False, "IRONFLOW_API_KEY": made["api_key"]["key"]}
    assert [one["name"] for one in told(ironflow("env", "list", "--json", **theirs))["items"]] == ["production"]
    assert [one["name"] for one in told(ironflow("org", "list", "--json", **theirs))["items"]] == ["Acme"]
    project = told(ironflow("project", "create", "shop", "--json", **theirs))
    assert ironflow("env", "create", "staging", "--project", "shop", **theirs).returncode == 0
    assert ironflow("project", "delete", project["id"], "-y", **theirs).returncode == 5
    assert ironflow("env", "delete", "staging", "-y", **theirs).returncode == 0
    assert ironflow("project", "delete", project["id"], "-y", **theirs).returncode == 0
    assert ironflow("org", "provision", "Other", **theirs).returncode == 4
    assert "deleted" in ironflow("org", "delete", made["org"]["id"], "-y").stdout
    assert ironflow("env", "list", **theirs).returncode == 4


def test_looking_after_the_platform(ironflow: Ironflow, tmp_path: Path) -> None:
    password = "nine brown foxes"
    first = ironflow("platform", "bootstrap", "root@example.com", "-", "--name", "Root", stdin=password)
    assert "looks after the platform" in first.stdout, first.stderr
    assert ironflow("platform", "bootstrap", "eve@example.com", "-", stdin=password).returncode == 5
    assert ironflow("platform", "role", "create", "support", "platform:impersonate:read").returncode == 0
    made = ironflow("platform", "user", "create", "grace@example.com", "--without-password", "-r", "support")
    assert "grace@example.com has" in made.stdout, made.stderr
    assert (
        "disabled"
        in ironflow("platform", "user", "update", "grace@example.com", "--disable").stdout
        + ironflow("platform", "user", "list").stdout
    )
    assert ironflow("platform", "role", "delete", "support", "-y").returncode == 5
    assert ironflow("platform", "user", "delete", "grace@example.com", "-y").returncode == 0
    assert ironflow("platform", "role", "delete", "support", "-y").returncode == 0
    sets = tmp_path / "set.json"
    sets.write_text(json.dumps({"modules": {"never": "request.action == 'kv:fly'"}}))
    assert "saved: version 1, mode monitor" in ironflow("platform", "policies", "apply", str(sets)).stdout
    assert "unchanged" in ironflow("platform", "policies", "apply", str(sets)).stdout
    assert "monitor" in ironflow("platform", "policies", "versions").stdout
    assert "platform:users:manage" in ironflow("platform", "audit").stdout


def test_acting_in_another_organization(ironflow: Ironflow) -> None:
    org = told(ironflow("org", "provision", "Initech", "--environment", "production", "--json"))["org"]["id"]
    inside = ("--as-org", org, "--env", "production")

    assert ironflow("kv", "bucket", "create", "theirs", *inside).returncode == 0

    assert [one["name"] for one in told(ironflow("env", "list", "--json", *inside))["items"]] == ["production"]
    assert "theirs" in ironflow("kv", "bucket", "list", *inside).stdout
    assert "theirs" not in ironflow("kv", "bucket", "list").stdout
    seen = told(ironflow("audit", "list", "--org", "--type", "platform.impersonated", "--json", *inside))["items"]
    assert {(one["action"], one["resource"]) for one in seen} == {("platform:impersonate", f"org/{org}")}
    viewer = told(ironflow("apikey", "create", "looks", "-r", "platform_viewer", "--json"))
    as_viewer = {"near": False, "IRONFLOW_API_KEY": viewer["key"]}
    assert "theirs" in ironflow("kv", "bucket", "list", *inside, **as_viewer).stdout
    assert ironflow("kv", "bucket", "create", "mine", *inside, **as_viewer).returncode == 4
    plain = told(ironflow("apikey", "create", "plain", "-r", "admin", "--json"))
    assert ironflow("kv", "bucket", "list", *inside, near=False, IRONFLOW_API_KEY=plain["key"]).returncode == 4
    assert ironflow("kv", "bucket", "list", "--as-org", "org_nope").returncode == 3
