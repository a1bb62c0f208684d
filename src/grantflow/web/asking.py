"""What comes with a request beside its body: instants, cursors, how much, and who acts in which role."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import HeaderParameter, Parameter

from grantflow.domain.access import Channel
from grantflow.domain.circumstances import Circumstances
from grantflow.domain.errors import BadRequest
from grantflow.strict_json import json_object
from grantflow.web.house import TheHouse
from grantflow.web.problems import NoSuchPosition, NotCaughtUp, TooLarge, TooSlow, WrongMediaType

if TYPE_CHECKING:
    from litestar import Request

    from grantflow.web.caller import Caller
    from grantflow.web.house import House

LARGEST_BODY = 32 * 1024 * 1024
"""The most bytes a body may have; what a call takes of a document is less."""
MOST_ROWS = 200
WAIT_SECONDS = 5.0
SILENT_SECONDS = 30.0
"""How long a body may make one wait for its next bytes."""
CHANNEL: Channel = "http"

Raw = NamedDependency[bytes]
"""The body's bytes, as a handler asks for them."""
CaseName = Annotated[
    str, Parameter(description="The case's id, or its number such as imdi-2023-tillegg-0001.")
]
Limit = Annotated[int, Parameter(ge=1, le=MOST_ROWS, description="The most rows in one answer.")]
Cursor = Annotated[str, Parameter(description="Where to go on: `next` of the answer before.")]
At = Annotated[
    str,
    Parameter(
        description="As it stood at this instant (RFC 3339, with an offset from UTC).",
        examples=[Example(value="2023-08-28T23:59:59+02:00")],
    ),
]
After = Annotated[
    int,
    Parameter(
        ge=0,
        le=2**53,
        description="Answer from read models that have seen the log to this position (a receipt's); waits up to 5 s.",
    ),
]
Key = Annotated[
    str,
    HeaderParameter(
        name="Idempotency-Key",
        required=False,
        max_length=200,
        description="The same key and body again give the first answer again; another body is refused (422).",
    ),
]
IfMatch = Annotated[
    str,
    HeaderParameter(
        name="If-Match",
        required=False,
        description="The case's ETag: refuse (412) if it has changed since.",
    ),
]
HappenedAt = Annotated[
    str,
    Parameter(description="When what is told happened, where that was earlier (RFC 3339 with an offset)."),
]

_DIGITS = 18
_UNIQUE = 12
"""Digits that make a key of a request's id: the caller may give the same id to several requests."""
_ETAG = re.compile(r'"(\d{1,18})"')


def instant(text: str, name: str) -> datetime:
    """An instant in UTC. A `+` that came unescaped in an address, and so as a space, is understood."""
    try:
        read = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text.upper() else text)
        in_utc = read.astimezone(UTC) if read.tzinfo else None
    except (ValueError, OverflowError):
        in_utc = None
    if in_utc is None:
        msg = f"'{name}' is not an instant with an offset from UTC, such as 2023-08-28T23:59:59+02:00."
        raise BadRequest(msg)
    return in_utc


def expected_version(etag: str) -> int | None:
    """The version that If-Match names; None for none, and for `*`."""
    if etag.strip() in {"", "*"}:
        return None
    match = _ETAG.fullmatch(etag.strip())
    if match is None:
        msg = 'If-Match must be the ETag of the case as it was read, such as "12".'
        raise BadRequest(msg)
    return int(match[1])


def cursor(place: str) -> str:
    """A place in a list, as a cursor."""
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def place(cursor: str) -> str:
    """The place that a cursor stands for; empty for none."""
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error) as error:
        msg = "'cursor' is not one that was given out here: take `next` of the answer before."
        raise BadRequest(msg) from error


def number_at(cursor: str) -> int:
    """The number that a cursor stands for; 0 for none."""
    text = place(cursor)
    if text and not a_number(text):
        msg = "'cursor' is not one that was given out here: take `next` of the answer before."
        raise BadRequest(msg)
    return int(text or 0)


def next_link(request: Request[Any, Any, Any], further: str | None) -> dict[str, str]:
    """The header that leads to the next part of a list; nothing at the end."""
    if further is None:
        return {}
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    return {"Link": f'<{request.url.path}?{urlencode([*kept, ("cursor", further)])}>; rel="next"'}


def a_number(text: str) -> bool:
    """Whether this is a whole number that a position or a version can be."""
    return text.isascii() and text.isdigit() and len(text) <= _DIGITS


def caught_up(house: House, after: int) -> None:
    """Wait until the read models have seen the log to a position: NotCaughtUp when time is up before that."""
    if after and after > house.app.store.last_position():
        raise NoSuchPosition(after)
    if after and not house.app.projector.wait_for(after, seconds=WAIT_SECONDS):
        msg = f"The read models have not reached position {after} yet. Ask again."
        raise NotCaughtUp(msg)


async def provided_body(request: Request[Any, Any, Any], house: TheHouse) -> bytes:
    """The body, for a handler that can't wait for it."""
    del house  # asked for so that it is provided first: what is provided at once costs a task each
    return await body(request)


async def body(request: Request[Any, Any, Any]) -> bytes:
    """The body's bytes, read in pieces and never beyond the limit. What is compressed is not taken.

    TooSlow when no more of it comes for SILENT_SECONDS, BadRequest when it is cut off.
    """
    headers = request.headers
    if headers.get("content-encoding", "identity").lower() != "identity":
        msg = "The body is compressed, and must be sent as it is (no Content-Encoding)."
        raise WrongMediaType(msg)
    announced = headers.get("content-length", "")
    _refuse_if_too_large(int(announced) if a_number(announced) else 0)
    pieces, size, more = [], 0, True
    while more:
        piece, more = await _piece(request)
        size += len(piece)
        _refuse_if_too_large(size)
        pieces.append(piece)
    return b"".join(pieces)


def _refuse_if_too_large(size: int) -> None:
    if size > LARGEST_BODY:
        msg = f"The body is larger than {LARGEST_BODY} bytes."
        raise TooLarge(msg)


async def _piece(request: Request[Any, Any, Any]) -> tuple[bytes, bool]:
    """The next bytes of a body, and whether there are more."""
    try:
        async with asyncio.timeout(SILENT_SECONDS):
            told = await request.receive()
    except TimeoutError as error:
        msg = f"No more of the body has come for {SILENT_SECONDS:.0f} seconds. Nothing was done."
        raise TooSlow(msg) from error
    if told["type"] != "http.request":
        msg = "The body ended before it was whole. Nothing was done."
        raise BadRequest(msg)
    return told["body"], told["more_body"]


def said(request: Request[Any, Any, Any], raw: bytes) -> dict[str, Any]:
    """The JSON object in the body; nothing at all is an empty one."""
    if not raw.strip():
        return {}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        msg = f"The body must be application/json, and is {kind[:80] or 'of no kind that is named'}."
        raise WrongMediaType(msg)
    return json_object(raw, "the body")


def circumstances(
    house: House, caller: Caller, roles: tuple[str, ...], key: str, happened_at: str = ""
) -> Circumstances:
    """Who acts, now: from the token, and never from what they say."""
    return Circumstances(
        at=house.clock(),
        person=caller.identity.person,
        organisation=caller.identity.organisation,
        role=caller.role_for(roles),
        channel=CHANNEL,
        command=key or f"{caller.request_id}.{uuid.uuid4().hex[:_UNIQUE]}",
        effective_at=instant(happened_at, "happened_at") if happened_at else None,
    )
