"""/api/v1/topics: publish messages, list topics, count what they hold. To follow one: /api/v1/subscribe."""

from __future__ import annotations

from collections.abc import Sequence

import falcon.asgi
import msgspec

from app import clock
from app.api.answers import answer, body_of, decoded
from app.api.caller import caller_of, environment_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.topics import ListTopicsResponse, PublishedResponse, TopicResponse, TopicStatsResponse
from app.events.topics import NewMessage
from app.history.kinds.base import null
from app.rpc.pubsub import topic_stats


class MessageBody(msgspec.Struct, forbid_unknown_fields=True):
    """One message. The key may be spelled in either case style."""

    data: msgspec.Raw = msgspec.field(default_factory=null)
    idempotency_key: str = ""
    idempotencyKey: str = ""


_message = msgspec.json.Decoder(MessageBody)


class Topics:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        environment = environment_of(req)
        topics = [
            TopicResponse(
                name=name,
                message_count=count,
                consumer_count=len(self._services.subscriptions.consumers(environment, name)),
                first_message_at=clock.rfc3339(first_at),
                last_message_at=clock.rfc3339(last_at),
            )
            for name, count, first_at, last_at in await self._services.topics.list(environment)
        ]
        answer(resp, ListTopicsResponse(topics=topics, count=len(topics)))


class Topic:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, topic: str) -> None:
        stats = await topic_stats(self._services, environment_of(req), topic)
        content = TopicStatsResponse(
            name=stats.name,
            message_count=stats.messages,
            consumer_count=stats.consumers,
            lag=stats.lag,
            first_seq=stats.first,
            last_seq=stats.last,
        )
        answer(resp, content)


class Messages:
    def __init__(self, services: Services) -> None:
        self._topics = services.topics

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, topic: str) -> None:
        caller = caller_of(req)
        body: MessageBody = decoded(_message, await body_of(req))
        message = NewMessage(
            environment=caller.environment,
            topic=topic,
            data=bytes(body.data),
            idempotency_key=body.idempotency_key or body.idempotencyKey,
            actor=caller.actor,
            run_id=caller.run_id,
        )
        published = await self._topics.publish(message)
        content = PublishedResponse(
            event_id=published.message_id, sequence=published.sequence, duplicate=published.duplicate
        )
        answer(resp, content, 200 if published.duplicate else 201)


def routes(services: Services) -> Sequence[Route]:
    listing = Operation("Topics by name", {200: Answer("topics", ListTopicsResponse)}, permission="topics:read")
    stats = Operation(
        "What a topic holds, and who follows it",
        {200: Answer("its statistics", TopicStatsResponse), 404: "nothing was published, and nobody follows it"},
        permission="topics:read",
    )
    publish = Operation(
        "Publish a message: recorded and delivered, it starts no function",
        {
            201: Answer("the message is durable", PublishedResponse),
            200: Answer("the idempotency key was known", PublishedResponse),
            400: "refused",
            409: "the idempotency key was used for another message",
        },
        body=Body(MessageBody, {"data": {"order": 42}}),
        permission="topics:publish",
    )
    return [
        Route("/api/v1/topics", Topics(services), {"GET": listing}),
        Route("/api/v1/topics/{topic}", Topic(services), {"GET": stats}),
        Route("/api/v1/topics/{topic}/messages", Messages(services), {"POST": publish}),
    ]
