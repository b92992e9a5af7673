"""Shells complete our commands, subcommands and options."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

COMMAND = [sys.executable, "-m", "app"]


def completed(words: str) -> list[str]:
    """What bash would offer for the last of these words."""
    asked = {"_IRONFLOW_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    program = "import sys; sys.argv[0] = 'ironflow'; from app.__main__ import main; main()"
    shown = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **asked}, capture_output=True, text=True, timeout=30
    )
    return [line.partition(",")[2] for line in shown.stdout.splitlines()]


def test_commands_subcommands_and_options_are_offered() -> None:
    assert completed("ironflow ba") == ["backup"]
    assert {"list", "verify", "checkpoint"} <= set(completed("ironflow history "))
    assert "--database-url" in completed("ironflow backup --")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_takes_its_script(shell: str) -> None:
    shown = subprocess.run([*COMMAND, "completions", shell], capture_output=True, text=True, timeout=30)

    assert shown.returncode == 0, shown.stderr
    assert "_IRONFLOW_COMPLETE" in shown.stdout
    if shutil.which(shell):
        checked = subprocess.run([shell, "-n"], input=shown.stdout, capture_output=True, text=True, timeout=30)
        assert checked.returncode == 0, checked.stderr
