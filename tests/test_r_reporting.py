"""Report and accounts: what they answer, what they may list, who signs (R14, R25-R27)."""

import pytest
from given import STAVANGER, Given, Step
from reports import delivered, report_of, reported, signed
from steps import ACCOUNTS, accept, call_2023, countersign, granted, paid, report, sign

from grantflow.domain.errors import (
    ApprovalOutdated,
    BadRequest,
    NotAllowed,
    NotReady,
    NotYourCase,
    RoleNotAllowed,
    RulesFailed,
    SamePerson,
    StepNotAllowed,
)
from grantflow.domain.reporting import (
    AccountsCountersigned,
    AccountsSigned,
    CaseClosed,
    ReportAccepted,
    ReportReturned,
    ReportSubmitted,
)

CONDITION = {"id": "metodehefte", "text": "Lever metodeheftet.", "due": "2024-02-01"}
FIRST, SECOND = ACCOUNTS["accounts"]["expenses"]
INCOME = ACCOUNTS["accounts"]["income"][0]


def returned() -> Step:
    return Step("return-report", {"reason": "Bilag mangler."}, role="case-officer")


def test_r14_each_special_condition_is_answered_in_the_report() -> None:
    given = Given(call_2023(), *paid(conditions=[CONDITION, {**CONDITION, "id": "samling"}]))
    one = [{"id": "metodehefte", "answer": "Levert."}]
    both = [*one, {"id": "samling", "answer": "Holdt i november."}]
    given.when(report()).refused(RulesFailed, "conditions-answered")
    given.when(report(report={"conditions": one})).refused(RulesFailed, "conditions-answered")
    given.when(report(report={"conditions": both})).then(ReportSubmitted)


def test_r14_a_blank_answer_is_no_answer() -> None:
    given = Given(call_2023(), *paid(conditions=[CONDITION]))
    blank = [{"id": "metodehefte", "answer": " "}]
    given.when(report(report={"conditions": blank})).refused(RulesFailed, "conditions-answered")


@pytest.mark.parametrize("field", ["results_by_goal", "use_of_money"])
@pytest.mark.parametrize("text", ["", " \n"])
def test_r25_a_report_that_leaves_out_the_goals_or_the_money_is_refused(field: str, text: str) -> None:
    Given(call_2023(), *paid()).when(report(report={field: text})).refused(
        RulesFailed, "report-answers-goals"
    )


def test_r25_a_report_keeps_what_it_said() -> None:
    assert report_of(delivered()).content == ACCOUNTS


@pytest.mark.parametrize("day", ["2022-12-31", "2024-01-01", "2024-01-02", "1923-06-01"])
@pytest.mark.parametrize("side", ["expenses", "income"])
def test_r26_a_line_booked_outside_the_grant_year_is_refused(side: str, day: str) -> None:
    line = {"expenses": FIRST, "income": INCOME}[side]
    step = report(accounts={side: [{**line, "booked_on": day}]})
    Given(call_2023(), *paid()).when(step).refused(RulesFailed, "booked-in-grant-year")


def test_r26_the_first_and_the_last_day_of_the_grant_year_belong_to_it() -> None:
    lines = [{**FIRST, "booked_on": "2023-01-01"}, {**SECOND, "booked_on": "2023-12-31"}]
    assert report_of(delivered(accounts={"expenses": lines})).booked_ore == 80_000_000


@pytest.mark.parametrize("day", ["2023-02-30", "2023-1-1", "31.12.2023"])
def test_r26_a_line_is_booked_on_a_day_that_exists(day: str) -> None:
    step = report(accounts={"expenses": [{**FIRST, "booked_on": day}]})
    Given(call_2023(), *paid()).when(step).refused(RulesFailed)


def test_r12_expenses_of_ordinary_operation_are_booked_and_not_counted_as_eligible() -> None:
    lines = [FIRST, {**SECOND, "class": "ordinary-operation"}]
    assert report_of(delivered(accounts={"expenses": lines})).booked_ore == 50_000_000


def test_nothing_is_reported_before_payment() -> None:
    Given(call_2023(), *granted()).when(report()).refused(StepNotAllowed)


def test_another_municipality_does_not_report() -> None:
    Given(call_2023(), *paid()).when(report().of(STAVANGER)).refused(NotYourCase)


def test_r27_the_project_lead_and_a_superior_sign_the_same_report() -> None:
    given, digest = signed()
    case = given.when(countersign(digest)).then(AccountsCountersigned)
    assert case.state == "reported"
    assert (report_of(given).signed_by, report_of(given).countersigned_by) == (
        "kommune-project-lead",
        "kommune-superior",
    )


def test_r27_one_person_does_not_sign_twice_whatever_roles_they_hold() -> None:
    given, digest = signed()
    given.when(countersign(digest).by("kommune-project-lead")).refused(SamePerson)


def test_r27_the_superior_does_not_sign_before_the_project_lead() -> None:
    given = delivered()
    given.when(countersign(report_of(given).digest)).refused(NotReady)


def test_r27_nobody_else_signs() -> None:
    given = delivered()
    digest = report_of(given).digest
    given.when(sign(digest).by("p", "applicant")).refused(RoleNotAllowed)
    given.when(countersign(digest).by("p", "director")).refused(RoleNotAllowed)


def test_r27_what_is_signed_is_what_was_read() -> None:
    given, _ = signed()
    given.when(countersign("0" * 64)).refused(ApprovalOutdated)
    delivered().when(sign("0" * 64)).refused(ApprovalOutdated)


def test_r27_a_report_delivered_anew_is_signed_anew() -> None:
    given, old = signed()
    given.when(report(report={"participants_reached": 23}).when(given.now)).then(ReportSubmitted)
    given.when(countersign(old)).refused(ApprovalOutdated)
    given.when(countersign(report_of(given).digest)).refused(NotReady)


def test_r27_a_report_is_signed_once() -> None:
    given, digest = signed()
    given.when(sign(digest)).refused(NotAllowed)


def test_r27_nothing_is_signed_that_is_not_there() -> None:
    Given(call_2023(), *paid()).when(sign("0" * 64)).refused(NotReady)


def test_a_returned_report_is_delivered_and_signed_again_by_both() -> None:
    given = reported()
    old = report_of(given).digest
    case = given.when(returned()).then(ReportReturned)
    assert (case.state, report_of(given).signed_by, report_of(given).countersigned_by) == ("paid", "", "")
    given.when(sign(old)).refused(NotReady)
    given.when(report().when(given.now)).then(ReportSubmitted)
    given.when(sign(old)).then(AccountsSigned)
    assert given.when(countersign(old)).then(AccountsCountersigned).state == "reported"


def test_a_report_is_returned_with_the_reason() -> None:
    reported().when(returned().saying(reason="")).refused(BadRequest)


def test_a_report_is_accepted_once_and_then_not_returned() -> None:
    given = reported()
    given.when(accept().saying(assessment="")).refused(BadRequest)
    given.when(accept()).then(ReportAccepted, CaseClosed)
    given.when(accept()).refused(StepNotAllowed)
    given.when(returned()).refused(StepNotAllowed)


def test_nothing_is_accepted_before_both_have_signed() -> None:
    given, _ = signed()
    given.when(accept()).refused(StepNotAllowed)
