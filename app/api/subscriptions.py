"""/api/v1/subscribe: events as they happen, as server-sent events, resumed by their ids; and /api/v1/subscriptions: who
follows, by whatever face."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import nlargest
from typing import NamedTuple

import falcon.asgi
from msgspec import UNSET

from app import clock
from app.api import live
from app.api.answers import answer
from app.api.caller import caller_of, environment_of
from app.api.live import FOLLOWING
from app.api.once import Once
from app.api.parameters import query_of
from app.api.services import Answer, Operation, Route, Services
from app.api.shapes.base import given
from app.api.shapes.subscriptions import (
    DeliveredEvent,
    Gap,
    ListSubscriptionsQuery,
    ListSubscriptionsResponse,
    Status,
    StreamError,
    SubscribeQuery,
    SubscriptionShape,
    event_shown,
)
from app.api.subscribers import subscriber
from app.bus.members import Member
from app.events.group import Group
from app.events.subscriptions import Wanted
from app.history.live import Policy, Subscription
from app.history.subscriber import Subscriber

_frame = Once(lambda entry: live.frame(event_shown(entry), entry.position))


class Subscribe:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        query = query_of(req, SubscribeQuery)
        resumed, caller = live.last_seen(req), caller_of(req)
        patterns = tuple(req.get_param_as_list("pattern") or ())
        for pattern in patterns:
            caller.about(f"event/{pattern}")
        wanted = Wanted(
            caller.environment,
            patterns,
            filter=query.filter,
            # A browser that connects again asks as it did at first, and tells the last id beside.
            after=query.after if resumed is None else resumed,
            since=query.since if resumed is None else "",
            replay=query.replay if resumed is None else 0,
            policy=query.backpressure,
        )
        by, sees = subscriber(self._services, caller, "sse"), self._services.door.sight(caller)
        live.send_frames(resp, await self._services.subscriptions.open(wanted, sees, by=by), _frame)


class Subscriptions:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        query = query_of(req, ListSubscriptionsQuery)
        found = [one for one in self._connected(environment_of(req)) if _fits(one, query)]
        rest = (one for one in found if not query.cursor or one.by.id < query.cursor)
        page = nlargest(query.limit + 1, rest, key=lambda one: one.by.id)
        content = ListSubscriptionsResponse(
            node=self._services.nodes.id,
            subscriptions=[_shown(one, self._services.live.head) for one in page[: query.limit]],
            total=len(found),
            next_cursor=page[query.limit - 1].by.id if len(page) > query.limit else UNSET,
        )
        answer(resp, content)

    def _connected(self, environment: str) -> Iterator[_Connected]:
        services = self._services
        for one in services.live:
            if one.by is not None and one.interest.environment == environment:
                yield _Connected(one.by, one, "catching_up" if one.catching_up else "live", one.interest.asked)
        for member in services.bus.groups:
            group = services.groups.known(member.environment, member.group)
            if member.by is not None and group is not None and member.environment == environment:
                status: Status = "paused" if member.paused else "live"
                yield _Connected(member.by, member, status, (group.settings.pattern,), group)


class _Connected(NamedTuple):
    """Somebody, and by what they follow: a member of the group, if there is one."""

    by: Subscriber
    following: Subscription | Member
    status: Status
    patterns: tuple[str, ...]
    group: Group | None = None


_POLICIES = {Policy.CATCH_UP: "buffer", Policy.DROP: "drop", Policy.DISCONNECT: "disconnect"}


def _fits(one: _Connected, query: ListSubscriptionsQuery) -> bool:
    by, group = one.by, one.group.name if one.group is not None else ""
    if query.transport not in ("", by.transport) or query.status not in ("", one.status):
        return False
    if query.group not in ("", group):
        return False
    return not query.q or any(query.q in text for text in (*one.patterns, group, by.id, by.actor, by.address))


def _shown(one: _Connected, head: int) -> SubscriptionShape:
    by, following, group = one.by, one.following, one.group
    shown = SubscriptionShape(
        id=by.id,
        actor=by.actor,
        address=by.address,
        transport=by.transport,
        patterns=list(one.patterns),
        policy="",
        status=one.status,
        buffered=following.buffered,
        dropped=0,
        since=clock.rfc3339(by.since),
    )
    if isinstance(following, Member):
        assert group is not None
        shown.policy, shown.filter, shown.group = group.settings.backpressure, given(group.settings.filter), group.name
        shown.inflight = len(following.inflight)
    else:
        shown.policy, shown.filter = _POLICIES[following.policy], given(following.interest.filter)
        shown.dropped, shown.position = following.dropped, following.position
        shown.lag = max(0, head - following.position)
    return shown


def routes(services: Services) -> Sequence[Route]:
    subscribe = Operation(
        "Follow events, messages, entities and what happens to runs, as server-sent events",
        {
            200: Answer(
                "a stream of events, each with its position as id",
                (DeliveredEvent, Gap, StreamError),
                "text/event-stream",
            ),
            400: "a pattern, the filter or where to begin is wrong",
        },
        query=SubscribeQuery,
        headers=FOLLOWING,
        permission="events:subscribe",
    )
    listing = Operation(
        "Who follows, and who takes from consumer groups, at the node that answers",
        {200: Answer("subscriptions, the newest first", ListSubscriptionsResponse)},
        query=ListSubscriptionsQuery,
        permission="subscriptions:read",
    )
    return [
        Route("/api/v1/subscribe", Subscribe(services), {"GET": subscribe}),
        Route("/api/v1/subscriptions", Subscriptions(services), {"GET": listing}),
    ]
