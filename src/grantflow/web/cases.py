"""Which cases a caller may see. One that they may not see does not exist: not in answers, lists, feeds or errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from grantflow.domain.announcement import CallPublished
from grantflow.domain.errors import NotFound
from grantflow.following import relations
from grantflow.web.problems import Forbidden
from grantflow.web.rights import RIGHTS, roles_with

if TYPE_CHECKING:
    from grantflow.domain.application import Application
    from grantflow.domain.call import Call
    from grantflow.following import Relation
    from grantflow.web.caller import Caller
    from grantflow.web.house import House

_LONGEST = 200


class Seen(NamedTuple):
    """A case that the caller may see, the call it is in as it is for the case, and what they are to it."""

    case: Application
    call: Call
    related: frozenset[Relation]


def no_such_case() -> NotFound:
    """What is said of a case that there is not, and of one that the caller may not know of."""
    return NotFound("There is no such case.")


def case_id(house: House, named: str) -> UUID:
    """A case by its identifier, or by its number such as imdi-2023-tillegg-0001."""
    try:
        return UUID(named)
    except ValueError:
        pass
    if len(named) <= _LONGEST and named.isprintable():
        query = "SELECT case_id FROM case_list WHERE number = %(number)s"
        for row in house.app.projector.rows(query, {"number": named}):
            found: UUID = row["case_id"]
            return found
    raise no_such_case()


def seen(house: House, caller: Caller, named: str, right: str = "read-case", *, fresh: bool = True) -> Seen:
    """The case, if the caller may see it and has the right to it; NotFound, or Forbidden where they see it only.

    `fresh=False` gives it as it is remembered, which may be behind what other processes have stored.
    """
    case = house.app.service.states.case(case_id(house, named), fresh=fresh)
    call = house.app.service.states.call(case.call, case.definition).within(case.area, case.stage)
    related = relations(caller.identity.organisation, case, call)
    if not roles_with("read-case", caller.identity, related) and not roles_with(
        "act", caller.identity, related
    ):
        raise no_such_case()
    if not roles_with(right, caller.identity, related):
        msg = f"You see this case, and may not {RIGHTS[right].does}."
        raise Forbidden(msg)
    return Seen(case, call, related)


def visible(house: House, caller: Caller, right: str) -> tuple[str, dict[str, Any]]:
    """The condition on `case_list` under which the caller has a right to a case, and its parameters."""
    identity = caller.identity
    may: set[str] = set()
    for role in roles_with(right, identity):
        may |= RIGHTS[right].who[role]
    if "any" in may:
        return "true", {}
    conditions = ["false"]
    if "own" in may:
        conditions.append("applicant = %(organisation)s")
    if "partner" in may:
        conditions.append(
            "case_id IN (SELECT case_id FROM case_partners WHERE organisation = %(organisation)s AND joint)"
        )
    if "authority" in may:
        conditions.append("call = ANY(%(their_calls)s)")
    theirs = calls_of(house, identity.organisation) if "authority" in may else []
    return f"({' OR '.join(conditions)})", {"organisation": identity.organisation, "their_calls": theirs}


def calls_of(house: House, organisation: str) -> list[str]:
    """The calls that an organisation is the directorate behind: as they are remembered, for that never changes."""
    states = house.app.service.states
    query = "SELECT facts->>'call' AS call FROM audit_trail WHERE topic = %(topic)s"
    calls = [row["call"] for row in house.app.projector.rows(query, {"topic": CallPublished.topic})]
    return [
        call
        for call in calls
        if states.call(call, states.announcement(call, fresh=False).digest).authority == organisation
    ]
