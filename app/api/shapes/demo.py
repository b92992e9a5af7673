"""The data of the demo as REST tells of them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta

from app.api.shapes.base import Shape, Text, given
from app.demo import Told

WAIT_S_MAX = 60.0


class DemoQuery(msgspec.Struct):
    wait: Annotated[float, Meta(ge=0, le=WAIT_S_MAX, description="seconds to hold the answer while it is loaded")] = 0.0


class DemoRunResponse(Shape):
    id: str
    function_id: str
    about: Annotated[str, Meta(description="what there is to see of it")]


class DemoResponse(Shape, kw_only=True):
    """How far the demo is in this environment. `line` is the last thing that it said."""

    state: Literal["idle", "running", "done", "failed"]
    line: Text = UNSET
    runs: list[DemoRunResponse]
    working: Annotated[bool, Meta(description="its worker is there, or will be")]
    barred: Annotated[Text, Meta(description="why it cannot be begun; left out if it can")] = UNSET


def demo_shown(told: Told) -> DemoResponse:
    return DemoResponse(
        state=told.state,
        line=given(told.line),
        runs=[DemoRunResponse(id=one.id, function_id=one.function_id, about=one.about) for one in told.runs],
        working=told.works,
        barred=given(told.barred),
    )
