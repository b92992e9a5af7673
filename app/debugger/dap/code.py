"""The code of a run as a client shows it: the line that took a step, where the workspace has the code that ran."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from app.debugger.session import Session
from app.debugger.sites import Site, Sites
from app.debugger.threads import Thread
from ironflow.errors import IronflowError
from ironflow.logs import LogLine


class Code:
    """Without `roots`, or without a server that tells which code ran, nothing is known."""

    def __init__(self, session: Session, roots: Sequence[Path], *, from_one: bool, as_uri: bool) -> None:
        self._session = session
        self._sites = Sites(roots) if roots else None
        self._from_one = from_one
        self._as_uri = as_uri
        self._runs: dict[str, Mapping[str, Site]] = {}

    def place(self, thread: Thread, step: str) -> dict[str, Any]:
        """`source` and `line` of a step by its name, or of the function by ""; empty where they are not known."""
        site = self._of(thread).get(step)
        if site is None:
            return {}
        path = site.path.as_uri() if self._as_uri else str(site.path)
        return {"source": {"name": site.path.name, "path": path}, "line": site.line - (not self._from_one)}

    def said(self, thread: Thread, line: LogLine) -> dict[str, Any]:
        """`source` and `line` of something that was logged, where it was said in the file that has the code that ran;
        empty anywhere else."""
        site = self._of(thread).get("")
        if site is None or not line.source or not _same_file(site.path, line.source):
            return {}
        path = site.path.as_uri() if self._as_uri else str(site.path)
        return {"source": {"name": site.path.name, "path": path}, "line": line.source_line - (not self._from_one)}

    def steps(self, path: str, line: int) -> Sequence[str]:
        """The names of steps that a line of a file takes, in any of the session's runs."""
        wanted = line + (not self._from_one)
        found = {
            name
            for thread in self._session.threads.values()
            for name, site in self._of(thread).items()
            if name and site.line == wanted and path in (str(site.path), site.path.as_uri())
        }
        return sorted(found)

    def _of(self, thread: Thread) -> Mapping[str, Site]:
        recording, around = thread.recording, self._session.surroundings
        if self._sites is None or around is None:
            return {}
        if recording.run_id not in self._runs:
            try:
                code_hash = around.code_hash(recording.function_id, recording.records[0].position)
            except IronflowError:  # who may not read functions sees the transcript
                code_hash = ""
            self._runs[recording.run_id] = self._sites.of(recording.function_id, code_hash) if code_hash else {}
        return self._runs[recording.run_id]


def _same_file(here: Path, there: str) -> bool:
    """Whether a path of the workspace may be that of a worker: by its folder and its name."""
    return here.parts[-2:] == PurePath(there).parts[-2:]
