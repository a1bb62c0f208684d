"""What notices can be about: the events somebody is told of, and what each has to say. Never what people wrote.

What was asked, answered or given as a reason stands in the case, behind a login, and not in a mail.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from grantflow.domain.calendar import day, oslo_date
from grantflow.domain.money import kr

if TYPE_CHECKING:
    from grantflow.domain.application import Application, CaseEvent
    from grantflow.domain.call import Call, Deadline
    from grantflow.domain.event import Event

_ANY = ()
EVENTS: dict[str, tuple[frozenset[str], tuple[str, ...]]] = {
    "application-submitted": (frozenset({"submit"}), _ANY),
    "receipt-issued": (frozenset({"submit"}), _ANY),
    "application-withdrawn": (frozenset({"withdraw"}), _ANY),
    "application-lapsed": (frozenset({"lapse"}), ("deadline", "limit")),
    "information-requested": (frozenset({"request-information"}), ("due",)),
    "information-supplied": (frozenset({"supply"}), _ANY),
    "letter-issued": (frozenset({"issue-letter"}), ("kind",)),
    "decision-reversed": (frozenset({"reverse"}), _ANY),
    "grant-reduced": (frozenset({"reduce"}), ("amount",)),
    "reversal-notified": (frozenset({"notify-reversal"}), ("due",)),
    "notice-answered": (frozenset({"answer-notice"}), _ANY),
    "complaint-registered": (frozenset({"register-complaint"}), _ANY),
    "complaint-answered": (frozenset({"answer-complaint"}), _ANY),
    "condition-met": (frozenset({"accept-condition"}), _ANY),
    "condition-waived": (frozenset({"waive-condition"}), _ANY),
    "stage-opened": (frozenset(), _ANY),
    "case-moved-to-revision": (frozenset({"move-to-revision"}), _ANY),
    "payment-confirmed": (frozenset({"confirm-payment"}), ("amount", "outstanding")),
    "reminder-sent": (frozenset({"remind"}), ("deadline", "limit", "days_left")),
    "deadline-extended": (frozenset({"extend-deadline"}), ("deadline", "limit")),
    "marked-overdue": (frozenset({"mark-overdue"}), ("deadline", "limit")),
    "overdue-followed-up": (frozenset({"follow-up"}), ("deadline", "limit", "days_late")),
    "report-submitted": (frozenset({"submit-report"}), _ANY),
    "accounts-countersigned": (frozenset({"countersign-accounts"}), ("days_late",)),
    "report-returned": (frozenset({"return-report"}), _ANY),
    "report-accepted": (frozenset({"accept-report"}), ("unspent",)),
    "repayment-notified": (frozenset({"notify-repayment"}), ("amount", "due")),
    "repayment-claimed": (frozenset({"claim-repayment"}), ("amount", "due")),
    "repayment-received": (frozenset({"record-repayment"}), ("amount", "outstanding")),
    "case-closed": (frozenset({"close"}), _ANY),
}
"""By the kind of event: the steps that it comes of, and the names it fills in beside those that are always there."""
ALWAYS = ("call", "year", "authority", "applicant", "title", "case", "asked", "granted")
"""The names that every notice can fill in."""
TIMED = ("deadline", "limit", "days_left", "days_late")
"""What a notice before or after a deadline fills in beside them."""
WITH_DEADLINE = frozenset(
    {"application-lapsed", "reminder-sent", "deadline-extended", "marked-overdue", "overdue-followed-up"}
)
"""The kinds of events that are about a deadline, so that a rule can ask which."""
_INSTANT = timedelta(microseconds=1)
_LONGEST_TITLE = 120


def kind_of(event: Event) -> str:
    """What kind of event it is, whatever its version: `application-granted`."""
    return event.topic.partition("@")[0]


def of_case(call: Call, case: Application, language: str) -> dict[str, str]:
    """What every notice about a case can fill in."""
    decision = case.decision
    title = " ".join(case.title.split())
    return {
        "call": call.names.get(language) or call.id,
        "year": str(call.year),
        "authority": call.declared.authority_name,
        "applicant": case.applicant.name,
        "title": title if len(title) <= _LONGEST_TITLE else f"{title[: _LONGEST_TITLE - 1]}…",
        "case": str(case.id),
        "asked": kr(case.asked_ore) if case.asked_ore else "",
        "granted": kr(decision.amount_ore) if decision and decision.amount_ore else "",
    }


def of_event(call: Call, case: Application, event: CaseEvent, language: str) -> dict[str, str]:
    """What a notice about an event fills in beside that."""
    found = {
        "amount": _money(event, "amount_ore"),
        "outstanding": _money(event, "outstanding_ore"),
        "unspent": _money(event, "unspent_ore"),
        "due": _day(getattr(event, "due", None) or getattr(event, "answer_limit", None)),
        "kind": str(getattr(event, "kind", "")),
        "days_late": str(getattr(event, "days_late", "") or ""),
    }
    terms = call.deadlines.get(getattr(event, "deadline", ""))
    if terms is not None:
        found |= of_deadline(call, case, terms, event.stamp.recorded_at, language)
    return {name: found.get(name, "") for name in EVENTS[kind_of(event)][1]}


def of_deadline(
    call: Call, case: Application, terms: Deadline, at: datetime, language: str
) -> dict[str, str]:
    """What is said of a deadline in a case: its name, its last day, and how many days there are to it, or since."""
    last = last_day(case, terms, call)
    days = (last - oslo_date(at)).days
    return {
        "deadline": terms.name.get(language) or terms.id,
        "limit": f"{last:%d.%m.%Y}",
        "days_left": str(max(days, 0)),
        "days_late": str(max(-days, 0)),
    }


def last_day(case: Application, terms: Deadline, call: Call) -> date:
    """The last day on which it is not too late in this case."""
    return oslo_date(case.limit(terms.id, call) - _INSTANT)


def _money(event: CaseEvent, field: str) -> str:
    amount = getattr(event, field, None)
    return kr(amount) if amount else ""


def _day(value: date | datetime | None) -> str:
    """A day as it is written; an instant that is the first too late stands for the day before."""
    if isinstance(value, datetime):
        return day(value - _INSTANT)
    return f"{value:%d.%m.%Y}" if value else ""
