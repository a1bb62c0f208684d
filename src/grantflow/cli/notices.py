"""The commands about notices: what was sent to whom and whether it came, one of them in full, one sent once more."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import msgspec
import typer

from grantflow.cli.asking import Json, Key, Org, Person, Role, circumstances
from grantflow.cli.noting import noted
from grantflow.cli.opening import case_id, opened
from grantflow.cli.output import write, write_json, write_list, write_one
from grantflow.domain.calendar import clock
from grantflow.domain.errors import NotFound

if TYPE_CHECKING:
    from grantflow.app import App
    from grantflow.inbox import Inbox, Told

notices = typer.Typer(
    no_args_is_help=True, help="What was sent to whom, by the rules of the calls, and whether it came."
)
Notice = Annotated[str, typer.Argument(help="The notice's id, as `notices list` gives it.")]
MOST = 1_000
_SHORT = 8


@notices.command(
    "list",
    epilog="Examples: grantflow notices list --case imdi-2023-tillegg-0001 / grantflow notices list --status waits",
)
def list_all(
    case: Annotated[str, typer.Option(help="Only those of this case.")] = "",
    call: Annotated[str, typer.Option(help="Only those of this call.")] = "",
    organisation: Annotated[str, typer.Option(help="Only those to this organisation.")] = "",
    status: Annotated[str, typer.Option(help="Only those that stand so, such as waits or failed.")] = "",
    *,
    as_json: Json = False,
) -> None:
    """List notices, the newest first: to whom, how, about what, whether it came, and what it waits for."""
    with opened() as app:
        app.projector.catch_up()
        asked = {
            "case_id": case_id(app, case) if case else None,
            "call": call,
            "organisation": organisation,
            "status": status,
        }
        conditions = [f"{column} = %({column})s" for column, value in asked.items() if value]
        found = _inbox(app).told(datetime.now(UTC), " AND ".join(["true", *conditions]), asked, most=MOST)
        noted(app, "listed", "notices", call=call or None, count=len({one.case for one in found}))
    if as_json:
        write_list([msgspec.to_builtins(one) for one in found], as_json=True)
        return
    write_list([_row(one) for one in found], as_json=False, nothing="Nobody was told anything.")
    waiting = {one.waits_for for one in found if one.waits_for.startswith("a mail server")}
    if waiting:
        write("Mails wait: no mail server is set (GRANTFLOW_SMTP_URL). What is in the portal is there.\n")


@notices.command(epilog="Example: grantflow notices show 6d1f0c6e-8a5b-5f8e-9d0f-3a7b1f0c2e11")
def show(notice: Notice, *, as_json: Json = False) -> None:
    """Show a notice in full: its words, and what became of it."""
    with opened() as app:
        app.projector.catch_up()
        found = _inbox(app).told(datetime.now(UTC), "notice = %(notice)s", {"notice": _id(notice)})
        if not found:
            raise _none(notice)
        noted(app, "read", "notice", case=found[0].case)
    if as_json:
        write_json(found[0])
        return
    write_one(found[0], as_json=False)


@notices.command(
    epilog="Example: grantflow notices resend 6d1f0c6e-8a5b-5f8e-9d0f-3a7b1f0c2e11 --reason 'Postkassen var full.' "
    "--as imdi-officer --role case-officer --org 987879696"
)
def resend(
    notice: Notice,
    reason: Annotated[str, typer.Option(help="Why it is sent once more.")],
    person: Person,
    role: Role,
    org: Org,
    key: Key = "",
    *,
    as_json: Json = False,
) -> None:
    """Have a mail sent once more that was given up, or did not reach anybody."""
    with opened() as app:
        app.projector.catch_up()
        case = _inbox(app).case_of(_id(notice))
        if case is None:
            raise _none(notice)
        by = circumstances(person, role, org, key)
        receipt = app.service.notices.resend(case, _id(notice), reason, by)
    write_one(receipt, as_json=as_json)


def _inbox(app: App) -> Inbox:
    from grantflow.inbox import Inbox

    return Inbox(app.projector, app.service.states, mails=app.notifier.mails)


def _row(one: Told) -> dict[str, Any]:
    when = one.arrived_at or one.again_at
    return {
        "id": str(one.id) if one.id else None,
        "made": clock(one.made_at),
        "case": one.number,
        "to": f"{one.role} {one.organisation}",
        "how": one.channel,
        "subject": one.subject,
        "status": f"{one.status}: {one.waits_for}" if one.waits_for else one.status,
        "when": clock(when) if when else None,
    }


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _none(text) from None


def _none(notice: str) -> NotFound:
    return NotFound(f"There is no notice {notice[:80]!r}. `grantflow notices list` names those there are.")
