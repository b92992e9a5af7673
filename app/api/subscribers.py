"""Who follows by which face: what every subscription and every member of a group is opened with."""

from __future__ import annotations

from app.api.caller import Caller
from app.api.services import Services
from app.history.subscriber import Subscriber, Transport


def subscriber(services: Services, caller: Caller, transport: Transport) -> Subscriber:
    """The caller, who follows from now on, under an id of its own."""
    address = caller.grant.address if caller.grant is not None else ""
    return Subscriber(services.ids.subscription(), caller.actor, address, transport, services.clock.now_us())
