"""/api/v1/subscriptions: who follows, by whatever face, and who takes from consumer groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import nlargest
from typing import NamedTuple

import falcon.asgi
from msgspec import UNSET

from app import clock
from app.api.answers import answer
from app.api.caller import environment_of
from app.api.parameters import query_of
from app.api.services import Answer, Operation, Route, Services
from app.api.shapes.base import given
from app.api.shapes.subscriptions import ListSubscriptionsQuery, ListSubscriptionsResponse, Status, SubscriptionShape
from app.bus.members import Member
from app.events.group import Group
from app.history.live import POLICIES, Subscription
from app.history.subscriber import Subscriber


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


_POLICIES = {policy: name for name, policy in reversed(POLICIES.items())}
"""Each by the first of its names."""


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
    listing = Operation(
        "Who follows, and who takes from consumer groups, at the node that answers",
        {200: Answer("subscriptions, the newest first", ListSubscriptionsResponse)},
        query=ListSubscriptionsQuery,
        permission="subscriptions:read",
    )
    return [Route("/api/v1/subscriptions", Subscriptions(services), {"GET": listing})]
