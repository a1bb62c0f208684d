"""The legal regime is a setting of the call: appeal or none, prior notice and grounds or none (L9; and so L5, L6)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from given import Given, Step
from reports import report_of
from steps import (
    GROUNDS,
    RESERVATIONS,
    accept,
    assessed,
    call_2023,
    countersign,
    declared,
    grant,
    granted,
    letter,
    paid,
    reject,
    report,
    sign,
)

from grantflow.domain.call import CALL, LETTERS, Call
from grantflow.domain.complaint import ComplaintAnswered, ComplaintRegistered
from grantflow.domain.decision import ApplicationRejected
from grantflow.domain.errors import BadRequest, NotAllowed, NotFound, NotReady, RoleNotAllowed
from grantflow.domain.frame import FrameReleased
from grantflow.domain.letters import LetterIssued
from grantflow.domain.repayment import RepaymentClaimed
from grantflow.domain.reversal import DecisionReversed, GrantReduced

ON = {"grounds": GROUNDS, "authority": "IMDi-2023-014"}
NO_GROUNDS = dict.fromkeys(GROUNDS, "")
STANDARD = Step("issue-letter", role="decider")
TO_DECIDE = (*assessed(), declared("decider"))
TOLD = (*TO_DECIDE, reject(), STANDARD)
"""A rejection whose letter is issued on 4 September 2023."""
REVERSE = Step("reverse", {"case_of_35": "invalid", **ON}, role="decider")
REDUCE = Step("reduce", {"amount": "500000.00", "case_of_35": "invalid", **ON}, role="decider")
CHEAPER = {"expenses": [{"text": "Leder", "booked_on": "2023-11-30", "amount": "1.00", "class": "project"}]}
CLAIM = {"due": "2024-04-01", "reason": "Ubrukt.", "authority": "IMDi-2023-014"}


def with_regime(setting: str, instead: str) -> Call:
    """The call with one line of its legal regime replaced."""
    files = call_2023().files
    assert files[CALL].count(f"\n{setting}\n") == 1
    return Call.read({**files, CALL: files[CALL].replace(f"\n{setting}\n", f"\n{instead}\n")})


def with_appeal() -> Call:
    """The call as it would be with an appeal, and its letters to match."""
    files = call_2023().files
    regime = with_regime("appeal = false", 'appeal = true\nappeal_body = "Departementet"').files[CALL]
    letters = files[LETTERS].replace("no-appeal = ", "appeal = ")
    return Call.read({**files, CALL: regime.replace('"no-appeal"', '"appeal"'), LETTERS: letters})


def complaint(day: str | None = None, at: datetime | None = None) -> Step:
    return Step("register-complaint", {"text": "Vi er uenige i vedtaket.", "received_on": day}, at=at)


def answer(outcome: str, number: int = 1) -> Step:
    data = {"complaint": number, "outcome": outcome, "answer": "Saken er vurdert på nytt."}
    return Step("answer-complaint", data, role="decider")


def registered(given: Given) -> ComplaintRegistered:
    return [event for event in given.events if isinstance(event, ComplaintRegistered)][-1]


def test_l9_the_2023_call_has_no_appeal_and_keeps_to_the_acts_other_rules() -> None:
    regime = call_2023().legal_regime
    assert (regime.appeal, regime.prior_notice, regime.grounds) == (False, True, True)
    assert "forvaltningsloven §§ 3, 28" in regime.source


def test_l9_without_appeal_a_complaint_is_registered_and_looked_at_as_a_wish_for_reversal() -> None:
    given = Given(call_2023(), *TOLD)
    case = given.when(complaint(at=datetime(2025, 1, 1, tzinfo=UTC))).then(ComplaintRegistered)
    assert (registered(given).looked_at_as, registered(given).in_time) == ("wish-for-reversal", True)
    assert case.state == "rejected"


@pytest.mark.parametrize("outcome", ["forwarded", "dismissed"])
def test_l9_without_appeal_nothing_is_forwarded_to_an_appeal_body_or_dismissed(outcome: str) -> None:
    given = Given(call_2023(), *TOLD, complaint())
    assert "no appeal" in given.when(answer(outcome)).refused(NotAllowed).detail


def test_l9_a_wish_for_reversal_that_is_granted_is_carried_out_by_a_reversal() -> None:
    given = Given(call_2023(), *TOLD, complaint())
    case = given.when(answer("to-be-reversed")).then(ComplaintAnswered)
    assert case.decision is not None, "the answer alone reverses nothing"
    reverse = REVERSE.saying(case_of_35="not-to-detriment")
    assert given.when(reverse).then(DecisionReversed).state == "assessed"


def test_l9_each_complaint_is_answered_once_with_reasons_by_those_who_decide() -> None:
    given = Given(call_2023(), *TOLD, complaint(), complaint())
    given.when(answer("not-reversed", 3)).refused(NotFound)
    given.when(answer("not-reversed").saying(answer=" ")).refused(BadRequest)
    given.when(answer("not-reversed").by("imdi-case-officer", "case-officer")).refused(RoleNotAllowed)
    case = given.when(answer("not-reversed", 2)).then(ComplaintAnswered)
    assert [one.outcome for one in case.complaints] == ["", "not-reversed"]
    given.when(answer("to-be-reversed", 2)).refused(NotAllowed)


def test_l9_a_complaint_says_something_and_came_on_a_day_that_has_been() -> None:
    at = datetime(2023, 9, 10, 21, 59, 59, 999_999, tzinfo=UTC)
    given = Given(call_2023(), *TOLD)
    given.when(complaint().saying(text=" ")).refused(BadRequest)
    given.when(complaint("2023-09-11", at)).refused(BadRequest)
    given.when(complaint("2023-09-11", at + timedelta(microseconds=1))).then(ComplaintRegistered)


def test_l9_with_an_appeal_the_letter_tells_of_it_and_never_of_none() -> None:
    given = Given(with_appeal(), *granted())
    assert "missing: appeal" in given.when(letter()).refused(NotAllowed).detail
    right = {name: text for name, text in RESERVATIONS.items() if name != "no-appeal"} | {
        "appeal": "Klagefrist."
    }
    given.when(letter().saying(reservations=right)).then(LetterIssued)


@pytest.mark.parametrize(
    ("day", "in_time"),
    [("2023-09-04", True), ("2023-09-25", True), ("2023-09-26", False), ("2024-09-04", False)],
)
def test_l9_an_appeal_comes_in_time_to_the_end_of_the_twenty_first_day_after_the_letter(
    day: str, *, in_time: bool
) -> None:
    given = Given(with_appeal(), *TOLD)
    assert given.now.date() == date(2023, 9, 4)
    case = given.when(complaint(day, datetime(2024, 9, 4, tzinfo=UTC))).then(ComplaintRegistered)
    assert (registered(given).looked_at_as, case.complaints[0].in_time) == ("appeal", in_time)


def test_l9_the_day_an_appeal_came_is_the_one_in_oslo() -> None:
    last = datetime(2023, 9, 25, 21, 59, 59, 999_999, tzinfo=UTC)
    given = Given(with_appeal(), *TOLD)
    given.when(complaint(at=last)).then(ComplaintRegistered)
    given.when(complaint(at=last + timedelta(microseconds=1))).then(ComplaintRegistered)
    assert [one.in_time for one in given.case.complaints] == [True, False]


def test_l9_an_appeal_in_time_is_forwarded_or_leads_to_reversal_and_is_neither_refused_nor_dismissed() -> (
    None
):
    given = Given(with_appeal(), *TOLD, complaint(), complaint())
    given.when(answer("dismissed")).refused(NotAllowed)
    assert "Departementet" in given.when(answer("not-reversed")).refused(NotAllowed).detail
    given.when(answer("forwarded")).then(ComplaintAnswered)
    given.when(answer("to-be-reversed", 2)).then(ComplaintAnswered)


def test_l9_an_appeal_that_came_too_late_may_be_dismissed() -> None:
    given = Given(with_appeal(), *TOLD, complaint(at=datetime(2023, 9, 27, tzinfo=UTC)))
    given.when(answer("dismissed")).then(ComplaintAnswered)


def test_l9_whether_an_appeal_came_in_time_goes_by_the_day_as_corrected() -> None:
    given = Given(with_appeal(), *TOLD, complaint("2023-09-26", datetime(2023, 9, 27, tzinfo=UTC)))
    entry = max(int(version) for version in given.case.noted)
    right = {"entry": entry, "field": "received_on", "value": "2023-09-25", "reason": "Poststempelet."}
    corrected = given.and_then(Step("correct", right, role="case-officer"))
    corrected.when(answer("dismissed")).refused(NotAllowed)
    corrected.when(answer("forwarded")).then(ComplaintAnswered)


def test_l9_a_reduction_that_has_not_been_told_yet_is_not_complained_of_too_late() -> None:
    notice = {"reason": "Nye opplysninger.", "answer_by": "2023-09-20"}
    given = Given(with_appeal(), *granted(), STANDARD, Step("notify-reversal", notice, role="case-officer"))
    given = given.and_then(REDUCE.when(datetime(2023, 11, 1, tzinfo=UTC)), complaint())
    assert given.case.complaints[0].in_time


def test_l5_without_prior_notice_in_the_regime_a_told_grant_is_reversed_or_reduced_at_once() -> None:
    call = with_regime("prior_notice = true", "prior_notice = false")
    given = Given(call, *granted(), letter())
    given.when(REVERSE).then(FrameReleased, DecisionReversed)
    Given(call, *granted(), letter()).when(REDUCE).then(FrameReleased, GrantReduced)
    Given(call_2023(), *granted(), letter()).when(REDUCE).refused(NotReady)


@pytest.mark.parametrize("prior_notice", [True, False])
def test_l5_a_claim_needs_prior_notice_where_the_regime_asks_for_it(*, prior_notice: bool) -> None:
    call = call_2023() if prior_notice else with_regime("prior_notice = true", "prior_notice = false")
    given = Given(call, *paid(), report(accounts=CHEAPER))
    digest = report_of(given).digest
    given = given.and_then(sign(digest), countersign(digest), accept())
    outcome = given.when(Step("claim-repayment", CLAIM, role="decider"))
    if prior_notice:
        outcome.refused(NotReady)
    else:
        outcome.then(RepaymentClaimed)


@pytest.mark.parametrize(
    "step", [grant(), reject(), Step("dismiss", {"cause": "too-late", **ON}, role="decider")]
)
def test_l6_where_the_regime_asks_for_no_grounds_they_may_be_empty_and_only_there(step: Step) -> None:
    empty = step.saying(grounds=NO_GROUNDS)
    Given(call_2023(), *TO_DECIDE).when(empty).refused(BadRequest)
    outcome = Given(with_regime("grounds = true", "grounds = false"), *TO_DECIDE).when(empty)
    assert outcome.refusal is None


def test_l6_where_the_regime_asks_for_no_grounds_they_may_still_be_given() -> None:
    given = Given(with_regime("grounds = true", "grounds = false"), *TO_DECIDE)
    case = given.when(reject()).then(ApplicationRejected)
    assert case.decision is not None
    assert case.decision.grounds.rule == GROUNDS["rule"]
