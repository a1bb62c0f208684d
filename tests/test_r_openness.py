"""What is told, published and kept, on a real database: notices, recipients, questions, stamps (R28, R31-R36)."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from given import IMDI, MUNICIPAL, OSLO_KOMMUNE, REPORT_DEADLINE, START, Step
from reports import report_of, reported
from steps import (
    CALL_FOLDER,
    accept,
    assessed,
    call_2023,
    countersign,
    declared,
    drafted,
    grant,
    granted,
    letter,
    paid,
    reject,
    report,
    sign,
    submitted,
)
from variants import delegate

from grantflow.definitions import definition_files
from grantflow.domain.announcement import CallPublished
from grantflow.domain.approval import ApplicationApproved
from grantflow.domain.call import CALL, Call
from grantflow.domain.circumstances import Circumstances
from grantflow.domain.decision import ApplicationGranted
from grantflow.domain.errors import BadRequest, NotTheAuthority, RoleNotAllowed
from grantflow.domain.followup import ReminderSent
from grantflow.domain.letters import LetterIssued
from grantflow.domain.payment import PaymentConfirmed
from grantflow.projector import Projector
from grantflow.rooms import projections
from grantflow.service import Request, Service

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from grantflow.store import Store

ID = "imdi-2023-tillegg"
NEW_YEAR_UTC = datetime(2024, 1, 2, 9, 0, tzinfo=UTC)


def manager(command: str, **changes: Any) -> Circumstances:
    who: dict[str, Any] = {"person": "imdi-lead", "organisation": IMDI, "role": "call-manager"}
    return Circumstances(at=START, channel="test", command=command, **(who | changes))


@pytest.fixture
def service(store: "Store") -> Service:
    service = Service(store)
    service.calls.publish(definition_files(CALL_FOLDER), manager("publish"))
    delegate(service)
    return service


def lived(service: Service, *steps: Step) -> "UUID":
    """A case that has lived through these steps, one an hour unless they say when."""
    case, now = None, START
    for number, step in enumerate(steps):
        now = step.at or now + timedelta(hours=1)
        municipal = step.role in MUNICIPAL
        by = Circumstances(
            at=now,
            person=step.person or f"{'kommune' if municipal else 'imdi'}-{step.role}",
            organisation=step.organisation or (OSLO_KOMMUNE if municipal else IMDI),
            role=step.role,
            channel="portal",
            command=f"c{number}",
        )
        case = service.handle(Request(step=step.name, case=case, call=ID, data=step.data, by=by)).case
    assert case is not None
    return case


def told(service: Service, query: str) -> "Sequence[dict[str, Any]]":
    projector = Projector(service.store, projections())
    projector.catch_up()
    return projector.rows(query)


def closed() -> tuple[Step, ...]:
    digest = report_of(reported()).digest
    return *paid(), report(), sign(digest), countersign(digest), accept()


def test_r28_every_event_of_a_case_answers_who_what_when_and_by_which_way(service: Service) -> None:
    case = lived(service, *closed())
    entries = service.store.load(case)
    assert entries[-1].event.stamp.state == "closed"
    for entry in entries:
        stamp = entry.event.stamp
        assert all((stamp.person, stamp.organisation, stamp.role, stamp.step, stamp.command, stamp.state))
        assert stamp.channel == "portal"
        assert stamp.recorded_at.utcoffset() == timedelta(0)
    on_authority = {entry.event.topic for entry in entries if entry.event.stamp.authority}
    assert on_authority == {ApplicationApproved.topic, ApplicationGranted.topic, LetterIssued.topic}


def test_r28_the_audit_trail_has_every_event_there_is(service: Service) -> None:
    lived(service, *closed())
    rows = told(service, "SELECT position, person, step FROM audit_trail ORDER BY position")
    assert [row["position"] for row in rows] == [entry.position for entry in service.store.read(0, 1000)]
    assert all(row["person"] and row["step"] for row in rows)


def test_r31_what_is_due_reaches_the_municipality_in_both_languages(service: Service) -> None:
    due = call_2023().deadlines["report"].reminders[0]
    clock = {"role": "clock", "person": "clock"}
    reminder = Step("remind", {"deadline": "report", "due_at": due.isoformat()}, at=due, **clock)
    overdue = Step("mark-overdue", {"deadline": "report"}, at=REPORT_DEADLINE, **clock)
    lived(service, *paid(), reminder, overdue)
    notices = told(service, "SELECT about, organisation, nb, nn, due_at FROM notices ORDER BY position")
    assert [notice["about"] for notice in notices] == [
        "receipt-issued@1", LetterIssued.topic, PaymentConfirmed.topic, ReminderSent.topic, "marked-overdue@1",
    ]  # fmt: skip
    assert {notice["organisation"] for notice in notices} == {OSLO_KOMMUNE}
    assert all(notice["nb"] and notice["nn"] for notice in notices)
    assert [notice["due_at"] for notice in notices[-2:]] == [REPORT_DEADLINE, REPORT_DEADLINE]


def test_r32_the_recipients_are_published_with_municipality_project_and_amount(service: Service) -> None:
    lived(service, *paid())
    published = told(service, "SELECT * FROM recipients WHERE year = 2023")
    assert [(row["municipality"], row["project"]) for row in published] == [("Oslo", "Rett i jobb")]
    assert [(row["granted_ore"], row["paid_ore"]) for row in published] == [(80_000_000, 80_000_000)]


def test_r32_a_grant_belongs_to_the_calls_year_also_when_it_is_decided_after_it(service: Service) -> None:
    lived(service, *assessed(), declared("decider"), grant().when(NEW_YEAR_UTC))
    assert told(service, "SELECT year FROM recipients") == [{"year": 2023}]


@pytest.mark.parametrize(
    "history",
    [drafted(), submitted(), (*assessed(), declared("decider"), reject())],
    ids=["draft", "submitted", "rejected"],
)
def test_r32_nobody_is_published_who_was_granted_nothing(service: Service, history: tuple[Step, ...]) -> None:
    lived(service, *history)
    assert told(service, "SELECT * FROM recipients WHERE year IS NOT NULL OR granted_ore > 0") == []


def test_r33_the_answer_stands_in_the_history_after_the_original(service: Service) -> None:
    asked = {"what": "Kopi av fullmakten.", "due": "2023-08-21"}
    answer = {"request": 1, "answer": "Fullmakten er fra 2022."}
    case = lived(
        service,
        *submitted(),
        declared(),
        Step("request-information", asked, role="case-officer"),
        Step("supply", answer),
    )
    topics = [row["topic"] for row in told(service, "SELECT topic FROM audit_trail ORDER BY position")]
    assert topics.index("application-submitted@1") < topics.index("information-supplied@1")
    kept = service.states.case(case)
    assert kept.content_digest == kept.submitted


def test_r34_the_letter_is_kept_with_its_reservations(service: Service) -> None:
    lived(service, *granted(), letter())
    trail = told(service, "SELECT topic, facts FROM audit_trail")
    letters = [row for row in trail if row["topic"] == LetterIssued.topic]
    assert set(letters[0]["facts"]["reservations"]) == set(call_2023().letter.reservations)


def test_r35_the_whole_definition_is_an_event_and_each_case_names_its_digest(service: Service) -> None:
    case = service.states.case(lived(service, *drafted()))
    published = next(e.event for e in service.store.read(0, 10) if isinstance(e.event, CallPublished))
    assert published.digest == case.definition == Call.read(published.files).digest == call_2023().digest
    assert "[[assumptions]]" in published.files[CALL]


def test_r36_an_answer_that_matters_is_open_to_all_applicants(service: Service) -> None:
    service.calls.answer_question(ID, "Kan vi søke to ganger?", "Ja.", manager("answer-1"))
    service.calls.answer_question(ID, "Teller frivillige?", "Nei.", manager("answer-2"))
    answers = service.states.announcement(ID).answers
    assert [(a.question, a.answer) for a in answers] == [
        ("Kan vi søke to ganger?", "Ja."),
        ("Teller frivillige?", "Nei."),
    ]
    rows = told(service, "SELECT person FROM audit_trail WHERE topic = 'question-answered@1'")
    assert [row["person"] for row in rows] == ["imdi-lead", "imdi-lead"]


def test_r36_only_the_directorate_behind_the_call_answers_and_says_something(service: Service) -> None:
    with pytest.raises(RoleNotAllowed):
        service.calls.answer_question(ID, "?", "!", manager("a", role="case-officer"))
    with pytest.raises(NotTheAuthority):
        service.calls.answer_question(ID, "?", "!", manager("b", organisation=OSLO_KOMMUNE))
    for question, answer in ((" ", "Ja."), ("Kan vi?", "")):
        with pytest.raises(BadRequest):
            service.calls.answer_question(ID, question, answer, manager(f"c{answer}"))
    assert service.states.announcement(ID).answers == ()
