"""Questions 21 and 25: how long everybody waited, and what the clock did by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from asked import asked, breach, event_of, found
from gathered import added, changed, clean_year, dropped, gathered, numbered, planted, stamped
from given import DEADLINE, REPORT_DEADLINE, Given, Step
from steps import (
    AFTER_DEADLINE,
    assessed,
    attest,
    authorise,
    call_2023,
    declared,
    drafted,
    grant,
    granted,
    letter,
    paid,
    submitted,
)

from grantflow.domain.decision import ApplicationGranted
from grantflow.domain.followup import MarkedOverdue, ReminderSent
from grantflow.domain.letters import LetterIssued
from grantflow.domain.payment import AccountRegistered, PaymentConfirmed
from grantflow.domain.submission import ApplicationLapsed, ApplicationSubmitted, ReceiptIssued
from grantflow.history import gather

if TYPE_CHECKING:
    from grantflow.history import History

TERMS = call_2023().deadlines["report"]
MICROSECOND = timedelta(microseconds=1)


def test_the_days_from_receipt_to_payment_are_told() -> None:
    first, _, rejected = asked("times", clean_year())
    assert found(first, "received", "answered", "decided", "letter", "paid") == (
        "2023-08-14T16:00:00+00:00",
        "2023-08-14T16:00:00+00:00",
        "2023-09-04T17:00:00+00:00",
        "2023-09-04T18:00:00+00:00",
        "2023-09-04T23:00:00+00:00",
    )
    assert found(first, "days_to_answer", "days_to_decision", "days_to_letter", "days_to_payment") == (
        0,
        21,
        0,
        0,
    )
    assert found(first, "waits_for", "breach") == ("", "")
    assert found(rejected, "paid", "days_to_payment", "days_in_all", "breach") == (None, None, 21, "")
    kinds = (ApplicationSubmitted, ReceiptIssued, ApplicationGranted, LetterIssued, PaymentConfirmed)
    assert first.events == tuple(event_of(clean_year(), kind) for kind in kinds)


def test_over_a_month_without_an_answer_is_found() -> None:
    later = AFTER_DEADLINE + timedelta(days=20)
    given = Given(call_2023(), *submitted(), declared().when(later))
    row = breach("times", planted(gathered(call_2023(), given), dropped(ReceiptIssued)))
    assert found(row, "answered", "breach") == (None, "no answer by 2023-09-14")


@pytest.mark.parametrize(("received", "limit", "by"), [
    ("2023-08-31T10:00+02:00", "2023-10-01T00:00+02:00", "2023-09-30"),
    ("2023-12-31T10:00+01:00", "2024-02-01T00:00+01:00", "2024-01-31"),
    ("2024-01-30T10:00+01:00", "2024-03-01T00:00+01:00", "2024-02-29"),
    ("2023-12-01T00:30+01:00", "2024-01-02T00:00+01:00", "2024-01-01"),
])  # fmt: skip
def test_a_month_is_over_at_the_end_of_the_same_day_of_the_next_in_oslo(
    received: str, limit: str, by: str
) -> None:
    came, passed = (datetime.fromisoformat(one).astimezone(UTC) for one in (received, limit))
    history = planted(
        gathered(call_2023(), Given(call_2023(), *submitted())),
        dropped(ReceiptIssued),
        changed(ApplicationSubmitted, stamp={"recorded_at": came}),
    )
    assert breach("times", gather(history.entries, at=passed)).found["breach"] == f"no answer by {by}"
    (row,) = asked("times", gather(history.entries, at=passed - MICROSECOND))
    assert row.found["breach"] == ""


@pytest.mark.parametrize(
    ("steps", "waits_for"),
    [
        ((*granted(),), "the letter is not issued"),
        ((*granted(), letter()), "it is not attested"),
        ((*granted(), letter(), declared("attestant"), attest()), "it is not authorised"),
        (
            (*granted(), letter(), declared("attestant"), attest(), declared("payer"), authorise()),
            "the bank's return has not come",
        ),
    ],
)
def test_what_is_granted_and_unpaid_says_what_it_waits_for(steps: tuple[Step, ...], waits_for: str) -> None:
    row = breach("times", gathered(call_2023(), Given(call_2023(), *steps)))
    assert found(row, "waits_for", "breach") == (waits_for, f"unpaid 0 days after the decision: {waits_for}")


def test_a_grant_without_an_account_waits_for_that() -> None:
    given = Given(call_2023(), *granted(), letter())
    row = breach("times", planted(gathered(call_2023(), given), dropped(AccountRegistered)))
    assert row.found["waits_for"] == "no account is registered"


@pytest.mark.parametrize(
    ("data", "waits_for"),
    [
        (
            {"instalments": [{"amount": "800000.00", "due": "2023-11-01"}]},
            "the instalment is paid from 2023-11-01",
        ),
        (
            {"conditions": [{"id": "plan", "text": "En plan.", "due": "2023-10-01", "blocking": True}]},
            "the condition plan",
        ),
    ],
)
def test_waiting_for_a_day_or_for_the_recipient_is_no_breach(data: dict[str, Any], waits_for: str) -> None:
    history = gathered(
        call_2023(), Given(call_2023(), *assessed(), declared("decider"), grant(**data), letter())
    )
    (row,) = asked("times", history)
    assert found(row, "waits_for", "breach") == (waits_for, "")


def test_what_the_clock_did_is_told_with_when_it_was_due_and_by_which_definition() -> None:
    (row,) = asked("machine-acts", clean_year())
    assert found(row, "did", "deadline", "due", "done", "seconds_late", "source", "breach") == (
        "lapse", "application", DEADLINE.isoformat(), DEADLINE.isoformat(), 0, "Søknadsfrist (R4)", "",
    )  # fmt: skip
    assert row.found["definition"] == call_2023().digest
    assert row.events == (event_of(clean_year(), ApplicationLapsed),)


def by_the_clock(step: str, at: datetime, **data: str) -> Step:
    return Step(step, {"deadline": "report", **data}, role="clock", person="clock", at=at)


def followed() -> History:
    """A case of which the clock reminded, marked it overdue, and asked again, an hour late each time."""
    hour = timedelta(hours=1)
    reminder, again = TERMS.reminders[0], TERMS.follow_ups[0]
    given = Given(
        call_2023(),
        *paid(),
        by_the_clock("remind", reminder + hour, due_at=reminder.isoformat()),
        by_the_clock("mark-overdue", REPORT_DEADLINE + hour),
        by_the_clock("follow-up", again + hour, due_at=again.isoformat()),
    )
    return gathered(call_2023(), given)


def test_what_the_clock_did_late_says_how_late() -> None:
    rows = asked("machine-acts", followed())
    assert [found(row, "did", "seconds_late", "breach") for row in rows] == [
        ("remind", 3600, ""),
        ("mark-overdue", 3600, ""),
        ("follow-up", 3600, ""),
    ]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            changed(MarkedOverdue, stamp={"recorded_at": REPORT_DEADLINE - MICROSECOND}),
            "done before it was due",
        ),
        (
            changed(MarkedOverdue, due_at=REPORT_DEADLINE - MICROSECOND),
            f"by the definition it was due {REPORT_DEADLINE.isoformat()}",
        ),
        (changed(MarkedOverdue, deadline="nonsense"), "the definition has no such deadline"),
        (
            changed(ReminderSent, stamp={"recorded_at": REPORT_DEADLINE}),
            "reminded of a deadline that had passed",
        ),
        (changed(MarkedOverdue, stamp={"role": "case-officer"}), "the clock's act, done as case-officer"),
        (changed(ApplicationGranted, stamp={"role": "clock"}), "grant is no act of the clock's"),
    ],
)
def test_what_was_not_the_clocks_to_do_is_found(change: Any, text: str) -> None:
    row = breach("machine-acts", planted(followed(), change))
    assert text in row.found["breach"]


def test_an_application_that_lapsed_though_it_was_submitted_is_found() -> None:
    lapse = Step("lapse", {"deadline": "application"}, role="clock", person="clock", at=DEADLINE)
    draft = gathered(call_2023(), Given(call_2023(), *drafted(), lapse))
    submission = next(
        one.event for one in clean_year().entries if isinstance(one.event, ApplicationSubmitted)
    )
    history = planted(draft, _before_the_lapse(submission))
    assert breach("machine-acts", history).found["breach"] == "lapsed though it was submitted"


def _before_the_lapse(submission: ApplicationSubmitted) -> Any:
    def change(entries: Any) -> Any:
        *before, lapsed = added(ApplicationLapsed, lambda _: submission)(list(entries))
        *earlier, last = before
        early = stamped(lapsed.event, recorded_at=DEADLINE - timedelta(days=1))
        return numbered([*earlier, type(lapsed)(lapsed.originator_id, 0, early), last])

    return change
