"""Notices: what one was told, what the directorate has told whom in a case and whether it came, one sent once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, Parameter, QueryParameter

from grantflow.domain.errors import NotFound
from grantflow.domain.roles import STAFF
from grantflow.inbox import LAST, Inbox, Told
from grantflow.resending import Resend
from grantflow.web.accessed import noted
from grantflow.web.asking import (
    After,
    CaseName,
    Key,
    Limit,
    Raw,
    caught_up,
    circumstances,
    cursor,
    next_link,
    number_at,
)
from grantflow.web.caller import caller_of
from grantflow.web.cases import calls_of, seen, visible
from grantflow.web.house import AnyRequest, House, TheHouse
from grantflow.web.rights import RIGHTS, roles_with
from grantflow.web.routes.calls import as_asked
from grantflow.web.routes.steps import answered
from grantflow.web.views import Page, ReceiptView

if TYPE_CHECKING:
    from grantflow.web.caller import Caller

RIGHT = "read-notices"
CursorAt = Annotated[str, QueryParameter(name="cursor", description="Where to go on.")]


@get("/notices", opt={"right": RIGHT}, sync_to_thread=True)
def list_notices(
    request: AnyRequest,
    house: TheHouse,
    status: Annotated[
        str, Parameter(description="Only those that stand so, such as `waits` or `failed`.")
    ] = "",
    limit: Limit = 50,
    cursor_: CursorAt = "",
    after: After = 0,
) -> Response[Page[Told]]:
    """List what your organisation was told, the newest first; for the directorate, all that its calls have told."""
    condition, parameters = visible(house, caller_of(request), RIGHT)
    asked = {"status": status.replace("\0", "")}
    return _page(
        request,
        house,
        f"{condition} AND (%(status)s = '' OR status = %(status)s)",
        {**parameters, **asked},
        limit,
        cursor_,
        after,
    )


@get("/applications/{case:str}/notices", opt={"right": RIGHT}, sync_to_thread=True)
def list_notices_of_case(
    request: AnyRequest,
    house: TheHouse,
    case: CaseName,
    limit: Limit = 50,
    cursor_: CursorAt = "",
    after: After = 0,
) -> Response[Page[Told]]:
    """List what was told in a case, the newest first: to whom, how, in which words, and whether it came."""
    found = seen(house, caller_of(request), case, RIGHT)
    return _page(request, house, "case_id = %(case)s", {"case": found.case.id}, limit, cursor_, after)


@post(
    "/notices/{notice:str}/resend",
    opt={"right": "resend-notice", "body": Resend},
    status_code=201,
    sync_to_thread=True,
)
def resend(
    request: AnyRequest, house: TheHouse, notice: FromPath[str], raw: Raw, key: Key = ""
) -> Response[ReceiptView]:
    """Have a mail sent once more that was given up, or did not reach anybody."""
    caller = caller_of(request)
    asked = as_asked(request, raw, Resend)
    wanted = _id(notice)
    case = _inbox(house).case_of(wanted)
    if case is None:
        raise _none()
    try:
        found = seen(house, caller, str(case), "resend-notice")
    except NotFound:
        raise _none() from None
    by = circumstances(house, caller, tuple(RIGHTS["resend-notice"].who), key)
    return answered(house.app.service.notices.resend(found.case.id, wanted, asked.reason, by), 201)


def _page(
    request: AnyRequest,
    house: House,
    condition: str,
    parameters: dict[str, Any],
    limit: int,
    cursor_: str,
    after: int,
) -> Response[Page[Told]]:
    caught_up(house, after)
    caller = caller_of(request)
    shown, more = _shown(house, caller)
    rows = _inbox(house).told(
        house.clock(),
        f"{condition} AND {shown}",
        {**parameters, **more},
        beyond=number_at(cursor_) or LAST,
        most=limit + 1,
    )
    page = rows[:limit]
    noted(house, caller, "listed", "notices", cases=list(dict.fromkeys(one.case for one in page)))
    further = cursor(str(page[-1].position)) if len(rows) > limit else None
    return Response(Page(page, further), headers=next_link(request, further))


def _shown(house: House, caller: Caller) -> tuple[str, dict[str, Any]]:
    """What of a case's notices is shown: all of it inside the directorate and to an auditor, one's own to others."""
    roles = set(roles_with(RIGHT, caller.identity))
    if "auditor" in roles:
        return "true", {}
    inside = calls_of(house, caller.identity.organisation) if roles & (STAFF | {"integration"}) else []
    return (
        "(organisation = %(recipient)s OR call = ANY(%(inside)s))",
        {"recipient": caller.identity.organisation, "inside": inside},
    )


def _inbox(house: House) -> Inbox:
    return Inbox(house.app.projector, house.app.service.states, mails=house.app.notifier.mails)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _none() from None


def _none() -> NotFound:
    """What is said of a notice that there is not, and of one in a case that the caller may not know of."""
    return NotFound("There is no such notice.")


HANDLERS = [list_notices, list_notices_of_case, resend]
