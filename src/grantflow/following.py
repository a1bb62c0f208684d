"""Who may follow what: which events of the log an organisation sees, in the feed as in what is sent to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from grantflow.domain.announcement import CallEvent
from grantflow.domain.application import CaseEvent
from grantflow.domain.authority import AuthorityEvent
from grantflow.domain.contact import ContactEvent
from grantflow.domain.frame import FrameEvent
from grantflow.domain.notice import NoticeEvent
from grantflow.domain.roles import MUNICIPAL, STAFF
from grantflow.shielding import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from grantflow.domain.application import Application
    from grantflow.domain.call import Call
    from grantflow.domain.event import Entry
    from grantflow.states import States

Relation = Literal["own", "partner", "authority", "any"]
"""What the caller's organisation is to the case: its applicant, one that applies together with it, the directorate
behind its call; `any` is whatever it is, and the only one where no case is spoken of."""

JOINT: frozenset[Relation] = frozenset({"own", "partner"})
AUTHORITY: frozenset[Relation] = frozenset({"authority"})
MACHINE: frozenset[Relation] = JOINT | AUTHORITY
ANY: frozenset[Relation] = frozenset({"any"})

FOLLOWERS: Mapping[str, frozenset[Relation]] = {
    **dict.fromkeys(sorted(MUNICIPAL), JOINT),
    **dict.fromkeys(sorted(STAFF), AUTHORITY),
    "auditor": ANY,
    "integration": MACHINE,
}
"""The right to follow: for each role, in which relations to a case."""


class Follower(NamedTuple):
    """Somebody who follows: for which organisation, in those of their roles that have the right to."""

    organisation: str
    roles: tuple[str, ...]

    @property
    def sees_all(self) -> bool:
        """Whether nothing is kept from them."""
        return "auditor" in self.roles


def relations(organisation: str, case: Application, call: Call) -> frozenset[Relation]:
    """What an organisation is to a case."""
    found: set[Relation] = {"any"}
    if organisation == case.applicant.number:
        found.add("own")
    if organisation in case.partners:
        found.add("partner")
    if organisation == call.authority:
        found.add("authority")
    return frozenset(found)


def outside(roles: Collection[str], related: frozenset[Relation]) -> bool:
    """Whether somebody reads a case from the outside: not as an auditor, nor for the directorate behind it."""
    return "auditor" not in roles and (
        "authority" not in related or not (STAFF | {"integration"}) & set(roles)
    )


def may_follow(states: States, follower: Follower, entry: Entry, *, directorate: Callable[[], bool]) -> bool:
    """Whether they may see an event of the log; `directorate` tells, where it matters, if they are behind some call."""
    if follower.sees_all:
        return True
    event = entry.event
    if isinstance(event, CaseEvent):
        return _may_follow_case(states, follower, entry)
    if isinstance(event, AuthorityEvent | FrameEvent | NoticeEvent | ContactEvent):
        theirs = event.stamp.organisation == follower.organisation
    else:
        theirs = isinstance(event, CallEvent)
    # who tells of a case is behind its call
    return theirs and (isinstance(event, NoticeEvent) or directorate())


def _may_follow_case(states: States, follower: Follower, entry: Entry) -> bool:
    case = states.case(entry.originator_id, fresh=False)
    if case.version < entry.originator_version:
        case = states.case(entry.originator_id)
    call = states.call(case.call, case.definition)
    related = relations(follower.organisation, case, call)
    return any(FOLLOWERS[role] & related for role in follower.roles) and shown(
        entry.event, call, outside=outside(follower.roles, related)
    )
