"""Who may bind an organisation, and who answers to whom, as its own stream tells it: delegations with their limits."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Literal
from uuid import UUID

import msgspec

from grantflow.domain.calendar import oslo_date
from grantflow.domain.errors import NoAuthority
from grantflow.domain.event import Entry, Event
from grantflow.domain.money import Ore, kr

if TYPE_CHECKING:
    from collections.abc import Iterable

Scope = Literal["budget", "approval"]
"""What is delegated: to commit an appropriation (BDM), or to approve applications for a municipal director (R22)."""


class Authority(msgspec.Struct, frozen=True, omit_defaults=True):
    """A written delegation: to whom, of what, how much, and from which day to which (both included).

    A budget authority is for one appropriation; an approval for one call, or for all where none is named. `limit_ore`
    is the most that one decision may come to.
    """

    reference: str
    scope: Scope
    person: str
    issued_by: str
    valid_from: date
    valid_to: date | None = None
    appropriation: str = ""
    call: str = ""
    limit_ore: Ore | None = None
    revoked_at: datetime | None = None

    def in_force(self, at: datetime) -> bool:
        """Whether it held at an instant."""
        day = oslo_date(at)
        begun = self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)
        return begun and (self.revoked_at is None or at < self.revoked_at)


class Line(msgspec.Struct, frozen=True):
    """Whom a person answers to, from an instant on; nobody when `superior` is empty."""

    superior: str
    since: datetime


class Authorities(msgspec.Struct, frozen=True, kw_only=True):
    """The delegations and lines of one organisation, folded from its own stream."""

    id: UUID
    version: int = 0
    delegations: dict[str, Authority] = {}
    lines: dict[str, tuple[Line, ...]] = {}

    def superior_of(self, person: str, at: datetime) -> str:
        """Whom a person answered to at an instant; empty when nobody is named."""
        named = [line.superior for line in self.lines.get(person, ()) if line.since <= at]
        return named[-1] if named else ""

    def budget(
        self, reference: str, person: str, appropriation: str, amount_ore: Ore, at: datetime
    ) -> Authority:
        """The written authority to commit so much of an appropriation, or NoAuthority with what it lacks."""
        found = self._held(reference, "budget", person, at)
        if found.appropriation != appropriation:
            msg = f"The authority {reference} is for «{found.appropriation}», not for «{appropriation}»."
            raise NoAuthority(msg)
        if found.limit_ore is not None and amount_ore > found.limit_ore:
            msg = f"The authority {reference} goes to {kr(found.limit_ore)} a decision; this is {kr(amount_ore)}."
            raise NoAuthority(msg)
        return found

    def approval(self, reference: str, person: str, call: str, at: datetime) -> Authority:
        """The written authority to approve applications under a call, or NoAuthority with what it lacks (R22)."""
        found = self._held(reference, "approval", person, at)
        if found.call not in ("", call):
            msg = f"The authority {reference} is for the call {found.call}, not for {call}."
            raise NoAuthority(msg)
        return found

    def _held(self, reference: str, scope: Scope, person: str, at: datetime) -> Authority:
        found = self.delegations.get(reference)
        if found is None or found.scope != scope or found.person != person:
            own = sorted(
                one.reference
                for one in self.delegations.values()
                if (one.scope, one.person) == (scope, person)
            )
            known = f" Recorded for you: {', '.join(own)}." if own else " None is recorded for you."
            msg = f"There is no {scope} authority {reference!r} delegated to you in writing.{known}"
            raise NoAuthority(msg)
        if not found.in_force(at):
            msg = f"The authority {reference} is not in force on {oslo_date(at)}."
            raise NoAuthority(msg)
        return found

    def but(self, **changes: object) -> Authorities:
        """The same authorities with some fields changed."""
        return msgspec.structs.replace(self, **changes)


class AuthorityEvent(Event, frozen=True, kw_only=True):
    """An event in an organisation's stream of authority."""

    stream = "authority"

    def apply(self, known: Authorities) -> Authorities:
        """The authorities after this event."""
        return known


class AuthorityDelegated(AuthorityEvent, frozen=True, kw_only=True):
    """The organisation has delegated authority in writing (bestemmelser om økonomistyring 2.5.2.1; R22)."""

    topic = "authority-delegated@1"

    delegation: Authority

    def apply(self, known: Authorities) -> Authorities:
        return known.but(delegations={**known.delegations, self.delegation.reference: self.delegation})


class AuthorityRevoked(AuthorityEvent, frozen=True, kw_only=True):
    """A delegation holds no longer from this instant on; what was decided under it stays as it was."""

    topic = "authority-revoked@1"

    reference: str
    reason: str

    def apply(self, known: Authorities) -> Authorities:
        delegation = known.delegations.get(self.reference)
        if delegation is None:
            return known
        revoked = msgspec.structs.replace(delegation, revoked_at=self.stamp.recorded_at)
        return known.but(delegations={**known.delegations, self.reference: revoked})


class SuperiorNamed(AuthorityEvent, frozen=True, kw_only=True):
    """From now on this person answers to that one; what a superior may not decide, they may not either (fvl § 6)."""

    topic = "superior-named@1"

    subordinate: str
    superior: str

    def apply(self, known: Authorities) -> Authorities:
        line = Line(self.superior, self.stamp.recorded_at)
        return known.but(
            lines={**known.lines, self.subordinate: (*known.lines.get(self.subordinate, ()), line)}
        )


def fold_authorities(known: Authorities, entries: Iterable[Entry]) -> Authorities:
    """The authorities after `entries`, which must follow their version."""
    for entry in entries:
        event = entry.event
        if not isinstance(event, AuthorityEvent) or entry.originator_version != known.version + 1:
            msg = f"{entry.id} ({event.topic}) does not follow version {known.version} of {known.id}"
            raise ValueError(msg)
        known = event.apply(known).but(version=entry.originator_version)
    return known
