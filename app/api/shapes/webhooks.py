"""Webhook sources and deliveries as REST shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app.api.shapes.base import Base64, Cursor, Instant, NextCursor, Shape, Text
from app.history.kinds import Descriptor
from app.history.kinds.base import empty
from app.webhooks.deliveries import LIMIT_DEFAULT, LIMIT_MAX

Provider = Annotated[str, Meta(description="github, stripe, slack, shopify or standard: what is known of a sender")]
Grace = Annotated[int, Meta(description="how long the secret before still counts; default a day, 0 not at all")]
Expected = Annotated[str, Meta(description="updated_at as it was read; refused if it is another by now")]


class CreateSourceBody(msgspec.Struct, forbid_unknown_fields=True):
    """`verify_config` says what `provider` does not, or otherwise."""

    name: str
    provider: Provider = ""
    event_prefix: Annotated[str, Meta(description="what names of events begin with; default the provider")] = ""
    verify_secret: Annotated[str, Meta(description="goes in and never comes out")] = ""
    verify_config: Descriptor = Descriptor()
    schema_version: int = 1
    metadata: msgspec.Raw = msgspec.field(default_factory=empty)


class UpdateSourceBody(msgspec.Struct, forbid_unknown_fields=True):
    """What becomes different; what is left out stays."""

    name: str | None = None
    event_prefix: str | None = None
    verify_config: Descriptor | None = None
    schema_version: int | None = None
    metadata: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    expected_updated_at: Expected = ""


class RotateSecretBody(msgspec.Struct, forbid_unknown_fields=True):
    verify_secret: str
    grace_seconds: Grace | None = None
    expected_updated_at: Expected = ""


class DisableBody(msgspec.Struct, forbid_unknown_fields=True):
    grace_seconds: Grace | None = None
    expected_updated_at: Expected = ""


class ExpectedBody(msgspec.Struct, forbid_unknown_fields=True):
    expected_updated_at: Expected = ""


class ListDeliveriesQuery(msgspec.Struct):
    source: Annotated[str, Meta(description="id or name of a source")] = ""
    status: Annotated[str, Meta(description="accepted, held, failed or rejected")] = ""
    limit: Annotated[int, Meta(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT
    cursor: Cursor = ""


class PauseBody(msgspec.Struct, forbid_unknown_fields=True):
    reason: Annotated[str, Meta(description="kept in history")] = ""


class TestSourceBody(msgspec.Struct, forbid_unknown_fields=True):
    deliver: Annotated[bool, Meta(description="record it, and make an event of it, which starts what it starts")] = (
        False
    )


class SourceActivity(Shape):
    """What came in the last 24 hours, and when the last came. `failed` were refused, or no event could be made of them;
    unless `exact`, only the newest of the environment were counted."""

    deliveries: int
    failed: int
    exact: bool
    last_at: Instant | UnsetType = UNSET
    last_status: Text = UNSET


class SourceResponse(Shape):
    """A source. Its token, and the path to deliver to, are told once: in the answer that made them."""

    id: str
    name: str
    source_type: str
    event_prefix: str
    status: Annotated[str, Meta(description="active or paused")]
    verify_config: Descriptor
    verify_secret_set: bool
    verify_secret_prev_set: bool
    schema_version: int
    metadata: msgspec.Raw
    ingest_token_prefix: str
    created_at: Instant
    updated_at: Instant
    verify_secret_prev_expires_at: Instant | UnsetType = UNSET
    ingest_token: Text = UNSET
    ingest_path: Text = UNSET
    activity: Annotated[SourceActivity, Meta(description="in lists")] | UnsetType = UNSET


class ListSourcesResponse(Shape):
    """Every source, in the order in which they were made."""

    sources: list[SourceResponse]
    total_count: int


class DeliveryResponse(Shape):
    """A delivery as lists have it."""

    id: str
    source_id: str
    external_id: Annotated[str, Meta(description="the sender's id of it")]
    status: Annotated[str, Meta(description="accepted, held, failed or rejected")]
    signature_key: Annotated[str, Meta(description="which secret fits: current, prev, none or invalid")]
    event_id: str
    event_name: str
    body_bytes: int
    replays: int
    created_at: Instant
    code: Text = UNSET
    error: Text = UNSET


class ListDeliveriesResponse(Shape):
    """Deliveries, newest first."""

    deliveries: list[DeliveryResponse]
    next_cursor: NextCursor = UNSET


class CheckResponse(Shape):
    """One thing that was looked at."""

    name: str
    passed: bool
    detail: str


class CapturedResponse(DeliveryResponse, kw_only=True):
    """A delivery with what it came with, and what was looked at to verify it."""

    checks: list[CheckResponse]
    request_headers: Mapping[str, str]
    request_body: Annotated[str, Meta(description="as text")]
    request_body_base64: Base64 | UnsetType = UNSET
    body_cut: Annotated[bool, Meta(description="whether not all of the body was kept")] = False


class ReceivedResponse(Shape):
    """What became of what was delivered."""

    status: Annotated[str, Meta(description="accepted or held")]
    delivery_id: str
    duplicate: bool
    event_id: Text = UNSET


class ReplayedResponse(Shape):
    """The event that was made of a delivery."""

    delivery_id: str
    event_id: str
    event_name: str


class TriedResponse(Shape):
    """A delivery that was made up: what was looked at, and what it would be called. Its signature is not told. One that
    was delivered has `status`, `delivery_id` and `event_id`."""

    verified: bool
    signature_key: Annotated[str, Meta(description="which secret fits: current, prev, none or invalid")]
    checks: list[CheckResponse]
    event_name: str
    external_id: str
    request_headers: Mapping[str, str]
    request_body: str
    error: Text = UNSET
    status: Text = UNSET
    delivery_id: Text = UNSET
    event_id: Text = UNSET
