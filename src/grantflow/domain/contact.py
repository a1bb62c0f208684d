"""Where mail to an organisation goes: functional mailboxes by role, as its own stream tells it.

No person's address is wanted: a mailbox outlives whoever reads it, and what is recorded is never erased.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from grantflow.domain.errors import BadRequest
from grantflow.domain.event import Entry, Event

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST = 254
_LONGEST_LOCAL = 64
_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])"
)


def mailbox(text: str) -> str:
    """An address that mail can go to, plain ASCII and nothing but it; BadRequest otherwise. The domain is lowered."""
    local, _, domain = text.rpartition("@")
    if _ADDRESS.fullmatch(text) is None or len(text) > LONGEST or len(local) > _LONGEST_LOCAL:
        msg = "'address' is not the address of a mailbox, such as integrering@kommune.example.no."
        raise BadRequest(msg)
    return f"{local}@{domain.lower()}"


class Contacts(msgspec.Struct, frozen=True, kw_only=True):
    """An organisation's mailboxes: by who registered them, and for which role (empty: for whatever role)."""

    id: UUID
    version: int = 0
    mailboxes: dict[str, dict[str, str]] = {}

    def address(self, organisation: str, role: str, authority: str) -> str:
        """Where mail from a directorate to a role goes; empty when nobody has said.

        What the organisation says of itself goes before what the directorate says of it.
        """
        for registrar in (organisation, authority):
            own = self.mailboxes.get(registrar, {})
            found = own.get(role) or own.get("")
            if found:
                return found
        return ""

    def but(self, registrar: str, role: str, address: str) -> Contacts:
        """The same contacts with one mailbox set, or taken out where the address is empty."""
        own = {one: known for one, known in self.mailboxes.get(registrar, {}).items() if one != role}
        if address:
            own[role] = address
        return msgspec.structs.replace(self, mailboxes={**self.mailboxes, registrar: own})


class ContactEvent(Event, frozen=True, kw_only=True):
    """An event in the stream of an organisation's mailboxes.

    `for_role` is whose mail it is (empty: everybody's there). `under` is the call whose directorate says so; empty
    where the organisation says it itself.
    """

    stream = "contacts"

    organisation: str
    for_role: str
    under: str = ""

    def apply(self, known: Contacts) -> Contacts:
        """The contacts after this event."""
        return known


class ContactRegistered(ContactEvent, frozen=True, kw_only=True):
    """From now on mail to this role at the organisation goes to this mailbox."""

    topic = "contact-registered@1"

    address: str

    def apply(self, known: Contacts) -> Contacts:
        return known.but(self.stamp.organisation, self.for_role, self.address)


class ContactWithdrawn(ContactEvent, frozen=True, kw_only=True):
    """From now on no mail goes there any more."""

    topic = "contact-withdrawn@1"

    reason: str

    def apply(self, known: Contacts) -> Contacts:
        return known.but(self.stamp.organisation, self.for_role, "")


def fold_contacts(known: Contacts, entries: Iterable[Entry]) -> Contacts:
    """The contacts after `entries`, which must follow their version."""
    for entry in entries:
        event = entry.event
        if not isinstance(event, ContactEvent) or entry.originator_version != known.version + 1:
            msg = f"{entry.id} ({event.topic}) does not follow version {known.version} of {known.id}"
            raise ValueError(msg)
        known = msgspec.structs.replace(event.apply(known), version=entry.originator_version)
    return known
