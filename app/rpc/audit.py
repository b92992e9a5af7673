"""AuditService's methods: Connect and gRPC both call them."""

from __future__ import annotations

from typing import Any

import msgspec
from google.protobuf import json_format
from google.protobuf.message import Message

from app.access.audit_event import AuditEvent
from app.access.audit_reading import LIMIT_MAX, AuditFilter
from app.api.caller import Caller
from app.api.parameters import instant
from app.api.services import Services
from app.errors import InvalidArgument, PermissionDenied
from app.rpc import convert
from app.rpc.methods import Method
from ironflow.v1 import audit_pb2 as pb

LIMIT_DEFAULT = 50
INSTANT_MAX = 2**62


async def trail(services: Services, caller: Caller, request: pb.GetAuditTrailRequest) -> pb.GetAuditTrailResponse:
    chosen = AuditFilter(event_type=request.event_type, **_between(services, request))
    reader, cursor, limit = services.audit_reader, _cursor(request.cursor), _limit(request.limit)
    if request.run_id:
        page = await reader.of_run(caller.environment, request.run_id, chosen, cursor=cursor, limit=limit)
    else:
        page = await reader.page(caller.environment, chosen, cursor=cursor, limit=limit)
    return pb.GetAuditTrailResponse(
        events=[_event(event, "environment") for event in page.events],
        total_count=len(page.events),
        next_cursor=str(page.cursor or ""),
    )


async def auth_trail(
    services: Services, caller: Caller, request: pb.GetAuthAuditTrailRequest
) -> pb.GetAuthAuditTrailResponse:
    namespace, scope = _namespace(caller, request.org_id)
    chosen = AuditFilter(
        action=request.action,
        actor=request.api_key_id,
        decisions=scope == "environment",
        **_between(services, request),
    )
    page = await services.audit_reader.page(
        namespace, chosen, cursor=_cursor(request.cursor), limit=_limit(request.limit)
    )
    return pb.GetAuthAuditTrailResponse(
        events=[_event(event, scope) for event in page.events],
        total_count=len(page.events),
        next_cursor=str(page.cursor or ""),
    )


METHODS: dict[str, tuple[type[Message], Method]] = {
    "GetAuditTrail": (pb.GetAuditTrailRequest, trail),
    "GetAuthAuditTrail": (pb.GetAuthAuditTrailRequest, auth_trail),
}


def _namespace(caller: Caller, org: str) -> tuple[str, str]:
    """Where the entries are, and what that is. Raises PermissionDenied."""
    if not org:
        return caller.environment, "environment"
    if org != caller.who.org or caller.who.environment:
        raise PermissionDenied(f"{org[:80]!r} is not your organization", field="org_id", hint="leave it out")
    return org, "org"


def _between(services: Services, request: Any) -> dict[str, Any]:
    now = services.clock.now_us()
    return {
        "since": instant(request.from_timestamp, 0, now=now, field="from_timestamp"),
        "until": instant(request.to_timestamp, INSTANT_MAX, now=now, field="to_timestamp"),
    }


def _limit(limit: int) -> int:
    if not 0 <= limit <= LIMIT_MAX:
        raise InvalidArgument(f"limit {limit} is out of range", field="limit", hint=f"1 to {LIMIT_MAX}")
    return limit or LIMIT_DEFAULT


def _cursor(text: str) -> int:
    if text and not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise InvalidArgument(f"cursor {text[:40]!r} is not one that a page told", field="cursor")
    return int(text or 0)


def _event(event: AuditEvent, scope: str) -> pb.AuditEvent:
    told = {
        "kind": event.kind,
        "actor": event.actor,
        "action": event.action,
        "resource": event.resource,
        "decision": event.decision,
        "policy": event.policy,
        "policy_version": str(event.policy_version or ""),
        "reason": event.reason,
        "method": event.method,
        "address": event.address,
        "outcome": event.outcome,
        "count": str(event.count) if event.decision else "",
    }
    made = pb.AuditEvent(
        id=str(event.position),
        run_id=event.run_id,
        function_id=event.function_id,
        step_id=event.step_id,
        event_type=event.type,
        metadata={name: value for name, value in told.items() if value},
        created_at=convert.timestamp(event.at),
        environment_id=event.environment,
        scope=scope,
    )
    payload = msgspec.json.encode(event.payload)
    json_format.Parse(payload, made.payload)
    json_format.Parse(payload, made.payload_value)
    return made
