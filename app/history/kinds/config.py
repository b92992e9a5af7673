"""What happens to configuration documents."""

from __future__ import annotations

import msgspec

from app.history.kinds.base import EMPTY, Fact


class ConfigUpdated(Fact, frozen=True):
    """stream config/<name>; `data` is the whole document. `patch` is what was merged into the one before, and
    `restored_from` the revision that was brought back, if that is how it came about."""

    kind = "config.updated"
    data: msgspec.Raw = EMPTY
    patch: msgspec.Raw | None = None
    restored_from: int = 0


class ConfigDeleted(Fact, frozen=True):
    kind = "config.deleted"


FACTS: tuple[type[Fact], ...] = (ConfigUpdated, ConfigDeleted)
