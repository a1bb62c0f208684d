"""The commands about mailboxes: where mail to an organisation goes, by role."""

from __future__ import annotations

from typing import Annotated

import typer

from grantflow.cli.asking import Json, Key, Org, Person, Role, circumstances
from grantflow.cli.opening import opened
from grantflow.cli.output import write_list, write_one

contacts = typer.Typer(
    no_args_is_help=True,
    help="Where mail to organisations goes: functional mailboxes, and never a person's address.",
)
ForRole = Annotated[
    str, typer.Option("--for", help="Whose mail it is, such as superior; unless said, everybody's.")
]
Of = Annotated[str, typer.Option("--of", help="Whose mailbox it is; unless said, one's own organisation's.")]
Call = Annotated[str, typer.Option(help="For the directorate: the call that it is behind.")]


@contacts.command(
    "set",
    epilog="Examples: grantflow contacts set integrering@kommune.example.no --as 0301-adviser --role applicant "
    "--org 958935420 / grantflow contacts set leder@kommune.example.no --for superior --of 958935420 "
    "--call imdi-2023-tillegg --as imdi-lead --role call-manager --org 987879696",
)
def set_one(
    address: Annotated[
        str, typer.Argument(help="A functional mailbox. No person's: it stays in the log for good.")
    ],
    person: Person,
    role: Role,
    org: Org,
    for_role: ForRole = "",
    of: Of = "",
    call: Call = "",
    key: Key = "",
    *,
    as_json: Json = False,
) -> None:
    """Say where mail goes from now on. What the organisation says itself goes before what the directorate says."""
    from grantflow.contacting import Mailbox

    asked = Mailbox(address=address, role=for_role, organisation=of, call=call)
    with opened() as app:
        receipt = app.service.contacts.register(asked, circumstances(person, role, org, key))
    write_one(receipt, as_json=as_json)


@contacts.command(
    epilog="Example: grantflow contacts withdraw --for superior --reason 'Ny postkasse kommer.' --as 0301-adviser "
    "--role applicant --org 958935420"
)
def withdraw(
    reason: Annotated[str, typer.Option(help="Why; it names nobody.")],
    person: Person,
    role: Role,
    org: Org,
    for_role: ForRole = "",
    of: Of = "",
    call: Call = "",
    key: Key = "",
    *,
    as_json: Json = False,
) -> None:
    """Say that no mail goes there any more; the earlier entry stays."""
    from grantflow.contacting import Mailbox

    asked = Mailbox(address="", role=for_role, organisation=of, call=call)
    with opened() as app:
        receipt = app.service.contacts.withdraw(asked, reason, circumstances(person, role, org, key))
    write_one(receipt, as_json=as_json)


@contacts.command("list", epilog="Example: grantflow contacts list --org 958935420")
def list_all(org: Org, *, as_json: Json = False) -> None:
    """List where mail to an organisation goes: for whom, to which mailbox, and who said so."""
    with opened() as app:
        known = app.service.states.contacts(org)
    rows = [
        {"for": role or "everybody", "address": address, "registered_by": registrar}
        for registrar, own in known.mailboxes.items()
        for role, address in sorted(own.items())
    ]
    write_list(
        rows, as_json=as_json, nothing="No mailbox is registered (grantflow contacts set): mails wait."
    )
