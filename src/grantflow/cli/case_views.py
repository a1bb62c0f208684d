"""The commands that look at one case: as it stands or stood, its history, its letters, what changed in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import typer

from grantflow.cli.asking import Json, instant
from grantflow.cli.cases import CaseId, cases
from grantflow.cli.noting import noted
from grantflow.cli.opening import case_id, opened, rows
from grantflow.cli.output import console, write, write_json
from grantflow.domain.errors import BadRequest, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from grantflow.app import App
    from grantflow.domain.event import Entry
    from grantflow.domain.standing import Standing

__all__ = ["as_it_stood", "cases"]

At = Annotated[str, typer.Option(help="As it stood at this instant, by the clock in Oslo unless it says.")]
By = Literal["recorded", "happened"]
"""`grantflow.domain.standing.By`, said again: typer reads it as soon as it starts, and that module is heavy."""


@cases.command(
    epilog="Examples: grantflow case show imdi-2023-tillegg-0001 --at 2023-08-28T23:59:59.999999+02:00 / "
    "grantflow case show imdi-2023-tillegg-0001 --at 2023-10-12 --by happened"
)
def show(
    case: CaseId,
    at: At = "",
    by: Annotated[
        By,
        typer.Option(
            help="recorded: by the events recorded by then. happened: by what had happened by then, also where it "
            "was recorded later. No event is folded without those before it, so the case ends before the first one "
            "that had not happened; later corrections of what came before are read into it, and what else had "
            "happened is listed beside it."
        ),
    ] = "recorded",
    *,
    as_json: Json = False,
) -> None:
    """Show a case, now or exactly as it stood at an instant, by what was recorded or by what had happened."""
    from grantflow.cli.case_page import case_page, told_apart

    if by == "happened" and not at:
        msg = "--by happened needs --at INSTANT: all that is recorded has happened by now."
        raise BadRequest(msg)
    until = instant(at) if at else None
    with opened() as app:
        stood = as_it_stood(app, case_id(app, case), until, by)
        state = stood.case
        call = app.service.states.call(state.call, state.definition)
        number = rows(app, "SELECT number FROM case_list WHERE case_id = %(id)s", id=state.id)[0]["number"]
        noted(app, "read", "case", case=state.id, call=state.call)
    if as_json:
        told = {**msgspec.to_builtins(state), "content_digest": state.content_digest}
        if by == "happened":
            told["corrections_read_in"] = [_row(entry) for entry in stood.corrections]
            told["happened_apart"] = [_row(entry) for entry in stood.apart]
        write_json(told)
    else:
        case_page(console(), number, state, call)
        told_apart(console(), stood)


@cases.command(
    epilog="Examples: grantflow case history imdi-2023-tillegg-0001 --json / "
    "grantflow case history imdi-2023-tillegg-0001 --at 2023-10-01"
)
def history(case: CaseId, at: At = "", *, as_json: Json = False) -> None:
    """Show every event of a case (recorded by an instant): when, who, in which role, on what authority, what."""
    from grantflow.cli.case_page import history_page

    until = instant(at) if at else None
    with opened() as app:
        stood = as_it_stood(app, case_id(app, case), until)
        entries = stood.entries
        names = app.service.people.names(entry.event.stamp.person for entry in entries)
        noted(app, "read", "history", case=stood.case.id, call=stood.case.call)
    if as_json:
        write_json({"items": [_named_row(entry, names) for entry in entries], "next": None})
    else:
        history_page(console(), f"The history of {case}", entries, names)


@cases.command(epilog="Example: grantflow case letter imdi-2023-tillegg-0001")
def letter(case: CaseId, *, as_json: Json = False) -> None:
    """Show the letters of a case as they were issued, in the municipality's own form of Norwegian.

    Where the name of whoever signed is known (`grantflow people`), it stands by the pseudonym; what is stored is not
    changed by that.
    """
    from grantflow.domain.application import fold
    from grantflow.domain.letters import LetterIssued

    with opened() as app:
        stream = case_id(app, case)
        entries = app.store.load(stream)
        issued = [(entry, entry.event) for entry in entries if isinstance(entry.event, LetterIssued)]
        persons = {event.signed_by for _, event in issued} | {event.stamp.person for _, event in issued}
        names = app.service.people.names(persons)
        if entries:
            noted(app, "read", "letters", case=stream, call=fold(stream, entries).call)
    if as_json:
        items = [{**_named_row(entry, names), "letter": event.signed(names)} for entry, event in issued]
        write_json({"items": items, "next": None})
        return
    if not issued:
        write("No letter is issued in this case.\n")
    for _, event in issued:
        write(f"{event.signed(names)}\n")


@cases.command(epilog="Example: grantflow case diff imdi-2023-tillegg-0001 --from 2023-08-28 --to 2023-10-01")
def diff(
    case: CaseId,
    since: Annotated[str, typer.Option("--from", help="The earlier instant.")],
    until: Annotated[str, typer.Option("--to", help="The later instant.")],
    *,
    as_json: Json = False,
) -> None:
    """Show what changed in a case between two instants, field by field, and by which events."""
    from grantflow.cli.difference_page import difference_page
    from grantflow.domain.difference import difference
    from grantflow.domain.standing import standing

    first, last = instant(since), instant(until)
    if last < first:
        msg = f"--to {until} lies before --from {since}."
        raise BadRequest(msg)
    with opened() as app:
        after = as_it_stood(app, case_id(app, case), last)
        noted(app, "read", "changes", case=after.case.id, call=after.case.call)
    before = standing(after.case.id, after.entries, first)
    between = after.entries[before.case.version :]
    changes = difference(before.case, after.case)
    if as_json:
        write_json({"changes": changes, "events": [_row(entry) for entry in between]})
    else:
        difference_page(console(), changes, between)


def as_it_stood(app: App, case: UUID, at: datetime | None, by: By = "recorded") -> Standing:
    """The case at an instant, or now; NotFound when it had not begun."""
    from grantflow.domain.application import fold
    from grantflow.domain.standing import Standing, standing

    entries = app.store.load(case)
    if not entries:
        msg = "There is no such case."
        raise NotFound(msg)
    stood = Standing(fold(case, entries), entries) if at is None else standing(case, entries, at, by)
    if not stood.entries:
        msg = "There was no such case at that instant."
        raise NotFound(msg)
    return stood


def _named_row(entry: Entry, names: Mapping[str, str]) -> dict[str, Any]:
    return {**_row(entry), "name": names.get(entry.event.stamp.person)}


def _row(entry: Entry) -> dict[str, Any]:
    from grantflow.sayings import saying

    stamp = {"authority": None, "effective_at": None, **msgspec.to_builtins(entry.event.stamp)}
    place = {"event": entry.id, "position": entry.position, "version": entry.originator_version}
    topic, what = entry.event.topic, saying(entry.event)
    return {**place, "topic": topic, "what": what, **stamp, "facts": entry.event.facts()}
