"""How long each case took from receipt to payment, and who waited longer than the law allows."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from grantflow.domain.calendar import end_of_day, oslo_date, start_of_day
from grantflow.domain.call import Call
from grantflow.domain.casework import InformationRequested
from grantflow.domain.decision import ApplicationDismissed, ApplicationGranted, ApplicationRejected
from grantflow.domain.letters import LetterIssued
from grantflow.domain.payment import PaymentConfirmed
from grantflow.domain.reversal import GrantReduced
from grantflow.domain.submission import ApplicationSubmitted, ReceiptIssued
from grantflow.history import CaseHistory, History, Moment
from grantflow.question import Question, Row, row

ANSWERS = (ReceiptIssued, InformationRequested, LetterIssued)
DECISIONS = (ApplicationGranted, ApplicationRejected, ApplicationDismissed, GrantReduced)
DECEMBER = 12


def answer(history: History) -> Iterator[Row]:
    """Each case that was submitted."""
    end = history.end
    for case in history.cases:
        if case.first(ApplicationSubmitted):
            yield _row(history, case, history.call_of(case.case), end)


def _row(history: History, case: CaseHistory, call: Call, end: datetime) -> Row:
    submitted = list(case.each(ApplicationSubmitted))
    replies = list(case.each(*ANSWERS))
    decided = case.last(*DECISIONS) if case.case.decision else None
    letter, paid = case.last(LetterIssued) if case.case.letter else None, case.last(PaymentConfirmed)
    first_reply = _after(replies, submitted[0])
    waits_for = _waits_for(case, end)
    left = {
        f"no answer by {month_later(oslo_date(moment.at)).isoformat()}": _unanswered(
            moment, replies, case, end
        )
        for moment in submitted
    }
    wrong = [text for text, holds in left.items() if holds]
    if waits_for and waits_for[0] == "authority":
        days = (end - decided.at).days if decided else 0
        wrong.append(f"unpaid {days} day{'s' * (days != 1)} after the decision: {waits_for[1]}")
    return row(
        case,
        [moment.entry for moment in (submitted[0], first_reply, decided, letter, paid) if moment],
        call=call.id,
        received=submitted[0].at.isoformat(),
        answered=_iso(first_reply),
        decided=_iso(decided),
        letter=_iso(letter),
        letter_told=_told(history, case, letter),
        paid=_iso(paid),
        days_to_answer=_days(submitted[0], first_reply),
        days_to_decision=_days(submitted[-1], decided),
        days_to_letter=_days(decided, letter),
        days_to_payment=_days(letter, paid),
        days_in_all=_days(submitted[0], paid or decided),
        waits_for=waits_for[1] if waits_for else "",
        breach="; ".join(wrong),
    )


def _told(history: History, case: CaseHistory, letter: Moment | None) -> str | None:
    """When the first notice that there is a letter had come: in the portal, or at the mail server."""
    came = [
        notice.made.stamp.recorded_at if notice.made.channel == "portal" else notice.sent_at
        for notice in history.notices_of(case.id).notices.values()
        if letter is not None and notice.made.about == letter.entry.id
    ]
    first = min((one for one in came if one is not None), default=None)
    return first.isoformat() if first else None


def _unanswered(submitted: Moment, replies: list[Moment], case: CaseHistory, end: datetime) -> bool:
    """Whether a month went by without any answer, while the application was there to be answered (fvl § 11 a)."""
    limit = end_of_day(month_later(oslo_date(submitted.at)))
    reply = _after(replies, submitted)
    ended = case.case.recorded_at if case.case.state == "withdrawn" else None
    return limit <= min(reply.at if reply else end, ended or end)


def month_later(day: date) -> date:
    """The same day of the next month, or that month's last."""
    year, month = (day.year + 1, 1) if day.month == DECEMBER else (day.year, day.month + 1)
    following = date(year + month // DECEMBER, month % DECEMBER + 1, 1)
    return min(date(year, month, 1) + timedelta(days=day.day - 1), following - timedelta(days=1))


def _waits_for(case: CaseHistory, end: datetime) -> tuple[str, str] | None:
    """What a grant's next payment waits for, and whose move that is; None when there is none to come."""
    now, decision = case.case, case.case.decision
    if decision is None or decision.outcome != "granted" or now.paid_ore >= decision.amount_ore:
        return None
    planned = decision.instalments[now.instalments_paid :]
    due = planned[0].due if planned else None
    instalment = planned[0].condition if planned else ""
    elsewhere = {one.condition for one in decision.instalments} - {instalment}
    blocking = {one.id for one in decision.conditions if one.blocking} - elsewhere | {instalment} - {""}
    open_ones = sorted(one for one in blocking if not now.settled(one))
    under_way = now.payment if now.payment and not now.payment.bank_reference else None
    reasons = (
        (due is not None and end < start_of_day(due), "time", f"the instalment is paid from {due}"),
        (bool(open_ones), "recipient", f"the condition {', '.join(open_ones)}"),
        (now.exemption_needed and now.exemption is None, "recipient", "the exemption from the acts"),
        (not now.letter, "authority", "the letter is not issued"),
        (not now.account, "authority", "no account is registered"),
        (under_way is None, "authority", "it is not attested"),
        (under_way is not None and not under_way.authorised_by, "authority", "it is not authorised"),
        (True, "authority", "the bank's return has not come"),
    )
    return next((whose, what) for holds, whose, what in reasons if holds)


def _after(replies: list[Moment], submitted: Moment) -> Moment | None:
    place = submitted.entry.originator_version
    return next((one for one in replies if one.entry.originator_version > place), None)


def _days(begin: Moment | None, until: Moment | None) -> int | None:
    """Whole days from one to the other; None where one of them has not come, or came before."""
    return (until.at - begin.at).days if begin and until and until.at >= begin.at else None


def _iso(moment: Moment | None) -> str | None:
    return moment.at.isoformat() if moment else None


question = Question(
    number=21,
    name="times",
    asks="How many days from receipt to answer, decision, letter and payment; who waited, and for what?",
    law="forvaltningsloven §§ 11 a, 27; R23",
    columns=(
        "case", "applicant", "call", "received", "answered", "decided", "letter", "letter_told", "paid",
        "days_to_answer", "days_to_decision", "days_to_letter", "days_to_payment", "days_in_all", "waits_for", "breach",
    ),
    answer=answer,
)  # fmt: skip
