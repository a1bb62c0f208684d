"""Webhooks: have events sent to one's own organisation, and look after that: pause, resume, rotate, redrive, remove."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath  # noqa: TC002 - litestar reads it when the program runs

from grantflow.domain.errors import BadRequest, NotFound
from grantflow.web.asking import Key, Raw, said
from grantflow.web.caller import caller_of
from grantflow.web.house import AnyRequest, TheHouse
from grantflow.web.rights import roles_with
from grantflow.web.routes.calls import as_asked
from grantflow.web.views import Page
from grantflow.webhooks.subscriber import SubscriberView
from grantflow.webhooks.subscriptions import Asked, Owner, Redriven

if TYPE_CHECKING:
    from grantflow.web.caller import Caller

_PATH = "/webhooks/{subscriber:str}"
_KEPT_PRIVATE = {"Cache-Control": "no-store"}


@get("/webhooks", opt={"right": "subscribe"}, sync_to_thread=True)
def list_subscribers(request: AnyRequest, house: TheHouse) -> Page[SubscriberView]:
    """List your organisation's subscribers, and how each fares. Secrets are masked."""
    return Page(house.app.webhooks.list(caller_of(request).identity.organisation))


@post("/webhooks", opt={"right": "subscribe", "body": Asked}, status_code=201, sync_to_thread=True)
def subscribe(request: AnyRequest, house: TheHouse, raw: Raw, key: Key = "") -> Response[SubscriberView]:
    """Have what you may follow sent to an https URL, from now on or from a position on. The secret is told here, once.

    The signature is that of Standard Webhooks. The same Idempotency-Key and body again give the same answer.
    """
    asked = as_asked(request, raw, Asked)
    added = house.app.webhooks.add(asked, _owner(caller_of(request)), house.clock(), key)
    headers = {"Location": f"/api/v1/webhooks/{added.id}", **_KEPT_PRIVATE}
    return Response(added, status_code=201, headers=headers)


@get(_PATH, opt={"right": "subscribe"}, sync_to_thread=True)
def show_subscriber(request: AnyRequest, house: TheHouse, subscriber: FromPath[str]) -> SubscriberView:
    """Show one subscriber: what waits, what is dead, what came of the last attempt."""
    return house.app.webhooks.show(_id(subscriber), caller_of(request).identity.organisation)


@post(f"{_PATH}/pause", opt={"right": "subscribe"}, status_code=200, sync_to_thread=True)
def pause(request: AnyRequest, house: TheHouse, subscriber: FromPath[str], raw: Raw) -> SubscriberView:
    """Send nothing more for now; what happens meanwhile is sent when it is resumed."""
    _nothing(request, raw)
    return house.app.webhooks.pause(_id(subscriber), _owner(caller_of(request)), house.clock())


@post(f"{_PATH}/resume", opt={"right": "subscribe"}, status_code=200, sync_to_thread=True)
def resume(request: AnyRequest, house: TheHouse, subscriber: FromPath[str], raw: Raw) -> SubscriberView:
    """Send again from where it stopped, at once: also where it is resting after failures."""
    _nothing(request, raw)
    return house.app.webhooks.resume(_id(subscriber), _owner(caller_of(request)), house.clock())


@post(f"{_PATH}/rotation", opt={"right": "subscribe"}, status_code=200, sync_to_thread=True)
def rotate(
    request: AnyRequest, house: TheHouse, subscriber: FromPath[str], raw: Raw, key: Key = ""
) -> Response[SubscriberView]:
    """Give a new secret, told here once; the old one signs beside it for a day."""
    _nothing(request, raw)
    rotated = house.app.webhooks.rotate(_id(subscriber), _owner(caller_of(request)), house.clock(), key)
    return Response(rotated, status_code=200, headers=_KEPT_PRIVATE)


@post(f"{_PATH}/redrive", opt={"right": "subscribe"}, status_code=200, sync_to_thread=True)
def redrive(request: AnyRequest, house: TheHouse, subscriber: FromPath[str], raw: Raw) -> Redriven:
    """Send again what was given up, in the order of the log."""
    _nothing(request, raw)
    return house.app.webhooks.redrive(_id(subscriber), _owner(caller_of(request)), house.clock())


@post(f"{_PATH}/removal", opt={"right": "subscribe"}, status_code=200, sync_to_thread=True)
def remove(request: AnyRequest, house: TheHouse, subscriber: FromPath[str], raw: Raw) -> SubscriberView:
    """Send nothing more, ever; the answer is the subscriber as it was."""
    _nothing(request, raw)
    return house.app.webhooks.remove(_id(subscriber), _owner(caller_of(request)), house.clock())


def _owner(caller: Caller) -> Owner:
    identity = caller.identity
    return Owner(identity.person, identity.organisation, caller.role_for(roles_with("subscribe", identity)))


def _id(named: str) -> UUID:
    try:
        return UUID(named)
    except ValueError as error:
        msg = "There is no such subscriber."
        raise NotFound(msg) from error


def _nothing(request: AnyRequest, raw: bytes) -> None:
    """Refuse a body that says something: what nobody reads would be taken for heard."""
    if said(request, raw):
        msg = "This takes no content."
        raise BadRequest(msg)


HANDLERS = [list_subscribers, subscribe, show_subscriber, pause, resume, rotate, redrive, remove]
