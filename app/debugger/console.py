"""The verbs of the debug console, for clients without buttons to go back, and for what has no button anywhere."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from app.debugger import values
from app.debugger.session import Edit, Session
from app.debugger.threads import Stop, Thread
from ironflow.past import Record

COMPLETIONS_MAX = 50


class Said(NamedTuple):
    """What a verb answers, and where it led."""

    text: str
    stop: Stop | None = None


class Misused(ValueError):
    """A verb that cannot be understood; the text says how it is used."""


class Console:
    def __init__(self, session: Session) -> None:
        self._session = session

    def say(self, thread: Thread, text: str) -> Said | None:
        """Do what a line asks; None if it begins with no verb, and so is an expression. Raises Misused, KeyError,
        BadPath, and what the SDK raises."""
        verb, _, rest = text.strip().partition(" ")
        found = _VERBS.get(verb)
        if found is None:
            return None
        return found[0](self, thread, rest.strip())

    def completions(self, thread: Thread, text: str) -> Sequence[str]:
        """What could stand in place of the last word: verbs at the beginning, then names of what is known."""
        words = text.split(" ")
        begun = words[-1]
        known = ["step", "run", "state", "event", *(f"state.{name}" for name in thread.recording.outputs(thread.index))]
        choices = [*_VERBS, *known] if len(words) == 1 else known
        return [one for one in choices if one.startswith(begun)][:COMPLETIONS_MAX]

    # Moving.

    def _back(self, thread: Thread, rest: str) -> Said:
        return self._moved(self._session.step(thread, -1))

    def _next(self, thread: Thread, rest: str) -> Said:
        return self._moved(self._session.step(thread, 1))

    def _reverse(self, thread: Thread, rest: str) -> Said:
        return self._moved(self._session.run(thread, -1))

    def _on(self, thread: Thread, rest: str) -> Said:
        return self._moved(self._session.run(thread, 1))

    def _goto(self, thread: Thread, rest: str) -> Said:
        if not rest.isdecimal():
            raise Misused("goto POSITION, such as goto 2829")
        return self._moved(self._session.go(thread, thread.recording.index_of(int(rest))))

    def _at(self, thread: Thread, rest: str) -> Said:
        try:
            return self._moved(self._session.go(thread, thread.recording.place(rest)))
        except ValueError:
            raise Misused("at TIME, such as at 2026-01-31T12:00:00Z, or at 15m, which is before now") from None

    def _moved(self, stop: Stop) -> Said:
        return Said(shown(stop.thread.record), stop)

    # Looking.

    def _why(self, thread: Thread, rest: str) -> Said:
        """The record that made a value what it is, and the place of it."""
        path = rest.removeprefix("state.")
        parts = values.parse_path(path)
        now = values.at_path(self._session.values(thread), parts)
        if now is values.MISSING:
            raise Misused(f"why PATH: {path} is not there yet; try one of {', '.join(self._names(thread)) or 'none'}")
        found = self._session.wrote(thread, path)
        by = "at the beginning" if found is None else f"by {shown(thread.recording.records[found])}"
        return Said(f"{values.line(now)}\nset {by}")

    def _diff(self, thread: Thread, rest: str) -> Said:
        """What is known at one position and not, or otherwise, at another."""
        words = rest.split()
        if len(words) not in (1, 2) or not all(word.isdecimal() for word in words):
            raise Misused("diff POSITION [POSITION], the second is here if it is left out")
        recording = thread.recording
        first = recording.index_of(int(words[0]))
        second = recording.index_of(int(words[1])) if len(words) == 2 else thread.index
        before, after = recording.values(first), recording.values(second)
        lines = [f"- {name}: {values.line(before[name])}" for name in before if name not in after]
        for name in after:
            if name not in before:
                lines.append(f"+ {name}: {values.line(after[name])}")
            elif before[name] != after[name]:
                lines += [f"- {name}: {values.line(before[name])}", f"+ {name}: {values.line(after[name])}"]
        return Said("\n".join(lines) or "no difference")

    def _help(self, thread: Thread, rest: str) -> Said:
        return Said(
            "\n".join(text for _, text in _VERBS.values())
            + "\nanything else is an expression in CEL, or JSONPath: $.charge.amount"
        )

    def _names(self, thread: Thread) -> Sequence[str]:
        return list(thread.recording.outputs(thread.index))[:10]

    # Changing.

    def _set(self, thread: Thread, rest: str) -> Said:
        path, _, text = rest.partition(" ")
        try:
            new = json.loads(text)
        except ValueError:
            raise Misused("set PATH JSON, such as set charge.amount 50") from None
        self._session.stage_path(thread, path.removeprefix("state."), new)
        return Said('staged, nothing is sent before: commit "reason"')

    def _edits(self, thread: Thread, rest: str) -> Said:
        told = [f"{edit.run_id} {edit.path}: {values.line(edit.output)}" for edit in self._session.edits.values()]
        return Said("\n".join(told) or "nothing is staged")

    def _drop(self, thread: Thread, rest: str) -> Said:
        self._session.edits.clear()
        return Said("nothing is staged any more")

    def _commit(self, thread: Thread, rest: str) -> Said:
        reason = _reason("commit", rest)
        self._session.changing()
        if not self._session.edits:
            raise Misused("nothing is staged: set PATH JSON first, or change a variable")
        self._session.commit(reason)
        return Said('patched. To go on: resume "reason"')

    def _patch(self, thread: Thread, rest: str) -> Said:
        """Also `patch commit "why"`: what is staged."""
        verb, _, why = rest.partition(" ")
        if verb == "commit" and why.startswith('"') and len(shlex.split(why)) == 1:
            return self._commit(thread, why)
        path, new, reason = _given("patch PATH", rest)
        self._session.changing()
        self._session.stage_path(thread, path.removeprefix("state."), new)
        self._session.commit(reason)
        return Said('patched. To go on: resume "reason"')

    def _inject(self, thread: Thread, rest: str) -> Said:
        step, output, reason = _given("inject STEP", rest)
        recording = thread.recording
        edit = Edit(recording.run_id, step, step, output, recording.records[-1].version)
        self._session.changing().inject(edit, reason)
        recording.refresh()
        return Said(f'{step} was given an output. To go on: resume "reason"')

    def _resume(self, thread: Thread, rest: str) -> Said:
        self._session.changing().resume(thread.recording.run_id, _reason("resume", rest))
        return Said(f"resumed; {thread.recording.refresh()} new records so far: refresh shows more")

    def _hold(self, thread: Thread, rest: str) -> Said:
        self._session.changing().pause(thread.recording.run_id, _reason("hold", rest))
        return Said(f"held at its next step boundary; {thread.recording.refresh()} new records so far")

    def _cancel(self, thread: Thread, rest: str) -> Said:
        self._session.changing().cancel(thread.recording.run_id, _reason("cancel", rest))
        return Said(f"cancelled; {thread.recording.refresh()} new records")

    def _fork(self, thread: Thread, rest: str) -> Said:
        stop = self._session.fork(thread, _reason("fork", rest))
        return Said(f"{stop.text}, from here", stop)

    def _refresh(self, thread: Thread, rest: str) -> Said:
        return Said(f"{thread.recording.refresh()} new records")


def shown(record: Record) -> str:
    """A record in a line."""
    return f"{record.position}  {record.at:%H:%M:%S}  {record.summary}"


def _reason(verb: str, text: str) -> str:
    words = shlex.split(text)
    reason = " ".join(words)
    if not reason:
        raise Misused(f'{verb} "why", which is kept in history')
    return reason


def _given(usage: str, text: str) -> tuple[str, Any, str]:
    """What a verb is given: a path, a value in JSON, and why."""
    path, _, rest = text.partition(" ")
    rest = rest.lstrip()
    try:
        value, end = json.JSONDecoder().raw_decode(rest)
    except ValueError:
        raise Misused(f'{usage} JSON "why", such as charge.amount 50 "the price was wrong"') from None
    return path, value, _reason(f"{usage} JSON", rest[end:])


Verb = Callable[[Console, Thread, str], Said]

_VERBS: Mapping[str, tuple[Verb, str]] = {
    "next": (Console._next, "next              to the next step boundary"),
    "back": (Console._back, "back              to the step boundary before"),
    "continue": (Console._on, "continue          to the next breakpoint"),
    "rc": (Console._reverse, "rc                back to the breakpoint before"),
    "goto": (Console._goto, "goto POSITION     to a position of history"),
    "at": (Console._at, "at TIME           to what was recorded by a time"),
    "why": (Console._why, "why PATH          who set this"),
    "diff": (Console._diff, "diff A [B]        what changed between two positions"),
    "set": (Console._set, "set PATH JSON     stage another output; nothing is sent"),
    "edits": (Console._edits, "edits             what is staged"),
    "drop": (Console._drop, "drop              forget what is staged"),
    "commit": (Console._commit, 'commit "REASON"   patch the run with what is staged'),
    "patch": (Console._patch, 'patch PATH JSON "REASON"   set and commit at once'),
    "inject": (Console._inject, 'inject STEP JSON "REASON"  give a step of a held run an output'),
    "hold": (Console._hold, 'hold "REASON"     pause the run at its next step boundary'),
    "cancel": (Console._cancel, 'cancel "REASON"   end the run'),
    "resume": (Console._resume, 'resume "REASON"   let the run go on'),
    "fork": (Console._fork, 'fork "REASON"     a new run from here, with what is staged'),
    "refresh": (Console._refresh, "refresh           take up what was recorded since"),
    "help": (Console._help, "help              this"),
}
