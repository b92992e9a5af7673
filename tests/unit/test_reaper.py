"""What tests start ends with them, however they end."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys

WAIT_S = 20.0

CHILD = "import signal; signal.signal(signal.SIGQUIT, signal.SIG_IGN); print('up', flush=True); signal.pause()"

LEADER = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
child.wait()
"""

TESTS = f"""
import subprocess, sys
from tests.support import reaper
leader = subprocess.Popen([sys.executable, "-c", {LEADER!r}], start_new_session=True, stdout=subprocess.PIPE)
reaper.adopt(leader.pid)
print(leader.stdout.readline().decode().strip(), flush=True)
leader.wait()
"""


def test_the_whole_group_of_a_child_ends_when_the_tests_are_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", TESTS], stdout=subprocess.PIPE, text=True) as tests:
        assert tests.stdout is not None
        grandchild = os.pidfd_open(int(tests.stdout.readline()))
        tests.send_signal(signal.SIGKILL)

        ended, _, _ = select.select([grandchild], [], [], WAIT_S)

    assert ended
