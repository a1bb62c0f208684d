"""Who may not: four-eyes on persons, impartiality before the first touch, money never too early or too much."""

from given import STAVANGER, Given
from steps import (
    assessed,
    attest,
    call_2023,
    countersign,
    declared,
    drafted,
    edited,
    grant,
    granted,
    letter,
    paid,
    report,
    scored,
    sign,
    submitted,
)

from grantflow.domain.errors import (
    Disqualified,
    FrameExceeded,
    ImpartialityNotDeclared,
    NotAllowed,
    NotReady,
    NotYourCase,
    RoleNotAllowed,
    SamePerson,
)
from grantflow.domain.frame import Frame


def test_whoever_granted_cannot_attest_whatever_role_they_hold() -> None:
    given = Given(call_2023(), *granted(), letter())
    given.when(attest().by("imdi-decider")).refused(SamePerson)


def test_whoever_registered_the_account_cannot_decide() -> None:
    given = Given(call_2023(), *assessed())
    given.when(grant().by("imdi-case-officer")).refused(SamePerson)


def test_the_project_lead_cannot_countersign_the_accounts() -> None:
    given = Given(call_2023(), *paid(), report())
    digest = given.case.report.digest if given.case.report else ""
    given.and_then(sign(digest)).when(countersign(digest).by("kommune-project-lead")).refused(SamePerson)


def test_nobody_touches_a_case_before_declaring_impartiality() -> None:
    Given(call_2023(), *submitted()).when(scored("purpose")).refused(ImpartialityNotDeclared)


def test_a_disqualified_case_officer_is_barred() -> None:
    Given(call_2023(), *submitted(), declared(conflict=True)).when(scored("purpose")).refused(Disqualified)


def test_another_municipality_does_not_see_that_the_case_exists() -> None:
    Given(call_2023(), *drafted()).when(edited("project", title="Ikke min").of(STAVANGER)).refused(
        NotYourCase
    )


def test_an_applicant_cannot_decide() -> None:
    Given(call_2023(), *assessed()).when(grant().by("p", "applicant")).refused(RoleNotAllowed)


def test_r20_a_grant_above_what_was_asked_is_refused() -> None:
    Given(call_2023(), *assessed(), declared("decider")).when(grant("900000.01")).refused(NotAllowed)


def test_r3_a_grant_past_the_frame_is_refused() -> None:
    frame = Frame(id=Given(call_2023()).frame.id, version=1, limit_ore=79_999_999)
    Given(call_2023(), *assessed(), declared("decider"), frame=frame).when(grant()).refused(FrameExceeded)


def test_r34_a_letter_without_its_blocks_is_refused() -> None:
    given = Given(call_2023(), *granted())
    given.when(letter().saying(blocks={"purpose": "Bare formålet."})).refused(NotAllowed)


def test_r23_nothing_is_attested_before_the_letter() -> None:
    Given(call_2023(), *granted(), declared("attestant")).when(attest()).refused(NotReady)
