"""NATS servers of their own, for nodes that share them: one, or the three of docker-compose.yml. Their ports files are
waited for, without anybody to tell."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import yaml

from app import resources
from tests.support import reaper
from tests.support.ports import free_port

START_TIMEOUT_S = 30
KILL_TIMEOUT_S = 30
ASK_S = 0.05
COMPOSE = Path(__file__).parents[2] / "docker-compose.yml"
PASSWORD = "of-the-tests"


@contextmanager
def running(folder: Path, address: str = "127.0.0.1") -> Iterator[str]:
    """The URL of a server with JetStream at that address, for as long as the block lasts."""
    folder.mkdir()
    server = Server(["-js", "-a", address, "-p", "-1", "-sd", str(folder)], folder)
    try:
        yield server.url()
    finally:
        server.kill9()


@contextmanager
def cluster(folder: Path) -> Iterator[Sequence[Server]]:
    """The three servers, with the configuration that the compose file gives them, once each is healthy as it asks."""
    folder.mkdir()
    stack = yaml.safe_load(COMPOSE.read_text("utf-8"))
    text = stack["configs"]["nats"]["content"].replace("$$", "$")
    health = urlsplit(stack["services"]["nats-1"]["healthcheck"]["test"][-1])
    ports = [free_port() for _ in range(3)]
    servers = []
    try:
        for number, port in enumerate(ports, 1):
            own = text.replace("port: 4222", 'port: -1\nhost: "127.0.0.1"').replace(
                "http_port: 8222", 'http: "127.0.0.1:-1"'
            )
            own = own.replace("/data", str(folder / f"{number}")).replace("port: 6222", f"port: {port}")
            for other, at in enumerate(ports, 1):
                own = own.replace(f"nats-{other}:6222", f"127.0.0.1:{at}")
            file = folder / f"{number}.conf"
            file.write_text(own)
            servers.append(Server(["-c", str(file), "--name", f"nats-{number}"], folder))
        for server in servers:
            server.wait_until_healthy(health.path)
        yield servers
    finally:
        for server in servers:
            server.kill9()


class Server:
    def __init__(self, options: Sequence[str], folder: Path) -> None:
        self._process = subprocess.Popen(
            [resources.nats_server(), *options, "--ports_file_dir", str(folder)],
            env={**os.environ, "NATS_PASSWORD": PASSWORD},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._ports = folder / f"nats-server_{self._process.pid}.ports"
        reaper.adopt(self._process.pid)

    def kill9(self) -> None:
        self._process.kill()
        self._process.wait(KILL_TIMEOUT_S)
        reaper.release(self._process.pid)

    def url(self) -> str:
        """Once it is up."""
        return self._told("nats")

    def wait_until_healthy(self, path: str) -> None:
        monitoring = self._told("monitoring")
        for _ in range(int(START_TIMEOUT_S / ASK_S)):
            with suppress(OSError), urlopen(f"{monitoring}{path}", timeout=START_TIMEOUT_S):
                return
            threading.Event().wait(ASK_S)
        raise RuntimeError("nats-server did not become healthy")

    def url_of_nodes(self) -> str:
        """As docker-compose.yml gives it to nodes."""
        return self.url().replace("nats://", f"nats://ironflow:{PASSWORD}@")

    def _told(self, what: str) -> str:
        """What its ports file says, once it is there."""
        for _ in range(int(START_TIMEOUT_S / ASK_S)):
            if self._ports.exists() and (told := self._ports.read_text()):
                url: str = json.loads(told)[what][0]
                return url
            threading.Event().wait(ASK_S)
        raise RuntimeError("nats-server did not come up")
