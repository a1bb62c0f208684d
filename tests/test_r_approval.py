"""What the director approves is what is submitted, in the portal, before the deadline (R4, R6, R21, R22)."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from given import CASE, DEADLINE, STAVANGER, Given, Step
from steps import (
    CONTENT,
    JUST_IN_TIME,
    approved,
    call_2023,
    drafted,
    edited,
    started,
    submit,
    submitted,
)

from grantflow.domain.application import Application
from grantflow.domain.approval import ApplicationApproved
from grantflow.domain.authority import Authorities, Authority
from grantflow.domain.drafting import ApplicationStarted, ApprovalVoided, SectionEdited
from grantflow.domain.errors import (
    ApprovalOutdated,
    BadRequest,
    NoAuthority,
    NotAllowed,
    PastDeadline,
    RoleNotAllowed,
    RulesFailed,
    StepNotAllowed,
)
from grantflow.domain.parts import Organisation
from grantflow.domain.submission import ApplicationSubmitted, ReceiptIssued

GRORUD, NOT_A_DISTRICT = "030110", "030199"
DRAMMEN = "921234554"
SUMMER_TIME = timezone(timedelta(hours=2))
REFERENCE = "KS 22/118"


def as_delegate(reference: str = REFERENCE) -> Step:
    return approved().saying(capacity="delegate", delegation=reference)


def delegated(**terms: Any) -> Given:
    """A draft of a municipality that has delegated approval to whoever is about to approve, on these terms."""
    usual: dict[str, Any] = {
        "scope": "approval",
        "person": "kommune-director",
        "issued_by": "kommunedirektøren",
    }
    period = {"valid_from": date(2023, 8, 14), "valid_to": date(2023, 8, 20)}
    held = Authority(reference=REFERENCE, **(usual | period | terms))
    authorities = Authorities(id=CASE, delegations={REFERENCE: held})
    return Given(call_2023(), *drafted(), authorities=authorities)


def as_district_director() -> Step:
    return approved().saying(capacity="district-director")


def in_district(number: str) -> tuple[Step, ...]:
    return drafted(applicant={"district": number})


def approval_of(case: Application) -> Any:
    assert case.approval is not None
    return case.approval


def test_r4_the_last_microsecond_of_28_august_in_oslo_is_in_time() -> None:
    given = Given(call_2023(), *drafted(), approved())
    given.when(submit().when(JUST_IN_TIME)).then(ApplicationSubmitted, ReceiptIssued)


@pytest.mark.parametrize(
    "instant",
    [
        DEADLINE,
        datetime(2023, 8, 28, 22, 0, tzinfo=UTC),
        datetime(2023, 8, 29, 0, 0, tzinfo=SUMMER_TIME),
        datetime(2023, 8, 28, 23, 59, 59, tzinfo=UTC),
    ],
)
def test_r4_the_first_instant_of_29_august_in_oslo_and_all_after_it_are_too_late(instant: datetime) -> None:
    given = Given(call_2023(), *drafted(), approved())
    refusal = given.when(submit().when(instant)).refused(PastDeadline)
    assert "29.08.2023 00.00" in refusal.detail


@pytest.mark.parametrize("section", sorted(CONTENT))
def test_r21_an_application_that_lacks_a_part_of_the_form_can_not_be_approved(section: str) -> None:
    given = Given(call_2023(), *(s for s in drafted() if s.data.get("section") != section))
    refusal = given.when(approved()).refused(RulesFailed, "form")
    assert refusal.failures[0].path == section


def test_r21_a_part_that_the_form_does_not_have_is_refused() -> None:
    step = Step("edit", {"section": "attachments-by-post", "content": {}})
    Given(call_2023(), started()).when(step).refused(RulesFailed, "form")


def test_r21_a_field_that_the_form_does_not_have_is_refused() -> None:
    Given(call_2023(), started()).when(edited("project", participant_names=["Kari"])).refused(
        RulesFailed, "form"
    )


def test_r21_each_event_says_by_which_channel_it_came() -> None:
    given = Given(call_2023(), *submitted())
    assert {event.stamp.channel for event in given.events} == {"test"}


def test_r21_the_same_part_saved_twice_changes_nothing() -> None:
    Given(call_2023(), *drafted()).when(edited("project")).refused(NotAllowed)


def test_r22_nothing_is_submitted_without_an_approval() -> None:
    Given(call_2023(), *drafted()).when(submit()).refused(StepNotAllowed)


def test_r22_an_applicant_can_not_approve() -> None:
    Given(call_2023(), *drafted()).when(approved().by("kommune-applicant", "applicant")).refused(
        RoleNotAllowed
    )


def test_r22_what_is_submitted_is_what_the_municipal_director_approved() -> None:
    given = Given(call_2023(), *drafted(), approved())
    seen = approval_of(given.case)
    case = given.when(submit()).then(ApplicationSubmitted, ReceiptIssued)
    assert case.submitted == seen.content == case.content_digest
    assert (seen.capacity, seen.person) == ("municipal-director", "kommune-director")


def test_r22_an_edit_after_approval_voids_it() -> None:
    given = Given(call_2023(), *drafted(), approved())
    outcome = given.when(edited("project", title="Et annet navn"))
    case = outcome.then(SectionEdited, ApprovalVoided)
    assert (case.approval, case.state) == (None, "draft")
    given.when(submit()).refused(StepNotAllowed)


def test_r22_after_a_new_approval_the_changed_content_is_submitted() -> None:
    change = edited("project", title="Et annet navn")
    given = Given(call_2023(), *drafted(), approved(), change, approved())
    given.when(submit()).then(ApplicationSubmitted, ReceiptIssued)


@pytest.mark.parametrize(
    "lost",
    [{"approval": None}, {"content": CONTENT | {"project": {**CONTENT["project"], "title": "Et annet"}}}],
)
def test_r22_what_differs_from_the_approval_is_not_submitted_however_it_came_about(
    lost: dict[str, Any],
) -> None:
    given = Given(call_2023(), *drafted(), approved())
    given.case = given.case.but(**lost)
    given.when(submit()).refused(ApprovalOutdated)


def test_r22_an_approval_of_another_content_than_the_one_seen_is_refused() -> None:
    Given(call_2023(), *drafted()).when(approved().saying(content="0" * 64)).refused(ApprovalOutdated)


def test_r22_an_approval_of_exactly_the_content_seen_is_accepted() -> None:
    given = Given(call_2023(), *drafted())
    given.when(approved().saying(content=given.case.content_digest)).then(ApplicationApproved)


def test_r22_an_employee_with_an_authority_in_force_approves_on_it() -> None:
    outcome = delegated().when(as_delegate())
    case = outcome.then(ApplicationApproved)
    held = approval_of(case).delegation
    assert (held.reference, held.issued_by) == (REFERENCE, "kommunedirektøren")
    assert (held.valid_from, held.valid_to) == (date(2023, 8, 14), date(2023, 8, 20))
    assert outcome.events[0].stamp.authority == REFERENCE


@pytest.mark.parametrize("day", [14, 20])
def test_r22_an_authority_holds_on_its_first_and_on_its_last_day(day: int) -> None:
    at = datetime(2023, 8, day, 21, 59, tzinfo=UTC)
    delegated().when(as_delegate().when(at)).then(ApplicationApproved)


def test_r22_an_authority_without_an_end_holds_on() -> None:
    delegated(valid_to=None).when(as_delegate().when(JUST_IN_TIME)).then(ApplicationApproved)


def test_r22_an_authority_that_is_over_in_oslo_is_refused() -> None:
    at = datetime(2023, 8, 20, 22, 0, tzinfo=UTC)
    refusal = delegated().when(as_delegate().when(at)).refused(NoAuthority)
    assert "KS 22/118 is not in force on 2023-08-21" in refusal.detail


def test_r22_an_authority_that_has_not_begun_is_refused() -> None:
    refusal = delegated(valid_from=date(2023, 8, 15)).when(as_delegate()).refused(NoAuthority)
    assert "KS 22/118 is not in force on 2023-08-14" in refusal.detail


def test_r22_an_authority_that_is_revoked_is_refused_from_that_instant_on() -> None:
    revoked = datetime(2023, 8, 16, 10, tzinfo=UTC)
    given = delegated(revoked_at=revoked)
    given.when(as_delegate().when(revoked)).refused(NoAuthority)
    given.when(as_delegate().when(revoked - timedelta(microseconds=1))).then(ApplicationApproved)


def test_r22_an_employee_without_an_authority_is_refused() -> None:
    delegated().when(approved().saying(capacity="delegate")).refused(NotAllowed)


@pytest.mark.parametrize("reference", ["KS 22/119", "ks 22/118", " KS 22/118", ""])
def test_r22_an_authority_that_nobody_has_recorded_is_refused(reference: str) -> None:
    refusal = delegated().when(as_delegate(reference)).refused(NoAuthority)
    assert "Recorded for you: KS 22/118" in refusal.detail


@pytest.mark.parametrize(
    "other", [{"person": "kommune-colleague"}, {"scope": "budget"}, {"call": "imdi-2024-tillegg"}]
)
def test_r22_an_authority_of_somebody_else_or_for_something_else_is_refused(other: dict[str, str]) -> None:
    delegated(**other).when(as_delegate()).refused(NoAuthority)


def test_r22_an_authority_may_be_for_this_call_alone() -> None:
    delegated(call=call_2023().id).when(as_delegate()).then(ApplicationApproved)


def test_r22_terms_that_come_with_the_approval_itself_are_no_authority() -> None:
    made_up = {"reference": REFERENCE, "issued_by": "kommunedirektøren", "valid_from": "2023-08-14"}
    delegated().when(approved().saying(capacity="delegate", delegation=made_up)).refused(BadRequest)


def test_r22_a_director_approves_by_office_and_names_no_authority() -> None:
    delegated().when(approved().saying(delegation=REFERENCE)).refused(NotAllowed)


def test_r22_a_capacity_that_the_call_does_not_know_is_refused() -> None:
    Given(call_2023(), *drafted()).when(approved().saying(capacity="mayor")).refused(BadRequest)


def test_r22_the_director_of_a_district_of_the_applicant_approves() -> None:
    case = Given(call_2023(), *in_district(GRORUD)).when(as_district_director()).then(ApplicationApproved)
    assert approval_of(case).capacity == "district-director"


def test_r22_a_district_director_without_a_district_in_the_application_is_refused() -> None:
    Given(call_2023(), *drafted()).when(as_district_director()).refused(NotAllowed)


def test_r22_the_director_of_a_district_of_another_municipality_is_refused() -> None:
    steps = [step.of(STAVANGER) for step in in_district(GRORUD)]
    Given(call_2023(), *steps).when(as_district_director().of(STAVANGER)).refused(NotAllowed)


@pytest.mark.parametrize("step", [approved(), as_delegate()])
def test_r6_a_district_that_is_not_the_applicants_is_refused_whoever_approves(step: Step) -> None:
    given = Given(call_2023(), *(part.of(STAVANGER) for part in in_district(GRORUD)))
    given.when(step.of(STAVANGER)).refused(NotAllowed)


def test_r6_a_district_that_does_not_exist_is_refused() -> None:
    Given(call_2023(), *in_district(NOT_A_DISTRICT)).when(approved()).refused(NotAllowed)


def test_r6_a_municipal_director_may_approve_for_a_district() -> None:
    Given(call_2023(), *in_district(GRORUD)).when(approved()).then(ApplicationApproved)


def test_r6_the_register_of_the_day_in_oslo_decides_who_is_a_municipality() -> None:
    register = call_2023().register
    last, after = datetime(2023, 12, 31, 22, 59, 59, tzinfo=UTC), datetime(2023, 12, 31, 23, tzinfo=UTC)
    before, now = register.municipality(DRAMMEN, last), register.municipality(DRAMMEN, after)
    assert before is not None
    assert now is not None
    assert (before.number, before.county) == ("3005", "Viken")
    assert (now.number, now.county) == ("3301", "Buskerud")
    viken, buskerud = "921693230", "930580260"
    assert [register.county(viken, at) is not None for at in (last, after)] == [True, False]
    assert [register.county(buskerud, at) is not None for at in (last, after)] == [False, True]


def test_r6_a_case_keeps_the_number_that_the_applicant_had_when_it_began() -> None:
    """Drammen was 3005 when the call was open, and is 3301 when it hears of the decision."""
    given = Given(call_2023(), *(step.of(DRAMMEN) for step in drafted()))
    assert given.case.applicant == Organisation(DRAMMEN, "Drammen", "3005", "Viken")
    late = given.and_then(
        edited("project", title="Nytt navn").of(DRAMMEN).when(datetime(2024, 1, 2, tzinfo=UTC))
    )
    assert late.case.applicant == given.case.applicant


def test_r6_nobody_applies_who_is_no_municipality_on_that_day_in_oslo() -> None:
    """The register that ships begins with 2020, when the year has come in Oslo."""
    new_year = datetime(2019, 12, 31, 23, tzinfo=UTC)
    eve = started().of(STAVANGER).when(new_year - timedelta(microseconds=1))
    Given(call_2023()).when(eve).refused(RulesFailed, "applicant-is-a-municipality")
    Given(call_2023()).when(started().of(STAVANGER).when(new_year)).then(ApplicationStarted)
