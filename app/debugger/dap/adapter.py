"""The debug adapter: answers a client's requests over one session of runs, recorded or live.

Follows the Debug Adapter Protocol 1.71: a response comes before the events that its request leads to, references hold
until the next stop, lines and columns count from where the client says. Stops of live runs come from other threads;
one lock keeps them and requests apart.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from app.debugger import lines, values
from app.debugger.breakpoints import BadBreakpoint
from app.debugger.dap import scopes, transcript
from app.debugger.dap.attaching import Attached, Attaching, Open, WrongToken
from app.debugger.dap.looking import Arguments, Refused
from app.debugger.dap.telling import CAPABILITIES, Send, Telling
from app.debugger.dap.threads import Threads
from app.debugger.session import Edit, Session
from app.debugger.threads import Stop, Thread
from app.errors import IronflowError
from app.expressions import EvaluationFailed
from ironflow import errors


class Adapter:
    """`token` is what `attach` has to carry, "" if whoever can connect may. `close` it."""

    def __init__(self, send: Send, open_: Open, *, token: str = "") -> None:
        self._telling = Telling(send)
        self._lock = threading.RLock()
        self._attaching = Attaching(open_, token, self, self._telling, self._tell, self._hear, self._lock)
        self._stops = Threads(self._telling, self._of)
        self._attached: Attached | None = None
        self._begun: tuple[int, str] | None = None
        self.ended = False

    def handle(self, message: dict[str, Any]) -> None:
        """Answer one request; its events follow the answer."""
        if message.get("type") != "request" or not isinstance(message.get("command"), str):
            return
        with self._lock:
            self._handle(message, message["command"], message.get("arguments") or {})

    def _handle(self, message: dict[str, Any], command: str, arguments: Arguments) -> None:
        method = _METHODS.get(command)
        try:
            if method is None:
                raise Refused(f"{command} is not supported")
            body = method(self, arguments)
        except _EXPECTED as error:
            if command in ("attach", "launch"):
                self._attaching.leave()
                self.ended = isinstance(error, WrongToken)
            self._telling.refuse(message, _told(error))
            return
        if command in ("attach", "launch"):
            self._begun = (message["seq"], command)  # answered once configured
            self._telling.event("initialized")
        else:
            self._telling.answer(message["seq"], command, body)
        self._telling.flush()

    def close(self) -> None:
        """The client is gone, with or without a goodbye: live runs go on."""
        with self._lock:
            self.ended = True
            self._attaching.leave()
        self._attaching.close()

    # The beginning and the end.

    def _initialize(self, arguments: Arguments) -> Any:
        self._attaching.client = arguments
        return CAPABILITIES

    def _attach(self, arguments: Arguments) -> None:
        self._attached = self._attaching.attach(arguments)

    def _launch(self, arguments: Arguments) -> None:
        self._attached = self._attaching.launch(arguments)

    def _configuration_done(self, arguments: Arguments) -> None:
        attached = self._of()
        if self._begun is not None:
            (seq, command), self._begun = self._begun, None
            self._telling.later(lambda: self._telling.answer(seq, command, None))
        stop = attached.begins
        if attached.present is not None:
            on_entry = attached.arguments.get("stopOnEntry") is True
            first = attached.present.start(attached.thread.whole, on_entry=on_entry)
            stop = stop or first
        if stop is not None:
            self._stop_later(stop)

    def _disconnect(self, arguments: Arguments) -> None:
        attached = self._attached
        if attached is not None and attached.present is not None:
            suspend = arguments.get("suspendDebuggee") is True
            wrong = attached.present.live.end(suspend=suspend, terminate=arguments.get("terminateDebuggee") is True)
            for text in wrong:
                self._telling.later(partial(self._telling.output, text, "important"))
        self.ended = True
        self._telling.later(lambda: self._telling.event("terminated"))

    # Where one is.

    def _threads(self, arguments: Arguments) -> Any:
        return self._stops.listed()

    def _stack_trace(self, arguments: Arguments) -> Any:
        found = scopes.frames(self._named(arguments), self._of().code, from_one=self._attaching.from_one)
        start, levels = int(arguments.get("startFrame") or 0), int(arguments.get("levels") or 0)
        return {"stackFrames": found[start : start + levels if levels else None], "totalFrames": len(found)}

    def _scopes(self, arguments: Arguments) -> Any:
        return self._of().looking.scopes(self._frame(arguments))

    def _variables(self, arguments: Arguments) -> Any:
        return self._of().looking.variables(arguments)

    def _source(self, arguments: Arguments) -> Any:
        given = arguments.get("source") or {}
        number = given.get("sourceReference") or arguments.get("sourceReference")
        return {"content": transcript.text(self._numbered(number).recording), "mimeType": transcript.MIME}

    def _loaded_sources(self, arguments: Arguments) -> Any:
        return {"sources": [scopes.source(thread) for thread in self._of().session.threads.values()]}

    def _exception_info(self, arguments: Arguments) -> Any:
        return self._of().looking.failure(self._named(arguments))

    # Moving.

    def _move(self, arguments: Arguments, move: Callable[[Session, Thread], Stop]) -> None:
        self._stop_later(move(self._of().session, self._named(arguments)))

    def _on(self, arguments: Arguments, move: Callable[[Session, Thread], Stop], *, one_step: bool) -> None:
        """Forwards: at the edge of a live run, it goes on, and a stop is told when it rests."""
        attached, thread = self._of(), self._named(arguments)
        if attached.present is None or not attached.present.is_at(thread):
            self._advance(attached.session, lambda: move(attached.session, thread))
            return
        attached.looking.forget()
        attached.present.go_on(thread, one_step=one_step)

    def _advance(self, session: Session, move: Callable[[], Stop]) -> None:
        """What was logged on the way is told before the stop."""
        before = {whole: whole.moment.index for whole in session.threads.values()}
        stop = move()
        for whole in session.threads.values():
            self._hear(whole, before.get(whole, whole.moment.index), whole.moment.index)
        self._stop_later(stop)

    def _continue(self, arguments: Arguments) -> Any:
        self._on(arguments, lambda session, thread: session.run(thread, 1), one_step=False)
        return {"allThreadsContinued": self._of().present is None}

    def _reverse_continue(self, arguments: Arguments) -> None:
        self._move(arguments, lambda session, thread: session.run(thread, -1))

    def _next(self, arguments: Arguments) -> None:
        fine = _fine(arguments)
        self._on(arguments, lambda session, thread: session.step(thread, 1, by_record=fine), one_step=True)

    def _step_back(self, arguments: Arguments) -> None:
        self._move(arguments, lambda session, thread: session.step(thread, -1, by_record=_fine(arguments)))

    def _step_in(self, arguments: Arguments) -> None:
        self._on(arguments, lambda session, thread: session.step_in(thread), one_step=True)

    def _step_out(self, arguments: Arguments) -> None:
        self._on(arguments, lambda session, thread: session.step_out(thread), one_step=False)

    def _pause(self, arguments: Arguments) -> None:
        present, thread = self._of().present, self._named(arguments)
        if present is not None and present.live.goes(thread.recording.run_id):
            present.live.pause(thread.recording.run_id)  # a stop follows, at its next step boundary
        else:
            self._stop_later(Stop(thread, "pause", thread.record.summary))

    def _goto_targets(self, arguments: Arguments) -> Any:
        source = arguments.get("source") or {}
        thread = self._numbered(source.get("sourceReference"))
        index = transcript.index_of(int(arguments["line"]), from_one=self._attaching.from_one)
        if not 0 <= index <= thread.recording.last:
            return {"targets": []}
        record = thread.recording.records[index]
        target = {"id": index, "label": f"{record.position} {record.summary}", "line": arguments["line"]}
        return {"targets": [target]}

    def _goto(self, arguments: Arguments) -> None:
        self._move(arguments, lambda session, thread: session.go(thread, int(arguments["targetId"])))

    def _restart_frame(self, arguments: Arguments) -> None:
        """A fork from here."""
        reason = self._of().arguments.get("reason")
        if not reason:
            raise Refused(
                'a fork needs a reason: give one in the configuration, or say fork "why" in the debug console'
            )
        self._stop_later(self._of().session.fork(self._frame(arguments), str(reason)))

    # Breakpoints.

    def _set_function_breakpoints(self, arguments: Arguments) -> Any:
        return self._armed(self._of().setting.functions(arguments.get("breakpoints", ())))

    def _set_breakpoints(self, arguments: Arguments) -> Any:
        source, given = arguments.get("source") or {}, arguments.get("breakpoints", ())
        if number := source.get("sourceReference"):
            return self._armed(self._of().setting.lines(self._numbered(number), given))
        return self._armed(self._of().setting.code_lines(str(source.get("path") or ""), given))

    def _set_exception_breakpoints(self, arguments: Arguments) -> Any:
        setting = self._of().setting
        return self._armed(setting.failures(arguments.get("filters", ()), arguments.get("filterOptions") or ()))

    def _set_data_breakpoints(self, arguments: Arguments) -> Any:
        return self._armed(self._of().setting.changes(arguments.get("breakpoints", ())))

    def _armed(self, told: Any) -> Any:
        """What was set, with what a server says of those at which it cannot hold live runs."""
        present = self._of().present
        refused = present.arm() if present is not None else {}
        for one in told["breakpoints"]:
            if one["id"] in refused:
                one |= {"verified": False, "message": refused[one["id"]]}
        return told

    def _data_breakpoint_info(self, arguments: Arguments) -> Any:
        number = int(arguments.get("variablesReference") or 0)
        return self._of().looking.change_of(self._of().thread, number, str(arguments["name"]))

    # Values.

    def _evaluate(self, arguments: Arguments) -> Any:
        attached = self._of()
        thread = self._frame(arguments) if arguments.get("frameId") is not None else attached.thread
        as_command = arguments.get("context") == "repl"
        said = attached.looking.evaluate(thread, str(arguments["expression"]), as_command=as_command)
        if said.stop is not None:
            self._stop_later(said.stop)
        elif as_command and attached.present is not None:
            attached.present.commanded(thread)
        return said.body

    def _set_variable(self, arguments: Arguments) -> Any:
        body, edit = self._of().looking.set_variable(self._of().thread, arguments)
        return self._edited(body, edit)

    def _set_expression(self, arguments: Arguments) -> Any:
        thread = self._frame(arguments) if arguments.get("frameId") is not None else self._of().thread
        found = self._of().looking.set_expression(thread, str(arguments["expression"]), str(arguments["value"]))
        return self._edited(*found)

    def _edited(self, body: Any, edit: Edit) -> Any:
        attached, told = self._of(), 'staged; nothing is sent before: commit "reason"'
        if attached.committing:
            attached.session.commit(str(attached.arguments["reason"]))
            told = f"{edit.path} was patched"
        self._telling.later(lambda: self._telling.event("invalidated", {"areas": ["variables"]}))
        self._telling.later(lambda: self._telling.output(told))
        return body

    def _completions(self, arguments: Arguments) -> Any:
        column = int(arguments.get("column", 1))
        return self._of().looking.completions(self._of().thread, str(arguments.get("text", "")), column)

    # What is heard of live runs, under the lock.

    def stopped(self, stop: Stop) -> None:
        self._stop_later(stop)
        self._telling.flush()

    def appeared(self, thread: Thread) -> None:
        self._stops.began(thread.id)

    def caught_up(self) -> None:
        self._telling.flush()

    def went_on(self, thread: Thread) -> None:
        self._telling.event("continued", {"threadId": thread.id, "allThreadsContinued": False})

    def lost(self, text: str) -> None:
        self._telling.output(text, "important")

    # What all of them use.

    def _of(self) -> Attached:
        if self._attached is None:
            raise Refused("attach to a run first")
        return self._attached

    def _numbered(self, number: Any) -> Thread:
        try:
            return self._of().session.thread(int(number))
        except (KeyError, TypeError, ValueError):
            raise Refused(f"there is no thread {number!r}") from None

    def _named(self, arguments: Arguments) -> Thread:
        return self._numbered(arguments.get("threadId"))

    def _frame(self, arguments: Arguments) -> Thread:
        return self._numbered(int(arguments["frameId"]) // scopes.FRAMES)

    def _tell(self, thread: Thread, index: int, message: str) -> None:
        line, source = transcript.line_of(index, from_one=self._attaching.from_one), scopes.source(thread)
        self._telling.later(lambda: self._telling.output(f"{message}", source=source, line=line))

    def _hear(self, thread: Thread, first: int, last: int) -> None:
        """What was logged between two places, as output of the program: at its line of code where that is known, else
        at that of the transcript."""
        recording = thread.recording
        try:
            said, more = recording.lines(first, last)
        except errors.IronflowError as error:  # one has moved all the same
            self._telling.later(partial(self._telling.output, f"what was logged cannot be read: {error}", "important"))
            return
        if more:
            told = f"… more was logged before: ironflow run logs {recording.run_id}"
            self._telling.later(partial(self._telling.output, told))
        for one in said:
            index = recording.index_of(one.position)
            place = {
                "source": scopes.source(thread),
                "line": transcript.line_of(index, from_one=self._attaching.from_one),
            }
            if self._attached is not None:
                place |= self._attached.code.said(thread, one)
            text = "\n".join((lines.said(one), *lines.below(one)))
            self._telling.later(partial(self._telling.output, text, lines.CATEGORIES[one.level], **place))

    def _stop_later(self, stop: Stop) -> None:
        self._stops.stop(stop, own_sessions=self._attaching.client.get("supportsStartDebuggingRequest") is True)


_EXPECTED = (
    *(Refused, BadBreakpoint, values.BadPath, EvaluationFailed, IronflowError, errors.IronflowError),
    *(KeyError, TypeError, ValueError, OSError),
)


def _told(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"{error.args[0]} is missing"
    hint = getattr(error, "hint", "")
    return f"{error}; {hint}" if hint else str(error)


def _fine(arguments: Arguments) -> bool:
    return arguments.get("granularity") == "instruction"


_METHODS: Mapping[str, Callable[[Adapter, Arguments], Any]] = {
    "initialize": Adapter._initialize,
    "attach": Adapter._attach,
    "launch": Adapter._launch,
    "configurationDone": Adapter._configuration_done,
    "disconnect": Adapter._disconnect,
    "terminate": Adapter._disconnect,
    "threads": Adapter._threads,
    "stackTrace": Adapter._stack_trace,
    "scopes": Adapter._scopes,
    "variables": Adapter._variables,
    "source": Adapter._source,
    "loadedSources": Adapter._loaded_sources,
    "exceptionInfo": Adapter._exception_info,
    "continue": Adapter._continue,
    "reverseContinue": Adapter._reverse_continue,
    "next": Adapter._next,
    "stepBack": Adapter._step_back,
    "stepIn": Adapter._step_in,
    "stepOut": Adapter._step_out,
    "pause": Adapter._pause,
    "gotoTargets": Adapter._goto_targets,
    "goto": Adapter._goto,
    "restartFrame": Adapter._restart_frame,
    "setFunctionBreakpoints": Adapter._set_function_breakpoints,
    "setBreakpoints": Adapter._set_breakpoints,
    "setExceptionBreakpoints": Adapter._set_exception_breakpoints,
    "dataBreakpointInfo": Adapter._data_breakpoint_info,
    "setDataBreakpoints": Adapter._set_data_breakpoints,
    "evaluate": Adapter._evaluate,
    "setVariable": Adapter._set_variable,
    "setExpression": Adapter._set_expression,
    "completions": Adapter._completions,
}
