"""Taking steps: begin an application, any step of a case's process, a document as it is; and what one may do now."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Annotated, Any

from litestar import Response, get, post
from litestar.params import FromPath, Parameter

from grantflow.domain.errors import RoleNotAllowed
from grantflow.domain.roles import MUNICIPAL
from grantflow.service import Request as Command
from grantflow.web.accessed import noted
from grantflow.web.acting import acted, read, seen_to_act
from grantflow.web.answer import Answer
from grantflow.web.asking import (
    CaseName,
    HappenedAt,
    IfMatch,
    Key,
    body,
    circumstances,
    expected_version,
    said,
)
from grantflow.web.caller import caller_of
from grantflow.web.cases import Seen, seen
from grantflow.web.house import AnyRequest, House, TheHouse, house_of
from grantflow.web.open_steps import open_steps
from grantflow.web.rights import roles_to_take
from grantflow.web.views import Page, ReceiptView, StepView

if TYPE_CHECKING:
    from grantflow.receipts import Receipt


@post("/calls/{call:str}/applications", opt={"right": "begin"}, status_code=201)
async def begin(
    request: AnyRequest,
    call: FromPath[str],
    key: Key = "",
    happened_at: HappenedAt = "",
) -> Response[ReceiptView]:
    """Begin an application, for your own organisation; `{"area": ...}` where the call has areas."""
    house, raw = house_of(request), await body(request)
    by = circumstances(house, caller_of(request), tuple(sorted(MUNICIPAL)), key, happened_at)
    data = await read(raw, lambda: said(request, raw))
    receipt = await acted(house, Command(step="start", call=call, data=data, by=by))
    return answered(receipt, 201, {"Location": f"/api/v1/applications/{receipt.case}"})


@post("/applications/{case:str}/steps/{step:str}", opt={"right": "act"}, status_code=200)
async def take(
    request: AnyRequest,
    case: CaseName,
    step: Annotated[str, Parameter(description="The step, such as edit, submit or grant.")],
    key: Key = "",
    if_match: IfMatch = "",
    happened_at: HappenedAt = "",
) -> Response[ReceiptView]:
    """Take one step in a case. The body is the step's content."""
    house, raw = house_of(request), await body(request)
    found = await seen_to_act(house, caller_of(request), case)
    data = await read(raw, lambda: said(request, raw))
    return await _taken(request, house, found, step, data, key, if_match, happened_at)


@post("/applications/{case:str}/documents", opt={"right": "act"}, status_code=200)
async def upload(
    request: AnyRequest,
    case: CaseName,
    filename: Annotated[str, Parameter(description="What the document is called.")],
    key: Key = "",
    if_match: IfMatch = "",
) -> Response[ReceiptView]:
    """Attach a document, sent as it is with its own Content-Type: the step `attach` without base64."""
    house, raw = house_of(request), await body(request)
    found = await seen_to_act(house, caller_of(request), case)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    data = {"filename": filename, "media_type": kind, "content": await read(raw, lambda: _base64(raw))}
    return await _taken(request, house, found, "attach", data, key, if_match, "")


@get("/applications/{case:str}/steps", opt={"right": "read-case"}, sync_to_thread=True)
def list_steps(request: AnyRequest, house: TheHouse, case: CaseName) -> Page[StepView]:
    """List what you may do in a case from where it stands: which steps, open or why not, and what each asks for."""
    caller = caller_of(request)
    found = seen(house, caller, case)
    noted(house, caller, "read", "steps", case=found.case.id)
    return Page(open_steps(house, caller, found))


async def _taken(
    request: AnyRequest,
    house: House,
    found: Seen,
    step: str,
    data: dict[str, Any],
    key: str,
    if_match: str,
    happened_at: str,
) -> Response[ReceiptView]:
    caller = caller_of(request)
    declared = found.call.process.steps.get(step)
    if declared is not None:
        may = roles_to_take(declared, caller.identity, found.related)
        by = circumstances(house, caller, may, key, happened_at)
        if by.role not in may:
            raise RoleNotAllowed(step, by.role, declared.roles)
    else:
        by = circumstances(house, caller, (), key, happened_at)
    expected = expected_version(if_match)
    receipt = await acted(house, Command(step=step, case=found.case.id, data=data, by=by, expected=expected))
    return answered(receipt, 200, {"ETag": f'"{receipt.version}"'})


def answered(receipt: Receipt, status: int, headers: dict[str, str] | None = None) -> Answer[ReceiptView]:
    """A receipt as the answer, which says whether this is the first time that it is given."""
    replayed = {"Idempotent-Replayed": "true"} if receipt.repeated else {}
    return Answer(ReceiptView.of(receipt), status, {**replayed, **(headers or {})})


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


HANDLERS = [begin, take, upload, list_steps]
