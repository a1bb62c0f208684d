"""Deadlines to the instant: a date lasts to its end in Oslo, and is not rolled to a working day (L24)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from given import DEADLINE, REPORT_DEADLINE, Given, Step
from reports import report_of, signed
from steps import approved, call_2023, countersign, drafted, paid, submit, submitted

from grantflow.domain.call import CALL, Call
from grantflow.domain.errors import NothingDue, PastDeadline
from grantflow.domain.followup import DeadlineExtended, MarkedOverdue
from grantflow.domain.reporting import AccountsCountersigned
from grantflow.domain.submission import ApplicationLapsed, ApplicationSubmitted, ReceiptIssued

MICROSECOND = timedelta(microseconds=1)


def iso(text: str) -> datetime:
    return datetime.fromisoformat(text)


def ready() -> Given:
    return Given(call_2023(), *drafted(), approved())


def due_on(day: str, extra: str = "") -> Call:
    """The call with another last day to apply."""
    files = call_2023().files
    assert files[CALL].count("date = 2023-08-28\n") == 1
    return Call.read({**files, CALL: files[CALL].replace("date = 2023-08-28\n", f"date = {day}\n{extra}")})


@pytest.mark.parametrize(
    "at",
    ["2023-08-28T21:59:59.999999Z", "2023-08-28T23:59:59.999999+02:00", "2023-08-28T20:59:59.999999-01:00"],
)
def test_l24_an_application_is_in_time_to_the_last_microsecond_of_28_august_in_oslo(at: str) -> None:
    ready().when(submit().when(iso(at))).then(ApplicationSubmitted, ReceiptIssued)


@pytest.mark.parametrize(
    "at",
    ["2023-08-28T22:00:00Z", "2023-08-29T00:00:00+02:00", "2023-08-28T23:59:59Z", "2023-08-29T00:00:00Z"],
)
def test_l24_an_application_is_late_from_the_first_instant_of_29_august_in_oslo(at: str) -> None:
    ready().when(submit().when(iso(at))).refused(PastDeadline)


@pytest.mark.parametrize(
    ("at", "days"),
    [
        ("2024-02-01T22:59:59.999999Z", 0),
        ("2024-02-01T23:00:00Z", 1),
        ("2024-02-02T00:00:00+01:00", 1),
        ("2024-02-02T00:00:00Z", 1),
        ("2024-02-02T22:59:59.999999Z", 1),
        ("2024-02-02T23:00:00Z", 2),
    ],
)
def test_l24_a_report_is_received_however_late_and_its_days_are_counted_in_oslo(at: str, days: int) -> None:
    given, digest = signed()
    given.when(countersign(digest).when(iso(at))).then(AccountsCountersigned)
    assert report_of(given).days_late == days


def test_l24_a_draft_lapses_and_a_report_is_overdue_at_the_first_late_instant_and_not_before() -> None:
    lapse = Step("lapse", {"deadline": "application"}, role="clock", person="clock")
    ready().when(lapse.when(DEADLINE - MICROSECOND)).refused(NothingDue)
    ready().when(lapse.when(DEADLINE)).then(ApplicationLapsed)
    overdue = Step("mark-overdue", {"deadline": "report"}, role="clock", person="clock")
    given = Given(call_2023(), *paid())
    given.when(overdue.when(REPORT_DEADLINE - MICROSECOND)).refused(NothingDue)
    given.when(overdue.when(REPORT_DEADLINE)).then(MarkedOverdue)


def test_l24_what_the_clock_does_late_says_when_it_was_due_and_when_it_was_done() -> None:
    late = DEADLINE + timedelta(days=3, hours=5)
    given = ready()
    given.when(Step("lapse", {"deadline": "application"}, role="clock", person="clock", at=late)).then(
        ApplicationLapsed
    )
    event = given.events[-1]
    assert isinstance(event, ApplicationLapsed)
    assert (event.due_at, event.stamp.recorded_at) == (DEADLINE, late)


@pytest.mark.parametrize(
    ("day", "limit"),
    [
        ("2023-08-26", "2023-08-26T22:00:00Z"),  # a Saturday
        ("2023-08-27", "2023-08-27T22:00:00Z"),  # a Sunday
        ("2023-05-17", "2023-05-17T22:00:00Z"),  # a holiday
        ("2023-12-31", "2023-12-31T23:00:00Z"),  # winter, and the year ends with it
        ("2023-03-26", "2023-03-26T22:00:00Z"),  # the day has 23 hours
        ("2023-10-29", "2023-10-29T23:00:00Z"),  # the day has 25
    ],
)
def test_l24_a_date_ends_with_its_own_day_and_is_not_rolled_to_a_working_day(day: str, limit: str) -> None:
    assert due_on(day).limit("application") == iso(limit)


def test_l24_a_call_may_name_a_time_of_day_and_then_that_instant_is_too_late() -> None:
    call = due_on("2023-08-28", "time = 12:00:00\n")
    noon = datetime(2023, 8, 28, 10, 0, tzinfo=UTC)
    Given(call, *drafted(), approved()).when(submit().when(noon)).refused(PastDeadline)
    Given(call, *drafted(), approved()).when(submit().when(noon - MICROSECOND)).then(
        ApplicationSubmitted, ReceiptIssued
    )


def test_l24_that_a_date_means_the_end_of_its_day_is_a_recorded_assumption_of_the_call() -> None:
    settled = {one.id: one.settled for one in call_2023().assumptions}
    assert "29 August 2023 00:00 +02:00 is the first instant that is too late" in settled["end-of-day"]
    assert {"unit-of-the-frame", "several-applications", "what-the-deadline-binds"} <= set(settled)


@pytest.mark.parametrize(("at", "afterwards"), [(DEADLINE - MICROSECOND, False), (DEADLINE, True)])
def test_l24_more_time_says_whether_it_was_given_after_the_fact(at: datetime, *, afterwards: bool) -> None:
    more = {"deadline": "application", "until": "2023-08-31", "reason": "Portalen var nede."}
    given = ready()
    given.when(Step("extend-deadline", more, role="case-officer").when(at)).then(DeadlineExtended)
    event = given.events[-1]
    assert isinstance(event, DeadlineExtended)
    assert (event.after_the_fact, event.until) == (afterwards, date(2023, 8, 31))
    new = datetime(2023, 8, 31, 22, 0, tzinfo=UTC)
    given.when(submit().when(new)).refused(PastDeadline)
    given.when(submit().when(new - MICROSECOND)).then(ApplicationSubmitted, ReceiptIssued)


def test_l24_what_is_submitted_in_time_is_handled_long_after_the_deadline() -> None:
    given = Given(call_2023(), *submitted())
    lapse = Step("lapse", {"deadline": "application"}, role="clock", person="clock", at=DEADLINE)
    assert given.when(lapse).refusal is not None
