"""Frame, early and wrong payments: planted, and found where they are."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from asked import asked, breach, breaches, event_of, found
from gathered import added, changed, clean_year, dropped, gathered, planted, stamped, the
from given import DEADLINE, Given, Step
from steps import (
    ACCOUNT,
    GRANTED,
    assessed,
    attest,
    authorise,
    call_2023,
    confirm,
    declared,
    grant,
    letter,
    paid,
)

from grantflow.domain.calendar import start_of_day
from grantflow.domain.conditions import ConditionMet
from grantflow.domain.frame import FrameCommitted
from grantflow.domain.letters import LetterIssued
from grantflow.domain.payment import AccountRegistered, PaymentAttested, PaymentAuthorised, PaymentConfirmed
from grantflow.domain.repayment import RepaymentReceived
from grantflow.domain.submission import ApplicationSubmitted

if TYPE_CHECKING:
    from grantflow.domain.event import Entry, Event

FIRST, SECOND = (f"{call_2023().id}-000{number}" for number in (1, 2))
OTHER_ACCOUNT = "86011117947"
STEPS = (PaymentAttested, PaymentAuthorised, PaymentConfirmed)


def test_frame_adds_up_at_every_event_and_letter_by_letter() -> None:
    rows = asked("frame", clean_year())
    assert [found(row, "what", "committed", "left") for row in rows[:3]] == [
        ("frame-opened", "0.00", "7900000.00"),
        ("frame-committed", "800000.00", "7100000.00"),
        ("frame-committed", "1600000.00", "6300000.00"),
    ]
    columns = ("what", "case", "letter", "payments", "outstanding", "returned")
    assert [found(row, *columns) for row in rows[3:]] == [
        ("letter", FIRST, "800000.00", "800000.00", "0.00", "0.00"),
        ("letter", SECOND, "800000.00", "800000.00", "0.00", "0.00"),
        ("all letters", "", "1600000.00", "1600000.00", "0.00", "0.00"),
    ]


def test_frame_finds_the_event_that_exceeded_it() -> None:
    history = planted(clean_year(), changed(FrameCommitted, nth=1, amount_ore=call_2023().frame))
    over, held = breaches("frame", history)
    assert found(over, "case", "committed") == (SECOND, "8700000.00")
    assert over.found["breach"].startswith("exceeded by 800000.00; it says 1600000.00 committed")
    assert over.events == (event_of(history, FrameCommitted, 1),)
    assert held.found["breach"] == "800000.00 is granted, and 7900000.00 committed"


def test_frame_finds_a_letter_that_the_payments_do_not_add_up_to() -> None:
    history = planted(clean_year(), changed(PaymentConfirmed, amount_ore=790_000_00))
    one, all_of_them = breaches("frame", history)
    assert found(one, "case", "breach") == (FIRST, "800000.00 promised, 790000.00 accounted for")
    assert one.events == (event_of(history, LetterIssued), event_of(history, PaymentConfirmed))
    assert all_of_them.found["breach"] == "1600000.00 promised, 1590000.00 accounted for"


def test_frame_tells_what_is_outstanding_and_finds_more_returned_than_was_paid() -> None:
    instalments = [{"amount": "300000.00"}, {"amount": "500000.00"}]
    steps = [
        step if step.name != "attest-payment" else attest("300000.00")
        for step in paid(instalments=instalments)
    ]
    history = gathered(call_2023(), Given(call_2023(), *steps))
    (row,) = (row for row in asked("frame", history) if row.found["what"] == "letter")
    assert found(row, "letter", "payments", "outstanding", "breach") == (
        "800000.00",
        "300000.00",
        "500000.00",
        "",
    )
    back = planted(history, added(PaymentConfirmed, came_back))
    assert breach("frame", back).found["breach"] == "more has come back than was paid"


def came_back(entry: Entry) -> RepaymentReceived:
    stamp = stamped(entry.event, step="record-repayment").stamp
    return RepaymentReceived(amount_ore=400_000_00, outstanding_ore=0, bank_reference="BANK-9", stamp=stamp)


@pytest.mark.parametrize(
    ("kind", "before", "steps"),
    [
        (LetterIssued, "the letter", STEPS),
        (PaymentAttested, "attestation", STEPS[1:]),
        (PaymentAuthorised, "authorisation", STEPS[2:]),
        (AccountRegistered, "the recipient's account", STEPS),
    ],
)
def test_paid_too_early_finds_what_the_payment_did_not_wait_for(
    kind: type[Event], before: str, steps: tuple[type[Event], ...]
) -> None:
    history = planted(clean_year(), dropped(kind))
    found_early = {row.found["before"]: row for row in breaches("paid-too-early", history)}
    row = found_early[before]
    assert row.found["case"] == FIRST
    assert row.events == tuple(event_of(history, step) for step in steps)


def test_paid_too_early_finds_money_that_went_before_the_deadline() -> None:
    early = DEADLINE - timedelta(microseconds=1)
    history = planted(clean_year(), changed(PaymentConfirmed, stamp={"recorded_at": early}))
    row = breach("paid-too-early", history)
    assert found(row, "case", "before", "steps") == (
        FIRST,
        f"the application deadline ({DEADLINE.isoformat()})",
        ["confirm-payment"],
    )


def conditional() -> tuple[Step, ...]:
    """A grant of which the only instalment has a day, and waits for a condition that blocks."""
    plan = [{"amount": GRANTED, "due": "2023-09-10", "condition": "plan"}]
    conditions = [{"id": "plan", "text": "Vis planen.", "due": "2023-09-15", "blocking": True}]
    met = Step("accept-condition", {"condition": "plan", "evidence": "Planen."}, role="case-officer")
    decided = (declared("decider"), grant(conditions=conditions, instalments=plan), letter(), met)
    day = attest().when(start_of_day(date(2023, 9, 10)))
    return *assessed(), *decided, declared("attestant"), day, declared("payer"), authorise(), confirm()


def test_paid_too_early_finds_a_condition_that_blocked_and_a_day_that_had_not_come() -> None:
    history = gathered(call_2023(), Given(call_2023(), *conditional()))
    assert breaches("paid-too-early", history) == []
    open_yet = planted(history, dropped(ConditionMet))
    assert breach("paid-too-early", open_yet).found["before"] == "the condition plan"
    day_before = the(history.entries, PaymentAttested).event.stamp.recorded_at - timedelta(seconds=1)
    row = breach(
        "paid-too-early", planted(history, changed(PaymentAttested, stamp={"recorded_at": day_before}))
    )
    assert found(row, "before", "steps") == ("the instalment's day (2023-09-10)", ["attest-payment"])


def test_paid_too_early_finds_a_measure_without_its_exemption() -> None:
    history = gathered(call_2023(), Given(call_2023(), *paid()))
    early = planted(history, changed(ApplicationSubmitted, exemption_needed=True))
    assert breach("paid-too-early", early).found["before"] == "the ministry's exemption"


def test_paid_wrong_finds_another_amount_and_another_account() -> None:
    history = planted(
        clean_year(), changed(PaymentConfirmed, nth=1, amount_ore=900_000_00, account=OTHER_ACCOUNT)
    )
    row = breach("paid-wrong", history)
    assert found(row, "case", "granted", "paid", "account") == (
        SECOND,
        "800000.00",
        "900000.00",
        OTHER_ACCOUNT,
    )
    assert row.found["breach"].split("; ") == [
        "the letter grants 800000.00",
        "another account than the one registered",
        "another amount or account than was attested",
        "900000.00 in all, of 800000.00 granted",
    ]
    assert row.events == (event_of(history, PaymentAttested, 1), event_of(history, PaymentConfirmed, 1))


def test_paid_wrong_finds_what_was_paid_twice() -> None:
    history = planted(clean_year(), added(PaymentConfirmed, lambda entry: entry.event))
    row = breach("paid-wrong", history)
    assert "instalment 1 was paid already; the bank's reference was used already" in row.found["breach"]
    paid_both = (event_of(history, PaymentConfirmed), event_of(history, PaymentConfirmed, 1))
    assert row.events == (paid_both[0], event_of(history, PaymentAttested), paid_both[1])


def test_paid_wrong_finds_an_account_that_was_changed_just_before_and_not_checked() -> None:
    history = planted(clean_year(), changed(AccountRegistered, previous=OTHER_ACCOUNT))
    row = breach("paid-wrong", history)
    assert found(row, "case", "account", "account_changed_by", "breach") == (
        FIRST,
        ACCOUNT,
        "imdi-case-officer",
        "the account was changed lately, and nobody says how that was checked",
    )
    assert row.events[0] == event_of(history, AccountRegistered)
    checked = planted(history, changed(PaymentAttested, account_check="Ringt opp."))
    assert breaches("paid-wrong", checked) == []
    assert [row.found["account_check"] for row in asked("paid-wrong", checked)] == ["Ringt opp."]
