"""How the applications were judged: points by criterion and assessor, the weighted score, and what was decided."""

from grantflow.domain.assessment import CaseAssessed, CriterionScored
from grantflow.domain.decision import ApplicationDismissed, ApplicationGranted, ApplicationRejected
from grantflow.domain.drafting import ApplicationStarted
from grantflow.domain.event import Entry
from grantflow.domain.reversal import DecisionReversed, GrantReduced
from grantflow.domain.submission import ApplicationSubmitted
from grantflow.projection import Pen, Projection, Table


def started(pen: Pen, entry: Entry) -> None:
    """An application, not judged yet."""
    event = entry.event
    if isinstance(event, ApplicationStarted):
        pen.put(
            "assessment_overview",
            case_id=entry.originator_id,
            call=event.call,
            applicant=event.applicant.number,
            applicant_name=event.applicant.name,
            title=None,
            asked_ore=0,
            score=None,
            recommendation=None,
            recommended_ore=0,
            assessed_by=None,
            outcome=None,
            granted_ore=0,
            decided_by=None,
        )


def submitted(pen: Pen, entry: Entry) -> None:
    """What it is about, and what it asks for."""
    event = entry.event
    if isinstance(event, ApplicationSubmitted):
        pen.change("assessment_overview", entry.originator_id, title=event.title, asked_ore=event.asked_ore)


def scored(pen: Pen, entry: Entry) -> None:
    """The points an assessor stands by; earlier ones are in the history."""
    event = entry.event
    if isinstance(event, CriterionScored):
        pen.put(
            "scores",
            case_id=entry.originator_id,
            criterion=event.criterion,
            assessor=event.stamp.person,
            points=event.points,
            grounds=event.grounds,
            given_at=event.stamp.recorded_at,
        )


def assessed(pen: Pen, entry: Entry) -> None:
    """The assessment closed with a recommendation."""
    event = entry.event
    if isinstance(event, CaseAssessed):
        pen.change(
            "assessment_overview",
            entry.originator_id,
            score=event.score,
            recommendation=event.recommendation,
            recommended_ore=event.amount_ore,
            assessed_by=event.stamp.person,
        )


def decided(pen: Pen, entry: Entry) -> None:
    """What came of it."""
    event = entry.event
    if isinstance(event, ApplicationGranted | ApplicationRejected | ApplicationDismissed):
        pen.change(
            "assessment_overview",
            entry.originator_id,
            outcome=event.stamp.state,
            granted_ore=event.amount_ore if isinstance(event, ApplicationGranted) else 0,
            decided_by=event.stamp.person,
        )


def reversed_(pen: Pen, entry: Entry) -> None:
    """The decision is set aside, or the grant lower."""
    event = entry.event
    if isinstance(event, DecisionReversed):
        pen.change("assessment_overview", entry.originator_id, outcome=None, granted_ore=0, decided_by=None)
    elif isinstance(event, GrantReduced):
        pen.change("assessment_overview", entry.originator_id, granted_ore=event.amount_ore)


projection = Projection(
    name="assessment_overview",
    question="How was each application judged, by whom, and what came of it?",
    tables={
        "assessment_overview": Table(
            columns={
                "case_id": "uuid",
                "call": "text NOT NULL",
                "applicant": "text NOT NULL",
                "applicant_name": "text NOT NULL",
                "title": "text",
                "asked_ore": "bigint NOT NULL",
                "score": "numeric",
                "recommendation": "text",
                "recommended_ore": "bigint NOT NULL",
                "assessed_by": "text",
                "outcome": "text",
                "granted_ore": "bigint NOT NULL",
                "decided_by": "text",
            },
            key=("case_id",),
            indexes=(("call", "score"),),
        ),
        "scores": Table(
            columns={
                "case_id": "uuid",
                "criterion": "text",
                "assessor": "text",
                "points": "int NOT NULL",
                "grounds": "text NOT NULL",
                "given_at": "timestamptz NOT NULL",
            },
            key=("case_id", "criterion", "assessor"),
        ),
    },
    on={
        ApplicationStarted: started,
        ApplicationSubmitted: submitted,
        CriterionScored: scored,
        CaseAssessed: assessed,
        ApplicationGranted: decided,
        ApplicationRejected: decided,
        ApplicationDismissed: decided,
        DecisionReversed: reversed_,
        GrantReduced: reversed_,
    },
    by_stream=True,
)
