"""Assessment: points with grounds on the call's own criteria, and one recommendation (R2, R16-R20)."""

from decimal import Decimal
from typing import Any

import pytest
from given import Given
from steps import ASKED, assess, call_2023, declared, scored, scores, submitted

from grantflow.domain.application import Application
from grantflow.domain.assessment import CaseAssessed, CriterionScored
from grantflow.domain.call import CALL, Call
from grantflow.domain.errors import BadRequest, NotAllowed, NotFound, NotReady


def handled() -> Given:
    """A submitted case whose case officer has declared."""
    return Given(call_2023(), *submitted(), declared())


def ready() -> Given:
    return handled().and_then(*scores())


def score_of(case: Application) -> Decimal:
    assert case.assessment is not None
    return case.assessment.score


def test_r16_criteria_scale_and_weights_are_data_of_the_call_with_their_source() -> None:
    criteria = call_2023().criteria
    assert [(c.id, c.weight, c.minimum, c.maximum) for c in criteria] == [
        ("purpose", 35, 1, 6), ("delivery-capacity", 25, 1, 6),
        ("transfer-value", 25, 1, 6), ("priority-theme", 15, 1, 6),
    ]  # fmt: skip
    assert sum(criterion.weight for criterion in criteria) == 100
    assert all("R" in criterion.source for criterion in criteria)


def test_r16_the_score_is_the_weighted_mean_of_the_points() -> None:
    points = {"purpose": 6, "delivery-capacity": 4, "transfer-value": 3, "priority-theme": 1}
    given = handled().and_then(*(scored(criterion, n) for criterion, n in points.items()))
    assert score_of(given.when(assess()).then(CaseAssessed)) == Decimal("4.00")


def test_r16_several_assessors_are_averaged_on_each_criterion() -> None:
    other = declared().by("imdi-second")
    given = ready().and_then(other, scored("purpose", 6).by("imdi-second"))
    assert score_of(given.when(assess()).then(CaseAssessed)) == Decimal("5.18"), "5.175, rounded half to even"


def test_r16_other_weights_in_the_call_give_another_score() -> None:
    files = call_2023().files
    text = files[CALL].replace("weight = 35", "weight = 15").replace("weight = 25", "weight = 45", 1)
    given = Given(Call.read({**files, CALL: text}), *submitted(), declared(), *scores(), scored("purpose", 1))
    assert score_of(given.when(assess()).then(CaseAssessed)) == Decimal("4.40")


def test_r16_points_of_somebody_who_turns_out_to_be_disqualified_do_not_count() -> None:
    other = declared("assessor")
    given = ready().and_then(other, scored("purpose", 1).by("imdi-assessor", "assessor"))
    given = given.and_then(declared("assessor", conflict=True))
    assert score_of(given.when(assess()).then(CaseAssessed)) == Decimal("5.00")


def test_r16_points_given_again_replace_ones_own_and_both_stay_in_the_history() -> None:
    given = ready().and_then(scored("purpose", 1))
    assert score_of(given.when(assess()).then(CaseAssessed)) == Decimal("3.60")
    assert sum(isinstance(event, CriterionScored) for event in given.events) == 5


@pytest.mark.parametrize("criterion", [criterion.id for criterion in call_2023().criteria])
def test_r16_the_assessment_needs_points_on_each_criterion(criterion: str) -> None:
    given = handled().and_then(*(step for step in scores() if step.data["criterion"] != criterion))
    assert criterion in given.when(assess()).refused(NotReady).detail


@pytest.mark.parametrize("points", [0, 7])
def test_r16_points_off_the_scale_are_refused(points: int) -> None:
    assert "1 to 6" in handled().when(scored("purpose", points)).refused(NotAllowed).detail


@pytest.mark.parametrize("points", [1, 6])
def test_r16_both_ends_of_the_scale_are_points(points: int) -> None:
    handled().when(scored("purpose", points)).then(CriterionScored)


@pytest.mark.parametrize("points", ["5", 5.5])
def test_r16_points_are_whole_numbers(points: Any) -> None:
    handled().when(scored("purpose").saying(points=points)).refused(BadRequest)


def test_r16_a_criterion_that_the_call_does_not_have_is_refused_with_those_it_has() -> None:
    assert "transfer-value" in handled().when(scored("beauty")).refused(NotFound).detail


@pytest.mark.parametrize(
    ("row", "criterion"),
    [("R2", "purpose"), ("R17", "purpose"), ("R18", "priority-theme"), ("R19", "transfer-value")],
)
def test_r2_what_people_judge_is_a_criterion_that_names_its_row(row: str, criterion: str) -> None:
    declared_criterion = {c.id: c for c in call_2023().criteria}[criterion]
    assert row in declared_criterion.source


def test_r2_points_say_who_gave_them_when_and_why() -> None:
    outcome = handled().when(scored("purpose"))
    case = outcome.then(CriterionScored)
    stamp = outcome.events[0].stamp
    assert (stamp.person, stamp.role, stamp.recorded_at) == (
        "imdi-case-officer",
        "case-officer",
        case.recorded_at,
    )
    assert case.scores[0].grounds == "Godt begrunnet."


def test_r2_points_without_grounds_are_refused() -> None:
    handled().when(scored("purpose").saying(grounds=" ")).refused(BadRequest)


def test_r20_no_more_is_recommended_than_was_asked_for() -> None:
    ready().when(assess("900000.01")).refused(NotAllowed)
    ready().when(assess(ASKED)).then(CaseAssessed)


def test_a_recommended_grant_names_an_amount_and_a_recommended_rejection_none() -> None:
    ready().when(assess().saying(amount=None)).refused(BadRequest)
    ready().when(assess("0.00")).refused(BadRequest)
    ready().when(assess(None).saying(amount="1.00")).refused(NotAllowed)
    ready().when(assess(None)).then(CaseAssessed)


def test_a_recommendation_has_grounds() -> None:
    ready().when(assess().saying(grounds="")).refused(BadRequest)
