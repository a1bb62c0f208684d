"""The way in for mailboxes: where mail to an organisation goes, said by itself, or by the directorate behind a call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from grantflow.announcing import outside_cases, store_once
from grantflow.domain.command import said
from grantflow.domain.contact import ContactRegistered, ContactWithdrawn, mailbox
from grantflow.domain.errors import BadRequest, NotAllowed, NotFound, NotTheAuthority, RoleNotAllowed
from grantflow.domain.event import Entry
from grantflow.domain.identity_numbers import refuse_identity_numbers
from grantflow.domain.notice_rules import RECIPIENTS
from grantflow.domain.register import valid_orgnr
from grantflow.domain.roles import MUNICIPAL

if TYPE_CHECKING:
    from collections.abc import Callable

    from grantflow.domain.circumstances import Circumstances
    from grantflow.domain.contact import ContactEvent, Contacts
    from grantflow.receipts import Receipt
    from grantflow.states import States
    from grantflow.store import Store

STEP = "register-contact"
AT_THE_DIRECTORATE = frozenset({"call-manager", "case-officer"})
"""Who registers mailboxes for the directorate: its own, and those of the organisations that apply to it."""


class Mailbox(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A functional mailbox, and never a person's: whose mail it gets.

    `organisation` is one's own unless said, and `role` whatever role. The directorate names the `call` it is behind.
    """

    address: str
    role: str = ""
    organisation: str = ""
    call: str = ""


class Contacting:
    """Records the mailboxes of organisations. Safe to use from many threads."""

    def __init__(self, store: Store, states: States) -> None:
        self._store, self._states = store, states

    def register(self, asked: Mailbox, by: Circumstances) -> Receipt:
        """From now on, mail goes there. What stood there before is told by its own entry, and stays."""
        address = mailbox(asked.address)
        refuse_identity_numbers(asked.address, "address")

        def decide(known: Contacts) -> ContactEvent:
            self._may(asked, by)
            if known.mailboxes.get(by.organisation, {}).get(asked.role) == address:
                msg = "Mail goes there already."
                raise NotAllowed(msg)
            return ContactRegistered(
                organisation=asked.organisation or by.organisation,
                for_role=asked.role,
                under=asked.call,
                address=address,
                stamp=outside_cases(by, STEP, "registered"),
            )

        return self._once(asked, by, {"register-contact": msgspec.to_builtins(asked)}, decide)

    def withdraw(self, asked: Mailbox, reason: str, by: Circumstances) -> Receipt:
        """From now on, no mail goes where it went (`address` is not looked at)."""

        def decide(known: Contacts) -> ContactEvent:
            self._may(asked, by)
            if not known.mailboxes.get(by.organisation, {}).get(asked.role):
                msg = "No such mailbox is registered by you. `grantflow contacts list` tells which are."
                raise NotFound(msg)
            refuse_identity_numbers(reason, "reason")
            return ContactWithdrawn(
                organisation=asked.organisation or by.organisation,
                for_role=asked.role,
                under=asked.call,
                reason=said(reason, "reason", most=2_000),
                stamp=outside_cases(by, "withdraw-contact", "withdrawn"),
            )

        words = {"withdraw-contact": msgspec.to_builtins(asked), "reason": reason}
        return self._once(asked, by, words, decide)

    def _once(
        self,
        asked: Mailbox,
        by: Circumstances,
        words: dict[str, object],
        decide: Callable[[Contacts], ContactEvent],
    ) -> Receipt:
        def decided() -> tuple[Entry, ...]:
            known = self._states.contacts(asked.organisation or by.organisation)
            return (Entry(known.id, known.version + 1, decide(known)),)

        return store_once(self._store, by, words, decided)

    def _may(self, asked: Mailbox, by: Circumstances) -> None:
        """An organisation speaks for itself; the directorate behind a call for itself and for those who apply to it."""
        if asked.organisation and not valid_orgnr(asked.organisation):
            msg = "'organisation' is not an organisation number: nine digits, the last a check digit."
            raise BadRequest(msg)
        if asked.role and asked.role not in RECIPIENTS:
            msg = f"'role' must be one of {', '.join(sorted(RECIPIENTS))}, or left out for all of them."
            raise BadRequest(msg)
        if by.role in AT_THE_DIRECTORATE:
            call = self._states.call(asked.call, self._states.announcement(asked.call).digest)
            if call.authority != by.organisation:
                msg = f"Only the directorate behind the call ({call.authority}) registers mailboxes under it."
                raise NotTheAuthority(msg)
            return
        if by.role not in MUNICIPAL:
            raise RoleNotAllowed(STEP, by.role, tuple(sorted(MUNICIPAL | AT_THE_DIRECTORATE)))
        if asked.organisation not in ("", by.organisation) or asked.call:
            msg = "An organisation registers its own mailboxes only."
            raise NotTheAuthority(msg)
