"""Redaction: the payload of an event, a step or a run goes for good; order, versions and the digest chain stay."""

from __future__ import annotations

from ironflow.calls import Call, Json, Plan, quoted


def redact_event(event_id: str, *, reason: str) -> Plan[Json]:
    """How many entries were `redacted`, and which projections are `rebuilding`. Doing it again changes nothing. Raises
    NotFound, InvalidArgument."""
    return (yield from _redact(f"/api/v1/events/{quoted(event_id)}", reason))


def redact_run(run_id: str, *, reason: str) -> Plan[Json]:
    """Outputs, failures and notes of a run that has ended, and its event, if that started no other run: else `event_id`
    is there. Raises NotFound, Conflict."""
    return (yield from _redact(f"/api/v1/runs/{quoted(run_id)}", reason))


def redact_step(step_id: str, *, reason: str) -> Plan[Json]:
    """Outputs and failures of a step of a run that has ended. Raises NotFound, Conflict."""
    run_id = step_id.partition(":")[0]
    return (yield from _redact(f"/api/v1/runs/{quoted(run_id)}/steps/{quoted(step_id)}", reason))


def _redact(path: str, reason: str) -> Plan[Json]:
    done: Json = yield Call("POST", f"{path}/redact", body={"reason": reason}, again=True)
    return done
