"""The feed for automation: a page, a batch, or a stream that goes on from where the client was cut off."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Annotated

import msgspec
import structlog
from litestar import MediaType, Response, get
from litestar.params import HeaderParameter, Parameter
from litestar.response import Stream

from grantflow.cloud_events import CloudEvent, kinds
from grantflow.domain.errors import BadRequest
from grantflow.store import Overloaded, Unavailable
from grantflow.web.accessed import noted
from grantflow.web.asking import After, a_number
from grantflow.web.caller import caller_of
from grantflow.web.feed import Stretch, stretch
from grantflow.web.house import AnyRequest, House, TheHouse
from grantflow.web.views import Page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from grantflow.web.caller import Caller

log = structlog.get_logger(__name__)

STREAM, BATCH = "text/event-stream", "application/cloudevents-batch+json"
HEARTBEAT_SECONDS = 15.0
"""How often a silent stream says that it is alive."""
STREAM_SECONDS = 600.0
"""How long a stream goes on; then the client comes back, and shows a token that is still good."""
GATHER_SECONDS = 0.1
"""How long a stream lets events gather that come one after another."""
LONGEST_PAUSE_SECONDS = 2.0
_MOST = 1_000


@get(
    "/events",
    opt={"right": "follow"},
    media_type=MediaType.JSON,
)
async def follow(
    request: AnyRequest,
    house: TheHouse,
    after: After = 0,
    types: Annotated[
        str, Parameter(description="Only these kinds, with commas between: application-granted,…")
    ] = "",
    limit: Annotated[int, Parameter(ge=1, le=_MOST, description="The most events in one page.")] = 200,
    last_event_id: Annotated[
        str,
        HeaderParameter(
            name="Last-Event-ID", required=False, description="The id of the last event that was received."
        ),
    ] = "",
) -> Response[Page[CloudEvent]]:
    """Follow what happens, in order, each event once: `Accept: text/event-stream` for a stream that goes on.

    In a page, `next` is what to give as `after` for the following one; it is null when there is none yet.
    """
    caller = caller_of(request)
    kinds = _kinds(types)
    start = _position(last_event_id, after)
    accepted = request.headers.get("accept", "")
    if STREAM in accepted:
        headers = {"Content-Type": STREAM, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return Stream(_told(house, caller, start, kinds), headers=headers)  # type: ignore[return-value]
    found = await asyncio.to_thread(stretch, house, caller, start, kinds, limit)
    await asyncio.to_thread(_noted, house, caller, found)
    if BATCH in accepted:
        headers = {"Link": f'</api/v1/events?after={found.position}>; rel="next"'}
        return Response(found.events, media_type=BATCH, headers=headers)  # type: ignore[arg-type]
    further = str(found.position) if found.position > start else None
    return Response(Page(found.events, further))


async def _told(house: House, caller: Caller, position: int, kinds: frozenset[str]) -> AsyncIterator[bytes]:
    """Server-sent events: each with its position as id, so that a client that was cut off says where to go on."""
    loop, pause = asyncio.get_running_loop(), GATHER_SECONDS
    spoke = time.monotonic()
    until = spoke + STREAM_SECONDS
    yield b"retry: 1000\n\n"
    while not house.pulse.stopped and time.monotonic() < until:
        known = house.pulse.position
        try:
            found = await loop.run_in_executor(house.followers, _read, house, caller, position, kinds)
        except (Unavailable, Overloaded) as refusal:
            log.warning("stream-ended", reason=refusal.detail)
            return
        for event in found.events:
            yield b"id: %d\nevent: %s\ndata: %s\n\n" % (
                event.position,
                event.type.encode(),
                msgspec.json.encode(event),
            )
        moved, position = found.position > position, found.position
        if found.events:
            spoke = time.monotonic()
        elif time.monotonic() - spoke >= HEARTBEAT_SECONDS:
            spoke = time.monotonic()
            yield b": alive\n\n"
        if position >= known:
            pause = GATHER_SECONDS
            await asyncio.sleep(pause)
            await house.pulse.beyond(position, HEARTBEAT_SECONDS)
        elif not moved:  # the read model that says whose the cases are is behind the log
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            await asyncio.sleep(pause)


def _read(house: House, caller: Caller, position: int, kinds: frozenset[str]) -> Stretch:
    found = stretch(house, caller, position, kinds, _MOST)
    _noted(house, caller, found)
    return found


def _noted(house: House, caller: Caller, found: Stretch) -> None:
    """Write down which cases a part of the feed tells of."""
    if found.cases:
        noted(house, caller, "read", "feed", cases=found.cases)


def _kinds(types: str) -> frozenset[str]:
    known = kinds()
    asked = frozenset(filter(None, (one.strip() for one in types.split(","))))
    unknown = sorted(asked - known)
    if unknown:
        msg = f"There are no events of the kind {unknown[0][:60]!r}. There are: {', '.join(sorted(known))}."
        raise BadRequest(msg)
    return asked


def _position(last_event_id: str, after: int) -> int:
    if not last_event_id:
        return after
    if not a_number(last_event_id):
        msg = "Last-Event-ID must be the id of an event that this stream has sent."
        raise BadRequest(msg)
    return int(last_event_id)


HANDLERS = [follow]
