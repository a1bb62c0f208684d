"""Every refusal as a problem document (RFC 9457), in the caller's language where there are words for it."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import structlog
from litestar import MediaType, Response
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException

from grantflow.domain.errors import BadRequest, NotFound, Refused
from grantflow.web.words import title_of

if TYPE_CHECKING:
    from litestar import Request
    from litestar.connection import ASGIConnection

log = structlog.get_logger(__name__)

PROBLEM = "application/problem+json"
LANGUAGES = ("nb", "nn", "en")
RETRY_SECONDS = 1

_QUALITY = re.compile(
    r"^\s*([a-zA-Z]{1,8})(?:-[A-Za-z0-9-]{1,30})?\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?))?\s*$"
)
_ACCEPTED = 1_000
_MACRO = {"no": "nb"}


class Forbidden(Refused):
    """The caller is known, and has not the right."""

    code = "no-right"
    status = 403


class TooLarge(Refused):
    """The body is larger than is taken here."""

    code = "too-large"
    status = 413


class TooSlow(Refused):
    """The body has stopped coming."""

    code = "too-slow"
    status = 408


class WrongMediaType(Refused):
    """The body is of another kind than is taken here."""

    code = "wrong-media-type"
    status = 415


class TooMany(Refused):
    """The caller has asked too often."""

    code = "too-many-requests"
    status = 429


class NotCaughtUp(Refused):
    """The read model has not reached the position that was asked for."""

    code = "not-caught-up"
    status = 503


class NoSuchPosition(Refused):
    """The log does not reach the position that was asked for."""

    code = "no-such-position"
    status = 409

    def __init__(self, position: int) -> None:
        super().__init__(f"The log does not reach position {position}. Give one that a receipt names.")


def language_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """The first of nb, nn and en that the caller accepts; English where none is named."""
    accepted: list[tuple[float, int, str]] = []
    for place, part in enumerate(connection.headers.get("accept-language", "")[:_ACCEPTED].split(",")):
        match = _QUALITY.match(part)
        if match is not None:
            named = match[1].lower()
            accepted.append((-float(match[2] or 1), place, _MACRO.get(named, named)))
    return next((name for quality, _, name in sorted(accepted) if quality and name in LANGUAGES), "en")


def problem(request: Request[Any, Any, Any], refusal: Refused) -> Response[dict[str, Any]]:
    """A refusal as its problem document."""
    language = language_of(request)
    body: dict[str, Any] = {
        "type": f"urn:grantflow:problem:{refusal.code}",
        "title": title_of(refusal.code, language),
        "status": refusal.status,
        "detail": refusal.detail,
        "instance": request.scope.get("path", ""),
        "code": refusal.code,
    }
    if refusal.failures:
        body["failures"] = [
            {"rule": one.rule, "message": one.text(language), "source": one.source, "path": one.path}
            for one in refusal.failures
        ]
    headers = {"Content-Language": language, "Cache-Control": "no-store"}
    if refusal.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="grantflow"'
    if refusal.status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
        headers["Retry-After"] = str(RETRY_SECONDS)
    return Response(body, status_code=refusal.status, headers=headers, media_type=PROBLEM)


def from_framework(request: Request[Any, Any, Any], error: HTTPException) -> Response[dict[str, Any]]:
    """What the framework refuses by itself, in the same form: no such path, method, or parameter."""
    if isinstance(error, MethodNotAllowedException):
        answer = problem(
            request, _of(error.status_code, "method-not-allowed", "This path has other methods.")
        )
        answer.headers.update(error.headers or {})
        return answer
    if isinstance(error, NotFoundException):
        return problem(request, NotFound("There is nothing here."))
    if error.status_code == HTTPStatus.BAD_REQUEST:
        return problem(request, BadRequest(_parameters(error)))
    if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return problem(request, TooLarge("The body is larger than is taken here."))
    return problem(request, _of(error.status_code, "refused", HTTPStatus(error.status_code).phrase))


def from_fault(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    """A bug: the caller is told that it is ours, the log what it was."""
    log.error("fault", path=request.scope.get("path", ""), exc_info=error)
    return problem(request, _of(500, "fault", "Something is wrong with the service, and it has been logged."))


def _of(status: int, code: str, detail: str) -> Refused:
    kind = type("Refused", (Refused,), {"status": status, "code": code})
    refusal: Refused = kind(detail)
    return refusal


def _parameters(error: HTTPException) -> str:
    """Which parameter is wrong, and how."""
    extra = error.extra if isinstance(error.extra, list) else []
    told = [f"{one.get('key', '')}: {one.get('message', '')}" for one in extra if isinstance(one, dict)]
    return f"The request does not fit: {'; '.join(told) or error.detail}."


EXCEPTION_HANDLERS = {Refused: problem, HTTPException: from_framework, Exception: from_fault}

__all__ = ["EXCEPTION_HANDLERS", "LANGUAGES", "PROBLEM", "MediaType", "language_of", "problem"]
