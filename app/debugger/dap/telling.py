"""What an adapter tells its client: answers, refusals, events, and what it can do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from app.debugger import breakpoints

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
    "supportsSetExpression": True,
    "supportsEvaluateForHovers": True,
    "supportsCompletionsRequest": True,
    "supportsLoadedSourcesRequest": True,
    "supportsTerminateRequest": True,
    "supportTerminateDebuggee": True,
    "supportSuspendDebuggee": True,
    "supportsDelayedStackTraceLoading": True,
    "exceptionBreakpointFilters": [
        {"filter": name, "label": label, "default": name != "patched", "supportsCondition": True}
        for name, label in breakpoints.FILTERS.items()
    ],
}


class Telling:
    """What is told `later` follows the answer to the request that led to it."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._later: list[Callable[[], None]] = []

    def later(self, tell: Callable[[], None]) -> None:
        self._later.append(tell)

    def flush(self) -> None:
        """Tell what was kept for later."""
        kept, self._later = self._later, []
        for tell in kept:
            tell()

    def event(self, name: str, body: Any = None) -> None:
        self._send({"type": "event", "event": name, **({} if body is None else {"body": body})})

    def request(self, command: str, arguments: Any) -> None:
        """Of the client; its answer is not waited for."""
        self._send({"type": "request", "command": command, "arguments": arguments})

    def output(self, text: str, category: str = "console", **place: Any) -> None:
        self.event("output", {"category": category, "output": f"{text}\n", **place})

    def answer(self, request_seq: int, command: str, body: Any) -> None:
        told = {"type": "response", "request_seq": request_seq, "success": True, "command": command}
        self._send({**told, **({} if body is None else {"body": body})})

    def refuse(self, request: Mapping[str, Any], text: str) -> None:
        """The request's answer, and nothing after it."""
        self._later = []
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
