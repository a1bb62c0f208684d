"""Who asks: identified by a token before anything else is looked at, and let in only where their role has the right."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from litestar.enums import ScopeType
from litestar.exceptions import ImproperlyConfiguredException

from grantflow.domain.errors import BadRequest, Refused
from grantflow.identity import Identity
from grantflow.web.house import AnyRequest, house_of
from grantflow.web.problems import Forbidden
from grantflow.web.rights import RIGHTS, roles_with

if TYPE_CHECKING:
    from litestar.datastructures import Headers
    from litestar.types import ASGIApp, Receive, Scope, Send

    from grantflow.web.house import House

log = structlog.get_logger(__name__)

_BEARER = "bearer "


class NoToken(Refused):
    """Nobody says who is asking."""

    code = "unauthenticated"
    status = 401


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks. `acting` is the one of their roles that they want to act in; empty where they don't say."""

    identity: Identity
    acting: str
    request_id: str

    def role_for(self, roles: tuple[str, ...]) -> str:
        """The role to act in: the one asked for, else the first of these that the caller has, else the first at all."""
        if self.acting:
            if self.acting not in self.identity.roles:
                msg = (
                    f"You don't have the role {self.acting[:60]}. You have: {', '.join(self.identity.roles)}."
                )
                raise Forbidden(msg)
            return self.acting
        return next((role for role in self.identity.roles if role in roles), self.identity.roles[0])


class Admission:
    """Lets in whoever has, in some role, the right that the route names: Unauthenticated or Forbidden otherwise.

    It stands before every route. The framework's guards would come later, and copy the route for each request.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Admit, and go on."""
        if scope["type"] == ScopeType.HTTP:
            await _admit(AnyRequest(scope), scope["route_handler"].opt["right"])
        await self._app(scope, receive, send)


async def _admit(request: AnyRequest, right: str) -> None:
    _known_parameters(request)
    if right == "open":
        return
    house = house_of(request)
    headers = request.headers
    identity = await _identified(house, headers)
    request.app.state.limits.admit(f"{identity.issuer} {identity.client} {identity.person}")
    caller = Caller(
        identity=identity,
        acting=headers.get("acting-role", ""),
        request_id=request.scope["state"].get("request_id", ""),
    )
    if not roles_with(right, identity):
        msg = f"None of your roles ({', '.join(identity.roles)}) may {RIGHTS[right].does}."
        raise Forbidden(msg)
    request.scope["state"]["caller"] = caller


def _known_parameters(request: AnyRequest) -> None:
    """Refuse parameters that the path does not know: what is misspelt would be taken for not said."""
    scope = request.scope
    if not scope["query_string"]:
        return
    known = request.app.state.parameters.get((scope.get("method"), scope.get("path_template")), frozenset())
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        there = f"There are: {', '.join(sorted(known))}." if known else "It takes none."
        msg = f"There is no parameter {unknown[0][:60]!r} here. {there}"
        raise BadRequest(msg)


async def _identified(house: House, headers: Headers) -> Identity:
    given = headers.getall("authorization", [])
    if len(given) != 1 or not given[0].lower().startswith(_BEARER):
        log.warning("token-refused", reason="missing")
        msg = "Send one token, as Authorization: Bearer TOKEN (`grantflow token` makes one, for trying out)."
        raise NoToken(msg)
    token = given[0][len(_BEARER) :].strip(" ")
    known = house.identities.remembered(token)
    if known is not None:
        return known
    return await asyncio.to_thread(house.identities.identify, token)


def caller_of(request: Any) -> Caller:  # noqa: ANN401 - litestar's request, of whatever state
    """The caller, once admitted."""
    caller: Caller = request.scope["state"]["caller"]
    return caller


def require_rights(handlers: Any) -> None:  # noqa: ANN401 - litestar's route handlers
    """Refuse to be built with a route that nobody has put in the table."""
    for handler in handlers:
        if handler.opt.get("right") not in RIGHTS:
            msg = f"The route {handler.paths} names no right of the table in web/rights.py."
            raise ImproperlyConfiguredException(msg)
