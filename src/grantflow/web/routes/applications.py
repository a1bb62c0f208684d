"""Reading cases: the list, one as it stands or stood, its history, what changed, its documents and letters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from litestar import Response, get
from litestar.params import FromPath, FromQuery, Parameter, QueryParameter

from grantflow.domain.difference import Change, difference
from grantflow.domain.drafting import DocumentAttached
from grantflow.domain.errors import NotFound
from grantflow.domain.letters import LetterIssued
from grantflow.domain.money import in_kroner, kroner
from grantflow.domain.standing import By, Standing, standing
from grantflow.following import outside
from grantflow.sayings import saying
from grantflow.shielding import shown, shown_fields, shown_path
from grantflow.web.accessed import noted
from grantflow.web.asking import (
    After,
    At,
    CaseName,
    Limit,
    caught_up,
    cursor,
    instant,
    next_link,
    number_at,
    place,
)
from grantflow.web.caller import caller_of
from grantflow.web.cases import Seen, no_such_case, seen, visible
from grantflow.web.house import AnyRequest, House, TheHouse
from grantflow.web.views import ApplicantView, CaseRow, CaseView, ChangeView, EventView, Page

if TYPE_CHECKING:
    from datetime import datetime

    from grantflow.domain.application import Application
    from grantflow.domain.call import Call
    from grantflow.domain.event import Entry


_LISTED = (
    "SELECT case_id, number, call, area, stage, applicant, applicant_name, partners, title, state, version, "
    "asked_ore, granted_ore, paid_ore, started_at, changed_at FROM case_list WHERE {visible} "
    "AND (%(call)s = '' OR call = %(call)s) AND (%(state)s = '' OR state = %(state)s) "
    "AND (%(applicant)s = '' OR applicant = %(applicant)s) AND number > %(beyond)s ORDER BY number LIMIT %(most)s"
)
_SHOWN_APART = {"id", "call", "definition", "area", "stage", "state", "version", "recorded_at"} | {
    "applicant",
    "partners",
    "title",
    "content",
}


@get("/applications", opt={"right": "read-case"}, sync_to_thread=True)
def list_cases(
    request: AnyRequest,
    house: TheHouse,
    call: Annotated[str, Parameter(description="Only those of this call.")] = "",
    state_: Annotated[str, QueryParameter(name="state", description="Only those in this state.")] = "",
    applicant: Annotated[str, Parameter(description="Only those of this organisation number.")] = "",
    limit: Limit = 50,
    cursor_: Annotated[str, QueryParameter(name="cursor", description="Where to go on.")] = "",
    after: After = 0,
) -> Response[Page[CaseRow]]:
    """List the cases you may see, by number."""
    caught_up(house, after)
    caller = caller_of(request)
    condition, parameters = visible(house, caller, "read-case")
    asked = {
        "call": call,
        "state": state_,
        "applicant": applicant,
        "beyond": place(cursor_),
        "most": limit + 1,
    }
    if any("\0" in str(value) for value in asked.values()):
        return Response(Page([]))
    rows = house.app.projector.rows(_LISTED.format(visible=condition), {**parameters, **asked})
    page = [_row(row) for row in rows[:limit]]
    noted(house, caller, "listed", "list", call=call, cases=[row.id for row in page])
    further = cursor(page[-1].number) if len(rows) > limit else None
    return Response(Page(page, further), headers=next_link(request, further))


@get("/applications/{case:str}", opt={"right": "read-case"}, sync_to_thread=True)
def show_case(
    request: AnyRequest,
    house: TheHouse,
    case: CaseName,
    at: At = "",
    by: FromQuery[By] = "recorded",
    after: After = 0,
) -> Response[CaseView]:
    """Show a case, now or exactly as it stood at an instant: by what was recorded, or what had happened, by then."""
    caught_up(house, after)
    caller = caller_of(request)
    found = seen(house, caller, case)
    stood = _stood(house, found, at, by).case if at else found.case
    noted(house, caller, "read", "case", case=found.case.id)
    headers = {} if at else {"ETag": f'"{stood.version}"'}
    return Response(
        _view(house, stood, found.call, outsider=outside(caller.identity.roles, found.related)),
        headers=headers,
    )


@get("/applications/{case:str}/history", opt={"right": "read-case"}, sync_to_thread=True)
def show_history(
    request: AnyRequest,
    house: TheHouse,
    case: CaseName,
    at: At = "",
    limit: Limit = 100,
    cursor_: Annotated[str, QueryParameter(name="cursor", description="Where to go on.")] = "",
) -> Response[Page[EventView]]:
    """Show every event of a case, in order: when, who, in which role, on what authority, what."""
    caller = caller_of(request)
    found = seen(house, caller, case)
    until = instant(at, "at") if at else None
    outsider = outside(caller.identity.roles, found.related)
    entries = [
        entry
        for entry in house.app.store.load(found.case.id, number_at(cursor_))
        if shown(entry.event, found.call, outside=outsider)
        and (until is None or entry.event.stamp.recorded_at <= until)
    ]
    noted(house, caller, "read", "history", case=found.case.id)
    further = cursor(str(entries[limit - 1].originator_version)) if len(entries) > limit else None
    return Response(Page([_event(e) for e in entries[:limit]], further), headers=next_link(request, further))


@get("/applications/{case:str}/diff", opt={"right": "read-case"}, sync_to_thread=True)
def show_difference(
    request: AnyRequest,
    house: TheHouse,
    case: CaseName,
    from_: Annotated[str, QueryParameter(name="from", description="The earlier instant.")],
    to: Annotated[str, Parameter(description="The later instant.")],
) -> Page[ChangeView]:
    """Show what changed in a case between two instants, field by field."""
    caller = caller_of(request)
    found = seen(house, caller, case)
    before, after = (_at(house, found, instant(text, name)) for text, name in ((from_, "from"), (to, "to")))
    noted(house, caller, "read", "difference", case=found.case.id)
    outsider = outside(caller.identity.roles, found.related)
    changed = [
        _changed(one)
        for one in difference(before, after)
        if shown_path(one.path, found.call, outside=outsider)
    ]
    return Page(changed)


@get("/applications/{case:str}/letters", opt={"right": "read-case"}, sync_to_thread=True)
def show_letters(request: AnyRequest, house: TheHouse, case: CaseName) -> Page[EventView]:
    """Show the letters of a case as they were issued, in the municipality's own form of Norwegian."""
    caller = caller_of(request)
    found = seen(house, caller, case)
    noted(house, caller, "read", "letters", case=found.case.id)
    entries = house.app.store.load(found.case.id)
    return Page([_event(entry) for entry in entries if isinstance(entry.event, LetterIssued)])


@get(
    "/applications/{case:str}/documents/{digest:str}",
    opt={"right": "read-case"},
    sync_to_thread=True,
    media_type="application/octet-stream",
)
def show_document(
    request: AnyRequest, house: TheHouse, case: CaseName, digest: FromPath[str]
) -> Response[bytes]:
    """Fetch a document that is, or once was, attached to a case: always to be saved, never to be shown in a page."""
    caller = caller_of(request)
    found = seen(house, caller, case)
    attached = {
        event.attachment.digest
        for event in (entry.event for entry in house.app.store.load(found.case.id))
        if isinstance(event, DocumentAttached)
    }
    if digest not in attached:
        msg = "No such document is attached to this case."
        raise NotFound(msg)
    _, content = house.app.store.get_document(digest)
    noted(house, caller, "exported", f"document {digest[:12]}", case=found.case.id)
    return Response(
        content,
        media_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="{digest[:16]}"', "ETag": f'"{digest}"'},
    )


def _stood(house: House, found: Seen, at: str, by: By) -> Standing:
    """The case as it stood; before it had begun, there was no such case."""
    stood = standing(found.case.id, house.app.store.load(found.case.id), instant(at, "at"), by)
    if not stood.case.version:
        raise no_such_case()
    return stood


def _at(house: House, found: Seen, at: datetime) -> Application:
    return standing(found.case.id, house.app.store.load(found.case.id), at).case


def _view(house: House, case: Application, call: Call, *, outsider: bool) -> CaseView:
    numbered = house.app.projector.rows(
        "SELECT number FROM case_list WHERE case_id = %(id)s", {"id": case.id}
    )
    plain: dict[str, Any] = msgspec.to_builtins(case)
    rest = {name: value for name, value in plain.items() if name not in _SHOWN_APART}
    return CaseView(
        id=case.id,
        number=numbered[0]["number"] if numbered else None,
        call=case.call,
        definition=case.definition,
        area=case.area,
        stage=case.stage,
        state=case.state,
        version=case.version,
        recorded_at=case.recorded_at,
        applicant=ApplicantView(case.applicant.number, case.applicant.name),
        partners=list(case.partners),
        title=case.title,
        content=case.content,
        content_digest=case.content_digest,
        file=in_kroner(shown_fields(rest, call, outside=outsider)),
    )


def _changed(change: Change) -> ChangeView:
    """A change with its money in kroner; what applicants wrote themselves is left as they wrote it."""
    path, before, after = change.path, change.before, change.after
    if path.partition(".")[0] == "content":
        return ChangeView(path, before, after)
    if path.endswith("_ore"):
        told = (None if ore is None else kroner(ore) for ore in (before, after))
        return ChangeView(path.removesuffix("_ore"), *told)
    return ChangeView(path, in_kroner(before), in_kroner(after))


def _row(row: dict[str, Any]) -> CaseRow:
    return CaseRow(
        id=row["case_id"],
        number=row["number"],
        call=row["call"],
        area=row["area"],
        stage=row["stage"],
        applicant=ApplicantView(row["applicant"], row["applicant_name"]),
        partners=row["partners"],
        title=row["title"],
        state=row["state"],
        version=row["version"],
        asked=kroner(row["asked_ore"]),
        granted=kroner(row["granted_ore"]),
        paid=kroner(row["paid_ore"]),
        started_at=row["started_at"],
        changed_at=row["changed_at"],
    )


def _event(entry: Entry) -> EventView:
    event, stamp = entry.event, entry.event.stamp
    return EventView(
        event=entry.id,
        position=entry.position,
        version=entry.originator_version,
        type=event.topic,
        step=stamp.step,
        state=stamp.state,
        says=saying(event),
        recorded_at=stamp.recorded_at,
        effective_at=stamp.effective_at,
        person=stamp.person,
        organisation=stamp.organisation,
        role=stamp.role,
        authority=stamp.authority,
        channel=stamp.channel,
        facts=in_kroner(event.facts()),
    )


HANDLERS = [list_cases, show_case, show_history, show_difference, show_letters, show_document]
