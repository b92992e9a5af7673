"""The audit as a noun of history: `audit/decisions`, from which nothing is derived, and `audit/settings`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from app.history.entry import Entry
from app.history.kinds import AuditSettings, AuditSettingsChanged
from storage import audit
from storage.contract import Transaction
from storage.records import AuditSettingsRow

DECISIONS, SETTINGS = "audit/decisions", "audit/settings"

decode = msgspec.json.Decoder(AuditSettings).decode


class AuditNoun:
    """The state of the settings is their row; that of the decisions tells nothing."""

    prefix = "audit"
    last_tells: Literal[True] = True

    def apply(self, state: AuditSettingsRow | None, entry: Entry) -> AuditSettingsRow:
        fact = entry.fact
        settings, position = AuditSettings(), 0
        if isinstance(fact, AuditSettingsChanged):
            settings, position = fact.settings, entry.position
        told = msgspec.json.encode(settings).decode()
        return AuditSettingsRow(entry.environment, told, entry.recorded_at, position)

    def changed_at(self, state: AuditSettingsRow) -> int:
        return state.position

    def row(self, state: AuditSettingsRow) -> AuditSettingsRow:
        return state

    def keep(self, state: AuditSettingsRow) -> bool:
        return True

    def save(self, tx: Transaction, rows: Sequence[AuditSettingsRow]) -> None:
        audit.save(tx, rows)

    def clear(self, tx: Transaction) -> None:
        audit.clear(tx)

    def rows(self, tx: Transaction) -> Iterable[AuditSettingsRow]:
        return audit.everything(tx)
