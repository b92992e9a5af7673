"""The files that Ironflow is deployed with, as far as that can be told without Docker and systemd."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml
from click import Context

from app import resources
from app.cli.main import COMMANDS, ironflow
from app.settings import SETTINGS
from app.values.keyring import VARIABLE as MASTER_KEY

ROOT = Path(__file__).parents[2]
PACKAGING = ROOT / "packaging"
NATS = {"nats-1", "nats-2", "nats-3"}
VARIABLES = {setting.variable for setting in SETTINGS} | {MASTER_KEY}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    return loaded


def is_known(arguments: list[str]) -> bool:
    """Whether our command line has that command, and the command these options."""
    name, *rest = arguments
    command = ironflow.get_command(Context(ironflow), name)
    assert command is not None
    options = {option for parameter in command.params for option in parameter.opts}
    return name in COMMANDS and {one.partition("=")[0] for one in rest if one.startswith("--")} <= options


def stages() -> dict[str, list[tuple[str, str]]]:
    """Instructions of the Dockerfile by stage; the last one is \"\"."""
    text = (PACKAGING / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    found: dict[str, list[tuple[str, str]]] = {}
    lines: list[tuple[str, str]] = []
    for line in text.splitlines():
        word, _, rest = line.strip().partition(" ")
        if not word or word.startswith("#"):
            continue
        if word == "FROM":
            name = rest.partition(" AS ")[2]
            lines = found.setdefault(name, [])
        lines.append((word, rest.strip()))
    return found


def test_two_nodes_share_a_store_and_three_nats_servers_and_nothing_else(compose: dict[str, Any]) -> None:
    services = compose["services"]
    nodes = [services["node-1"], services["node-2"]]

    assert nodes[0]["environment"] == nodes[1]["environment"]
    assert nodes[0]["environment"]["IRONFLOW_NATS_URL"].count("nats://") == 3
    assert all(
        f"@{name}:4222" in nodes[0]["environment"]["IRONFLOW_NATS_URL"] for name in ("nats-1", "nats-2", "nats-3")
    )
    assert "@postgres/" in nodes[0]["environment"]["IRONFLOW_DATABASE_URL"]
    assert nodes[0]["volumes"] != nodes[1]["volumes"], "each has a data directory of its own"
    assert not set(nodes[0]["ports"]) & set(nodes[1]["ports"])
    assert set(nodes[0]["depends_on"]) == set(services) - {"node-1", "node-2"}


def test_every_service_is_pinned_checked_and_without_privileges(compose: dict[str, Any]) -> None:
    declared = set(compose["volumes"])
    for name, service in compose["services"].items():
        image, _, tag = service["image"].partition(":")
        assert image == "ironflow" or (tag and tag != "latest"), f"{name}: {service['image']}"
        assert service["healthcheck"]["test"], name
        assert service["restart"] == "unless-stopped", name
        assert not service.get("privileged"), name
        assert {volume.partition(":")[0] for volume in service.get("volumes", ())} <= declared, name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), f"{name} is open to the network"
        if name != "postgres":  # its image starts as root to own its files, and does not stay
            assert service["read_only"], name
            assert service["cap_drop"] == ["ALL"], name
    assert compose["services"]["nats-1"]["user"] == "64124:64124"


def test_secrets_have_to_be_given_and_settings_are_ours(compose: dict[str, Any]) -> None:
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    example = set(re.findall(r"^(\w+)=", (PACKAGING / "compose.env.example").read_text("utf-8"), re.MULTILINE))

    assert set(re.findall(r"(?<!\$)\$\{(\w+)", text)) == example
    assert set(re.findall(r"(?<!\$)\$\{(\w+):\?", text)) == example, "each is asked for somewhere"
    assert set(compose["services"]["node-1"]["environment"]) <= VARIABLES
    assert is_known(compose["services"]["node-1"]["healthcheck"]["test"][1:][1:])


def test_nats_takes_its_configuration(compose: dict[str, Any], tmp_path: Path) -> None:
    config = tmp_path / "nats.conf"
    config.write_text(compose["configs"]["nats"]["content"].replace("$$", "$").replace("/data", str(tmp_path)))

    for name in ("nats-1", "nats-2", "nats-3"):
        given = compose["services"][name]["command"]
        command = [str(config) if one == "/etc/nats/nats.conf" else one for one in given]
        checked = subprocess.run(
            [resources.nats_server(), *command, "-t"],
            env={**os.environ, "NATS_PASSWORD": "x"},
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert checked.returncode == 0, checked.stderr


def test_the_image_is_built_in_stages_and_runs_as_nobody_special() -> None:
    found = stages()
    last = found[""]
    words = defaultdict(list)
    for word, rest in last:
        words[word].append(rest)

    assert all(":" in rest.partition(" ")[0] for lines in found.values() for word, rest in lines if word == "FROM")
    copied = {match[1] for rest in words["COPY"] if (match := re.match(r"--from=(\w+) ", rest))}
    assert copied == {"build"}
    assert copied <= set(found)
    assert words["USER"] == ["64123:64123"]
    order = [word for word, _ in last]
    assert max(at for at, word in enumerate(order) if word == "RUN") < order.index("USER")
    assert words["STOPSIGNAL"] == ["SIGTERM"]
    assert ("RUN", "make binary") in found["build"]
    variables = re.findall(r"\b(IRONFLOW_\w+)=", " ".join(words["ENV"]))
    assert variables
    assert set(variables) <= VARIABLES
    assert is_known(yaml.safe_load(words["CMD"][0]))
    assert is_known(yaml.safe_load(words["HEALTHCHECK"][0].partition("CMD ")[2])[1:])


def test_the_unit_starts_the_server_and_lets_it_have_little() -> None:
    unit: dict[str, list[str]] = defaultdict(list)
    section = ""
    for line in (PACKAGING / "ironflow.service").read_text("utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            name, _, value = line.partition("=")
            unit[f"{section}.{name}"].append(value)

    [program, *arguments] = shlex.split(unit["Service.ExecStart"][0])
    assert program == "/usr/local/bin/ironflow"
    assert is_known(arguments)
    given = {pair.partition("=")[0] for line in unit["Service.Environment"] for pair in shlex.split(line)}
    assert given <= VARIABLES
    assert unit["Service.Type"] == ["notify"]
    assert unit["Service.KillMode"] == ["mixed"]
    for name in ("DynamicUser", "NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices", "LockPersonality"):
        assert unit[f"Service.{name}"] == ["yes"], name
    assert unit["Service.ProtectSystem"] == ["strict"]
    assert unit["Service.CapabilityBoundingSet"] == [""]
    assert "MemoryDenyWriteExecute" not in {name.partition(".")[2] for name in unit}, "libffi needs such memory"
    assert unit["Install.WantedBy"] == ["multi-user.target"]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze")
def test_systemd_has_nothing_to_say_against_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "ironflow.service"
    unit.write_text((PACKAGING / "ironflow.service").read_text("utf-8").replace("/usr/local/bin/ironflow", "/bin/true"))

    checked = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=30)

    assert (checked.returncode, checked.stderr) == (0, "")


def test_nothing_that_the_server_shows_at_docs_is_kept_from_the_build() -> None:
    ignored = (PACKAGING / "Dockerfile.dockerignore").read_text("utf-8").split()

    for pattern in resources.DOCUMENTATION:
        shown = [file.relative_to(ROOT) for file in ROOT.glob(pattern)]
        assert shown, pattern
        for one in shown:
            assert not any(one.match(word) or word in map(str, one.parents) for word in ignored), one
