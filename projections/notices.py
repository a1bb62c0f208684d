"""Who was told what, in the portal and by mail, whether it came, and what was asked for by when: the inboxes (R31)."""

from datetime import datetime

from grantflow.domain.calendar import end_of_day
from grantflow.domain.casework import InformationRequested
from grantflow.domain.complaint import ComplaintAnswered
from grantflow.domain.conditions import ConditionMet, ConditionWaived
from grantflow.domain.declared import StageOpened
from grantflow.domain.drafting import ApplicationStarted, DeadlineTerms
from grantflow.domain.event import Entry, Event
from grantflow.domain.followup import DeadlineExtended, MarkedOverdue, OverdueFollowedUp, ReminderSent
from grantflow.domain.letters import LetterIssued
from grantflow.domain.notice import NoticeFailed, NoticeMade, NoticeResent, NoticeSent
from grantflow.domain.payment import PaymentConfirmed
from grantflow.domain.repayment import RepaymentClaimed, RepaymentNotified
from grantflow.domain.reporting import ReportAccepted, ReportReturned
from grantflow.domain.reversal import DecisionReversed, GrantReduced, ReversalNotified
from grantflow.domain.revision import CaseMovedToRevision
from grantflow.domain.submission import ApplicationLapsed, ReceiptIssued
from grantflow.projection import Pen, Projection, Table

TEXTS: dict[type[Event], tuple[str, str]] = {
    ReceiptIssued: ("Søknaden er mottatt.", "Søknaden er motteken."),
    ApplicationLapsed: ("Utkastet ble ikke sendt inn innen fristen.", "Utkastet vart ikkje sendt inn innan fristen."),
    InformationRequested: ("Søknaden mangler opplysninger.", "Søknaden manglar opplysningar."),
    LetterIssued: ("Det er kommet et brev om vedtaket.", "Det er kome eit brev om vedtaket."),
    DecisionReversed: ("Vedtaket er omgjort.", "Vedtaket er gjort om."),
    GrantReduced: ("Tilskuddet er avkortet.", "Tilskotet er avkorta."),
    ReversalNotified: ("Varsel om at vedtaket kan bli omgjort.", "Varsel om at vedtaket kan bli gjort om."),
    ComplaintAnswered: ("Klagen er besvart.", "Klaga er svart på."),
    ConditionMet: ("Et vilkår er godtatt som oppfylt.", "Eit vilkår er godteke som oppfylt."),
    ConditionWaived: ("Et vilkår er frafalt.", "Eit vilkår er fråfalle."),
    StageOpened: ("Søknaden er invitert videre; fyll ut på nytt.", "Søknaden er invitert vidare; fyll ut på nytt."),
    CaseMovedToRevision: ("Saken følger nå en ny utgave av utlysningen.", "Saka følgjer no ei ny utgåve av utlysinga."),
    PaymentConfirmed: ("Tilskuddet er utbetalt.", "Tilskotet er utbetalt."),
    ReminderSent: ("Påminning: fristen nærmer seg.", "Påminning: fristen nærmar seg."),
    DeadlineExtended: ("Fristen er utsatt.", "Fristen er utsett."),
    MarkedOverdue: ("Fristen er ute: noe mangler.", "Fristen er ute: noko manglar."),
    OverdueFollowedUp: ("Purring: noe mangler.", "Purring: noko manglar."),
    ReportReturned: ("Rapporten må rettes.", "Rapporten må rettast."),
    ReportAccepted: ("Rapport og regnskap er godtatt.", "Rapport og rekneskap er godtekne."),
    RepaymentNotified: ("Varsel om krav om tilbakebetaling.", "Varsel om krav om tilbakebetaling."),
    RepaymentClaimed: ("Krav om tilbakebetaling.", "Krav om tilbakebetaling."),
}  # fmt: skip
"""What the municipality reads, in bokmål and nynorsk, for each event it is told of."""


def started(pen: Pen, entry: Entry) -> None:
    """Whose inbox a case's notices go to."""
    event = entry.event
    if isinstance(event, ApplicationStarted):
        pen.put(
            "notice_cases",
            case_id=entry.originator_id,
            organisation=event.applicant.number,
            not_theirs=_not_theirs(event.deadlines),
        )


def moved(pen: Pen, entry: Entry) -> None:
    """Another definition's deadlines hold from now on; and the municipality is told so."""
    event = entry.event
    if isinstance(event, CaseMovedToRevision):
        pen.change("notice_cases", entry.originator_id, not_theirs=_not_theirs(event.deadlines))
        told(pen, entry)


def _not_theirs(deadlines: tuple[DeadlineTerms, ...]) -> list[str]:
    """The deadlines that bind the authority: the municipality is not told when those pass."""
    return [terms.id for terms in deadlines if terms.binds != "applicant"]


def told(pen: Pen, entry: Entry) -> None:
    """One notice in the applicant's inbox."""
    event = entry.event
    to = pen.get("notice_cases", entry.originator_id)
    if to is None or getattr(event, "deadline", "") in to["not_theirs"]:
        return
    nb, nn = TEXTS[type(event)]
    pen.add(
        "notices",
        position=entry.position,
        event=entry.id,
        case_id=entry.originator_id,
        organisation=to["organisation"],
        at=event.stamp.recorded_at,
        about=event.topic,
        nb=nb,
        nn=nn,
        due_at=_due(event),
    )


def made(pen: Pen, entry: Entry) -> None:
    """A notice by a rule of the call. In the portal it is there at once, and stands for the one that all calls have."""
    event = entry.event
    if not isinstance(event, NoticeMade):
        return
    pen.put(
        "notices_made",
        notice=event.notice,
        position=entry.position,
        case_id=event.case,
        call=event.call,
        organisation=event.organisation,
        role=event.to,
        channel=event.channel,
        rule=event.rule,
        about=event.about,
        language=event.language,
        subject=event.subject,
        text=event.text,
        made_at=event.stamp.recorded_at,
        send_at=event.send_at,
        expires_at=event.expires_at,
        status="in the portal" if event.channel == "portal" else "waits",
        attempts=0,
        arrived_at=event.stamp.recorded_at if event.channel == "portal" else None,
        address="",
        message="",
        reason="",
        again_at=None,
    )
    if event.channel == "portal":
        pen.put("notices_by_rule", case_id=event.case, about=event.about, organisation=event.organisation)


def sent(pen: Pen, entry: Entry) -> None:
    """The mail server has it."""
    event = entry.event
    if isinstance(event, NoticeSent):
        pen.change(
            "notices_made",
            event.notice,
            status="sent",
            attempts=event.attempt,
            arrived_at=event.stamp.recorded_at,
            address=event.address,
            message=event.message,
            reason=event.answer,
            again_at=None,
        )


def failed(pen: Pen, entry: Entry) -> None:
    """It was not taken over, this time or for good."""
    event = entry.event
    if isinstance(event, NoticeFailed):
        pen.change(
            "notices_made",
            event.notice,
            status="failed" if event.final else "tried again",
            attempts=event.attempt,
            address=event.address,
            reason=event.reason,
            again_at=event.again_at,
        )


def resent(pen: Pen, entry: Entry) -> None:
    """It is to be sent once more."""
    event = entry.event
    if isinstance(event, NoticeResent):
        pen.change(
            "notices_made",
            event.notice,
            status="waits",
            arrived_at=None,
            reason=event.reason,
            send_at=event.stamp.recorded_at,
            expires_at=event.expires_at,
            again_at=None,
        )


def _due(event: Event) -> datetime | None:
    """By when something is asked of the municipality, if anything is."""
    match event:
        case InformationRequested():
            return event.due
        case ReminderSent() | DeadlineExtended():
            return event.limit
        case MarkedOverdue():
            return event.due_at
        case RepaymentNotified() | ReversalNotified():
            return event.answer_limit
        case RepaymentClaimed():
            return end_of_day(event.due)
    return None


projection = Projection(
    name="notices",
    question="Who was told what, did it come, and what were they asked for by when?",
    tables={
        "notice_cases": Table(
            columns={"case_id": "uuid", "organisation": "text NOT NULL", "not_theirs": "jsonb NOT NULL"},
            key=("case_id",),
        ),
        "notices": Table(
            columns={
                "position": "bigint",
                "event": "text NOT NULL",
                "case_id": "uuid NOT NULL",
                "organisation": "text NOT NULL",
                "at": "timestamptz NOT NULL",
                "about": "text NOT NULL",
                "nb": "text NOT NULL",
                "nn": "text NOT NULL",
                "due_at": "timestamptz",
            },
            key=("position",),
            indexes=(("organisation", "position"), ("case_id", "position")),
        ),
        "notices_by_rule": Table(
            columns={"case_id": "uuid", "about": "text", "organisation": "text"},
            key=("case_id", "about", "organisation"),
        ),
        "notices_made": Table(
            columns={
                "notice": "uuid",
                "position": "bigint NOT NULL",
                "case_id": "uuid NOT NULL",
                "call": "text NOT NULL",
                "organisation": "text NOT NULL",
                "role": "text NOT NULL",
                "channel": "text NOT NULL",
                "rule": "text NOT NULL",
                "about": "text NOT NULL",
                "language": "text NOT NULL",
                "subject": "text NOT NULL",
                "text": "text NOT NULL",
                "made_at": "timestamptz NOT NULL",
                "send_at": "timestamptz NOT NULL",
                "expires_at": "timestamptz NOT NULL",
                "status": "text NOT NULL",
                "attempts": "int NOT NULL",
                "arrived_at": "timestamptz",
                "address": "text NOT NULL",
                "message": "text NOT NULL",
                "reason": "text NOT NULL",
                "again_at": "timestamptz",
            },
            key=("notice",),
            indexes=(("organisation", "position"), ("case_id", "position"), ("position",)),
        ),
    },
    on={
        **dict.fromkeys(TEXTS, told),
        ApplicationStarted: started,
        CaseMovedToRevision: moved,
        NoticeMade: made,
        NoticeSent: sent,
        NoticeFailed: failed,
        NoticeResent: resent,
    },
)
