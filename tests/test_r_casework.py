"""Casework and assessment: who may touch a case, what is asked and answered, statements of others (R30, R33)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from given import Given, Step
from steps import (
    assess,
    assessed,
    call_2023,
    declared,
    drafted,
    scored,
    scores,
    submitted,
)

from grantflow.domain.assessment import CaseAssessed
from grantflow.domain.casework import (
    CaseAssigned,
    ImpartialityDeclared,
    InformationRequested,
    InformationSupplied,
    StatementRecorded,
    StatementRequested,
)
from grantflow.domain.errors import (
    BadRequest,
    Disqualified,
    ImpartialityNotDeclared,
    NotAllowed,
    NotFound,
    NotReady,
    StepNotAllowed,
)

LANGUAGE_TRAINING = {"language_training": True}
HK_DIR = "HK-dir"
DUE = datetime(2023, 8, 21, 22, 0, tzinfo=UTC)
"""The first instant after 21 August in Oslo."""


def handled(**changes: dict[str, Any]) -> Given:
    """A submitted case whose case officer has declared."""
    return Given(call_2023(), *submitted(**changes), declared())


def ready(**changes: dict[str, Any]) -> Given:
    return handled(**changes).and_then(*scores())


def asked(due: str = "2023-08-21", what: str = "Kopi av fullmakten.") -> Step:
    return Step("request-information", {"what": what, "due": due}, role="case-officer")


def supplied(request: int = 1, answer: str = "Fullmakten er fra 2022.") -> Step:
    return Step("supply", {"request": request, "answer": answer})


def consulted(body: str = HK_DIR) -> Step:
    return Step("consult", {"body": body, "question": "Følger opplegget læreplanen?"}, role="case-officer")


def stated(body: str = HK_DIR) -> Step:
    return Step("record-statement", {"body": body, "statement": "Ja."}, role="case-officer")


def assigned(officer: str = "imdi-case-officer") -> Step:
    return Step("assign", {"case_officer": officer}, role="case-officer")


TOUCHES = [
    assigned(), asked(), consulted(), stated(), scored("purpose"), assess(),
    Step("register-account", {"account": "12345678903"}, role="case-officer"),
]  # fmt: skip


@pytest.mark.parametrize("step", TOUCHES, ids=lambda step: step.name)
def test_nobody_touches_a_case_before_declaring_impartiality(step: Step) -> None:
    Given(call_2023(), *submitted()).when(step).refused(ImpartialityNotDeclared)


@pytest.mark.parametrize("step", TOUCHES, ids=lambda step: step.name)
def test_whoever_declared_a_conflict_touches_nothing(step: Step) -> None:
    Given(call_2023(), *submitted(), declared(conflict=True)).when(step).refused(Disqualified)


def test_a_conflict_is_not_taken_back() -> None:
    Given(call_2023(), *submitted(), declared(conflict=True)).when(declared()).refused(Disqualified)


def test_a_conflict_that_arises_later_is_declared_later() -> None:
    given = handled()
    case = given.when(declared(conflict=True)).then(ImpartialityDeclared)
    assert case.conflicts == {"imdi-case-officer": True}


def test_a_conflict_says_why() -> None:
    Given(call_2023(), *submitted()).when(declared(conflict=True).saying(reason="")).refused(BadRequest)


def test_the_same_declaration_twice_is_refused() -> None:
    handled().when(declared()).refused(NotAllowed)


def test_another_persons_declaration_opens_nothing() -> None:
    handled().when(scored("purpose").by("imdi-colleague")).refused(ImpartialityNotDeclared)


def test_a_case_is_given_to_a_case_officer() -> None:
    assert handled().when(assigned("imdi-b")).then(CaseAssigned).case_officer == "imdi-b"


def test_a_case_is_not_given_to_somebody_with_a_conflict_in_it() -> None:
    given = handled().and_then(declared(conflict=True).by("imdi-kin"))
    given.when(assigned("imdi-kin")).refused(NotAllowed)


def test_a_case_is_given_to_somebody() -> None:
    handled().when(assigned(" ")).refused(BadRequest)


def test_what_is_missing_is_asked_for_with_a_day_to_answer_by() -> None:
    outcome = handled().when(asked())
    outcome.then(InformationRequested)
    event = outcome.events[0]
    assert isinstance(event, InformationRequested)
    assert (event.request, event.due) == (1, DUE)


def test_a_day_that_is_over_gives_no_time_to_answer() -> None:
    handled().when(asked("2023-08-13")).refused(NotAllowed)


def test_a_request_says_what_is_missing() -> None:
    handled().when(asked(what="")).refused(BadRequest)


def test_r33_the_answer_stands_beside_the_original_which_is_unchanged() -> None:
    given = handled().and_then(asked())
    before = given.case
    case = given.when(supplied()).then(InformationSupplied)
    assert (case.content, case.submitted, case.attachments) == (
        before.content,
        before.submitted,
        before.attachments,
    )
    assert case.content_digest == case.submitted
    assert case.requests[0].answer == "Fullmakten er fra 2022."
    assert case.requests[0].answered_at == given.now


def test_r33_what_was_answered_stays() -> None:
    handled().and_then(asked(), supplied()).when(supplied(answer="Noe annet.")).refused(NotAllowed)


def test_r33_nothing_is_supplied_that_was_not_asked_for() -> None:
    handled().when(supplied()).refused(NotFound)
    handled().and_then(asked()).when(supplied(2)).refused(NotFound)


def test_r33_an_answer_is_not_empty() -> None:
    handled().and_then(asked()).when(supplied(answer="\n")).refused(BadRequest)


def test_r33_each_answer_goes_to_its_own_request() -> None:
    case = (
        handled()
        .and_then(asked(), asked(what="Budsjettets del to."))
        .when(supplied(2))
        .then(InformationSupplied)
    )
    assert [request.answer for request in case.requests] == [None, "Fullmakten er fra 2022."]


def test_r33_after_the_assessment_nothing_is_supplied() -> None:
    Given(call_2023(), *assessed()).when(supplied()).refused(StepNotAllowed)


def test_the_assessment_is_not_closed_while_an_answer_may_still_come() -> None:
    given = ready().and_then(asked())
    given.when(assess().when(DUE - timedelta(microseconds=1))).refused(NotReady)
    given.when(assess().when(DUE)).then(CaseAssessed)


def test_the_assessment_is_closed_when_all_is_answered() -> None:
    ready().and_then(asked(), supplied()).when(assess()).then(CaseAssessed)


def test_r30_an_application_with_language_training_waits_for_the_statement_of_hk_dir() -> None:
    given = ready(project=LANGUAGE_TRAINING)
    assert "HK-dir" in given.when(assess()).refused(NotReady).detail
    given.when(consulted()).then(StatementRequested)
    given.when(assess()).refused(NotReady)
    assert given.when(stated()).then(StatementRecorded).statements == {HK_DIR: "Ja."}
    given.when(assess()).then(CaseAssessed)


def test_r30_another_bodys_statement_is_not_the_one_that_is_needed() -> None:
    given = ready(project=LANGUAGE_TRAINING).and_then(consulted("UDI"), stated("UDI"))
    given.when(assess()).refused(NotReady)
    given.and_then(consulted(), consulted("Statsforvalteren"), stated()).when(assess()).then(CaseAssessed)


def test_r30_an_application_without_language_training_needs_no_statement() -> None:
    ready().when(assess()).then(CaseAssessed)


def test_r30_a_statement_is_recorded_from_a_body_that_was_asked() -> None:
    handled(project=LANGUAGE_TRAINING).when(stated()).refused(NotReady)
    handled(project=LANGUAGE_TRAINING).and_then(consulted()).when(stated("UDI")).refused(NotReady)


def test_r30_what_is_asked_and_what_is_stated_is_said_in_words() -> None:
    given = handled(project=LANGUAGE_TRAINING)
    given.when(consulted(" ")).refused(BadRequest)
    given.when(consulted().saying(question="")).refused(BadRequest)
    given.and_then(consulted()).when(stated().saying(statement="\n")).refused(BadRequest)


def test_r30_after_the_assessment_no_statement_is_recorded() -> None:
    Given(call_2023(), *assessed()).when(stated()).refused(StepNotAllowed)


def test_a_draft_is_not_handled() -> None:
    Given(call_2023(), *drafted()).when(declared()).refused(StepNotAllowed)
