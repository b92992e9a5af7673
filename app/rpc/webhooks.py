"""WebhookService's unary methods, each once: Connect and gRPC both call these."""

from __future__ import annotations

from typing import Any

import msgspec
from google.protobuf import empty_pb2
from google.protobuf.message import Message

from app.api.caller import Caller
from app.api.services import Services
from app.errors import InvalidArgument
from app.history.kinds import Descriptor
from app.rpc import convert
from app.rpc.methods import Method
from app.webhooks import descriptor as descriptors
from app.webhooks.deliveries import LIMIT_DEFAULT, LIMIT_MAX, Captured
from app.webhooks.source import Change, NewSource
from app.webhooks.trying import keys_given, tried
from app.webhooks.verification import Request
from ironflow.v1 import webhook_pb2 as pb
from storage.webhooks import WebhookDeliveryRow, WebhookSourceRow

SOURCES_MAX = 1_000


async def create_source(services: Services, caller: Caller, request: pb.CreateWebhookSourceRequest) -> pb.WebhookSource:
    new = NewSource(
        name=request.name,
        provider=request.provider,
        event_prefix=request.event_prefix,
        descriptor=_descriptor(request),
        secret=request.verify_secret,
        schema_version=request.schema_version or 1,
        metadata=convert.metadata(request),
    )
    opened = await services.sources.create(caller.environment, new, actor=caller.actor)
    return source(opened.row, services.clock.now_us(), token=opened.token)


async def get_source(services: Services, caller: Caller, request: pb.GetWebhookSourceRequest) -> pb.WebhookSource:
    return _source(services, await services.sources.get(caller.environment, request.id))


async def list_sources(
    services: Services, caller: Caller, request: pb.ListWebhookSourcesRequest
) -> pb.ListWebhookSourcesResponse:
    _check_page(request.limit, request.offset, SOURCES_MAX)
    rows = await services.sources.list(caller.environment)
    page = rows[request.offset : request.offset + (request.limit or SOURCES_MAX)]
    return pb.ListWebhookSourcesResponse(sources=[_source(services, row) for row in page], total_count=len(rows))


async def update_source(services: Services, caller: Caller, request: pb.UpdateWebhookSourceRequest) -> pb.WebhookSource:
    described = request.HasField("verify_config") or request.verify_header or request.verify_algorithm
    change = Change(
        name=request.name or None,
        event_prefix=request.event_prefix or None,
        descriptor=_descriptor(request) if described else None,
        schema_version=request.schema_version or None,
        metadata=convert.metadata(request) if request.HasField("metadata") else None,
    )
    expected = convert.instant(request, "expected_updated_at", 0)
    row = await services.sources.update(caller.environment, request.id, change, expected=expected, actor=caller.actor)
    return _source(services, row)


async def rotate_secret(services: Services, caller: Caller, request: pb.RotateWebhookSecretRequest) -> pb.WebhookSource:
    row = await services.sources.rotate_secret(
        caller.environment,
        request.id,
        request.verify_secret,
        grace_s=request.grace_seconds if request.HasField("grace_seconds") else None,
        expected=convert.instant(request, "expected_updated_at", 0),
        actor=caller.actor,
    )
    return _source(services, row)


async def expire_previous(
    services: Services, caller: Caller, request: pb.ExpireWebhookSecretPrevRequest
) -> pb.WebhookSource:
    expected = convert.instant(request, "expected_updated_at", 0)
    row = await services.sources.expire_previous(caller.environment, request.id, expected=expected, actor=caller.actor)
    return _source(services, row)


async def disable_verification(
    services: Services, caller: Caller, request: pb.DisableWebhookSignatureVerificationRequest
) -> pb.WebhookSource:
    row = await services.sources.disable_verification(
        caller.environment,
        request.id,
        grace_s=request.grace_seconds if request.HasField("grace_seconds") else None,
        expected=convert.instant(request, "expected_updated_at", 0),
        actor=caller.actor,
    )
    return _source(services, row)


async def rotate_token(
    services: Services, caller: Caller, request: pb.RotateWebhookIngestTokenRequest
) -> pb.WebhookSource:
    expected = convert.instant(request, "expected_updated_at", 0)
    opened = await services.sources.rotate_token(caller.environment, request.id, expected=expected, actor=caller.actor)
    return source(opened.row, services.clock.now_us(), token=opened.token)


async def pause_source(services: Services, caller: Caller, request: pb.PauseWebhookSourceRequest) -> pb.WebhookSource:
    return _source(services, await services.sources.pause(caller.environment, request.id, actor=caller.actor))


async def resume_source(services: Services, caller: Caller, request: pb.ResumeWebhookSourceRequest) -> pb.WebhookSource:
    return _source(services, await services.sources.resume(caller.environment, request.id, actor=caller.actor))


async def delete_source(services: Services, caller: Caller, request: pb.DeleteWebhookSourceRequest) -> empty_pb2.Empty:
    await services.sources.delete(caller.environment, request.id, actor=caller.actor)
    return empty_pb2.Empty()


async def list_deliveries(
    services: Services, caller: Caller, request: pb.ListWebhookDeliveriesRequest
) -> pb.ListWebhookDeliveriesResponse:
    _check_page(request.limit, request.offset, LIMIT_MAX)
    page = await services.deliveries.list(
        caller.environment,
        source_id=request.source_id,
        status=request.status,
        limit=request.limit or LIMIT_DEFAULT,
        offset=request.offset,
    )
    total = await services.deliveries.count(caller.environment, source_id=request.source_id, status=request.status)
    return pb.ListWebhookDeliveriesResponse(deliveries=map(delivery, page.rows), total_count=total)


async def get_delivery(services: Services, caller: Caller, request: pb.GetWebhookDeliveryRequest) -> pb.WebhookDelivery:
    return _captured(await services.deliveries.get(caller.environment, request.id))


async def replay_delivery(
    services: Services, caller: Caller, request: pb.ReplayWebhookDeliveryRequest
) -> pb.WebhookDelivery:
    await services.deliveries.replay(caller.environment, request.id, actor=caller.actor)
    return _captured(await services.deliveries.get(caller.environment, request.id))


async def test_verify_config(
    services: Services, caller: Caller, request: pb.TestWebhookVerifyConfigRequest
) -> pb.TestWebhookVerifyConfigResponse:
    now = services.clock.now_us()
    row = await services.sources.get(caller.environment, request.source_id) if request.source_id else None
    if request.HasField("verify_config") or row is None:
        descriptor = descriptors.described("", _descriptor(request))
    else:
        descriptor = descriptors.read(row.descriptor)
    if request.verify_secret or row is None:
        keys = keys_given(descriptor, request.verify_secret)
    else:
        keys = await services.ingest.keys_of(row, now=now)
    headers = {name.lower(): value for name, value in request.headers.items()}
    trial = tried(
        descriptor,
        keys,
        Request(headers, request.body.encode()),
        event_prefix=row.event_prefix if row else "",
        now=now,
        secret_given=bool(request.verify_secret),
    )
    return pb.TestWebhookVerifyConfigResponse(
        verified=trial.verification.verified,
        signing_string=trial.signing_string,
        computed_signature=trial.computed_signature,
        presented_signatures=trial.presented_signatures,
        resolved_timestamp=trial.timestamp,
        resolved_event_name=trial.event_name,
        resolved_dedup_id=trial.dedup_id,
        error=trial.error,
    )


METHODS: dict[str, tuple[type[Message], Method]] = {
    "CreateWebhookSource": (pb.CreateWebhookSourceRequest, create_source),
    "GetWebhookSource": (pb.GetWebhookSourceRequest, get_source),
    "ListWebhookSources": (pb.ListWebhookSourcesRequest, list_sources),
    "UpdateWebhookSource": (pb.UpdateWebhookSourceRequest, update_source),
    "RotateWebhookSecret": (pb.RotateWebhookSecretRequest, rotate_secret),
    "ExpireWebhookSecretPrev": (pb.ExpireWebhookSecretPrevRequest, expire_previous),
    "DisableWebhookSignatureVerification": (pb.DisableWebhookSignatureVerificationRequest, disable_verification),
    "RotateWebhookIngestToken": (pb.RotateWebhookIngestTokenRequest, rotate_token),
    "TestWebhookVerifyConfig": (pb.TestWebhookVerifyConfigRequest, test_verify_config),
    "DeleteWebhookSource": (pb.DeleteWebhookSourceRequest, delete_source),
    "ListWebhookDeliveries": (pb.ListWebhookDeliveriesRequest, list_deliveries),
    "PauseWebhookSource": (pb.PauseWebhookSourceRequest, pause_source),
    "ResumeWebhookSource": (pb.ResumeWebhookSourceRequest, resume_source),
    "GetWebhookDelivery": (pb.GetWebhookDeliveryRequest, get_delivery),
    "ReplayWebhookDelivery": (pb.ReplayWebhookDeliveryRequest, replay_delivery),
}


def source(row: WebhookSourceRow, now: int, *, token: str = "") -> pb.WebhookSource:
    """A source; its token only where it was made now."""
    descriptor = descriptors.read(row.descriptor)
    message = pb.WebhookSource(
        id=row.id,
        event_prefix=row.event_prefix,
        verify_header=descriptor.signature_header,
        verify_algorithm=descriptor.algorithm,
        source_type=row.source_type,
        created_at=convert.timestamp(row.created_at),
        updated_at=convert.timestamp(row.updated_at),
        verify_secret_set=bool(row.secret_id),
        name=row.name,
        verify_secret_prev_set=row.previous_until > now,
        ingest_token_prefix=row.token_prefix,
        ingest_token=token,
        verify_config=pb.WebhookVerifyConfig(**msgspec.structs.asdict(descriptor)),
        schema_version=row.schema_version,
        status=row.status,
        ingest_path=ingest_path(row.id, token) if token else "",
    )
    message.metadata.update(msgspec.json.decode(row.metadata))
    if row.previous_until > now:
        message.verify_secret_prev_expires_at.FromMicroseconds(row.previous_until)
    return message


def delivery(row: WebhookDeliveryRow) -> pb.WebhookDelivery:
    """A delivery as lists have it."""
    return pb.WebhookDelivery(
        id=row.id,
        source_id=row.source_id,
        external_id=row.external_id,
        status=row.status,
        event_id=row.event_id,
        error=row.error,
        created_at=convert.timestamp(row.received_at),
        signature_key=row.signature_key,
        event_name=row.event_name,
        code=row.code,
        replays=row.replays,
        body_bytes=row.body_bytes,
    )


def ingest_path(source_id: str, token: str) -> str:
    return f"/api/v1/webhooks/{source_id}/{token}"


def _captured(captured: Captured) -> pb.WebhookDelivery:
    message = delivery(captured.row)
    message.request_body = captured.body.decode(errors="replace")
    message.request_headers.update(captured.receipt.headers)
    for check in captured.receipt.verification.checks:
        message.checks.add(name=check.name, passed=check.passed, detail=check.detail)
    return message


def _source(services: Services, row: WebhookSourceRow) -> pb.WebhookSource:
    return source(row, services.clock.now_us())


def _descriptor(request: Any) -> Descriptor:
    """What the request describes: all of it, or only header and algorithm."""
    config = request.verify_config
    given = Descriptor(**{name: getattr(config, name) for name in Descriptor.__struct_fields__})
    header, algorithm = getattr(request, "verify_header", ""), getattr(request, "verify_algorithm", "")
    return msgspec.structs.replace(
        given,
        signature_header=given.signature_header or header,
        algorithm=given.algorithm or algorithm,
    )


def _check_page(limit: int, offset: int, limit_max: int) -> None:
    if not 0 <= limit <= limit_max or offset < 0:
        field = "limit" if offset >= 0 else "offset"
        raise InvalidArgument(f"{field} is out of range", field=field, hint=f"limit 1 to {limit_max}, offset from 0")
