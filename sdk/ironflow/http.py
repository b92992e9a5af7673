"""How clients send a call over HTTP, what they make of its answer, and when they send it again."""

from __future__ import annotations

import json
from typing import Any, TypeVar

import httpx

from ironflow import discovery
from ironflow.calls import Call, Plan
from ironflow.context import current_run
from ironflow.errors import InvalidArgument, IronflowError, ServerUnavailable, Timeout, from_answer
from ironflow.parts import Done

SDK = "python/0.1.0"
VIA_HEADER = "X-Ironflow-Via"
ATTEMPTS = 3
BACKOFF_S = 0.1
BACKOFF_S_MAX = 10.0
_WORTH_RETRYING = frozenset((0, 408, 429, 500, 502, 503, 504))  # 0: no answer at all

T = TypeVar("T")


def options(found: discovery.Server, timeout_s: float, organization: str, via: str) -> dict[str, Any]:
    """What a client of httpx is made with to talk to that server."""
    headers = {"X-Ironflow-SDK": SDK, "X-Ironflow-Environment-ID": found.environment}
    if found.api_key:
        headers["Authorization"] = f"Bearer {found.api_key}"
    if organization:
        headers["X-Ironflow-Org"] = organization
    if via:
        headers[VIA_HEADER] = via
    # A proxy that is meant for the outside cannot reach a server on this machine; and where there is no TLS, the
    # certificates of the world need not be read, which takes longer than most calls.
    plain = found.is_local and found.url.startswith("http://")
    told = {"base_url": found.url, "headers": headers, "timeout": timeout_s, "trust_env": not found.is_local}
    return {**told, "follow_redirects": False, "verify": not plain}


def request(http: httpx.Client | httpx.AsyncClient, call: Call) -> httpx.Request:
    """Raises InvalidArgument for data that are not JSON, and for an address that is none."""
    headers, content = dict(call.headers), call.content
    if call.body is not None:
        try:
            content = json.dumps(call.body, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidArgument(f"the data is not JSON: {error}", code="INVALID_ARGUMENT") from error
        headers["Content-Type"] = "application/json"
    if run_id := current_run.get():
        headers["X-Ironflow-Run-ID"] = run_id
    timeout: Any = httpx.USE_CLIENT_DEFAULT if call.timeout_s is None else call.timeout_s
    try:
        return http.build_request(
            call.method, call.path, params=call.params, content=content, headers=headers, timeout=timeout
        )
    except httpx.InvalidURL as error:
        raise InvalidArgument(f"{http.base_url} is not a server's address: {error}", code="INVALID_ARGUMENT") from None


def answer(call: Call, response: httpx.Response, url: str) -> Any:
    """The decoded answer. Raises the error that it tells."""
    if call.binary and response.is_success:
        return response.content
    try:
        told = response.json() if response.content else {}
    except ValueError:
        if response.is_success:
            raise _unexpected(url) from None
        told = {"error": f"the server answered {response.status_code}: {response.text[:200]}"}
    if response.is_success or response.status_code in call.accept:
        return told
    raise refused(response.status_code, told, response.headers.get("Retry-After", ""))


def refused(status: int, told: Any, retry_after: str = "") -> IronflowError:
    """The error of an answer, with what its Retry-After says unless its body does."""
    error = from_answer(status, told)
    error.retry_after_s = error.retry_after_s or _seconds(retry_after)
    return error


def no_answer(url: str, broken: httpx.HTTPError) -> IronflowError:
    """The error of an answer that did not come."""
    if isinstance(broken, httpx.TimeoutException):
        return Timeout(f"{url} did not answer in time", code="TIMEOUT", retryable=True)
    return ServerUnavailable(
        f"{url} cannot be reached: {broken or type(broken).__name__}",
        code="SERVER_UNREACHABLE",
        hint="is the server running? `ironflow serve` starts one",
        retryable=True,
    )


def delay_s(call: Call, attempt: int, error: IronflowError) -> float | None:
    """How long to wait before the call is sent again; None to give up. What the server asks for counts, in bounds."""
    if not call.again or attempt >= ATTEMPTS or error.status not in _WORTH_RETRYING:
        return None
    return min(error.retry_after_s or BACKOFF_S * 2 ** (attempt - 1), BACKOFF_S_MAX)


def _seconds(header: str) -> float:
    return float(header) if header.isdecimal() else 0.0


def go_on(plan: Plan[T], answer: Any, url: str) -> Call | Done[T]:
    """The operation's next call, or its result."""
    try:
        return plan.send(answer)
    except StopIteration as end:
        return Done(end.value)
    except (KeyError, TypeError, AttributeError) as error:
        raise _unexpected(url) from error


def _unexpected(url: str) -> IronflowError:
    return IronflowError(
        f"{url} gave an answer that is none of Ironflow's",
        code="UNEXPECTED_ANSWER",
        hint="is it an Ironflow server?",
        status=200,
    )
