"""The commands about webhooks: who has events sent to them, how that fares, and what can be done about it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

import typer

from grantflow.cli.asking import Json, Key, Org, Person, circumstances
from grantflow.cli.opening import opened
from grantflow.cli.output import write, write_json, write_list, write_one
from grantflow.domain.calendar import clock
from grantflow.domain.errors import NotFound

if TYPE_CHECKING:
    from grantflow.webhooks.subscriptions import Owner

webhooks = typer.Typer(no_args_is_help=True, help="Events sent to other programs, signed and in order.")
Which = Annotated[str, typer.Argument(help="The subscriber's id.")]
Role = Annotated[
    Literal["integration", "call-manager"],
    typer.Option("--role", help="As whom it follows: a program, or whoever is in charge of calls."),
]


@webhooks.command(
    epilog="Examples: grantflow webhooks add https://arkiv.example.no/grantflow --as arkiv --org 987879696 / "
    "grantflow webhooks add https://fag.example.no/hook --types application-granted,payment-confirmed "
    "--call imdi-2023-tillegg --as fagsystem --org 958935420"
)
def add(
    url: Annotated[str, typer.Argument(help="Where to send: an https URL.")],
    person: Person,
    org: Org,
    role: Role = "integration",
    types: Annotated[str, typer.Option(help="Only these kinds, with commas between.")] = "",
    call: Annotated[str, typer.Option(help="Only what happens in this call.")] = "",
    after: Annotated[
        int | None, typer.Option(min=0, help="From this position of the log on; unless said, from now on.")
    ] = None,
    key: Key = "",
    *,
    as_json: Json = False,
) -> None:
    """Register a subscriber. Its secret is printed here, once: keep it where the receiver reads it."""
    from grantflow.webhooks import Asked

    kinds = [one.strip() for one in types.split(",") if one.strip()]
    asked = Asked(url=url, types=kinds, call=call or None, after=after)
    with opened() as app:
        added = app.webhooks.add(asked, _owner(person, role, org), _now(), key)
    write_one(added, as_json=as_json)


@webhooks.command("list", epilog="Example: grantflow webhooks list --org 987879696")
def list_all(
    org: Annotated[str, typer.Option(help="Of this organisation only: its nine digits.")] = "",
    *,
    as_json: Json = False,
) -> None:
    """List the subscribers: whose, where to, how they fare. Secrets are masked."""
    with opened() as app:
        found = app.webhooks.list(org)
    if as_json:
        write_json({"items": found, "next": None})
        return
    rows = [
        {
            "id": str(one.id),
            "organisation": one.organisation,
            "url": one.url,
            "state": one.state,
            "waiting": one.waiting,
            "dead": one.dead,
            "delivered": one.delivered,
            "since": clock(one.since),
            "reason": one.reason or one.last_reason,
        }
        for one in found
    ]
    write_list(rows, as_json=False, nothing="Nobody has events sent to them (grantflow webhooks add).")


@webhooks.command(epilog="Example: grantflow webhooks show ID")
def show(which: Which, *, as_json: Json = False) -> None:
    """Show a subscriber: what it gets, what waits, what came of the last attempt."""
    with opened() as app:
        write_one(app.webhooks.show(_id(which), ""), as_json=as_json)


@webhooks.command(epilog="Example: grantflow webhooks pause ID --as drift --org 987879696")
def pause(which: Which, person: Person, org: Org, *, as_json: Json = False) -> None:
    """Send nothing more for now; what happens meanwhile is sent when it is resumed."""
    with opened() as app:
        write_one(app.webhooks.pause(_id(which), _owner(person, "integration", org), _now()), as_json=as_json)


@webhooks.command(epilog="Example: grantflow webhooks resume ID --as drift --org 987879696")
def resume(which: Which, person: Person, org: Org, *, as_json: Json = False) -> None:
    """Send again from where it stopped, at once: also where it is resting after failures."""
    with opened() as app:
        write_one(
            app.webhooks.resume(_id(which), _owner(person, "integration", org), _now()), as_json=as_json
        )


@webhooks.command(epilog="Example: grantflow webhooks rotate ID --as drift --org 987879696")
def rotate(which: Which, person: Person, org: Org, key: Key = "", *, as_json: Json = False) -> None:
    """Give a new secret, printed here once; the old one signs beside it for a day."""
    with opened() as app:
        owner = _owner(person, "integration", org)
        write_one(app.webhooks.rotate(_id(which), owner, _now(), key), as_json=as_json)


@webhooks.command(epilog="Example: grantflow webhooks redrive ID --as drift --org 987879696")
def redrive(which: Which, person: Person, org: Org, *, as_json: Json = False) -> None:
    """Send again what was given up, in the order of the log."""
    with opened() as app:
        redriven = app.webhooks.redrive(_id(which), _owner(person, "integration", org), _now())
    if as_json:
        write_json(redriven)
    else:
        write(f"{redriven.redriven} events are sent again.\n")


@webhooks.command(epilog="Example: grantflow webhooks remove ID --as drift --org 987879696")
def remove(which: Which, person: Person, org: Org, *, as_json: Json = False) -> None:
    """Send nothing more, ever, and forget what was sent."""
    with opened() as app:
        removed = app.webhooks.remove(_id(which), _owner(person, "integration", org), _now())
    if as_json:
        write_json(removed)
    else:
        write(f"{removed.url} is removed; {removed.waiting} events that waited are not sent.\n")


def _owner(person: str, role: str, org: str) -> Owner:
    from grantflow.webhooks.subscriptions import Owner

    by = circumstances(person, role, org, "")
    return Owner(by.person, by.organisation, by.role)


def _now() -> datetime:
    return datetime.now(UTC)


def _id(named: str) -> UUID:
    try:
        return UUID(named)
    except ValueError as error:
        msg = f"There is no subscriber {named[:80]!r}. `grantflow webhooks list` names those there are."
        raise NotFound(msg) from error
