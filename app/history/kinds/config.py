"""What happens to configuration documents."""

from __future__ import annotations

import msgspec

from app.history.kinds.base import EMPTY, Fact


class ConfigUpdated(Fact, frozen=True):
    """stream config/<name>; `data` is the whole document. It came by `set`, `patch` or `restore`; then
    `restored_from` is the revision that was brought back."""

    kind = "config.updated"
    data: msgspec.Raw = EMPTY
    operation: str = "set"
    restored_from: int = 0


class ConfigDeleted(Fact, frozen=True):
    kind = "config.deleted"


FACTS: tuple[type[Fact], ...] = (ConfigUpdated, ConfigDeleted)
