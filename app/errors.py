"""Errors that a caller can act on: a stable code, a message with the values, a hint with the next step.

`status` is the HTTP status, `connect` the Connect and gRPC code of the same name.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import UNSET, Meta, UnsetType


class ErrorResponse(msgspec.Struct, kw_only=True):
    """What went wrong, as REST answers it."""

    error: Annotated[str, Meta(description="what happened, with the values")]
    code: Annotated[str, Meta(description="stable, for programs")]
    hint: Annotated[str, Meta(description="what to do next")] | UnsetType = UNSET
    field: Annotated[str, Meta(description="the field, parameter or header that is wrong")] | UnsetType = UNSET
    retryable: Annotated[bool, Meta(description="the same again may succeed later")] | UnsetType = UNSET


class IronflowError(Exception):
    code: ClassVar[str] = "INTERNAL"
    status: ClassVar[int] = 500
    connect: ClassVar[str] = "internal"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "", field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.field = field

    def body(self) -> dict[str, Any]:
        """The error as REST answers it, see ErrorResponse."""
        told = ErrorResponse(
            error=self.message,
            code=self.code,
            hint=self.hint or UNSET,
            field=self.field or UNSET,
            retryable=self.retryable or UNSET,
        )
        content: dict[str, Any] = msgspec.to_builtins(told)
        return content


class Internal(IronflowError):
    """Something of ours is broken; the log has the details."""


class InvalidArgument(IronflowError):
    """The request does not have the shape or range it should."""

    code = "INVALID_ARGUMENT"
    status = 400
    connect = "invalid_argument"


class SchemaViolation(InvalidArgument):
    """The event's data are not what its schema says, and schemas are enforced."""

    code = "SCHEMA_VIOLATION"


class SqlRefused(InvalidArgument):
    """The query is not one, or asks for what no query may."""

    code = "SQL_REFUSED"


class SqlTimeout(IronflowError):
    """The query took longer than it may."""

    code = "SQL_TIMEOUT"
    status = 408
    connect = "deadline_exceeded"


class BodyTimeout(IronflowError):
    """The request's body did not arrive in time."""

    code = "BODY_TIMEOUT"
    status = 408
    connect = "deadline_exceeded"
    retryable = True


class BodyCut(InvalidArgument):
    """The request's body ended before all of it had come; nothing of it was used."""

    code = "BODY_CUT"
    retryable = True


class Unauthenticated(IronflowError):
    """Nobody is known by these credentials."""

    code = "UNAUTHENTICATED"
    status = 401
    connect = "unauthenticated"


class SignatureRefused(Unauthenticated):
    """A webhook's signature is missing, too old, or was not made with the source's secret."""

    code = "SIGNATURE_REFUSED"


class PermissionDenied(IronflowError):
    """The caller is known and may not do this."""

    code = "PERMISSION_DENIED"
    status = 403
    connect = "permission_denied"


class ProductionRefused(PermissionDenied):
    """It would stop what works in production, which takes a permission of its own; the message names it."""

    code = "PRODUCTION_REFUSED"


class CsrfRefused(PermissionDenied):
    """A request that changes something came with the cookie of a session, and without the session's CSRF token."""

    code = "CSRF_REFUSED"


class NotFound(IronflowError):
    """There is nothing of that name."""

    code = "NOT_FOUND"
    status = 404
    connect = "not_found"


class RunNotFound(NotFound):
    """No run has that id in this environment."""

    code = "RUN_NOT_FOUND"


class EventNotFound(NotFound):
    """No event has that id in this environment."""

    code = "EVENT_NOT_FOUND"


class FunctionNotFound(NotFound):
    """No function is registered under that id."""

    code = "FUNCTION_NOT_FOUND"


class WorkerNotFound(NotFound):
    """The worker is not registered, or no longer: it must register again."""

    code = "WORKER_NOT_FOUND"


class BucketNotFound(NotFound):
    """No bucket has that name in this environment."""

    code = "BUCKET_NOT_FOUND"


class KeyNotFound(NotFound):
    """The bucket has no value under that key, or had none then."""

    code = "KEY_NOT_FOUND"


class ConfigNotFound(NotFound):
    """No configuration document has that name, or had it then."""

    code = "CONFIG_NOT_FOUND"


class SecretNotFound(NotFound):
    """No secret has that name in this environment."""

    code = "SECRET_NOT_FOUND"


class TopicNotFound(NotFound):
    """Nothing was ever published to the topic, and nobody follows it."""

    code = "TOPIC_NOT_FOUND"


class StreamNotFound(NotFound):
    """Nothing was ever appended to that entity. Published clients know it by its message."""

    code = "STREAM_NOT_FOUND"

    def __init__(self, hint: str) -> None:
        super().__init__("stream not found", hint=hint)


class SnapshotNotFound(NotFound):
    """There is no snapshot of that entity at or before the version."""

    code = "SNAPSHOT_NOT_FOUND"


class SchemaNotFound(NotFound):
    """No schema is registered for that event and version."""

    code = "SCHEMA_NOT_FOUND"


class ProjectionNotFound(NotFound):
    """No projection has that name in this environment."""

    code = "PROJECTION_NOT_FOUND"


class RevisionNotFound(NotFound):
    """A projection has no such revision."""

    code = "REVISION_NOT_FOUND"


class RebuildNotFound(NotFound):
    """The projection was never rebuilt."""

    code = "REBUILD_NOT_FOUND"


class ParkedEventNotFound(NotFound):
    """The projection has parked no such event: it was retried or discarded, or never parked."""

    code = "PARKED_EVENT_NOT_FOUND"


class BreakpointNotFound(NotFound):
    """No breakpoint has that id, or its lease is over."""

    code = "BREAKPOINT_NOT_FOUND"


class ViewNotFound(NotFound):
    """Nobody keeps a view of that name there."""

    code = "VIEW_NOT_FOUND"


class BulkJobNotFound(NotFound):
    """Nobody began such a job in the environment."""

    code = "BULK_JOB_NOT_FOUND"


class BreakerNotFound(NotFound):
    """No circuit breaker has that key."""

    code = "BREAKER_NOT_FOUND"


class WebhookNotFound(NotFound):
    """No webhook source has that id or name in this environment, or that token."""

    code = "WEBHOOK_NOT_FOUND"


class DeliveryNotFound(NotFound):
    """No webhook delivery has that id in this environment."""

    code = "DELIVERY_NOT_FOUND"


class PolicyNotFound(NotFound):
    """No policy has that id or name, or had it then."""

    code = "POLICY_NOT_FOUND"


class GroupNotFound(NotFound):
    """There is no such consumer group."""

    code = "GROUP_NOT_FOUND"


class MemberNotFound(NotFound):
    """No such member of a consumer group is connected here."""

    code = "MEMBER_NOT_FOUND"


class DeadLetterNotFound(NotFound):
    """The group has no such dead letter."""

    code = "DEAD_LETTER_NOT_FOUND"


class EnvironmentNotFound(NotFound):
    """There is no such environment, or the caller may not know of it."""

    code = "ENVIRONMENT_NOT_FOUND"


class IdentityNotFound(NotFound):
    """No API key, user, role, organization or project has that id, as far as the caller may know."""

    code = "IDENTITY_NOT_FOUND"


class MethodNotAllowed(IronflowError):
    """The path exists, the method does not."""

    code = "METHOD_NOT_ALLOWED"
    status = 405
    connect = "unimplemented"


class AlreadyExists(IronflowError):
    """Something of that name is there already."""

    code = "ALREADY_EXISTS"
    status = 409
    connect = "already_exists"


class IdempotencyConflict(AlreadyExists):
    """The idempotency key was used before, with other data."""

    code = "IDEMPOTENCY_CONFLICT"


class Conflict(IronflowError):
    """The state of things contradicts the request."""

    code = "CONFLICT"
    status = 409
    connect = "aborted"


class VersionConflict(Conflict):
    """The stream is not at the version that the caller expected."""

    code = "VERSION_CONFLICT"


class DemoRunning(Conflict):
    """The demo is at work in another environment, and there is one at a time."""

    code = "DEMO_RUNNING"


class SchemaIncompatible(Conflict):
    """The schema would refuse events that its version accepts."""

    code = "SCHEMA_INCOMPATIBLE"


class ProjectionSuperseded(Conflict):
    """A newer version of the projection is registered: this one must not be brought back by an old worker."""

    code = "PROJECTION_SUPERSEDED"


class PolicyLockout(Conflict):
    """The policy would keep its author from changing it again."""

    code = "POLICY_LOCKOUT"


class ProjectionStopped(Conflict):
    """An event that its reducer cannot take has stopped the projection."""

    code = "PROJECTION_STOPPED"


class LeaseLost(Conflict):
    """Another runner has the projection now. Published clients know it by its message."""

    code = "PROJECTION_LEASE_LOST"

    def __init__(self, hint: str) -> None:
        super().__init__("projection lease lost", hint=hint)


class AmbiguousId(Conflict):
    """Several ids begin like that."""

    code = "AMBIGUOUS_ID"


class StaleExecution(Conflict):
    """The report's fence no longer fits: the run was given to another worker, or has ended."""

    code = "STALE_EXECUTION"


class RunNotRunning(IronflowError):
    """The run is not in a state in which that can be done."""

    code = "RUN_NOT_RUNNING"
    status = 409
    connect = "failed_precondition"


class FailedPrecondition(IronflowError):
    """The request is fine, the state it needs is not there."""

    code = "FAILED_PRECONDITION"
    status = 412
    connect = "failed_precondition"


class DevelopmentOnly(FailedPrecondition):
    """Only a server for development (--dev) does that, and not in a production environment."""

    code = "DEVELOPMENT_ONLY"


class RevisionConflict(FailedPrecondition):
    """What is there is not at the revision that the caller expected."""

    code = "REVISION_CONFLICT"


class RunChanged(FailedPrecondition):
    """The run is not at the version that the caller looked at."""

    code = "RUN_CHANGED"


class StepNotFound(NotFound):
    """The run has no such step."""

    code = "STEP_NOT_FOUND"


class PreconditionRequired(IronflowError):
    """The change must say which version it is made to."""

    code = "PRECONDITION_REQUIRED"
    status = 428
    connect = "failed_precondition"


class StreamDeleted(FailedPrecondition):
    """The entity was deleted: its past can be read, nothing can be added."""

    code = "STREAM_DELETED"


class PayloadTooLarge(IronflowError):
    """The body or a value is larger than the limit."""

    code = "PAYLOAD_TOO_LARGE"
    status = 413
    connect = "resource_exhausted"


class BucketFull(PayloadTooLarge):
    """The bucket has a limit, and the value would go beyond it."""

    code = "BUCKET_FULL"


class UnsupportedMediaType(IronflowError):
    """The body is in a form that this route does not read."""

    code = "UNSUPPORTED_MEDIA_TYPE"
    status = 415
    connect = "invalid_argument"


class ResourceExhausted(IronflowError):
    """Too much at once."""

    code = "RESOURCE_EXHAUSTED"
    status = 429
    connect = "resource_exhausted"
    retryable = True
    retry_after_s: int = 1


class RateLimited(ResourceExhausted):
    """Too many requests in too short a time."""

    code = "RATE_LIMITED"

    def __init__(self, message: str, *, retry_after_s: int, hint: str = "") -> None:
        super().__init__(message, hint=hint or f"try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class Unimplemented(IronflowError):
    """The API has it, this release does not."""

    code = "UNIMPLEMENTED"
    status = 501
    connect = "unimplemented"


class Unavailable(IronflowError):
    """Not now; try again."""

    code = "UNAVAILABLE"
    status = 503
    connect = "unavailable"
    retryable = True


class InsufficientStorage(Unavailable):
    """The disk is full: nothing can be written until there is space."""

    code = "STORAGE_FULL"
    status = 507
