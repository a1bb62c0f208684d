"""The log as a caller may see it: event by event, in order, as CloudEvents 1.0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import msgspec

from grantflow.domain.announcement import CallEvent
from grantflow.domain.application import CaseEvent
from grantflow.domain.authority import AuthorityEvent
from grantflow.domain.frame import FrameEvent
from grantflow.web.cases import calls_of, outside, visible
from grantflow.web.rights import relations, roles_with
from grantflow.web.shielding import shown
from grantflow.web.views import in_kroner

if TYPE_CHECKING:
    from collections.abc import Collection

    from grantflow.domain.event import Entry
    from grantflow.web.caller import Caller
    from grantflow.web.house import House

SOURCE = "/api/v1/events"
BATCH = 500
_SCANNED = 20_000
"""The most events looked through for one page; what is not found among them is looked for from there by the next."""


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as CloudEvents 1.0 has it. `sequence` is its position in the log, of a width that sorts as text."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: str
    datacontenttype: str
    sequence: str
    position: int
    data: dict[str, Any]


class Stretch(NamedTuple):
    """A part of the feed, the position that it has been looked through to, and the cases that it tells of."""

    events: list[CloudEvent]
    position: int
    cases: tuple[UUID, ...] = ()


def stretch(house: House, caller: Caller, after: int, types: Collection[str], limit: int) -> Stretch:
    """The next events after a position that the caller may see, at most `limit` of them."""
    whole = "auditor" in roles_with("follow", caller.identity)
    theirs = frozenset() if whole else frozenset(calls_of(house, caller.identity.organisation))
    end, streams = None, None
    if not whole and not theirs:
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
            if _wanted(entry, types) and _may(house, caller, entry, whole=whole, theirs=theirs):
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


def cloud_event(entry: Entry) -> CloudEvent:
    """One entry of the log as a CloudEvent."""
    event = entry.event
    name, _, version = event.topic.partition("@")
    stamp = msgspec.to_builtins(event.stamp)
    return CloudEvent(
        specversion="1.0",
        id=entry.id,
        source=SOURCE,
        type=f"grantflow.{name}.v{version}",
        subject=str(entry.originator_id),
        time=stamp["recorded_at"],
        datacontenttype="application/json",
        sequence=f"{entry.position:020d}",
        position=entry.position,
        data={**stamp, "version": entry.originator_version, "facts": in_kroner(event.facts())},
    )


def _streams(house: House, caller: Caller) -> tuple[int, list[Any]]:
    """The cases that somebody outside may follow, and the position to which it is known that there are no others."""
    end = min((s.position for s in house.app.projector.standings() if s.name == "case_list"), default=0)
    condition, parameters = visible(house, caller, "follow")
    query = f"SELECT case_id FROM case_list WHERE {condition}"  # noqa: S608 - the condition is ours
    return end, [row["case_id"] for row in house.app.projector.rows(query, parameters)]


def _wanted(entry: Entry, types: Collection[str]) -> bool:
    return not types or entry.event.topic.partition("@")[0] in types


def _may(house: House, caller: Caller, entry: Entry, *, whole: bool, theirs: frozenset[str]) -> bool:
    if whole:
        return True
    event = entry.event
    if isinstance(event, CallEvent):
        return True
    if isinstance(event, AuthorityEvent):
        return event.stamp.organisation == caller.identity.organisation
    if isinstance(event, FrameEvent):
        return event.stamp.organisation == caller.identity.organisation and bool(theirs)
    if not isinstance(event, CaseEvent):
        return False
    states = house.app.service.states
    case = states.case(entry.originator_id, fresh=False)
    if case.version < entry.originator_version:
        case = states.case(entry.originator_id)
    call = states.call(case.call, case.definition)
    related = relations(caller.identity.organisation, case, call)
    return bool(roles_with("follow", caller.identity, related)) and shown(
        event, call, outside=outside(caller.identity, related)
    )
