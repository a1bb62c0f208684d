"""Pay in step with need, get back what is overpaid; reports of all with the reason; state aid assessed (L14-L16)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from given import Given, Step
from reports import report_of, reported
from steps import (
    accept,
    assess,
    assessed,
    attest,
    authorise,
    call_2023,
    confirm,
    countersign,
    declared,
    grant,
    granted,
    letter,
    paid,
    report,
    scores,
    sign,
    state_aid,
    submitted,
)

from grantflow.domain.call import CALL, Call, DefinitionError
from grantflow.domain.conditions import ConditionMet, ConditionWaived
from grantflow.domain.decision import ApplicationGranted
from grantflow.domain.errors import (
    BadRequest,
    NotAllowed,
    NotFound,
    NotReady,
    RoleNotAllowed,
    StepNotAllowed,
)
from grantflow.domain.frame import FrameCommitted
from grantflow.domain.payment import PaymentAttested, PaymentConfirmed
from grantflow.domain.repayment import RepaymentClaimed, RepaymentReceived
from grantflow.domain.reporting import CaseClosed, ReportAccepted
from grantflow.domain.state_aid import StateAidAssessed

MICROSECOND = timedelta(microseconds=1)
NOVEMBER = datetime(2023, 10, 31, 23, 0, tzinfo=UTC)
"""The first instant of 1 November 2023 in Oslo."""
CONDITION: dict[str, Any] = {"id": "plan", "text": "Send revidert plan.", "due": "2023-10-01"}
BLOCKING = {**CONDITION, "blocking": True}
PARTS = [{"amount": "500000.00"}, {"amount": "300000.00", "due": "2023-11-01"}]
MET = Step(
    "accept-condition", {"condition": "plan", "evidence": "Planen av 20.09.2023."}, role="case-officer"
)
WAIVED = Step("waive-condition", {"condition": "plan", "reason": "Ikke aktuelt lenger."}, role="decider")


def to_pay(**data: Any) -> Given:
    """A grant that has been told, with whoever attests and pays declared."""
    given = Given(call_2023(), *granted(**data), letter())
    return given.and_then(declared("attestant"), declared("payer"))


def first_paid() -> Given:
    return to_pay(instalments=PARTS).and_then(attest("500000.00"), authorise(), confirm())


def test_l14_a_grant_is_paid_in_instalments_each_from_its_own_day_in_oslo() -> None:
    given = first_paid()
    assert (given.case.state, given.case.paid_ore) == ("granted", 50_000_000)
    given.when(attest("300000.00").when(NOVEMBER - MICROSECOND)).refused(NotReady)
    given.when(attest("300000.00").when(NOVEMBER)).then(PaymentAttested)
    case = given.and_then(authorise()).when(confirm()).then(PaymentConfirmed)
    assert (case.state, case.paid_ore, case.instalments_paid) == ("paid", 80_000_000, 2)


def test_l14_each_return_of_the_bank_says_what_is_still_to_come() -> None:
    given = first_paid().and_then(attest("300000.00").when(NOVEMBER), authorise(), confirm())
    returns = [event for event in given.events if isinstance(event, PaymentConfirmed)]
    assert [(one.instalment, one.outstanding_ore) for one in returns] == [(1, 30_000_000), (2, 0)]
    given.when(attest("300000.00")).refused(StepNotAllowed)


def test_l14_no_instalment_is_taken_for_another_and_none_is_paid_before_the_last_has_come() -> None:
    given = to_pay(instalments=PARTS)
    given.when(attest("300000.00").when(NOVEMBER)).refused(NotAllowed)
    given.when(attest("800000.00").when(NOVEMBER)).refused(NotAllowed)
    on_its_way = given.and_then(attest("500000.00").when(NOVEMBER), authorise())
    on_its_way.when(attest("300000.00")).refused(NotAllowed)


@pytest.mark.parametrize("last", ["299999.99", "300000.01"])
def test_l14_the_instalments_come_to_the_grant_and_no_more(last: str) -> None:
    given = Given(call_2023(), *assessed(), declared("decider"))
    given.when(grant(instalments=[PARTS[0], {"amount": last}])).refused(NotAllowed)


def test_l14_an_instalment_waits_for_a_condition_that_the_grant_sets() -> None:
    parts = [{"amount": "500000.00"}, {"amount": "300000.00", "condition": "plan"}]
    given = Given(call_2023(), *assessed(), declared("decider"))
    given.when(grant(instalments=parts)).refused(BadRequest)
    waiting = to_pay(conditions=[CONDITION], instalments=parts).and_then(
        attest("500000.00"), authorise(), confirm()
    )
    assert "plan" in waiting.when(attest("300000.00")).refused(NotReady).detail
    waiting.and_then(MET).when(attest("300000.00")).then(PaymentAttested)


@pytest.mark.parametrize("settle", [MET, WAIVED], ids=["met", "waived"])
def test_l14_nothing_is_paid_while_a_blocking_condition_is_open(settle: Step) -> None:
    given = to_pay(conditions=[BLOCKING])
    given.when(attest()).refused(NotReady)
    given.and_then(settle).when(attest()).then(PaymentAttested)
    to_pay(conditions=[CONDITION]).when(attest()).then(PaymentAttested)


def test_l14_a_condition_is_met_by_evidence_or_waived_with_a_reason_once() -> None:
    given = to_pay(conditions=[BLOCKING])
    given.when(MET.saying(evidence=" ")).refused(BadRequest)
    given.when(WAIVED.saying(reason=" ")).refused(BadRequest)
    given.when(MET.saying(condition="another")).refused(NotFound)
    given.when(WAIVED.by("imdi-case-officer", "case-officer")).refused(RoleNotAllowed)
    given.and_then().when(WAIVED).then(ConditionWaived)
    case = given.and_then().when(MET).then(ConditionMet)
    assert case.conditions["plan"].why == "Planen av 20.09.2023."
    given.and_then(MET).when(WAIVED).refused(NotAllowed)


def test_l14_what_was_paid_and_not_spent_comes_back_before_the_case_closes() -> None:
    cheaper = {
        "expenses": [{"text": "L", "booked_on": "2023-11-30", "amount": "700000.00", "class": "project"}]
    }
    given = reported(accounts=cheaper)
    given.when(accept()).then(ReportAccepted)
    notice = {"answer_by": "2024-03-01", "reason": "Ubrukt."}
    claim = {"due": "2024-04-01", "reason": "Ubrukt.", "authority": "IMDi-2023-014"}
    given = given.and_then(
        Step("notify-repayment", notice, role="case-officer"), Step("answer-notice", {"answer": "Greit."})
    )
    given.when(Step("claim-repayment", claim, role="decider")).then(RepaymentClaimed)
    back = Step("record-repayment", {"amount": "99999.99", "bank_reference": "B"}, role="payer")
    given.when(back.saying(amount="100000.01")).refused(NotAllowed)
    given.when(back).then(RepaymentReceived)
    assert given.when(back.saying(amount="0.01")).then(RepaymentReceived, CaseClosed).state == "closed"


def test_l14_what_a_reduction_leaves_overpaid_comes_back_too() -> None:
    notice = {"reason": "Brudd på vilkår.", "answer_by": "2024-01-31"}
    given = Given(call_2023(), *paid(), Step("notify-reversal", notice, role="case-officer"))
    given = given.and_then(Step("answer-notice", {"answer": "Vi ser det."}))
    on = {"case_of_35": "reserved", "authority": "IMDi-2023-014", "grounds": granted()[-1].data["grounds"]}
    given = given.and_then(Step("reduce", {"amount": "600000.00", **on}, role="decider"))
    given = given.and_then(Step("issue-letter", role="decider"), *_delivered(given))
    given.when(accept()).then(ReportAccepted)
    assert given.case.repayment is not None
    assert given.case.repayment.unspent_ore == 20_000_000


def _delivered(given: Given) -> tuple[Step, ...]:
    digest = report_of(given.and_then(report())).digest
    return report(), sign(digest), countersign(digest)


def test_l15_everyone_reports_and_the_call_says_why_and_against_which_rule() -> None:
    reporting = call_2023().declared.reporting
    assert reporting is not None
    assert reporting.everyone
    assert reporting.reason.strip()
    assert "6.4.1" in reporting.source


def test_l15_an_override_of_the_rule_of_proportion_without_a_reason_is_no_definition() -> None:
    files = call_2023().files
    line = next(line for line in files[CALL].splitlines() if line.startswith('reason = "The call asks every'))
    with pytest.raises(DefinitionError):
        Call.read({**files, CALL: files[CALL].replace(line + "\n", "")})


def test_l15_a_small_grant_too_ends_with_its_report_and_not_before() -> None:
    given = Given(call_2023(), *paid())
    assert given.case.paid_ore < 100_000_000
    given.when(Step("close", role="clock", person="clock")).refused(StepNotAllowed)
    given.when(accept()).refused(StepNotAllowed)
    assert reported().when(accept()).then(ReportAccepted, CaseClosed).state == "closed"


def without_assessment() -> tuple[Step, ...]:
    return tuple(step for step in (*assessed(), declared("decider")) if step.name != "assess-state-aid")


def test_l16_nothing_is_granted_before_the_award_is_assessed_as_state_aid() -> None:
    given = Given(call_2023(), *without_assessment())
    assert "assess-state-aid" in given.when(grant()).refused(NotReady).detail
    given.and_then(state_aid()).when(grant()).then(FrameCommitted, ApplicationGranted)


def test_l16_a_call_that_asks_for_no_assessment_grants_without_one() -> None:
    files = call_2023().files
    declared_ = files[CALL].replace("[state_aid]\nrequired = true", "[state_aid]\nrequired = false")
    given = Given(Call.read({**files, CALL: declared_}), *without_assessment())
    given.when(grant()).then(FrameCommitted, ApplicationGranted)


@pytest.mark.parametrize("conclusion", ["no-aid", "de-minimis", "block-exemption", "notified"])
def test_l16_the_assessment_is_recorded_with_its_conclusion_grounds_and_who_made_it(conclusion: str) -> None:
    given = Given(call_2023(), *submitted(), declared(), *scores(), assess())
    case = given.when(state_aid().saying(conclusion=conclusion, grounds="Vurdert.")).then(StateAidAssessed)
    assert case.state_aid is not None
    assert (case.state_aid.conclusion, case.state_aid.grounds) == (conclusion, "Vurdert.")
    assert case.state_aid.person == "imdi-case-officer"


def test_l16_an_assessment_without_grounds_or_with_another_conclusion_is_refused() -> None:
    given = Given(call_2023(), *submitted(), declared())
    given.when(state_aid().saying(grounds=" ")).refused(BadRequest)
    given.when(state_aid().saying(conclusion="perhaps")).refused(BadRequest)
    given.when(state_aid().by("p", "decider")).refused(RoleNotAllowed)
