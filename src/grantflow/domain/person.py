"""What names a person, beside the pseudonym that events carry: sealed under a key that can be thrown away."""

from __future__ import annotations

from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from grantflow.domain.event import Entry, Event

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NOBODY_NAMED: Mapping[str, str] = MappingProxyType({})


def called(person: str, names: Mapping[str, str]) -> str:
    """A person as people read it: «Kari Nordmann (imdi-decider)» where the name is known, else the pseudonym."""
    return f"{names[person]} ({person})" if person in names else person


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """One person, folded from a stream of their own. `sealed` is the name in force, which only their key opens."""

    id: UUID
    version: int = 0
    person: str = ""
    organisation: str = ""
    """Whose call-manager recorded the name."""
    sealed: str = ""
    named_at: datetime | None = None
    erased_at: datetime | None = None
    grounds: str = ""

    def but(self, **changes: object) -> Person:
        """The same person with some fields changed."""
        return msgspec.structs.replace(self, **changes)


class PersonEvent(Event, frozen=True, kw_only=True):
    """An event in a person's stream."""

    stream = "person"

    person: str

    def apply(self, known: Person) -> Person:
        """The person after this event."""
        return known


class PersonNamed(PersonEvent, frozen=True, kw_only=True):
    """A name is recorded for a pseudonym: ciphertext in base64, bound to that pseudonym."""

    topic = "person-named@1"

    sealed: str

    def apply(self, known: Person) -> Person:
        return known.but(
            person=self.person,
            organisation=known.organisation or self.stamp.organisation,
            sealed=self.sealed,
            named_at=self.stamp.recorded_at,
        )


class PersonErased(PersonEvent, frozen=True, kw_only=True):
    """What names the person is erased (GDPR article 17): the key is gone; what the pseudonym did stays."""

    topic = "person-erased@1"

    grounds: str

    def apply(self, known: Person) -> Person:
        return known.but(sealed="", erased_at=self.stamp.recorded_at, grounds=self.grounds)


def fold_person(known: Person, entries: Iterable[Entry]) -> Person:
    """The person after `entries`, which must follow their version."""
    for entry in entries:
        event = entry.event
        if not isinstance(event, PersonEvent) or entry.originator_version != known.version + 1:
            msg = f"{entry.id} ({event.topic}) does not follow version {known.version} of {known.id}"
            raise ValueError(msg)
        known = event.apply(known).but(version=entry.originator_version)
    return known
