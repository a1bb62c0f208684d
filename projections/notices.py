"""What the municipality was told in the portal, and what it was asked for by when: its inbox (R31)."""

from datetime import datetime

from grantflow.domain.calendar import end_of_day
from grantflow.domain.casework import InformationRequested
from grantflow.domain.decision import LetterIssued
from grantflow.domain.drafting import ApplicationStarted
from grantflow.domain.event import Entry, Event
from grantflow.domain.followup import DeadlineExtended, MarkedOverdue, OverdueFollowedUp, ReminderSent
from grantflow.domain.payment import PaymentConfirmed
from grantflow.domain.repayment import RepaymentClaimed, RepaymentNotified
from grantflow.domain.reporting import ReportAccepted, ReportReturned
from grantflow.domain.submission import ApplicationLapsed, ReceiptIssued
from grantflow.projection import Pen, Projection, Table

TEXTS: dict[type[Event], tuple[str, str]] = {
    ReceiptIssued: ("Søknaden er mottatt.", "Søknaden er motteken."),
    ApplicationLapsed: ("Utkastet ble ikke sendt inn innen fristen.", "Utkastet vart ikkje sendt inn innan fristen."),
    InformationRequested: ("Søknaden mangler opplysninger.", "Søknaden manglar opplysningar."),
    LetterIssued: ("Det er kommet et brev om vedtaket.", "Det er kome eit brev om vedtaket."),
    PaymentConfirmed: ("Tilskuddet er utbetalt.", "Tilskotet er utbetalt."),
    ReminderSent: ("Påminning: fristen nærmer seg.", "Påminning: fristen nærmar seg."),
    DeadlineExtended: ("Fristen er utsatt.", "Fristen er utsett."),
    MarkedOverdue: ("Fristen er ute: rapport og regnskap mangler.", "Fristen er ute: rapport og rekneskap manglar."),
    OverdueFollowedUp: ("Purring: rapport og regnskap mangler.", "Purring: rapport og rekneskap manglar."),
    ReportReturned: ("Rapporten må rettes.", "Rapporten må rettast."),
    ReportAccepted: ("Rapport og regnskap er godtatt.", "Rapport og rekneskap er godtekne."),
    RepaymentNotified: ("Varsel om krav om tilbakebetaling.", "Varsel om krav om tilbakebetaling."),
    RepaymentClaimed: ("Krav om tilbakebetaling.", "Krav om tilbakebetaling."),
}  # fmt: skip
"""What the municipality reads, in bokmål and nynorsk, for each event it is told of."""


def started(pen: Pen, entry: Entry) -> None:
    """Whose inbox a case's notices go to."""
    if isinstance(entry.event, ApplicationStarted):
        pen.put("notice_cases", case_id=entry.originator_id, organisation=entry.event.applicant.number)


def told(pen: Pen, entry: Entry) -> None:
    """One notice in the applicant's inbox."""
    event = entry.event
    to = pen.get("notice_cases", entry.originator_id)
    if to is None:
        return
    nb, nn = TEXTS[type(event)]
    pen.add(
        "notices",
        position=entry.position,
        case_id=entry.originator_id,
        organisation=to["organisation"],
        at=event.stamp.recorded_at,
        about=event.topic,
        nb=nb,
        nn=nn,
        due_at=_due(event),
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
        case RepaymentNotified():
            return event.answer_limit
        case RepaymentClaimed():
            return end_of_day(event.due)
    return None


projection = Projection(
    name="notices",
    question="What was the municipality told, and what was it asked for by when?",
    tables={
        "notice_cases": Table(columns={"case_id": "uuid", "organisation": "text NOT NULL"}, key=("case_id",)),
        "notices": Table(
            columns={
                "position": "bigint",
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
    },
    on={ApplicationStarted: started} | dict.fromkeys(TEXTS, told),
)
