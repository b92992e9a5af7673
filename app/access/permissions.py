"""What there is to be allowed, and which role allows it. One table; the other faces' calls are below it.

A role of the system is what this table says, in every organization. One that an organization makes itself has
permissions of its own, of these names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

SELF = "self"
"""What whoever is known may do, with any role or none: ask who one is, sign out."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_VIEWER = _names("""
    agent:tools:read apikeys:read capacity:read checks:read config:read entities:read environments:read events:read
    events:subscribe functions:list functions:read groups:read history:read kv:read orgs:read projections:read
    projects:read roles:read runs:read schemas:read search:read sql:read streams:read subscriptions:read system:read
    topics:read users:read webhooks:read workers:read
""")

_DEVELOPER = _names("""
    agent:tools:invoke agent:tools:register agent:tools:unregister apikeys:manage breakers:manage checks:run
    config:write entities:append events:emit failures:manage functions:invoke functions:manage functions:register
    groups:consume groups:manage kv:write outbox:manage projections:manage runs:breakpoints runs:cancel runs:fork
    runs:inject runs:patch runs:pause runs:replay runs:resume runs:tag schemas:manage secrets:read topics:publish
    webhooks:manage workers:connect workers:manage
""")

_ADMIN = _names("""
    audit:export audit:manage audit:read environments:manage events:redact orgs:manage policies:read policies:write
    projects:manage roles:manage runs:breakpoints:production secrets:manage streams:delete users:manage
""")

_PLATFORM_VIEWER = _names("""
    platform:audit:read platform:impersonate:read platform:keys:read platform:policies:read platform:roles:read
    platform:tenants:read platform:users:read
""")

_PLATFORM_OPERATOR = _names("platform:diagnose platform:tenants:manage platform:impersonate")

_PLATFORM_ADMIN = _names("""
    platform:keys:manage platform:master-key:rotate platform:policies:write platform:roles:manage
    platform:users:manage
""")

VIEWER = _VIEWER
DEVELOPER = VIEWER | _DEVELOPER
ADMIN = DEVELOPER | _ADMIN
PLATFORM_VIEWER = _PLATFORM_VIEWER
PLATFORM_OPERATOR = PLATFORM_VIEWER | _PLATFORM_OPERATOR
PLATFORM_ADMIN = PLATFORM_OPERATOR | _PLATFORM_ADMIN

SYSTEM_ROLES: Mapping[str, frozenset[str]] = {
    "viewer": VIEWER,
    "developer": DEVELOPER,
    "admin": ADMIN,
    "platform_viewer": PLATFORM_VIEWER,
    "platform_operator": PLATFORM_OPERATOR,
    "platform_admin": PLATFORM_ADMIN,
}
"""By id, which is the name too."""

KNOWN: frozenset[str] = ADMIN | PLATFORM_ADMIN

OF_THE_ORGANIZATION = frozenset(
    name
    for name in KNOWN
    if name.startswith("platform:")
    or name in ("users:manage", "users:read", "roles:manage", "orgs:manage", "projects:manage", "environments:manage")
)
"""What reaches beyond one environment: a key that is bound to one never has it."""


def unknown(names: Iterable[str]) -> list[str]:
    """Those that are no permission."""
    return sorted(set(names) - KNOWN)


_READ = {
    "IronflowService": {
        "GetFunction": "functions:read",
        "ListFunctions": "functions:list",
        "ListFunctionHistory": "functions:read",
        "GetFunctionAtVersion": "functions:read",
        "GetRun": "runs:read",
        "ListRuns": "runs:read",
        "GetRunSteps": "runs:read",
        "GetPausedState": "runs:read",
        "Info": "functions:list",
    },
    "PubSubService": {
        "GetTopicStats": "topics:read",
        "ListTopics": "topics:read",
        "GetConsumerGroup": "groups:read",
        "ListConsumerGroups": "groups:read",
    },
    "EntityStreamService": {
        "ReadStream": "entities:read",
        "GetStreamInfo": "entities:read",
        "ListStreams": "streams:read",
        "GetEntityHistory": "entities:read",
        "GetSnapshot": "entities:read",
    },
    "EventSchemaService": {
        "GetSchema": "schemas:read",
        "ListSchemas": "schemas:read",
        "CheckEnforcement": "schemas:read",
        "ListSchemaHistory": "schemas:read",
        "GetSchemaRevision": "schemas:read",
        "TestUpcast": "schemas:read",
    },
    "WebhookService": {
        "GetWebhookSource": "webhooks:read",
        "ListWebhookSources": "webhooks:read",
        "ListWebhookDeliveries": "webhooks:read",
        "GetWebhookDelivery": "webhooks:read",
    },
    "QueryService": {"ExecuteSQL": "sql:read"},
    "AuditService": {"GetAuditTrail": "audit:read", "GetAuthAuditTrail": "audit:read"},
    "TimeTravelService": {
        "GetRunStateAt": "runs:read",
        "GetRunTimeline": "runs:read",
        "GetStepOutputAt": "runs:read",
    },
    "ProjectionService": {
        "GetProjection": "projections:read",
        "ListProjections": "projections:read",
        "GetProjectionStatus": "projections:read",
        "GetRebuildJob": "projections:read",
        "WaitProjectionCatchup": "projections:read",
        "WaitProjectionCatchupBatch": "projections:read",
        "ListProjectionHistory": "projections:read",
        "GetProjectionRevision": "projections:read",
        "WaitForEvent": "projections:read",
        "WaitProjectionCatchupStream": "projections:read",
        "QuerySQLProjection": "projections:read",
        "ListParkedProjectionEvents": "projections:read",
    },
}

_WRITE = {
    "IronflowService": {
        "Trigger": "events:emit",
        "Emit": "events:emit",
        "TriggerBatch": "events:emit",
        "TriggerSync": "events:emit",
        "InvokeFunction": "functions:invoke",
        "InvokeFunctionSync": "functions:invoke",
        "RegisterFunction": "functions:register",
        "UpdateFunctionStatus": "functions:manage",
        "DeleteFunction": "functions:manage",
        "RollbackFunction": "functions:manage",
        "CancelRun": "runs:cancel",
        "ResumeRun": "runs:resume",
        "PauseRun": "runs:pause",
        "PatchStep": "runs:patch",
        "InjectStepOutput": "runs:inject",
        **dict.fromkeys(("RedactEvent", "RedactStep", "RedactRun"), "events:redact"),
    },
    "PubSubService": {
        "Emit": "events:emit",
        "Publish": "topics:publish",
        "CreateConsumerGroup": "groups:manage",
        "UpdateConsumerGroup": "groups:manage",
        "DeleteConsumerGroup": "groups:manage",
        "AckEvent": "groups:consume",
        "Subscribe": "events:subscribe",
        "SubscribeBidirectional": "groups:consume",
        "JoinConsumerGroup": "groups:consume",
    },
    "EntityStreamService": {
        "AppendEvent": "entities:append",
        "CreateSnapshot": "entities:append",
        "DeleteStream": "streams:delete",
    },
    "EventSchemaService": {"RegisterSchema": "schemas:manage", "DeleteSchema": "schemas:manage"},
    "WebhookService": dict.fromkeys(
        (
            "CreateWebhookSource",
            "UpdateWebhookSource",
            "RotateWebhookSecret",
            "ExpireWebhookSecretPrev",
            "DisableWebhookSignatureVerification",
            "RotateWebhookIngestToken",
            "TestWebhookVerifyConfig",
            "DeleteWebhookSource",
            "PauseWebhookSource",
            "ResumeWebhookSource",
            "ReplayWebhookDelivery",
        ),
        "webhooks:manage",
    ),
    "ProjectionService": dict.fromkeys(
        (
            "RegisterProjection",
            "CreateSQLProjection",
            "UnregisterProjection",
            "AcquireProjectionLease",
            "RenewProjectionLease",
            "ReleaseProjectionLease",
            "PollProjectionEvents",
            "SaveProjectionState",
            "AckProjectionEvents",
            "ReportProjectionError",
            "LendProjectionReducer",
            "PauseProjection",
            "ResumeProjection",
            "RebuildProjection",
            "CancelRebuild",
            "SkipProjectionEvent",
            "ParkProjectionEvent",
            "RetryParkedProjectionEvents",
            "DiscardParkedProjectionEvents",
            "StreamProjectionEvents",
        ),
        "projections:manage",
    ),
    "WorkerService": {"Connect": "workers:connect"},
}

RPC: Mapping[str, str] = {
    f"{service}/{method}": permission
    for table in (_READ, _WRITE)
    for service, methods in table.items()
    for method, permission in methods.items()
}
"""What each call needs, by `Service/Method`."""

RPC_OPEN: Mapping[str, str] = {
    "IronflowService/Health": "it is asked before there are credentials, and tells no more than /health",
    "IronflowService/GetCapabilities": "browsers choose a transport by it",
}
"""Calls that need nothing, and why."""

RPC_UNLISTED = "platform:roles:manage"
"""What a call needs that no table has: it is refused to all but administrators of the platform, who see that there is
no such call."""
