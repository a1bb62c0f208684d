"""The commands about cases: begin one, take a step, list them. Looking at one of them is in `case_views`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from grantflow.cli.asking import (
    Json,
    Key,
    Org,
    Person,
    Role,
    circumstances,
    content,
    document,
    unknown,
)
from grantflow.cli.opening import case_id, opened, rows
from grantflow.cli.output import write_json, write_list, write_one
from grantflow.domain.errors import BadRequest
from grantflow.domain.money import kr
from grantflow.domain.register import valid_orgnr

if TYPE_CHECKING:
    from grantflow.app import App

cases = typer.Typer(no_args_is_help=True, help="The cases: begin one, take a step, read its history.")
CaseId = Annotated[str, typer.Argument(help="The case's id, or its number such as imdi-2023-tillegg-0001.")]
_LISTED = (
    "SELECT number, case_id::text AS id, applicant, applicant_name, title, state, asked_ore, granted_ore "
    "FROM case_list WHERE (%(call)s = '' OR call = %(call)s) AND (%(state)s = '' OR state = %(state)s) "
    "AND (%(applicant)s = '' OR applicant = %(applicant)s) ORDER BY number"
)


@cases.command(
    epilog="Examples: grantflow case start imdi-2023-tillegg --as 0301-adviser --org 958935420 / "
    "grantflow case start eksempel-2025-omrader --area kvalifisering --as 0301-adviser --org 958935420"
)
def start(
    call: str,
    person: Person,
    org: Org,
    area: Annotated[str, typer.Option(help="The area it is for, where the call has areas.")] = "",
    key: Key = "",
    *,
    as_json: Json = False,
) -> None:
    """Begin an application, for the organisation that is named."""
    from grantflow.service import Request

    with opened() as app:
        by = circumstances(person, "applicant", org, key)
        data = {"area": area} if area else {}
        try:
            receipt = app.service.handle(Request(step="start", call=call, data=data, by=by))
        except BadRequest as refusal:
            if area:
                raise
            raise BadRequest(_which_area(app, call)) from refusal
    write_one(receipt, as_json=as_json)


@cases.command(
    epilog='Examples: echo \'{"capacity": "municipal-director"}\' | grantflow case do CASE approve --data - '
    "--as 0301-director --role director --org 958935420 / grantflow case do CASE attach --attach plan.pdf "
    "--as 0301-adviser --role applicant --org 958935420 / grantflow case do CASE record-statement --data s.json "
    "--happened-at 2023-09-11T12:00 --as imdi-clerk --role case-officer --org 987879696"
)
def do(
    case: CaseId,
    step: Annotated[str, typer.Argument(help="The step, such as edit, submit or grant.")],
    person: Person,
    role: Role,
    org: Org,
    data: Annotated[str, typer.Option(help="The step's content: a JSON file, or - for standard input.")] = "",
    attach: Annotated[str, typer.Option(help="For the step attach: the document itself.")] = "",
    happened_at: Annotated[
        str, typer.Option(help="When what is told happened, if earlier than now; it is recorded beside now.")
    ] = "",
    key: Key = "",
    *,
    as_json: Json = False,
) -> None:
    """Take one step in a case."""
    from grantflow.service import Request

    if attach and (data or step != "attach"):
        msg = "--attach FILE is the whole content of the step 'attach'; leave --data out."
        raise BadRequest(msg)
    by = circumstances(person, role, org, key, happened_at)
    said = document(attach) if attach else content(data)
    with opened() as app:
        request = Request(step=step, case=case_id(app, case), data=said, by=by)
        receipt = app.service.handle(request)
    write_one(receipt, as_json=as_json)


@cases.command("list", epilog="Example: grantflow case list --state granted")
def list_all(
    call: Annotated[str, typer.Option(help="Only those of this call.")] = "",
    state: Annotated[str, typer.Option(help="Only those in this state.")] = "",
    applicant: Annotated[str, typer.Option(help="Only those of this organisation number.")] = "",
    *,
    as_json: Json = False,
) -> None:
    """List the cases."""
    with opened() as app:
        found = rows(app, _LISTED, call=call, state=state, applicant=applicant)
        if not found:
            _mean_something(app, call, state, applicant)
    if as_json:
        write_json({"items": found, "next": None})
        return
    shown: list[dict[str, Any]] = [
        {
            "number": row["number"],
            "applicant": row["applicant_name"],
            "project": row["title"],
            "state": row["state"],
            "asked": kr(row["asked_ore"]) if row["asked_ore"] else None,
            "granted": kr(row["granted_ore"]) if row["granted_ore"] else None,
        }
        for row in found
    ]
    write_list(shown, as_json=False, nothing="There is no such case.")


def _which_area(app: App, call: str) -> str:
    """What to say to somebody who named no area, in a call that has some."""
    states = app.service.states
    areas = states.call(call, states.announcement(call).digest).areas
    return f"Name the area the application is for: {' or '.join(f'--area {area}' for area in areas)}."


def _mean_something(app: App, call: str, state: str, applicant: str) -> None:
    """Refuse what no case can ever match: a list that is empty for a slip of the pen would pass for an answer."""
    if call:
        app.service.states.announcement(call)
    if applicant and not valid_orgnr(applicant):
        msg = f"--applicant {applicant[:60]!r} is not an organisation number: nine digits, the last one a check digit."
        raise BadRequest(msg)
    if state:
        published = rows(app, "SELECT facts->>'call' AS id FROM audit_trail WHERE topic = 'call-published@1'")
        states = app.service.states
        known = {
            name
            for row in published
            for digest in states.announcement(row["id"]).definitions
            for name in states.call(row["id"], digest).process.states
        }
        if published and state not in known:
            raise BadRequest(unknown("state", state, known))
