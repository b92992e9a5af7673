"""Redactions as REST takes and shows them."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app.api.shapes.base import Shape


class RedactBody(msgspec.Struct, forbid_unknown_fields=True):
    reason: Annotated[str, Meta(description="why; kept in history")]


class RedactedResponse(Shape, kw_only=True):
    """What lost its payload, for good."""

    redacted: Annotated[int, Meta(description="entries of history; 0: nothing was left")]
    rebuilding: Annotated[list[str], Meta(description="projections that are folded anew")]
    event_id: (
        Annotated[str, Meta(description="the run's event, which started other runs too, and stays")] | UnsetType
    ) = UNSET
