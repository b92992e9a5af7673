"""Live runs under a debugger: held at its breakpoints, which are leases of the server, and followed until they rest.

Everything goes through the public SDK, so a person can do the same: `client.breakpoints`, `client.runs`. A run is held
between steps only. Leases are renewed for as long as the debugger is there; when it is gone, gracefully or not, they
are over, and the runs that they hold go on.

going    → at rest   the server holds it at a lease, somebody paused it, or it has ended
at rest  → going     `go_on`, for good or by a step; or somebody else had it go on
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, NamedTuple, Protocol

from app.debugger.leases import ONE_STEP, Wanted
from ironflow import Client, errors

TTL_S = 60
RENEW_S = 20.0
WAIT_S = 2.0
"""After which what was recorded meanwhile is looked at, though the run goes on."""
RETRY_S = 1.0
LET_GO_S = 0.05
"""Until a run is looked at again that is held by a lease which is over: the server is about to let it go."""
BEGIN_S = 2.0
RUNS_MAX = 64
ENDED = frozenset(("completed", "failed", "cancelled"))

Json = Mapping[str, Any]


class Heard(Protocol):
    """What is told of followed runs, from threads of their own."""

    def rested(self, run: Json, by: Wanted | None) -> None:
        """It rests, at a lease if it is ours."""

    def progressed(self, run_id: str) -> None:
        """It goes on still; something may have been recorded."""

    def went_on(self, run_id: str) -> None:
        """Somebody else had it go on."""

    def lost(self, text: str) -> None:
        """What went wrong, for people."""


class _Lease(NamedTuple):
    """One that the server gave, and what it is for."""

    id: str
    wanted: Wanted


@dataclass(eq=False)
class _Followed:
    """`held` is the lease that holds it, `stepping` the one that a step left, `retired` those that nobody wants any
    more but that hold it."""

    run_id: str
    function_id: str
    going: threading.Event = field(default_factory=threading.Event)
    version: int = 0
    paused_here: bool = False
    held: str = ""
    stepping: str = ""
    retired: set[str] = field(default_factory=set)


class Live:
    """May be used by several threads. `end` it."""

    def __init__(self, client: Client, heard: Heard, *, owner: str = "debugger") -> None:
        self._client = client
        self._heard = heard
        self._owner = owner
        self._lock = threading.RLock()
        self._runs: dict[str, _Followed] = {}
        self._wanted: Sequence[Wanted] = ()
        self._leases: dict[tuple[str, Wanted], _Lease] = {}
        self._over: set[str] = set()
        self._root = ""
        self._begun = threading.Event()
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []
        self._start(self._renew)

    # What is followed.

    def begin(self, function_id: str, data: Any) -> tuple[str, Json]:
        """Start a run of a function and hold it before it does anything: its id, and the place, as the run tells it, if
        it had come to a step. For an instant, all runs of the function that come to a step are held."""
        places = ("before", "after")
        leases = [self._lease(Wanted(place), function_id=function_id) for place in places]  # type: ignore[arg-type]
        try:
            run_id = str(self._client.functions.invoke(function_id, data)["run_id"])
            run = self._at_rest(run_id, BEGIN_S)
            if run is None or run["status"] == "paused":
                self._client.runs.pause(run_id, reason="begun in a debugger")  # it stays when the leases are over
                run = run or self._at_rest(run_id, BEGIN_S)
            return run_id, (run or {}).get("held") or {}
        finally:
            self._release(leases)

    def follow(self, run_id: str, function_id: str, *, paused_here: bool = False) -> Json:
        """The run as it is; what becomes of it is told. One that rests is not followed before it goes on."""
        with self._lock:
            run: Json = self._client.runs.get(run_id)
            if run["status"] in ENDED or run_id in self._runs or len(self._runs) == RUNS_MAX:
                return run
            followed = _Followed(run_id, function_id, paused_here=paused_here)
            self._root = self._root or run_id
            if run["status"] == "paused":
                followed.version, followed.held = int(run["version"]), _holder(run)
            else:
                followed.going.set()
            self._runs[run_id] = followed
            self._arm(followed)
        self._start(self._follow, followed)
        return run

    def start(self) -> None:
        """Tell what becomes of the runs from now on."""
        self._begun.set()

    def follows(self, run_id: str) -> bool:
        """Whether a run may still go on, as far as is known here."""
        with self._lock:
            return run_id in self._runs

    def goes(self, run_id: str) -> bool:
        """Whether a followed run goes on."""
        with self._lock:
            return run_id in self._runs and self._runs[run_id].going.is_set()

    def paused_here(self, run_id: str) -> bool:
        """Whether this is what paused a run that rests."""
        with self._lock:
            return run_id in self._runs and self._runs[run_id].paused_here

    # What holds them.

    def arm(self, wanted: Iterable[Wanted]) -> Mapping[Wanted, str]:
        """Hold runs there and nowhere else; what cannot be, with what the server says. A lease that nobody wants any
        more goes on to hold a run that rests, until that goes on."""
        with self._lock:
            self._wanted = list(dict.fromkeys(wanted))
            for key, lease in list(self._leases.items()):
                if lease.wanted in self._wanted:
                    continue
                del self._leases[key]
                holds = [one for one in self._runs.values() if one.held == lease.id]
                if holds:
                    holds[0].retired.add(lease.id)
                else:
                    self._release([lease.id])
            refused: dict[Wanted, str] = {}
            for followed in self._runs.values():
                refused |= self._arm(followed)
            return refused

    def _arm(self, followed: _Followed) -> Mapping[Wanted, str]:
        """Hold a run, and where a function is named, the runs of it that the run invokes, from their beginning."""
        refused = {}
        for one in self._wanted:
            asked: list[tuple[Wanted, dict[str, str]]] = []
            if fnmatchcase(followed.function_id, one.function):
                asked.append((one, {"run_id": followed.run_id}))
            if one.is_named:
                asked.append((one.of_children(followed.run_id), {"function_id": one.function}))
            for lease, scope in asked:
                if (followed.run_id, lease) in self._leases:
                    continue
                try:
                    self._leases[followed.run_id, lease] = _Lease(self._lease(lease, **scope), one)
                except errors.IronflowError as error:
                    refused[one] = str(error)
        return refused

    def _lease(self, one: Wanted, *, run_id: str = "", function_id: str = "") -> str:
        made = self._client.breakpoints.create(
            run_id=run_id,
            function_id=function_id,
            step=one.step,
            place=one.place,
            condition=one.condition,
            owner=self._owner,
            ttl=TTL_S,
        )
        return str(made["id"])

    def _release(self, leases: Iterable[str]) -> None:
        for lease in leases:
            self._over.add(lease)
            try:
                self._client.breakpoints.delete(lease)
            except errors.NotFound:
                continue  # it was over already

    # What a person does.

    def go_on(self, run_id: str, *, one_step: bool = False) -> None:
        """Let a run that rests go on, for good or until it has taken a step."""
        with self._lock:
            followed = self._runs[run_id]
            run = self._client.runs.get(run_id)
            left = {followed.stepping, *followed.retired} - {""}
            followed.stepping, followed.retired = "", set()
            if one_step:
                followed.stepping = self._lease(ONE_STEP, run_id=run_id)
            self._release(left)
            if run["status"] == "paused" and not followed.going.is_set():
                # Refused if the server has let it go meanwhile, as a lease was over; where it rests now will be told.
                with suppress(errors.Conflict):
                    self._client.runs.resume(run_id, reason="went on in a debugger", version=int(run["version"]))
            followed.paused_here, followed.held = False, ""
            followed.going.set()

    def pause(self, run_id: str) -> None:
        """Hold a run that goes on at its next step boundary."""
        with self._lock:
            self._client.runs.pause(run_id, reason="paused in a debugger")
            self._runs[run_id].paused_here = True

    def look(self, run_id: str) -> None:
        """Notice at once if a run that rests was told to go on, as by a command of the debugger."""
        with self._lock:
            followed = self._runs.get(run_id)
        if followed is not None:
            self._look(followed)

    def end(self, *, suspend: bool = False, terminate: bool = False) -> Sequence[str]:
        """Follow nothing any more, and let go what was held; or keep it paused, or cancel it. What went wrong, for
        people: leases that could not be given back are over within TTL_S seconds."""
        wrong: list[str] = []
        if self._ended.is_set():
            return wrong
        self._ended.set()
        self._begun.set()
        with self._lock:
            for followed in self._runs.values():
                rests = not followed.going.is_set()
                followed.going.set()
                _tried(wrong, self._leave, followed, rests, suspend, terminate and followed.run_id == self._root)
            for followed in list(self._runs.values()):
                _tried(wrong, self._forget, followed)
        return wrong

    def _leave(self, followed: _Followed, rests: bool, suspend: bool, terminate: bool) -> None:
        if terminate:
            self._client.runs.cancel(followed.run_id, reason="ended in a debugger")
        elif suspend:
            self._client.runs.pause(followed.run_id, reason="left paused by a debugger")
        elif followed.paused_here and rests:
            self._client.runs.resume(followed.run_id, reason="a debugger has left", version=followed.version)

    def _forget(self, followed: _Followed) -> None:
        with self._lock:
            del self._runs[followed.run_id]
            left = {followed.stepping, *followed.retired} - {""}
            left |= {self._leases.pop(key).id for key in list(self._leases) if key[0] == followed.run_id}
            self._release(left)

    def join(self) -> None:
        """Wait until nothing of it runs any more, once it has ended: the client may be closed then."""
        for thread in self._threads:
            thread.join(WAIT_S + RETRY_S)

    # Threads.

    def _start(self, loop: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=loop, args=arguments, name="debugger", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _follow(self, followed: _Followed) -> None:
        told = ""
        self._begun.wait()
        while not self._ended.is_set():
            try:
                if not followed.going.wait(RENEW_S):
                    self._look(followed)
                    continue
                run = self._at_rest(followed.run_id, WAIT_S)
                told = ""
            except errors.IronflowError as error:
                if str(error) != told:
                    self._heard.lost(f"{followed.run_id} cannot be followed: {error}")
                if not isinstance(error, errors.ServerUnavailable | errors.Timeout | errors.RateLimited):
                    return
                told = str(error)
                self._ended.wait(RETRY_S)
                continue
            if self._ended.is_set():
                return
            if run is None:
                self._heard.progressed(followed.run_id)
            elif self._passes(followed, run):
                self._ended.wait(LET_GO_S)
            else:
                by = self.by(run)
                if run["status"] in ENDED:
                    self._forget(followed)
                self._heard.rested(run, by)
                if run["status"] in ENDED:
                    return

    def _at_rest(self, run_id: str, timeout_s: float) -> Json | None:
        try:
            run: Json = self._client.runs.wait(run_id, timeout_s=timeout_s)
        except errors.Timeout:
            return None
        return run

    def _passes(self, followed: _Followed, run: Json) -> bool:
        """Whether it is about to go on, or was told of. If not, it rests."""
        with self._lock:
            if _holder(run) in self._over:
                return True
            followed.going.clear()
            told, followed.version, followed.held = followed.version, int(run["version"]), _holder(run)
            return told == followed.version

    def by(self, run: Json) -> Wanted | None:
        """The lease of ours that holds it."""
        held = _holder(run)
        with self._lock:
            if held and any(held == one.stepping for one in self._runs.values()):
                return ONE_STEP
            return next((lease.wanted for lease in self._leases.values() if lease.id == held), None)

    def _look(self, followed: _Followed) -> None:
        """Whether somebody else had a run go on that rests."""
        run = self._client.runs.get(followed.run_id)
        with self._lock:
            if followed.going.is_set() or run["status"] == "paused":
                return
            followed.going.set()
        self._heard.went_on(followed.run_id)

    def _renew(self) -> None:
        while not self._ended.wait(RENEW_S):
            with self._lock:
                kept = {lease.id: key for key, lease in self._leases.items()}
                others = {lease for one in self._runs.values() for lease in (one.stepping, *one.retired) if lease}
            for lease in (*kept, *others):
                try:
                    self._client.breakpoints.renew(lease, ttl=TTL_S)
                except errors.NotFound:
                    self._again(lease, kept.get(lease))
                except errors.IronflowError as error:
                    self._heard.lost(f"{lease} could not be renewed, and may be over soon: {error}")

    def _again(self, lease: str, key: tuple[str, Wanted] | None) -> None:
        """A lease that was over before it was renewed, as after a computer slept, is made anew."""
        with self._lock:
            self._over.add(lease)
            if key is None or key not in self._leases or self._leases[key].id != lease:
                return
            del self._leases[key]
            refused = self._arm(self._runs[key[0]])
        told = "; ".join(refused.values()) or "it holds again from now on"
        self._heard.lost(f"the breakpoint at {key[1].step} was over for a while: {told}")


def _holder(run: Json) -> str:
    """The lease that holds it, of whomever."""
    return str((run.get("held") or {}).get("breakpoint_id", ""))


def _tried(wrong: list[str], act: Callable[..., None], *arguments: Any) -> None:
    try:
        with suppress(errors.Conflict):  # it has ended, or gone on
            act(*arguments)
    except errors.IronflowError as error:
        wrong.append(str(error))
