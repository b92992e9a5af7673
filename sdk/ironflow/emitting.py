"""Events and topic messages of a run. They are recorded in the same commit as the result of their step, or not at all.

Inside a step they go with its result; outside they are steps of their own, `emit:{name}` and `publish:{topic}`.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ironflow import jsonvalue
from ironflow.body import Body, key_of
from ironflow.naming import misuse
from ironflow.reports import EMIT, PUBLISH, Emission, StepCompleted


class Done:
    """Nothing to wait for, said so that it may be awaited all the same."""

    def __await__(self) -> Generator[Any, None, None]:
        return
        yield


DONE = Done()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What is emitted, and the step that it is if it goes on its own."""

    name: str
    kind: str
    emission: Emission

    def collect(self, body: Body) -> None:
        """Let it go with the step that is being run."""
        number = len(body.emissions)
        body.emissions.append(self._keyed(f"{body.step_id}:{number}"))

    def report(self, step_id: str) -> StepCompleted:
        return StepCompleted(step_id, self.name, b"null", 0, self.kind, emissions=[self._keyed(step_id)])

    def _keyed(self, step_id: str) -> Emission:
        """Topic messages carry a key by default: those who consume them can tell a repetition."""
        if self.emission.topic and not self.emission.idempotency_key:
            return replace(self.emission, idempotency_key=key_of(step_id))
        return self.emission


def event(name: str, data: Any, idempotency_key: str, metadata: Mapping[str, Any] | None, version: int) -> Outgoing:
    _check("event", name)
    told = None
    if metadata is not None:
        told = jsonvalue.decode(jsonvalue.encode(dict(metadata), what=f"the metadata of {name!r}"))
    emission = Emission(
        name,
        jsonvalue.encode(data, what=f"the data of {name!r}"),
        idempotency_key=idempotency_key,
        metadata=told,
        version=version,
    )
    return Outgoing(f"emit:{name}", EMIT, emission)


def message(topic: str, data: Any, idempotency_key: str) -> Outgoing:
    _check("topic", topic)
    emission = Emission(
        "", jsonvalue.encode(data, what=f"the message to {topic!r}"), topic=topic, idempotency_key=idempotency_key
    )
    return Outgoing(f"publish:{topic}", PUBLISH, emission)


def _check(what: str, name: object) -> None:
    if not isinstance(name, str) or not name or "*" in name or ">" in name or not name.isprintable() or " " in name:
        raise misuse(f"{name!r} cannot name {'an' if what == 'event' else 'a'} {what}; write order.placed")
