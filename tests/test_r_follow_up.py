"""The report's deadline: reminders before it, days late, marks and follow-ups after it, more time (R24)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from given import REPORT_DEADLINE, Given, Step
from reports import report_of, reported, signed
from steps import call_2023, countersign, paid, report, sign

from grantflow.domain.call import CALL, Call
from grantflow.domain.errors import (
    NothingDue,
    RoleNotAllowed,
    StepNotAllowed,
)
from grantflow.domain.followup import DeadlineExtended, MarkedOverdue, OverdueFollowedUp, ReminderSent
from grantflow.domain.reporting import (
    AccountsCountersigned,
)

DEADLINE = call_2023().deadlines["report"]
DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)


def by_the_clock(step: str, at: datetime, **data: str) -> Step:
    return Step(step, {"deadline": "report", **data}, role="clock", person="clock", at=at)


def reminder(due: datetime, at: datetime | None = None) -> Step:
    return by_the_clock("remind", at or due, due_at=due.isoformat())


def overdue(at: datetime = REPORT_DEADLINE) -> Step:
    return by_the_clock("mark-overdue", at)


def followed_up(due: datetime) -> Step:
    return by_the_clock("follow-up", due, due_at=due.isoformat())


def test_r24_the_report_is_due_at_the_end_of_1_february_2024_in_oslo() -> None:
    assert REPORT_DEADLINE == datetime(2024, 2, 1, 23, 0, tzinfo=UTC) == call_2023().limit("report")


@pytest.mark.parametrize(
    ("at", "days"),
    [
        (REPORT_DEADLINE - MICROSECOND, 0),
        (REPORT_DEADLINE, 1),
        (REPORT_DEADLINE + DAY - MICROSECOND, 1),
        (REPORT_DEADLINE + DAY, 2),
        (REPORT_DEADLINE + 18 * DAY, 19),
        (datetime.fromisoformat("2024-04-02T00:30:00+02:00"), 61),
    ],
)
def test_r24_what_is_delivered_late_is_received_with_the_days_it_is_late(at: datetime, days: int) -> None:
    given, digest = signed()
    outcome = given.when(countersign(digest).when(at))
    outcome.then(AccountsCountersigned)
    event = outcome.events[0]
    assert isinstance(event, AccountsCountersigned)
    assert (event.days_late, event.due_at) == (days, REPORT_DEADLINE)
    assert report_of(given).days_late == days


def test_r24_a_call_without_a_report_deadline_has_no_late_reports() -> None:
    call = call_2023()
    undated = call.files[CALL].replace('steps = ["countersign-accounts"]', "steps = []")
    given = Given(Call.read({**call.files, CALL: undated}), *paid(), report())
    digest = report_of(given).digest
    given = given.and_then(sign(digest), countersign(digest).when(REPORT_DEADLINE))
    assert report_of(given).days_late == 0


def test_r24_reminders_come_thirty_seven_and_one_day_before_at_nine_in_oslo() -> None:
    nine_in_winter = [datetime(2024, 1, day, 8, 0, tzinfo=UTC) for day in (2, 25, 31)]
    nine_in_summer = [datetime(2023, 8, day, 7, 0, tzinfo=UTC) for day in (21, 27)]
    assert list(DEADLINE.reminders) == nine_in_winter
    assert list(call_2023().deadlines["application"].reminders) == nine_in_summer


def test_r24_each_reminder_is_sent_once_at_its_time() -> None:
    given = Given(call_2023(), *paid())
    for due in DEADLINE.reminders:
        given.when(reminder(due, due - MICROSECOND)).refused(NothingDue)
        given.when(reminder(due)).then(ReminderSent)
        given.when(reminder(due)).refused(NothingDue)


def test_r24_no_reminder_comes_at_another_time_or_when_the_deadline_has_passed() -> None:
    given = Given(call_2023(), *paid())
    given.when(reminder(DEADLINE.reminders[0] + DAY)).refused(NothingDue)
    given.when(reminder(DEADLINE.reminders[-1], REPORT_DEADLINE)).refused(NothingDue)


def test_r24_whoever_has_reported_is_not_reminded_or_marked() -> None:
    given = reported()
    given.when(reminder(DEADLINE.reminders[-1])).refused(StepNotAllowed)
    given.when(overdue()).refused(StepNotAllowed)


def test_r24_an_unsigned_report_is_not_delivered_and_becomes_overdue() -> None:
    given, digest = signed()
    given.when(overdue(REPORT_DEADLINE - MICROSECOND)).refused(NothingDue)
    assert given.when(overdue()).then(MarkedOverdue).overdue == {"report": REPORT_DEADLINE}
    given.when(overdue()).refused(NothingDue)
    given.when(countersign(digest)).then(AccountsCountersigned)


def test_r24_what_is_overdue_is_followed_up_once_at_each_declared_instant() -> None:
    given = Given(call_2023(), *paid())
    first, second = DEADLINE.follow_ups
    assert [day.date() for day in (first, second)] == [date(2024, 2, 15), date(2024, 3, 2)]
    given.when(followed_up(first)).refused(NothingDue)
    given.when(overdue()).then(MarkedOverdue)
    given.when(by_the_clock("follow-up", first - MICROSECOND, due_at=first.isoformat())).refused(NothingDue)
    for due in (first, second):
        given.when(followed_up(due)).then(OverdueFollowedUp)
        given.when(followed_up(due)).refused(NothingDue)
    given.when(followed_up(second + DAY)).refused(NothingDue)


def test_r24_reminders_and_follow_ups_move_with_a_cases_own_limit() -> None:
    more = {"deadline": "report", "until": "2024-04-15", "reason": "Regnskapsføreren er syk."}
    given = Given(call_2023(), *paid(), Step("extend-deadline", more, role="decider"))
    given.when(reminder(DEADLINE.reminders[1])).refused(NothingDue)
    given.when(reminder(datetime(2024, 4, 8, 7, 0, tzinfo=UTC))).then(ReminderSent)
    given.when(overdue(datetime(2024, 4, 15, 22, 0, tzinfo=UTC))).then(MarkedOverdue)
    given.when(by_the_clock("follow-up", given.now, due_at=DEADLINE.follow_ups[0].isoformat())).refused(
        NothingDue
    )
    given.when(followed_up(datetime(2024, 4, 29, 7, 0, tzinfo=UTC))).then(OverdueFollowedUp)


def test_r24_an_application_is_not_overdue_but_lapses() -> None:
    step = by_the_clock("mark-overdue", REPORT_DEADLINE)
    Given(call_2023(), *paid()).when(step.saying(deadline="application")).refused(NothingDue)


@pytest.mark.parametrize("role", ["applicant", "case-officer"])
def test_r24_only_the_clock_reminds_marks_and_follows_up(role: str) -> None:
    for step in (reminder(DEADLINE.reminders[0]), overdue(), followed_up(DEADLINE.follow_ups[0])):
        Given(call_2023(), *paid()).when(step.by("p", role)).refused(RoleNotAllowed)


def test_r24_more_time_to_report_lifts_the_mark_until_the_new_deadline() -> None:
    more = {"deadline": "report", "until": "2024-02-20", "reason": "Regnskapsføreren er syk."}
    given = Given(call_2023(), *paid(), overdue())
    case = given.when(Step("extend-deadline", more, role="decider")).then(DeadlineExtended)
    assert case.overdue == {}
    new = datetime(2024, 2, 20, 23, 0, tzinfo=UTC)
    given.when(overdue(new - MICROSECOND)).refused(NothingDue)
    given.and_then(report().when(new - DAY), overdue(new))
    late = given.and_then(report().when(new - 2 * DAY))
    late = late.and_then(sign(report_of(late).digest))
    late.when(countersign(report_of(late).digest).when(new)).then(AccountsCountersigned)
    assert report_of(late).days_late == 1
