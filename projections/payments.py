"""What was paid to whom: who registered the account, attested, authorised and confirmed, and what came back."""

from grantflow.domain.correction import FactCorrected
from grantflow.domain.decision import ApplicationGranted
from grantflow.domain.drafting import ApplicationStarted
from grantflow.domain.event import Entry
from grantflow.domain.letters import REVERSAL, LetterIssued
from grantflow.domain.payment import (
    AccountRegistered,
    PaymentAttested,
    PaymentAuthorised,
    PaymentConfirmed,
)
from grantflow.domain.repayment import RepaymentClaimed, RepaymentReceived
from grantflow.domain.reporting import ReportAccepted
from grantflow.domain.reversal import DecisionReversed, GrantReduced
from grantflow.projection import Pen, Projection, Row, Table

COLUMNS = {
    "case_id": "uuid",
    "call": "text NOT NULL",
    "recipient": "text NOT NULL",
    "recipient_name": "text NOT NULL",
    "granted_ore": "bigint NOT NULL",
    "granted_by": "text",
    "letter_at": "timestamptz",
    "account": "text",
    "account_by": "text",
    "account_at": "timestamptz",
    "attested_ore": "bigint NOT NULL",
    "attested_by": "text",
    "attested_at": "timestamptz",
    "account_changed_at": "timestamptz",
    "account_check": "text",
    "authorised_by": "text",
    "authorised_at": "timestamptz",
    "instalments": "bigint NOT NULL",
    "instalments_paid": "bigint NOT NULL",
    "paid_ore": "bigint NOT NULL",
    "paid_to": "text",
    "paid_at": "timestamptz",
    "bank_reference": "text",
    "unspent_ore": "bigint NOT NULL",
    "claimed_ore": "bigint NOT NULL",
    "repaid_ore": "bigint NOT NULL",
}

NO_PAYMENT = {
    "attested_ore": 0,
    "attested_by": None,
    "attested_at": None,
    "account_changed_at": None,
    "account_check": None,
    "authorised_by": None,
    "authorised_at": None,
}


def started(pen: Pen, entry: Entry) -> None:
    """A case that has not come to money yet."""
    event = entry.event
    if isinstance(event, ApplicationStarted):
        nothing = {name: 0 if kind.startswith("bigint") else None for name, kind in COLUMNS.items()}
        row = {
            "case_id": entry.originator_id,
            "call": event.call,
            "recipient": event.applicant.number,
            "recipient_name": event.applicant.name,
        }
        pen.put("payments", **{**nothing, **row})


def granted(pen: Pen, entry: Entry) -> None:
    """How much was granted, and by whom."""
    event = entry.event
    if isinstance(event, ApplicationGranted):
        _change(
            pen,
            entry,
            granted_ore=event.amount_ore,
            granted_by=event.stamp.person,
            instalments=len(event.instalments),
        )


def reversed_(pen: Pen, entry: Entry) -> None:
    """What is not granted any more, or not as much; its letter is still to come, and a payment under way falls."""
    event, row = entry.event, pen.get("payments", entry.originator_id)
    if row is not None and row["attested_at"] and not _returned(row):
        _change(pen, entry, **NO_PAYMENT)
    if isinstance(event, GrantReduced):
        _change(
            pen,
            entry,
            granted_ore=event.amount_ore,
            granted_by=event.stamp.person,
            instalments=len(event.instalments),
            letter_at=None,
        )
    elif isinstance(event, DecisionReversed):
        _change(pen, entry, granted_ore=0, granted_by=None, instalments=0, letter_at=None)


def _returned(row: Row) -> bool:
    """Whether the bank's return has come for what was last attested."""
    return row["paid_at"] is not None and row["paid_at"] >= row["attested_at"]


def letter(pen: Pen, entry: Entry) -> None:
    """Nothing is paid before the letter."""
    if isinstance(entry.event, LetterIssued) and entry.event.kind != REVERSAL:
        _change(pen, entry, letter_at=entry.event.stamp.recorded_at)


def account(pen: Pen, entry: Entry) -> None:
    """Where the money goes, and who said so."""
    event = entry.event
    if isinstance(event, AccountRegistered):
        stamp = event.stamp
        _change(pen, entry, account=event.account, account_by=stamp.person, account_at=stamp.recorded_at)


def attested(pen: Pen, entry: Entry) -> None:
    """The payment was checked against the letter."""
    event = entry.event
    if isinstance(event, PaymentAttested):
        stamp = event.stamp
        _change(
            pen,
            entry,
            attested_ore=event.amount_ore,
            attested_by=stamp.person,
            attested_at=stamp.recorded_at,
            account_changed_at=event.account_changed_at,
            account_check=event.account_check or None,
        )


def authorised(pen: Pen, entry: Entry) -> None:
    """The order went to the bank."""
    event = entry.event
    if isinstance(event, PaymentAuthorised):
        stamp = event.stamp
        _change(pen, entry, authorised_by=stamp.person, authorised_at=stamp.recorded_at)


def confirmed(pen: Pen, entry: Entry) -> None:
    """The bank paid."""
    event, row = entry.event, pen.get("payments", entry.originator_id)
    if isinstance(event, PaymentConfirmed) and row is not None:
        _change(
            pen,
            entry,
            bank_reference=event.bank_reference,
            instalments_paid=event.instalment,
            paid_ore=row["paid_ore"] + event.amount_ore,
            paid_to=event.account,
            paid_at=event.stamp.recorded_at,
        )


def corrected(pen: Pen, entry: Entry) -> None:
    """The bank's reference as it should have been written down."""
    event = entry.event
    if isinstance(event, FactCorrected) and event.entry == PaymentConfirmed.topic:
        row = pen.get("payments", entry.originator_id)
        if row is not None and row["bank_reference"] == event.before:
            _change(pen, entry, bank_reference=event.after)


def accepted(pen: Pen, entry: Entry) -> None:
    """The accounts say what was left unspent."""
    if isinstance(entry.event, ReportAccepted):
        _change(pen, entry, unspent_ore=entry.event.unspent_ore)


def claimed(pen: Pen, entry: Entry) -> None:
    """What is claimed back."""
    if isinstance(entry.event, RepaymentClaimed):
        _change(pen, entry, claimed_ore=entry.event.amount_ore)


def received(pen: Pen, entry: Entry) -> None:
    """What came back."""
    event = entry.event
    row = pen.get("payments", entry.originator_id)
    if isinstance(event, RepaymentReceived) and row is not None:
        _change(pen, entry, repaid_ore=row["repaid_ore"] + event.amount_ore)


def _change(pen: Pen, entry: Entry, **columns: object) -> None:
    pen.change("payments", entry.originator_id, **columns)


projection = Projection(
    name="payments",
    question="What was paid to whom, by whose hands, and what came back?",
    tables={
        "payments": Table(
            columns=COLUMNS, key=("case_id",), indexes=(("call",), ("recipient",), ("paid_at",))
        )
    },
    on={
        ApplicationStarted: started,
        ApplicationGranted: granted,
        LetterIssued: letter,
        AccountRegistered: account,
        PaymentAttested: attested,
        PaymentAuthorised: authorised,
        PaymentConfirmed: confirmed,
        FactCorrected: corrected,
        DecisionReversed: reversed_,
        GrantReduced: reversed_,
        ReportAccepted: accepted,
        RepaymentClaimed: claimed,
        RepaymentReceived: received,
    },
)
