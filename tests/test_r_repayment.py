"""What was not spent comes back: notice first, then the claim, in parts if need be; then the case is closed (R34)."""

from datetime import UTC, datetime, timedelta

import pytest
from given import OWN, Given, Step
from reports import report_of, reported
from steps import ACCOUNTS, accept

from grantflow.domain.errors import BadRequest, NotAllowed, NotReady, RoleNotAllowed, StepNotAllowed
from grantflow.domain.repayment import RepaymentClaimed, RepaymentNotified, RepaymentReceived
from grantflow.domain.reporting import CaseClosed, ReportAccepted

FIRST, SECOND = ACCOUNTS["accounts"]["expenses"]
ANSWER_LIMIT = datetime(2024, 3, 1, 23, 0, tzinfo=UTC)
"""The first instant after 1 March 2024 in Oslo."""


def with_unspent() -> Given:
    """A case whose accepted accounts leave 300 000 kroner unspent, and a decider who has declared."""
    given = reported(accounts={"expenses": [FIRST]})
    decider = Step("declare-impartiality", {"conflict": False}, role="decider", person="imdi-claims")
    return given.and_then(accept(), decider)


def notified(answer_by: str = "2024-03-01") -> Step:
    data = {"answer_by": answer_by, "reason": "300 000 kroner er ikke brukt."}
    return Step("notify-repayment", data, role="case-officer")


def claimed(due: str = "2024-04-01") -> Step:
    data = {"due": due, "reason": "Ubrukte midler.", "authority": OWN["imdi-claims"]}
    return Step("claim-repayment", data, role="decider", person="imdi-claims", at=ANSWER_LIMIT)


def received(amount: str = "300000.00") -> Step:
    return Step("record-repayment", {"amount": amount, "bank_reference": "INN-1"}, role="case-officer")


def test_a_case_with_nothing_unspent_is_closed_with_its_report() -> None:
    case = reported().when(accept()).then(ReportAccepted, CaseClosed)
    assert (case.state, case.repayment) == ("closed", None)


def test_one_oere_unspent_keeps_the_case_open() -> None:
    given = reported(accounts={"expenses": [FIRST, {**SECOND, "amount": "299999.99"}]})
    case = given.when(accept()).then(ReportAccepted)
    assert case.state == "reported"
    assert case.repayment is not None
    assert case.repayment.unspent_ore == 1


def test_more_spent_than_granted_claims_nothing_back() -> None:
    given = reported(accounts={"expenses": [FIRST, {**SECOND, "amount": "400000.00"}]})
    assert given.when(accept()).then(ReportAccepted, CaseClosed).repayment is None


def test_what_the_money_does_not_fund_comes_back() -> None:
    given = reported(accounts={"expenses": [FIRST, {**SECOND, "class": "ordinary-investment"}]})
    case = given.when(accept()).then(ReportAccepted)
    assert case.repayment is not None
    assert case.repayment.unspent_ore == 30_000_000


def test_nothing_is_claimed_without_prior_notice() -> None:
    with_unspent().when(claimed()).refused(NotReady)


def test_nothing_is_claimed_before_the_time_to_answer_has_passed() -> None:
    given = with_unspent().and_then(notified())
    given.when(claimed().when(ANSWER_LIMIT - timedelta(microseconds=1))).refused(NotReady)
    outcome = given.when(claimed())
    outcome.then(RepaymentClaimed)
    event = outcome.events[0]
    assert isinstance(event, RepaymentClaimed)
    assert (event.amount_ore, event.stamp.authority) == (30_000_000, OWN["imdi-claims"])


def test_the_notice_says_how_much_and_by_when_to_answer() -> None:
    outcome = with_unspent().when(notified())
    outcome.then(RepaymentNotified)
    event = outcome.events[0]
    assert isinstance(event, RepaymentNotified)
    assert (event.amount_ore, event.answer_limit) == (30_000_000, ANSWER_LIMIT)


@pytest.mark.parametrize("step", [notified("2024-01-14"), notified("2023-12-31")])
def test_a_notice_gives_time_to_answer(step: Step) -> None:
    with_unspent().when(step).refused(NotAllowed)


def test_a_claim_gives_time_to_pay() -> None:
    with_unspent().and_then(notified()).when(claimed("2024-03-01")).refused(NotAllowed)


def test_notice_and_claim_say_why_and_the_claim_on_whose_authority() -> None:
    with_unspent().when(notified().saying(reason=" ")).refused(BadRequest)
    with_unspent().and_then(notified()).when(claimed().saying(reason=" ")).refused(BadRequest)
    with_unspent().and_then(notified()).when(claimed().saying(authority=" ")).refused(BadRequest)


def test_a_claim_is_made_once_and_not_announced_afterwards() -> None:
    given = with_unspent().and_then(notified(), claimed())
    given.when(claimed().when(given.now)).refused(NotAllowed)
    given.when(notified("2024-05-01")).refused(NotAllowed)


def test_nothing_is_received_before_it_is_claimed() -> None:
    with_unspent().when(received()).refused(NotReady)
    with_unspent().and_then(notified()).when(received()).refused(NotReady)


def test_the_case_is_closed_by_the_last_part_that_comes_back() -> None:
    given = with_unspent().and_then(notified(), claimed())
    outcome = given.when(received("100000.00"))
    assert outcome.then(RepaymentReceived).state == "reported"
    event = outcome.events[0]
    assert isinstance(event, RepaymentReceived)
    assert event.outstanding_ore == 20_000_000
    given.when(received("199999.99")).then(RepaymentReceived)
    assert given.when(received("0.01")).then(RepaymentReceived, CaseClosed).state == "closed"


def test_no_more_comes_back_than_is_outstanding() -> None:
    given = with_unspent().and_then(notified(), claimed(), received("100000.00"))
    refusal = given.when(received("200000.01")).refused(NotAllowed)
    assert "200\N{NO-BREAK SPACE}000\N{NO-BREAK SPACE}kr" in refusal.detail


@pytest.mark.parametrize("amount", ["0.00", "-1.00", "100"])
def test_what_comes_back_is_an_amount_above_zero_with_the_banks_reference(amount: str) -> None:
    given = with_unspent().and_then(notified(), claimed())
    given.when(received(amount)).refused(BadRequest)
    given.when(received().saying(bank_reference="")).refused(BadRequest)


def test_an_accepted_report_is_not_returned_or_accepted_again_while_money_is_outstanding() -> None:
    given = with_unspent()
    returned = Step("return-report", {"reason": "Bilag mangler."}, role="case-officer")
    given.when(returned).refused(NotAllowed)
    given.when(accept()).refused(NotAllowed)
    assert report_of(given).accepted_by == "imdi-case-officer"


def test_nothing_is_claimed_before_the_report_is_accepted() -> None:
    given = reported(accounts={"expenses": [FIRST]})
    given.when(notified()).refused(NotReady)


def test_a_municipality_claims_nothing_and_records_nothing() -> None:
    given = with_unspent()
    for step in (notified(), claimed(), received()):
        given.when(Step(step.name, step.data, role="applicant", at=ANSWER_LIMIT)).refused(RoleNotAllowed)


def test_a_closed_case_has_ended() -> None:
    given = with_unspent().and_then(notified(), claimed(), received())
    for step in (received(), notified("2024-05-01"), accept()):
        given.when(step).refused(StepNotAllowed)
