"""Decision: a grant takes its part of the frame in the same instant; rejection and dismissal give their grounds."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Literal

import msgspec

from grantflow.domain.application import Application, CaseEvent
from grantflow.domain.command import Command, Situation, amount, end_of, said
from grantflow.domain.errors import BadRequest, NotAllowed, NotReady
from grantflow.domain.money import Ore, kr
from grantflow.domain.parts import Decision, Grounds, Instalment, LaterYear, SpecialCondition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantflow.domain.event import Event, Stamp

DismissalCause = Literal["not-an-applicant", "outside-the-call", "too-late", "incomplete", "not-approved"]
"""Why an application can't be considered at all; what can be considered and is turned down is rejected."""


class Confirmations(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the decider answers for before the state commits itself (bestemmelser om økonomistyring 2.5.2.1)."""

    legal_basis: bool
    budget_cover: bool
    economically_sound: bool


class Intention(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a command names a later year: the amount in kroner."""

    year: int
    amount: str


class PlannedInstalment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a command names an instalment: kroner, the day it can be paid from, the condition that it waits for."""

    amount: str
    due: date | None = None
    condition: str = ""


class ApplicationGranted(CaseEvent, frozen=True, kw_only=True):
    """The directorate has granted the application. The same command committed the frame; amounts in øre."""

    topic = "application-granted@2"

    amount_ore: Ore
    grounds: Grounds
    confirmations: Confirmations
    conditions: tuple[SpecialCondition, ...] = ()
    instalments: tuple[Instalment, ...] = ()
    later_years: tuple[LaterYear, ...] = ()

    def apply(self, case: Application) -> Application:
        decision = _decision("granted", self.stamp, self.grounds)
        return case.but(
            decision=msgspec.structs.replace(
                decision,
                amount_ore=self.amount_ore,
                conditions=self.conditions,
                instalments=self.instalments,
                later_years=self.later_years,
            )
        )


class ApplicationRejected(CaseEvent, frozen=True, kw_only=True):
    """The directorate has rejected the application (avslag)."""

    topic = "application-rejected@1"

    grounds: Grounds

    def apply(self, case: Application) -> Application:
        return case.but(decision=_decision("rejected", self.stamp, self.grounds))


class ApplicationDismissed(CaseEvent, frozen=True, kw_only=True):
    """The application is not considered (avvist): it can't be, for this cause."""

    topic = "application-dismissed@1"

    cause: DismissalCause
    grounds: Grounds

    def apply(self, case: Application) -> Application:
        return case.but(decision=_decision("dismissed", self.stamp, self.grounds))


def _decision(outcome: str, stamp: Stamp, grounds: Grounds) -> Decision:
    return Decision(outcome, stamp.person, stamp.recorded_at, grounds, authority=stamp.authority or "")


class Grant(Command, frozen=True, kw_only=True):
    """Grant an amount (kroner): at most what was applied for and what is eligible, within the frame (R3, R20).

    `authority` is the reference of a written delegation of budget authority, looked up as of this instant. It is paid
    at once unless `instalments` say otherwise. `later_years` are intentions only (R19).
    """

    step = "grant"
    money = True
    binding = True

    amount: str
    grounds: Grounds
    confirmations: Confirmations
    authority: str
    conditions: tuple[SpecialCondition, ...] = ()
    instalments: tuple[PlannedInstalment, ...] = ()
    later_years: tuple[Intention, ...] = ()

    def decide(self, s: Situation) -> Sequence[Event]:
        case = s.case
        granted = amount(self.amount, "amount")
        for most, why in ((case.asked_ore, "applied for"), (case.eligible_ore, "eligible")):
            if granted > most:
                msg = f"{kr(granted)} is more than the {kr(most)} that is {why} (R20)."
                raise NotAllowed(msg)
        missing = [name for name, yes in msgspec.structs.asdict(self.confirmations).items() if not yes]
        if missing:
            msg = f"A grant needs all three confirmations; not confirmed: {', '.join(missing)}."
            raise NotAllowed(msg)
        if s.call.state_aid and s.call.state_aid.required and case.state_aid is None:
            msg = "The award has not been assessed as state aid (assess-state-aid; bestemmelser 6.1)."
            raise NotReady(msg)
        _told_of_reversal(s)
        _unambiguous(self.conditions)
        stamp = s.stamp(authority=with_authority(s, self.authority, granted))
        return [
            s.frame.commit(case.id, granted, stamp, area=case.area),
            ApplicationGranted(
                amount_ore=granted,
                grounds=stated(s, self.grounds),
                confirmations=self.confirmations,
                conditions=self.conditions,
                instalments=self._instalments(granted),
                later_years=tuple(self._intentions(s)),
                stamp=stamp,
            ),
        ]

    def _instalments(self, granted: Ore) -> tuple[Instalment, ...]:
        conditions = {condition.id for condition in self.conditions}
        planned = []
        for one in self.instalments:
            if one.condition and one.condition not in conditions:
                msg = f"An instalment waits for the condition '{one.condition[:60]}', which the grant doesn't set."
                raise BadRequest(msg)
            if one.due:
                end_of(one.due, "instalments.due")
            planned.append(Instalment(amount(one.amount, "instalments.amount"), one.due, one.condition))
        total = sum(one.amount_ore for one in planned)
        if planned and total != granted:
            msg = f"The instalments come to {kr(total)}, and the grant to {kr(granted)}."
            raise NotAllowed(msg)
        return tuple(planned) or (Instalment(granted),)

    def _intentions(self, s: Situation) -> Sequence[LaterYear]:
        for later in self.later_years:
            if later.year <= s.call.year:
                msg = f"{later.year} is not later than the grant year {s.call.year}; only later years are intentions."
                raise NotAllowed(msg)
        if len({later.year for later in self.later_years}) != len(self.later_years):
            msg = "later_years names a year twice."
            raise BadRequest(msg)
        return [LaterYear(later.year, amount(later.amount, "later_years")) for later in self.later_years]


class Reject(Command, frozen=True, kw_only=True):
    """Reject the application, with the rule, the facts and the main considerations (fvl §§ 24-25)."""

    step = "reject"
    binding = True

    grounds: Grounds
    authority: str

    def decide(self, s: Situation) -> Sequence[Event]:
        _told_of_reversal(s)
        stamp = s.stamp(authority=with_authority(s, self.authority))
        return [ApplicationRejected(grounds=stated(s, self.grounds), stamp=stamp)]


class Dismiss(Command, frozen=True, kw_only=True):
    """Dismiss an application that can't be considered at all, with the cause and the grounds (fvl §§ 24-25)."""

    step = "dismiss"
    binding = True

    cause: DismissalCause
    grounds: Grounds
    authority: str

    def decide(self, s: Situation) -> Sequence[Event]:
        _told_of_reversal(s)
        stamp = s.stamp(authority=with_authority(s, self.authority))
        return [ApplicationDismissed(cause=self.cause, grounds=stated(s, self.grounds), stamp=stamp)]


def with_authority(s: Situation, reference: str, amount_ore: Ore = 0) -> str:
    """The reference of a budget authority that covers this person, call, amount and instant, or NoAuthority."""
    said(reference, "authority", most=200)
    return s.authorities.budget(reference, s.by.person, s.call.appropriation, amount_ore, s.at).reference


def stated(s: Situation, grounds: Grounds) -> Grounds:
    """Grounds of which no part is empty, unless the call's legal regime asks for none (fvl §§ 24-25)."""
    if s.call.legal_regime.grounds:
        for name, text in msgspec.structs.asdict(grounds).items():
            said(text, f"grounds.{name}")
    return grounds


def _told_of_reversal(s: Situation) -> None:
    """A case is decided anew only once the party has been told that the earlier decision is reversed (fvl § 27)."""
    if s.case.reversals and not s.case.reversals[-1].told:
        msg = "The party has not been told of the reversal yet; issue its letter first (issue-letter; fvl § 27)."
        raise NotReady(msg)


def _unambiguous(conditions: Sequence[SpecialCondition]) -> None:
    ids = [condition.id for condition in conditions]
    if len(set(ids)) != len(ids):
        msg = "Two special conditions have the same id."
        raise BadRequest(msg)
    for condition in conditions:
        said(condition.id, "conditions.id", most=60)
        said(condition.text, "conditions.text")
