"""/api/v1/failures and /api/v1/search: failures by their cause, what resembles a run, and anything by id or text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import falcon.asgi
import msgspec

from app.api.answers import answer, body_of, decoded
from app.api.caller import Caller, caller_of, environment_of
from app.api.parameters import instant, query_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.base import given
from app.api.shapes.failures import (
    AssignFailureBody,
    DecideFailureBody,
    FailureDetail,
    FailureGroup,
    ListFailuresQuery,
    ListFailuresResponse,
    MergeFailureBody,
    MuteFailureBody,
    SplitFailureBody,
    detail_shown,
    group_shown,
)
from app.api.shapes.search import (
    SearchQuery,
    SearchResponse,
    SimilarQuery,
    SimilarResponse,
    found_shown,
    similar_shown,
)
from app.durations import parse_duration
from app.errors import InvalidArgument
from storage.failures import GroupChoice

_decide = msgspec.json.Decoder(DecideFailureBody)
_mute = msgspec.json.Decoder(MuteFailureBody)
_assign = msgspec.json.Decoder(AssignFailureBody)
_merge = msgspec.json.Decoder(MergeFailureBody)
_split = msgspec.json.Decoder(SplitFailureBody)


ME = "me"


class Failures:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        now = self._services.clock.now_us()
        query = query_of(req, ListFailuresQuery)
        chosen = GroupChoice(
            function_id=query.function_id,
            step=query.step,
            error_type=query.error_type,
            search=query.search,
            since=instant(query.since, 0, now=now, field="since"),
            until=instant(query.until, 2**62, now=now, field="until"),
            status=query.status,
            assignee=query.assignee,
        )
        groups = self._services.search.groups
        page = await groups.list(environment_of(req), chosen, limit=query.limit, cursor=query.cursor)
        content = ListFailuresResponse(
            failures=[group_shown(group) for group in page.groups], next_cursor=given(page.next_cursor)
        )
        answer(resp, content)


class Failure:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, fingerprint: str) -> None:
        answer(resp, detail_shown(await self._services.search.groups.get(environment_of(req), fingerprint)))


class Decide:
    """Resolve, mute, reopen or assign a group, merge it into another or split it; the answer is the group as it is."""

    def __init__(self, services: Services, verb: str) -> None:
        self._services = services
        self._verb = verb

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, fingerprint: str) -> None:
        caller, search = caller_of(req), self._services.search
        caller.about(f"failure/{fingerprint}")
        of, told = (caller.environment, fingerprint), await body_of(req)
        match self._verb:
            case "resolve":
                await search.marks.resolve(*of, reason=decoded(_decide, told).reason, actor=caller.actor)
            case "reopen":
                await search.marks.reopen(*of, reason=decoded(_decide, told).reason, actor=caller.actor)
            case "assign":
                assign: AssignFailureBody = decoded(_assign, told)
                assignee = _me(caller) if assign.assignee == ME else assign.assignee
                await search.marks.assign(*of, assignee=assignee, reason=assign.reason, actor=caller.actor)
            case "merge":
                merge: MergeFailureBody = decoded(_merge, told)
                caller.about(f"failure/{merge.into}")
                await search.merging.merge(*of, into=merge.into, reason=merge.reason, actor=caller.actor)
                of = (caller.environment, merge.into)
            case "split":
                split: SplitFailureBody = decoded(_split, told)
                for one in split.fingerprints:
                    caller.about(f"failure/{one}")
                await search.merging.split(*of, split.fingerprints, reason=split.reason, actor=caller.actor)
            case verb:
                assert verb == "mute"
                body: MuteFailureBody = decoded(_mute, told)
                duration_us = parse_duration(body.duration) if body.duration else 0
                await search.marks.mute(*of, reason=body.reason, duration_us=duration_us, actor=caller.actor)
        answer(resp, group_shown(await search.groups.one(*of)))


def _me(caller: Caller) -> str:
    """Raises InvalidArgument where nobody is asked who they are."""
    if not caller.actor:
        raise InvalidArgument("nobody knows who you are here", field="assignee", hint="name somebody")
    return caller.actor


class Similar:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, run_id: str) -> None:
        environment = environment_of(req)
        limit = query_of(req, SimilarQuery).limit
        answer(resp, similar_shown(await self._services.search.similar.of_run(environment, run_id, limit=limit)))


class Search:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        query = query_of(req, SearchQuery)
        found = await self._services.search.finder.search(environment_of(req), query.q, limit=query.limit)
        answer(resp, SearchResponse(q=query.q, items=[found_shown(one) for one in found]))


def routes(services: Services) -> Sequence[Route]:
    groups = Operation(
        "Failures by their most likely cause, those that failed last first",
        {200: Answer("a page of groups", ListFailuresResponse)},
        query=ListFailuresQuery,
        permission="runs:read",
    )
    group = Operation(
        "One group of failures: versions, what differs from successes, past repairs",
        {200: Answer("the group", FailureDetail), 404: "no failure has that fingerprint"},
        permission="runs:read",
    )
    missing = {404: "no failure has that fingerprint"}
    why = {"reason": "mended in version 7"}

    def decide(summary: str, body: Body, refusals: Mapping[int, str] | None = None) -> Operation:
        return Operation(
            summary,
            {200: Answer("the group", FailureGroup), **missing, **(refusals or {})},
            body=body,
            permission="failures:manage",
        )

    resolve = decide("Resolve a group until a newer version of the function fails so", Body(DecideFailureBody, why))
    mute = decide("Mute a group, for a while or for good", Body(MuteFailureBody, {**why, "duration": "7d"}))
    reopen = decide("Open a group that was resolved or muted", Body(DecideFailureBody, why))
    assign = decide(
        "Say who looks after a group, whatever was decided of it",
        Body(AssignFailureBody, {"assignee": "ada@example.com", "reason": "she knows the bank"}),
    )
    merge = decide(
        "Merge a group into another of the same function, with what comes later too; the answer is that one",
        Body(MergeFailureBody, {"reason": "one outage", "into": "455006c1e54f3802"}),
    )
    split = decide(
        "Give fingerprints that were merged into a group groups of their own again",
        Body(SplitFailureBody, {"reason": "another cause after all", "fingerprints": ["455006c1e54f3802"]}),
        {409: "it was split meanwhile", 412: "nothing was merged into it"},
    )
    similar = Operation(
        "What the run's last failure resembles, and what helped before",
        {200: Answer("group, neighbours, repairs", SimilarResponse), 404: "there is no such run, or it has not failed"},
        query=SimilarQuery,
        permission="runs:read",
    )
    search = Operation(
        "Events, runs, functions and failures by id, text and nearness",
        {200: Answer("what was found", SearchResponse)},
        query=SearchQuery,
        permission="runs:read",
    )
    return [
        Route("/api/v1/failures", Failures(services), {"GET": groups}),
        Route("/api/v1/failures/{fingerprint}", Failure(services), {"GET": group}),
        Route("/api/v1/failures/{fingerprint}/resolve", Decide(services, "resolve"), {"POST": resolve}),
        Route("/api/v1/failures/{fingerprint}/mute", Decide(services, "mute"), {"POST": mute}),
        Route("/api/v1/failures/{fingerprint}/reopen", Decide(services, "reopen"), {"POST": reopen}),
        Route("/api/v1/failures/{fingerprint}/assign", Decide(services, "assign"), {"POST": assign}),
        Route("/api/v1/failures/{fingerprint}/merge", Decide(services, "merge"), {"POST": merge}),
        Route("/api/v1/failures/{fingerprint}/split", Decide(services, "split"), {"POST": split}),
        Route("/api/v1/runs/{run_id}/similar", Similar(services), {"GET": similar}),
        Route("/api/v1/search", Search(services), {"GET": search}),
    ]
