"""Decision: a grant takes its part of the frame in the same instant; a rejection gives its grounds; then the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from grantflow.domain.application import (
    Application,
    CaseEvent,
    Decision,
    Grounds,
    SpecialCondition,
)
from grantflow.domain.deciding import Command, Situation, amount, said
from grantflow.domain.errors import BadRequest, NotAllowed
from grantflow.domain.money import Ore, kr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantflow.domain.event import Event


class Confirmations(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the decider answers for before the state commits itself (bestemmelser om økonomistyring 2.5.2.1)."""

    legal_basis: bool
    budget_cover: bool
    economically_sound: bool


class LaterYear(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An intention for a later year, never a commitment: it depends on the Storting's appropriation (R19)."""

    year: int
    amount_ore: Ore


class Intention(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a command names a later year: the amount in kroner."""

    year: int
    amount: str


class ApplicationGranted(CaseEvent, frozen=True, kw_only=True):
    """The directorate has granted the application. The same command committed the frame; amounts in øre."""

    topic = "application-granted@1"

    amount_ore: Ore
    grounds: Grounds
    confirmations: Confirmations
    conditions: tuple[SpecialCondition, ...] = ()
    later_years: tuple[LaterYear, ...] = ()

    def apply(self, case: Application) -> Application:
        stamp = self.stamp
        return case.but(
            decision=Decision(
                outcome="granted",
                person=stamp.person,
                at=stamp.recorded_at,
                grounds=self.grounds,
                amount_ore=self.amount_ore,
                authority=stamp.authority or "",
                conditions=self.conditions,
            )
        )


class ApplicationRejected(CaseEvent, frozen=True, kw_only=True):
    """The directorate has rejected the application (avslag)."""

    topic = "application-rejected@1"

    grounds: Grounds

    def apply(self, case: Application) -> Application:
        stamp = self.stamp
        return case.but(
            decision=Decision(
                outcome="rejected",
                person=stamp.person,
                at=stamp.recorded_at,
                grounds=self.grounds,
                authority=stamp.authority or "",
            )
        )


class LetterIssued(CaseEvent, frozen=True, kw_only=True):
    """The applicant has been told in writing (fvl § 27); `signed_by` is the person who decided."""

    topic = "letter-issued@1"

    language: str
    blocks: dict[str, str]
    reservations: dict[str, str]
    signed_by: str

    def apply(self, case: Application) -> Application:
        return case.but(letter=self.language)


class Grant(Command, frozen=True, kw_only=True):
    """Grant an amount (kroner): at most what was applied for and what is eligible, within the frame (R3, R20).

    `authority` is the written delegation of budget authority; `later_years` are intentions only (R19).
    """

    step = "grant"
    money = True

    amount: str
    grounds: Grounds
    confirmations: Confirmations
    authority: str
    conditions: tuple[SpecialCondition, ...] = ()
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
        _unambiguous(self.conditions)
        authority = said(self.authority, "authority", most=200)
        stamp = s.stamp(authority=authority)
        return [
            s.frame.commit(case.id, granted, stamp),
            ApplicationGranted(
                amount_ore=granted,
                grounds=_stated(self.grounds),
                confirmations=self.confirmations,
                conditions=self.conditions,
                later_years=tuple(self._intentions(s)),
                stamp=stamp,
            ),
        ]

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

    grounds: Grounds
    authority: str

    def decide(self, s: Situation) -> Sequence[Event]:
        stamp = s.stamp(authority=said(self.authority, "authority", most=200))
        return [ApplicationRejected(grounds=_stated(self.grounds), stamp=stamp)]


class IssueLetter(Command, frozen=True, kw_only=True):
    """Issue the letter about the decision: every block and reservation the call requires, or it is refused (R34)."""

    step = "issue-letter"

    language: Literal["nb", "nn"]
    blocks: dict[str, str]
    reservations: dict[str, str] = msgspec.field(default_factory=dict)

    def decide(self, s: Situation) -> Sequence[Event]:
        decision = s.case.decision
        if decision is None or s.case.letter:
            msg = (
                "The letter about this decision is issued already." if decision else "Nothing is decided yet."
            )
            raise NotAllowed(msg)
        if decision.outcome == "granted":
            _complete("block", s.call.letter.blocks, self.blocks)
            _complete("reservation", s.call.letter.reservations, self.reservations)
        else:
            _complete("block", ("decision", "grounds"), self.blocks)
            _complete("reservation", ("no-appeal",), self.reservations)
        return [
            LetterIssued(
                language=self.language,
                blocks=self.blocks,
                reservations=self.reservations,
                signed_by=decision.person,
                stamp=s.stamp(authority=decision.authority),
            )
        ]


def _complete(kind: str, required: Sequence[str], given: dict[str, str]) -> None:
    missing = [name for name in required if not given.get(name, "").strip()]
    unknown = [name for name in given if name not in required]
    if missing or unknown:
        wrong = f"missing: {', '.join(missing)}" if missing else f"unknown: {', '.join(unknown)}"
        msg = f"The letter must have each {kind} the call requires ({', '.join(required)}); {wrong}."
        raise NotAllowed(msg)


def _stated(grounds: Grounds) -> Grounds:
    for name, text in msgspec.structs.asdict(grounds).items():
        said(text, f"grounds.{name}")
    return grounds


def _unambiguous(conditions: Sequence[SpecialCondition]) -> None:
    ids = [condition.id for condition in conditions]
    if len(set(ids)) != len(ids):
        msg = "Two special conditions have the same id."
        raise BadRequest(msg)
    for condition in conditions:
        said(condition.id, "conditions.id", most=60)
        said(condition.text, "conditions.text")
