"""The log as a caller may see it: event by event, in order, as CloudEvents 1.0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from grantflow.cloud_events import CloudEvent, cloud_event, kind_of
from grantflow.domain.application import CaseEvent
from grantflow.following import FOLLOWERS, Follower, may_follow
from grantflow.web.cases import calls_of, visible
from grantflow.web.rights import roles_with

if TYPE_CHECKING:
    from collections.abc import Collection

    from grantflow.domain.event import Entry
    from grantflow.web.caller import Caller
    from grantflow.web.house import House

BATCH = 500
_SCANNED = 20_000
"""The most events looked through for one page; what is not found among them is looked for from there by the next."""


class Stretch(NamedTuple):
    """A part of the feed, the position that it has been looked through to, and the cases that it tells of."""

    events: list[CloudEvent]
    position: int
    cases: tuple[UUID, ...] = ()


def stretch(house: House, caller: Caller, after: int, types: Collection[str], limit: int) -> Stretch:
    """The next events after a position that the caller may see, at most `limit` of them."""
    states = house.app.service.states
    follower = Follower(caller.identity.organisation, roles_with("follow", caller.identity))
    inside = any("authority" in FOLLOWERS[role] for role in follower.roles)
    directorate = inside and bool(calls_of(house, follower.organisation))
    end, streams = None, None
    if not follower.sees_all and not directorate:
        end, streams = _streams(house, caller)
    found: list[CloudEvent] = []
    cases: dict[UUID, None] = {}
    scanned = 0
    while scanned < _SCANNED:
        entries = (
            house.app.store.read(after, BATCH)
            if streams is None
            else house.app.store.read_of(streams, after, BATCH)
        )
        for entry in entries:
            if end is not None and entry.position > end:
                return Stretch(found, max(after, end), tuple(cases))
            after = entry.position
            if _wanted(entry, types) and may_follow(states, follower, entry, directorate=lambda: directorate):
                found.append(cloud_event(entry))
                if isinstance(entry.event, CaseEvent):
                    cases[entry.originator_id] = None
                if len(found) >= limit:
                    return Stretch(found, after, tuple(cases))
        scanned += len(entries)
        if len(entries) < BATCH:
            after = max(after, end or 0)  # what lies between is of other cases
            break
    return Stretch(found, after, tuple(cases))


def _streams(house: House, caller: Caller) -> tuple[int, list[Any]]:
    """The cases that somebody outside may follow, and the position to which it is known that there are no others."""
    end = min((s.position for s in house.app.projector.standings() if s.name == "case_list"), default=0)
    condition, parameters = visible(house, caller, "follow")
    query = f"SELECT case_id FROM case_list WHERE {condition}"  # noqa: S608 - the condition is ours
    return end, [row["case_id"] for row in house.app.projector.rows(query, parameters)]


def _wanted(entry: Entry, types: Collection[str]) -> bool:
    return not types or kind_of(entry.event) in types
