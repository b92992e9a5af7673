"""What a worker tells of a run that was given secrets, before it is recorded: without their values.

Texts and payloads have `[secret:NAME]` instead. What identifies a step or selects an event cannot be changed without
changing what the code means, so a value in there is refused. A run whose function declares no secrets costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from app.errors import InvalidArgument
from app.events.new_event import NewEvent
from app.events.topics import NewMessage
from app.history.kinds import (
    Divergence,
    Failure,
    RunCompleted,
    RunLogged,
    RunNoted,
    RunTagged,
    StepCompleted,
    StepFailed,
)
from app.runs import tags
from app.runs.lines import LogLine, lines_of, with_lines
from app.runs.yields import Invoke, Sleep, WaitForEvent
from app.values import kv
from app.values.scrub import Scrubber

T = TypeVar("T")


class SecretInName(InvalidArgument):
    """What has to be recorded as it is contains the value of a secret."""


class Redaction:
    def __init__(self, secrets: Mapping[str, str]) -> None:
        """`secrets` are values by name; those of fewer than four characters are not looked for."""
        self._scrubber = Scrubber()
        for name, value in secrets.items():
            self._scrubber.learn(name, value)

    def text(self, text: str) -> str:
        return self._scrubber.text(text)

    def __call__(self, told: T) -> T:
        """The same without values of secrets. Raises SecretInName."""
        return self._clean(told)  # type: ignore[no-any-return]

    def _clean(self, told: Any) -> Any:
        match told:
            case StepCompleted():
                return _with(told, **self._step(told), output=self._raw(told.output))
            case StepFailed():
                return _with(told, **self._step(told), error=self._clean(told.error))
            case RunCompleted():
                return _with(told, output=self._raw(told.output))
            case RunNoted():
                return _with(told, name=self.text(told.name), value=self._raw(told.value))
            case RunLogged():
                return with_lines(told, map(self._line, lines_of(told) or ()))
            case RunTagged():
                kept, dropped = tags.fitting(map(self.text, told.added))
                return _with(told, added=kept, dropped=told.dropped + dropped)
            case Failure():
                texts = {name: self.text(getattr(told, name)) for name in ("message", "code", "stack")}
                return _with(told, **texts, details=self._raw(told.details))
            case Divergence():
                return _with(told, **{name: self.text(getattr(told, name)) for name in told.__struct_fields__})
            case Sleep():
                return _with(told, **self._named(told))
            case WaitForEvent():
                for field in ("event", "match", "match_value"):
                    self._refuse(getattr(told, field), field)
                payloads = {"default": self._raw(told.default), "payload": self._raw(told.payload)}
                return _with(told, **self._named(told), **payloads)
            case Invoke():
                self._refuse(told.function_id, "function_id")
                kept, _ = tags.fitting(map(self.text, told.tags))
                return _with(told, **self._named(told), input=self._raw(told.input), tags=kept)
            case NewEvent():
                self._refuse(told.name, "name")
                cleaned: dict[str, Any] = {
                    "data": self._scrubber.json(told.data),
                    "metadata": self._scrubber.json(told.metadata),
                    "idempotency_key": self.text(told.idempotency_key),
                }
                return _with(told, **cleaned)
            case NewMessage():
                self._refuse(told.topic, "topic")
                data = self._scrubber.json(told.data)
                return _with(told, data=data, idempotency_key=self.text(told.idempotency_key))
            case kv.Put() | kv.Increment() | kv.Delete():
                self._refuse(told.bucket, "bucket")
                self._refuse(told.key, "key")
                return _with(told, value=self._bytes(told.value)) if isinstance(told, kv.Put) else told
            case _:
                raise AssertionError(f"a {type(told).__name__} cannot be redacted")

    def _line(self, line: LogLine) -> LogLine:
        """Numbers of a line stay what they are: they are ours."""
        texts = {name: self.text(getattr(line, name)) for name in ("message", "logger", "path")}
        if line.cut:
            texts["message"] = self._scrubber.cut(line.message)
        return _with(line, **texts, fields=self._raw(line.fields))  # type: ignore[return-value]

    def _step(self, told: StepCompleted | StepFailed) -> dict[str, str]:
        return {**self._named(told), "compensation_for": self.text(told.compensation_for)}

    def _named(self, told: Any) -> dict[str, str]:
        self._refuse(told.step_id, "step_id")
        return {"name": self.text(told.name)}

    def _refuse(self, text: str, field: str) -> None:
        if self.text(text) != text:
            raise SecretInName(
                f"{field} contains the value of a secret: {self.text(text)[:200]!r}",
                field=field,
                hint="names and what waits for events are recorded as they are; leave the secret out",
            )

    def _bytes(self, value: bytes) -> bytes:
        try:
            msgspec.json.decode(value)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._scrubber.raw(value)
        return self._scrubber.json(value)

    def _raw(self, raw: msgspec.Raw) -> msgspec.Raw:
        before = bytes(raw)
        after = self._scrubber.json(before)
        return raw if after is before else msgspec.Raw(after)


def _with(told: msgspec.Struct, **changes: Any) -> msgspec.Struct:
    return msgspec.structs.replace(told, **changes)
