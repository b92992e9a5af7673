"""The unary services over gRPC: every method of their tables, errors as status, code and hint."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

from app.api import subject
from app.api.answers import error_of, note
from app.api.caller import Caller
from app.api.services import Services
from app.errors import Unimplemented
from app.events.invoke import CALLER_LEFT, ENDS_WITH_ITS_CALLER
from app.rpc import group_streams, metadata, projection_streams, subscribe
from app.rpc.methods import Method
from app.rpc.refusing import Context, refuse
from app.rpc.sending import answered, singly
from app.rpc.tables import TABLES
from ironflow.v1 import (
    audit_pb2,
    audit_pb2_grpc,
    entity_stream_pb2,
    entity_stream_pb2_grpc,
    event_schema_pb2,
    event_schema_pb2_grpc,
    ironflow_pb2,
    ironflow_pb2_grpc,
    projection_pb2,
    projection_pb2_grpc,
    pubsub_pb2,
    pubsub_pb2_grpc,
    query_pb2,
    query_pb2_grpc,
    timetravel_pb2,
    timetravel_pb2_grpc,
    webhook_pb2,
    webhook_pb2_grpc,
)


class IronflowService(ironflow_pb2_grpc.IronflowServiceServicer):
    """Every method that the service has; those that are not in the table answer UNIMPLEMENTED. `stops` says whether
    the server stops: calls are cut off then, and their callers have not left."""

    def __init__(self, services: Services, *, stops: Callable[[], bool]) -> None:
        _fill(self, services, ironflow_pb2, "IronflowService")
        name = ENDS_WITH_ITS_CALLER
        _, method = TABLES["IronflowService"][name]
        setattr(self, name, _unary(services, f"IronflowService/{name}", _until_left(method, stops)))


class PubSubService(pubsub_pb2_grpc.PubSubServiceServicer):
    """The same of PubSubService, and its streams."""

    def __init__(self, services: Services) -> None:
        self._services = services
        _fill(self, services, pubsub_pb2, "PubSubService")

    def SubscribeBidirectional(
        self, request_iterator: AsyncIterator[pubsub_pb2.SubscribeBidirectionalRequest], context: Context
    ) -> AsyncIterator[pubsub_pb2.SubscribeBidirectionalResponse]:
        def answers(caller: Caller) -> AsyncGenerator[pubsub_pb2.SubscribeBidirectionalResponse, None]:
            return group_streams.converse(self._services, caller, request_iterator, transport="grpc")

        return answered(self._services, context, "PubSubService/SubscribeBidirectional", answers)

    def JoinConsumerGroup(
        self, request: pubsub_pb2.JoinConsumerGroupRequest, context: Context
    ) -> AsyncIterator[pubsub_pb2.SubscriptionEvent]:
        def answers(caller: Caller) -> AsyncGenerator[pubsub_pb2.SubscriptionEvent, None]:
            return group_streams.join(self._services, caller, request, transport="grpc")

        about = f"group/{request.group_name}"
        return answered(self._services, context, "PubSubService/JoinConsumerGroup", answers, about=about)

    def Subscribe(
        self, request: pubsub_pb2.SubscribeRequest, context: Context
    ) -> AsyncIterator[pubsub_pb2.SubscriptionEvent]:
        def answers(caller: Caller) -> AsyncGenerator[pubsub_pb2.SubscriptionEvent, None]:
            return subscribe.subscribe(self._services, caller, request, transport="grpc")

        return answered(self._services, context, "PubSubService/Subscribe", answers, about="event/*")


class EntityStreamService(entity_stream_pb2_grpc.EntityStreamServiceServicer):
    """The same of EntityStreamService."""

    def __init__(self, services: Services) -> None:
        _fill(self, services, entity_stream_pb2, "EntityStreamService")


class EventSchemaService(event_schema_pb2_grpc.EventSchemaServiceServicer):
    """The same of EventSchemaService."""

    def __init__(self, services: Services) -> None:
        _fill(self, services, event_schema_pb2, "EventSchemaService")


class WebhookService(webhook_pb2_grpc.WebhookServiceServicer):
    """The same of WebhookService."""

    def __init__(self, services: Services) -> None:
        _fill(self, services, webhook_pb2, "WebhookService")


class QueryService(query_pb2_grpc.QueryServiceServicer):
    """The same of QueryService."""

    def __init__(self, services: Services) -> None:
        _fill(self, services, query_pb2, "QueryService")


class TimeTravelService(timetravel_pb2_grpc.TimeTravelServiceServicer):
    """The same of TimeTravelService."""

    def __init__(self, services: Services) -> None:
        _fill(self, services, timetravel_pb2, "TimeTravelService")


class AuditService(audit_pb2_grpc.AuditServiceServicer):
    """The same of AuditService."""

    def __init__(self, services: Services) -> None:
        _fill(self, services, audit_pb2, "AuditService")


class ProjectionService(projection_pb2_grpc.ProjectionServiceServicer):
    """The same of ProjectionService, and its streams."""

    def __init__(self, services: Services) -> None:
        _fill(self, services, projection_pb2, "ProjectionService")
        self._services = services

    def StreamProjectionEvents(
        self, request: projection_pb2.StreamProjectionEventsRequest, context: Context
    ) -> AsyncIterator[projection_pb2.ProjectionEvent]:
        def answers(caller: Caller) -> AsyncGenerator[projection_pb2.ProjectionEvent, None]:
            return singly(projection_streams.events(self._services, caller, request))

        about = f"projection/{request.name}"
        return answered(self._services, context, "ProjectionService/StreamProjectionEvents", answers, about=about)

    def WaitProjectionCatchupStream(
        self, request: projection_pb2.WaitProjectionCatchupRequest, context: Context
    ) -> AsyncIterator[projection_pb2.WaitProjectionCatchupStreamResponse]:
        def answers(caller: Caller) -> AsyncGenerator[projection_pb2.WaitProjectionCatchupStreamResponse, None]:
            return singly(projection_streams.catch_up(self._services, caller, request))

        about = f"projection/{request.name}"
        return answered(self._services, context, "ProjectionService/WaitProjectionCatchupStream", answers, about=about)


def add(services: Services, server: Any, *, stops: Callable[[], bool]) -> None:
    """Add every service but that of workers."""
    ironflow_pb2_grpc.add_IronflowServiceServicer_to_server(IronflowService(services, stops=stops), server)
    pubsub_pb2_grpc.add_PubSubServiceServicer_to_server(PubSubService(services), server)
    entity_stream_pb2_grpc.add_EntityStreamServiceServicer_to_server(EntityStreamService(services), server)
    event_schema_pb2_grpc.add_EventSchemaServiceServicer_to_server(EventSchemaService(services), server)
    webhook_pb2_grpc.add_WebhookServiceServicer_to_server(WebhookService(services), server)
    audit_pb2_grpc.add_AuditServiceServicer_to_server(AuditService(services), server)
    query_pb2_grpc.add_QueryServiceServicer_to_server(QueryService(services), server)
    timetravel_pb2_grpc.add_TimeTravelServiceServicer_to_server(TimeTravelService(services), server)
    projection_pb2_grpc.add_ProjectionServiceServicer_to_server(ProjectionService(services), server)


def _fill(servicer: object, services: Services, module: Any, service: str) -> None:
    """Give the servicer the unary methods that the module's descriptor has, as the service's table says."""
    table = TABLES[service]
    for name, described in module.DESCRIPTOR.services_by_name[service].methods_by_name.items():
        if described.client_streaming or described.server_streaming:
            continue
        method = table[name][1] if name in table else _unimplemented(f"{service}/{name}")
        setattr(servicer, name, _unary(services, f"{service}/{name}", method))


def _unary(services: Services, call: str, method: Method) -> Callable[[Any, Context], Awaitable[Any]]:
    async def answer(request: Any, context: Context) -> Any:
        try:
            about = partial(subject.of_message, call, request)
            caller = metadata.admitted(services.door, context, call, about, ends=True)
            return await caller.told(_answered(services, caller, call, method, request))
        except Exception as error:  # noqa: BLE001 - gRPC tells errors by status and metadata
            services.metrics.refused(error_of(error).code)
            await refuse(context, error, method=call, request_id=services.ids.request())

    return answer


async def _answered(services: Services, caller: Caller, call: str, method: Method, request: Any) -> Any:
    subject.check_message(caller, call, request)
    return await method(services, caller, request)


def _until_left(method: Method, stops: Callable[[], bool]) -> Method:
    """The method, cancelled with CALLER_LEFT when its caller left: gRPC cancels tasks without saying why."""

    async def answer(services: Services, caller: Caller, request: Any) -> Any:
        answering = asyncio.ensure_future(method(services, caller, request))
        try:
            return await asyncio.shield(answering)
        except asyncio.CancelledError:
            answering.cancel(None if stops() else CALLER_LEFT)
            await asyncio.wait((answering,))
            if not answering.cancelled() and (error := answering.exception()) is not None:
                note(error, method=ENDS_WITH_ITS_CALLER, request_id=services.ids.request())
            raise

    return answer


def _unimplemented(name: str) -> Method:
    async def method(services: Services, caller: Caller, request: Any) -> Any:
        raise Unimplemented(f"{name} is not implemented", hint="see /api/v1/capabilities")

    return method
