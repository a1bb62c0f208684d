"""Who may say yes for the municipality, to what, and until when (R4, R22, R33, R35)."""

import base64

import pytest
from given import DEADLINE, Given, Step
from steps import (
    JUST_IN_TIME,
    approved,
    call_2023,
    content,
    declared,
    drafted,
    edited,
    submit,
    submitted,
)

from grantflow.domain.approval import ApplicationApproved
from grantflow.domain.casework import InformationSupplied
from grantflow.domain.drafting import ApprovalVoided, DocumentAttached, DocumentDetached, SectionEdited
from grantflow.domain.errors import (
    ApprovalOutdated,
    BadRequest,
    NotAllowed,
    NotFound,
    PastDeadline,
    RoleNotAllowed,
    StepNotAllowed,
)
from grantflow.domain.submission import ApplicationSubmitted, ReceiptIssued

DELEGATION = {"reference": "KS 22/118", "issued_by": "kommunedirektøren", "valid_from": "2023-01-01"}
PDF = b"%PDF-1.7\n%%EOF\n"
GRUNERLOKKA = "030102"


def attached(document: bytes = PDF, name: str = "plan.pdf", kind: str = "application/pdf") -> Step:
    encoded = base64.b64encode(document).decode()
    return Step("attach", {"filename": name, "media_type": kind, "content": encoded})


def by_delegate(**delegation: str) -> Step:
    return approved().saying(capacity="delegate", delegation={**DELEGATION, **delegation})


def test_r4_the_last_microsecond_of_the_day_is_in_time() -> None:
    given = Given(call_2023(), *drafted(), approved())
    given.when(submit().when(JUST_IN_TIME)).then(ApplicationSubmitted, ReceiptIssued)


def test_r4_the_first_instant_of_the_next_day_is_too_late() -> None:
    Given(call_2023(), *drafted(), approved()).when(submit().when(DEADLINE)).refused(PastDeadline)


def test_r4_the_date_ends_at_midnight_in_oslo() -> None:
    assert call_2023().limit("application").isoformat() == "2023-08-28T22:00:00+00:00"
    assert call_2023().limit("report").isoformat() == "2024-02-01T23:00:00+00:00"


def test_r22_nobody_submits_what_no_director_approved() -> None:
    Given(call_2023(), *drafted()).when(submit()).refused(StepNotAllowed)


def test_r22_an_adviser_does_not_approve() -> None:
    Given(call_2023(), *drafted()).when(approved().by("p", "applicant")).refused(RoleNotAllowed)


def test_r22_an_edit_after_approval_voids_it() -> None:
    given = Given(call_2023(), *drafted(), approved())
    given.when(edited("project", title="Et annet navn")).then(SectionEdited, ApprovalVoided)
    assert given.case.approval is None
    given.when(submit()).refused(StepNotAllowed)


def test_r22_a_document_attached_or_taken_out_after_approval_voids_it() -> None:
    given = Given(call_2023(), *drafted(), approved())
    given.when(attached()).then(DocumentAttached, ApprovalVoided)
    digest = given.case.attachments[0].digest
    again = given.and_then(approved())
    again.when(Step("detach", {"digest": digest})).then(DocumentDetached, ApprovalVoided)


def test_r22_approving_another_content_than_the_one_seen_is_refused() -> None:
    Given(call_2023(), *drafted()).when(approved().saying(content="0" * 64)).refused(ApprovalOutdated)


def test_r22_what_is_submitted_is_exactly_what_was_approved() -> None:
    case = Given(call_2023(), *drafted(), approved()).when(submit()).then(ApplicationSubmitted, ReceiptIssued)
    assert case.approval is not None
    assert case.submitted == case.approval.content == case.content_digest


def test_r22_a_delegate_approves_on_a_delegation_in_force() -> None:
    case = Given(call_2023(), *drafted()).when(by_delegate()).then(ApplicationApproved)
    assert case.approval is not None
    assert case.approval.delegation is not None
    assert case.approval.delegation.reference == "KS 22/118"


@pytest.mark.parametrize(
    "delegation", [{"valid_to": "2023-08-13"}, {"valid_from": "2023-08-15"}, {"reference": " "}]
)
def test_r22_a_delegation_that_is_not_in_force_or_not_named_is_refused(delegation: dict[str, str]) -> None:
    Given(call_2023(), *drafted()).when(by_delegate(**delegation)).refused(NotAllowed)


def test_r22_a_delegate_without_a_delegation_is_refused() -> None:
    Given(call_2023(), *drafted()).when(approved().saying(capacity="delegate")).refused(NotAllowed)


def test_r22_a_director_approves_by_office_and_not_on_a_delegation() -> None:
    Given(call_2023(), *drafted()).when(approved().saying(delegation=DELEGATION)).refused(NotAllowed)


def test_r22_a_district_director_approves_for_a_district_of_the_applicant() -> None:
    given = Given(call_2023(), *drafted(applicant={"district": GRUNERLOKKA}))
    given.when(approved().saying(capacity="district-director")).then(ApplicationApproved)


@pytest.mark.parametrize("district", [None, "110301"])
def test_r22_a_district_director_of_no_district_of_the_applicant_is_refused(district: str | None) -> None:
    fields = {"district": district} if district else {}
    given = Given(call_2023(), *drafted(applicant=fields))
    given.when(approved().saying(capacity="district-director")).refused(NotAllowed)


@pytest.mark.parametrize(
    ("document", "refusal"),
    [
        (attached(b"MZ this is a program"), NotAllowed),
        (attached(kind="text/html"), NotAllowed),
        (attached(b""), NotAllowed),
        (attached(PDF + b"x" * 10_000_000), NotAllowed),
        (attached(name="../../etc/passwd"), BadRequest),
        (attached(name=" "), BadRequest),
        (attached(name="x" * 201), BadRequest),
    ],
    ids=["not a pdf", "type", "empty", "too large", "path", "no name", "long name"],
)
def test_a_document_that_is_not_what_the_call_takes_is_refused(
    document: Step, refusal: type[NotAllowed]
) -> None:
    Given(call_2023(), *drafted()).when(document).refused(refusal)


def test_the_same_document_twice_or_one_too_many_is_refused() -> None:
    Given(call_2023(), *drafted(), attached()).when(attached()).refused(NotAllowed)
    many = [attached(PDF + str(n).encode()) for n in range(call_2023().attachments.max_count)]
    Given(call_2023(), *drafted(), *many).when(attached()).refused(NotAllowed)


def test_a_document_that_is_not_there_cannot_be_taken_out() -> None:
    Given(call_2023(), *drafted()).when(Step("detach", {"digest": "0" * 64})).refused(NotFound)


def test_r33_nothing_is_changed_after_submission() -> None:
    Given(call_2023(), *submitted()).when(edited("project", title="For sent")).refused(StepNotAllowed)
    Given(call_2023(), *submitted()).when(attached()).refused(StepNotAllowed)


def test_r33_an_answer_to_a_request_stands_beside_the_original_also_after_the_deadline() -> None:
    asked = Step(
        "request-information", {"what": "Send avtalen.", "due": "2023-09-15"}, role="case-officer"
    ).when(DEADLINE)
    given = Given(call_2023(), *submitted(), declared(), asked)
    before = given.case.content_digest
    case = given.when(Step("supply", {"request": 1, "answer": "Her er den."})).then(InformationSupplied)
    assert case.content_digest == case.submitted == before
    assert [(request.what, request.answer) for request in case.requests] == [("Send avtalen.", "Her er den.")]
    assert case.content == content()


def test_r33_an_answer_is_given_once_and_to_a_question_that_was_asked() -> None:
    asked = Step("request-information", {"what": "Send avtalen.", "due": "2023-09-15"}, role="case-officer")
    supply = Step("supply", {"request": 1, "answer": "Her er den."})
    given = Given(call_2023(), *submitted(), declared(), asked)
    given.when(supply.saying(request=2)).refused(NotFound)
    given.and_then(supply).when(supply.saying(answer="En annen.")).refused(NotAllowed)


def test_r35_a_case_is_bound_to_the_exact_definition_it_began_under() -> None:
    assert Given(call_2023(), *drafted()).case.definition == call_2023().digest


def test_r35_what_is_approved_includes_the_definition() -> None:
    case = Given(call_2023(), *drafted()).case
    assert case.but(definition="0" * 64).content_digest != case.content_digest


def test_r35_the_ambiguities_of_the_text_are_settled_in_the_definition() -> None:
    settled = {assumption.id for assumption in call_2023().assumptions}
    assert {"end-of-day", "unit-of-the-frame", "several-applications", "what-the-deadline-binds"} <= settled
