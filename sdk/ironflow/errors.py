"""Errors of the SDK: those a server answered, and those that user code raises to say how to go on."""

from __future__ import annotations

from typing import Any


class IronflowError(Exception):
    """What the server refused. `code` is stable, `hint` says what to do next. `status` is that of HTTP, 0 without
    an answer; `retry_after_s` is 0 unless the server said how long to wait."""

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        hint: str = "",
        status: int = 0,
        retryable: bool = False,
        retry_after_s: float = 0.0,
    ) -> None:
        super().__init__(f"{message} ({hint})" if hint else message)
        self.message = message
        self.code = code
        self.hint = hint
        self.status = status
        self.retryable = retryable
        self.retry_after_s = retry_after_s


class InvalidArgument(IronflowError):
    """The request was not well-formed."""


class Unauthenticated(IronflowError):
    """The server does not know the API key."""


class PermissionDenied(IronflowError):
    """The API key may not do this."""


class NotFound(IronflowError):
    """There is nothing of that name."""


class Conflict(IronflowError):
    """The state of things contradicts the request."""


class PayloadTooLarge(IronflowError):
    """The data is larger than the server takes."""


class RateLimited(IronflowError):
    """Too much at once; try again later."""


class ServerUnavailable(IronflowError):
    """The server cannot be reached, or cannot answer now."""


class Timeout(IronflowError):
    """The answer did not come in time."""


class NonRetryableError(Exception):
    """Raise it in a step or a function when trying again cannot help: the run fails at once."""

    def __init__(self, message: str, *, code: str = "NON_RETRYABLE") -> None:
        super().__init__(message)
        self.code = code


class RetryAfterError(Exception):
    """Raise it to have the run tried again after so many seconds instead of the usual delay."""

    def __init__(self, message: str, *, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class StepError(Exception):
    """A step failed; the cause is chained. Let it through and the run fails or is retried; catch it to go on."""

    def __init__(
        self, message: str, *, step: str, code: str = "STEP_FAILED", retryable: bool = True, retry_after_ms: int = 0
    ) -> None:
        super().__init__(message)
        self.step = step
        self.code = code
        self.retryable = retryable
        self.retry_after_ms = retry_after_ms


class InvokeError(StepError):
    """A child run failed, took too long, or could not be started. It is not started again: the run fails for good
    unless you catch this. `cause` says what happened to the child; `child_run_id` is empty if there is none."""

    def __init__(self, message: str, *, step: str, function_id: str, child_run_id: str = "", cause: str = "") -> None:
        super().__init__(message, step=step, code="INVOKE_FAILED", retryable=False)
        self.function_id = function_id
        self.child_run_id = child_run_id
        self.cause = cause


class WaitTimeout(StepError):
    """The awaited event did not come in time. The wait is over: the run fails for good unless you catch this."""

    def __init__(self, message: str, *, step: str) -> None:
        super().__init__(message, step=step, code="WAIT_TIMEOUT", retryable=False)


_BY_STATUS: dict[int, type[IronflowError]] = {
    400: InvalidArgument,
    401: Unauthenticated,
    403: PermissionDenied,
    404: NotFound,
    408: Timeout,
    409: Conflict,
    412: Conflict,
    413: PayloadTooLarge,
    429: RateLimited,
    502: ServerUnavailable,
    503: ServerUnavailable,
    507: ServerUnavailable,
    504: Timeout,
}


def from_answer(status: int, body: Any) -> IronflowError:
    """The error of an HTTP answer."""
    told = body if isinstance(body, dict) else {}
    message = str(told.get("error") or told.get("message") or f"the server answered {status}")
    wait_s = told.get("retry_after")
    return _BY_STATUS.get(status, IronflowError)(
        message,
        code=str(told.get("code", "")),
        hint=str(told.get("hint", "")),
        status=status,
        retryable=bool(told.get("retryable", status in (429, 503, 507))),
        retry_after_s=float(wait_s) if isinstance(wait_s, int | float) and wait_s > 0 else 0.0,
    )
