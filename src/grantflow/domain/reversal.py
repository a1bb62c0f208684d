"""Reversal (omgjøring): a decision set aside or a grant reduced, in the cases of fvl § 35, after notice."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Literal

import msgspec

from grantflow.domain.application import Application, CaseEvent
from grantflow.domain.calendar import clock
from grantflow.domain.command import Command, Situation, amount, end_of, said
from grantflow.domain.decision import stated, with_authority
from grantflow.domain.errors import NotAllowed, NotReady
from grantflow.domain.money import Ore, kr
from grantflow.domain.parts import Decision, Grounds, Instalment, Notice, Reversal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantflow.domain.event import Event

CaseOf35 = Literal["not-to-detriment", "not-told", "invalid", "reserved"]
"""Where fvl § 35 lets an authority reverse its own decision: not to anybody's detriment; the party not told yet; the
decision invalid; reserved in the decision itself."""


class ReversalNotified(CaseEvent, frozen=True, kw_only=True):
    """The party is told that the decision may be reversed or the grant reduced, and may answer first (fvl § 16)."""

    topic = "reversal-notified@1"

    reason: str
    answer_limit: datetime

    def apply(self, case: Application) -> Application:
        return case.but(notice=Notice("reversal", self.reason, self.answer_limit))


class NoticeAnswered(CaseEvent, frozen=True, kw_only=True):
    """The party has answered the prior notice."""

    topic = "notice-answered@1"

    answer: str

    def apply(self, case: Application) -> Application:
        if case.notice is None:
            return case
        return case.but(notice=msgspec.structs.replace(case.notice, answer=self.answer))


class DecisionReversed(CaseEvent, frozen=True, kw_only=True):
    """The decision is set aside, and the case decided anew. What it held of the frame is released in the same step."""

    topic = "decision-reversed@1"

    outcome: str
    case_of_35: CaseOf35
    grounds: Grounds
    released_ore: Ore = 0

    def apply(self, case: Application) -> Application:
        stamp = self.stamp
        reversal = Reversal(
            self.outcome,
            self.case_of_35,
            stamp.person,
            stamp.recorded_at,
            self.grounds,
            stamp.authority or "",
        )
        return case.but(
            decision=None,
            letter="",
            told_at=None,
            notice=None,
            payment=None,
            conditions={},
            reversals=(*case.reversals, reversal),
        )


class GrantReduced(CaseEvent, frozen=True, kw_only=True):
    """The grant is lower than it was (avkortet), in øre; what is released goes back to the frame in the same step."""

    topic = "grant-reduced@1"

    before_ore: Ore
    amount_ore: Ore
    case_of_35: CaseOf35
    grounds: Grounds
    instalments: tuple[Instalment, ...]

    def apply(self, case: Application) -> Application:
        if case.decision is None:
            return case
        reduced = msgspec.structs.replace(
            case.decision, amount_ore=self.amount_ore, instalments=self.instalments, grounds=self.grounds
        )
        return case.but(
            decision=reduced,
            letter="",
            notice=None,
            payment=case.payment if case.payment and case.payment.bank_reference else None,
        )


class NotifyReversal(Command, frozen=True, kw_only=True):
    """Tell the party that the decision may be reversed or the grant reduced, with a day to answer by (fvl § 16)."""

    step = "notify-reversal"

    reason: str
    answer_by: date

    def decide(self, s: Situation) -> Sequence[Event]:
        _decided(s)
        limit = end_of(self.answer_by, "answer_by")
        if limit <= s.at:
            msg = f"The day {self.answer_by} is over; set a date that gives time to answer."
            raise NotAllowed(msg)
        return [ReversalNotified(reason=said(self.reason, "reason"), answer_limit=limit, stamp=s.stamp())]


class AnswerNotice(Command, frozen=True, kw_only=True):
    """Answer a prior notice, of a reversal or of a claim: it is kept, and read before anything is decided."""

    step = "answer-notice"

    answer: str

    def decide(self, s: Situation) -> Sequence[Event]:
        if s.case.notice is None or s.case.notice.answer:
            msg = "No prior notice waits for an answer in this case."
            raise NotReady(msg)
        return [NoticeAnswered(answer=said(self.answer, "answer"), stamp=s.stamp())]


class Reverse(Command, frozen=True, kw_only=True):
    """Set the decision aside, so that the case is decided anew; say in which of the cases of fvl § 35.

    A grant that anything is paid of can't be set aside: it is reduced, and what is overpaid claimed back.
    """

    step = "reverse"
    money = True
    binding = True

    case_of_35: CaseOf35
    grounds: Grounds
    authority: str

    def decide(self, s: Situation) -> Sequence[Event]:
        case, decision = s.case, _decided(s)
        if case.paid_ore or (case.payment and case.payment.authorised_by):
            msg = "Money is paid or on its way; reduce the grant instead (reduce), and claim what is overpaid back."
            raise NotAllowed(msg)
        granted = decision.outcome == "granted"
        _in_a_case_of_35(s, decision, self.case_of_35, detriment=granted)
        stamp = s.stamp(authority=with_authority(s, self.authority, decision.amount_ore))
        reversed_ = DecisionReversed(
            outcome=decision.outcome,
            case_of_35=self.case_of_35,
            grounds=stated(s, self.grounds),
            released_ore=decision.amount_ore,
            stamp=stamp,
        )
        return [s.frame.release(case.id, 0, stamp), reversed_] if granted else [reversed_]


class Reduce(Command, frozen=True, kw_only=True):
    """Reduce a grant (avkorte) to `amount` (kroner), in a case of fvl § 35; its letter is then issued anew."""

    step = "reduce"
    money = True
    binding = True

    amount: str
    case_of_35: CaseOf35
    grounds: Grounds
    authority: str

    def decide(self, s: Situation) -> Sequence[Event]:
        case, decision = s.case, _decided(s)
        reduced = amount(self.amount, "amount")
        if decision.outcome != "granted" or reduced >= decision.amount_ore:
            msg = f"The grant is {kr(decision.amount_ore)}; a reduction goes below that."
            raise NotAllowed(msg)
        if case.payment and case.payment.authorised_by and not case.payment.bank_reference:
            msg = "A payment is with the bank; reduce the grant when the bank's return has come."
            raise NotReady(msg)
        if case.report and case.report.accepted_by:
            msg = "The report is accepted; what is unspent is claimed back as it is."
            raise NotAllowed(msg)
        if case.paid_ore < decision.amount_ore and reduced <= case.paid_ore:
            msg = f"{kr(case.paid_ore)} is paid already; while more is to come, the grant stays above that."
            raise NotAllowed(msg)
        _in_a_case_of_35(s, decision, self.case_of_35, detriment=True)
        stamp = s.stamp(authority=with_authority(s, self.authority, reduced))
        return [
            s.frame.release(case.id, reduced, stamp),
            GrantReduced(
                before_ore=decision.amount_ore,
                amount_ore=reduced,
                case_of_35=self.case_of_35,
                grounds=stated(s, self.grounds),
                instalments=_cut(decision.instalments, reduced),
                stamp=stamp,
            ),
        ]


def _decided(s: Situation) -> Decision:
    if s.case.decision is None:
        msg = "Nothing is decided in this case."
        raise NotReady(msg)
    return s.case.decision


def _in_a_case_of_35(s: Situation, decision: Decision, case_of_35: CaseOf35, *, detriment: bool) -> None:
    told = s.case.told_at is not None
    if case_of_35 == "not-to-detriment" and detriment:
        msg = "To take a grant away is to the party's detriment; name another case of fvl § 35."
        raise NotAllowed(msg)
    if case_of_35 == "not-told" and told:
        msg = "The party has been told (the letter is issued); name another case of fvl § 35."
        raise NotAllowed(msg)
    if case_of_35 == "reserved" and not (decision.outcome == "granted" and told):
        msg = "Only a grant letter that is issued reserves reduction and repayment (R34)."
        raise NotAllowed(msg)
    if detriment and told and s.call.legal_regime.prior_notice:
        notice = s.case.notice
        if notice is None or notice.what != "reversal":
            msg = "A decision to the party's detriment needs prior notice (notify-reversal; fvl § 16)."
            raise NotReady(msg)
        if s.at < notice.answer_limit and not notice.answer:
            msg = f"The party may answer the notice until {clock(notice.answer_limit)} (fvl § 16)."
            raise NotReady(msg)


def _cut(instalments: Sequence[Instalment], total: Ore) -> tuple[Instalment, ...]:
    """The same instalments in their order, the last ones cut until they come to `total`."""
    kept: list[Instalment] = []
    for one in instalments:
        share = min(one.amount_ore, total)
        total -= share
        if share:
            kept.append(msgspec.structs.replace(one, amount_ore=share))
    return tuple(kept)
