"""Delegations and lines of one's own organisation: who has authority for what, and who answers to whom."""

from __future__ import annotations

import msgspec
from litestar import Response, post
from litestar.params import FromPath  # noqa: TC002 - litestar reads it when the program runs

from grantflow.delegating import Delegate
from grantflow.web.asking import Key, Raw, circumstances
from grantflow.web.caller import caller_of
from grantflow.web.house import AnyRequest, TheHouse
from grantflow.web.rights import RIGHTS
from grantflow.web.routes.calls import as_asked
from grantflow.web.routes.steps import answered
from grantflow.web.views import ReceiptView

_WHO = tuple(RIGHTS["delegate"].who)


class Revoke(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a delegation no longer holds."""

    reason: str


class Superior(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom somebody at the directorate answers to from now on (fvl § 6)."""

    subordinate: str
    superior: str


@post("/delegations", opt={"right": "delegate", "body": Delegate}, status_code=201, sync_to_thread=True)
def delegate(request: AnyRequest, house: TheHouse, raw: Raw, key: Key = "") -> Response[ReceiptView]:
    """Record a written delegation: to whom, of what, how much, when."""
    asked = as_asked(request, raw, Delegate)
    by = circumstances(house, caller_of(request), _WHO, key)
    return answered(house.app.service.authority.delegate(asked, by), 201)


@post(
    "/delegations/{reference:str}/revocation",
    opt={"right": "delegate", "body": Revoke},
    status_code=201,
    sync_to_thread=True,
)
def revoke(
    request: AnyRequest, house: TheHouse, reference: FromPath[str], raw: Raw, key: Key = ""
) -> Response[ReceiptView]:
    """Revoke a delegation from now on; what was decided under it stays."""
    asked = as_asked(request, raw, Revoke)
    by = circumstances(house, caller_of(request), _WHO, key)
    return answered(house.app.service.authority.revoke(reference, asked.reason, by), 201)


@post("/superiors", opt={"right": "delegate", "body": Superior}, status_code=201, sync_to_thread=True)
def name_superior(request: AnyRequest, house: TheHouse, raw: Raw, key: Key = "") -> Response[ReceiptView]:
    """Record whom somebody answers to."""
    asked = as_asked(request, raw, Superior)
    by = circumstances(house, caller_of(request), _WHO, key)
    receipt = house.app.service.authority.name_superior(asked.subordinate, asked.superior, by)
    return answered(receipt, 201)


HANDLERS = [delegate, revoke, name_superior]
