"""Payments that differ from the letter in amount or account, went twice, or went to an account changed just before."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from grantflow.domain.money import kroner
from grantflow.domain.payment import AccountRegistered, PaymentAttested, PaymentConfirmed
from grantflow.question import Question, Row, row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from grantflow.domain.event import Entry
    from grantflow.domain.money import Ore
    from grantflow.history import CaseHistory, History, Moment

LATELY = timedelta(days=30)
"""An account that was changed so shortly before the money went is looked at twice."""


@dataclass
class Before:
    """What had happened in a case before a payment: the last change of its account, attestation, what was paid."""

    changed: Moment | None = None
    attested: Moment | None = None
    paid: dict[int, Entry] = field(default_factory=dict)

    def lately(self, at: datetime) -> Moment | None:
        """The change of account, if it was so shortly before."""
        return self.changed if self.changed and at - self.changed.at < LATELY else None

    @property
    def checked(self) -> str:
        """How a change of account was checked with the recipient, as the attestation says."""
        event = self.attested.event if self.attested else None
        return event.account_check if isinstance(event, PaymentAttested) else ""


def answer(history: History) -> Iterator[Row]:
    """A row a payment that is wrong, or went to an account changed lately: how that was checked stands there."""
    references: dict[str, list[Entry]] = defaultdict(list)
    for case in history.cases:
        known = Before()
        for moment in case.each(AccountRegistered, PaymentAttested, PaymentConfirmed):
            event = moment.event
            if isinstance(event, AccountRegistered):
                known.changed = moment if event.previous else known.changed
            elif isinstance(event, PaymentAttested):
                known.attested = moment
            elif isinstance(event, PaymentConfirmed):
                same = references[event.bank_reference]
                breaches = [*_wrong(moment, event), *_twice(moment, event, known, same)]
                if breaches or known.lately(moment.at):
                    yield _row(case, moment, known, same, "; ".join(breaches))
                known.paid.setdefault(event.instalment, moment.entry)
                same.append(moment.entry)


def _due(moment: Moment, event: PaymentConfirmed) -> Ore:
    """What the letter grants in this instalment; nothing where it grants none."""
    decision = moment.before.decision
    if decision is None or not moment.before.letter or not 0 < event.instalment <= len(decision.instalments):
        return 0
    return decision.instalments[event.instalment - 1].amount_ore


def _wrong(moment: Moment, event: PaymentConfirmed) -> Iterator[str]:
    due, case = _due(moment, event), moment.before
    if event.amount_ore != due:
        yield f"the letter grants {kroner(due)}"
    if event.account != case.account:
        yield "another account than the one registered"
    if case.payment and (event.amount_ore, event.account) != (case.payment.amount_ore, case.payment.account):
        yield "another amount or account than was attested"
    granted = case.decision.amount_ore if case.decision else 0
    if case.paid_ore + event.amount_ore > granted:
        yield f"{kroner(case.paid_ore + event.amount_ore)} in all, of {kroner(granted)} granted"


def _twice(moment: Moment, event: PaymentConfirmed, known: Before, same: list[Entry]) -> Iterator[str]:
    if event.instalment in known.paid:
        yield f"instalment {event.instalment} was paid already"
    if same:
        yield "the bank's reference was used already"
    if known.lately(moment.at) and not known.checked:
        yield "the account was changed lately, and nobody says how that was checked"


def _row(case: CaseHistory, moment: Moment, known: Before, same: list[Entry], breach: str) -> Row:
    event, lately = moment.event, known.lately(moment.at)
    assert isinstance(event, PaymentConfirmed)  # noqa: S101 - asked above
    earlier = [*same, *(entry for number, entry in known.paid.items() if number == event.instalment)]
    steps = [one.entry for one in (lately, known.attested, moment) if one]
    return row(
        case,
        {entry.id: entry for entry in [*earlier, *steps]}.values(),
        instalment=event.instalment,
        at=moment.at.isoformat(),
        granted=kroner(_due(moment, event)),
        paid=kroner(event.amount_ore),
        account=event.account,
        bank_reference=event.bank_reference,
        account_changed_at=lately.at.isoformat() if lately else "",
        account_changed_by=lately.event.stamp.person if lately else "",
        account_check=known.checked if lately else "",
        breach=breach,
    )


question = Question(
    number=11,
    name="paid-wrong",
    asks="Was anything paid other than by the letter, twice, or to an account changed within 30 days, by whom?",
    law="bestemmelser om økonomistyring 3.7.3.3, 6.3.8.1; the call, on payment (R23)",
    columns=(
        "case",
        "applicant",
        "instalment",
        "at",
        "granted",
        "paid",
        "account",
        "bank_reference",
        "account_changed_at",
        "account_changed_by",
        "account_check",
        "breach",
    ),
    answer=answer,
)
