"""The debug adapter: answers a client's requests over one session of recorded runs.

Follows the Debug Adapter Protocol 1.71: a response comes before the events that its request leads to, references hold
until the next stop, lines and columns count from where the client says.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from app.debugger import breakpoints, values
from app.debugger.breakpoints import BadBreakpoint
from app.debugger.console import Console
from app.debugger.dap import scopes, transcript
from app.debugger.dap.setting import Setting
from app.debugger.dap.variables import MARK, Inside, References
from app.debugger.recording import Source
from app.debugger.session import Changes, Session, Stop, Thread
from app.errors import IronflowError
from app.expressions import EvaluationFailed
from ironflow import errors

Arguments = Mapping[str, Any]
Send = Callable[[dict[str, Any]], None]

CAPABILITIES: Mapping[str, Any] = {
    "supportsConfigurationDoneRequest": True,
    "supportsFunctionBreakpoints": True,
    "supportsConditionalBreakpoints": True,
    "supportsHitConditionalBreakpoints": True,
    "supportsLogPoints": True,
    "supportsDataBreakpoints": True,
    "supportsExceptionInfoRequest": True,
    "supportsExceptionFilterOptions": True,
    "supportsStepBack": True,
    "supportsSteppingGranularity": True,
    "supportsGotoTargetsRequest": True,
    "supportsRestartFrame": True,
    "supportsSetVariable": True,
    "supportsEvaluateForHovers": True,
    "supportsCompletionsRequest": True,
    "supportsLoadedSourcesRequest": True,
    "supportsTerminateRequest": True,
    "supportsDelayedStackTraceLoading": True,
    "exceptionBreakpointFilters": [
        {"filter": name, "label": label, "default": name != "patched", "supportsCondition": True}
        for name, label in breakpoints.FILTERS.items()
    ],
}


class Refused(Exception):
    """A request that cannot be answered; the text is for people."""


class Place(NamedTuple):
    """What `attach` names: where the recording is, what can be changed there, and which run."""

    source: Source
    changes: Changes | None
    run_id: str


Open = Callable[[Arguments], Place]
"""Finds what `attach` or `launch` names. Raises Refused, or what the SDK raises."""


@dataclass
class Attached:
    """What there is once a client has attached; `thread` is the one that stopped last."""

    session: Session
    thread: Thread
    setting: Setting
    console: Console


class Adapter:
    """`token` is what `attach` has to carry, "" if whoever can connect may."""

    def __init__(self, send: Send, open_: Open, *, token: str = "") -> None:
        self._send = send
        self._open = open_
        self._token = token
        self._references = References()
        self._attached: Attached | None = None
        self._begun: tuple[int, str] | None = None
        self._from_one = True
        self._after: list[Callable[[], None]] = []
        self.ended = False

    def handle(self, message: dict[str, Any]) -> None:
        """Answer one request; its events follow the answer."""
        if message.get("type") != "request" or not isinstance(message.get("command"), str):
            return
        command, arguments = message["command"], message.get("arguments") or {}
        self._after = []
        method = _METHODS.get(command)
        try:
            if method is None:
                raise Refused(f"{command} is not supported")
            body = method(self, arguments)
        except _EXPECTED as error:
            self._refuse(message, _told(error))
            return
        if command in ("attach", "launch"):
            self._begun = (message["seq"], command)  # answered once configured
            self._event("initialized")
        else:
            self._answer(message["seq"], command, body)
        for event in self._after:
            event()

    # The beginning and the end.

    def _initialize(self, arguments: Arguments) -> Any:
        self._from_one = arguments.get("linesStartAt1", True) is not False
        return CAPABILITIES

    def _attach(self, arguments: Arguments) -> None:
        if self._token and not hmac.compare_digest(str(arguments.get("token", "")).encode(), self._token.encode()):
            self.ended = True
            raise Refused("the token is missing or wrong; it is printed where the adapter was started")
        if arguments.get("mode", "recorded") != "recorded":
            raise Refused('mode: only "recorded" is supported')
        place = self._open(arguments)
        session = Session(place.source, place.changes, self._tell)
        thread = session.open(place.run_id)
        session.go(thread, _where(thread, arguments.get("at", "start")))
        self._attached = Attached(session, thread, Setting(session, from_one=self._from_one), Console(session))

    def _configuration_done(self, arguments: Arguments) -> None:
        if self._begun is not None:
            seq, command = self._begun
            self._after.append(lambda: self._answer(seq, command, None))
        thread = self._of().thread
        self._stop_later(Stop(thread, "entry", thread.record.summary))

    def _disconnect(self, arguments: Arguments) -> None:
        self.ended = True
        self._after.append(lambda: self._event("terminated"))

    # Where one is.

    def _threads(self, arguments: Arguments) -> Any:
        return {"threads": [{"id": one.id, "name": one.title} for one in self._of().session.threads.values()]}

    def _stack_trace(self, arguments: Arguments) -> Any:
        found = scopes.frames(self._named(arguments), from_one=self._from_one)
        start, levels = int(arguments.get("startFrame") or 0), int(arguments.get("levels") or 0)
        return {"stackFrames": found[start : start + levels if levels else None], "totalFrames": len(found)}

    def _scopes(self, arguments: Arguments) -> Any:
        return {"scopes": scopes.scopes(self._of().session, self._frame(arguments), self._references)}

    def _variables(self, arguments: Arguments) -> Any:
        number = int(arguments["variablesReference"])
        try:
            listed = self._references.listed(
                number,
                start=int(arguments.get("start") or 0),
                count=int(arguments.get("count") or 0),
                only=arguments.get("filter", ""),
            )
        except KeyError:
            raise Refused("what this refers to was left behind at the last stop") from None
        return {"variables": [self._writable(number, one) for one in listed]}

    def _writable(self, number: int, variable: dict[str, Any]) -> dict[str, Any]:
        """The output of a step, and what is in it, can be changed."""
        inside = self._references.inside(number)
        if not inside.step or (not inside.path and variable["name"] != "output"):
            return variable
        return {name: value for name, value in variable.items() if name != "presentationHint"}

    def _source(self, arguments: Arguments) -> Any:
        given = arguments.get("source") or {}
        number = given.get("sourceReference") or arguments.get("sourceReference")
        return {"content": transcript.text(self._numbered(number).recording), "mimeType": transcript.MIME}

    def _loaded_sources(self, arguments: Arguments) -> Any:
        return {"sources": [scopes.source(thread) for thread in self._of().session.threads.values()]}

    def _exception_info(self, arguments: Arguments) -> Any:
        thread = self._named(arguments)
        record = thread.record
        step = thread.recording.step(thread.index) if record.step_id else None
        found = step.error if step else thread.recording.state(thread.index).error
        error = dict(found or {})
        return {
            "exceptionId": str(error.get("code") or record.code or "StepError"),
            "description": str(error.get("message") or record.message or record.summary),
            "breakMode": "always",
            "details": {
                "message": str(error.get("message", "")),
                "typeName": str(error.get("code", "")),
                "stackTrace": str(error.get("stack") or error.get("trace") or ""),
            },
        }

    # Moving.

    def _move(self, arguments: Arguments, move: Callable[[Session, Thread], Stop]) -> Stop:
        stop = move(self._of().session, self._named(arguments))
        self._stop_later(stop)
        return stop

    def _continue(self, arguments: Arguments) -> Any:
        self._move(arguments, lambda session, thread: session.run(thread, 1))
        return {"allThreadsContinued": True}

    def _reverse_continue(self, arguments: Arguments) -> None:
        self._move(arguments, lambda session, thread: session.run(thread, -1))

    def _next(self, arguments: Arguments) -> None:
        self._move(arguments, lambda session, thread: session.step(thread, 1, by_record=_fine(arguments)))

    def _step_back(self, arguments: Arguments) -> None:
        self._move(arguments, lambda session, thread: session.step(thread, -1, by_record=_fine(arguments)))

    def _step_in(self, arguments: Arguments) -> None:
        self._move(arguments, lambda session, thread: session.step_in(thread))

    def _step_out(self, arguments: Arguments) -> None:
        self._move(arguments, lambda session, thread: session.step_out(thread))

    def _pause(self, arguments: Arguments) -> None:
        self._stop_later(Stop(self._named(arguments), "pause"))

    def _goto_targets(self, arguments: Arguments) -> Any:
        source = arguments.get("source") or {}
        thread = self._numbered(source.get("sourceReference"))
        index = transcript.index_of(int(arguments["line"]), from_one=self._from_one)
        if not 0 <= index <= thread.recording.last:
            return {"targets": []}
        record = thread.recording.records[index]
        target = {"id": index, "label": f"{record.position} {record.summary}", "line": arguments["line"]}
        return {"targets": [target]}

    def _goto(self, arguments: Arguments) -> None:
        self._move(arguments, lambda session, thread: session.go(thread, int(arguments["targetId"])))

    def _restart_frame(self, arguments: Arguments) -> None:
        raise Refused('a fork needs a reason, for which there is no field here: say fork "reason" in the debug console')

    # Breakpoints.

    def _set_function_breakpoints(self, arguments: Arguments) -> Any:
        return self._of().setting.functions(arguments.get("breakpoints", ()))

    def _set_breakpoints(self, arguments: Arguments) -> Any:
        number = (arguments.get("source") or {}).get("sourceReference")
        thread = self._numbered(number) if number else None
        return self._of().setting.lines(thread, arguments.get("breakpoints", ()))

    def _set_exception_breakpoints(self, arguments: Arguments) -> Any:
        return self._of().setting.failures(arguments.get("filters", ()), arguments.get("filterOptions") or ())

    def _set_data_breakpoints(self, arguments: Arguments) -> Any:
        return self._of().setting.changes(arguments.get("breakpoints", ()))

    def _data_breakpoint_info(self, arguments: Arguments) -> Any:
        thread, path = self._of().thread, str(arguments["name"]).removesuffix(f" {MARK}")
        number = arguments.get("variablesReference")
        if number:
            evaluate = self._references.inside(int(number)).evaluate
            if not evaluate.startswith("state"):
                return {"dataId": None, "description": "only what is in State can be watched for a change"}
            inner = evaluate.removeprefix("state").removeprefix(".")
            path = values.path_text([*(values.parse_path(inner) if inner else ()), _key(path)])
        return {
            "dataId": f"{thread.recording.run_id} {path}",
            "description": f"changes of {path}",
            "accessTypes": ["write"],
            "canPersist": True,
        }

    # Values.

    def _evaluate(self, arguments: Arguments) -> Any:
        thread = self._frame(arguments) if arguments.get("frameId") is not None else self._of().thread
        text = str(arguments["expression"]).strip()
        if arguments.get("context") == "repl":
            said = self._of().console.say(thread, text)
            if said is not None:
                if said.stop is not None:
                    self._stop_later(said.stop)
                return {"result": said.text, "variablesReference": 0}
        value = breakpoints.evaluated(text, thread.recording, thread.index)
        shown = self._references.shown(value, Inside(lambda: value, text))
        return {"result": shown.pop("value"), **shown}

    def _set_variable(self, arguments: Arguments) -> Any:
        inside = self._references.inside(int(arguments["variablesReference"]))
        key = _key(str(arguments["name"]))
        path = (*inside.path, key)
        if not inside.step or path[0] != "output":
            raise Refused("read-only: only the output of a step that ended can be changed")
        try:
            new = json.loads(arguments["value"])
        except ValueError as error:
            raise Refused(f"the value is not JSON: {error}") from None
        try:
            self._of().session.stage(self._of().thread, inside.step, path[1:], new)
        except KeyError:
            raise Refused("read-only: the step has not ended here") from None
        self._after.append(lambda: self._event("invalidated", {"areas": ["variables"]}))
        self._after.append(lambda: self._output('staged; nothing is sent before: commit "reason"\n'))
        return self._references.shown(new)

    def _completions(self, arguments: Arguments) -> Any:
        text = str(arguments.get("text", ""))[: max(0, int(arguments.get("column", 1)) - self._from_one)]
        return {"targets": [{"label": one} for one in self._of().console.completions(self._of().thread, text)]}

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
        return self._numbered(int(arguments["frameId"]) // 4)

    def _tell(self, thread: Thread, index: int, message: str) -> None:
        line = transcript.line_of(index, from_one=self._from_one)
        place = {"source": scopes.source(thread), "line": line}
        self._after.append(lambda: self._output(f"{message}\n", **place))

    def _stop_later(self, stop: Stop) -> None:
        self._of().thread = stop.thread
        self._references.forget()
        body = {
            "reason": stop.reason,
            "threadId": stop.thread.id,
            "allThreadsStopped": True,
            "description": stop.text,
            **({"text": stop.text} if stop.reason == "exception" else {}),
            **({"hitBreakpointIds": list(stop.hits)} if stop.hits else {}),
        }
        if stop.thread.parent is not None and stop.thread.index == 0:
            number = stop.thread.id
            self._after.append(lambda: self._event("thread", {"reason": "started", "threadId": number}))
        self._after.append(lambda: self._event("stopped", body))

    def _output(self, text: str, **place: Any) -> None:
        self._event("output", {"category": "console", "output": text, **place})

    def _event(self, name: str, body: Any = None) -> None:
        self._send({"type": "event", "event": name, **({} if body is None else {"body": body})})

    def _answer(self, request_seq: int, command: str, body: Any) -> None:
        told = {"type": "response", "request_seq": request_seq, "success": True, "command": command}
        self._send({**told, **({} if body is None else {"body": body})})

    def _refuse(self, request: dict[str, Any], text: str) -> None:
        error = {"id": 1, "format": text.replace("{", "(").replace("}", ")"), "showUser": True}
        self._send(
            {
                "type": "response",
                "request_seq": request.get("seq", 0),
                "success": False,
                "command": request["command"],
                "message": text,
                "body": {"error": error},
            }
        )


_EXPECTED = (
    *(Refused, BadBreakpoint, values.BadPath, EvaluationFailed, IronflowError, errors.IronflowError),
    *(KeyError, TypeError, ValueError, OSError),
)


def _told(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"{error.args[0]} is missing"
    hint = getattr(error, "hint", "")
    return f"{error}; {hint}" if hint else str(error)


def _where(thread: Thread, at: Any) -> int:
    """The place that `at` names: start, end, failure, a position or a time."""
    recording = thread.recording
    match at:
        case "start":
            return 0
        case "end":
            return recording.last
        case "failure":
            found = recording.first_failure()
            return recording.last if found is None else found
        case int():
            return recording.index_of(at)
        case str() if at.isdecimal():
            return recording.index_of(int(at))
        case str():
            try:
                return recording.index_at(datetime.fromisoformat(at))
            except (ValueError, TypeError):
                pass
    raise Refused(f"at: {at!r} is neither start, end, failure, a position nor a time such as 2026-01-31T12:00:00Z")


def _fine(arguments: Arguments) -> bool:
    return arguments.get("granularity") == "instruction"


def _key(name: str) -> str | int:
    """A variable's name as a key: `[3]` is a place in a list."""
    return int(name[1:-1]) if name.startswith("[") and name.endswith("]") and name[1:-1].isdecimal() else name


_METHODS: Mapping[str, Callable[[Adapter, Arguments], Any]] = {
    "initialize": Adapter._initialize,
    "attach": Adapter._attach,
    "launch": Adapter._attach,
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
    "completions": Adapter._completions,
}
