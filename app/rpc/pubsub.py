"""PubSubService's unary methods, each once: Connect and gRPC both call these."""

from __future__ import annotations

from google.protobuf.message import Message

from app.api.caller import Caller
from app.api.services import Services
from app.events.topics import NewMessage, TopicStats
from app.rpc import convert, groups
from app.rpc.methods import Method, new_event
from ironflow.v1 import pubsub_pb2


async def emit(services: Services, caller: Caller, request: pubsub_pb2.EmitRequest) -> pubsub_pb2.EmitResponse:
    emitted = await services.emitter.emit(new_event(caller, request))
    return pubsub_pb2.EmitResponse(run_ids=emitted.run_ids, event_id=emitted.event_id)


async def publish(services: Services, caller: Caller, request: pubsub_pb2.PublishRequest) -> pubsub_pb2.PublishResponse:
    message = NewMessage(
        environment=caller.environment,
        topic=request.topic,
        data=convert.payload(request, "data"),
        idempotency_key=request.idempotency_key,
        actor=caller.actor,
        run_id=caller.run_id,
    )
    published = await services.topics.publish(message)
    return pubsub_pb2.PublishResponse(
        event_id=published.message_id, sequence=published.sequence, duplicate=published.duplicate
    )


async def list_topics(
    services: Services, caller: Caller, request: pubsub_pb2.ListTopicsRequest
) -> pubsub_pb2.ListTopicsResponse:
    topics = [
        pubsub_pb2.TopicInfo(
            name=name,
            message_count=count,
            consumer_count=len(services.subscriptions.consumers(caller.environment, name)),
            first_message_at=convert.timestamp(first_at),
            last_message_at=convert.timestamp(last_at),
        )
        for name, count, first_at, last_at in await services.topics.list(caller.environment)
    ]
    return pubsub_pb2.ListTopicsResponse(topics=topics)


async def get_topic_stats(
    services: Services, caller: Caller, request: pubsub_pb2.GetTopicStatsRequest
) -> pubsub_pb2.GetTopicStatsResponse:
    stats = await topic_stats(services, caller.environment, request.topic)
    return pubsub_pb2.GetTopicStatsResponse(
        name=stats.name,
        message_count=stats.messages,
        consumer_count=stats.consumers,
        lag=stats.lag,
        first_seq=stats.first,
        last_seq=stats.last,
    )


async def topic_stats(services: Services, environment: str, topic: str) -> TopicStats:
    """Raises InvalidArgument, TopicNotFound."""
    consumers = services.subscriptions.consumers(environment, topic)
    return await services.topics.stats(environment, topic, [one.position for one in consumers])


METHODS: dict[str, tuple[type[Message], Method]] = {
    "Emit": (pubsub_pb2.EmitRequest, emit),
    "Publish": (pubsub_pb2.PublishRequest, publish),
    "GetTopicStats": (pubsub_pb2.GetTopicStatsRequest, get_topic_stats),
    "ListTopics": (pubsub_pb2.ListTopicsRequest, list_topics),
    **groups.METHODS,
}
