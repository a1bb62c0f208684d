"""Payment, instalment by instalment: one attests, another authorises, the bank confirms; never before its time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from grantflow.domain.application import Application, CaseEvent
from grantflow.domain.calendar import clock, day, start_of_day
from grantflow.domain.command import Command, Situation, amount, said
from grantflow.domain.errors import NotAllowed, NotReady
from grantflow.domain.money import Ore, kr
from grantflow.domain.parts import AccountOnRecord, Decision, Exemption, Instalment, Payment
from grantflow.domain.register import valid_account

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantflow.domain.event import Event


class AccountRegistered(CaseEvent, frozen=True, kw_only=True):
    """The recipient's account was registered or changed; `previous` is the one before."""

    topic = "account-registered@1"

    account: str
    previous: str = ""

    def apply(self, case: Application) -> Application:
        since = self.stamp.recorded_at
        return case.but(accounts=(*case.accounts, AccountOnRecord(self.account, self.stamp.person, since)))


class ExemptionRecorded(CaseEvent, frozen=True, kw_only=True):
    """The ministry's time-limited exemption stands in the case, by its reference (R15)."""

    topic = "exemption-recorded@1"

    exemption: Exemption

    def apply(self, case: Application) -> Application:
        return case.but(exemption=self.exemption)


class PaymentAttested(CaseEvent, frozen=True, kw_only=True):
    """The payment was checked against the letter; it goes to exactly this account (amount in øre).

    `account_changed_at` flags an account that was changed shortly before; `account_check` says how that was checked.
    """

    topic = "payment-attested@2"

    instalment: int
    amount_ore: Ore
    account: str
    account_changed_at: datetime | None = None
    account_check: str = ""

    def apply(self, case: Application) -> Application:
        payment = Payment(self.amount_ore, self.account, self.stamp.person, self.instalment)
        return case.but(payment=payment)


class PaymentAuthorised(CaseEvent, frozen=True, kw_only=True):
    """The order has gone to the bank, with the amount and account that were attested."""

    topic = "payment-authorised@2"

    instalment: int
    amount_ore: Ore
    account: str

    def apply(self, case: Application) -> Application:
        payment = case.payment
        if payment is None:
            return case
        return case.but(payment=msgspec.structs.replace(payment, authorised_by=self.stamp.person))


class PaymentConfirmed(CaseEvent, frozen=True, kw_only=True):
    """The bank's return says that the money has been paid; `outstanding_ore` is what is still to come of the grant."""

    topic = "payment-confirmed@2"
    correctable = frozenset({"bank_reference"})

    instalment: int
    amount_ore: Ore
    account: str
    bank_reference: str
    outstanding_ore: Ore = 0

    @property
    def about(self) -> str:
        return str(self.instalment)

    def corrected(self, s: Situation, field: str, value: str) -> CaseEvent:  # noqa: ARG002 - it has one only
        return msgspec.structs.replace(self, bank_reference=said(value, "bank_reference", most=100))

    def apply(self, case: Application) -> Application:
        paid = case.but(
            paid_ore=case.paid_ore + self.amount_ore,
            instalments_paid=max(case.instalments_paid, self.instalment),
        )
        return self.apply_corrected(paid)

    def apply_corrected(self, case: Application) -> Application:
        payment = case.payment
        if payment is None or payment.instalment != self.instalment:
            return case
        return case.but(payment=msgspec.structs.replace(payment, bank_reference=self.bank_reference))


class RegisterAccount(Command, frozen=True, kw_only=True):
    """Register the recipient's account (11 digits, mod 11). Whoever does it can't also decide or authorise."""

    step = "register-account"
    numbers = frozenset({"account"})

    account: str

    def decide(self, s: Situation) -> Sequence[Event]:
        if not valid_account(self.account):
            msg = "That is not an account number: 11 digits of which the last is the check digit (mod 11)."
            raise NotAllowed(msg)
        if _with_the_bank(s.case.payment):
            msg = "The payment is with the bank; the account can't be changed now."
            raise NotAllowed(msg)
        if self.account == s.case.account:
            msg = "That account is the one registered already."
            raise NotAllowed(msg)
        return [AccountRegistered(account=self.account, previous=s.case.account, stamp=s.stamp())]


class RecordExemption(Command, frozen=True, kw_only=True):
    """Record the ministry's exemption for a measure outside the acts (R15)."""

    step = "record-exemption"

    exemption: Exemption

    def decide(self, s: Situation) -> Sequence[Event]:
        said(self.exemption.reference, "exemption.reference", most=200)
        said(self.exemption.decided_by, "exemption.decided_by", most=200)
        if self.exemption.valid_to < self.exemption.valid_from:
            msg = "The exemption ends before it begins."
            raise NotAllowed(msg)
        return [ExemptionRecorded(exemption=self.exemption, stamp=s.stamp())]


class AttestPayment(Command, frozen=True, kw_only=True):
    """Check the next instalment against the letter: the amount (kroner) must be exactly that one's (R23).

    Where the account was changed shortly before, `account_check` says how the change was checked with the recipient.
    """

    step = "attest-payment"

    amount: str
    account_check: str = ""

    def decide(self, s: Situation) -> Sequence[Event]:
        case = s.case
        _after_the_deadline(s)
        if case.decision is None or not case.letter:
            msg = "Nothing is paid before the letter is issued (issue-letter)."
            raise NotReady(msg)
        if not case.account:
            msg = "Nothing is paid without the recipient's account (register-account; R23)."
            raise NotReady(msg)
        if case.exemption_needed:
            _exempted(s)
        if _with_the_bank(case.payment):
            msg = "The payment is with the bank already."
            raise NotAllowed(msg)
        instalment = _next(case, case.decision)
        _free(s, case.decision, instalment)
        attested = amount(self.amount, "amount")
        if attested != instalment.amount_ore:
            msg = f"The letter grants {kr(instalment.amount_ore)} now, not {kr(attested)}."
            raise NotAllowed(msg)
        changed = _changed_lately(s)
        return [
            PaymentAttested(
                instalment=case.instalments_paid + 1,
                amount_ore=attested,
                account=case.account,
                account_changed_at=changed,
                account_check=self._checked(changed),
                stamp=s.stamp(),
            )
        ]

    def _checked(self, changed: datetime | None) -> str:
        if changed is None or self.account_check.strip():
            return self.account_check and said(self.account_check, "account_check")
        msg = f"The account was changed on {day(changed)}: say how that was checked with the recipient (account_check)."
        raise NotReady(msg)


class AuthorisePayment(Command, frozen=True, kw_only=True):
    """Send the order to the bank. Neither amount nor account can be given here: they are the attested ones."""

    step = "authorise-payment"

    def decide(self, s: Situation) -> Sequence[Event]:
        payment = s.case.payment
        if payment is None:
            msg = "The payment is not attested yet (attest-payment)."
            raise NotReady(msg)
        if payment.authorised_by:
            msg = "The payment is with the bank already: nothing is paid twice."
            raise NotAllowed(msg)
        if payment.account != s.case.account:
            msg = "The account was changed after the payment was attested; it must be attested again."
            raise NotReady(msg)
        return [
            PaymentAuthorised(
                instalment=payment.instalment,
                amount_ore=payment.amount_ore,
                account=payment.account,
                stamp=s.stamp(),
            )
        ]


class ConfirmPayment(Command, frozen=True, kw_only=True):
    """The bank's return: the payment went through, under the bank's reference.

    With the last instalment the case is paid; until then it stays where it is.
    """

    step = "confirm-payment"

    bank_reference: str

    def decide(self, s: Situation) -> Sequence[Event]:
        payment, decision = s.case.payment, s.case.decision
        if payment is None or decision is None or not _with_the_bank(payment):
            msg = "No payment waits for the bank's return in this case."
            raise NotReady(msg)
        outstanding = decision.amount_ore - s.case.paid_ore - payment.amount_ore
        return [
            PaymentConfirmed(
                instalment=payment.instalment,
                amount_ore=payment.amount_ore,
                account=payment.account,
                bank_reference=said(self.bank_reference, "bank_reference", most=100),
                outstanding_ore=outstanding,
                stamp=s.stamp(state=s.case.state if outstanding else None),
            )
        ]


def _with_the_bank(payment: Payment | None) -> bool:
    """Whether an order has gone to the bank and its return has not come."""
    return payment is not None and bool(payment.authorised_by) and not payment.bank_reference


def _after_the_deadline(s: Situation) -> None:
    """Nothing is paid while others may still apply (R23)."""
    limits = [one.limit for one in s.call.deadlines_of("submit") if one.late == "refuse"]
    if limits and s.at < max(limits):
        msg = f"Nothing is paid before the application deadline has passed ({clock(max(limits))}; R23)."
        raise NotReady(msg)


def _next(case: Application, decision: Decision) -> Instalment:
    if case.instalments_paid >= len(decision.instalments):
        msg = "All of the grant is paid: nothing is paid twice."
        raise NotAllowed(msg)
    return decision.instalments[case.instalments_paid]


def _free(s: Situation, decision: Decision, instalment: Instalment) -> None:
    """The instalment's day has come, and no condition that blocks it is open."""
    if instalment.due and s.at < start_of_day(instalment.due):
        msg = f"This instalment is paid from {instalment.due:%d.%m.%Y}, in step with the need (bestemmelser 6.3.5)."
        raise NotReady(msg)
    waits_for = {one.condition for one in decision.instalments} - {instalment.condition}
    blocking = {one.id for one in decision.conditions if one.blocking} - waits_for
    for condition in sorted(blocking | {instalment.condition} - {""}):
        if not s.case.settled(condition):
            msg = f"The payment waits for the condition '{condition}' (accept-condition, or waive-condition; R14)."
            raise NotReady(msg)


def _changed_lately(s: Situation) -> datetime | None:
    """When the account was changed, if that was so shortly before that the payment is looked at twice."""
    if len(s.case.accounts) <= 1:
        return None
    flagged = s.call.payments.flag_account_changes_days if s.call.payments else 0
    since = s.case.accounts[-1].since
    return since if s.at - since < timedelta(days=flagged) else None


def _exempted(s: Situation) -> None:
    """The ministry's exemption is there, and holds for as long as the project lasts (R15)."""
    exemption = s.case.exemption
    if exemption is None:
        msg = "The measure lies outside the acts: record the ministry's exemption first (record-exemption; R15)."
        raise NotReady(msg)
    begins, ends = str(exemption.valid_from), str(exemption.valid_to)
    reads = s.reads
    first = reads.fact("application.starts_on", str, begins)
    last = reads.fact("application.ends_on", str, ends)
    if not (begins <= first and last <= ends):
        msg = (
            f"The project runs from {first} to {last}; the exemption "
            f"{exemption.reference} only holds from {begins} to {ends} (R15)."
        )
        raise NotReady(msg)
