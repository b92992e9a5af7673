"""gRPC is told how to read its sockets, and takes it (docs/decisions/0037)."""

from __future__ import annotations

import os
import subprocess
import sys

ASKED = """
import os, sys
from {module} import {name}
{begin}
import grpc
grpc.insecure_channel("127.0.0.1:1").close()
print(os.environ["GRPC_EXPERIMENTS"], "forks", os.environ["GRPC_ENABLE_FORK_SUPPORT"])
"""


def settings(module: str, name: str, begin: str = "") -> str:
    """What a process has set that begins so. Raises AssertionError for a gRPC that does not know it."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GRPC_")}
    code = ASKED.format(module=module, name=name, begin=begin)
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout.strip()


def test_server_workers_and_tests_tell_grpc_the_same_which_it_knows() -> None:
    server = settings("app.__main__", "import_less", "import_less()")

    assert server == settings("ironflow", "Worker") == settings("tests.conftest", "pytest_configure")
    assert server.startswith("-event_engine")
    assert server.endswith("forks 0")
