"""One execution over HTTP: what is POSTed to an endpoint, and what its answer says (the published push protocol).

An endpoint answers with all steps it ran and the outcome, as one JSON object. One that can, and sees by the Accept
header that it may, answers in lines of JSON (application/x-ndjson): `{"step": …}` as each step is done, empty lines
while it is still at one, and the outcome at last. Steps of lines are recorded as they come.

Our own SDK tells more than is published: what steps emit, notes, waits side by side, and where code and history differ.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from app import clock
from app.dispatch import answers
from app.dispatch.answers import AnswerBody, Outcome, Told
from app.dispatch.jobs import Job
from app.dispatch.reports import JobError
from app.errors import InvalidArgument
from app.history.kinds import NULL
from app.outbound.client import Answer, Broken, Client, TooLarge
from app.resources import VERSION
from app.runs.memo import Memo

ANSWER_BYTES_MAX = 32 * 2**20
COMPLAINT_BYTES_MAX = 64 * 2**10
FINISH_S_MAX = 0.1
RETRY_AFTER_S_MAX = 86_400
NDJSON = "application/x-ndjson"

_HEADERS = (
    ("content-type", "application/json"),
    ("accept", f"{NDJSON}, application/json;q=0.9"),
    ("accept-encoding", "identity"),
    ("user-agent", f"ironflow/{VERSION}"),
)
_encode = msgspec.json.Encoder().encode


class EndpointFailed(Exception):
    """The endpoint was asked, and gave no outcome: whether the function ran is not known."""

    def __init__(self, message: str, *, code: str, retry_after_ms: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after_ms = retry_after_ms


class ComplaintBody(msgspec.Struct):
    """What handlers answer with another status than 200."""

    error: JobError


class Asked(NamedTuple):
    """What an exchange is about; `now` gives the time, of which waits are measured."""

    job: Job
    body: bytes
    headers: Sequence[tuple[str, str]]
    silence_s: float
    now: Callable[[], int]


_answer = msgspec.json.Decoder(AnswerBody)
_complaint = msgspec.json.Decoder(ComplaintBody)


async def exchange(client: Client, asked: Asked, *, record: Callable[[Told], Awaitable[None]]) -> Outcome:
    """What became of the execution. `record` is told the steps and notes of an answer in lines as they come.

    Raises Unreached when there was no connection, EndpointFailed when there was one and no outcome, and
    InvalidArgument, PayloadTooLarge or Unrecordable for an outcome that cannot be recorded: it would come again the
    same.
    """
    silence_s = asked.silence_s
    try:
        async with asyncio.timeout(silence_s) as limit:
            async with client.post([*_HEADERS, *asked.headers], asked.body) as answer:
                if answer.status != 200:
                    raise await _complained(answer)
                if answer.headers.get("content-encoding", "identity") != "identity":
                    raise EndpointFailed("the endpoint packed its answer, unasked", code="ENDPOINT_BROKEN")
                if not answer.headers.get("content-type", "").startswith(NDJSON):
                    return _outcome(asked, _decoded(await answer.body(ANSWER_BYTES_MAX)))
                return await _by_lines(answer, asked, record, lambda: limit.reschedule(_now_s() + silence_s))
    except TimeoutError:
        raise EndpointFailed(f"the endpoint was silent for {silence_s:g} s", code="ENDPOINT_TIMEOUT") from None
    except Broken as error:
        raise EndpointFailed(f"the endpoint did not answer: {error}", code="ENDPOINT_BROKEN") from None
    except TooLarge as error:
        raise InvalidArgument(f"{error}", hint="store large data elsewhere and return a reference") from None


def body_of(job: Job, *, to_ours: bool = False) -> bytes:
    """The request's body. A handler like ours is told of every step that is not to be run again; published ones know of
    failed steps among those that were awaited only."""
    emitted = job.emitted
    event: dict[str, Any] = {
        "id": emitted.id,
        "name": emitted.name,
        "data": emitted.data,
        "timestamp": clock.rfc3339(job.event.recorded_at),
        "version": emitted.version,
        "source": emitted.source,
    }
    if emitted.idempotency_key:
        event["idempotency_key"] = emitted.idempotency_key
    if len(job.event.metadata) > 2:
        event["metadata"] = msgspec.Raw(job.event.metadata)
    told: dict[str, Any] = {}
    if job.unwind is not None:
        told["unwind"] = {"cause": job.unwind.cause}
        if job.unwind.error is not None:
            told["unwind"]["error"] = job.unwind.error.told()
    if job.secrets:
        told["secrets"] = job.secrets
    if to_ours and job.rested:
        told["rested"] = True
    return _encode(
        {
            **told,
            "run_id": job.run_id,
            "function_id": job.function_id,
            "attempt": job.attempt,
            "event": event,
            "steps": [
                {**_memo(memo), "news": True} if to_ours and memo.news else _memo(memo)
                for memo in job.memos
                if to_ours or memo.error is None or memo.awaited
            ],
            "max_attempts": job.retry.max_attempts,
            "on_exhausted": job.retry.on_exhausted,
        }
    )


def signature(key: str, body: bytes, *, style: str, now_s: int) -> str:
    """The value of X-Ironflow-Signature: `v1` is bound to the time, `sha256` is what older handlers know."""
    if style == "sha256":
        return f"sha256={hmac.new(key.encode(), body, hashlib.sha256).hexdigest()}"
    digest = hmac.new(key.encode(), f"{now_s}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={now_s},v1={digest}"


def _memo(memo: Memo) -> dict[str, Any]:
    """A step that is not to be run again; why an awaited one failed is told as JSON within a text, as published."""
    told = {"id": memo.step_id, "name": memo.name, "type": memo.type, "status": memo.status}
    if memo.error is not None:
        return {
            **told,
            "error": _encode(memo.told_error()).decode(),
            **({} if memo.awaited else {"attempt": memo.attempt}),
        }
    return {**told, "output": memo.output or NULL}


async def _by_lines(
    answer: Answer, asked: Asked, record: Callable[[Told], Awaitable[None]], heard: Callable[[], None]
) -> Outcome:
    async for line in answer.lines(ANSWER_BYTES_MAX):
        heard()
        if not line.strip():
            continue
        body = _decoded(line)
        if body.step is not None:
            await record(answers.step(asked.job, body.step, "step"))
        elif body.note is not None:
            await record(answers.note(asked.job, body.note, "note"))
        else:
            await answer.finish(FINISH_S_MAX)
            return _outcome(asked, body)
    raise EndpointFailed("the endpoint's answer ended without an outcome", code="ENDPOINT_BROKEN")


def _decoded(content: bytes) -> AnswerBody:
    try:
        return _answer.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise EndpointFailed(
            f"the endpoint answered 200, but not with an outcome: {error}", code="ENDPOINT_BROKEN"
        ) from None


def _outcome(asked: Asked, body: AnswerBody) -> Outcome:
    outcome = answers.outcome(asked.job, body, now=asked.now())
    if outcome is None:
        raise EndpointFailed(
            f"the endpoint answered 200 with the status {body.status[:40]!r}, or its details are missing",
            code="ENDPOINT_BROKEN",
        )
    return outcome


async def _complained(answer: Answer) -> EndpointFailed:
    """What an answer other than 200 comes to. Of its body only what handlers say in the published shape is repeated."""
    told = ""
    if 300 <= answer.status < 400:
        told = ", and redirects are not followed"
    else:
        try:
            error = _complaint.decode(await answer.body(COMPLAINT_BYTES_MAX)).error
            told = f" {error.code or ''}: {error.message}"[:500].replace("\0", "\\0")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TooLarge, Broken):
            told = ""  # a proxy's page, say
    wait = answer.headers.get("retry-after", "")
    wait_s = min(int(wait), RETRY_AFTER_S_MAX) if wait.isdecimal() and wait.isascii() and len(wait) < 10 else 0
    return EndpointFailed(
        f"the endpoint answered {answer.status}{told}", code=f"ENDPOINT_{answer.status}", retry_after_ms=wait_s * 1_000
    )


def _now_s() -> float:
    return asyncio.get_running_loop().time()
