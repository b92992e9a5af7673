"""NATS servers of their own, for nodes that share them: one, or the three of docker-compose.yml. Their ports files are
waited for, without anybody to tell."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

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
    """The three servers, with the configuration that the compose file gives them."""
    folder.mkdir()
    text = yaml.safe_load(COMPOSE.read_text("utf-8"))["configs"]["nats"]["content"].replace("$$", "$")
    ports = [free_port() for _ in range(3)]
    servers = []
    try:
        for number, port in enumerate(ports, 1):
            own = text.replace("port: 4222", 'port: -1\nhost: "127.0.0.1"').replace("http_port: 8222\n", "")
            own = own.replace("/data", str(folder / f"{number}")).replace("port: 6222", f"port: {port}")
            for other, at in enumerate(ports, 1):
                own = own.replace(f"nats-{other}:6222", f"127.0.0.1:{at}")
            file = folder / f"{number}.conf"
            file.write_text(own)
            servers.append(Server(["-c", str(file), "--name", f"nats-{number}"], folder))
        for server in servers:
            server.url()
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
        for _ in range(int(START_TIMEOUT_S / ASK_S)):
            if self._ports.exists() and (told := self._ports.read_text()):
                url: str = json.loads(told)["nats"][0]
                return url
            threading.Event().wait(ASK_S)
        raise RuntimeError("nats-server did not come up")

    def url_of_nodes(self) -> str:
        """As docker-compose.yml gives it to nodes."""
        return self.url().replace("nats://", f"nats://ironflow:{PASSWORD}@")
