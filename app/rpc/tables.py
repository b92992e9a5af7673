"""Every service's unary methods by name, for Connect and gRPC."""

from __future__ import annotations

from collections.abc import Mapping

from app.rpc import audit, methods, projections, pubsub, query, redactions, schemas, streams, timetravel, webhooks
from app.rpc.methods import Table

TABLES: Mapping[str, Table] = {
    "IronflowService": {**methods.METHODS, **redactions.METHODS},
    "PubSubService": pubsub.METHODS,
    "EntityStreamService": streams.METHODS,
    "EventSchemaService": schemas.METHODS,
    "WebhookService": webhooks.METHODS,
    "QueryService": query.METHODS,
    "AuditService": audit.METHODS,
    "ProjectionService": projections.METHODS,
    "TimeTravelService": timetravel.METHODS,
}
