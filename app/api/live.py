"""Subscriptions as streams of server-sent events (HTML Standard §9.2)."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, TypeVar

import falcon.asgi
import msgspec

from app.access.sight import reading
from app.api.answers import encode, error_of
from app.api.caller import caller_of
from app.api.parameters import query_of
from app.api.services import Services
from app.api.shapes.base import FollowQuery
from app.api.subscribers import subscriber
from app.errors import InvalidArgument, IronflowError, Unavailable
from app.history.entry import Entry
from app.history.interests import Ended, Interest
from app.history.live import POLICIES, Subscription
from storage.contract import StorageError

T = TypeVar("T")

HEARTBEAT_S = 15.0

FOLLOWING = {"Last-Event-ID": "the position to go on from, as browsers send it"}

_NEWLINE = re.compile(rb"\r\n|\r|\n")
_LF, _CR = 10, 13  # as numbers they are looked for five times as fast


def watching(req: falcon.asgi.Request, services: Services, interest: Interest) -> Subscription:
    """The subscription that a request asks for: `after`, `backpressure`, and Last-Event-ID, which a browser sends with
    the same query when it connects again; of what the caller may read. Raises InvalidArgument, ResourceExhausted."""
    query, resumed = query_of(req, FollowQuery), last_seen(req)
    after = query.after if resumed is None else resumed
    caller, policy = caller_of(req), POLICIES[query.backpressure]
    sees, by = services.door.sight(caller, reading), subscriber(services, caller, "sse")
    return services.live.subscribe(interest, after=after, policy=policy, sees=sees, by=by)


def last_seen(req: falcon.asgi.Request) -> int | None:
    """The position that the request goes on from, as browsers tell it. Raises InvalidArgument."""
    last = req.get_header("Last-Event-ID") or ""
    if not last:
        return None
    if not last.isdecimal() or len(last) > 18:
        raise InvalidArgument(f"Last-Event-ID {last[:40]!r} is not a position", field="Last-Event-ID")
    return int(last)


def send(resp: falcon.asgi.Response, subscription: Subscription, show: Callable[[Entry], Any]) -> None:
    """Answer with a stream of events: one an entry, as `show` makes it, with its position as the event's id."""
    send_frames(resp, subscription, lambda entry: frame(show(entry), entry.position))


def send_frames(resp: falcon.asgi.Response, subscription: Subscription, framed: Callable[[Entry], bytes]) -> None:
    """The same, with whole frames."""
    resp.set_header("Cache-Control", "no-cache")
    resp.set_header("X-Accel-Buffering", "no")
    resp.sse = _frames(subscription, framed)


class Frames:
    """Some frames at once, in the form in which Falcon takes an event."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def serialize(self, handler: object = None) -> bytes:
        return self._raw


async def _frames(subscription: Subscription, framed: Callable[[Entry], bytes]) -> AsyncIterator[Any]:
    dropped = 0
    try:
        yield Frames(b": following\nid: %d\n\n" % subscription.position)
        while True:
            entries = await subscription.batch(HEARTBEAT_S)
            parts = [framed(entry) for entry in entries]
            if subscription.dropped > dropped:
                lost, dropped = subscription.dropped - dropped, subscription.dropped
                parts.append(frame({"type": "gap", "dropped": lost}, subscription.position))
            # An id without data moves a quiet subscriber on, so that it need not look at all that again.
            yield Frames(b"".join(parts) or b": still here\nid: %d\n\n" % subscription.position)
    except (Ended, StorageError) as error:
        ended = error if isinstance(error, Ended) else Ended(str(Unavailable.__doc__))
        told = {"type": "error", "message": str(ended), "code": ended.code, "retrying": ended.retrying}
        yield Frames(b"data: " + encode(told) + b"\n\n")
    finally:
        subscription.close()


def send_states(resp: falcon.asgi.Response, states: AsyncGenerator[T | None, None], show: Callable[[T], Any]) -> None:
    """Answer with a stream of what has no position: one event a state, and a comment in place of None."""
    resp.set_header("Cache-Control", "no-cache")
    resp.set_header("X-Accel-Buffering", "no")
    resp.sse = _state_frames(states, show)


async def _state_frames(states: AsyncGenerator[T | None, None], show: Callable[[T], Any]) -> AsyncIterator[Any]:
    async with aclosing(states):
        try:
            async for state in states:
                yield Frames(b": still here\n\n" if state is None else _data(show(state)))
        except (IronflowError, StorageError) as error:
            told = error_of(error)
            retrying = isinstance(error, StorageError)
            yield Frames(_data({"type": "error", "message": told.message, "code": told.code, "retrying": retrying}))


def _data(content: Any) -> bytes:
    return b"data: %b\n\n" % _lines(content)


def frame(content: Any, position: int) -> bytes:
    """One event; newlines in users' JSON are kept as the form wants them."""
    return b"id: %d\ndata: %b\n\n" % (position, _lines(content))


def _lines(content: Any) -> bytes:
    raw = bytes(content) if isinstance(content, msgspec.Raw) else encode(content)
    return raw if in_one_line(raw) else _NEWLINE.sub(b"\ndata: ", raw)


def in_one_line(raw: bytes) -> bool:
    """Whether it can stand in a frame as it is."""
    return _LF not in raw and _CR not in raw
