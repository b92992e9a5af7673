"""/api/v1/demo: the runs of `ironflow demo`, made by the server of somebody who develops."""

from __future__ import annotations

from collections.abc import Sequence

import falcon.asgi

from app.api.answers import answer
from app.api.caller import environment_of
from app.api.parameters import query_of
from app.api.services import Answer, Operation, Route, Services
from app.api.shapes.demo import DemoQuery, DemoResponse, demo_shown


class DemoData:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        wait_s = query_of(req, DemoQuery).wait
        answer(resp, demo_shown(await self._services.demo().until_settled(environment_of(req), wait_s)))

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        demo, environment = self._services.demo(), environment_of(req)
        demo.start(environment)
        answer(resp, demo_shown(demo.told(environment)), 202)


def routes(services: Services) -> Sequence[Route]:
    read = Operation(
        "How far the loading of the demo's runs is",
        {200: Answer("it", DemoResponse)},
        query=DemoQuery,
        permission="environments:read",
    )
    load = Operation(
        "Load the demo's runs: `ironflow demo` as a process of the server, whose worker stays until it is drained. "
        "Nothing more happens where it is at work already",
        {
            202: Answer("it began", DemoResponse),
            409: "it is at work in another environment",
            412: "the server is not one for development (--dev), or the environment is production's",
        },
        permission="environments:manage",
    )
    return [Route("/api/v1/demo", DemoData(services), {"GET": read, "POST": load})]
