"""Payment: one attests, another authorises, the bank confirms; never before the deadline, the letter or the account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from grantflow.domain.application import Application, CaseEvent, Exemption, Payment
from grantflow.domain.calendar import clock
from grantflow.domain.deciding import Command, Situation, amount, said
from grantflow.domain.errors import NotAllowed, NotReady
from grantflow.domain.money import Ore, kr
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
        return case.but(account=self.account)


class ExemptionRecorded(CaseEvent, frozen=True, kw_only=True):
    """The ministry's time-limited exemption stands in the case, by its reference (R15)."""

    topic = "exemption-recorded@1"

    exemption: Exemption

    def apply(self, case: Application) -> Application:
        return case.but(exemption=self.exemption)


class PaymentAttested(CaseEvent, frozen=True, kw_only=True):
    """The payment was checked against the letter; it goes to exactly this account (amount in øre)."""

    topic = "payment-attested@1"

    amount_ore: Ore
    account: str

    def apply(self, case: Application) -> Application:
        return case.but(payment=Payment(self.amount_ore, self.account, attested_by=self.stamp.person))


class PaymentAuthorised(CaseEvent, frozen=True, kw_only=True):
    """The order has gone to the bank, with the amount and account that were attested."""

    topic = "payment-authorised@1"

    amount_ore: Ore
    account: str

    def apply(self, case: Application) -> Application:
        payment = case.payment
        if payment is None:
            return case
        return case.but(payment=msgspec.structs.replace(payment, authorised_by=self.stamp.person))


class PaymentConfirmed(CaseEvent, frozen=True, kw_only=True):
    """The bank's return says that the money has been paid."""

    topic = "payment-confirmed@1"

    amount_ore: Ore
    account: str
    bank_reference: str

    def apply(self, case: Application) -> Application:
        payment = case.payment
        if payment is None:
            return case
        return case.but(payment=msgspec.structs.replace(payment, bank_reference=self.bank_reference))


class RegisterAccount(Command, frozen=True, kw_only=True):
    """Register the recipient's account (11 digits, mod 11). Whoever does it can't also decide or authorise."""

    step = "register-account"

    account: str

    def decide(self, s: Situation) -> Sequence[Event]:
        if not valid_account(self.account):
            msg = "That is not an account number: 11 digits of which the last is the check digit (mod 11)."
            raise NotAllowed(msg)
        payment = s.case.payment
        if payment is not None and payment.authorised_by:
            msg = "The payment is with the bank; the account can't be changed now."
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
    """Check the payment against the letter: the amount (kroner) must be the granted one (R23)."""

    step = "attest-payment"

    amount: str

    def decide(self, s: Situation) -> Sequence[Event]:
        case = s.case
        deadline = s.call.deadline_of("submit")
        limit = deadline.limit if deadline else s.at
        if s.at < limit:
            msg = f"Nothing is paid before the application deadline has passed ({clock(limit)}; R23)."
            raise NotReady(msg)
        if case.decision is None or not case.letter:
            msg = "Nothing is paid before the letter is issued (issue-letter)."
            raise NotReady(msg)
        if not case.account:
            msg = "Nothing is paid without the recipient's account (register-account; R23)."
            raise NotReady(msg)
        if case.exemption_needed:
            _exempted(case)
        attested = amount(self.amount, "amount")
        if attested != case.decision.amount_ore:
            msg = f"The letter grants {kr(case.decision.amount_ore)}, not {kr(attested)}."
            raise NotAllowed(msg)
        if case.payment is not None and case.payment.authorised_by:
            msg = "The payment is with the bank already."
            raise NotAllowed(msg)
        return [PaymentAttested(amount_ore=attested, account=case.account, stamp=s.stamp())]


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
        return [PaymentAuthorised(amount_ore=payment.amount_ore, account=payment.account, stamp=s.stamp())]


class ConfirmPayment(Command, frozen=True, kw_only=True):
    """The bank's return: the payment went through, under the bank's reference."""

    step = "confirm-payment"

    bank_reference: str

    def decide(self, s: Situation) -> Sequence[Event]:
        payment = s.case.payment
        if payment is None or not payment.authorised_by:
            msg = "No payment has been authorised in this case."
            raise NotReady(msg)
        return [
            PaymentConfirmed(
                amount_ore=payment.amount_ore,
                account=payment.account,
                bank_reference=said(self.bank_reference, "bank_reference", most=100),
                stamp=s.stamp(),
            )
        ]


def _exempted(case: Application) -> None:
    """The ministry's exemption is there, and holds for as long as the project lasts (R15)."""
    exemption, project = case.exemption, case.content["project"]
    if exemption is None:
        msg = "The measure lies outside the acts: record the ministry's exemption first (record-exemption; R15)."
        raise NotReady(msg)
    begins, ends = str(exemption.valid_from), str(exemption.valid_to)
    if not (begins <= project["starts_on"] and project["ends_on"] <= ends):
        msg = (
            f"The project runs from {project['starts_on']} to {project['ends_on']}; the exemption "
            f"{exemption.reference} only holds from {begins} to {ends} (R15)."
        )
        raise NotReady(msg)
