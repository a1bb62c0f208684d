"""Payment, report, accounts and what comes back (R14, R15, R23-R27; fvl § 16), and the hands they pass through."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from given import REPORT_DEADLINE, Given, Step
from steps import (
    ACCOUNT,
    AFTER_DEADLINE,
    accept,
    approved,
    assess,
    attest,
    authorise,
    call_2023,
    confirm,
    countersign,
    declared,
    drafted,
    grant,
    granted,
    letter,
    paid,
    report,
    scores,
    sign,
    submit,
    submitted,
)

from grantflow.domain.errors import (
    ApprovalOutdated,
    NotAllowed,
    NotReady,
    RulesFailed,
    SamePerson,
    StepNotAllowed,
)
from grantflow.domain.payment import AccountRegistered, PaymentAttested, PaymentAuthorised, PaymentConfirmed
from grantflow.domain.repayment import RepaymentClaimed, RepaymentNotified, RepaymentReceived
from grantflow.domain.reporting import (
    AccountsCountersigned,
    CaseClosed,
    ReportAccepted,
    ReportReturned,
    ReportSubmitted,
)

CONDITION = {"id": "metodehefte", "text": "Lever metodeheftet.", "due": "2023-12-15"}
EXEMPTION = {
    "reference": "AID 23/4711",
    "decided_by": "departementet",
    "valid_from": "2023-10-01",
    "valid_to": "2024-06-30",
}
OUTSIDE = {"project": {"outside_acts": True}, "declarations": {"applies_for_exemption": True}}
NOTICE = Step(
    "notify-repayment", {"answer_by": "2024-03-15", "reason": "Ubrukte midler."}, role="case-officer"
)
CLAIM = Step(
    "claim-repayment",
    {"due": "2024-04-30", "reason": "Ubrukte midler.", "authority": "IMDi-2023-014"},
    role="decider",
)
LATER = datetime(2024, 1, 20, 9, tzinfo=UTC)
MARCH = datetime(2024, 3, 1, 9, tzinfo=UTC)


def registered(account: str = ACCOUNT) -> Step:
    return Step("register-account", {"account": account}, role="case-officer")


def repaid(amount: str) -> Step:
    return Step("record-repayment", {"amount": amount, "bank_reference": "INN-1"}, role="payer")


def reported(**changes: Any) -> Given:
    given = Given(call_2023(), *paid(), report(**changes))
    digest = given.case.report.digest if given.case.report else ""
    return given.and_then(sign(digest), countersign(digest))


def underspent() -> Given:
    """500 000 of the 800 000 kroner are booked; the report is accepted."""
    line = {"text": "Prosjektleder", "booked_on": "2023-11-30", "amount": "500000.00", "class": "project"}
    return reported(accounts={"expenses": [line]}).and_then(accept())


def test_r23_nothing_is_paid_before_the_deadline_has_passed() -> None:
    early = (
        *submitted(),
        declared(),
        *scores(),
        registered(),
        assess(),
        declared("decider"),
        grant(),
        letter(),
    )
    given = Given(call_2023(), *early, declared("attestant"))
    given.when(attest()).refused(NotReady)
    given.when(attest().when(AFTER_DEADLINE)).then(PaymentAttested)


def test_r23_nothing_is_paid_before_a_decision() -> None:
    given = Given(call_2023(), *submitted(), declared("attestant").when(AFTER_DEADLINE))
    given.when(attest()).refused(StepNotAllowed)


def test_r23_nothing_is_paid_before_the_letter() -> None:
    Given(call_2023(), *granted(), declared("attestant")).when(attest()).refused(NotReady)


def test_r23_nothing_is_paid_without_the_recipients_account() -> None:
    history = (
        *submitted(),
        declared().when(AFTER_DEADLINE),
        *scores(),
        assess(),
        declared("decider"),
        grant(),
    )
    given = Given(call_2023(), *history, letter(), declared("attestant"))
    given.when(attest()).refused(NotReady)
    given.and_then(registered()).when(attest()).then(PaymentAttested)


@pytest.mark.parametrize("account", ["12345678901", "1234567890", "1234.56.78903", ""])
def test_an_account_number_that_is_none_is_refused(account: str) -> None:
    Given(call_2023(), *granted()).when(registered(account)).refused(NotAllowed)


def test_what_is_attested_is_what_the_letter_grants() -> None:
    given = Given(call_2023(), *granted(), letter(), declared("attestant"))
    given.when(attest("799999.99")).refused(NotAllowed)
    given.when(attest()).then(PaymentAttested)


def test_a_changed_account_must_be_attested_again() -> None:
    given = Given(call_2023(), *granted(), letter(), declared("attestant"), attest(), declared("payer"))
    changed = given.and_then(registered("86011117947"))
    changed.when(authorise()).refused(NotReady)
    changed.and_then(attest()).when(authorise()).then(PaymentAuthorised)


def test_nothing_is_sent_to_the_bank_twice_and_the_account_is_fixed_from_then_on() -> None:
    given = Given(
        call_2023(), *granted(), letter(), declared("attestant"), attest(), declared("payer"), authorise()
    )
    for again in (authorise(), attest(), registered("86011117947")):
        given.when(again).refused(NotAllowed)
    given.and_then(confirm()).when(confirm()).refused(StepNotAllowed)
    given.when(confirm()).then(PaymentConfirmed)


def test_r15_a_measure_outside_the_acts_is_not_paid_before_the_ministrys_exemption() -> None:
    start = (
        *drafted(**OUTSIDE),
        approved(),
        submit(),
        declared().when(AFTER_DEADLINE),
        *scores(),
        registered(),
    )
    given = Given(
        call_2023(), *start, assess(), declared("decider"), grant(), letter(), declared("attestant")
    )
    given.when(attest()).refused(NotReady)
    exempted = Step("record-exemption", {"exemption": EXEMPTION}, role="case-officer")
    backwards = exempted.saying(exemption={**EXEMPTION, "valid_to": "2023-09-30"})
    given.when(backwards).refused(NotAllowed)
    given.and_then(exempted).when(attest()).then(PaymentAttested)


def test_r14_a_special_condition_must_be_answered_in_the_report() -> None:
    given = Given(call_2023(), *paid(conditions=[CONDITION]))
    given.when(report()).refused(RulesFailed, "conditions-answered")
    given.when(report(report={"conditions": [{"id": "metodehefte", "answer": ""}]})).refused(RulesFailed)
    given.when(report(report={"conditions": [{"id": "metodehefte", "answer": "Levert."}]})).then(
        ReportSubmitted
    )


def test_r24_a_report_delivered_in_time_is_not_late_and_a_later_one_is_received_with_its_days() -> None:
    for at, late in (
        (REPORT_DEADLINE - timedelta(microseconds=1), 0),
        (REPORT_DEADLINE, 1),
        (REPORT_DEADLINE + timedelta(days=1), 2),
    ):
        given = Given(call_2023(), *paid(), report())
        digest = given.case.report.digest if given.case.report else ""
        case = given.and_then(sign(digest)).when(countersign(digest).when(at)).then(AccountsCountersigned)
        assert case.report is not None
        assert case.report.days_late == late


@pytest.mark.parametrize("part", ["results_by_goal", "use_of_money"])
def test_r25_a_report_silent_on_goals_or_money_is_refused(part: str) -> None:
    Given(call_2023(), *paid()).when(report(report={part: ""})).refused(RulesFailed, "report-answers-goals")


@pytest.mark.parametrize("day", ["2022-12-31", "2024-01-01"])
def test_r26_a_line_booked_outside_2023_is_refused(day: str) -> None:
    line = {"text": "Lønn", "booked_on": day, "amount": "1.00"}
    given = Given(call_2023(), *paid())
    expense = {"expenses": [{**line, "class": "project"}]}
    given.when(report(accounts=expense)).refused(RulesFailed, "booked-in-grant-year")
    given.when(report(accounts={"income": [line]})).refused(RulesFailed, "booked-in-grant-year")


@pytest.mark.parametrize("day", ["2023-01-01", "2023-12-31"])
def test_r26_the_first_and_the_last_day_of_2023_are_in_it(day: str) -> None:
    line = {"text": "Lønn", "booked_on": day, "amount": "1.00", "class": "project"}
    Given(call_2023(), *paid()).when(report(accounts={"expenses": [line]})).then(ReportSubmitted)


def test_r27_two_people_sign_the_same_accounts() -> None:
    given = Given(call_2023(), *paid(), report())
    digest = given.case.report.digest if given.case.report else ""
    given.when(countersign(digest)).refused(NotReady)
    given.when(sign("0" * 64)).refused(ApprovalOutdated)
    signed = given.and_then(sign(digest))
    signed.when(countersign(digest).by("kommune-project-lead")).refused(SamePerson)
    signed.when(countersign("0" * 64)).refused(ApprovalOutdated)
    signed.when(countersign(digest)).then(AccountsCountersigned)


def test_r27_a_report_delivered_anew_must_be_signed_anew() -> None:
    given = Given(call_2023(), *paid(), report())
    first = given.case.report.digest if given.case.report else ""
    again = given.and_then(sign(first), report(report={"participants_reached": 23}).when(LATER))
    assert again.case.report is not None
    assert again.case.report.signed_by == ""
    again.when(countersign(again.case.report.digest)).refused(NotReady)


def test_a_returned_report_is_delivered_and_signed_again() -> None:
    given = reported()
    back = Step("return-report", {"reason": "Skriv hvor mange som er i arbeid."}, role="case-officer")
    case = given.when(back).then(ReportReturned)
    assert case.state == "paid"
    given.when(sign(case.report.digest if case.report else "")).refused(NotReady)
    given.and_then(report(report={"participants_reached": 20}).when(LATER))


def test_what_is_left_unspent_is_claimed_after_notice_and_comes_back_in_parts() -> None:
    given = underspent()
    assert given.case.repayment is not None
    assert given.case.repayment.unspent_ore == 30_000_000
    given.when(CLAIM.when(MARCH)).refused(NotReady)
    given.when(NOTICE.when(MARCH)).then(RepaymentNotified)
    given.when(CLAIM.when(MARCH + timedelta(days=1))).refused(NotReady)
    given.when(CLAIM.when(MARCH + timedelta(days=15))).then(RepaymentClaimed)
    given.when(repaid("300000.01")).refused(NotAllowed)
    given.when(repaid("100000.00")).then(RepaymentReceived)
    assert given.case.state == "reported"
    case = given.when(repaid("200000.00")).then(RepaymentReceived, CaseClosed)
    assert case.state == "closed"


def test_a_case_with_nothing_unspent_closes_when_the_report_is_accepted() -> None:
    reported().when(accept()).then(ReportAccepted, CaseClosed)


def test_nothing_is_claimed_or_recorded_as_paid_back_before_its_time() -> None:
    reported().when(NOTICE.when(MARCH)).refused(NotReady)
    underspent().when(repaid("1.00")).refused(NotReady)


def test_an_account_registered_again_keeps_the_one_before() -> None:
    given = Given(call_2023(), *granted())
    given.when(registered("86011117947")).then(AccountRegistered)
    event = given.events[-1]
    assert isinstance(event, AccountRegistered)
    assert (event.previous, event.account) == (ACCOUNT, "86011117947")
