"""Which notices are due in a case, and what they say: decided from the call's rules and the case's history alone."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

import msgspec

from grantflow.domain.application import Application, CaseEvent
from grantflow.domain.calendar import OSLO, days_later, start_of_day
from grantflow.domain.call import REMINDER_HOUR
from grantflow.domain.command import WHEN_PASSED
from grantflow.domain.event import Stamp
from grantflow.domain.followup import ReminderSent
from grantflow.domain.notice import NoticeMade, NoticeSkipped
from grantflow.domain.notice_rules import NoticeRule
from grantflow.domain.occasions import EVENTS, kind_of, last_day, of_case, of_deadline, of_event
from grantflow.domain.roles import MUNICIPAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grantflow.domain.call import Call, Deadline
    from grantflow.domain.event import Entry
    from grantflow.domain.notice_rules import Language

CLOCK, STEP = "clock", "notify"
DIGEST_HOUR = time(7)
"""When what is gathered for a day is sent, by the clock in Oslo."""


class Occasion(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a rule tells of: since when it is due, when it is too late, and the case as it then was."""

    rule: NoticeRule
    about: str
    since: datetime
    until: datetime
    case: Application
    event: CaseEvent | None = None


def on_event(call: Call, case: Application, entry: Entry) -> Iterator[Occasion]:
    """What the call tells of an event, which led to the case as it is given."""
    event = entry.event
    if call.notices is None or not isinstance(event, CaseEvent) or kind_of(event) not in EVENTS:
        return
    kind, since = kind_of(event), event.stamp.recorded_at
    for rule in call.notices.rules.values():
        about = getattr(event, "deadline", "")
        if rule.on == kind and rule.deadline in ("", about):
            until = since + timedelta(days=rule.within_days)
            if isinstance(event, ReminderSent):
                until = min(until, event.limit)
            yield Occasion(rule=rule, about=entry.id, since=since, until=until, case=case, event=event)


def by_deadline(call: Call, case: Application) -> Iterator[Occasion]:
    """What the call tells so many days before or after a deadline, while the case waits for it."""
    for rule in call.notices.rules.values() if call.notices else ():
        terms = call.deadlines.get(rule.deadline)
        if rule.on or terms is None or case.state not in waiting_for(call, terms):
            continue
        days = -(rule.days_before or 0) if rule.days_after is None else rule.days_after
        since = start_of_day(last_day(case, terms, call) + timedelta(days=days)) + REMINDER_HOUR
        until = since + timedelta(days=rule.within_days)
        if rule.days_after is None:
            until = min(until, case.limit(terms.id, call))
        about = f"{terms.id}@{since.isoformat()}"
        yield Occasion(rule=rule, about=about, since=since, until=until, case=case)


def waiting_for(call: Call, terms: Deadline) -> tuple[str, ...]:
    """The states in which a case waits for a deadline: those declared, or those from which the clock may act."""
    step = call.process.steps.get(WHEN_PASSED[terms.passed])
    return terms.states or (tuple(step.moves) if step else ())


def told(call: Call, occasion: Occasion, at: datetime) -> list[NoticeMade] | NoticeSkipped:
    """The notices of an occasion, one a recipient and channel; or that it is left out, because it comes too late."""
    rule, case = occasion.rule, occasion.case
    if at >= occasion.until:
        return NoticeSkipped(
            call=call.id,
            case=case.id,
            rule=rule.id,
            about=occasion.about,
            due_at=occasion.since,
            reason=f"out of date since {occasion.until.isoformat()}",
            stamp=stamp(call.authority, f"skipped/{skipped_id(occasion)}", "skipped", at),
        )
    return [
        _made(call, occasion, role, channel, at)
        for role in dict.fromkeys(rule.to)
        for channel in rule.channels
    ]


def skipped_id(occasion: Occasion) -> UUID:
    """What a notice that was left out is known by: it is left out once."""
    return uuid5(occasion.case.id, f"{occasion.rule.id}:{occasion.about}")


def notice_id(case: UUID, rule: str, about: str, organisation: str, role: str, channel: str) -> UUID:  # noqa: PLR0913, PLR0917 - what makes it the same notice
    """What a notice is known by: the same rule, occasion and recipient are the same notice, whoever makes it."""
    return uuid5(case, f"{rule}:{about}:{organisation}:{role}:{channel}")


def stamp(organisation: str, command: str, state: str, at: datetime) -> Stamp:
    """The stamp of what the clock does about notices."""
    return Stamp(
        recorded_at=at,
        step=STEP,
        person=CLOCK,
        organisation=organisation,
        role=CLOCK,
        channel=CLOCK,
        command=command,
        state=state,
    )


def language_of(call: Call, organisation: str, at: datetime) -> Language:
    """The form of Norwegian that an organisation is written to in (språklova § 15); bokmål where it has not decided."""
    return "nn" if call.register.language_form(organisation, at) == "nn" else "nb"


def _made(call: Call, occasion: Occasion, role: str, channel: str, at: datetime) -> NoticeMade:
    rule, case = occasion.rule, occasion.case
    organisation = case.applicant.number if role in MUNICIPAL else call.authority
    language = language_of(call, organisation, at)
    notices = call.notices
    assert notices is not None  # noqa: S101 - the occasion is of one of its rules
    subject, text = notices.words(rule, language, _said(call, occasion, language, at))
    notice = notice_id(case.id, rule.id, occasion.about, organisation, role, channel)
    gathered = rule.digest if channel == "email" else None
    return NoticeMade(
        call=call.id,
        case=case.id,
        notice=notice,
        rule=rule.id,
        about=occasion.about,
        version=case.version,
        to=role,
        organisation=organisation,
        channel=channel,
        language=language,
        subject=subject,
        text=text,
        send_at=next_digest(at) if gathered else at,
        expires_at=occasion.until,
        gathered=gathered or "",
        stamp=stamp(call.authority, f"notice/{notice}", "made", at),
    )


def _said(call: Call, occasion: Occasion, language: Language, at: datetime) -> dict[str, str]:
    case, event = occasion.case, occasion.event
    said = of_case(call, case, language)
    if event is not None:
        return said | of_event(call, case, event, language)
    return said | of_deadline(call, case, call.deadlines[occasion.rule.deadline], at, language)


def next_digest(at: datetime) -> datetime:
    """When what is gathered is sent next, after an instant (UTC)."""
    today = datetime.combine(at.astimezone(OSLO).date(), DIGEST_HOUR, OSLO).astimezone(UTC)
    return today if today > at else days_later(today, 1)
