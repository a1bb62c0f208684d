"""May this person take this step in this case now? What holds for every step, before its own rules are asked."""

from __future__ import annotations

from datetime import timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING

from grantflow.domain.calendar import clock
from grantflow.domain.command import COMMANDS
from grantflow.domain.errors import (
    ClockBehind,
    Disqualified,
    ImpartialityNotDeclared,
    NotFound,
    NotReady,
    NotTheAuthority,
    NotYourCase,
    PastDeadline,
    RoleNotAllowed,
    SamePerson,
    SuperiorDisqualified,
)
from grantflow.domain.roles import DIRECTORATE, MACHINES, MUNICIPAL

if TYPE_CHECKING:
    from grantflow.domain.command import Situation
    from grantflow.domain.process import Step

CLOCK_TOLERANCE = timedelta(seconds=5)
"""Two machines' clocks may differ by this much; the later instant is then recorded, so a case never runs back."""


def admit(s: Situation) -> None:
    """Raises the first refusal that applies: relation, role, arrow, clock, impartiality, four eyes, order, deadline."""
    _relation(s)
    step = s.call.process.steps.get(s.step)
    if step is None:
        known = tuple(s.call.process.steps)
        near = get_close_matches(s.step, known, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        msg = f"The process of {s.call.id} has no step {s.step[:60]!r} for this case.{hint} It has: {', '.join(known)}."
        raise NotFound(msg)
    if s.by.role not in step.roles:
        raise RoleNotAllowed(s.step, s.by.role, step.roles)
    _ = s.target
    if s.at - s.by.at > CLOCK_TOLERANCE:
        msg = (
            f"The case has recorded {clock(s.at)} already; this command's instant is "
            f"{clock(s.by.at)}. Check the clock of the machine that sent it."
        )
        raise ClockBehind(msg)
    _impartial(s, step)
    _four_eyes(s)
    _in_order(s, step)
    _in_time(s)


def _relation(s: Situation) -> None:
    if s.by.role in MUNICIPAL and s.case.version and s.by.organisation != s.case.applicant.number:
        raise NotYourCase
    if s.by.role in DIRECTORATE and s.by.organisation != s.call.authority:
        msg = f"The role {s.by.role} belongs to the directorate behind the call ({s.call.authority})."
        raise NotTheAuthority(msg)


def _impartial(s: Situation, step: Step) -> None:
    """Nobody prepares or decides who is disqualified; nor decides anybody directly under such a person (fvl § 6)."""
    if s.by.role not in DIRECTORATE or s.by.role in MACHINES:
        return
    conflict = s.case.conflicts.get(s.by.person)
    if conflict:
        raise Disqualified
    if conflict is None and step.impartial:
        raise ImpartialityNotDeclared
    command = COMMANDS.get(s.step)
    if command is not None and command.binding:
        superior = s.authorities.superior_of(s.by.person, s.at)
        if superior and s.case.conflicts.get(superior):
            raise SuperiorDisqualified


def _four_eyes(s: Situation) -> None:
    for apart in s.call.process.apart:
        if s.step in apart.steps:
            for other in apart.steps:
                if other != s.step and s.by.person in s.case.acts.get(other, ()):
                    raise SamePerson(s.step, other, apart.source)


def _in_order(s: Situation, step: Step) -> None:
    """The steps that this one is declared to come after have been taken, on the content as it stands."""
    for earlier in step.after:
        taken = s.case.declared.get(earlier)
        if taken is None and earlier in s.case.acts and not s.call.process.steps[earlier].form:
            continue
        if taken is None or taken.about != s.case.content_digest:
            changed = " anew: the application has changed since" if taken else ""
            msg = f"'{earlier}' comes before '{s.step}' here; it must be taken first{changed}."
            raise NotReady(msg)


def _in_time(s: Situation) -> None:
    for deadline in s.call.deadlines_of(s.step):
        limit = s.case.limit(deadline.id, s.call)
        if deadline.late == "refuse" and s.at >= limit:
            raise PastDeadline(deadline.id, limit, s.at)
