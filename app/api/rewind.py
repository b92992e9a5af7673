"""/api/v1/runs/…: plan a change of a run's past, patch, inject, undo; fork, replay, and the tree of what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import falcon.asgi
import msgspec

from app.api.answers import answer, body_of, decoded
from app.api.asking import HEADERS, request_of
from app.api.caller import caller_of, environment_of
from app.api.conditions import tagged
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.base import given
from app.api.shapes.rewind import (
    CorrectionResponse,
    ForkBody,
    InjectBody,
    LineageResponse,
    PatchBody,
    PausedStateResponse,
    PlanBody,
    PlanResponse,
    ReplayBody,
    ReplayedEvent,
    ReplayEventsBody,
    ReplayEventsResponse,
    StepPatchBody,
    UndoBody,
    correction_shown,
    fork_wish,
    lineage_shown,
    paused_shown,
    plan_shown,
    planned_wish,
)
from app.api.shapes.runs import RunResponse, StepResponse, run_shown, step_shown
from app.errors import FailedPrecondition
from app.events.replaying import Range
from app.runs import forks, rewind
from storage import history

READ = "runs:read"

_plan = msgspec.json.Decoder(PlanBody)
_patch = msgspec.json.Decoder(PatchBody)
_step_patch = msgspec.json.Decoder(StepPatchBody)
_inject = msgspec.json.Decoder(InjectBody)
_undo = msgspec.json.Decoder(UndoBody)
_CORRECTIONS: dict[str, msgspec.json.Decoder[Any]] = {"patch": _patch, "inject": _inject, "undo": _undo}
_fork = msgspec.json.Decoder(ForkBody)
_replay_events = msgspec.json.Decoder(ReplayEventsBody)
_replay = msgspec.json.Decoder(ReplayBody)


class Plan:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, run_id: str) -> None:
        environment = environment_of(req)
        body: PlanBody = decoded(_plan, await body_of(req))
        wish = planned_wish(body)
        if isinstance(wish, forks.Wish):
            plan = await self._services.forks.plan(environment, run_id, wish)
        else:
            plan = await self._services.rewind.plan(environment, run_id, wish)
        tagged(resp, plan.version)
        answer(resp, plan_shown(plan))


class Correct:
    """`verb` is patch, inject or undo."""

    def __init__(self, services: Services, verb: str) -> None:
        self._services = services
        self._verb = verb

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, run_id: str, step: str) -> None:
        environment = environment_of(req)
        body: Any = decoded(_CORRECTIONS[self._verb], await body_of(req))
        wish = rewind.Wish(
            self._verb,
            step,
            getattr(body, "output", msgspec.Raw(b"null")),
            getattr(body, "type", ""),
            resume=body.resume,
            from_step=getattr(body, "from_step", ""),
        )
        if wish.resume or wish.from_step:
            caller_of(req).also("runs:resume", f"run/{run_id}")
        request = request_of(req, body.reason, body.expected_version)
        corrected = await self._services.rewind.correct(environment, run_id, wish, request)
        tagged(resp, corrected.run.state.version)
        answer(resp, correction_shown(corrected))


class PatchStep:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        body: StepPatchBody = decoded(_step_patch, await body_of(req))
        run_id = body.step_id.partition(":")[0]
        caller_of(req).about(f"run/{run_id}")
        wish = rewind.Wish("patch", body.step_id, body.output)
        corrected = await self._services.rewind.correct(environment_of(req), run_id, wish, request_of(req, body.reason))
        assert corrected.step is not None, "the run was not resumed"
        answer(resp, step_shown(run_id, corrected.step))


class PausedState:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, run_id: str) -> None:
        environment = environment_of(req)
        run = await self._services.runs.get(environment, run_id)
        if run.state.status != "paused":
            raise FailedPrecondition(f"{run_id} is {run.state.status}, not paused")
        tagged(resp, run.state.version)
        answer(resp, paused_shown(run, await self._services.rewind.next_step(environment, run)))


class Fork:
    """`replay` begins with nothing but the event."""

    def __init__(self, services: Services, *, replay: bool) -> None:
        self._services = services
        self._replay = replay

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, run_id: str) -> None:
        environment = environment_of(req)
        body: Any = decoded(_replay if self._replay else _fork, await body_of(req))
        wish = forks.REPLAY if self._replay else fork_wish(body)
        request = request_of(req, body.reason, body.expected_version)
        new_id = await self._services.forks.fork(environment, run_id, wish, request)
        resp.set_header("Location", f"/api/v1/runs/{new_id}")
        answer(resp, run_shown(await self._services.runs.get(environment, new_id)), status=201)


class ReplayEvents:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        body: ReplayEventsBody = decoded(_replay_events, await body_of(req))
        chosen = Range(body.after, body.until or history.END, body.events, body.filter)
        caller_of(req).also("functions:invoke", f"function/{body.function_id}")
        request = request_of(req, body.reason)
        told = await self._services.replaying.replay(
            environment_of(req), body.function_id, chosen, request, dry_run=body.dry_run
        )
        runs = [ReplayedEvent(event_id=event_id, run_id=run_id) for event_id, run_id in told.runs.items()]
        content = ReplayEventsResponse(
            dry_run=body.dry_run, matched=told.matched, runs=runs, next_after=given(told.next_after)
        )
        answer(resp, content)


class Lineage:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, run_id: str) -> None:
        environment = environment_of(req)
        answer(resp, lineage_shown(run_id, await self._services.forks.lineage(environment, run_id)))


def routes(services: Services) -> Sequence[Route]:
    of_run = "/api/v1/runs/{run_id}"
    of_step = f"{of_run}/steps/{{step}}"
    refused: dict[int, str | Answer] = {404: "no such run or step", 412: "not in its state, or not at that version"}
    corrected = {200: Answer("the run and the step", CorrectionResponse), **refused}
    made = {201: Answer("the new run", RunResponse), **refused}
    why = "the gateway answered in the wrong currency"
    output = {"id": "ch_1", "currency": "EUR"}

    def change(
        summary: str, answers: dict[int, str | Answer], kind: Any, example: Any, verb: str = "patch"
    ) -> dict[str, Operation]:
        body = Body(kind, example)
        return {"POST": Operation(summary, answers, body=body, headers=HEADERS, permission=f"runs:{verb}")}

    patch = change(
        "Give a step of a paused or failed run another output",
        corrected,
        PatchBody,
        {"output": output, "reason": why, "resume": True},
    )
    inject = change(
        "Give a step of a paused run an output, also one that it has not come to",
        corrected,
        InjectBody,
        {"output": output, "reason": why},
        "inject",
    )
    undo = change("Undo the last correction of a step", corrected, UndoBody, {"reason": "it was the other order"})
    step_patch = change(
        "Give a step another output, by its id",
        {200: Answer("the step", StepResponse), **refused},
        StepPatchBody,
        {"step_id": "run_0123456789abcdefghjkmnpqrs:charge:0", "output": output, "reason": why},
    )
    fork = change(
        "A new run that shares a part of this one's history",
        made,
        ForkBody,
        {"from_step": "ship", "patches": {"charge": output}, "reason": why},
        "fork",
    )
    replay = change("A new run with the same input", made, ReplayBody, {"reason": "after the deployment"}, "replay")
    plan = Operation(
        "What a patch, injection, resumption, fork or replay would lead to",
        {200: Answer("what becomes of each step", PlanResponse), **refused},
        body=Body(PlanBody, {"action": "patch", "step": "charge", "output": output}),
        permission=READ,
    )
    events = Operation(
        "Give recorded events to a function, a run for each",
        {200: Answer("the runs", ReplayEventsResponse), 404: "there is no such function"},
        body=Body(ReplayEventsBody, {"function_id": "ship-order", "after": 0, "events": "order.>", "dry_run": True}),
        headers={"Idempotency-Key": HEADERS["Idempotency-Key"]},
        permission="runs:replay",
    )
    paused = Operation(
        "A paused run with its steps, and what comes next",
        {200: Answer("its state", PausedStateResponse), 404: "there is no such run", 412: "it is not paused"},
        permission=READ,
    )
    lineage = Operation(
        "The tree of forks and replays that a run is in",
        {200: Answer("the tree", LineageResponse), 404: "there is no such run"},
        permission=READ,
    )
    return [
        Route(f"{of_run}/plan", Plan(services), {"POST": plan}),
        Route(f"{of_step}/patch", Correct(services, "patch"), patch),
        Route(f"{of_step}/inject", Correct(services, "inject"), inject),
        Route(f"{of_step}/undo", Correct(services, "undo"), undo),
        Route("/api/v1/steps/patch", PatchStep(services), step_patch),
        Route(f"{of_run}/paused-state", PausedState(services), {"GET": paused}),
        Route(f"{of_run}/fork", Fork(services, replay=False), fork),
        Route(f"{of_run}/replay", Fork(services, replay=True), replay),
        Route("/api/v1/events/replay", ReplayEvents(services), {"POST": events}),
        Route(f"{of_run}/lineage", Lineage(services), {"GET": lineage}),
    ]
