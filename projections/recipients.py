"""Who received money in which year, for which project: the list that is published (R32)."""

from grantflow.domain.announcement import CallPublished
from grantflow.domain.decision import ApplicationGranted
from grantflow.domain.drafting import ApplicationStarted
from grantflow.domain.event import Entry
from grantflow.domain.payment import PaymentConfirmed
from grantflow.domain.reversal import DecisionReversed, GrantReduced
from grantflow.domain.submission import ApplicationSubmitted
from grantflow.projection import Pen, Projection, Table


def published(pen: Pen, entry: Entry) -> None:
    """For which year a call's grants are."""
    event = entry.event
    if isinstance(event, CallPublished):
        pen.put("recipient_calls", call=event.call, year=event.year)


def started(pen: Pen, entry: Entry) -> None:
    """Who applies, under which call."""
    event = entry.event
    if isinstance(event, ApplicationStarted):
        pen.put(
            "recipients",
            case_id=entry.originator_id,
            call=event.call,
            year=None,
            municipality=event.applicant.name,
            organisation=event.applicant.number,
            project=None,
            granted_ore=0,
            paid_ore=0,
        )


def submitted(pen: Pen, entry: Entry) -> None:
    """For which project."""
    if isinstance(entry.event, ApplicationSubmitted):
        pen.change("recipients", entry.originator_id, project=entry.event.title)


def granted(pen: Pen, entry: Entry) -> None:
    """How much was granted, for the call's year: the decision itself may fall in another."""
    event, case = entry.event, pen.get("recipients", entry.originator_id)
    if isinstance(event, ApplicationGranted) and case is not None:
        call = pen.get("recipient_calls", case["call"])
        year = call["year"] if call else None
        pen.change("recipients", entry.originator_id, granted_ore=event.amount_ore, year=year)


def reversed_(pen: Pen, entry: Entry) -> None:
    """What is not granted any more, or not as much."""
    event = entry.event
    if isinstance(event, GrantReduced):
        pen.change("recipients", entry.originator_id, granted_ore=event.amount_ore)
    elif isinstance(event, DecisionReversed):
        pen.change("recipients", entry.originator_id, granted_ore=0, year=None)


def paid(pen: Pen, entry: Entry) -> None:
    """How much was paid, all instalments together."""
    row = pen.get("recipients", entry.originator_id)
    if isinstance(entry.event, PaymentConfirmed) and row is not None:
        paid_ore = row["paid_ore"] + entry.event.amount_ore
        pen.change("recipients", entry.originator_id, paid_ore=paid_ore)


projection = Projection(
    name="recipients",
    question="Which municipalities received how much, for which project?",
    tables={
        "recipient_calls": Table(columns={"call": "text", "year": "int NOT NULL"}, key=("call",)),
        "recipients": Table(
            columns={
                "case_id": "uuid",
                "call": "text NOT NULL",
                "year": "int",
                "municipality": "text NOT NULL",
                "organisation": "text NOT NULL",
                "project": "text",
                "granted_ore": "bigint NOT NULL",
                "paid_ore": "bigint NOT NULL",
            },
            key=("case_id",),
            indexes=(("year", "municipality"),),
        ),
    },
    on={
        CallPublished: published,
        ApplicationStarted: started,
        ApplicationSubmitted: submitted,
        ApplicationGranted: granted,
        DecisionReversed: reversed_,
        GrantReduced: reversed_,
        PaymentConfirmed: paid,
    },
)
