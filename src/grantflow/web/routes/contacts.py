"""Mailboxes: where mail to an organisation goes, said by itself, or by the directorate behind a call."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.params import Parameter

from grantflow.contacting import Mailbox
from grantflow.web.asking import Key, Raw, circumstances
from grantflow.web.caller import caller_of
from grantflow.web.house import AnyRequest, TheHouse
from grantflow.web.problems import Forbidden
from grantflow.web.rights import RIGHTS
from grantflow.web.routes.calls import as_asked
from grantflow.web.routes.steps import answered
from grantflow.web.views import Page, ReceiptView

RIGHT = "register-contact"
_WHO = tuple(RIGHTS[RIGHT].who)


class MailboxView(msgspec.Struct, frozen=True):
    """Where mail to a role goes (empty: to everybody there), and which organisation said so."""

    organisation: str
    role: str
    address: str
    registered_by: str


class Withdraw(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why no mail goes there any more; which mailbox, as it was registered."""

    reason: str
    role: str = ""
    organisation: str = ""
    call: str = ""


@get("/contacts", opt={"right": RIGHT}, sync_to_thread=True)
def list_contacts(
    request: AnyRequest,
    house: TheHouse,
    organisation: Annotated[str, Parameter(description="Whose; one's own organisation's unless said.")] = "",
) -> Page[MailboxView]:
    """List where mail to your organisation goes; of another, the directorate sees what it has said itself."""
    own = caller_of(request).identity.organisation
    whose = organisation or own
    known = house.app.service.states.contacts(whose)
    rows = [
        MailboxView(whose, role, address, registrar)
        for registrar, mailboxes in known.mailboxes.items()
        for role, address in sorted(mailboxes.items())
        if own in (whose, registrar)
    ]
    if whose != own and not rows:
        msg = "You see your own organisation's mailboxes, and those you have registered."
        raise Forbidden(msg)
    return Page(rows)


@post("/contacts", opt={"right": RIGHT, "body": Mailbox}, status_code=201, sync_to_thread=True)
def register(request: AnyRequest, house: TheHouse, raw: Raw, key: Key = "") -> Response[ReceiptView]:
    """Say where mail goes from now on: a functional mailbox. No person's address is wanted: it stays for good."""
    asked = as_asked(request, raw, Mailbox)
    by = circumstances(house, caller_of(request), _WHO, key)
    return answered(house.app.service.contacts.register(asked, by), 201)


@post("/contacts/withdrawal", opt={"right": RIGHT, "body": Withdraw}, status_code=201, sync_to_thread=True)
def withdraw(request: AnyRequest, house: TheHouse, raw: Raw, key: Key = "") -> Response[ReceiptView]:
    """Say that no mail goes there any more; the earlier entry stays."""
    asked = as_asked(request, raw, Withdraw)
    by = circumstances(house, caller_of(request), _WHO, key)
    mailbox = Mailbox(address="", role=asked.role, organisation=asked.organisation, call=asked.call)
    return answered(house.app.service.contacts.withdraw(mailbox, asked.reason, by), 201)


HANDLERS = [list_contacts, register, withdraw]
