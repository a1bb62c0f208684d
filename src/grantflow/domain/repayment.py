"""Repayment: what was left unspent is notified, claimed and received back; then the case closes."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

import msgspec

from grantflow.domain.application import Application, CaseEvent
from grantflow.domain.command import Command, Situation, amount, end_of, said
from grantflow.domain.decision import with_authority
from grantflow.domain.errors import NotAllowed, NotReady
from grantflow.domain.money import Ore, kr
from grantflow.domain.parts import Notice, Repayment
from grantflow.domain.reporting import closing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantflow.domain.event import Event


class RepaymentNotified(CaseEvent, frozen=True, kw_only=True):
    """The municipality has been told that money will be claimed back, and may answer first (fvl § 16)."""

    topic = "repayment-notified@1"

    amount_ore: Ore
    answer_limit: datetime
    reason: str

    def apply(self, case: Application) -> Application:
        notice = Notice("repayment", self.reason, self.answer_limit)
        return _repayment(case, notified=True, answer_limit=self.answer_limit).but(notice=notice)


class RepaymentClaimed(CaseEvent, frozen=True, kw_only=True):
    """The directorate has decided to claim this back, to be paid by the end of `due`."""

    topic = "repayment-claimed@1"

    amount_ore: Ore
    due: date
    reason: str

    def apply(self, case: Application) -> Application:
        return _repayment(case, claimed_ore=self.amount_ore)


class RepaymentReceived(CaseEvent, frozen=True, kw_only=True):
    """Money has come back; `outstanding_ore` is what is still claimed."""

    topic = "repayment-received@1"
    correctable = frozenset({"bank_reference"})

    amount_ore: Ore
    outstanding_ore: Ore
    bank_reference: str

    def apply(self, case: Application) -> Application:
        so_far = case.repayment.received_ore if case.repayment else 0
        return _repayment(case, received_ore=so_far + self.amount_ore)

    def corrected(self, s: Situation, field: str, value: str) -> CaseEvent:  # noqa: ARG002 - it has one only
        return msgspec.structs.replace(self, bank_reference=said(value, "bank_reference", most=100))

    def apply_corrected(self, case: Application) -> Application:
        return case


class NotifyRepayment(Command, frozen=True, kw_only=True):
    """Give prior notice of the claim, with a day to answer by."""

    step = "notify-repayment"

    answer_by: date
    reason: str

    def decide(self, s: Situation) -> Sequence[Event]:
        repayment = _due(s)
        limit = end_of(self.answer_by, "answer_by")
        if limit <= s.at:
            msg = f"The day {self.answer_by} is over; set a date that gives time to answer."
            raise NotAllowed(msg)
        if repayment.claimed_ore:
            msg = "The money is claimed already."
            raise NotAllowed(msg)
        return [
            RepaymentNotified(
                amount_ore=repayment.unspent_ore,
                answer_limit=limit,
                reason=said(self.reason, "reason"),
                stamp=s.stamp(),
            )
        ]


class ClaimRepayment(Command, frozen=True, kw_only=True):
    """Claim the unspent back, after notice and once it is answered or the time to answer it has passed (fvl § 16)."""

    step = "claim-repayment"
    binding = True

    due: date
    reason: str
    authority: str

    def decide(self, s: Situation) -> Sequence[Event]:
        repayment = _due(s)
        _heard(s, repayment)
        if repayment.claimed_ore:
            msg = "The money is claimed already."
            raise NotAllowed(msg)
        if end_of(self.due, "due") <= s.at:
            msg = f"The day {self.due} is over; set a date that gives time to pay."
            raise NotAllowed(msg)
        return [
            RepaymentClaimed(
                amount_ore=repayment.unspent_ore,
                due=self.due,
                reason=said(self.reason, "reason"),
                stamp=s.stamp(authority=with_authority(s, self.authority, repayment.unspent_ore)),
            )
        ]


class RecordRepayment(Command, frozen=True, kw_only=True):
    """Record money that came back (kroner). When nothing is outstanding, the case closes."""

    step = "record-repayment"

    amount: str
    bank_reference: str

    def decide(self, s: Situation) -> Sequence[Event]:
        repayment = _due(s)
        if not repayment.claimed_ore:
            msg = "Nothing has been claimed in this case yet (claim-repayment)."
            raise NotReady(msg)
        received = amount(self.amount, "amount")
        outstanding = repayment.claimed_ore - repayment.received_ore - received
        if outstanding < 0:
            left = repayment.claimed_ore - repayment.received_ore
            msg = f"{kr(received)} is more than the {kr(left)} that is outstanding."
            raise NotAllowed(msg)
        event = RepaymentReceived(
            amount_ore=received,
            outstanding_ore=outstanding,
            bank_reference=said(self.bank_reference, "bank_reference", most=100),
            stamp=s.stamp(),
        )
        return [event] if outstanding else [event, closing(s)]


def _heard(s: Situation, repayment: Repayment) -> None:
    """The municipality has had its say, where the call's legal regime asks for prior notice."""
    if not s.call.legal_regime.prior_notice:
        return
    notice = s.case.notice
    answered = notice is not None and notice.what == "repayment" and bool(notice.answer)
    if repayment.answer_limit is None or (s.at < repayment.answer_limit and not answered):
        msg = "A claim needs prior notice (notify-repayment), and the time to answer must have passed (fvl § 16)."
        raise NotReady(msg)


def _due(s: Situation) -> Repayment:
    if s.case.repayment is None:
        msg = "Nothing is unspent in this case, or the report is not accepted yet."
        raise NotReady(msg)
    return s.case.repayment


def _repayment(case: Application, **changes: object) -> Application:
    if case.repayment is None:
        return case
    return case.but(repayment=msgspec.structs.replace(case.repayment, **changes))
