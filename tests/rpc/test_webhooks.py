"""WebhookService over gRPC, from outside."""

from __future__ import annotations

from typing import Any

import grpc
import httpx
import pytest

from ironflow.v1 import webhook_pb2 as pb
from ironflow.v1 import webhook_pb2_grpc
from tests.support import signing

BODY = b'{"action":"opened"}'


def test_sources_and_deliveries(channel: grpc.Channel, environment: str, http: httpx.Client) -> None:
    stub: Any = webhook_pb2_grpc.WebhookServiceStub(channel)
    metadata = [("x-ironflow-environment-id", environment)]
    made = stub.CreateWebhookSource(
        pb.CreateWebhookSourceRequest(name="repo", provider="github", verify_secret="s"), metadata=metadata
    )

    assert (made.source_type, made.verify_config.tolerance_seconds, made.schema_version) == ("github", 0, 1)
    headers = signing.github("s", BODY, event="issues", delivery="1")
    assert (
        httpx.post(f"{http.base_url}{made.ingest_path}", content=BODY, headers=headers, timeout=30).status_code == 200
    )
    listed = stub.ListWebhookDeliveries(pb.ListWebhookDeliveriesRequest(source_id=made.id), metadata=metadata)
    assert (listed.total_count, listed.deliveries[0].event_name) == (1, "github.issues.opened")
    found = stub.GetWebhookDelivery(pb.GetWebhookDeliveryRequest(id=listed.deliveries[0].id), metadata=metadata)
    assert found.request_headers["x-github-event"] == "issues"
    for request, status in (
        (pb.UpdateWebhookSourceRequest(id=made.id, name="x"), grpc.StatusCode.ABORTED),
        (pb.UpdateWebhookSourceRequest(id="wh_none", name="x"), grpc.StatusCode.NOT_FOUND),
    ):
        request.expected_updated_at.FromMicroseconds(1)
        with pytest.raises(grpc.RpcError) as refused:
            stub.UpdateWebhookSource(request, metadata=metadata)
        told: Any = refused.value
        assert told.code() == status
    with pytest.raises(grpc.RpcError) as refused:
        stub.ListWebhookSources(pb.ListWebhookSourcesRequest(limit=-1), metadata=metadata)
    invalid: Any = refused.value
    assert invalid.code() == grpc.StatusCode.INVALID_ARGUMENT
