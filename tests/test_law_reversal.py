"""Reversal: an authority goes back on its decision in the four cases of fvl § 35, and in no other (L8)."""

import pytest
from given import FRAME, Given, Step
from steps import (
    ASKED,
    GROUNDS,
    assessed,
    attest,
    authorise,
    call_2023,
    declared,
    grant,
    granted,
    letter,
    paid,
    reject,
)

from grantflow.domain.decision import ApplicationGranted
from grantflow.domain.errors import BadRequest, NoAuthority, NotAllowed, NotReady, StepNotAllowed
from grantflow.domain.frame import Frame, FrameCommitted, FrameReleased
from grantflow.domain.money import ore
from grantflow.domain.reversal import DecisionReversed, GrantReduced

ON = {"grounds": GROUNDS, "authority": "IMDi-2023-014"}
HEARD = (
    Step("notify-reversal", {"reason": "Nye opplysninger.", "answer_by": "2024-03-01"}, role="case-officer"),
    Step("answer-notice", {"answer": "Vi har ingen merknader."}),
)
TOLD = Step("issue-letter", role="decider")
TO_DECIDE = (*assessed(), declared("decider"))
DISMISSED = (*TO_DECIDE, Step("dismiss", {"cause": "too-late", **ON}, role="decider"))
HISTORIES = {
    "granted": granted(),
    "granted and told": (*granted(), letter(), *HEARD),
    "rejected": (*TO_DECIDE, reject()),
    "rejected and told": (*TO_DECIDE, reject(), TOLD),
    "dismissed": DISMISSED,
    "dismissed and told": (*DISMISSED, TOLD),
}
ALLOWED = {
    "granted": {"not-told", "invalid"},
    "granted and told": {"invalid", "reserved"},
    "rejected": {"not-to-detriment", "not-told", "invalid"},
    "rejected and told": {"not-to-detriment", "invalid"},
    "dismissed": {"not-to-detriment", "not-told", "invalid"},
    "dismissed and told": {"not-to-detriment", "invalid"},
}
"""Which cases of § 35 there are, by what was decided and whether the party has been told."""
CASES_OF_35 = ("not-to-detriment", "not-told", "invalid", "reserved")


def reverse(case_of_35: str = "invalid", **changes: object) -> Step:
    return Step("reverse", {"case_of_35": case_of_35, **ON, **changes}, role="decider")


def reduce(amount: str = "500000.00", case_of_35: str = "reserved", **changes: object) -> Step:
    return Step("reduce", {"amount": amount, "case_of_35": case_of_35, **ON, **changes}, role="decider")


@pytest.mark.parametrize("case_of_35", CASES_OF_35)
@pytest.mark.parametrize("history", sorted(HISTORIES))
def test_l8_a_decision_is_reversed_where_the_act_says_so_and_nowhere_else(
    history: str, case_of_35: str
) -> None:
    outcome = Given(call_2023(), *HISTORIES[history]).when(reverse(case_of_35))
    if case_of_35 in ALLOWED[history]:
        kinds = [FrameReleased, DecisionReversed] if "granted" in history else [DecisionReversed]
        outcome.then(*kinds)
    else:
        assert "§ 35" in outcome.refused(NotAllowed).detail or case_of_35 == "reserved"


@pytest.mark.parametrize("case_of_35", CASES_OF_35)
@pytest.mark.parametrize("history", ["granted", "granted and told"])
def test_l8_a_grant_is_reduced_in_the_same_cases(history: str, case_of_35: str) -> None:
    outcome = Given(call_2023(), *HISTORIES[history]).when(reduce(case_of_35=case_of_35))
    if case_of_35 in ALLOWED[history]:
        outcome.then(FrameReleased, GrantReduced)
    else:
        outcome.refused(NotAllowed)


def test_l8_a_reversal_names_its_case_of_the_act_and_there_are_four() -> None:
    given = Given(call_2023(), *granted())
    given.when(reverse("because")).refused(BadRequest)
    lacking = Step("reverse", {"grounds": GROUNDS, "authority": "IMDi-2023-014"}, role="decider")
    given.when(lacking).refused(BadRequest)
    case = given.when(reverse("not-told")).then(FrameReleased, DecisionReversed)
    (reversal,) = case.reversals
    assert (reversal.outcome, reversal.case_of_35, reversal.person) == ("granted", "not-told", "imdi-decider")
    assert (reversal.authority, reversal.told) == ("IMDi-2023-014", False)


def test_l8_what_is_reversed_is_decided_anew_and_both_decisions_stay_in_the_history() -> None:
    given = Given(call_2023(), *granted(), reverse("not-told"))
    assert (given.case.state, given.case.decision) == ("assessed", None)
    given = given.and_then(TOLD)
    given.when(grant("700000.00")).then(FrameCommitted, ApplicationGranted)
    amounts = [event.amount_ore for event in given.events if isinstance(event, ApplicationGranted)]
    assert amounts == [80_000_000, 70_000_000]


@pytest.mark.parametrize("step", [grant(), reject()], ids=["grant", "reject"])
def test_l8_nothing_is_decided_anew_before_the_party_is_told_of_the_reversal(step: Step) -> None:
    given = Given(call_2023(), *granted(), reverse("not-told"))
    assert "told of the reversal" in given.when(step).refused(NotReady).detail
    assert given.and_then(TOLD).when(step).refusal is None


def test_l8_a_dismissed_application_that_is_taken_up_again_is_considered_from_where_it_stood() -> None:
    given = Given(call_2023(), *DISMISSED, reverse("not-to-detriment"))
    assert given.case.state == "submitted"


def test_l8_a_reversal_gives_the_frame_back_what_it_held_in_the_same_step() -> None:
    others = Frame(id=FRAME, version=1, limit_ore=ore(ASKED))
    given = Given(call_2023(), *granted(), frame=others)
    assert given.frame.left_ore == 10_000_000
    given.when(reverse("not-told")).then(FrameReleased, DecisionReversed)
    assert (given.frame.left_ore, given.frame.commitments) == (ore(ASKED), {})
    assert given.events[-2].stamp.command == given.events[-1].stamp.command
    given = given.and_then(TOLD)
    given.when(grant(ASKED)).then(FrameCommitted, ApplicationGranted)


def test_l8_a_reduction_keeps_what_is_left_of_the_grant_and_gives_back_the_rest() -> None:
    given = Given(call_2023(), *granted())
    before = given.frame.left_ore
    case = given.when(reduce("500000.01", "not-told")).then(FrameReleased, GrantReduced)
    assert case.decision is not None
    assert case.decision.amount_ore == 50_000_001
    assert given.frame.left_ore == before + 29_999_999
    released = given.events[-2]
    assert isinstance(released, FrameReleased)
    assert (released.amount_ore, released.remaining_ore) == (29_999_999, 50_000_001)
    assert released.left_ore == given.frame.left_ore


@pytest.mark.parametrize("amount", ["800000.00", "800000.01", "900000.00"])
def test_l8_a_reduction_goes_below_what_was_granted(amount: str) -> None:
    Given(call_2023(), *granted()).when(reduce(amount, "not-told")).refused(NotAllowed)


def test_l8_nothing_is_reduced_that_was_not_granted_or_to_nothing() -> None:
    Given(call_2023(), *HISTORIES["rejected"]).when(reduce("1.00", "invalid")).refused(StepNotAllowed)
    Given(call_2023(), *granted()).when(reduce("0.00", "invalid")).refused(BadRequest)


def test_l8_the_last_instalments_are_the_ones_that_are_cut() -> None:
    instalments = [
        {"amount": "300000.00"},
        {"amount": "300000.00", "due": "2023-11-01"},
        {"amount": "200000.00"},
    ]
    given = Given(call_2023(), *granted(instalments=instalments))
    case = given.when(reduce("450000.00", "not-told")).then(FrameReleased, GrantReduced)
    assert case.decision is not None
    assert [one.amount_ore for one in case.decision.instalments] == [30_000_000, 15_000_000]


def test_l8_what_is_paid_or_on_its_way_is_not_set_aside() -> None:
    on_its_way = (
        *granted(),
        letter(),
        declared("attestant"),
        attest(),
        declared("payer"),
        authorise(),
        *HEARD,
    )
    given = Given(call_2023(), *on_its_way)
    given.when(reverse()).refused(NotAllowed)
    given.when(reduce()).refused(NotReady)
    Given(call_2023(), *paid(), *HEARD).when(reverse()).refused(StepNotAllowed)
    Given(call_2023(), *paid(), *HEARD).when(reduce()).then(FrameReleased, GrantReduced)


@pytest.mark.parametrize(
    "step", [reverse("not-told"), reduce(case_of_35="not-told")], ids=["reverse", "reduce"]
)
def test_l8_a_reversal_needs_a_written_authority_as_the_decision_did(step: Step) -> None:
    given = Given(call_2023(), *granted())
    given.when(step.saying(authority="")).refused(BadRequest)
    given.when(step.saying(authority="IMDi-2023-099")).refused(NoAuthority)
    given.when(step.saying(authority="IMDi-2023-015")).refused(NoAuthority)
