"""Which reports were due, came, came late or never came, and who was reminded when."""

from collections.abc import Iterator
from datetime import datetime

from grantflow.domain.calendar import oslo_date
from grantflow.domain.call import Call
from grantflow.domain.event import Entry
from grantflow.domain.followup import DeadlineExtended, MarkedOverdue, OverdueFollowedUp, ReminderSent
from grantflow.domain.payment import PaymentConfirmed
from grantflow.domain.reporting import AccountsCountersigned, ReportAccepted, ReportReturned
from grantflow.history import CaseHistory, History
from grantflow.question import Question, Row, row

DELIVERED_BY = "countersign-accounts"
"""With the second signature the report is delivered (R27)."""


def answer(history: History) -> Iterator[Row]:
    """Each case in which money was paid, under a call that asks for a report by some day."""
    end = history.end
    for case in history.cases:
        call, paid = history.call_of(case.case), case.first(PaymentConfirmed)
        if paid is not None and call.deadlines_of(DELIVERED_BY):
            yield _row(history, case, call, end)


def _row(history: History, case: CaseHistory, call: Call, end: datetime) -> Row:
    deadlines = {one.id for one in call.deadlines_of(DELIVERED_BY)}
    about = [
        moment.entry
        for moment in case.each(DeadlineExtended, MarkedOverdue, OverdueFollowedUp, ReminderSent)
        if getattr(moment.event, "deadline", "") in deadlines
    ]
    received, last = case.first(AccountsCountersigned), case.last(AccountsCountersigned)
    then = received.before if received else case.case
    due = max(then.limit(deadline, call) for deadline in deadlines)
    returned, accepted = list(case.each(ReportReturned)), case.last(ReportAccepted)
    open_again = bool(returned) and (last is None or last.at < returned[-1].at)
    reminders = _told(case, about, ReminderSent)
    days = _days_late(received.at if received else end, due)
    status = _status(received.at if received else None, due, end)
    wrong = {
        "the report is missing": status == "missing",
        f"the report came {_in_days(days)} late": status == "late",
        "returned, and not delivered again": open_again and end >= due,
        "no reminder was sent": status in ("missing", "late") and not reminders,
        f"recorded as {_in_days(_recorded(received))} late": received is not None
        and _recorded(received) != days,
    }
    events = [case.first(PaymentConfirmed), received, *returned, last, accepted]
    found = {moment.entry.id: moment.entry for moment in events if moment} | {one.id: one for one in about}
    told, by_whom = _notices(history, case, {one.id for one in about}, deadlines)
    return row(
        case,
        [*sorted(found.values(), key=lambda entry: entry.originator_version), *by_whom],
        due=due.isoformat(),
        extended=due != max(call.limit(deadline) for deadline in deadlines),
        received=received.at.isoformat() if received else None,
        status=status,
        days_late=days,
        missing_at_deadline=end >= due and (received is None or received.at >= due),
        marked_overdue=_first(about, MarkedOverdue),
        reminders=reminders,
        follow_ups=_told(case, about, OverdueFollowedUp),
        notices=told,
        returned=len(returned),
        accepted=accepted.at.isoformat() if accepted else None,
        breach="; ".join(text for text, holds in wrong.items() if holds),
    )


def _status(received: datetime | None, due: datetime, end: datetime) -> str:
    if received is None:
        return "missing" if end >= due else "not due yet"
    return "late" if received >= due else "in time"


def _days_late(received: datetime, due: datetime) -> int:
    """Whole days by the calendar in Oslo; the first instant that is too late is one day late."""
    return (oslo_date(received) - oslo_date(due)).days + 1 if received >= due else 0


def _in_days(days: int) -> str:
    return f"{days} day{'s' * (days != 1)}"


def _recorded(received: object) -> int:
    """The days that the delivery itself says it was late."""
    event = getattr(received, "event", None)
    return event.days_late if isinstance(event, AccountsCountersigned) else 0


def _told(
    case: CaseHistory, about: list[Entry], kind: type[ReminderSent | OverdueFollowedUp]
) -> list[dict[str, str]]:
    """When the municipality was told, when it should have been, and who."""
    return [
        {
            "sent": event.stamp.recorded_at.isoformat(),
            "due": event.due_at.isoformat(),
            "to": case.case.applicant.number if _theirs(event) else event.stamp.organisation,
        }
        for event in (entry.event for entry in about)
        if isinstance(event, kind) and isinstance(event, ReminderSent | OverdueFollowedUp)
    ]


def _notices(
    history: History, case: CaseHistory, about: set[str], deadlines: set[str]
) -> tuple[list[dict[str, str | None]], list[Entry]]:
    """What was sent of it by the rules of the call: to whom, how, and when it came; and the entries that say so."""
    told: list[dict[str, str | None]] = []
    ids = set()
    for notice in history.notices_of(case.id).notices.values():
        made = notice.made
        if made.about in about or made.about.partition("@")[0] in deadlines:
            ids.add(made.notice)
            came = made.stamp.recorded_at if made.channel == "portal" else notice.sent_at
            told.append(
                {
                    "rule": made.rule,
                    "to": f"{made.to} of {made.organisation}",
                    "channel": made.channel,
                    "came": came.isoformat() if came else None,
                    "failed": notice.failed or None,
                }
            )
    return told, [
        one for one in history.notices.get(case.id, ()) if getattr(one.event, "notice", None) in ids
    ]


def _theirs(event: ReminderSent | OverdueFollowedUp) -> bool:
    return not isinstance(event, ReminderSent) or event.to == "applicant"


def _first(about: list[Entry], kind: type[MarkedOverdue]) -> str | None:
    marks = (entry.event.stamp.recorded_at for entry in about if isinstance(entry.event, kind))
    return next((at.isoformat() for at in marks), None)


question = Question(
    number=18,
    name="missing-reports",
    asks="Which reports were due, received, late or missing at the deadline, and who was reminded of them when?",
    law="R24, R31; bestemmelser om økonomistyring 6.4.1",
    columns=(
        "case", "applicant", "due", "extended", "received", "status", "days_late", "missing_at_deadline",
        "marked_overdue", "reminders", "follow_ups", "notices", "returned", "accepted", "breach",
    ),
    answer=answer,
)  # fmt: skip
