"""The options of a function: how many of its runs, how often, when, and for which events. What makes no sense is
refused where it is written; docs/options.md tells them all.

A `key` is a path into the event's data, such as `customer.id`, or a CEL expression over the event: each of its values
is limited by itself. Without one there is one limit for all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from ironflow.durations import Duration, milliseconds
from ironflow.patterns import check_pattern
from ironflow.tags import TAGS_MAX, usable_template

if TYPE_CHECKING:
    from ironflow.function import Function

_PATH = re.compile(r"(\$\.)?[\w-]+(\.[\w-]+)*")
_SECRET = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,254}")
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*")
_NICKNAMES = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")


@dataclass(frozen=True, slots=True)
class Concurrency:
    """At most `limit` runs execute at a time, for each value of the key; the others wait, and the keys take turns."""

    limit: int
    key: str = ""

    def __post_init__(self) -> None:
        _check_count("limit", self.limit)
        _check_text("key", self.key)


@dataclass(frozen=True, slots=True)
class Throttle:
    """At most `limit` runs start in any `period`; the others wait, and none is dropped. Retries do not count."""

    limit: int
    period: Duration
    key: str = ""

    def __post_init__(self) -> None:
        _check_count("limit", self.limit)
        milliseconds(self.period, what="period")
        _check_text("key", self.key)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `limit` runs in any `period`; events beyond start none, and say so."""

    limit: int
    period: Duration
    key: str = ""

    def __post_init__(self) -> None:
        _check_count("limit", self.limit)
        milliseconds(self.period, what="period")
        _check_text("key", self.key)


@dataclass(frozen=True, slots=True)
class Debounce:
    """One run, for the last event, once none came for `period`, or `max_wait` after the first."""

    period: Duration
    key: str = ""
    max_wait: Duration | None = None

    def __post_init__(self) -> None:
        period_ms = milliseconds(self.period, what="period")
        _check_text("key", self.key)
        if self.max_wait is not None and milliseconds(self.max_wait, what="max_wait") < period_ms:
            raise ValueError(f"max_wait {self.max_wait!r} is shorter than the period {self.period!r}")


@dataclass(frozen=True, slots=True)
class Batch:
    """One run for `size` events, or for those that came within `timeout` of the first: `ctx.events` are they."""

    size: int
    timeout: Duration
    key: str = ""

    def __post_init__(self) -> None:
        _check_count("size", self.size)
        milliseconds(self.timeout, what="timeout")
        _check_text("key", self.key)


@dataclass(frozen=True, slots=True)
class Singleton:
    """One unfinished run at a time, for each value of the key: a further event is skipped, or its run replaces the one
    there is, which is cancelled."""

    key: str = ""
    mode: Literal["skip", "replace"] = "skip"

    def __post_init__(self) -> None:
        _check_text("key", self.key)
        if self.mode not in ("skip", "replace"):
            raise ValueError(f"mode must be 'skip' or 'replace', not {self.mode!r}")


@dataclass(frozen=True, slots=True)
class CancelOn:
    """A later event that cancels the run: `match` is a path with the same value in both events, such as `data.orderId`;
    the CEL `expression` must hold for the later one."""

    event: str
    match: str = ""
    expression: str = ""

    def __post_init__(self) -> None:
        check_pattern(self.event)
        if not self.match and not self.expression:
            raise ValueError(f"say which {self.event} cancels: match='data.orderId', or an expression")
        if self.match and not _PATH.fullmatch(self.match):
            raise ValueError(f"match must be a path such as 'data.orderId', not {self.match!r}; expression takes CEL")


@dataclass(frozen=True, slots=True)
class Cron:
    """A trigger by time. Write it `cron("0 9 * * *", timezone="Europe/Berlin")`."""

    expression: str
    timezone: str = "UTC"
    missed: Literal["skip", "once", "all"] = "skip"
    jitter: Duration = 0
    event: str = ""

    def __post_init__(self) -> None:
        parts = self.expression.split() if isinstance(self.expression, str) else []
        if len(parts) not in (5, 6) and self.expression not in _NICKNAMES:
            raise ValueError(
                f"{self.expression!r} is no cron expression: write minute hour day month weekday, such as "
                "'0 9 * * 1-5'; a sixth field before them is the second"
            )
        if not isinstance(self.timezone, str) or not _ZONE.fullmatch(self.timezone):
            raise ValueError(f"timezone must be a name of IANA's, such as 'Europe/Berlin', not {self.timezone!r}")
        if self.missed not in ("skip", "once", "all"):
            raise ValueError(f"missed must be 'skip', 'once' or 'all', not {self.missed!r}")
        if self.jitter != 0:
            milliseconds(self.jitter, what="jitter")
        if self.event:
            check_pattern(self.event)


def cron(
    expression: str,
    *,
    timezone: str = "UTC",
    missed: Literal["skip", "once", "all"] = "skip",
    jitter: Duration = 0,
    event: str = "",
) -> Cron:
    """Run at the ticks of a cron expression, of five fields or of six with seconds first, in a time zone.

    Ticks at which no server ran are skipped, made up for by one run, or by all (at most 100). Each tick comes up to
    `jitter` late. `event` names the event that is emitted; without it, that is the function's id."""
    return Cron(expression, timezone, missed, jitter, event)


@dataclass(frozen=True, slots=True)
class Options:
    """Everything about a function's runs but their triggers, retries and timeouts."""

    concurrency: Concurrency | None = None
    throttle: Throttle | None = None
    rate_limit: RateLimit | None = None
    debounce: Debounce | None = None
    batch: Batch | None = None
    singleton: Singleton | None = None
    priority: str = ""
    idempotency: str = ""
    cancel_on: tuple[CancelOn, ...] = ()
    actor_key: str = ""
    on_failure: Function | str | None = None
    delay: Duration = 0
    secrets: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, kind in _KINDS.items():
            value = getattr(self, name)
            if value is not None and not isinstance(value, kind):
                raise TypeError(f"{name} must be a {kind.__name__}, such as {_SUCH_AS[name]}, not {value!r}")
        for name in ("priority", "idempotency", "actor_key"):
            _check_text(name, getattr(self, name))
        for one in self.cancel_on:
            if not isinstance(one, CancelOn):
                raise TypeError(f"cancel_on must be a list such as [{_SUCH_AS['cancel_on']}], not {one!r}")
        for name in self.secrets:
            if not isinstance(name, str) or not _SECRET.fullmatch(name):
                raise ValueError(f"{name!r} cannot be the name of a secret: use letters, digits, _ . and -")
        if len(self.tags) > TAGS_MAX:
            raise ValueError(f"a run has at most {TAGS_MAX} tags, not {len(self.tags)}")
        for tag in self.tags:
            if not usable_template(tag):
                raise ValueError(f"{tag!r} is no tag: write such as 'vip', or 'customer:{{customer.id}}' of the event")
        if self.delay != 0:
            milliseconds(self.delay, what="delay")
        for many in ("debounce", "batch"):
            for single in ("batch", "rate_limit", "singleton", "idempotency"):
                if many != single and getattr(self, many) and getattr(self, single):
                    raise ValueError(f"{many} and {single} cannot be combined: {many} makes one run of many events")

    @property
    def on_failure_id(self) -> str:
        """The id of the on_failure function; "" for none."""
        return self.on_failure if isinstance(self.on_failure, str) else self.on_failure.id if self.on_failure else ""


OPTION_NAMES = tuple(one.name for one in fields(Options))

_KINDS: dict[str, type] = {
    "concurrency": Concurrency,
    "throttle": Throttle,
    "rate_limit": RateLimit,
    "debounce": Debounce,
    "batch": Batch,
    "singleton": Singleton,
}
_SUCH_AS = {
    "concurrency": "Concurrency(10, key='customer.id')",
    "throttle": "Throttle(100, '1m')",
    "rate_limit": "RateLimit(100, '1m')",
    "debounce": "Debounce('30s', key='user.id')",
    "batch": "Batch(100, '5s')",
    "singleton": "Singleton(key='account', mode='replace')",
    "cancel_on": "CancelOn('order.cancelled', match='data.orderId')",
}


def _check_count(name: str, value: Any) -> None:
    if type(value) is not int or value < 1:
        raise ValueError(f"{name} must be a whole number, 1 or more, not {value!r}")


def _check_text(name: str, value: Any) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a path such as 'customer.id' or a CEL expression, not {value!r}")
    if value != value.strip() or "\0" in value:
        raise ValueError(f"{name} {value!r} has spaces at its ends, or a NUL")
