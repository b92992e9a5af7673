"""Breakpoints as REST shows them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from app import clock
from app.api.shapes.base import Instant, Shape, Text, given
from app.runs.breakpoints import TTL_S_DEFAULT, TTL_S_MAX
from app.runs.holding import Breakpoint

Ttl = Annotated[float, Meta(ge=1, le=TTL_S_MAX, description="seconds until it is over, unless it is renewed")]


class CreateBreakpointBody(msgspec.Struct, forbid_unknown_fields=True):
    """For one run, or for all of a function."""

    run_id: str = ""
    function_id: str = ""
    step: Annotated[str, Meta(description="a glob over names of steps")] = "*"
    place: Annotated[Literal["before", "after"], Meta(description="where it holds a run")] = "after"
    condition: Annotated[str, Meta(description="CEL over step and run; empty for always")] = ""
    owner: Annotated[str, Meta(description="who set it, for people")] = ""
    ttl_s: Ttl = TTL_S_DEFAULT


class RenewBreakpointBody(msgspec.Struct, forbid_unknown_fields=True):
    ttl_s: Ttl = TTL_S_DEFAULT


class BreakpointResponse(Shape):
    """A lease: it holds runs until it expires."""

    id: str
    step: str
    place: Literal["before", "after"]
    created_at: Instant
    expires_at: Instant
    run_id: Text = msgspec.UNSET
    function_id: Text = msgspec.UNSET
    condition: Text = msgspec.UNSET
    owner: Text = msgspec.UNSET


class ListBreakpointsResponse(Shape):
    """Those whose lease is not over, the oldest first."""

    breakpoints: list[BreakpointResponse]


def breakpoint_shown(made: Breakpoint) -> BreakpointResponse:
    return BreakpointResponse(
        id=made.id,
        step=made.step,
        place=made.place,
        created_at=clock.rfc3339(made.created_at),
        expires_at=clock.rfc3339(made.expires_at),
        run_id=given(made.run_id),
        function_id=given(made.function_id),
        condition=given(made.condition),
        owner=given(made.owner),
    )
