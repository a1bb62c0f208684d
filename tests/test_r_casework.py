"""How an application is handled and decided (R2, R3, R16, R19, R20, R28-R30, R34; fvl §§ 6-11, 24-25, 27)."""

from decimal import Decimal
from typing import Any

import pytest
from given import Given, Step
from steps import (
    AFTER_DEADLINE,
    BLOCKS,
    GRANTED,
    RESERVATIONS,
    approved,
    assess,
    assessed,
    call_2023,
    declared,
    drafted,
    grant,
    granted,
    letter,
    reject,
    scored,
    scores,
    submit,
    submitted,
)

from grantflow.domain.assessment import CaseAssessed, CriterionScored
from grantflow.domain.casework import CaseAssigned, StatementRecorded
from grantflow.domain.decision import ApplicationGranted, ApplicationRejected, LetterIssued
from grantflow.domain.errors import (
    BadRequest,
    FrameExceeded,
    NotAllowed,
    NotFound,
    NotReady,
    RoleNotAllowed,
    StepNotAllowed,
)
from grantflow.domain.frame import Frame, FrameCommitted
from grantflow.domain.submission import ApplicationSubmitted, ApplicationWithdrawn, ReceiptIssued

LANGUAGE = {"project": {"language_training": True}}
CONSULT = Step("consult", {"body": "HK-dir", "question": "Følger dette læreplanen?"}, role="case-officer")
STATEMENT = Step("record-statement", {"body": "HK-dir", "statement": "Ja."}, role="case-officer")


def handled(**changes: Any) -> Given:
    return Given(call_2023(), *submitted(**changes), declared().when(AFTER_DEADLINE))


def test_a_receipt_goes_out_at_once() -> None:
    Given(call_2023(), *drafted(), approved()).when(submit()).then(ApplicationSubmitted, ReceiptIssued)


def test_r2_points_need_grounds() -> None:
    handled().when(scored("purpose").saying(grounds=" ")).refused(BadRequest)


def test_r16_points_are_given_on_the_calls_criteria_within_their_scale() -> None:
    handled().when(scored("charm")).refused(NotFound)
    for points in (0, 7):
        handled().when(scored("purpose", points)).refused(NotAllowed)
    handled().when(scored("purpose", 6)).then(CriterionScored)


def test_r16_the_weights_of_the_criteria_add_up_to_a_hundred_and_name_their_source() -> None:
    assert sum(criterion.weight for criterion in call_2023().criteria) == 100
    assert all(criterion.source for criterion in call_2023().criteria)


def test_r16_the_score_is_the_weighted_mean_of_every_assessors_points() -> None:
    given = handled().and_then(*scores())
    given = given.and_then(declared("assessor"), scored("purpose", 2).by("imdi-assessor", "assessor"))
    case = given.when(assess()).then(CaseAssessed)
    assert case.assessment is not None
    assert case.assessment.score == Decimal("4.48"), "35 % of 3.5, and 65 % of 5, rounded half to even"


def test_r16_an_assessment_lacking_a_criterion_is_not_closed() -> None:
    handled().and_then(*scores()[1:]).when(assess()).refused(NotReady)


def test_r30_language_training_waits_for_a_statement_that_was_asked_for() -> None:
    given = handled(**LANGUAGE).and_then(*scores())
    given.when(assess()).refused(NotReady)
    given.when(STATEMENT).refused(NotReady)
    asked = given.and_then(CONSULT)
    asked.when(assess()).refused(NotReady)
    asked.when(STATEMENT).then(StatementRecorded)
    asked.and_then(STATEMENT).when(assess()).then(CaseAssessed)


def test_r30_an_application_without_language_training_does_not_wait() -> None:
    handled().and_then(*scores()).when(assess()).then(CaseAssessed)


def test_the_assessment_waits_for_an_answer_until_its_day_is_over() -> None:
    asked = Step("request-information", {"what": "Send avtalen.", "due": "2023-09-15"}, role="case-officer")
    given = handled().and_then(asked, *scores())
    given.when(assess()).refused(NotReady)
    given.when(assess().when(AFTER_DEADLINE.replace(day=16))).then(CaseAssessed)


def test_a_case_is_not_assigned_to_somebody_who_is_disqualified() -> None:
    related = declared(conflict=True).by("imdi-sister")
    to_sister = Step("assign", {"case_officer": "imdi-sister"}, role="case-officer")
    given = handled().and_then(related)
    given.when(to_sister).refused(NotAllowed)
    given.when(to_sister.saying(case_officer="imdi-other")).then(CaseAssigned)


def test_a_conflict_is_not_taken_back() -> None:
    refusal = handled().and_then(declared("decider", conflict=True)).when(declared("decider")).refusal
    assert refusal is not None
    assert refusal.code == "disqualified"


def test_an_applicant_withdraws_before_the_decision_and_not_after() -> None:
    withdraw = Step("withdraw", {"reason": "Prosjektet er lagt på is."})
    for history in (drafted(), submitted(), assessed()):
        case = Given(call_2023(), *history).when(withdraw).then(ApplicationWithdrawn)
        assert case.content, "nothing is deleted"
    Given(call_2023(), *granted()).when(withdraw).refused(StepNotAllowed)


def test_r3_a_grant_past_the_frame_is_refused_and_one_that_uses_it_up_is_not() -> None:
    for limit, kind in ((79_999_999, None), (80_000_000, FrameCommitted)):
        frame = Frame(id=Given(call_2023()).frame.id, version=1, limit_ore=limit)
        outcome = Given(call_2023(), *assessed(), declared("decider"), frame=frame).when(grant())
        if kind is None:
            outcome.refused(FrameExceeded)
        else:
            outcome.then(kind, ApplicationGranted)


def test_r19_later_years_are_intentions_and_take_nothing_of_the_frame() -> None:
    given = Given(call_2023(), *assessed(), declared("decider"))
    given.when(grant(later_years=[{"year": 2024, "amount": "900000.00"}])).then(
        FrameCommitted, ApplicationGranted
    )
    assert given.frame.committed_ore == 80_000_000


def test_r19_the_grant_year_itself_is_no_later_year() -> None:
    given = Given(call_2023(), *assessed(), declared("decider"))
    given.when(grant(later_years=[{"year": 2023, "amount": "1.00"}])).refused(NotAllowed)


def test_r20_a_grant_is_never_higher_than_asked_and_may_be_lower() -> None:
    given = Given(call_2023(), *assessed(), declared("decider"))
    given.when(grant("900000.01")).refused(NotAllowed)
    given.when(grant("0.01")).then(FrameCommitted, ApplicationGranted)


def test_r20_a_recommended_amount_is_never_higher_than_asked() -> None:
    handled().and_then(*scores()).when(assess("900000.01")).refused(NotAllowed)


@pytest.mark.parametrize("missing", ["legal_basis", "budget_cover", "economically_sound"])
def test_a_grant_needs_each_of_the_three_confirmations(missing: str) -> None:
    confirmed = {"legal_basis": True, "budget_cover": True, "economically_sound": True, missing: False}
    given = Given(call_2023(), *assessed(), declared("decider"))
    given.when(grant(confirmations=confirmed)).refused(NotAllowed)


@pytest.mark.parametrize("part", ["rule", "facts", "considerations"])
def test_a_decision_without_one_part_of_its_grounds_is_refused(part: str) -> None:
    given = Given(call_2023(), *assessed(), declared("decider"))
    for decision in (grant(), reject()):
        given.when(decision.saying(grounds={**decision.data["grounds"], part: " "})).refused(BadRequest)


def test_a_decision_names_the_authority_it_rests_on() -> None:
    given = Given(call_2023(), *assessed(), declared("decider"))
    given.when(grant(authority=" ")).refused(BadRequest)
    case = given.when(grant()).then(FrameCommitted, ApplicationGranted)
    assert case.decision is not None
    assert case.decision.authority == "IMDi-2023-014"


def test_r28_every_event_says_who_when_for_whom_in_which_role_by_which_channel_and_on_what_command() -> None:
    for event in Given(call_2023(), *granted(), letter()).events:
        stamp = event.stamp
        assert stamp.person
        assert stamp.organisation
        assert stamp.role
        assert stamp.channel
        assert stamp.command
        assert stamp.step in call_2023().process.steps
        assert stamp.recorded_at.utcoffset() is not None


def test_r29_the_call_says_that_there_is_no_appeal_and_the_letter_must_say_so_too() -> None:
    assert call_2023().declared.legal_regime.appeal is False
    without = {name: text for name, text in RESERVATIONS.items() if name != "no-appeal"}
    Given(call_2023(), *granted()).when(letter().saying(reservations=without)).refused(NotAllowed)


@pytest.mark.parametrize("block", list(BLOCKS))
def test_r34_a_letter_lacking_one_of_its_five_blocks_is_refused(block: str) -> None:
    given = Given(call_2023(), *granted())
    given.when(letter().saying(blocks={**BLOCKS, block: " "})).refused(NotAllowed)


@pytest.mark.parametrize("reservation", list(RESERVATIONS))
def test_r34_a_letter_lacking_a_reservation_is_refused(reservation: str) -> None:
    without = {name: text for name, text in RESERVATIONS.items() if name != reservation}
    Given(call_2023(), *granted()).when(letter().saying(reservations=without)).refused(NotAllowed)


def test_the_letter_is_issued_once_and_signed_by_whoever_decided() -> None:
    given = Given(call_2023(), *granted(), letter().by("imdi-decider"))
    issued = given.events[-1]
    assert isinstance(issued, LetterIssued)
    assert issued.signed_by == "imdi-decider"
    given.when(letter()).refused(NotAllowed)


def test_a_rejection_has_a_letter_of_its_own() -> None:
    rejection = {
        "blocks": {"decision": "Avslag.", "grounds": "Rammen."},
        "reservations": {"no-appeal": "Nei."},
    }
    given = Given(call_2023(), *assessed(), declared("decider"))
    given.when(reject()).then(ApplicationRejected)
    given.when(letter()).refused(NotAllowed)
    given.when(letter().saying(**rejection)).then(LetterIssued)


def test_a_case_officer_does_not_decide() -> None:
    given = Given(call_2023(), *assessed(), declared("decider"))
    given.when(grant(GRANTED).by("imdi-x", "case-officer")).refused(RoleNotAllowed)
