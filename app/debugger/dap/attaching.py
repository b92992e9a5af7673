"""The beginnings of a debug session: what `attach` and `launch` name, checked, opened, and left again."""

from __future__ import annotations

import gc
import hmac
import os
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from app.debugger.dap.code import Code
from app.debugger.dap.looking import Arguments, Looking, Refused
from app.debugger.dap.progress import Reported
from app.debugger.dap.setting import Setting
from app.debugger.dap.telling import Telling
from app.debugger.live import Live
from app.debugger.present import Present, Shown
from app.debugger.recording import Source
from app.debugger.session import Changes, Hear, Session, Tell
from app.debugger.surroundings import ServerSurroundings
from app.debugger.threads import Stop, Thread
from ironflow import Client


class Place(NamedTuple):
    """What `attach` or `launch` names: where recordings are, what can be changed there, which run, or which function to
    start one of. Without a client, as in a bundle, nothing is live. `files`: whether whoever attaches may learn what is
    in the files of the machine that the adapter runs on."""

    source: Source
    changes: Changes | None
    run_id: str
    client: Client | None = None
    function_id: str = ""
    files: bool = True


_ODD = re.compile(r"[^A-Za-z0-9._-]+")

Open = Callable[[Arguments], Place]
"""Finds what `attach` or `launch` names. Raises Refused, or what the SDK raises."""


class WrongToken(Refused):
    """Whoever connected may not debug here: the conversation ends."""


@dataclass
class Attached:
    """What there is once a client has attached; `thread` is the one that stopped last. `begins` is where it stops
    first: None for where a live run is stopped. Edits are staged, or committed for `reason` as they are made."""

    session: Session
    thread: Thread
    setting: Setting
    looking: Looking
    code: Code
    arguments: Arguments
    present: Present | None = None
    begins: Stop | None = None

    @property
    def committing(self) -> bool:
        return self.arguments.get("edit") == "commit"


class Attaching:
    """`client` is what `initialize` was asked with. `close` it, without the lock."""

    def __init__(
        self, open_: Open, token: str, shown: Shown, telling: Telling, tell: Tell, hear: Hear, lock: threading.RLock
    ) -> None:
        self._open = open_
        self._token = token
        self._shown = shown
        self._telling = telling
        self._tell = tell
        self._hear = hear
        self._lock = lock
        self._lives: list[Live] = []
        self._clients: list[Client] = []
        self._files = False
        self.client: Arguments = {}

    @property
    def from_one(self) -> bool:
        """Whether the client counts lines from 1."""
        return self.client.get("linesStartAt1", True) is not False

    def attach(self, arguments: Arguments) -> Attached:
        self._check(arguments)
        mode, at = arguments.get("mode", "recorded"), arguments.get("at")
        if mode not in ("recorded", "live"):
            raise Refused(f"mode: {str(mode)[:40]!r} is neither recorded nor live")
        place, session = self._opened(arguments)
        if mode == "recorded":
            begins = _entry(session, session.open(place.run_id), "start" if at is None else at)
            return self._attached(session, begins.thread, arguments, None, begins)
        if place.client is None:
            raise Refused("mode: a bundle is recorded; a live run is on a server")
        present = self._present(session, place.client)
        thread = present.attend(place.run_id)
        if at is None:
            return self._attached(session, thread, arguments, present)
        begins = _entry(session, thread, at)
        return self._attached(session, begins.thread, arguments, present, begins)

    def launch(self, arguments: Arguments) -> Attached:
        self._check(arguments)
        if not isinstance(arguments.get("function"), str) or not arguments["function"]:
            raise Refused("function is missing: the id of the function to start a run of; attach takes a run")
        place, session = self._opened(arguments)
        if place.client is None:
            raise Refused("a bundle is recorded: attach to it")
        present = self._present(session, place.client)
        thread = present.begin(place.function_id, arguments.get("input"))
        return self._attached(session, thread, arguments, present)

    def leave(self) -> None:
        """Live runs go on."""
        for live in self._lives:
            live.end()

    def close(self) -> None:
        """Wait until nothing is asked of a server any more, once it was left."""
        for live in self._lives:
            live.join()
        for client in self._clients:
            client.close()
        gc.unfreeze()

    def _check(self, arguments: Arguments) -> None:
        if self._token and not hmac.compare_digest(str(arguments.get("token", "")).encode(), self._token.encode()):
            raise WrongToken("the token is missing or wrong; it is printed where the adapter was started")
        edit = arguments.get("edit", "stage")
        if edit not in ("stage", "commit"):
            raise Refused(f"edit: {str(edit)[:40]!r} is neither stage nor commit")
        if edit == "commit" and not arguments.get("reason"):
            raise Refused("reason is missing: edits that are committed as they are made need one, kept in history")
        self.leave()

    def _opened(self, arguments: Arguments) -> tuple[Place, Session]:
        over = _globs(arguments)
        _roots(arguments)
        place = self._open(arguments)
        self._files = place.files
        if place.client is not None:
            place.client.via = self._via()
            self._clients.append(place.client)
        around = None if place.client is None else ServerSurroundings(place.client)
        source: Source = place.source
        if self.client.get("supportsProgressReporting") is True:
            source = Reported(source, self._telling)
        return place, Session(
            source, place.changes, self._tell, over=over, by_branch=True, surroundings=around, hear=self._hear
        )

    def _via(self) -> str:
        """What the audit tells of changes that are made from here: the protocol, and which client speaks it."""
        named = str(self.client.get("clientID") or self.client.get("clientName") or "")
        return "/".join(filter(None, ("dap", _ODD.sub("-", named).strip("-")[:40])))

    def _present(self, session: Session, client: Client) -> Present:
        owner = f"dap {self.client.get('clientName') or self.client.get('clientID') or ''}".strip()
        present = Present(session, client, self._shown, self._lock, owner=f"{owner} {os.getpid()}")
        self._lives.append(present.live)
        return present

    def _attached(
        self,
        session: Session,
        thread: Thread,
        arguments: Arguments,
        present: Present | None,
        begins: Stop | None = None,
    ) -> Attached:
        gc.freeze()  # a recording stays until the client leaves: looking through it for garbage takes 0.4 s of a step
        as_uri = self.client.get("pathFormat") == "uri"
        code = Code(session, _roots(arguments) if self._files else (), from_one=self.from_one, as_uri=as_uri)
        setting = Setting(session, code, from_one=self.from_one, live=present is not None)
        looking = Looking(session, columns_from_one=self.client.get("columnsStartAt1", True) is not False)
        return Attached(session, thread, setting, looking, code, arguments, present, begins)


def _entry(session: Session, thread: Thread, at: object) -> Stop:
    """At the place that a configuration names. Raises ValueError."""
    return session.go(thread, thread.recording.where(at))._replace(reason="entry")


def _globs(arguments: Arguments) -> Sequence[str]:
    """Names of steps that are passed when one steps."""
    over = arguments.get("stepOver", ())
    if not isinstance(over, list | tuple) or not all(isinstance(one, str) for one in over):
        raise Refused('stepOver: globs over names of steps, such as ["notify*"]')
    return tuple(over)


def _roots(arguments: Arguments) -> Sequence[Path]:
    """Folders in which code is."""
    roots = arguments.get("sourceRoots", ())
    if not isinstance(roots, list | tuple) or not all(isinstance(one, str) for one in roots):
        raise Refused('sourceRoots: folders with the code of functions, such as ["~/orders"]')
    return [Path(one).expanduser().absolute() for one in roots]
