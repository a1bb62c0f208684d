"""Which cases there are, where they stand, and what they are about: one row a case, numbered without gaps."""

from grantflow.domain.application import CaseEvent
from grantflow.domain.assessment import CaseAssessed
from grantflow.domain.decision import ApplicationGranted
from grantflow.domain.declared import StageOpened
from grantflow.domain.drafting import ApplicationStarted
from grantflow.domain.event import Entry
from grantflow.domain.payment import PaymentConfirmed
from grantflow.domain.reversal import DecisionReversed, GrantReduced
from grantflow.domain.revision import CaseMovedToRevision
from grantflow.domain.submission import ApplicationSubmitted
from grantflow.projection import Pen, Projection, Table


def every(pen: Pen, entry: Entry) -> None:
    """Each event of a case moves its state and version."""
    if not isinstance(entry.event, CaseEvent):
        return
    stamp = entry.event.stamp
    pen.change(
        "case_list",
        entry.originator_id,
        state=stamp.state,
        version=entry.originator_version,
        changed_at=stamp.recorded_at,
    )


def started(pen: Pen, entry: Entry) -> None:
    """A case gets the next number of its call: its rank among those begun, in the order of the log."""
    event = entry.event
    if not isinstance(event, ApplicationStarted):
        return
    numbered = pen.get("case_numbers", event.call)
    number = (numbered["last"] if numbered else 0) + 1
    pen.put("case_numbers", call=event.call, last=number)
    pen.put(
        "case_list",
        case_id=entry.originator_id,
        number=f"{event.call}-{number:04d}",
        call=event.call,
        definition=event.definition,
        area=event.area,
        stage="",
        applicant=event.applicant.number,
        applicant_name=event.applicant.name,
        partners=[],
        title=None,
        state=event.stamp.state,
        version=entry.originator_version,
        asked_ore=0,
        recommended_ore=0,
        granted_ore=0,
        paid_ore=0,
        started_at=event.stamp.recorded_at,
        changed_at=event.stamp.recorded_at,
    )


def submitted(pen: Pen, entry: Entry) -> None:
    """What was applied for, under which title, and together with whom."""
    if isinstance(entry.event, ApplicationSubmitted):
        event, before = entry.event, pen.get("case_list", entry.originator_id)
        for organisation in dict.fromkeys((*(before["partners"] if before else ()), *event.partners)):
            joint = organisation in event.partners
            pen.put("case_partners", case_id=entry.originator_id, organisation=organisation, joint=joint)
        pen.change(
            "case_list",
            entry.originator_id,
            title=event.title,
            partners=list(event.partners),
            asked_ore=event.asked_ore,
        )


def assessed(pen: Pen, entry: Entry) -> None:
    """What was recommended."""
    if isinstance(entry.event, CaseAssessed):
        pen.change("case_list", entry.originator_id, recommended_ore=entry.event.amount_ore)


def granted(pen: Pen, entry: Entry) -> None:
    """What was granted."""
    if isinstance(entry.event, ApplicationGranted):
        pen.change("case_list", entry.originator_id, granted_ore=entry.event.amount_ore)


def reversed_(pen: Pen, entry: Entry) -> None:
    """What is not granted any more, or not as much."""
    event = entry.event
    if isinstance(event, DecisionReversed | GrantReduced):
        granted = event.amount_ore if isinstance(event, GrantReduced) else 0
        pen.change("case_list", entry.originator_id, granted_ore=granted)


def paid(pen: Pen, entry: Entry) -> None:
    """What the bank has confirmed, all instalments together."""
    row = pen.get("case_list", entry.originator_id)
    if isinstance(entry.event, PaymentConfirmed) and row is not None:
        paid_ore = row["paid_ore"] + entry.event.amount_ore
        pen.change("case_list", entry.originator_id, paid_ore=paid_ore)


def moved(pen: Pen, entry: Entry) -> None:
    """By which definition the case is decided from now on."""
    if isinstance(entry.event, CaseMovedToRevision):
        pen.change("case_list", entry.originator_id, definition=entry.event.definition)


def staged(pen: Pen, entry: Entry) -> None:
    """At which stage the case is."""
    if isinstance(entry.event, StageOpened):
        pen.change("case_list", entry.originator_id, stage=entry.event.stage)


projection = Projection(
    name="case_list",
    question="Which cases are there, and where do they stand?",
    tables={
        "case_list": Table(
            columns={
                "case_id": "uuid",
                "number": "text NOT NULL",
                "call": "text NOT NULL",
                "definition": "text NOT NULL",
                "area": "text NOT NULL",
                "stage": "text NOT NULL",
                "applicant": "text NOT NULL",
                "applicant_name": "text NOT NULL",
                "partners": "text[] NOT NULL",
                "title": "text",
                "state": "text NOT NULL",
                "version": "bigint NOT NULL",
                "asked_ore": "bigint NOT NULL",
                "recommended_ore": "bigint NOT NULL",
                "granted_ore": "bigint NOT NULL",
                "paid_ore": "bigint NOT NULL",
                "started_at": "timestamptz NOT NULL",
                "changed_at": "timestamptz NOT NULL",
            },
            key=("case_id",),
            indexes=(("number",), ("call", "state"), ("applicant",)),
        ),
        "case_partners": Table(
            columns={"case_id": "uuid", "organisation": "text", "joint": "boolean NOT NULL"},
            key=("case_id", "organisation"),
            indexes=(("organisation", "case_id"),),
        ),
        "case_numbers": Table(columns={"call": "text", "last": "bigint NOT NULL"}, key=("call",)),
    },
    on={
        ApplicationStarted: started,
        ApplicationSubmitted: submitted,
        CaseAssessed: assessed,
        ApplicationGranted: granted,
        DecisionReversed: reversed_,
        GrantReduced: reversed_,
        PaymentConfirmed: paid,
        CaseMovedToRevision: moved,
        StageOpened: staged,
    },
    every=every,
)
