"""Payment: never too early, never another amount or account, never without the exemption (R15, R23)."""

from datetime import timedelta
from typing import Any

import pytest
from given import DEADLINE, OSLO_KOMMUNE, STAVANGER, Given, Step
from steps import (
    ACCOUNT,
    assess,
    assessed,
    attest,
    authorise,
    call_2023,
    confirm,
    declared,
    grant,
    granted,
    letter,
    paid,
    scores,
    state_aid,
    submitted,
)

from grantflow.domain.call import CALL, Call
from grantflow.domain.errors import (
    BadRequest,
    NotAllowed,
    NotReady,
    NotTheAuthority,
    RoleNotAllowed,
    StepNotAllowed,
)
from grantflow.domain.payment import (
    AccountRegistered,
    ExemptionRecorded,
    PaymentAttested,
    PaymentAuthorised,
    PaymentConfirmed,
)

OTHER_ACCOUNT = "86011117947"
CHECKED = "Ringte kommunens sentralbord og fikk kontoen bekreftet av økonomisjefen."
EXEMPTION = {
    "reference": "AID 23/2207",
    "decided_by": "Arbeids- og inkluderingsdepartementet",
    "valid_from": "2023-10-01",
    "valid_to": "2023-12-31",
}
OUTSIDE: dict[str, Any] = {
    "project": {"outside_acts": True},
    "declarations": {"applies_for_exemption": True},
}


def account(number: str = ACCOUNT) -> Step:
    return Step("register-account", {"account": number}, role="case-officer")


def exempted(**fields: Any) -> Step:
    return Step("record-exemption", {"exemption": {**EXEMPTION, **fields}}, role="case-officer")


def to_attest() -> Given:
    """A granted case with its letter, its account and an attestant who has declared."""
    return Given(call_2023(), *granted(), letter(), declared("attestant"))


def outside_the_acts(*steps: Step) -> Given:
    """The same, for a measure outside the acts; `steps` come just before."""
    given = Given(call_2023(), *assessed(**OUTSIDE), declared("decider"), grant(), letter(), *steps)
    return given.and_then(declared("attestant"))


def handled_early() -> Given:
    """A case that was handled so fast that its letter went out before the application deadline."""
    handled = (declared(), *scores(), account(), state_aid(), assess())
    return Given(
        call_2023(), *submitted(), *handled, declared("decider"), grant(), letter(), declared("attestant")
    )


def test_r23_nothing_is_paid_before_the_application_deadline_has_passed() -> None:
    given = handled_early()
    assert "29.08.2023 00.00" in given.when(attest()).refused(NotReady).detail
    given.when(attest().when(DEADLINE - timedelta(microseconds=1))).refused(NotReady)
    given.when(attest().when(DEADLINE)).then(PaymentAttested)


@pytest.mark.parametrize("step", [attest(), authorise(), confirm()], ids=lambda step: step.name)
@pytest.mark.parametrize("history", [submitted(), assessed()], ids=["submitted", "assessed"])
def test_r23_nothing_is_paid_before_a_decision(history: tuple[Step, ...], step: Step) -> None:
    Given(call_2023(), *history).when(step).refused(StepNotAllowed)


def test_r23_the_deadline_is_the_one_that_bounds_submission_whatever_its_name() -> None:
    call = call_2023()
    renamed = Call.read(
        {**call.files, CALL: call.files[CALL].replace('id = "application"', 'id = "soeknad"', 1)}
    )
    Given(renamed, *granted(), letter(), declared("attestant")).when(attest()).then(PaymentAttested)


def test_r23_nothing_is_paid_before_the_letter() -> None:
    given = Given(call_2023(), *granted(), declared("attestant"))
    assert "letter" in given.when(attest()).refused(NotReady).detail


def test_r23_nothing_is_paid_without_the_recipients_account() -> None:
    without = (step for step in granted() if step.name != "register-account")
    given = Given(call_2023(), *without, letter(), declared("attestant"))
    assert "account" in given.when(attest()).refused(NotReady).detail
    given.and_then(account().by("imdi-case-officer")).when(attest()).then(PaymentAttested)


def test_r23_a_rejected_case_is_not_paid() -> None:
    given = Given(call_2023(), *assessed(), declared("decider"))
    given.when(
        Step("reject", {"grounds": grant().data["grounds"], "authority": "IMDi-2023-014"}, role="decider")
    )
    given.when(attest()).refused(StepNotAllowed)


@pytest.mark.parametrize("amount", ["799999.99", "800000.01"])
def test_what_is_attested_is_what_the_letter_grants(amount: str) -> None:
    to_attest().when(attest(amount)).refused(NotAllowed)


def test_nothing_is_authorised_before_it_is_attested() -> None:
    to_attest().and_then(declared("payer")).when(authorise()).refused(NotReady)


def test_nothing_is_confirmed_before_it_is_authorised() -> None:
    to_attest().when(confirm()).refused(NotReady)
    to_attest().and_then(attest()).when(confirm()).refused(NotReady)


def test_what_the_bank_pays_is_what_was_attested_to_the_account_that_was_attested() -> None:
    given = to_attest().and_then(attest(), declared("payer"))
    outcome = given.when(authorise())
    outcome.then(PaymentAuthorised)
    event = outcome.events[0]
    assert isinstance(event, PaymentAuthorised)
    assert (event.amount_ore, event.account) == (80_000_000, ACCOUNT)
    case = given.when(confirm()).then(PaymentConfirmed)
    assert case.state == "paid"
    assert case.payment is not None
    assert (case.payment.bank_reference, case.payment.account) == ("BANK-1", ACCOUNT)


@pytest.mark.parametrize("said", [{"amount": "1.00"}, {"account": OTHER_ACCOUNT}])
def test_whoever_authorises_can_not_say_another_amount_or_account(said: dict[str, str]) -> None:
    given = to_attest().and_then(attest(), declared("payer"))
    given.when(authorise().saying(**said)).refused(BadRequest)


def test_an_account_changed_after_attestation_is_attested_again() -> None:
    given = to_attest().and_then(attest(), account(OTHER_ACCOUNT), declared("payer"))
    assert "attested again" in given.when(authorise()).refused(NotReady).detail
    checked = attest().saying(account_check=CHECKED)
    outcome = given.and_then(checked).when(authorise())
    outcome.then(PaymentAuthorised)
    event = outcome.events[0]
    assert isinstance(event, PaymentAuthorised)
    assert event.account == OTHER_ACCOUNT


def test_a_payment_to_an_account_that_was_changed_lately_says_how_that_was_checked() -> None:
    given = to_attest().and_then(account(OTHER_ACCOUNT))
    changed = given.now
    for check in ("", " "):
        step = attest().saying(account_check=check)
        assert "account_check" in given.when(step).refused(NotReady).detail
    outcome = given.when(attest().saying(account_check=CHECKED))
    outcome.then(PaymentAttested)
    event = outcome.events[0]
    assert isinstance(event, PaymentAttested)
    assert (event.account_changed_at, event.account_check) == (changed, CHECKED)


def test_a_change_of_account_is_looked_at_twice_for_thirty_days_and_not_longer() -> None:
    given = to_attest().and_then(account(OTHER_ACCOUNT))
    late = given.now + timedelta(days=30)
    given.and_then().when(attest().when(late - timedelta(microseconds=1))).refused(NotReady)
    given.when(attest().when(late)).then(PaymentAttested)


def test_the_first_account_is_no_change_of_account() -> None:
    outcome = to_attest().when(attest())
    outcome.then(PaymentAttested)
    event = outcome.events[0]
    assert isinstance(event, PaymentAttested)
    assert (event.account_changed_at, event.account_check) == (None, "")


def test_the_account_that_is_registered_is_not_registered_again() -> None:
    """So that nobody undoes an attestation, or the mark of a change, by saying what is known."""
    to_attest().when(account()).refused(NotAllowed)
    given = to_attest().and_then(account(OTHER_ACCOUNT))
    given.when(account(OTHER_ACCOUNT)).refused(NotAllowed)
    given.when(account()).then(AccountRegistered)


def test_nothing_is_changed_or_paid_twice_when_the_bank_has_it() -> None:
    given = to_attest().and_then(attest(), declared("payer"), authorise())
    given.when(account(OTHER_ACCOUNT)).refused(NotAllowed)
    given.when(attest()).refused(NotAllowed)
    given.when(authorise()).refused(NotAllowed)


def test_what_is_paid_is_not_paid_again() -> None:
    given = Given(call_2023(), *paid())
    for step in (attest(), authorise(), confirm(), account(OTHER_ACCOUNT)):
        given.when(step).refused(StepNotAllowed)


@pytest.mark.parametrize(
    "number", ["12345678904", "1234567890", "123456789031", "1234.56.78903", "", "1234567890x"]
)
def test_an_account_number_has_eleven_digits_and_the_last_one_checks_them(number: str) -> None:
    Given(call_2023(), *submitted(), declared()).when(account(number)).refused(NotAllowed)


def test_a_changed_account_keeps_the_one_before() -> None:
    outcome = Given(call_2023(), *submitted(), declared(), account()).when(account(OTHER_ACCOUNT))
    outcome.then(AccountRegistered)
    event = outcome.events[0]
    assert isinstance(event, AccountRegistered)
    assert (event.account, event.previous) == (OTHER_ACCOUNT, ACCOUNT)


def test_an_applicant_registers_no_account_and_pays_nothing() -> None:
    to_attest().when(account().by("p", "applicant").of(OSLO_KOMMUNE)).refused(RoleNotAllowed)
    to_attest().when(attest().by("p", "applicant").of(OSLO_KOMMUNE)).refused(RoleNotAllowed)


def test_a_bank_return_comes_for_the_directorate_alone() -> None:
    given = to_attest().and_then(attest(), declared("payer"), authorise())
    given.when(confirm().of(STAVANGER)).refused(NotTheAuthority)
    given.when(confirm()).then(PaymentConfirmed)


def test_a_confirmation_has_the_banks_reference() -> None:
    given = to_attest().and_then(attest(), declared("payer"), authorise())
    given.when(confirm().saying(bank_reference="")).refused(BadRequest)


def test_r15_a_measure_outside_the_acts_is_not_paid_before_its_exemption_is_recorded() -> None:
    assert "exemption" in outside_the_acts().when(attest()).refused(NotReady).detail
    outside_the_acts(exempted()).when(attest()).then(PaymentAttested)


def test_r15_the_municipality_may_record_the_ministrys_answer_itself() -> None:
    by_applicant = exempted().by("kommune-applicant", "applicant").of(OSLO_KOMMUNE)
    case = outside_the_acts().when(by_applicant).then(ExemptionRecorded)
    assert case.exemption is not None
    assert case.exemption.reference == "AID 23/2207"


@pytest.mark.parametrize("field", ["reference", "decided_by"])
def test_r15_an_exemption_has_its_reference_and_who_decided_it(field: str) -> None:
    outside_the_acts().when(exempted(**{field: " "})).refused(BadRequest)


def test_r15_an_exemption_does_not_end_before_it_begins() -> None:
    outside_the_acts().when(exempted(valid_to="2023-09-30")).refused(NotAllowed)


@pytest.mark.parametrize("period", [{"valid_from": "2023-10-02"}, {"valid_to": "2023-12-30"}])
def test_r15_an_exemption_that_does_not_cover_the_project_does_not_open_the_payment(
    period: dict[str, str],
) -> None:
    detail = outside_the_acts(exempted(**period)).when(attest()).refused(NotReady).detail
    assert "from 2023-10-01 to 2023-12-31; the exemption AID 23/2207 only holds" in detail


def test_r15_a_measure_within_the_acts_is_paid_without_an_exemption() -> None:
    to_attest().when(attest()).then(PaymentAttested)
