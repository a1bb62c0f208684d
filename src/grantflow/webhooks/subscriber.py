"""A subscriber: whose it is, where events go and which; and how it fares."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import msgspec

from grantflow.following import Follower
from grantflow.settings import MASK

if TYPE_CHECKING:
    from collections.abc import Sequence

State = Literal["active", "paused"]
COLUMNS = (
    "id, organisation, role, registered_by, url, types, call, state, reason, since, created_at, position, secret, "
    "old_secret, old_until, failures, failing_since, rests_until"
)


class Subscriber(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who has events sent. `position` is how far the log has been looked through for them."""

    id: UUID
    organisation: str
    role: str
    registered_by: str
    url: str
    types: tuple[str, ...]
    call: str
    state: State
    reason: str
    since: datetime
    created_at: datetime
    position: int
    secret: str
    old_secret: str | None
    old_until: datetime | None
    failures: int
    failing_since: datetime | None
    rests_until: datetime | None

    @classmethod
    def of(cls, row: Sequence[Any]) -> Subscriber:
        """A row of COLUMNS."""
        named = dict(zip(cls.__struct_fields__, row, strict=True))
        return cls(**{**named, "types": tuple(named["types"])})

    @property
    def follower(self) -> Follower:
        """As whom they follow."""
        return Follower(self.organisation, (self.role,))

    def secrets(self, now: datetime) -> tuple[str, ...]:
        """The secrets that sign at this instant, the newest first."""
        if self.old_secret is None or self.old_until is None or now >= self.old_until:
            return (self.secret,)
        return (self.secret, self.old_secret)

    def __repr__(self) -> str:
        return f"Subscriber({self.id}, {self.organisation}, {self.state})"


class SubscriberView(msgspec.Struct, frozen=True, kw_only=True):
    """A subscriber as it is shown. `secret` is told once, when it is new; after that it is masked."""

    id: UUID
    organisation: str
    role: str
    registered_by: str
    url: str
    types: tuple[str, ...]
    call: str | None
    state: State
    reason: str
    since: datetime
    created_at: datetime
    position: int
    waiting: int
    dead: int
    delivered: int
    failures: int
    failing_since: datetime | None
    next_at: datetime | None
    last_status: int | None
    last_reason: str | None
    secret: str
    old_secret_until: datetime | None


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How a subscriber's deliveries stand."""

    waiting: int = 0
    dead: int = 0
    delivered: int = 0
    next_at: datetime | None = None
    last_status: int | None = None
    last_reason: str | None = None


def view(one: Subscriber, counts: Counts, *, secret: str = MASK) -> SubscriberView:
    """A subscriber as it is shown, with its secret only where that is given."""
    return SubscriberView(
        id=one.id,
        organisation=one.organisation,
        role=one.role,
        registered_by=one.registered_by,
        url=one.url,
        types=one.types,
        call=one.call or None,
        state=one.state,
        reason=one.reason,
        since=one.since,
        created_at=one.created_at,
        position=one.position,
        waiting=counts.waiting,
        dead=counts.dead,
        delivered=counts.delivered,
        failures=one.failures,
        failing_since=one.failing_since,
        next_at=counts.next_at,
        last_status=counts.last_status,
        last_reason=counts.last_reason,
        secret=secret,
        old_secret_until=one.old_until,
    )
