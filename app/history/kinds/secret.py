"""What happens to secrets. Never their values: those lie encrypted in a table of their own, under `value_id`."""

from __future__ import annotations

from app.history.kinds.base import Fact


class SecretCreated(Fact, frozen=True):
    """stream secret/<name>; each entry tells all there is to know of the secret from then on."""

    kind = "secret.created"
    value_id: str
    revision: int = 1
    description: str = ""
    renamed_from: str = ""


class SecretUpdated(Fact, frozen=True):
    """A new value, or only a new description: then revision and value_id are as before."""

    kind = "secret.updated"
    value_id: str
    revision: int
    created_at: int
    description: str = ""


class SecretDeleted(Fact, frozen=True):
    kind = "secret.deleted"
    revision: int
    renamed_to: str = ""


FACTS: tuple[type[Fact], ...] = (SecretCreated, SecretUpdated, SecretDeleted)
