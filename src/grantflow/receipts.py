"""What a caller gets for what was stored: proof of which event it is and where it stands in the log."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from grantflow.domain.errors import Refused

if TYPE_CHECKING:
    from grantflow.domain.event import Entry
    from grantflow.store import Appended, Store


class Contended(Refused):
    """Others were writing to the same case at the same instant, twice in a row."""

    code = "contended"

    def __init__(self) -> None:
        super().__init__("Somebody else changed this at the same instant. Nothing was stored; try again.")


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """Proof for the caller: which event, where in the log, its SHA-256, and the state it led to."""

    case: UUID
    event: str
    position: int
    digest: str
    state: str
    version: int
    recorded_at: datetime
    repeated: bool = False


def receipt_for(entry: Entry, digest: str, *, repeated: bool = False) -> Receipt:
    """The receipt for an event at its place, with the SHA-256 of its bytes."""
    stamp = entry.event.stamp
    return Receipt(
        case=entry.originator_id,
        event=entry.id,
        position=entry.position,
        digest=digest,
        state=stamp.state,
        version=entry.originator_version,
        recorded_at=stamp.recorded_at,
        repeated=repeated,
    )


def stored(store: Store, appended: Appended) -> Receipt:
    """The receipt for what stands in the log."""
    position = appended.positions[-1]
    return receipt_for(store.entry(position), store.digest(position), repeated=appended.repeated)
