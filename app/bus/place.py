"""Where NATS is: our own child, or a server elsewhere; and how our connections to it are made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from app.bus.nats_server import NatsServer

if TYPE_CHECKING:
    from nats.aio.client import Client

CONNECT_TIMEOUT_S = 5
PENDING_BYTES_MAX = 64 * 2**20
INBOX = b"_IRONFLOW"
"""Our own replies go where no other user may listen."""
COPIES_MAX = 3


class Place:
    """`server` is our own child, or None for those at `url`, separated by commas. Nodes may share those.
    `copies` is how many of a cluster's servers hold each stream: of three, one can be lost."""

    def __init__(self, *, server: NatsServer | None, url: str = "") -> None:
        self.server = server
        self._url = url
        self.copies = COPIES_MAX if server is None and len(url.split(",")) >= COPIES_MAX else 1

    async def connect(self, *, closed: Callable[[], Awaitable[None]] | None = None) -> Client:
        """A connection that is not mended when it breaks: whoever has it begins anew, and asks where it is. Our own
        child is waited for. Raises what nats-py raises, OSError, TimeoutError."""
        import nats

        if self.server is None:
            return await nats.connect(
                self._url.split(","),
                allow_reconnect=False,
                connect_timeout=CONNECT_TIMEOUT_S,
                pending_size=PENDING_BYTES_MAX,
                inbox_prefix=INBOX,
                closed_cb=closed,
                error_cb=_ignore,
            )
        url = await self.server.ready()
        return await nats.connect(
            url,
            user=self.server.user,
            password=self.server.password,
            allow_reconnect=False,
            connect_timeout=CONNECT_TIMEOUT_S,
            pending_size=PENDING_BYTES_MAX,
            inbox_prefix=INBOX,
            closed_cb=closed,
            error_cb=_ignore,
        )


async def _ignore(error: Exception) -> None:
    """What goes wrong is raised by the calls that fail; nats-py would write it to the log besides."""


def failures() -> tuple[type[Exception], ...]:
    """What a connection that is lost or refused raises; asked for only when something was raised, so that nats-py is
    loaded late."""
    from nats.errors import Error

    return (OSError, TimeoutError, Error)
