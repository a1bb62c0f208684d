"""The commands about cases: begin one, take a step, list, show as it stood, read its history, compare two instants."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
import typer

from grantflow.app import App
from grantflow.cli.asking import (
    Json,
    Key,
    Org,
    Person,
    Role,
    circumstances,
    content,
    document,
    instant,
    unknown,
)
from grantflow.cli.case_page import case_page, history_page
from grantflow.cli.difference_page import difference_page
from grantflow.cli.opening import case_id, opened, rows
from grantflow.cli.output import console, write, write_json, write_list, write_one
from grantflow.domain.application import Application, fold
from grantflow.domain.difference import difference
from grantflow.domain.errors import BadRequest, NotFound
from grantflow.domain.event import Entry
from grantflow.domain.letters import LetterIssued
from grantflow.domain.money import kr
from grantflow.domain.register import valid_orgnr
from grantflow.sayings import saying
from grantflow.service import Request

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


@cases.command(
    epilog="Example: grantflow case show imdi-2023-tillegg-0001 --at 2023-08-28T23:59:59.999999+02:00"
)
def show(
    case: CaseId,
    at: Annotated[str, typer.Option(help="As it stood at this instant.")] = "",
    *,
    as_json: Json = False,
) -> None:
    """Show a case, now or exactly as it stood at an instant."""
    until = instant(at) if at else None
    with opened() as app:
        known, state = _as_of(app, case, until)
        call = app.service.states.call(state.call, state.definition)
        number = rows(app, "SELECT number FROM case_list WHERE case_id = %(id)s", id=known)[0]["number"]
    if as_json:
        write_json({**msgspec.to_builtins(state), "content_digest": state.content_digest})
    else:
        case_page(console(), number, state, call)


@cases.command(epilog="Example: grantflow case history imdi-2023-tillegg-0001 --json")
def history(case: CaseId, *, as_json: Json = False) -> None:
    """Show every event of a case: when, who, in which role, on what authority, what."""
    with opened() as app:
        entries = app.store.load(case_id(app, case))
    if as_json:
        write_json({"items": [_row(entry) for entry in entries], "next": None})
    else:
        history_page(console(), f"The history of {case}", entries)


@cases.command(epilog="Example: grantflow case letter imdi-2023-tillegg-0001")
def letter(case: CaseId, *, as_json: Json = False) -> None:
    """Show the letters of a case as they were issued: their text, in the municipality's own form of Norwegian."""
    with opened() as app:
        entries = app.store.load(case_id(app, case))
    issued = [entry for entry in entries if isinstance(entry.event, LetterIssued)]
    if as_json:
        write_json({"items": [_row(entry) for entry in issued], "next": None})
        return
    if not issued:
        write("No letter is issued in this case.\n")
    for entry in issued:
        if isinstance(entry.event, LetterIssued):
            write(f"{entry.event.text}\n")


@cases.command(epilog="Example: grantflow case diff imdi-2023-tillegg-0001 --from 2023-08-28 --to 2023-10-01")
def diff(
    case: CaseId,
    since: Annotated[str, typer.Option("--from", help="The earlier instant.")],
    until: Annotated[str, typer.Option("--to", help="The later instant.")],
    *,
    as_json: Json = False,
) -> None:
    """Show what changed in a case between two instants, field by field, and by which events."""
    first, last = instant(since), instant(until)
    if last < first:
        msg = f"--to {until} lies before --from {since}."
        raise BadRequest(msg)
    with opened() as app:
        known, after = _as_of(app, case, last)
        entries = app.store.load(known)
    before = fold(known, _until(entries, first))
    between = [e for e in entries if before.version < e.originator_version <= after.version]
    changes = difference(before, after)
    if as_json:
        write_json({"changes": changes, "events": [_row(entry) for entry in between]})
    else:
        difference_page(console(), changes, between)


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


def _as_of(app: App, case: str, until: datetime | None) -> tuple[UUID, Application]:
    known = case_id(app, case)
    entries = app.store.load(known)
    if until is not None:
        entries = _until(entries, until)
    if not entries:
        msg = "There is no such case." if until is None else "There was no such case at that instant."
        raise NotFound(msg)
    return known, fold(known, entries)


def _until(entries: Sequence[Entry], until: datetime) -> list[Entry]:
    return [entry for entry in entries if entry.event.stamp.recorded_at <= until]


def _row(entry: Entry) -> dict[str, Any]:
    stamp = {"authority": None, "effective_at": None, **msgspec.to_builtins(entry.event.stamp)}
    place = {"event": entry.id, "position": entry.position, "version": entry.originator_version}
    topic, what = entry.event.topic, saying(entry.event)
    return {**place, "topic": topic, "what": what, **stamp, "facts": entry.event.facts()}
