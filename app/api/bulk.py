"""/api/v1/runs/bulk: do one thing to the runs that a filter chooses, at once; with dry_run, only say which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import falcon.asgi
import msgspec
from msgspec import UNSET

from app.api.answers import answer, body_of, decoded
from app.api.asking import request_of, via_of
from app.api.caller import caller_of
from app.api.runs import filter_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.bulk import ManyRuns
from app.api.shapes.runs import BulkResponse, MadeRun, RefusedRun, row_shown
from app.errors import InvalidArgument
from app.runs.asking import Request
from app.runs.bulk import SHOWN_MAX, Chosen, Outcome
from app.runs.listing import COUNT_MAX, RunFilter


class BulkRequest(ManyRuns, kw_only=True):
    """The filter, as a list of runs takes it, or ids instead; and what is to be done: `add` and `remove` are tags,
    `compensate` and `detached` are for cancel. Instants: RFC 3339, or such as 15m."""

    dry_run: bool = False


_decoder = msgspec.json.Decoder(BulkRequest)


class Bulk:
    """`verb` is cancel, pause, resume, replay, fork or tag."""

    def __init__(self, services: Services, verb: str) -> None:
        self._services = services
        self._verb = verb

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        caller = caller_of(req)
        body: BulkRequest = decoded(_decoder, await body_of(req) or b"{}")
        now = self._services.clock.now_us()
        chosen = chosen_of(body, now)
        for run_id in body.run_ids:
            caller.about(f"run/{run_id}")
        bulk = self._services.bulk

        def asks(run_id: str) -> None:
            caller.about(f"run/{run_id}")

        common: dict[str, Any] = {"dry_run": body.dry_run, "actor": caller.actor, "asks": asks}
        match self._verb:
            case "cancel":
                outcome = await bulk.cancel(
                    caller.environment,
                    chosen,
                    reason=body.reason,
                    compensate=body.compensate,
                    detached=body.detached,
                    **common,
                )
            case "pause":
                outcome = await bulk.pause(caller.environment, chosen, reason=body.reason, **common)
            case "replay" | "fork":
                request = request_of(req, body.reason)
                make = bulk.replay if self._verb == "replay" else bulk.fork
                outcome = await make(caller.environment, chosen, dry_run=body.dry_run, request=request, asks=asks)
            case "tag":
                outcome = await bulk.tag(
                    caller.environment,
                    chosen,
                    dry_run=body.dry_run,
                    request=Request(body.reason, caller.actor, via=via_of(req)),
                    add=body.add,
                    remove=body.remove,
                    asks=asks,
                )
            case _:
                outcome = await bulk.resume(caller.environment, chosen, reason=body.reason, **common)
        answer(resp, _told(outcome, dry_run=body.dry_run))


def chosen_of(body: ManyRuns, now: int) -> Chosen:
    """The runs that a body names, or the filter that it has. Raises InvalidArgument for both."""
    chosen = filter_of(body, now)
    if not body.run_ids:
        return chosen
    if chosen != RunFilter():
        raise InvalidArgument("run_ids and a filter exclude each other", field="run_ids", hint="give one of them")
    return body.run_ids


def _told(outcome: Outcome, *, dry_run: bool) -> BulkResponse:
    return BulkResponse(
        dry_run=dry_run,
        matched=outcome.matched,
        changed=outcome.changed,
        more=outcome.more,
        runs=[row_shown(row) for row in outcome.shown],
        made=[MadeRun(run_id=new, replays=old) for old, new in outcome.made.items()][:SHOWN_MAX],
        refused=[RefusedRun(run_id=run_id, **error.body()) for run_id, error in outcome.refused],
        excluded=UNSET if outcome.excluded is None else outcome.excluded,
    )


def routes(services: Services) -> Sequence[Route]:
    told = f"how many matched (at most {COUNT_MAX}) and were changed, and the first of them"
    chosen_by_verb = {
        "cancel": "waiting,paused",
        "pause": "running,waiting",
        "resume": "paused,failed",
        "replay": "failed",
        "fork": "failed",
        "tag": "failed",
    }
    return [
        Route(
            f"/api/v1/runs/bulk/{verb}",
            Bulk(services, verb),
            {
                "POST": Operation(
                    f"{verb.capitalize()} the runs that a filter chooses",
                    {200: Answer(told, BulkResponse), 400: "refused"},
                    body=Body(
                        BulkRequest,
                        {
                            "function_id": "ship-order",
                            "status": chosen,
                            "since": "1h",
                            "dry_run": True,
                            **({"add": ["looked-at"]} if verb == "tag" else {}),
                        },
                        required=False,
                    ),
                    permission=f"runs:{verb}",
                )
            },
        )
        for verb, chosen in chosen_by_verb.items()
    ]
