"""Prior notice of what is to the party's detriment: reversal, reduction, a claim of money; and time to answer (L5)."""

from datetime import UTC, datetime, timedelta

import pytest
from given import STAVANGER, Given, Step
from reports import report_of
from steps import (
    GROUNDS,
    accept,
    assessed,
    call_2023,
    countersign,
    declared,
    granted,
    letter,
    paid,
    reject,
    report,
    sign,
)

from grantflow.domain.errors import BadRequest, NotAllowed, NotReady, NotYourCase, RoleNotAllowed
from grantflow.domain.frame import FrameReleased
from grantflow.domain.letters import LetterIssued
from grantflow.domain.repayment import RepaymentClaimed, RepaymentNotified
from grantflow.domain.reversal import DecisionReversed, GrantReduced, NoticeAnswered, ReversalNotified

MICROSECOND = timedelta(microseconds=1)
ON = {"grounds": GROUNDS, "authority": "IMDi-2023-014"}
LIMIT = datetime(2023, 9, 20, 22, 0, tzinfo=UTC)
"""The first instant after 20 September in Oslo."""
CLAIM_LIMIT = datetime(2024, 3, 1, 23, 0, tzinfo=UTC)
CHEAPER = {"expenses": [{"text": "Leder", "booked_on": "2023-11-30", "amount": "1.00", "class": "project"}]}

NOTICE = Step(
    "notify-reversal", {"reason": "Vilkår er ikke fulgt.", "answer_by": "2023-09-20"}, role="case-officer"
)
CLAIM_NOTICE = Step(
    "notify-repayment", {"reason": "Midler er ikke brukt.", "answer_by": "2024-03-01"}, role="case-officer"
)
ANSWER = Step("answer-notice", {"answer": "Vi er uenige."})
CLAIM = Step(
    "claim-repayment",
    {"due": "2024-04-01", "reason": "Ubrukte midler.", "authority": "IMDi-2023-014"},
    role="decider",
)
REVERSE = Step("reverse", {"case_of_35": "invalid", **ON}, role="decider")
REDUCE = Step("reduce", {"amount": "500000.00", "case_of_35": "reserved", **ON}, role="decider")


def told() -> Given:
    """A grant that the municipality has been told of."""
    return Given(call_2023(), *granted(), letter())


def unspent() -> Given:
    """A case whose accepted report leaves money to be claimed."""
    given = Given(call_2023(), *paid(), report(accounts=CHEAPER))
    digest = report_of(given).digest
    return given.and_then(sign(digest), countersign(digest), accept())


@pytest.mark.parametrize("step", [REVERSE, REDUCE], ids=["reverse", "reduce"])
def test_l5_nothing_is_taken_from_a_party_that_has_been_told_without_notice(step: Step) -> None:
    assert "notify-reversal" in told().when(step).refused(NotReady).detail


@pytest.mark.parametrize(
    ("step", "kind"), [(REVERSE, DecisionReversed), (REDUCE, GrantReduced)], ids=["reverse", "reduce"]
)
def test_l5_nothing_is_taken_before_the_time_to_answer_has_passed_unless_the_party_has_answered(
    step: Step, kind: type[DecisionReversed | GrantReduced]
) -> None:
    given = told().and_then(NOTICE)
    given.when(step.when(LIMIT - MICROSECOND)).refused(NotReady)
    given.and_then(ANSWER).when(step).then(FrameReleased, kind)
    given.when(step.when(LIMIT)).then(FrameReleased, kind)


def test_l5_nothing_is_claimed_without_notice_or_before_the_time_to_answer_has_passed_unless_answered() -> (
    None
):
    unspent().when(CLAIM).refused(NotReady)
    given = unspent().and_then(CLAIM_NOTICE)
    given.when(CLAIM.when(CLAIM_LIMIT - MICROSECOND)).refused(NotReady)
    given.and_then(ANSWER).when(CLAIM.saying(reason=" ")).refused(BadRequest)
    given.and_then(ANSWER).when(CLAIM).then(RepaymentClaimed)
    given.when(CLAIM.when(CLAIM_LIMIT)).then(RepaymentClaimed)


def test_l5_an_answer_to_a_notice_of_reversal_is_no_answer_to_a_notice_of_a_claim() -> None:
    other = NOTICE.saying(answer_by="2024-03-01")
    given = unspent().and_then(CLAIM_NOTICE, other, ANSWER)
    given.when(CLAIM.when(CLAIM_LIMIT - MICROSECOND)).refused(NotReady)


def test_l5_a_notice_says_why_and_gives_time_and_is_recorded_with_what_it_is_of() -> None:
    given = told()
    given.when(NOTICE.saying(reason=" ")).refused(BadRequest)
    given.when(NOTICE.when(LIMIT)).refused(NotAllowed)
    case = given.when(NOTICE.when(LIMIT - MICROSECOND)).then(ReversalNotified)
    assert case.notice is not None
    assert (case.notice.what, case.notice.reason, case.notice.answer_limit) == (
        "reversal", "Vilkår er ikke fulgt.", LIMIT
    )  # fmt: skip
    claim = unspent()
    claim.when(CLAIM_NOTICE.saying(reason="")).refused(BadRequest)
    claim.when(CLAIM_NOTICE.when(CLAIM_LIMIT)).refused(NotAllowed)
    notified = claim.when(CLAIM_NOTICE).then(RepaymentNotified)
    assert notified.notice is not None
    assert notified.notice.what == "repayment"


def test_l5_the_party_answers_once_and_nobody_for_it() -> None:
    given = told().and_then(NOTICE)
    given.when(ANSWER.saying(answer=" ")).refused(BadRequest)
    given.when(ANSWER.of(STAVANGER)).refused(NotYourCase)
    given.when(ANSWER.by("imdi-case-officer", "case-officer")).refused(RoleNotAllowed)
    case = given.when(ANSWER).then(NoticeAnswered)
    assert case.notice is not None
    assert case.notice.answer == "Vi er uenige."
    given.when(ANSWER).refused(NotReady)
    told().when(ANSWER).refused(NotReady)


def test_l5_one_notice_is_for_one_decision() -> None:
    given = told().and_then(NOTICE, ANSWER, REDUCE, letter())
    again = REDUCE.saying(amount="400000.00")
    given.when(again).refused(NotReady)
    given.when(ANSWER).refused(NotReady)
    given.and_then(NOTICE, ANSWER).when(again).then(FrameReleased, GrantReduced)


@pytest.mark.parametrize("case_of_35", ["not-told", "invalid", "reserved"])
@pytest.mark.parametrize("step", [REVERSE, REDUCE], ids=["reverse", "reduce"])
def test_l5_a_reduction_that_is_not_told_yet_opens_no_way_round_the_notice(
    step: Step, case_of_35: str
) -> None:
    """The party has been told of the grant; that the letter about the reduction has not gone makes no difference."""
    given = told().and_then(NOTICE, ANSWER, REDUCE)
    outcome = given.when(step.saying(case_of_35=case_of_35, **({"amount": "1.00"} if step is REDUCE else {})))
    assert isinstance(outcome.refusal, NotReady | NotAllowed)


def test_l5_what_the_party_has_not_been_told_of_needs_no_notice() -> None:
    Given(call_2023(), *granted()).when(REVERSE).then(FrameReleased, DecisionReversed)
    Given(call_2023(), *granted()).when(REDUCE.saying(case_of_35="invalid")).then(FrameReleased, GrantReduced)


def test_l5_what_is_to_the_partys_advantage_needs_no_notice() -> None:
    given = Given(call_2023(), *assessed(), declared("decider"), reject())
    given.when(Step("issue-letter", role="decider")).then(LetterIssued)
    given.when(REVERSE.saying(case_of_35="not-to-detriment")).then(DecisionReversed)
