"""The ledger of operations: what was asked of the shop's system under which id, and what came of it.

It outlives the process, so that the same yes after a restart writes once and an answer that comes late finds its
question. It decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol


class LedgerState(StrEnum):
    REQUESTED = "requested"          # about to be asked, or asked when the process died
    UNKNOWN = "unknown"              # asked, no answer
    ACCEPTED = "accepted"
    REFUSED = "refused"


SETTLED = (LedgerState.ACCEPTED, LedgerState.REFUSED)


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One operation of a confirmed proposal. `states` holds order and customer before and after, only until settled."""

    operation_id: str
    proposal_digest: str
    position: int
    customer_id: str
    conversation_id: str
    quote: Mapping[str, Any]
    states: Mapping[str, Any]
    at: datetime
    state: LedgerState = LedgerState.REQUESTED
    reason: str = ""

    @property
    def settled(self) -> bool:
        return self.state in SETTLED

    @property
    def order_id(self) -> str:
        """'' for the default address."""
        return str(self.quote["operation"].get("order_id", ""))

    @property
    def touches_customer(self) -> bool:
        return "customer_after" in self.states


class OperationLedger(Protocol):
    async def begin(self, entry: LedgerEntry) -> bool:
        """Write a new entry; False when the operation id is there already, whoever wrote it."""
        ...

    async def finish(self, operation_id: str, state: LedgerState, reason: str = "") -> bool:
        """Move an unsettled entry on; False when it is settled already. A settled entry forgets its `states`."""
        ...

    async def entry(self, operation_id: str) -> LedgerEntry | None: ...

    async def of_proposal(self, proposal_digest: str) -> list[LedgerEntry]:
        """By position."""
        ...

    async def unsettled(self, customer_id: str = "") -> list[LedgerEntry]:
        """Oldest first; of one customer, or of all."""
        ...


class MemoryLedger:
    """OperationLedger over a dictionary."""

    def __init__(self) -> None:
        self._entries: dict[str, LedgerEntry] = {}

    async def begin(self, entry: LedgerEntry) -> bool:
        if entry.operation_id in self._entries:
            return False
        self._entries[entry.operation_id] = entry
        return True

    async def finish(self, operation_id: str, state: LedgerState, reason: str = "") -> bool:
        entry = self._entries[operation_id]
        if entry.settled:
            return False
        states = {} if state in SETTLED else entry.states
        self._entries[operation_id] = replace(entry, state=state, reason=reason, states=states)
        return True

    async def entry(self, operation_id: str) -> LedgerEntry | None:
        return self._entries.get(operation_id)

    async def of_proposal(self, proposal_digest: str) -> list[LedgerEntry]:
        found = (e for e in self._entries.values() if e.proposal_digest == proposal_digest)
        return sorted(found, key=lambda e: e.position)

    async def unsettled(self, customer_id: str = "") -> list[LedgerEntry]:
        found = (e for e in self._entries.values() if not e.settled and customer_id in ("", e.customer_id))
        return sorted(found, key=lambda e: e.at)
