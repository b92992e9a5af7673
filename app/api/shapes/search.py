"""What resembles a run, and what is found by id, text and nearness, as REST shows it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app import clock
from app.api.shapes.base import Instant, Shape, Text, given
from app.api.shapes.failures import FailureGroup, RepairResponse, group_shown, repairs_shown
from app.search.find import LIMIT_DEFAULT as FOUND_DEFAULT
from app.search.find import LIMIT_MAX as FOUND_MAX
from app.search.find import Found
from app.search.similar import LIMIT_DEFAULT as NEAR_DEFAULT
from app.search.similar import LIMIT_MAX as NEAR_MAX
from app.search.similar import Neighbour, SimilarRuns


class SimilarQuery(msgspec.Struct):
    limit: Annotated[int, Meta(ge=1, le=NEAR_MAX)] = NEAR_DEFAULT


class SearchQuery(msgspec.Struct):
    q: Annotated[str, Meta(description="an id or its beginning, part of a name or an error, or a message")]
    limit: Annotated[int, Meta(ge=1, le=FOUND_MAX, description="of each kind")] = FOUND_DEFAULT


class NeighbourResponse(Shape):
    """A failure of another run; `similarity` is 1 for the same."""

    run_id: str
    fingerprint: str
    function_id: str
    step: str
    message: str
    at: Instant
    run_status: str
    similarity: float


class SimilarResponse(Shape):
    """What the run's last failure resembles, and what helped before; `repairs_of` is the group they are of. `nearness`
    says how neighbours were found: exact, approximate (by an index) or scan, and `nearness_note` why not better."""

    run_id: str
    group: FailureGroup
    neighbours: list[NeighbourResponse]
    repairs: list[RepairResponse]
    nearness: str
    repairs_of: Text = UNSET
    nearness_note: Text = UNSET


class FoundResponse(Shape):
    """`kind` is run, event, function, failure, entry or stream; `via` is id, text or nearness."""

    kind: str
    id: str
    title: str
    via: str
    score: float
    status: Text = UNSET
    at: Instant | UnsetType = UNSET


class SearchResponse(Shape):
    """By id first, then by text, then by nearness."""

    q: str
    items: list[FoundResponse]


def similar_shown(found: SimilarRuns) -> SimilarResponse:
    return SimilarResponse(
        run_id=found.failure.run_id,
        group=group_shown(found.group),
        neighbours=[_neighbour(one) for one in found.neighbours],
        repairs=[repairs_shown(one) for one in found.repairs],
        repairs_of=given(found.repairs_of),
        nearness=found.how,
        nearness_note=given(found.why),
    )


def found_shown(found: Found) -> FoundResponse:
    return FoundResponse(
        kind=found.kind,
        id=found.id,
        title=found.title,
        via=found.via,
        status=given(found.status),
        at=clock.rfc3339(found.at) if found.at else UNSET,
        score=found.score,
    )


def _neighbour(one: Neighbour) -> NeighbourResponse:
    row = one.failure
    return NeighbourResponse(
        run_id=row.run_id,
        fingerprint=row.fingerprint,
        function_id=row.function_id,
        step=row.step,
        message=row.message,
        at=clock.rfc3339(row.failed_at),
        run_status=one.status,
        similarity=one.similarity,
    )
